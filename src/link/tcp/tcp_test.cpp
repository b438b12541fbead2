#include "link/tcp/tcp.hpp"

#include <thread>

#include <gtest/gtest.h>

namespace kith::link {
namespace {

using namespace std::chrono_literals;

/// Sends a text, collects what comes, and is done when it has enough or its time is over.
struct Talker final : StreamMachine {
  Talker(std::string says, std::size_t enough, Instant until = Clock::now() + 10s)
      : out(says.begin(), says.end()), wanted(enough), deadline(until) {}
  void on_bytes(ByteView bytes) override { append(heard, bytes); }
  void on_closed() override { closed = true; }
  void on_timer() override { late = Clock::now() >= deadline; }
  bool poll_transmit(Bytes& to) override {
    append(to, out);
    return !std::exchange(out, {}).empty();
  }
  std::optional<Instant> next_deadline() override { return deadline; }
  bool done() const override { return late || (heard.size() >= wanted && out.empty()); }
  Bytes out, heard;
  std::size_t wanted;
  Instant deadline;
  bool late = false, closed = false;
};

struct TcpTest : ::testing::Test {
  void run_for(std::chrono::milliseconds most, std::function<bool()> const& until) {
    auto const end = Clock::now() + most;
    std::function<void()> check = [&] {
      if (until() || Clock::now() >= end) {
        loop.stop();
      } else {
        alarm->set(Clock::now() + 5ms);
      }
    };
    alarm = loop.make_alarm([&] { check(); });
    loop.post([&] { check(); });
    loop.run();
  }
  Loop loop;
  std::unique_ptr<Loop::Alarm> alarm;
  std::shared_ptr<Talker> server, client;
  std::optional<Error> error;
};

TEST_F(TcpTest, TwoMachinesTalkBothWays) {
  std::string const big(3'000'000, 'x');
  server = std::make_shared<Talker>(big, 5);
  client = std::make_shared<Talker>("hello", big.size());
  auto const listener = TcpListener::open(loop, {"127.0.0.1", 0}, [&](std::string const&) { return server; }).value();
  dial(
      loop, {to_text({"127.0.0.1", listener->port()})}, 5s, [&](std::string const&) { return client; },
      [&](Error e) { error = e; });
  run_for(5s, [&] { return client->closed && server->closed; });
  EXPECT_FALSE(error);
  EXPECT_EQ(text_of(server->heard), "hello");
  EXPECT_EQ(client->heard.size(), big.size());
  EXPECT_TRUE(client->closed && server->closed);
}

TEST_F(TcpTest, DeadlineClosesASilentConnection) {
  server = std::make_shared<Talker>("", 1);
  client = std::make_shared<Talker>("", 1, Clock::now() + 50ms);
  auto const listener = TcpListener::open(loop, {"127.0.0.1", 0}, [&](std::string const&) { return server; }).value();
  dial(
      loop, {to_text({"127.0.0.1", listener->port()})}, 5s, [&](std::string const&) { return client; },
      [&](Error e) { error = e; });
  run_for(5s, [&] { return client->closed && server->closed; });
  EXPECT_TRUE(client->late && client->closed);
  EXPECT_TRUE(server->closed) << "the other side sees the end";
}

TEST_F(TcpTest, FirstAddressThatAnswersWins) {
  server = std::make_shared<Talker>("yes", 2);
  client = std::make_shared<Talker>("ok", 3);
  auto const listener = TcpListener::open(loop, {"127.0.0.1", 0}, [&](std::string const&) { return server; }).value();
  dial(
      loop, {"127.0.0.1:1", "not an address", to_text({"127.0.0.1", listener->port()})}, 5s,
      [&](std::string const&) { return client; }, [&](Error e) { error = e; });
  run_for(5s, [&] { return client->closed; });
  EXPECT_FALSE(error);
  EXPECT_EQ(text_of(client->heard), "yes");
}

TEST_F(TcpTest, SaysWhyItFailed) {
  dial(
      loop, {"127.0.0.1:1"}, 5s, [&](std::string const&) { return client; }, [&](Error e) { error = e; });
  run_for(5s, [&] { return error.has_value(); });
  ASSERT_TRUE(error);
  EXPECT_TRUE(error->is(LinkError::refused));
  error.reset();
  dial(
      loop, {}, 5s, [&](std::string const&) { return client; }, [&](Error e) { error = e; });
  run_for(5s, [&] { return error.has_value(); });
  EXPECT_TRUE(error);
}

TEST_F(TcpTest, BusyPortIsNamed) {
  auto const factory = [](std::string const&) { return std::shared_ptr<StreamMachine>{}; };
  auto const first = TcpListener::open(loop, {"127.0.0.1", 0}, factory).value();
  auto const second = TcpListener::open(loop, {"127.0.0.1", first->port()}, factory);
  ASSERT_FALSE(second);
  EXPECT_TRUE(second.error().is(LinkError::address_in_use));
}

}  // namespace
}  // namespace kith::link
