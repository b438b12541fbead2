#include <gtest/gtest.h>

#include "support/raw_entry.hpp"
#include "support/test_device.hpp"

/// A group is founded once, by its own record; a creator that writes its first entry twice changes nothing for anybody.
namespace kith::core {
namespace {

using testing::must;
using testing::TestDevice;

/// Two foundings, and an add of the creator's device that knows the one with the larger hash only.
std::vector<RosterEntry> founded_twice() {
  DeviceId const creator{{1}};
  DeviceId const other{{2}};
  wire::Devcert cert;
  cert.device = creator;
  auto const entry = [](std::uint8_t hash, DeviceId const& author, ChainPlace place, std::vector<RosterOp> ops) {
    RosterEntry made;
    made.hash.bytes[0] = hash;
    made.author = author;
    made.place = place;
    made.past.include(place);
    for (std::uint32_t i = 0; i < ops.size(); ++i) made.ops.emplace_back(i, std::move(ops[i]));
    return made;
  };
  wire::DeviceAdd add_other, add_creator;
  add_other.cert.device = other;
  add_other.name = "other";
  add_creator.cert = cert;
  add_creator.name = "again";
  std::vector<RosterEntry> entries;
  entries.push_back(entry(9, creator, {{1}, {1}}, {Founding{cert, "group"}, add_other}));
  entries.push_back(entry(5, creator, {{2}, {1}}, {Founding{cert, "group"}}));
  auto last = entry(7, other, {{3}, {1}}, {add_creator});
  last.past.include(entries[0].place);
  entries.push_back(std::move(last));
  return entries;
}

TEST(RosterFounding, OfSeveralTheFirstByOrderIsMeant) {
  auto entries = founded_twice();
  auto const expected = compute_roster(entries);
  EXPECT_TRUE(std::ranges::count(expected.bearing(), (ChainPlace{{2}, {1}})) == 1) << "the smaller hash bears";
  EXPECT_EQ(expected.find({{1}})->name, "again") << "this add does not know the founding that is meant";
  auto const by_hash = [](RosterEntry const& a, RosterEntry const& b) { return a.hash < b.hash; };
  std::ranges::sort(entries, by_hash);
  do {
    auto const found = compute_roster(entries);
    EXPECT_EQ(found.digest(), expected.digest());
    EXPECT_EQ(found.bearing(), expected.bearing());
    EXPECT_EQ(found.active_by_rank(), expected.active_by_rank());
  } while (std::next_permutation(entries.begin(), entries.end(), by_hash));
}

struct RosterEntryPoint : ::testing::Test {
  RosterEntryPoint() { must(a.replica.create_group("home", "a", recovery, a.now())); }
  wire::Op founding_of(std::string name) {
    wire::GenesisOp op{must(wire::decode<wire::Genesis>(wire::encode(a.replica.state().genesis())))};
    op.record.name = std::move(name);
    return wire::Op{std::move(op)};
  }
  /// What becomes of the first entry of a log.
  Received give(Identity const& author, std::vector<wire::Op> ops) {
    auto const body = testing::raw_body(author, {77}, must(a.replica.tips()), ops);
    return a.receive({testing::raw_entry(body, author, a.replica, random).sealed});
  }
  wire::Op add_by_recovery(Identity const& author) {
    wire::DeviceAdd add{author.cert, "recovered", *a.replica.sealing_epoch(), std::nullopt};
    add.recovery = recovery.sign.sign(
        kRecoveryLabel, recovery_message(a.replica.state().group(), author.device(), {77}, {1}, wire::Op{add}));
    return wire::Op{std::move(add)};
  }
  testing::SeededRandom random{50};
  RecoveryKeys recovery = testing::test_recovery(1);
  TestDevice a{1};
  Identity stranger = Identity::generate(random, {0});
};

TEST_F(RosterEntryPoint, ADeviceThatTheRecoveryKeyAddsFoundsNothing) {
  auto const before = a.replica.state().roster().digest();
  std::vector<wire::Op> ops;
  ops.push_back(add_by_recovery(stranger));
  ops.push_back(founding_of("another group"));
  auto const received = give(stranger, std::move(ops));
  EXPECT_EQ(received.applied, 0U);
  ASSERT_TRUE(received.refusal);
  EXPECT_TRUE(received.refusal->is(CoreError::not_member));
  EXPECT_EQ(a.replica.state().roster().digest(), before);

  std::vector<wire::Op> alone;
  alone.push_back(add_by_recovery(stranger));
  EXPECT_EQ(give(stranger, std::move(alone)).applied, 1U);
}

TEST_F(RosterEntryPoint, ACreatorFoundsItsGroupWithItsOwnRecordOnly) {
  std::vector<wire::Op> two;
  two.push_back(founding_of("home"));
  two.push_back(founding_of("another group"));
  EXPECT_EQ(give(a.identity, std::move(two)).applied, 0U);
  std::vector<wire::Op> again;
  again.push_back(founding_of("home"));
  EXPECT_EQ(give(a.identity, std::move(again)).applied, 1U) << "a second time, in another log";
  EXPECT_EQ(a.replica.state().roster().group_name(), "home");
}

}  // namespace
}  // namespace kith::core
