#include "relay/server/websocket_server.hpp"

#include <deque>

#include <gtest/gtest.h>

#include "relay/server/server_testing.hpp"

namespace kith::relay::server {
namespace {

using namespace std::chrono_literals;

/// Sends back what it hears, and remembers who is there; "bye" is the last it hears.
struct Echo final : SocketHandler {
  void on_open(SocketId socket, std::string const& client) override {
    open.emplace(socket, Bytes{});
    clients.push_back(client);
    last = socket;
  }
  void on_bytes(SocketId socket, ByteView bytes) override {
    longest = std::max(longest, bytes.size());
    heard += bytes.size();
    append(open.at(socket), bytes);
  }
  void on_closed(SocketId socket) override { EXPECT_EQ(open.erase(socket), 1U); }
  bool poll_transmit(SocketId socket, Bytes& out) override {
    ++polls;
    if (endless) out.assign(64 * 1024, 'x');
    if (!endless) append(out, std::exchange(open.at(socket), {}));
    if (text_of(out) == "bye") said_bye = true;
    return !out.empty();
  }
  bool reading(SocketId) const override { return !full; }
  bool done(SocketId) const override { return said_bye; }

  std::map<SocketId, Bytes> open;
  std::vector<std::string> clients;
  SocketId last;
  std::size_t longest = 0, heard = 0, polls = 0;
  bool endless = false, said_bye = false, full = false;
};

ServerSettings patient() { return {{"127.0.0.1", 0}, {}, {}, {}, {}}; }

struct WebSocketServerTest : ::testing::Test {
  void start(ServerSettings settings = patient()) { server.emplace(std::move(settings), nullptr, &echo); }
  RawClient connect() {
    RawClient client(server->port);
    EXPECT_TRUE(client.connected);
    return client;
  }
  RawClient upgraded() {
    auto client = connect();
    EXPECT_TRUE(client.upgrade());
    return client;
  }
  Echo echo;
  std::optional<ServerThread> server;
};

TEST_F(WebSocketServerTest, CarriesBinaryMessagesBothWays) {
  start();
  auto client = upgraded();
  client.send(RawClient::frame(2, "hello"));
  auto const back = client.receive_frame();
  EXPECT_EQ(back.opcode, 2U);
  EXPECT_EQ(back.payload, "hello");
  EXPECT_TRUE(RawClient(server->port).upgrade("/relay"));
}

TEST_F(WebSocketServerTest, HandsOverLargeMessagesInPieces) {
  start();
  auto client = upgraded();
  std::string const big(1'000'000, 'b');
  std::thread sender([&] { client.send(RawClient::frame(2, big)); });
  std::string back;
  RawClient::Frame frame;
  while (back.size() < big.size() && (frame = client.receive_frame()).opcode != 0) back += frame.payload;
  sender.join();
  EXPECT_EQ(back, big);
  EXPECT_LE(echo.longest, 64U * 1024);
  EXPECT_EQ(echo.heard, big.size());
}

TEST_F(WebSocketServerTest, RefusesOtherPathsAndKeepsServingTheRest) {
  start();
  auto client = connect();
  EXPECT_FALSE(client.upgrade("/elsewhere"));
  EXPECT_TRUE(client.answer.starts_with("HTTP/1.1 404 ")) << client.answer;
  upgraded();
}

TEST_F(WebSocketServerTest, ClosesTextAndMessagesThatAreTooLong) {
  auto settings = patient();
  settings.limits.max_message_bytes = 1000;
  start(settings);
  auto text = upgraded();
  text.send(RawClient::frame(1, "words"));
  auto closing = text.receive_frame();
  EXPECT_EQ(closing.opcode, 8U);
  EXPECT_EQ(closing.payload.substr(0, 2), std::string("\x03\xeb", 2));  // 1003, unsupported data
  auto large = upgraded();
  large.send(RawClient::frame(2, std::string(1001, 'x')));
  closing = large.receive_frame();
  EXPECT_EQ(closing.opcode, 8U);
  EXPECT_EQ(closing.payload.substr(0, 2), std::string("\x03\xf1", 2));  // 1009, too big
  auto parts = upgraded();
  parts.send(RawClient::frame(2, std::string(600, 'x'), false) + RawClient::frame(0, std::string(600, 'x')));
  while ((closing = parts.receive_frame()).opcode == 2 || closing.opcode == 0)
    if (parts.closed) break;
  EXPECT_EQ(closing.opcode, 8U);
}

TEST_F(WebSocketServerTest, ClosesWhenTheHandlerIsDoneAndAllIsSent) {
  start();
  auto client = upgraded();
  client.send(RawClient::frame(2, "bye"));
  EXPECT_EQ(client.receive_frame().payload, "bye");
  auto const closing = client.receive_frame();
  EXPECT_EQ(closing.opcode, 8U);
  client.send(RawClient::frame(8, closing.payload));
  EXPECT_TRUE(client.closed_within(5s));
  EXPECT_TRUE(server->soon([&](auto const&) { return echo.open.empty(); }));
}

TEST_F(WebSocketServerTest, TellsTheHandlerOfConnectionsThatBreak) {
  start();
  { auto const client = upgraded(); }
  EXPECT_TRUE(server->soon([&](auto const& counts) { return counts.websockets == 0 && echo.open.empty(); }));
}

TEST_F(WebSocketServerTest, SendsWhatTheHandlerGetsLaterWhenWoken) {
  start();
  auto client = upgraded();
  server->soon([](auto const& counts) { return counts.websockets == 1; });
  server->on_loop([&] {
    append(echo.open.at(echo.last), bytes_of("news"));
    server->server->wake(echo.last);
    server->server->wake({99});
  });
  EXPECT_EQ(client.receive_frame().payload, "news");
}

TEST_F(WebSocketServerTest, AsksForNoMoreThanASlowReaderTakes) {
  auto settings = patient();
  settings.limits.within_write = 1s;
  echo.endless = true;
  start(settings);
  RawClient client(server->port, 4096);
  ASSERT_TRUE(client.upgrade());
  std::this_thread::sleep_for(300ms);
  auto const before = server->on_loop([&] { return echo.polls; });
  EXPECT_LE(before, 100U);  // what the kernel takes, and one message more
  EXPECT_TRUE(server->soon([](auto const& counts) { return counts.websockets == 0 && counts.timed_out == 1; }));
  EXPECT_EQ(server->on_loop([&] { return echo.polls; }), before);
}

TEST_F(WebSocketServerTest, ReadsNoMoreThanTheHandlerTakes) {
  echo.full = true;
  start();
  auto client = upgraded();
  std::thread sender([&] {
    for (int i = 0; i < 64; ++i) client.send(RawClient::frame(2, std::string(1'000'000, 'b')));
  });
  std::this_thread::sleep_for(300ms);
  EXPECT_EQ(server->on_loop([&] { return echo.heard; }), 0U);
  server->on_loop([&] {
    echo.full = false;
    server->server->wake(echo.last);
  });
  std::size_t back = 0;
  for (RawClient::Frame frame; back < 64'000'000 && (frame = client.receive_frame()).opcode != 0;)
    back += frame.payload.size();
  sender.join();
  EXPECT_EQ(back, 64'000'000U);
}

TEST_F(WebSocketServerTest, PingsAndClosesThoseThatAreGone) {
  auto settings = patient();
  settings.limits.websocket_idle = 1s;
  start(settings);
  auto client = upgraded();
  EXPECT_EQ(client.receive_frame(3s).opcode, 9U);
  EXPECT_TRUE(client.closed_within(4s));
  EXPECT_TRUE(server->soon([](auto const& counts) { return counts.websockets == 0; }));
}

TEST_F(WebSocketServerTest, LimitsConnectionsInAll) {
  auto settings = patient();
  settings.limits.max_connections = 3;
  start(settings);
  std::deque<RawClient> clients;
  for (int i = 0; i < 3; ++i) clients.push_back(upgraded());
  auto extra = connect();
  EXPECT_TRUE(extra.response().starts_with("HTTP/1.1 503 "));
  EXPECT_TRUE(extra.closed_within(1s));
  clients.pop_front();
  EXPECT_TRUE(server->soon([](auto const& counts) { return counts.connections == 2; }));
  upgraded();
  EXPECT_EQ(server->counts().refused_full, 1U);
}

TEST_F(WebSocketServerTest, LimitsConnectionsOfOneClient) {
  auto settings = patient();
  settings.limits.connections_per_client = 2;
  start(settings);
  std::deque<RawClient> clients;
  clients.push_back(upgraded());
  clients.push_back(connect());
  EXPECT_TRUE(server->soon([](auto const& counts) { return counts.accepted == 2; }));
  EXPECT_TRUE(connect().response().starts_with("HTTP/1.1 429 "));
  clients.pop_back();
  EXPECT_TRUE(server->soon([](auto const& counts) { return counts.connections == 1; }));
  upgraded();
}

TEST_F(WebSocketServerTest, CountsTheClientsBehindATrustedProxy) {
  auto settings = patient();
  settings.limits.connections_per_client = 1;
  settings.trusted_proxies = {IpRange::parse("127.0.0.1").value()};
  start(settings);
  std::deque<RawClient> clients;
  for (auto const* address : {"203.0.113.1", "203.0.113.2", "2001:db8::1"}) {
    clients.push_back(connect());
    EXPECT_TRUE(clients.back().upgrade(
        "/", "X-Forwarded-For: 203.0.113.1\r\nX-Forwarded-For: " + std::string(address) + "\r\n"));
  }
  auto again = connect();
  EXPECT_FALSE(again.upgrade("/", "X-Forwarded-For: 2001:db8:0:00ff::9\r\n"));
  EXPECT_TRUE(again.answer.starts_with("HTTP/1.1 429 ")) << again.answer;
  EXPECT_EQ(server->on_loop([&] { return echo.clients; }),
            (std::vector<std::string>{"203.0.113.1", "203.0.113.2", "2001:db8::/56"}));
  clients.pop_back();
  EXPECT_TRUE(server->soon([](auto const& counts) { return counts.websockets == 2; }));
  EXPECT_TRUE(connect().upgrade("/", "X-Forwarded-For: 2001:db8::9\r\n"));
}

TEST_F(WebSocketServerTest, TakesNoNewConnectionsOnceItStopsListening) {
  start();
  auto client = upgraded();
  server->on_loop([&] { server->server->stop_listening(); });
  EXPECT_FALSE(RawClient(server->port).connected);
  client.send(RawClient::frame(2, "still here"));
  EXPECT_EQ(client.receive_frame().payload, "still here");
}

TEST(WebSocketServer, SaysWhyItCannotListen) {
  link::Loop loop;
  auto const first = WebSocketServer::open(loop, patient(), nullptr, nullptr).value();
  auto settings = patient();
  settings.listen.port = first->port();
  auto const second = WebSocketServer::open(loop, settings, nullptr, nullptr);
  ASSERT_FALSE(second);
  EXPECT_TRUE(second.error().is(ServerError::address_in_use)) << second.error().name();
  settings.listen = {"192.0.2.1", 0};
  EXPECT_TRUE(WebSocketServer::open(loop, settings, nullptr, nullptr).error().is(ServerError::bad_address));
  settings.listen = {"no such host", 0};
  EXPECT_TRUE(WebSocketServer::open(loop, settings, nullptr, nullptr).error().is(ServerError::bad_address));
}

}  // namespace
}  // namespace kith::relay::server
