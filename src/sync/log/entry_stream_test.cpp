#include "sync/log/entry_stream.hpp"

#include <algorithm>

#include <gtest/gtest.h>

#include "support/seeds.hpp"
#include "support/test_device.hpp"

/// Answers to one WANT, whatever ranges it holds.
namespace kith::sync {
namespace {

using ::testing::AssertionFailure;
using ::testing::AssertionResult;
using ::testing::AssertionSuccess;
using testing::Dice;
using testing::for_each_seed;
using testing::must;
using testing::TestDevice;
using Range = wire::Want::Range;

/// The whole answer, as digests of sealed entries in the order in which they are sent.
std::vector<Bytes> answer(TestDevice& device, std::vector<Range> const& ranges) {
  std::vector<Bytes> entries;
  auto stream = must(EntryStream::start(device.replica, ranges));
  while (!stream.ended()) {
    auto data = must(stream.next(device.replica));
    for (auto& entry : data.entries) entries.push_back(std::move(entry.bytes));
  }
  return entries;
}

/// `a` founds, and `b` writes: a log that copies of b's home make branch.
struct EntryStreams : ::testing::Test {
  EntryStreams() {
    must(a.replica.create_group("home", "laptop", testing::test_recovery(7), a.now()));
    a.invite(b);
    b.pull_from(a);
  }
  std::vector<Tip> tips_of_b() {
    auto tips = must(a.replica.tips());
    std::erase_if(tips, [&](Tip const& tip) { return tip.log.device != b.identity.device(); });
    return tips;
  }
  TestDevice a{1, "laptop"};
  TestDevice b{2, "desktop"};
};

TEST_F(EntryStreams, HoldForABranchWhatItGrewFrom) {
  for (int i = 0; i < 3; ++i) b.push("before the fork");
  auto const copy = b.copied(52);
  for (int i = 0; i < 4; ++i) b.push("one branch");
  for (int i = 0; i < 2; ++i) copy->push("the other");
  a.pull_from(b);
  a.pull_from(*copy);
  std::map<Seq, std::size_t> entries;
  std::vector<Range> both;
  for (auto const& tip : tips_of_b()) {
    both.push_back({tip.log, {2}, tip.seq, tip.hash});
    entries[tip.seq] = answer(a, {both.back()}).size();
  }
  EXPECT_EQ(entries, (std::map<Seq, std::size_t>{{{5}, 4}, {{7}, 6}}));
  EXPECT_EQ(answer(a, both).size(), 8U) << "what both grew from once";
}

/// A range costs a hundred bytes to ask for; what it is answered with must not grow with the number of them.
TEST_F(EntryStreams, SendEachEntryOnceHoweverOftenItIsAskedFor) {
  for (int i = 0; i < 100; ++i) b.push("m" + std::to_string(i));
  a.pull_from(b);
  auto const tip = tips_of_b().at(0);
  Range const whole{tip.log, {1}, tip.seq, tip.hash};
  auto const once = answer(a, {whole});
  EXPECT_EQ(once.size(), 100U);
  EXPECT_EQ(answer(a, std::vector<Range>(kLimits.max_wants, whole)), once);

  std::vector<Range> growing;
  for (std::uint64_t from = 100; from > 0; --from) growing.push_back({tip.log, {from}, tip.seq, tip.hash});
  EXPECT_EQ(answer(a, growing), once);
  EXPECT_EQ(answer(a, {growing[9], growing[0], growing[4]}), std::vector<Bytes>(once.end() - 10, once.end()));
}

TEST_F(EntryStreams, SendEntriesThatStartEpochsFirstAndOnce) {
  for (int i = 0; i < 4; ++i) {
    must(b.replica.rotate(b.now()));
    b.push("under it");
  }
  a.pull_from(b);
  auto const tip = tips_of_b().at(0);
  Range const whole{tip.log, {1}, tip.seq, tip.hash};
  auto const all = b.sealed_entries();
  auto const entries = answer(a, {whole, whole, {tip.log, {3}, tip.seq, tip.hash}});
  ASSERT_EQ(entries.size(), 8U);
  for (std::size_t i = 0; i < 4; ++i) {
    EXPECT_EQ(entries[i], all.end()[-2 - 2 * static_cast<std::ptrdiff_t>(i)]) << "the newest epoch first";
    EXPECT_EQ(entries[4 + i], all.end()[-7 + 2 * static_cast<std::ptrdiff_t>(i)]) << "the others as they were applied";
  }
}

/// A log that branches at random, branches of branches too, and what each range of it holds, found entry by entry.
class Thicket {
 public:
  explicit Thicket(std::uint64_t seed) : dice_(seed), a_(seed * 1000, "a") {
    must(a_.replica.create_group("home", "a", testing::test_recovery(1), a_.now()));
    homes_.push_back(std::make_unique<TestDevice>(seed * 1000 + 1, "b"));
    a_.invite(*homes_.front());
    homes_.front()->pull_from(a_);
    for (std::size_t steps = dice_.between(5, 30); steps > 0; --steps) {
      auto& home = *homes_[dice_.below(homes_.size())];
      if (dice_.chance(20) && homes_.size() < 6) homes_.push_back(home.copied(seed * 1000 + 2 + homes_.size()));
      for (std::size_t entries = dice_.between(1, 4); entries > 0; --entries) home.push("m");
    }
    dice_.shuffle(homes_);
    for (auto const& home : homes_) a_.pull_from(*home);
    must(a_.replica.scan_applied(0, [&](std::uint64_t, EntryHash const& hash) {
      auto const opened = must(a_.replica.state().open_stored(hash));
      if (opened.body.author != homes_.front()->identity.device()) return;
      all_.push_back({opened.body.tip(hash), opened.body.prev, *must(a_.replica.state().sealed(hash))});
    }));
  }

  TestDevice& device() { return a_; }
  bool branches() { return must(a_.replica.state().tips()).size() > 2; }

  std::vector<Range> ranges() {
    std::vector<Range> ranges;
    for (std::size_t count = dice_.between(1, 12); count > 0; --count) {
      auto const& end = dice_.pick(all_).tip;
      ranges.push_back({end.log, {dice_.below(end.seq.value + 2)}, end.seq, end.hash});
    }
    return ranges;
  }

  /// The entries that are in one of the ranges or more, in the order in which the device applied them.
  std::vector<Bytes> expected(std::vector<Range> const& ranges) const {
    std::set<EntryHash> asked;
    for (auto const& range : ranges) {
      auto hash = range.hash;
      for (auto seq = range.to; seq >= range.from && seq.value > 0; --seq.value) {
        asked.insert(hash);
        hash = std::ranges::find(all_, hash, [](Entry const& entry) { return entry.tip.hash; })->prev;
      }
    }
    std::vector<Bytes> entries;
    for (auto const& entry : all_) {
      if (asked.contains(entry.tip.hash)) entries.push_back(entry.sealed);
    }
    return entries;
  }

 private:
  struct Entry {
    Tip tip;
    EntryHash prev;
    Bytes sealed;
  };
  Dice dice_;
  TestDevice a_;
  std::vector<std::unique_ptr<TestDevice>> homes_;
  std::vector<Entry> all_;
};

TEST(EntryStreamProperty, HoldsWhatItsRangesHoldTogetherAndEachOnce) {
  std::size_t branched = 0;
  for_each_seed(100, [&](std::uint64_t seed) -> AssertionResult {
    Thicket thicket(seed);
    branched += thicket.branches() ? 1 : 0;
    for (int wants = 0; wants < 10; ++wants) {
      auto const ranges = thicket.ranges();
      auto const expected = thicket.expected(ranges);
      auto const sent = answer(thicket.device(), ranges);
      if (sent != expected)
        return AssertionFailure() << ranges.size() << " ranges: " << sent.size() << " sent of " << expected.size();
    }
    return AssertionSuccess();
  });
  if (std::getenv("KITH_SEED") == nullptr) {
    EXPECT_GE(branched, 10U);
  }
}

}  // namespace
}  // namespace kith::sync
