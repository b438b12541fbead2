#include "engine/skipped_list.hpp"

#include <gtest/gtest.h>

namespace kith::engine {
namespace {

using Why = files::Skipped::Why;
using Items = std::vector<std::pair<std::string, std::string>>;
using Counts = std::vector<std::pair<std::string, std::uint64_t>>;

TEST(SkippedList, AWholeScanReplacesWhatScansSaid) {
  SkippedList list;
  EXPECT_TRUE(list.take_moved()) << "whatever an earlier run said";
  list.scanned({{"a", Why::symlink}, {"b", Why::special}});
  EXPECT_TRUE(list.take_moved());
  EXPECT_EQ(list.row().items, (Items{{"a", "symlink"}, {"b", "special-file"}}));
  list.scanned({{"b", Why::special}, {"a", Why::symlink}});
  EXPECT_FALSE(list.take_moved());
  list.applied({{"c", Why::bad_content}});
  list.scanned({{"b", Why::special}});
  EXPECT_EQ(list.row().items, (Items{{"b", "special-file"}, {"c", "bad-content"}}));
  list.applied({});
  list.scanned({});
  EXPECT_TRUE(list.take_moved());
  EXPECT_TRUE(list.row().items.empty());
  EXPECT_TRUE(list.row().counts.empty());
}

TEST(SkippedList, APartialScanSpeaksOfItsPathsOnly) {
  SkippedList list;
  list.scanned({{"d", Why::unreadable}, {"d.txt", Why::symlink}, {"d/x", Why::symlink}, {"d0", Why::symlink}});
  list.scanned({"d", "new"}, {{"d/y", Why::special}, {"new", Why::symlink}, {"d/z", Why::unstable}});
  EXPECT_EQ(list.row().items,
            (Items{{"d.txt", "symlink"}, {"d0", "symlink"}, {"d/y", "special-file"}, {"new", "symlink"}}));
  EXPECT_TRUE(list.take_moved());
  list.scanned({"d", "new"}, {{"d/y", Why::special}, {"new", Why::symlink}});
  EXPECT_FALSE(list.take_moved());
  list.scanned({"new"}, {});
  EXPECT_EQ(list.row().counts, (Counts{{"symlink", 2}, {"special-file", 1}}));
}

TEST(SkippedList, ShowsTheNewestAndCountsThemAll) {
  SkippedList list;
  std::vector<files::Skipped> many;
  for (int i = 100; i < 1100; ++i) many.push_back({std::to_string(i), Why::symlink});
  list.scanned(many);
  list.applied({{"0 late", Why::blocked}, {"100", Why::symlink}});
  auto row = list.row();
  EXPECT_EQ(row.items.size(), SkippedRow::kMost);
  EXPECT_EQ(row.items.back().first, "100") << "as both say";
  EXPECT_NE(std::ranges::find(row.items, std::pair<std::string, std::string>("0 late", "blocked")), row.items.end());
  EXPECT_EQ(row.counts, (Counts{{"symlink", 1000}, {"blocked", 1}}));
  many.resize(500);
  list.scanned(many);
  row = list.row();
  EXPECT_EQ(row.items.size(), SkippedRow::kMost) << "others take the places of those that are over";
  EXPECT_EQ(row.total(), 501U);

  auto const again = core::decode_record<SkippedRow>(core::encode_record(row));
  ASSERT_TRUE(again);
  EXPECT_EQ(again->items, row.items);
  EXPECT_EQ(again->counts, row.counts);
}

/// Refused contents are no work any more: a later run knows of them what the row says, and no more.
TEST(SkippedList, CountsOnWhatAnEarlierRunRefused) {
  std::vector<files::Skipped> many;
  for (int i = 100; i < 150; ++i) many.push_back({std::to_string(i), Why::bad_content});
  SkippedList first;
  first.applied(many);
  first.scanned({{"link", Why::symlink}});
  auto const earlier = first.row();
  ASSERT_EQ(earlier.counts, (Counts{{"symlink", 1}, {"bad-content", 50}}));

  SkippedList second;
  second.recall(earlier);
  second.scanned({});
  EXPECT_EQ(second.row().counts, (Counts{{"bad-content", 50}})) << "what scans leave alone they find again";
  EXPECT_EQ(second.row().items.size(), SkippedRow::kMost - 1);
  std::vector<files::Skipped> still;
  for (auto const& [path, code] : second.row().items) still.push_back({path, Why::bad_content});
  still.resize(still.size() - 2);
  second.applied(still);
  EXPECT_EQ(second.row().total(), 50U);
  EXPECT_TRUE(second.take_moved());
  second.looked_again();
  EXPECT_TRUE(second.take_moved());
  EXPECT_EQ(second.row().total(), 48U) << "two of those that it names are over";
  EXPECT_EQ(second.row().items.size(), still.size());
  second.looked_again();
  EXPECT_FALSE(second.take_moved());

  SkippedList third;
  third.recall(second.row());
  third.applied(still);
  third.looked_again();
  EXPECT_EQ(third.row().counts, second.row().counts);
  EXPECT_EQ(third.row().items, second.row().items);
  third.applied({});
  EXPECT_EQ(third.row().total(), 0U) << "none is left of those that can be looked at";

  SkippedList fourth;
  fourth.recall(second.row());
  fourth.scanned({});
  EXPECT_TRUE(fourth.take_moved());
  fourth.looked_again();
  EXPECT_TRUE(fourth.take_moved());
  EXPECT_EQ(fourth.row().total(), 0U);
  EXPECT_TRUE(fourth.row().items.empty());
}

TEST(SkippedList, SaysWhetherTheDiskFailedToReadSomethingThatItMayReadLater) {
  SkippedList list;
  list.scanned({{"a", Why::unreadable}, {"b", Why::read_failed}});
  EXPECT_TRUE(list.any_read_failed());
  list.scanned({"a"}, {});
  EXPECT_TRUE(list.any_read_failed()) << "another path was looked at";
  list.scanned({{"a", Why::unreadable}});
  EXPECT_FALSE(list.any_read_failed());
}

}  // namespace
}  // namespace kith::engine
