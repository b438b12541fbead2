#include <gtest/gtest.h>

#include "support/raw_entry.hpp"
#include "support/seeds.hpp"
#include "support/test_device.hpp"

/// A member that begins log after log: it is held to a number, others are not, and all come to hold the same.
namespace kith::core {
namespace {

using ::testing::AssertionFailure;
using ::testing::AssertionResult;
using ::testing::AssertionSuccess;
using testing::Dice;
using testing::must;
using testing::TestDevice;

/// A group of three, one of whom cheats.
struct Crowd {
  explicit Crowd(std::uint64_t seed = 0)
      : random(seed), a(seed * 10 + 1, "a"), b(seed * 10 + 2, "b"), c(seed * 10 + 3) {
    must(a.replica.create_group("home", "a", testing::test_recovery(1), a.now()));
    for (auto* other : {&b, &c}) {
      a.invite(*other);
      other->pull_from(a);
    }
    b.pull_from(a), c.pull_from(a);
    first_tips = must(b.replica.tips());
  }
  using Made = testing::RawMade;
  /// An entry of `b`, in whatever log, on top of whatever.
  Made made(LogId log, Seq seq, EntryHash prev, std::vector<Tip> tips) {
    std::vector<wire::Op> ops;
    ops.emplace_back(wire::Message{"t", 0, {Bytes{'x'}}});
    auto body = testing::raw_body(b.identity, log.incarnation, std::move(tips), ops);
    body.seq = seq;
    body.prev = prev;
    return testing::raw_entry(body, b.identity, a.replica, random);
  }
  Made first_of_log(std::vector<Tip> tips) {
    return made({b.identity.device(), {++incarnations}}, {1}, {}, std::move(tips));
  }
  std::vector<Bytes> logs_apart(std::size_t count) {
    std::vector<Bytes> entries;
    for (std::size_t i = 0; i < count; ++i) entries.push_back(first_of_log(first_tips).sealed);
    return entries;
  }
  /// Does what is due at once. @return whether something was
  static bool upkeep(TestDevice& device) {
    auto const due = device.replica.upkeep_due(device.now().wall);
    if (!due || due->by_age) return false;
    must(device.replica.do_upkeep(due->kind, device.now()));
    return true;
  }
  std::size_t logs_of_b(TestDevice& device) { return device.replica.state().chains_of(b.identity.device()); }

  testing::SeededRandom random;
  TestDevice a, b, c;
  std::vector<Tip> first_tips;
  std::uint64_t incarnations = 0;
};

TEST(ChainBounds, OfLogsThatKnowNothingOfEachOtherFewAreTaken) {
  Crowd crowd;
  auto const logs = crowd.logs_apart(2 * kLimits.max_apart_chains);
  EXPECT_EQ(crowd.a.receive(logs).applied, kLimits.max_apart_chains);
  EXPECT_EQ(crowd.a.receive(logs).applied, 0U) << "nor later";
  EXPECT_EQ(crowd.logs_of_b(crowd.a), kLimits.max_apart_chains);
}

/// A device whose home is restored again and again names its logs, as far as it knows them.
TEST(ChainBounds, LogsThatFollowEachOtherAreTaken) {
  Crowd crowd;
  auto last = crowd.first_of_log(crowd.first_tips);
  for (std::size_t i = 0; i < 2 * kLimits.max_apart_chains; ++i) {
    ASSERT_EQ(crowd.a.receive({last.sealed}).applied, 1U) << i;
    last = crowd.first_of_log({last.tip});
  }
}

/// What an entry's past is decides, whatever the order in which it came.
TEST(ChainBounds, AnEntryThatKnowsTooManyBranchesOfItsAuthorIsVoidForAll) {
  Crowd crowd;
  std::vector<Crowd::Made> made{crowd.first_of_log(crowd.first_tips)};
  while (made.size() < kLimits.max_author_branches) made.push_back(crowd.first_of_log({made.back().tip}));
  auto const goes_on = crowd.made(made.back().tip.log, {2}, made.back().tip.hash, {});
  auto const too_many = crowd.first_of_log({made.back().tip});
  // Older logs go on, knowing all; one does so a second time, and that is one branch more.
  auto const older = crowd.made(made[5].tip.log, {2}, made[5].tip.hash, {made.back().tip});
  auto const another = crowd.made(made[7].tip.log, {2}, made[7].tip.hash, {older.tip});
  auto const fork = crowd.made(made[5].tip.log, {2}, made[5].tip.hash, {another.tip});
  std::vector<Bytes> entries;
  for (auto const& one : made) entries.push_back(one.sealed);
  for (auto const* one : {&goes_on, &older, &another, &fork, &too_many}) entries.push_back(one->sealed);
  auto const in_order = crowd.a.receive(entries);
  EXPECT_EQ(in_order.applied, entries.size() - 2);
  EXPECT_EQ(in_order.refused, 2U);
  Dice dice(1);
  dice.shuffle(entries);
  auto const in_disorder = crowd.c.receive(entries);
  EXPECT_EQ(in_disorder.applied, entries.size() - 2);
  EXPECT_EQ(in_disorder.refused, 2U);
  EXPECT_EQ(must(crowd.a.replica.heads()), must(crowd.c.replica.heads()));
  for (auto const* one : {&fork, &too_many}) EXPECT_FALSE(must(crowd.c.replica.has(one->tip.hash)));
  crowd.a.push("others go on");
  EXPECT_EQ(crowd.c.pull_from(crowd.a).refused, 0U);
}

TEST(ChainBounds, OneThatFloodsKeepsNobodyElseOut) {
  Crowd crowd;
  crowd.a.receive(crowd.logs_apart(2 * kLimits.max_apart_chains));
  must(crowd.c.replica.start_incarnation());
  crowd.c.push("in a log of its own");
  EXPECT_EQ(crowd.a.pull_from(crowd.c).refused, 0U);
  EXPECT_EQ(crowd.a.texts().back(), "in a log of its own");
}

/// Each honest device takes in what comes first, and what others have built upon.
TEST(ChainBounds, DevicesThatWereGivenDifferentLogsComeToHoldTheSame) {
  testing::for_each_seed(10, [](std::uint64_t seed) -> AssertionResult {
    Dice dice(seed);
    Crowd crowd(seed);
    std::vector<Bytes> logs = crowd.logs_apart(dice.between(300, 600));
    for (auto* device : {&crowd.a, &crowd.c}) {
      dice.shuffle(logs);
      device->receive({logs.begin(), logs.begin() + static_cast<std::ptrdiff_t>(dice.between(1, logs.size()))});
      if (dice.chance(30)) device->push("knows them");
    }
    for (int round = 0; round < 10; ++round) {
      for (auto const& [from, to] : {std::pair(&crowd.a, &crowd.c), std::pair(&crowd.c, &crowd.a)}) {
        auto entries = from->sealed_entries();
        to->receive(entries);  // causes come first; what was refused then is asked for again by what needs it
        to->receive(entries);
        while (Crowd::upkeep(*to)) {
        }
      }
    }
    if (must(crowd.a.replica.heads()) != must(crowd.c.replica.heads()))
      return AssertionFailure() << crowd.logs_of_b(crowd.a) << " and " << crowd.logs_of_b(crowd.c) << " logs";
    if (crowd.logs_of_b(crowd.a) > 2 * kLimits.max_apart_chains + 1) return AssertionFailure() << "too many";
    return AssertionSuccess();
  });
}

}  // namespace
}  // namespace kith::core
