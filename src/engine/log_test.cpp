#include "engine/log.hpp"

#include <regex>
#include <thread>

#include <gtest/gtest.h>

#include "engine/home.hpp"

namespace kith::engine {
namespace {

using namespace std::chrono_literals;

static_assert(!std::is_constructible_v<log::Field, log::Literal, std::string>, "a text of the user's must not get in");
static_assert(!std::is_constructible_v<log::Field, log::Literal, std::string_view>);
static_assert(!std::is_constructible_v<log::Field, log::Literal, char const*>);

class LogTest : public ::testing::Test {
 protected:
  void start(LogLevel level) {
    log::start(level, [this](std::string_view line) { lines.emplace_back(line); });
  }
  void TearDown() override { log::stop(); }
  std::vector<std::string> lines;
};

TEST_F(LogTest, OneLinePerEvent) {
  start(LogLevel::debug);
  DeviceId device;
  device.bytes.fill(0xAB);
  log::info("session.open", {{"device", log::short_id(device)},
                             {"clock_ahead", 2s},
                             {"tries", 3U},
                             {"balance", -4},
                             {"direct", true},
                             {"path", "direct"},
                             {"error", Error(HomeError{}, SubjectDetail{"/home/ana/secret"})},
                             {"at", log::Endpoint{"10.0.0.1:7427"}}});
  ASSERT_EQ(lines.size(), 1U);
  EXPECT_TRUE(std::regex_match(
      lines[0],
      std::regex(R"(20\d\d-\d\d-\d\dT\d\d:\d\d:\d\d\.\d\d\dZ info session\.open device=abababa clock_ahead=2\.000s )"
                 R"(tries=3 balance=-4 direct=true path=direct error=home\.no_place)")))
      << lines[0];
}

TEST_F(LogTest, AddressesAreForDebuggingOnly) {
  start(LogLevel::debug);
  log::warn("dial.failed", {{"to", log::Endpoint{"10.0.0.1:7427"}}});
  log::debug("dial.failed", {{"to", log::Endpoint{"10.0.0.1:7427\x1b"}}});
  ASSERT_EQ(lines.size(), 2U);
  EXPECT_TRUE(lines[0].ends_with(" warn dial.failed")) << lines[0];
  EXPECT_TRUE(lines[1].ends_with(" debug dial.failed to=10.0.0.1:7427\\x1b")) << lines[1];
}

TEST_F(LogTest, WritesFromTheLevelOn) {
  for (auto const level : {LogLevel::error, LogLevel::warn, LogLevel::info, LogLevel::debug}) {
    lines.clear();
    start(level);
    log::error("e");
    log::warn("w");
    log::info("i");
    log::debug("d");
    EXPECT_EQ(lines.size(), static_cast<std::size_t>(level) + 1);
    EXPECT_TRUE(log::enabled(level));
  }
}

TEST_F(LogTest, IsSilentUntilStartedAndAfterStop) {
  log::error("before");
  start(LogLevel::debug);
  log::stop();
  log::error("after");
  EXPECT_FALSE(log::enabled(LogLevel::error));
  EXPECT_TRUE(lines.empty());
}

TEST_F(LogTest, ThreadsDoNotMixLines) {
  start(LogLevel::info);
  std::vector<std::thread> threads;
  for (unsigned thread = 0; thread < 4; ++thread) {
    threads.emplace_back([thread] {
      for (unsigned i = 0; i < 250; ++i) log::info("event", {{"thread", thread}, {"i", i}});
    });
  }
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(lines.size(), 1000U);
}

}  // namespace
}  // namespace kith::engine
