#include <fstream>
#include <random>
#include <set>

#include <gtest/gtest.h>
#include <netinet/tcp.h>

#include "relay/server/server_testing.hpp"

/// What strangers can write instead of requests: each input has one outcome, whole or in whatever pieces it comes.
namespace kith::relay::server {
namespace {

using namespace std::chrono_literals;

constexpr std::string_view kGet = "GET /after HTTP/1.1\r\nHost: h\r\n\r\n";

struct Case {
  std::string name;
  std::string input;
  std::string
      statuses;  ///< of the answers; most inputs have a whole request behind them, which no refusal is followed by
  std::string requests;  ///< that the relay took for such: "METHOD PATH BODY;"
};

std::string post(std::string_view headers, std::string_view body) {
  return "POST /b HTTP/1.1\r\nHost: h\r\n" + std::string(headers) + "\r\n" + std::string(body);
}

std::string repeated(std::string_view text, std::size_t times) {
  std::string all;
  while (times-- > 0) all += text;
  return all;
}

std::vector<Case> cases() {
  std::string const get(kGet);
  return {
      {"lengths that differ", post("Content-Length: 4\r\nContent-Length: 5\r\n", "bodyX") + get, "400 ", ""},
      {"one length twice", post("Content-Length: 4\r\nContent-Length: 4\r\n", "body") + get, "400 ", ""},
      {"lengths in a list", post("Content-Length: 4, 4\r\n", "body") + get, "400 ", ""},
      {"a length with a sign", post("Content-Length: +4\r\n", "body") + get, "400 ", ""},
      {"a negative length", post("Content-Length: -1\r\n", "body") + get, "400 ", ""},
      {"a hexadecimal length", post("Content-Length: 0x4\r\n", "body") + get, "400 ", ""},
      {"a length without digits", post("Content-Length: \r\n", "body") + get, "400 ", ""},
      {"a length beyond 64 bits", post("Content-Length: 18446744073709551620\r\n", "body") + get, "400 ", ""},
      {"a length beyond the limit", post("Content-Length: 18446744073709551615\r\n", "body") + get, "413 ", ""},
      {"length and chunks", post("Content-Length: 4\r\nTransfer-Encoding: chunked\r\n", "0\r\n\r\n") + get, "400 ", ""},
      {"chunks and length", post("Transfer-Encoding: chunked\r\nContent-Length: 4\r\n", "0\r\n\r\n") + get, "400 ", ""},
      {"chunked twice",
       post("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n", "4\r\nbody\r\n0\r\n\r\n") + get, "400 ",
       ""},
      {"chunked, chunked", post("Transfer-Encoding: chunked, chunked\r\n", "4\r\nbody\r\n0\r\n\r\n") + get, "400 ", ""},
      {"chunked, identity", post("Transfer-Encoding: chunked, identity\r\n", "4\r\nbody\r\n0\r\n\r\n") + get, "400 ",
       ""},
      {"identity", post("Transfer-Encoding: identity\r\n", "") + get, "400 ", ""},
      {"identity, chunked", post("Transfer-Encoding: identity, chunked\r\n", "4\r\nbody\r\n0\r\n\r\n") + get, "400 ",
       ""},
      {"gzip, chunked", post("Transfer-Encoding: gzip, chunked\r\n", "4\r\nbody\r\n0\r\n\r\n") + get, "400 ", ""},
      {"xchunked", post("Transfer-Encoding: xchunked\r\n", "4\r\nbody\r\n0\r\n\r\n") + get, "400 ", ""},
      {"identity and length", post("Transfer-Encoding: identity\r\nContent-Length: 4\r\n", "body") + get, "400 ", ""},
      {"xchunked and length", post("Transfer-Encoding: xchunked\r\nContent-Length: 4\r\n", "body") + get, "400 ", ""},
      {"chunks in HTTP/1.0", "POST /b HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nbody\r\n0\r\n\r\n" + get,
       "400 ", ""},
      {"a space before the colon", post("Content-Length : 4\r\n", "body") + get, "400 ", ""},
      {"a tab before the colon", post("Transfer-Encoding\t: chunked\r\n", "0\r\n\r\n") + get, "400 ", ""},
      {"a folded header", post("X: a\r\n b\r\nContent-Length: 4\r\n", "body") + get, "200 200 ",
       "POST /b body;GET /after ;"},
      {"a folded length", post("Content-Length:\r\n 4\r\n", "body") + get, "200 200 ", "POST /b body;GET /after ;"},
      {"line feeds alone", "GET /a HTTP/1.1\nHost: h\n\n" + get, "400 ", ""},
      {"a carriage return alone", "GET /a HTTP/1.1\r\nX: a\rContent-Length: 4\r\n\r\n" + get, "400 ", ""},
      {"a zero in a value", std::string("GET /a HTTP/1.1\r\nX: a\0b\r\n\r\n", 28) + get, "400 ", ""},
      {"a zero in a name", std::string("GET /a HTTP/1.1\r\nX\0: a\r\n\r\n", 27) + get, "400 ", ""},
      {"a header without a name", "GET /a HTTP/1.1\r\n: a\r\n\r\n" + get, "400 ", ""},
      {"a header without a colon", "GET /a HTTP/1.1\r\nabc\r\n\r\n" + get, "400 ", ""},
      {"spaces in the target", "GET /a b HTTP/1.1\r\n\r\n" + get, "400 ", ""},
      {"a method that is none", "GE(T /a HTTP/1.1\r\n\r\n" + get, "400 ", ""},
      {"a method that nobody knows", "FROB /a HTTP/1.1\r\nHost: h\r\n\r\n" + get, "200 200 ", "FROB /a ;GET /after ;"},
      {"another protocol", "SSH-2.0-OpenSSH_9.2\r\n\r\n" + get, "400 ", ""},
      {"HTTP/2's preface", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "400 ", ""},
      {"a chunk's size that is none", post("Transfer-Encoding: chunked\r\n", "zz\r\nbody\r\n0\r\n\r\n") + get, "400 ",
       ""},
      {"a chunk's size beyond 64 bits",
       post("Transfer-Encoding: chunked\r\n", "10000000000000004\r\nbody\r\n0\r\n\r\n") + get, "400 ", ""},
      {"a chunk of 2^64 - 1", post("Transfer-Encoding: chunked\r\n", "ffffffffffffffff\r\nbody\r\n0\r\n\r\n") + get,
       "413 ", ""},
      {"a negative chunk", post("Transfer-Encoding: chunked\r\n", "-4\r\nbody\r\n0\r\n\r\n") + get, "400 ", ""},
      {"a chunk that is longer", post("Transfer-Encoding: chunked\r\n", "4\r\nbodyX\r\n0\r\n\r\n") + get, "400 ", ""},
      {"a chunk's end without \\r", post("Transfer-Encoding: chunked\r\n", "4\nbody\n0\n\n") + get, "400 ", ""},
      {"extensions without end", post("Transfer-Encoding: chunked\r\n", "4;" + std::string(200'000, 'x')), "413 ", ""},
      {"trailers without end",
       post("Transfer-Encoding: chunked\r\n", "4\r\nbody\r\n0\r\n" + repeated("X: y\r\n", 40'000)), "413 ", ""},
      {"chunked, spelled otherwise", post("transfer-encoding: \tCHUNKED\r\n", "4\r\nbody\r\n0\r\n\r\n") + get,
       "200 200 ", "POST /b body;GET /after ;"},
      {"an upgrade with a body",
       "GET / HTTP/1.1\r\nHost: h\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nTransfer-Encoding: x\r\n\r\n" + get,
       "400 ", ""},
      {"small chunks without end", post("Transfer-Encoding: chunked\r\n", repeated("1\r\nx\r\n", 70'000)), "413 ", ""},
      {"extensions and trailers", post("Transfer-Encoding: chunked\r\n", "4;a=b\r\nbody\r\n0\r\nX: y\r\n\r\n") + get,
       "200 200 ", "POST /b body;GET /after ;"},
      {"a head without end", "GET /a HTTP/1.1\r\nX: " + std::string(1'000'000, 'x'), "431 ", ""},
      {"headers without end", "GET /a HTTP/1.1\r\n" + repeated("X: y\r\n", 200'000), "431 ", ""},
      {"a target without end", "GET /" + std::string(1'000'000, 'a'), "431 ", ""},
      {"a method without end", std::string(1'000'000, 'A'), "431 ", ""},
      {"empty lines without end", repeated("\r\n", 500'000), "400 ", ""},
      {"a body that another request hides in",
       post("Content-Length: " + std::to_string(get.size()) + "\r\n", get) + get, "200 200 ",
       "POST /b " + get + ";GET /after ;"},
      {"a body of a GET", "GET /a HTTP/1.1\r\nHost: h\r\nContent-Length: 4\r\n\r\nbody" + get, "200 200 ",
       "GET /a body;GET /after ;"},
      {"a body of a HEAD", "HEAD /a HTTP/1.1\r\nHost: h\r\nContent-Length: 4\r\n\r\nbody" + get, "200 200 ",
       "GET /a body;GET /after ;"},
      {"twenty at once", repeated(kGet, 20), repeated("200 ", 20), repeated("GET /after ;", 20)},
      {"one behind the last", "GET /a HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n" + get, "200 ", "GET /a ;"},
      {"half a request", "GET /a HTTP/1.1\r\nHost: h\r\n", "", ""},
      {"half a body", post("Content-Length: 8\r\n", "body"), "", ""},
      {"another upgrade",
       "GET /a HTTP/1.1\r\nHost: h\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\n\r\n" + get, "200 200 ",
       "GET /a ;GET /after ;"},
      {"a large body that waits", post("Expect: 100-continue\r\nContent-Length: 70000\r\n", ""), "413 ", ""},
      {"an upgrade where there is none",
       "GET /a HTTP/1.1\r\nHost: h\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n" + get, "404 ", ""},
  };
}

struct HttpHostile : ::testing::Test {
  HttpHostile() {
    ServerSettings settings;
    settings.limits.within_head = 20s;
    settings.limits.connections_per_client = 200;
    server.emplace(std::move(settings), [this](HttpRequest request, Respond respond) {
      taken += request.method + " " + request.path + " " + request.body + ";";
      respond({200, "text/plain", "ok", {}});
    });
  }

  /// Sends the input in pieces that end at `cuts`. @return statuses and requests, as Case has them
  std::pair<std::string, std::string> outcome(std::string_view input, std::vector<std::size_t> const& cuts) {
    server->on_loop([this] { taken.clear(); });
    RawClient client(server->port);
    int const on = 1;
    ::setsockopt(client.descriptor(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    std::size_t begin = 0;
    for (auto const cut : cuts) {
      client.send(input.substr(begin, cut - begin));
      begin = cut;
      if (cuts.size() < 200) std::this_thread::sleep_for(500us);  // so that it is read by itself
    }
    client.send(input.substr(begin));
    client.finish_sending();
    auto const all = client.receive_all();
    EXPECT_TRUE(client.closed);
    std::string statuses;
    for (auto at = all.find("HTTP/1.1 "); at != std::string::npos; at = all.find("HTTP/1.1 ", at + 1))
      statuses += all.substr(at + 9, 3) + " ";
    return {statuses, server->on_loop([this] { return taken; })};
  }

  std::string taken;
  std::optional<ServerThread> server;
};

TEST_F(HttpHostile, HasOneOutcomeForEachInput) {
  for (auto const& each : cases()) {
    SCOPED_TRACE(each.name);
    EXPECT_EQ(outcome(each.input, {}), (std::pair{each.statuses, each.requests}));
  }
}

/// Also where it comes byte by byte, and in pieces that end anywhere.
TEST_F(HttpHostile, HasTheSameOutcomeInPieces) {
  std::mt19937_64 random(2026);
  for (auto const& each : cases()) {
    SCOPED_TRACE(each.name);
    for (int round = 0; round < 4; ++round) {
      std::set<std::size_t> cuts;
      // Where the first answers come: what goes on for long is refused before.
      auto const end = std::min<std::size_t>(each.input.size(), 200);
      for (std::size_t i = 0; i < (round == 0 ? end : 1 + random() % 12); ++i)
        cuts.insert(round == 0 ? i : random() % end);
      EXPECT_EQ(outcome(each.input, {cuts.begin(), cuts.end()}), (std::pair{each.statuses, each.requests}));
    }
  }
}

/// However long a stranger goes on, and however many do: what is held of each has a bound, and it ends.
TEST_F(HttpHostile, HoldsLittleOfWhatHasNoEnd) {
  auto const rss_kib = [] {
    std::ifstream status("/proc/self/status");
    for (std::string line; std::getline(status, line);)
      if (line.starts_with("VmRSS:")) return std::stoul(line.substr(6));
    return 0UL;
  };
  auto const before = rss_kib();
  std::vector<RawClient> clients;
  for (int i = 0; i < 100; ++i) {
    clients.emplace_back(server->port);
    clients.back().send("GET /a HTTP/1.1\r\nX: " + std::string(16'000, 'x'));  // just below the limit, and no end
  }
  ASSERT_TRUE(server->soon([](auto const& counts) { return counts.connections == 100; }));
  EXPECT_LT(rss_kib() - before, 100 * 256UL);
  for (auto& client : clients) client.send(std::string(4096, 'x'));
  for (auto& client : clients) EXPECT_TRUE(client.response().starts_with("HTTP/1.1 431 "));
  for (auto& client : clients) EXPECT_TRUE(client.closed_within(5s));
  EXPECT_TRUE(server->soon([](auto const& counts) { return counts.connections == 0; }));
}

}  // namespace
}  // namespace kith::relay::server
