#include <gtest/gtest.h>

#include "relay/server/server_testing.hpp"
#include "relay/server/test_certificate_testing.hpp"

namespace kith::relay::server {
namespace {

using namespace std::chrono_literals;

/// Answers with what it understood; "/later" when the test says so.
struct HttpSessionTest : ::testing::Test {
  void start(ServerSettings settings = {}) {
    server.emplace(std::move(settings), [this](HttpRequest request, Respond respond) {
      ++requests;
      if (request.path == "/later") {
        later = std::move(respond);
      } else if (request.path == "/nothing") {
        respond({204, "", "", {}});
      } else {
        respond({200,
                 "text/plain",
                 request.method + " " + request.path + " [" + request.query + "] " + request.client + " " +
                     request.authorization + " " + request.body,
                 {{"X-Own", "yes"}}});
      }
    });
  }
  std::string ask(RawClient& client, std::string_view text) {
    client.send(text);
    return client.response();
  }
  std::optional<ServerThread> server;
  Respond later;
  int requests = 0;
};

TEST_F(HttpSessionTest, AnswersRequestsOneAfterTheOther) {
  start();
  RawClient client(server->port);
  client.send(
      "GET /a?x=1 HTTP/1.1\r\nHost: h\r\nAuthorization: Bearer t\r\n\r\nPOST /b HTTP/1.1\r\nHost: h\r\n"
      "Content-Length: 4\r\n\r\nbody");
  auto const first = client.response();
  EXPECT_TRUE(first.starts_with("HTTP/1.1 200 OK\r\n")) << first;
  EXPECT_TRUE(first.ends_with("GET /a [x=1] 127.0.0.1 Bearer t ")) << first;
  EXPECT_NE(first.find("X-Own: yes\r\n"), std::string::npos);
  for (auto const* header : {"X-Content-Type-Options: nosniff\r\n", "Referrer-Policy: no-referrer\r\n",
                             "Content-Security-Policy: default-src 'none'", "Cache-Control: no-store\r\n"})
    EXPECT_NE(first.find(header), std::string::npos) << header;
  EXPECT_TRUE(client.response().ends_with("POST /b [] 127.0.0.1  body"));
}

TEST_F(HttpSessionTest, AnswersHeadWithoutABody) {
  start();
  RawClient client(server->port);
  client.send("HEAD /a HTTP/1.1\r\nHost: h\r\n\r\nGET /b HTTP/1.1\r\nHost: h\r\n\r\n");
  auto const both = client.receive_all(300ms);
  EXPECT_NE(both.find("Content-Length: 21\r\n"), std::string::npos) << both;
  EXPECT_EQ(both.find("/a"), std::string::npos);
  EXPECT_TRUE(both.ends_with("GET /b [] 127.0.0.1  "));
}

TEST_F(HttpSessionTest, SendsNoLengthWhereThereIsNoContent) {
  start();
  RawClient client(server->port);
  auto const nothing = ask(client, "GET /nothing HTTP/1.1\r\nHost: h\r\n\r\n");
  EXPECT_TRUE(nothing.starts_with("HTTP/1.1 204 ")) << nothing;
  EXPECT_EQ(nothing.find("Content-Length"), std::string::npos);
  EXPECT_TRUE(ask(client, "GET /b HTTP/1.1\r\nHost: h\r\n\r\n").ends_with("/b [] 127.0.0.1  "));
}

TEST_F(HttpSessionTest, ClosesWhereTheClientWantsThat) {
  start();
  RawClient client(server->port);
  auto const answer = ask(client, "GET /a HTTP/1.0\r\n\r\n");
  EXPECT_TRUE(answer.starts_with("HTTP/1.1 200 ")) << answer;
  EXPECT_TRUE(client.closed_within(2s));
}

TEST_F(HttpSessionTest, HoldsAnAnswerBackUntilItIsThere) {
  start();
  RawClient client(server->port);
  client.send("GET /later HTTP/1.1\r\nHost: h\r\n\r\n");
  EXPECT_EQ(client.receive(1, 200ms), "");
  server->on_loop([&] { later({200, "text/plain", "now", {}}); });
  EXPECT_TRUE(client.response().ends_with("\r\n\r\nnow"));
  EXPECT_TRUE(ask(client, "GET /b HTTP/1.1\r\nHost: h\r\n\r\n").ends_with("/b [] 127.0.0.1  "));
}

TEST_F(HttpSessionTest, CountsTheRequestsThatATrustedProxyBringsFromOneClient) {
  ServerSettings settings;
  settings.limits.connections_per_client = 1;
  settings.trusted_proxies = {IpRange::parse("127.0.0.1").value()};
  start(settings);
  RawClient first(server->port), second(server->port), third(server->port);
  auto const request = [](std::string const& path, std::string const& from) {
    return "GET " + path + " HTTP/1.1\r\nHost: h\r\nX-Forwarded-For: " + from + "\r\n\r\n";
  };
  first.send(request("/later", "203.0.113.1"));
  ASSERT_TRUE(server->soon([&](auto const&) { return later != nullptr; }));
  EXPECT_TRUE(ask(second, request("/b", "203.0.113.1")).starts_with("HTTP/1.1 429 "));
  EXPECT_TRUE(ask(third, request("/b", "203.0.113.2")).starts_with("HTTP/1.1 200 "));
  server->on_loop([&] { std::exchange(later, nullptr)({200, "text/plain", "now", {}}); });
  EXPECT_TRUE(first.response().ends_with("now"));
  EXPECT_TRUE(ask(third, request("/b", "203.0.113.1")).starts_with("HTTP/1.1 200 "));
}

TEST_F(HttpSessionTest, ToleratesAnAnswerToAClientThatIsGone) {
  start();
  { RawClient(server->port).send("GET /later HTTP/1.1\r\nHost: h\r\n\r\n"); }
  ASSERT_TRUE(server->soon([&](auto const&) { return later != nullptr; }));
  server->on_loop([&] { std::exchange(later, nullptr)({200, "text/plain", "now", {}}); });
  EXPECT_TRUE(server->soon([](auto const& counts) { return counts.connections == 0; }));
}

TEST_F(HttpSessionTest, ClosesWhereNobodyAnswers) {
  start();
  RawClient client(server->port);
  client.send("GET /later HTTP/1.1\r\nHost: h\r\n\r\n");
  ASSERT_TRUE(server->soon([&](auto const&) { return later != nullptr; }));
  server->on_loop([&] { later = nullptr; });
  EXPECT_TRUE(client.closed_within(2s));
}

TEST_F(HttpSessionTest, BoundsHeadAndBody) {
  start();
  RawClient head(server->port);
  EXPECT_TRUE(ask(head, "GET / HTTP/1.1\r\nHost: h\r\nX: " + std::string(17 * 1024, 'x') + "\r\n\r\n")
                  .starts_with("HTTP/1.1 431 "));
  EXPECT_TRUE(head.closed_within(3s));
  RawClient body(server->port);
  EXPECT_TRUE(ask(body, "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 70000\r\n\r\n" + std::string(70000, 'x'))
                  .starts_with("HTTP/1.1 413 "));
  RawClient chunked(server->port);
  EXPECT_TRUE(ask(chunked, "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n11170\r\n" +
                               std::string(70000, 'x') + "\r\n0\r\n\r\n")
                  .starts_with("HTTP/1.1 413 "));
  RawClient fits(server->port);
  EXPECT_TRUE(ask(fits, "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 65536\r\n\r\n" + std::string(65536, 'x'))
                  .starts_with("HTTP/1.1 200 "));
  EXPECT_EQ(requests, 1);
}

TEST_F(HttpSessionTest, RefusesWhatIsNoHttp) {
  start();
  for (auto const* text : {"\x16\x03\x01\x02\n\r\n\r\n", "GET\r\n\r\n", "GET / HTTP/9.9\r\n\r\n",
                           "GET / HTTP/1.1\r\nHost: h\r\nContent-Length: x\r\n\r\n",
                           "GET / HTTP/1.1\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n"}) {
    RawClient client(server->port);
    auto const answer = ask(client, text);
    EXPECT_TRUE(answer.starts_with("HTTP/1.1 400 ")) << text << answer;
    EXPECT_TRUE(client.closed_within(3s));
  }
  EXPECT_EQ(requests, 0);
}

TEST_F(HttpSessionTest, TellsClientsThatAskFirstToGoOn) {
  start();
  RawClient client(server->port);
  client.send("POST /b HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: 4\r\n\r\n");
  EXPECT_EQ(client.response(), "HTTP/1.1 100 Continue\r\n\r\n");
  EXPECT_TRUE(ask(client, "body").ends_with(" body"));
}

TEST_F(HttpSessionTest, ClosesThoseWhoAreSlow) {
  ServerSettings settings;
  settings.limits.within_head = 600ms;
  settings.limits.http_idle = 600ms;
  start(settings);
  RawClient silent(server->port), slow(server->port), idle(server->port), half(server->port);
  auto const begin = Clock::now();
  EXPECT_TRUE(ask(idle, "GET / HTTP/1.1\r\nHost: h\r\n\r\n").starts_with("HTTP/1.1 200 "));
  half.send("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 4\r\n\r\nbo");
  for (int i = 0; i < 30 && server->counts().connections == 4; ++i) {  // a byte now and then wins no time
    slow.send("G");
    std::this_thread::sleep_for(50ms);
  }
  for (auto* client : {&silent, &slow, &idle, &half}) EXPECT_TRUE(client->closed_within(3s));
  EXPECT_LT(Clock::now() - begin, 4s);
  EXPECT_TRUE(server->soon([](auto const& counts) { return counts.timed_out == 4; }));
}

TEST_F(HttpSessionTest, SpeaksTlsAndTakesANewCertificate) {
  TestCertificate const first("one.example"), second("two.example");
  ServerSettings settings;
  settings.certificate = first.certificate();
  settings.key = first.key();
  start(settings);
  std::string answer;
  EXPECT_EQ(tls_get(server->port, "/over-tls", answer), "one.example");
  EXPECT_NE(answer.find("GET /over-tls"), std::string::npos) << answer;

  settings.certificate = second.certificate();
  auto const torn = server->on_loop([&] { return server->server->reload(settings); });
  ASSERT_FALSE(torn);  // its key is the first one's
  EXPECT_TRUE(torn.error().is(ServerError::bad_certificate));
  EXPECT_EQ(tls_get(server->port, "/", answer), "one.example");

  settings.key = second.key();
  EXPECT_TRUE(server->on_loop([&] { return server->server->reload(settings); }));
  EXPECT_EQ(tls_get(server->port, "/", answer), "two.example");

  RawClient plain(server->port);
  plain.send("GET / HTTP/1.1\r\nHost: h\r\n\r\n");
  EXPECT_EQ(plain.receive_all(3s).find("HTTP/1.1 200"), std::string::npos);
}

}  // namespace
}  // namespace kith::relay::server
