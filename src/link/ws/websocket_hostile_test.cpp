#include "link/ws/loop_testing.hpp"
#include "link/ws/test_server_testing.hpp"
#include "link/ws/websocket.hpp"

/// What answers is no relay, or one that means ill.
namespace kith::link {
namespace {

using testing::ServerSide;
using testing::Talker;
using testing::TestServer;
using namespace std::chrono_literals;

struct HostileWebsocketTest : testing::LoopTest {
  /// Why there was no connection.
  Error why_not(TestServer::Serve serve, std::chrono::milliseconds within = 10s) {
    TestServer const server(std::move(serve));
    error.reset();
    auto const client = std::make_shared<Talker>("hello");
    dial_websocket(loop, {false, "127.0.0.1", server.port(), "/", {}}, within, making(client), on_failure());
    EXPECT_TRUE(run_until([&] { return error || client->closed != 0; }));
    EXPECT_EQ(client->closed, 0) << "no machine ran";
    return error.value_or(LinkError::io);
  }
  /// What a machine heard until the connection ended.
  std::size_t heard_of(TestServer::Serve serve) {
    TestServer const server(std::move(serve));
    auto const client = std::make_shared<Talker>("hello");
    dial_websocket(loop, {false, "127.0.0.1", server.port(), "/", {}}, 10s, making(client), on_failure());
    EXPECT_TRUE(run_until([&] { return error || client->closed != 0; }));
    EXPECT_FALSE(error);
    EXPECT_FALSE(client->late);
    EXPECT_EQ(client->closed, 1);
    return client->heard.size();
  }
};

TestServer::Serve says(std::string const& text) {
  return [text](ServerSide& side) {
    side.read_some();
    side.write(bytes_of(text));
  };
}

TEST_F(HostileWebsocketTest, NamesTheStatusOfAnAnswerThatIsNoUpgrade) {
  for (unsigned const status : {200U, 301U, 404U, 429U, 503U}) {
    auto const answer =
        "HTTP/1.1 " + std::to_string(status) + " So\r\nLocation: ws://127.0.0.1:1/\r\nContent-Length: 5\r\n\r\nnope\n";
    EXPECT_EQ(why_not(says(answer)), Error(LinkError::not_websocket, CountDetail{status, 0}));
  }
}

TEST_F(HostileWebsocketTest, RefusesUpgradesThatAreNone) {
  for (std::string const headers :
       {"", "Upgrade: websocket\r\nConnection: Upgrade\r\n",
        "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: AAAAAAAAAAAAAAAAAAAAAAAAAAA=\r\n"}) {
    auto const why = why_not(says("HTTP/1.1 101 Switching Protocols\r\n" + headers + "\r\n"));
    EXPECT_TRUE(why.is(LinkError::not_websocket)) << why.name();
  }
}

TEST_F(HostileWebsocketTest, KnowsWhatIsNoHttp) {
  for (std::string const& answer :
       {std::string("SSH-2.0-OpenSSH_9.2\r\n"), std::string(200, '\0'), std::string("\n\n\n\n"), std::string(),
        std::string("HTTP/1.1 101 Switching"), std::string("HTTP/9.9 200 OK\r\n\r\n"),
        "HTTP/1.1 200 OK\r\nX: " + std::string(100'000, 'x'),
        "HTTP/1.1 200 OK\r\nContent-Length: 9000000\r\n\r\n" + std::string(9'000'000, 'x'),
        "HTTP/1.1 200 OK\r\n\r\n" + std::string(3'000'000, 'x')}) {
    auto const why = why_not(says(answer));
    EXPECT_EQ(why, Error(LinkError::not_websocket, CountDetail{})) << answer.substr(0, 30) << ": " << why.name();
  }
}

TEST_F(HostileWebsocketTest, GivesUpOnHeadersThatNeverEnd) {
  auto const why = why_not([](ServerSide& side) {
    side.read_some();
    std::string line = "HTTP/1.1 200 OK\r\n";
    while (side.write(bytes_of(line))) line = "X-More: and more\r\n";
  });
  EXPECT_EQ(why, Error(LinkError::not_websocket, CountDetail{})) << why.name();
}

TEST_F(HostileWebsocketTest, GivesUpWhenItsTimeIsOver) {
  auto const start = Clock::now();
  std::atomic<int> asked = 0;
  auto const why = why_not(
      [&](ServerSide& side) {
        while (!side.read_some().empty()) ++asked;
      },
      200ms);
  EXPECT_TRUE(why.is(LinkError::timed_out)) << why.name();
  EXPECT_GE(Clock::now() - start, 200ms);
  EXPECT_LT(Clock::now() - start, 5s);
  EXPECT_EQ(asked, 1);
}

TEST_F(HostileWebsocketTest, DripsDoNotStretchTheTime) {
  auto const why = why_not(
      [](ServerSide& side) {
        while (side.write(bytes_of("H"))) std::this_thread::sleep_for(20ms);
      },
      150ms);
  EXPECT_TRUE(why.is(LinkError::not_websocket) || why.is(LinkError::timed_out)) << why.name();
}

TEST_F(HostileWebsocketTest, SaysWhyNobodyIsThere) {
  for (auto const& [host, is] : {std::pair{"127.0.0.1", LinkError::refused},
                                 {"::1", LinkError::refused},
                                 {"no-such-host.invalid", LinkError::unknown_host}}) {
    error.reset();
    dial_websocket(loop, {false, host, 1, "/", {}}, 10s, making(nullptr), on_failure());
    ASSERT_TRUE(run_until([&] { return error.has_value(); }));
    EXPECT_TRUE(error->is(is) || error->is(LinkError::unreachable)) << host << ": " << error->name();
  }
}

TEST_F(HostileWebsocketTest, TextEndsTheConnection) {
  EXPECT_EQ(heard_of([](ServerSide& side) {
              side.accept();
              side.send(bytes_of("binary"));
              side.send(bytes_of("text"), true);
              side.send(bytes_of("binary"));
              side.receive(), side.receive();
            }),
            6U);
}

TEST_F(HostileWebsocketTest, TooLargeAMessageEndsTheConnection) {
  auto const heard = heard_of([](ServerSide& side) {
    side.accept();
    side.send(bytes_of(std::string(kMaxReceivedMessageBytes + 1, 'x')));  // in many small frames
    side.receive(), side.receive();
  });
  EXPECT_LE(heard, kMaxReceivedMessageBytes);
}

TEST_F(HostileWebsocketTest, FramesThatBreakTheRulesEndTheConnection) {
  for (std::string const& frame :
       {std::string("\xc2\x01x", 3), std::string("\x8b\x00", 2), std::string("\x82\x81xxxxx"), std::string("\x80\x01x"),
        std::string("\x09\x00", 2), std::string("\x82\x7f\x00\x00\x00\x00\x00\x10\x00\x01x", 11),
        std::string("\x82\x7f\xff\xff\xff\xff\xff\xff\xff\xff"), std::string(1000, '\xff')}) {
    EXPECT_EQ(heard_of([&](ServerSide& side) {
                side.accept();
                side.send(bytes_of("ok"));
                side.write(bytes_of(frame));
                while (!side.read_some().empty()) {
                }
              }),
              2U)
        << static_cast<int>(static_cast<unsigned char>(frame[0]));
  }
}

TEST_F(HostileWebsocketTest, AFloodOfPingsFeedsNobody) {
  EXPECT_EQ(heard_of([](ServerSide& side) {
              side.accept();
              std::string pings;
              for (int i = 0; i < 10'000; ++i) pings += std::string("\x89\x04ping", 6);
              side.write(bytes_of(pings));
              side.send(bytes_of("end"));
              side.close();
            }),
            3U);
}

}  // namespace
}  // namespace kith::link
