#pragma once

#include <gtest/gtest.h>

#include "link/tcp/tcp.hpp"

/// What the tests of links to relays share: a loop that runs until something is so, and a machine that talks.
namespace kith::link::testing {

using namespace std::chrono_literals;

/// Sends a text, collects what comes, and is done when it has enough or its time is over.
struct Talker final : StreamMachine {
  explicit Talker(std::string_view says, std::size_t enough = SIZE_MAX, std::chrono::milliseconds within = 20s)
      : out(says.begin(), says.end()), wanted(enough), deadline(Clock::now() + within) {}
  void on_bytes(ByteView bytes) override { append(heard, bytes); }
  void on_closed() override { ++closed; }
  void on_timer() override { late = Clock::now() >= deadline; }
  bool poll_transmit(Bytes& to) override {
    append(to, out);
    return !std::exchange(out, {}).empty();
  }
  std::optional<Instant> next_deadline() override { return deadline; }
  bool done() const override { return late || (heard.size() >= wanted && out.empty()); }
  /// From outside: more to say.
  void say(std::string_view text) {
    append(out, bytes_of(text));
    wake();
  }
  Bytes out, heard;
  std::size_t wanted;
  Instant deadline;
  bool late = false;
  int closed = 0;
};

struct LoopTest : ::testing::Test {
  /// @return whether it became so in time
  bool run_until(std::function<bool()> const& so, std::chrono::milliseconds most = 20s) {
    return run_until(loop, so, most);
  }
  static bool run_until(Loop& loop, std::function<bool()> const& so, std::chrono::milliseconds most) {
    auto const end = Clock::now() + most;
    std::unique_ptr<Loop::Alarm> alarm;
    std::function<void()> const check = [&] {
      if (so() || Clock::now() >= end) {
        loop.stop();
      } else {
        alarm->set(Clock::now() + 2ms);
      }
    };
    alarm = loop.make_alarm(check);
    loop.post(check);
    loop.run();
    return so();
  }
  void run_for(std::chrono::milliseconds time) {
    run_until([] { return false; }, time);
  }
  std::function<void(Error)> on_failure() {
    return [this](Error e) {
      EXPECT_FALSE(error) << "told twice";
      error = e;
    };
  }
  MachineFactory making(std::shared_ptr<StreamMachine> machine) {
    return [this, machine = std::move(machine)](std::string const& where) {
      remote = where;
      return machine;
    };
  }
  Loop loop;
  std::optional<Error> error;
  std::string remote;
};

}  // namespace kith::link::testing
