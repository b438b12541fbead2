#include "relay/server/metrics.hpp"

#include <regex>
#include <set>

#include <gtest/gtest.h>

namespace kith::relay::server {
namespace {

TEST(RelayMetrics, FollowTheirNamingRules) {
  std::set<std::string_view> names;
  for (auto const& metric : metrics()) {
    EXPECT_TRUE(metric.name.starts_with("kith_relay_")) << metric.name;
    EXPECT_EQ(metric.name.ends_with("_total"), metric.type == Metric::Type::counter) << metric.name;
    EXPECT_TRUE(names.insert(metric.name).second) << metric.name;
    EXPECT_TRUE(metric.help.ends_with('.')) << metric.name;
  }
}

TEST(RelayMetrics, AreInPrometheusFormat) {
  Snapshot snapshot;
  snapshot.rules.items_pushed = 12345678901;
  snapshot.threads.writing_us = 1'500'000;
  snapshot.server.websockets = 3;
  auto const text = metrics_text(snapshot);
  std::regex const line(R"((# (HELP|TYPE) [a-z_]+ [^\n]+|[a-z_]+(\{version="[0-9.]+"\})? [0-9.e+]+)\n)");
  auto const matched = std::distance(std::sregex_iterator(text.begin(), text.end(), line), std::sregex_iterator());
  EXPECT_EQ(matched, std::ranges::count(text, '\n'));
  EXPECT_NE(text.find("\nkith_relay_blobs_pushed_total 12345678901\n"), std::string::npos) << text;
  EXPECT_NE(text.find("\nkith_relay_store_writing_seconds_total 1.5\n"), std::string::npos);
  EXPECT_NE(text.find("\n# TYPE kith_relay_websockets gauge\nkith_relay_websockets 3\n"), std::string::npos);
}

}  // namespace
}  // namespace kith::relay::server
