#include "relay/server/log.hpp"

#include <gtest/gtest.h>

namespace kith::relay::server {
namespace {

struct RelayLog : ::testing::Test {
  void start(LogLevel level, bool addresses = false) {
    log::start(level, addresses,
               [this](std::string_view line) { lines.emplace_back(line.substr(line.find(' ') + 1)); });
  }
  ~RelayLog() override { log::stop(); }
  std::vector<std::string> lines;
};

TEST_F(RelayLog, WritesEventsWithTheirFields) {
  start(LogLevel::info);
  log::info(
      "a.b",
      {{"n", 7}, {"yes", true}, {"word", "w"}, {"t", std::chrono::milliseconds{1500}}, {"path", log::Chosen{"/a\nb"}}});
  log::debug("not.this");
  log::error("bad", {{"why", Error{ServerError::io}}});
  EXPECT_EQ(lines, (std::vector<std::string>{"info a.b n=7 yes=true word=w t=1.500s path=/a\\x0ab",
                                             "error bad why=relay_server.io"}));
}

TEST_F(RelayLog, NamesClientsOnlyWhereThatIsWanted) {
  start(LogLevel::info);
  log::info("seen", {{"client", log::Client{"203.0.113.7"}}});
  start(LogLevel::info, true);
  log::info("seen", {{"client", log::Client{"203.0.113.7"}}});
  EXPECT_EQ(lines, (std::vector<std::string>{"info seen", "info seen client=203.0.113.7"}));
}

TEST_F(RelayLog, LetsNobodyFloodIt) {
  start(LogLevel::debug);
  for (int i = 0; i < 1000; ++i) log::warn("again");
  log::warn("else");
  EXPECT_EQ(lines.size(), log::kLinesPerWindow + 1U);
  for (int i = 0; i < 100; ++i) log::debug("detail");
  EXPECT_EQ(lines.size(), log::kLinesPerWindow + 101U);
}

}  // namespace
}  // namespace kith::relay::server
