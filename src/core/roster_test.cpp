#include "core/roster.hpp"

#include <gtest/gtest.h>

#include "core/entry.hpp"
#include "core/identity.hpp"
#include "support/scenario.hpp"
#include "support/seeded_random.hpp"

namespace kith::core {
namespace {

using testing::EventNo;
using testing::Scenario;

struct RosterRules : ::testing::Test, Scenario {
  [[nodiscard]] Roster roster() const { return graph().roster(); }
  void expect_active(std::vector<std::uint8_t> const& numbers) {
    std::vector<DeviceId> expected;
    for (auto const number : numbers) expected.push_back(device(number));
    EXPECT_EQ(roster().active_by_rank(), expected) << history.describe();
  }
  [[nodiscard]] std::string name(std::uint8_t number) const { return roster().find(device(number))->name; }
};

TEST(Roster, WithoutAGenesisNobodyIsAMember) {
  auto const empty = compute_roster({});
  EXPECT_TRUE(empty.members().empty());
  EXPECT_TRUE(empty.active_by_rank().empty());
  EXPECT_EQ(empty.find({}), nullptr);
}

TEST_F(RosterRules, TheCreatorIsAloneAtFirst) {
  expect_active({1});
  EXPECT_EQ(roster().group_name(), "group");
  EXPECT_EQ(roster().find(device(1))->rank, (RankPath{RankStep{1, {}, 0}}));
}

TEST_F(RosterRules, RankFollowsWhoAddedWhomAndWhen) {
  auto const two = write(1, {}, {add(2)});
  auto const four = write(2, {two}, {add(4)});
  write(1, {four}, {add(3)});
  auto const five = write(4, {four}, {add(5)});
  write(2, {five}, {add(6)});
  expect_active({1, 2, 4, 5, 6, 3});
  EXPECT_EQ(roster().find(device(2))->rank.size(), 2U);
  EXPECT_EQ(roster().find(device(5))->rank.size(), 4U);
}

TEST_F(RosterRules, WhomTheRecoveryKeyAddsStandsAboveTheCreator) {
  auto const two = write(1, {}, {add(2)});
  write(2, {two}, {add(3)}, {0});
  expect_active({3, 1, 2});
}

TEST_F(RosterRules, OfSeveralAddsTheMostSeniorPathIsTheRank) {
  auto const two = write(1, {}, {add(2), add(3)});
  write(2, {two}, {add(4)});
  write(1, {}, {add(4)});  // does not know of the other add, and comes later in the creator's own log than that of 2
  expect_active({1, 2, 4, 3});
  EXPECT_EQ(roster().find(device(4))->rank.size(), 3U);
  EXPECT_EQ(roster().find(device(4))->adders.size(), 2U);
}

TEST_F(RosterRules, AJuniorMayRemoveASenior) {
  auto const two = write(1, {}, {add(2)});
  write(2, {two}, {remove(1)});
  expect_active({2});
}

TEST_F(RosterRules, TheSeniorStaysOfTwoThatRemoveEachOther) {
  auto const two = write(1, {}, {add(2)});
  write(2, {two}, {remove(1)});
  write(1, {}, {remove(2)});
  expect_active({1});
}

/// The senior decides first, and what it knew of the junior's doings stands: here nobody is left but the recovery key.
TEST_F(RosterRules, ASeniorThatAnswersItsRemovalTakesTheJuniorAlong) {
  auto const two = write(1, {}, {add(2)});
  auto const removal = write(2, {two}, {remove(1)});
  write(1, {removal}, {remove(2)});
  expect_active({});
}

TEST_F(RosterRules, TheRecoveryKeyRemovesAnybody) {
  auto const two = write(1, {}, {add(2)});
  write(1, {}, {remove(2)});
  write(2, {two}, {remove(1)}, {0});
  expect_active({2});
}

TEST_F(RosterRules, WhatADeviceDidBeforeItsRemovalStands) {
  auto const two = write(1, {}, {add(2)});
  write(2, {two}, {add(3)});
  auto const renamed = write(2, {}, {rename(3, "known")});
  write(1, {renamed}, {remove(2)});
  write(2, {}, {rename(3, "too late"), add(4)});
  expect_active({1, 3});
  EXPECT_EQ(name(3), "known");
  EXPECT_EQ(roster().find(device(4))->state, MemberState::unfounded);
}

TEST_F(RosterRules, WhoWasAddedBehindARemovalIsTreatedAsRemoved) {
  auto const two = write(1, {}, {add(2)});
  auto const three = write(2, {two}, {add(3)});
  auto const removal = write(1, {}, {remove(2)});
  write(3, {three}, {add(4), rename(1, "hijacked")});
  expect_active({1});
  auto const group = roster();
  for (auto const number : {std::uint8_t{3}, std::uint8_t{4}}) {
    auto const* member = group.find(device(number));
    ASSERT_NE(member, nullptr);
    EXPECT_EQ(member->state, MemberState::unfounded);
    EXPECT_TRUE(member->rank.empty());
    ASSERT_EQ(member->removes.size(), 1U);
    EXPECT_EQ(member->removes[0].entry, history.at(removal).hash);
    EXPECT_TRUE(member->removes[0].through);
  }
  EXPECT_TRUE(name(1).empty());
}

TEST_F(RosterRules, ADeviceThatLeavesDecidesOthersFirst) {
  auto const both = write(1, {}, {add(2), add(3)});
  write(2, {both}, {remove(2), remove(3)});
  expect_active({1});
  EXPECT_EQ(roster().find(device(3))->state, MemberState::removed);
}

TEST_F(RosterRules, ADeviceJoinsOnce) {
  auto const two = write(1, {}, {add(2)});
  write(1, {}, {remove(2)});
  write(2, {two}, {remove(1)});
  auto const again = write(1, {}, {add(2, "again"), add(3)});
  write(3, {again}, {add(2, "once more")}, {0});
  expect_active({1, 3});
  EXPECT_EQ(name(2), "new");
}

TEST_F(RosterRules, AddingAMemberAgainGivesItNoOtherRank) {
  auto const two = write(1, {}, {add(2), add(3)});
  write(3, {two}, {add(2, "again")}, {0});
  expect_active({1, 2, 3});
  EXPECT_EQ(name(2), "new");
}

TEST_F(RosterRules, NobodyAddsItselfButWithTheRecoveryKey) {
  auto const two = write(1, {}, {add(2)});
  write(3, {two}, {add(3, "twice"), add(3, "recovered")}, {1});
  expect_active({3, 1, 2});
  EXPECT_EQ(name(3), "recovered");
}

TEST_F(RosterRules, ARemoveOfAStrangerWaitsForNobody) {
  write(1, {}, {remove(9)});
  write(1, {}, {add(9)});
  expect_active({1});
}

TEST_F(RosterRules, TheLatestNameIsTheName) {
  auto const two = write(1, {}, {add(2, "first")});
  EXPECT_EQ(name(2), "first");
  auto const second = write(2, {two}, {rename(2, "second")});
  EXPECT_EQ(name(2), "second");
  write(1, {second}, {rename(2, "third")});
  EXPECT_EQ(name(2), "third");
}

TEST_F(RosterRules, OfRivalNamesTheLaterClockWins) {
  auto const two = write(1, {}, {add(2, "first")});
  write(1, {}, {rename(2, "by the creator")});
  write(2, {two}, {rename(2, "by itself")});
  EXPECT_EQ(name(2), "by itself");
}

TEST_F(RosterRules, OfTwoNamesInOneEntryTheLastCounts) {
  write(1, {}, {rename(1, "one"), rename(1, "two")});
  EXPECT_EQ(name(1), "two");
}

TEST_F(RosterRules, PausesAreTakenBackByTheLatestWord) {
  auto const two = write(1, {}, {add(2)});
  auto const pause = write(1, {}, {wire::DevicePause{device(2), true}});
  EXPECT_TRUE(roster().find(device(2))->paused);
  EXPECT_TRUE(roster().active(device(2)));
  write(2, {two, pause}, {wire::DevicePause{device(2), false}});
  EXPECT_FALSE(roster().find(device(2))->paused);
}

struct RelayRules : RosterRules {
  [[nodiscard]] RosterOp set(std::uint8_t relay, std::uint8_t channel, std::string url) const {
    wire::RelaySet op{std::move(url), {}, {}};
    op.relay.bytes[0] = relay, op.channel.bytes[0] = channel;
    return op;
  }
  [[nodiscard]] RosterOp unset(std::uint8_t relay, std::uint8_t channel) const {
    wire::RelayRemove op;
    op.relay.bytes[0] = relay, op.channel.bytes[0] = channel;
    return op;
  }
  [[nodiscard]] std::vector<std::string> urls() const {
    std::vector<std::string> urls;
    auto const group = roster();
    for (auto const& relay : group.relays()) urls.push_back(relay.url);
    return urls;
  }
};

TEST_F(RelayRules, EachRelayKeyHasOneRelay) {
  write(1, {}, {set(1, 1, "a")});
  write(1, {}, {set(2, 1, "b")});
  EXPECT_EQ(urls(), (std::vector<std::string>{"a", "b"}));
  write(1, {}, {set(1, 2, "a moved")});
  EXPECT_EQ(urls(), (std::vector<std::string>{"a moved", "b"}));
}

TEST_F(RelayRules, OfRivalsTheSmallestEntryHashCounts) {
  auto const two = write(1, {}, {add(2)});
  write(1, {}, {set(1, 1, "smaller hash")});
  write(2, {two}, {set(1, 2, "larger hash")});
  EXPECT_EQ(urls(), (std::vector<std::string>{"smaller hash"}));
}

TEST_F(RelayRules, ARemoveUndoesWhatItKnowsOfItsChannel) {
  auto const two = write(1, {}, {add(2)});
  write(1, {}, {set(1, 1, "known")});
  write(1, {}, {unset(1, 2)});
  EXPECT_EQ(urls().size(), 1U) << "another channel";
  write(1, {}, {unset(1, 1)});
  EXPECT_TRUE(urls().empty());
  write(2, {two}, {set(1, 1, "not known to the remove")});
  EXPECT_EQ(urls(), (std::vector<std::string>{"not known to the remove"}));
}

TEST_F(RelayRules, WhatWasTakenFromTheListIsAFormerOne) {
  auto const former = [&] {
    std::vector<std::string> urls;
    auto const group = roster();
    for (auto const& each : group.former_relays()) urls.push_back(each.relay.url);
    return urls;
  };
  write(1, {}, {set(1, 1, "a")});
  write(1, {}, {set(1, 1, "a moved")});
  EXPECT_TRUE(former().empty()) << "another address of the same";
  write(1, {}, {unset(1, 1)});
  EXPECT_EQ(former(), (std::vector<std::string>{"a moved"}));
  write(1, {}, {set(1, 2, "a again, with another mailbox")});
  EXPECT_TRUE(former().empty());
}

TEST_F(RelayRules, RemovedDevicesSetNoRelays) {
  auto const two = write(1, {}, {add(2)});
  write(1, {}, {remove(2)});
  write(2, {two}, {set(1, 1, "theirs")});
  EXPECT_TRUE(urls().empty());
}

struct PseudonymRules : RosterRules {
  [[nodiscard]] RosterOp named(std::uint8_t of, std::uint8_t relay, std::uint8_t name) const {
    wire::DeviceRelay op{device(of), {}, {}};
    op.relay.bytes[0] = relay, op.pseudonym.bytes[0] = name;
    return op;
  }
  /// The first byte of a device's name at a relay; 0 where it has none.
  [[nodiscard]] int name_of(std::uint8_t of, std::uint8_t relay) const {
    auto const group = roster();
    wire::RelayKey key;
    key.bytes[0] = relay;
    auto const& names = group.find(device(of))->pseudonyms;
    auto const found = names.find(key);
    return found == names.end() ? 0 : found->second.bytes[0];
  }
};

TEST_F(PseudonymRules, ADeviceSaysItsOwnNameOrWhoeverAddsItDoes) {
  auto const two = write(1, {}, {add(2), named(2, 1, 7)});
  EXPECT_EQ(name_of(2, 1), 7);
  EXPECT_EQ(name_of(2, 2), 0);
  write(1, {}, {named(2, 1, 8)});
  EXPECT_EQ(name_of(2, 1), 7) << "not in the entry that adds it";
  write(2, {two}, {named(1, 1, 9), named(2, 1, 6), named(2, 2, 5)});
  EXPECT_EQ(name_of(1, 1), 0) << "of another device";
  EXPECT_EQ(name_of(2, 1), 6);
  EXPECT_EQ(name_of(2, 2), 5);
}

TEST_F(PseudonymRules, ARemovedDeviceNamesNothingMore) {
  auto const two = write(1, {}, {add(2), named(2, 1, 7)});
  write(1, {}, {remove(2)});
  write(2, {two}, {named(2, 1, 8)});
  EXPECT_EQ(name_of(2, 1), 7);
}

TEST_F(RosterRules, FoundedWithoutADeviceAreThoseWhoDoNotDependOnIt) {
  auto const two = write(1, {}, {add(2), add(3)});
  auto const four = write(2, {two}, {add(4), add(5)});
  write(3, {two}, {add(5)});
  write(4, {four}, {add(6)}, {0});
  auto const group = roster();
  std::set<DeviceId> const expected{device(1), device(3), device(5), device(6)};
  EXPECT_EQ(group.founded_without(device(2)), expected);
  EXPECT_EQ(group.founded_without(device(1)), (std::set<DeviceId>{device(6)}));
  EXPECT_EQ(group.founded_without(device(9)).size(), 6U);
}

TEST_F(RosterRules, TheDigestSaysAllThatPeopleSee) {
  auto const two = write(1, {}, {add(2)});
  std::set<crypto::Hash256> digests{roster().digest()};
  write(1, {}, {rename(2, "other")});
  EXPECT_TRUE(digests.insert(roster().digest()).second);
  write(1, {}, {wire::DevicePause{device(2), true}});
  EXPECT_TRUE(digests.insert(roster().digest()).second);
  wire::RelaySet relay{"ws://x", {}, {}};
  write(1, {}, {relay});
  EXPECT_TRUE(digests.insert(roster().digest()).second);
  write(1, {}, {add(3)});
  EXPECT_TRUE(digests.insert(roster().digest()).second);
  write(1, {}, {remove(2)});
  auto const removed = roster().digest();
  EXPECT_TRUE(digests.insert(removed).second);
  write(2, {two}, {add(4)});  // void: others need not hold it
  EXPECT_EQ(roster().digest(), removed);
}

TEST(Winner, IsInNoRivalsPastAndHasTheGreatestClockThenHash) {
  std::array<RosterEntry, 3> entries;
  for (std::uint8_t i = 0; i < 3; ++i) {
    entries[i].hash.bytes[0] = static_cast<std::uint8_t>(10 - i);
    entries[i].place = {{i + 1U}, {1}};
    entries[i].past.include(entries[i].place);
    entries[i].hlc = 5;
  }
  std::vector<Rival> rivals{{&entries[1], 0}, {&entries[0], 0}, {&entries[2], 0}};
  EXPECT_EQ(winner(rivals), 1U) << "equal clocks: the greatest hash";
  entries[2].hlc = 6;
  EXPECT_EQ(winner(rivals), 2U) << "the greatest clock";
  entries[1].past.include(entries[2].place), entries[1].hlc = 0;
  EXPECT_EQ(winner(rivals), 1U) << "the last one is in a rival's past; of the others the greatest clock";
  rivals.push_back({&entries[0], 4});
  EXPECT_EQ(winner(rivals), 3U) << "later in the same entry";
  EXPECT_FALSE(winner({}));
}

TEST(RosterOps, KeepEpochsForTheirSecretsAndDropForgedDevcerts) {
  testing::SeededRandom random(1);
  auto const group = random.id<GroupId>();
  auto const identity = Identity::generate(random, {0});
  auto const secret = random.secret<EpochSecret>();

  wire::Rotate rotate{3, {identity.device()}, {}, {}};
  rotate.replaced.push_back(secret.clone());
  auto const rotation = roster_op(group, wire::Op{std::move(rotate)});
  ASSERT_TRUE(rotation);
  EXPECT_EQ(std::get<Rotation>(*rotation).epoch_no, 3U);
  EXPECT_EQ(std::get<Rotation>(*rotation).recipients, std::vector<DeviceId>{identity.device()});
  EXPECT_EQ(std::get<Rotation>(*rotation).carries, std::vector<EpochId>{epoch_id(group, secret)});

  wire::EpochSecrets handed;
  handed.secrets.push_back(secret.clone());
  EXPECT_EQ(std::get<HandedOn>(*roster_op(group, wire::Op{std::move(handed)})).carries,
            std::vector<EpochId>{epoch_id(group, secret)});

  wire::DeviceAdd add{identity.cert, "x", {}, std::nullopt};
  EXPECT_TRUE(roster_op(group, wire::Op{add}));
  add.cert.dx = random.id<crypto::DhPublicKey>();
  EXPECT_FALSE(roster_op(group, wire::Op{add})) << "the device did not sign this";
  EXPECT_FALSE(roster_op(group, wire::Op{wire::Message{"t", 0, {Bytes{}}}}));
  EXPECT_FALSE(roster_op(group, wire::Op{wire::UnknownOp{999, {}}}));
}

}  // namespace
}  // namespace kith::core
