#include "link/ws/websocket.hpp"

#include "link/ws/loop_testing.hpp"
#include "link/ws/test_server_testing.hpp"

/// A machine over a WebSocket to a server that behaves.
namespace kith::link {
namespace {

using testing::echo;
using testing::ServerSide;
using testing::Talker;
using testing::TestServer;
using namespace std::chrono_literals;

struct WebsocketTest : testing::LoopTest {
  static RelayAddress to(TestServer const& server) { return {false, "127.0.0.1", server.port(), "/", {}}; }
  void dial(RelayAddress const& address, std::shared_ptr<StreamMachine> machine, KeepAlive const& keep_alive = {}) {
    dial_websocket(loop, address, 10s, making(std::move(machine)), on_failure(), keep_alive);
  }
};

std::string some_bytes(std::size_t size) {
  std::string bytes(size, 0);
  for (std::size_t i = 0; i < size; ++i) bytes[i] = static_cast<char>((i * 2654435761U) >> 13);
  return bytes;
}

TEST_F(WebsocketTest, CarriesBytesBothWays) {
  TestServer const server(echo);
  for (std::size_t const size : {1U, 125U, 126U, 65535U, 65536U, 65537U, 5'000'000U}) {
    auto const sent = some_bytes(size);
    auto const client = std::make_shared<Talker>(sent, size);
    dial(to(server), client);
    ASSERT_TRUE(run_until([&] { return client->closed == 1; })) << size;
    EXPECT_FALSE(error);
    EXPECT_FALSE(client->late);
    EXPECT_TRUE(text_of(client->heard) == sent) << size;
    EXPECT_EQ(remote, host_port(to(server)));
  }
}

TEST_F(WebsocketTest, SendsBinaryMessagesOfABoundedSize) {
  std::atomic<std::size_t> bytes = 0, largest = 0, texts = 0;
  std::atomic<bool> in_order = false;
  TestServer const server([&](ServerSide& side) {
    if (!side.accept()) return;
    while (auto const message = side.receive()) {
      bytes += message->bytes.size();
      largest = std::max(largest.load(), message->bytes.size());
      texts += message->text ? 1 : 0;
    }
    in_order = side.closed_in_order();
  });
  auto const client = std::make_shared<Talker>(some_bytes(300'000), 0);  // done once it is sent
  dial(to(server), client);
  ASSERT_TRUE(run_until([&] { return client->closed == 1 && in_order; }));
  EXPECT_EQ(bytes, 300'000U) << "the last words arrive although the machine was done";
  EXPECT_EQ(largest, kMaxSentMessageBytes);
  EXPECT_EQ(texts, 0U);
}

TEST_F(WebsocketTest, AsksForThePathAtTheHost) {
  std::mutex mutex;
  std::vector<std::string> asked;
  TestServer const server([&](ServerSide& side) {
    if (auto const request = side.accept()) {
      std::lock_guard const lock(mutex);
      asked.push_back(request->target + " " + request->host);
    }
  });
  auto address = to(server);
  for (std::string const path : {"/", "/a/relay%20x"}) {
    address.path = path;
    auto const client = std::make_shared<Talker>("");
    dial(address, client);
    ASSERT_TRUE(run_until([&] { return client->closed == 1; }));
  }
  std::lock_guard const lock(mutex);
  EXPECT_EQ(asked, (std::vector{"/ " + host_port(address), "/a/relay%20x " + host_port(address)}));
}

TEST_F(WebsocketTest, TakesTheServersMessagesAsAStream) {
  std::string const whole = some_bytes(kMaxReceivedMessageBytes);
  TestServer const server([&](ServerSide& side) {
    if (!side.accept()) return;
    side.send({});
    side.send(bytes_of(whole).first(1));
    side.send(bytes_of(whole));
    side.receive();
  });
  auto const client = std::make_shared<Talker>("", whole.size() + 1);
  dial(to(server), client);
  ASSERT_TRUE(run_until([&] { return client->closed == 1; }));
  EXPECT_FALSE(client->late);
  EXPECT_TRUE(text_of(client->heard) == whole.substr(0, 1) + whole);
}

TEST_F(WebsocketTest, EndsWhenTheServerDoes) {
  for (bool const in_order : {true, false}) {
    TestServer const server([&](ServerSide& side) {
      if (!side.accept()) return;
      side.send(bytes_of("bye"));
      if (in_order) side.close();
    });
    auto const client = std::make_shared<Talker>("hello");
    dial(to(server), client);
    ASSERT_TRUE(run_until([&] { return client->closed != 0; }, 5s));
    EXPECT_FALSE(error);
    EXPECT_EQ(text_of(client->heard), "bye");
    EXPECT_EQ(client->closed, 1);
  }
}

TEST_F(WebsocketTest, SendsWhatIsSaidLater) {
  TestServer const server(echo);
  auto const client = std::make_shared<Talker>("one ", 8);
  dial(to(server), client);
  ASSERT_TRUE(run_until([&] { return client->heard.size() == 4; }));
  client->say("more");
  ASSERT_TRUE(run_until([&] { return client->closed == 1; }));
  EXPECT_EQ(text_of(client->heard), "one more");
}

TEST_F(WebsocketTest, KeepsTheMachinesDeadlines) {
  TestServer const server(echo);
  auto const client = std::make_shared<Talker>("", 1, 50ms);
  dial(to(server), client);
  ASSERT_TRUE(run_until([&] { return client->closed == 1; }, 5s));
  EXPECT_TRUE(client->late);
}

TEST_F(WebsocketTest, PingsAndStaysOpenWhileAnswered) {
  std::atomic<int> pings = 0;
  TestServer const server([&](ServerSide& side) {
    if (!side.accept()) return;
    auto const last = side.receive();  // answers pings meanwhile
    pings = side.pings();
    if (last) side.send(last->bytes);
    side.receive();
  });
  auto const client = std::make_shared<Talker>("", 1);
  dial(to(server), client, {.ping = 30ms, .silence = 500ms});
  EXPECT_FALSE(run_until([&] { return client->closed != 0; }, 800ms)) << "pongs are signs of life";
  client->say("x");
  ASSERT_TRUE(run_until([&] { return client->closed == 1; }));
  EXPECT_GE(pings, 2);
  EXPECT_LE(pings, 40);
}

TEST_F(WebsocketTest, EndsWhatHasFallenSilent) {
  std::atomic<bool> ended = false;
  TestServer const server([&](ServerSide& side) {
    if (!side.accept()) return;
    while (!ended) std::this_thread::sleep_for(5ms);  // reads nothing, answers no ping
  });
  auto const start = Clock::now();
  for (std::size_t const unsent :
       {0U, 40'000'000U}) {  // idle; and in the midst of writing to somebody who takes nothing
    auto const client = std::make_shared<Talker>(std::string(unsent, 'x'));
    dial(to(server), client, {.ping = 30ms, .silence = 200ms});
    EXPECT_TRUE(run_until([&] { return client->closed == 1; }, 5s)) << unsent;
    EXPECT_GE(Clock::now() - start, 200ms);
  }
  ended = true;
}

/// Always has something to say.
struct Chatterbox final : StreamMachine {
  void on_bytes(ByteView) override {}
  void on_closed() override { closed = true; }
  bool poll_transmit(Bytes& out) override {
    out.resize(100'000, 7);
    asked += out.size();
    return true;
  }
  bool done() const override { return false; }
  std::size_t asked = 0;
  bool closed = false;
};

TEST_F(WebsocketTest, AsksTheMachineOnlyForWhatTheOtherSideTakes) {
  std::atomic<bool> ended = false;
  std::atomic<std::size_t> taken = 0;
  TestServer const server([&](ServerSide& side) {
    if (!side.accept()) return;
    while (!ended) std::this_thread::sleep_for(5ms);
    while (auto const message = side.receive()) taken += message->bytes.size();
  });
  auto const client = std::make_shared<Chatterbox>();
  dial(to(server), client);
  std::size_t asked = 0;
  auto const stands_still = [&] {
    asked = client->asked;
    run_for(300ms);
    return asked != 0 && client->asked == asked;
  };
  bool still = false;
  for (int tries = 0; tries < 20 && !still; ++tries) still = stands_still();
  EXPECT_TRUE(still) << "nothing more is asked for, while nothing is taken";
  EXPECT_LT(asked, 32U << 20) << "no more than the kernel's buffers hold";
  ended = true;
  EXPECT_TRUE(run_until([&] { return taken > asked; })) << "and on it goes";
}

TEST_F(WebsocketTest, ClosesWhatNobodyWants) {
  std::atomic<bool> ended = false;
  TestServer const server([&](ServerSide& side) {
    if (!side.accept()) return;
    side.receive();
    ended = true;
  });
  dial(to(server), nullptr);
  EXPECT_TRUE(run_until([&] { return ended.load(); }, 5s));
  EXPECT_FALSE(error);
}

TEST_F(WebsocketTest, EndsWithItsLoop) {
  TestServer const server(echo);
  auto const client = std::make_shared<Talker>("hello");
  {
    Loop other;
    dial_websocket(other, to(server), 10s, making(client), on_failure());
    ASSERT_TRUE(run_until(
        other, [&] { return client->heard.size() == 5; }, 20s));
  }
  {
    Loop other;  // that never runs
    dial_websocket(other, to(server), 10s, making(client), on_failure());
  }
  EXPECT_EQ(client->closed, 0);
}

}  // namespace
}  // namespace kith::link
