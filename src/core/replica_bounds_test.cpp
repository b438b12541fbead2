#include <gtest/gtest.h>

#include "core/pair_keys.hpp"
#include "support/raw_entry.hpp"
#include "support/test_device.hpp"

/// What others can make a replica hold, write and hand out has bounds, and none of them is an assertion.
namespace kith::core {
namespace {

using testing::must;
using testing::TestDevice;

struct Bounds : ::testing::Test {
  Bounds() {
    must(a.replica.create_group("home", "a", recovery, a.now()));
    a.invite(b);
    b.pull_from(a);
  }
  Tip tip_of(TestDevice& device) {
    for (auto const& tip : must(device.replica.tips())) {
      if (tip.log.device == device.identity.device()) return tip;
    }
    ADD_FAILURE() << "no tip";
    return {};
  }
  /// Says that `a` wrote an entry that nobody has. @return whether it goes on in a new log
  bool lie() {
    std::vector<Tip> const lie{{{a.identity.device(), must(a.replica.incarnation())}, {1000}, random.id<EntryHash>()}};
    return must(a.replica.note_foreign_tips(lie));
  }
  void remove(TestDevice& by, TestDevice& target) {
    must(by.replica.remove_device(target.replica.self(), wire::RemoveReason::lost, nullptr, by.now()));
  }

  testing::SeededRandom random{50};
  RecoveryKeys recovery = testing::test_recovery(1);
  TestDevice a{1, "a"}, b{2, "b"};
};

TEST_F(Bounds, LiarsMakeUsBeginFewLogsADay) {
  std::size_t logs = 0;
  for (int i = 0; i < 50; ++i) {
    logs += lie() ? 1 : 0;
    a.push("m");
  }
  EXPECT_EQ(logs, Replica::kBelievedClaimsPerDay);
  a.clock_ms += 24LL * 60 * 60 * 1000;
  EXPECT_FALSE(lie()) << "nothing was written today";
  a.push("another day");
  EXPECT_TRUE(lie());
}

TEST_F(Bounds, LiarsDoNotUseUpTheLogsThatADeviceMayHave) {
  std::size_t logs = 0;
  for (int day = 0; day < 200; ++day) {
    a.clock_ms += 24LL * 60 * 60 * 1000;
    a.push("m");
    for (; lie(); ++logs) a.push("m");
  }
  EXPECT_EQ(logs, Replica::kBelievedClaims);
}

TEST_F(Bounds, ALogThatIsNotWrittenToIsGivenUpForNothing) {
  must(a.replica.start_incarnation());
  for (int i = 0; i < 50; ++i) EXPECT_TRUE(lie());
  a.push("m");
  EXPECT_TRUE(lie()) << "none of these counted";
}

/// A restored home that nobody is believed about any more still learns that it is one, from its own entries.
TEST_F(Bounds, AnEntryOfOurOwnThatWeDoNotHaveIsProof) {
  while (lie()) a.push("m");
  auto const restored = a.copied(99);
  a.push("written behind the backup");
  a.push("and this");
  auto const before = must(restored->replica.incarnation());
  EXPECT_FALSE(must(restored->replica.note_foreign_tips(must(a.replica.tips()))));
  restored->receive({a.sealed_entries().back()});
  EXPECT_NE(must(restored->replica.incarnation()), before) << "it waits for the one before it, and is proof already";
  restored->pull_from(a);
  restored->push("goes on");
  a.pull_from(*restored);
  EXPECT_EQ(must(a.replica.heads()), must(restored->replica.heads()));
  std::size_t alarms = 0;
  must(a.store.scan(Table::alarms, {}, {}, [&](ByteView, ByteView) {
    ++alarms;
    return Store::Next::go_on;
  }));
  EXPECT_EQ(alarms, 0U) << "no seq was used twice";
}

TEST_F(Bounds, OurOwnEntriesComingBackAreNoProof) {
  a.push("m");
  auto const before = must(a.replica.incarnation());
  b.pull_from(a);
  a.receive(b.all_entries());
  EXPECT_EQ(must(a.replica.incarnation()), before);
}

TEST_F(Bounds, WhatIsSetAsideIsCountedAsLongAsItIs) {
  TestDevice c{3, "c"};
  a.invite(c);
  c.pull_from(a);
  b.pull_from(a);
  b.push("written before the removal, and known");
  a.pull_from(b);
  auto const late = b.sealed_entries();
  remove(a, b);
  EXPECT_EQ(must(a.replica.state().set_aside()).bytes, 0U);
  b.push("one");
  b.push("two");
  c.receive(b.sealed_entries());
  auto const entries = b.sealed_entries();
  std::size_t expected = 0;
  for (std::size_t i = late.size(); i < entries.size(); ++i) expected += entries[i].size();
  a.receive(entries);
  EXPECT_EQ(must(a.replica.state().set_aside()).bytes, expected);
  EXPECT_EQ(a.texts().size(), 1U);
  TestDevice reopened(1, "a", a.database->clone());
  must(reopened.replica.open());
  EXPECT_EQ(must(reopened.replica.state().set_aside()).bytes, expected) << "counted anew";
  b.push("three");
  a.receive({b.sealed_entries().back()});
  EXPECT_EQ(must(a.replica.state().set_aside()).bytes, expected + b.sealed_entries().back().size());
  c.push("vouches for one and two");
  a.pull_from(c);
  EXPECT_EQ(must(a.replica.state().set_aside()).bytes, b.sealed_entries().back().size()) << "those two count now";
  EXPECT_EQ(a.texts().size(), 4U);
}

/// Devices that were apart come with epochs that the newest does not carry.
TEST_F(Bounds, AWelcomeFitsHoweverManyEpochsThereAre) {
  constexpr std::size_t kEpochs = 120;
  for (std::size_t i = 0; i < kEpochs; ++i) {
    auto const secret = random.secret<EpochSecret>();
    auto transaction = must(store::Transaction::begin(a.store));
    must(a.replica.state().learn(secret, random));
    must(transaction.commit());
    std::vector<wire::Op> ops;
    ops.emplace_back(wire::Message{"t", 0, {Bytes{'x'}}});
    auto const body = testing::raw_body(b.identity, {1000 + i}, must(b.replica.tips()), ops);
    auto const entry = testing::raw_entry(body, b.identity, a.replica.state().group(), secret, random);
    ASSERT_EQ(a.receive({entry.sealed}).applied, 1U);
  }
  wire::PairWelcomeBox box;
  box.genesis = must(wire::decode<wire::Genesis>(wire::encode(a.replica.state().genesis())));
  box.genesis.name = std::string(kLimits.max_name_bytes, 'n');
  box.secrets = a.replica.secrets_for_newcomer();
  box.addresses.assign(kLimits.max_addresses, wire::Address{std::string(kLimits.max_name_bytes, 'x')});
  BoxSealer sealer(random.secret<crypto::AeadKey>());
  wire::PairWelcome const welcome{sealer.seal(wire::PairMessageType::welcome, wire::encode(box))};
  EXPECT_LE(wire::encode_pair_message(welcome).size(), kMaxPairMessageBytes);

  must(a.replica.usable_epoch(a.now()));
  EXPECT_EQ(a.replica.secrets_for_newcomer().size(), 1U) << "the newest carries all others";
  TestDevice c{3, "c"};
  a.invite(c);
  EXPECT_EQ(c.pull_from(a).refused, 0U);
  EXPECT_EQ(c.texts().size(), kEpochs);
}

TEST_F(Bounds, AGroupMayHaveMoreDevicesThanAPrefixHasRoomFor) {
  std::vector<wire::Op> ops;
  for (std::uint64_t i = 0; i < kLimits.max_recipients + 10; ++i) {
    auto const identity = Identity::generate(random, {0});
    ops.emplace_back(wire::DeviceAdd{identity.cert, "d" + std::to_string(i), EpochId{}, std::nullopt});
  }
  must(b.replica.write(std::move(ops), b.now()));
  a.pull_from(b);
  auto const& state = a.replica.state();
  ASSERT_GT(state.roster().active_by_rank().size(), kLimits.max_recipients);
  a.push("to the most senior ones");
  auto const epoch = *a.replica.sealing_epoch();
  EXPECT_TRUE(state.book().recipients_are(epoch, state.roster().epoch_recipients()));
  EXPECT_EQ(state.roster().epoch_recipients().size(), kLimits.max_recipients);
  auto const due = a.replica.upkeep_due(a.now().wall);
  EXPECT_TRUE(due && due->by_age) << "nothing else";
  b.pull_from(a);
  EXPECT_EQ(b.texts().size(), 1U);
  remove(a, b);
  EXPECT_FALSE(state.roster().active(b.replica.self()));
}

TEST_F(Bounds, SeniorsAreKnownBeforehand) {
  TestDevice c{3, "c"}, d{4, "d"};
  b.invite(c);
  c.pull_from(b);
  a.pull_from(b);
  a.invite(d);
  d.pull_from(a);
  b.pull_from(a), c.pull_from(a);
  struct Row {
    TestDevice& device;
    std::vector<DeviceId> seniors;
  };
  auto const id = [](TestDevice& device) { return device.replica.self(); };
  Row const rows[]{{a, {}}, {b, {id(a)}}, {c, {id(a), id(b)}}, {d, {id(a), id(b), id(c)}}};
  for (auto const& row : rows) {
    for (auto* other : {&a, &b, &c, &d}) {
      bool const senior = std::ranges::find(row.seniors, id(*other)) != row.seniors.end();
      EXPECT_EQ(row.device.replica.stands_above_us(id(*other)), senior) << row.device.name << ", " << other->name;
    }
    EXPECT_FALSE(row.device.replica.stands_above_us(random.id<DeviceId>())) << "none of the group";
  }
  // What it means: of two that remove each other the senior stays.
  remove(c, b);
  remove(b, c);
  a.pull_from(b), a.receive(c.all_entries());
  EXPECT_TRUE(a.replica.state().roster().active(id(b)));
  EXPECT_FALSE(a.replica.state().roster().active(id(c)));
}

}  // namespace
}  // namespace kith::core
