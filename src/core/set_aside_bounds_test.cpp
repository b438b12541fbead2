#include <gtest/gtest.h>

#include "support/raw_entry.hpp"
#include "support/test_device.hpp"

/// What removed devices can make others keep has bounds, which nothing that they write themselves lifts, and which keep
/// out nothing that comes to count.
namespace kith::core {
namespace {

using testing::must;
using testing::TestDevice;

/// `a` began the group and let in `b`, who cheats, and `c`.
struct SetAsideBounds : ::testing::Test {
  SetAsideBounds() {
    must(a.replica.create_group("home", "a", testing::test_recovery(1), a.now()));
    for (auto* other : {&b, &c}) {
      a.invite(*other);
      other->pull_from(a);
    }
    b.pull_from(a), c.pull_from(a);
    first_tips = must(b.replica.tips());
    epoch = b.replica.state().secret(*b.replica.sealing_epoch())->clone();
  }
  static void remove(TestDevice& by, DeviceId const& target) {
    must(by.replica.remove_device(target, wire::RemoveReason::lost, nullptr, by.now()));
  }
  using Made = testing::RawMade;
  Made made(Identity const& author, std::uint64_t incarnation, Tip const* before, std::vector<Tip> tips,
            std::vector<wire::Op> const& ops) {
    auto const body = testing::raw_body(author, {incarnation}, std::move(tips), ops, before);
    return testing::raw_entry(body, author, a.replica.state().group(), epoch, random);
  }
  /// A log by `author`, on top of `tips`.
  std::vector<Made> log(Identity const& author, std::uint64_t incarnation, std::vector<Tip> const& tips,
                        std::size_t entries, std::vector<wire::Op> const& ops) {
    std::vector<Made> all;
    for (std::size_t i = 0; i < entries; ++i) {
      all.push_back(
          made(author, incarnation, i == 0 ? nullptr : &all.back().tip, i == 0 ? tips : std::vector<Tip>{}, ops));
    }
    return all;
  }
  static std::vector<Bytes> sealed(std::vector<Made> const& entries) {
    std::vector<Bytes> all;
    for (auto const& entry : entries) all.push_back(entry.sealed);
    return all;
  }
  std::vector<wire::Op> large() {
    std::vector<wire::Op> ops;
    for (int i = 0; i < 2; ++i) {
      Bytes bytes(31'000);
      random.fill(bytes);
      ops.emplace_back(wire::Message{"t", 0, {std::move(bytes)}});
    }
    return ops;
  }
  /// Entries by `b` that each let in as many devices as an entry can, in a log of its own.
  std::vector<Made> straws(std::uint64_t incarnation, std::size_t entries) {
    std::vector<Made> all;
    for (std::size_t i = 0; i < entries; ++i) {
      std::vector<wire::Op> adds;
      for (std::size_t k = 0; k < 60; ++k) {
        auto const straw = Identity::generate(random, {0});
        adds.emplace_back(wire::DeviceAdd{straw.cert, "s", epoch_id(a.replica.state().group(), epoch), {}});
      }
      all.push_back(made(b.identity, incarnation, i == 0 ? nullptr : &all.back().tip,
                         i == 0 ? first_tips : std::vector<Tip>{}, adds));
    }
    return all;
  }
  [[nodiscard]] std::vector<wire::Op> renames() const {
    std::vector<wire::Op> ops;
    for (std::size_t i = 0; i < kLimits.max_roster_ops; ++i) {
      ops.emplace_back(wire::DeviceRename{a.identity.device(), "a"});
    }
    return ops;
  }
  static std::size_t chains(TestDevice& device) { return device.replica.state().chains().size(); }
  static SetAsideUse set_aside(TestDevice& device) {
    return must(const_cast<GroupState&>(device.replica.state()).set_aside());
  }

  testing::SeededRandom random{50};
  TestDevice a{1, "a"}, b{2, "b"}, c{3, "c"};
  std::vector<Tip> first_tips;
  EpochSecret epoch;
};

/// What waits for entries of its own author lifts no bound; what an active device has built upon is taken in.
TEST_F(SetAsideBounds, OfEntriesThatNobodyBuiltUponSoManyBytesAreKept) {
  remove(a, b.identity.device());
  auto const ops = large();
  auto const entries = log(b.identity, 99, first_tips, 1100, ops);
  for (std::uint64_t i = 0; i < 3; ++i) {
    std::vector<Tip> tips{{{b.identity.device(), {12345}}, {7}, random.id<EntryHash>()}};
    for (std::size_t k = i * 400; k < std::min<std::size_t>(entries.size(), (i + 1) * 400); ++k) {
      tips.push_back(entries[k].tip);
    }
    ASSERT_EQ(a.receive({made(b.identity, 200 + i, nullptr, tips, {}).sealed}).pending, 1U);
  }
  a.receive(sealed(entries));
  EXPECT_LE(set_aside(a).bytes, kMostSetAside.bytes + kSetAsideShare.bytes);
  EXPECT_GT(set_aside(a).bytes, kMostSetAside.bytes) << "its share besides";
  EXPECT_FALSE(must(a.replica.has(entries.back().tip.hash)));

  c.receive(sealed(entries));  // it does not know of the removal
  auto const seen = c.push("has seen them").entry;
  auto from_c = c.sealed_entries();
  a.receive({from_c.back()});
  a.receive(from_c);
  EXPECT_TRUE(must(a.replica.has(seen)));
  EXPECT_EQ(set_aside(a).bytes, 0U) << "they count";
}

TEST_F(SetAsideBounds, OfTheirRosterOpsSoManyAreKeptInMemory) {
  remove(a, b.identity.device());
  auto const entries = log(b.identity, 99, first_tips, 80, renames());
  auto const most = (kMostSetAside.roster_ops + kSetAsideShare.roster_ops) / kLimits.max_roster_ops;
  EXPECT_EQ(a.receive(sealed(entries)).applied, most);
  EXPECT_EQ(set_aside(a).roster_ops, most * kLimits.max_roster_ops);
  TestDevice again(1, "a", a.database->clone());
  must(again.replica.open());
  EXPECT_EQ(set_aside(again).roster_ops, most * kLimits.max_roster_ops) << "counted anew";

  c.receive(sealed(entries));
  c.push("has seen them");
  auto from_c = c.sealed_entries();
  a.receive({from_c.back()});
  a.receive(from_c);
  EXPECT_TRUE(must(a.replica.has(entries.back().tip.hash)));
  EXPECT_EQ(a.texts().back(), "has seen them");
}

/// `b` lets a device in and removes it, so that it fills what all have together.
TEST_F(SetAsideBounds, AThiefsDevicesDoNotKeepOutASeniorsAnswer) {
  TestDevice straw{4, "straw"};
  b.invite(straw);
  straw.pull_from(b);
  auto const tips = must(straw.replica.tips());
  remove(b, straw.identity.device());
  c.pull_from(b);
  c.receive(sealed(log(straw.identity, 5, tips, 80, renames())));
  ASSERT_EQ(set_aside(c).roster_ops, kMostSetAside.roster_ops + kSetAsideShare.roster_ops);
  remove(b, a.identity.device());
  c.pull_from(b);
  ASSERT_FALSE(c.replica.state().roster().active(a.identity.device()));
  remove(a, b.identity.device());
  c.pull_from(a);
  EXPECT_TRUE(c.replica.state().roster().active(a.identity.device()));
  EXPECT_FALSE(c.replica.state().roster().active(b.identity.device()));
}

TEST_F(SetAsideBounds, OfTheirLogsSoManyAreKeptAndNobodyElseIsKeptOut) {
  remove(a, b.identity.device());
  std::vector<Identity> straws;
  std::vector<wire::Op> adds;
  for (std::size_t i = 0; i <= kMostSetAside.chains / kLimits.max_apart_chains; ++i) {
    straws.push_back(Identity::generate(random, {0}));
    adds.emplace_back(wire::DeviceAdd{straws.back().cert, "s", epoch_id(a.replica.state().group(), epoch), {}});
  }
  auto const added = made(b.identity, 99, nullptr, first_tips, adds);
  ASSERT_EQ(a.receive({added.sealed}).applied, 1U);
  std::vector<Bytes> last;
  for (auto const& straw : straws) {
    last.clear();
    for (std::uint64_t i = 1; i <= kLimits.max_apart_chains; ++i) {
      last.push_back(made(straw, i, nullptr, {added.tip}, {}).sealed);
    }
    a.receive(last);
  }
  EXPECT_EQ(set_aside(a).chains, kMostSetAside.chains + 1) << "one of them in a share";
  EXPECT_EQ(a.receive(last).applied, 0U);

  c.receive({added.sealed, last.back()});  // to which the straw is a member
  must(c.replica.start_incarnation());
  c.push("has seen it, in a new log");
  auto from_c = c.sealed_entries();
  a.receive({from_c.back()});
  a.receive(from_c);
  EXPECT_EQ(a.texts().back(), "has seen it, in a new log");
  must(a.replica.start_incarnation());
  a.push("in a new log too");
}

/// A senior whom only a junior removed may answer, so its adds have to be kept, like those of a member. The words make
/// its removal final: from there on nothing more of it comes in than of anybody else.
TEST_F(SetAsideBounds, OfASeniorWhomTheWordsRemovedNoMoreIsKeptThanOfOthers) {
  remove(c, b.identity.device());
  a.pull_from(c);
  ASSERT_EQ(a.receive(sealed(straws(99, 5))).applied, 5U) << "it may answer";
  ASSERT_EQ(set_aside(a).roster_ops, 0U);

  auto const words = testing::test_recovery(1);
  must(a.replica.remove_device(b.identity.device(), wire::RemoveReason::lost, &words, a.now()));
  auto const tips = must(a.replica.tips());
  std::size_t applied = 0;
  for (std::uint64_t log = 100; log < 103; ++log) {
    applied += a.receive(sealed(straws(log, 40))).applied;
  }
  EXPECT_EQ(applied, (kMostSetAside.roster_ops + kSetAsideShare.roster_ops) / 60);
  EXPECT_EQ(set_aside(a).roster_ops, applied * 60);
  EXPECT_EQ(must(a.replica.tips()), tips);
}

}  // namespace
}  // namespace kith::core
