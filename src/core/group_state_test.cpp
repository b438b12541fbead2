#include "core/group_state.hpp"

#include <gtest/gtest.h>

#include "support/raw_entry.hpp"
#include "support/test_device.hpp"

/// What the graph takes in: entries whose past lets their author in, and whose links are what they are said to be.
namespace kith::core {
namespace {

using testing::must;
using testing::TestDevice;

struct Graph : ::testing::Test {
  Graph() {
    must(a.replica.create_group("home", "a", recovery, a.now()));
    a.invite(b);
    b.pull_from(a);
  }
  /// An entry as anybody who knows the epoch can make it: by `author`, first of a new log.
  [[nodiscard]] wire::EntryBody body(Identity const& author, std::vector<Tip> tips, std::vector<wire::Op> ops) {
    return testing::raw_body(author, {random.u64()}, std::move(tips), ops);
  }
  [[nodiscard]] core::Received give(Identity const& author, wire::EntryBody const& body) {
    return a.receive({testing::raw_entry(body, author, a.replica, random).sealed});
  }
  void expect_refused(core::Received const& received, CoreError reason) {
    EXPECT_EQ(received.applied + received.pending, 0U);
    ASSERT_EQ(received.refused, 1U);
    ASSERT_TRUE(received.refusal);
    EXPECT_TRUE(received.refusal->is(reason)) << received.refusal->name();
  }
  static std::vector<wire::Op> message() {
    std::vector<wire::Op> ops;
    ops.emplace_back(wire::Message{"t", 0, {Bytes{'x'}}});
    return ops;
  }
  [[nodiscard]] std::vector<Tip> tips() { return must(a.replica.tips()); }

  testing::SeededRandom random{50};
  RecoveryKeys recovery = testing::test_recovery(1);
  TestDevice a{1}, b{2};
  Identity stranger = Identity::generate(random, {0});
};

TEST_F(Graph, TakesEntriesOfMembers) {
  EXPECT_EQ(give(b.identity, body(b.identity, tips(), message())).applied, 1U);
  EXPECT_EQ(a.texts(), std::vector<std::string>{"x"});
}

TEST_F(Graph, RefusesStrangersThoughTheyKnowTheEpoch) {
  expect_refused(give(stranger, body(stranger, tips(), message())), CoreError::not_member);
  EXPECT_TRUE(a.texts().empty());
}

TEST_F(Graph, RefusesMembersThatDoNotNameTheirOwnAdd) {
  expect_refused(give(b.identity, body(b.identity, {}, message())), CoreError::not_member);
}

TEST_F(Graph, LetsNobodyAddItself) {
  std::vector<wire::Op> ops;
  ops.emplace_back(wire::DeviceAdd{stranger.cert, "me", {}, std::nullopt});
  expect_refused(give(stranger, body(stranger, tips(), std::move(ops))), CoreError::not_member);
}

TEST_F(Graph, LetsTheRecoveryKeyAddItsDevice) {
  auto entry = body(stranger, tips(), {});
  wire::DeviceAdd add{stranger.cert, "recovered", *a.replica.sealing_epoch(), std::nullopt};
  auto const sign_with = [&](RecoveryKeys const& keys, Seq seq) {
    add.recovery.reset();
    add.recovery = keys.sign.sign(kRecoveryLabel, recovery_message(a.replica.state().group(), stranger.device(),
                                                                   entry.incarnation, seq, wire::Op{add}));
    std::vector<wire::Op> ops;
    ops.emplace_back(add);
    entry.ops = wire::encode_ops(ops);
  };
  sign_with(testing::test_recovery(2), {1});
  expect_refused(give(stranger, entry), CoreError::not_member);
  sign_with(recovery, {2});
  expect_refused(give(stranger, entry), CoreError::not_member);
  sign_with(recovery, {1});
  EXPECT_EQ(give(stranger, entry).applied, 1U);
  EXPECT_EQ(a.replica.state().roster().active_by_rank().front(), stranger.device()) << "senior to all";
}

TEST_F(Graph, HasOneGenesis) {
  auto const again = must(wire::decode<wire::Genesis>(wire::encode(a.replica.state().genesis())));
  for (bool const forged : {false, true}) {
    wire::GenesisOp op{must(wire::decode<wire::Genesis>(wire::encode(again)))};
    if (forged) op.record.creator = stranger.cert;
    std::vector<wire::Op> ops;
    ops.emplace_back(std::move(op));
    auto const& author = forged ? stranger : b.identity;
    expect_refused(give(author, body(author, tips(), std::move(ops))), CoreError::not_member);
  }
}

TEST_F(Graph, RefusesLinksThatLie) {
  auto lying = tips();
  ASSERT_EQ(lying.size(), 1U);
  ++lying[0].seq.value;
  expect_refused(give(b.identity, body(b.identity, lying, message())), CoreError::bad_entry);
  lying = tips(), lying[0].log.incarnation.value ^= 1;
  expect_refused(give(b.identity, body(b.identity, lying, message())), CoreError::bad_entry);
  lying = tips(), lying[0].log.device = stranger.device();
  expect_refused(give(b.identity, body(b.identity, lying, message())), CoreError::bad_entry);

  auto stolen = body(b.identity, {}, message());  // goes on in another device's log
  stolen.incarnation = tips()[0].log.incarnation, stolen.seq = {tips()[0].seq.value + 1}, stolen.prev = tips()[0].hash;
  expect_refused(give(b.identity, stolen), CoreError::bad_entry);
}

TEST_F(Graph, WaitsForWhatIsNotHere) {
  auto const missing = Tip{{a.identity.device(), {9}}, {4}, random.id<EntryHash>()};
  auto needs = tips();
  needs.push_back(missing);
  std::ranges::sort(needs);
  EXPECT_EQ(give(b.identity, body(b.identity, needs, message())).pending, 1U);
  EXPECT_EQ(must(a.replica.missing(10)), std::vector<Tip>{missing});
}

TEST_F(Graph, RefusesItemsOutsideTheLog) {
  auto item = body(b.identity, tips(), message());
  item.seq = {0};
  expect_refused(give(b.identity, item), CoreError::bad_entry);
}

TEST_F(Graph, ShowsAForkAndKeepsBothBranches) {
  auto first = body(b.identity, tips(), message());
  auto second = first;
  std::vector<wire::Op> ops;
  ops.emplace_back(wire::Message{"t", 0, {Bytes{'y'}}});
  second.ops = wire::encode_ops(ops);
  ASSERT_EQ(give(b.identity, first).applied, 1U);
  EXPECT_EQ(give(b.identity, second).applied, 1U);
  EXPECT_EQ(a.texts(), (std::vector<std::string>{"x", "y"}));
  std::size_t of_b = 0;
  for (auto const& tip : tips()) of_b += tip.log == first.log() ? 1 : 0;
  EXPECT_EQ(of_b, 2U) << "tips list every branch";
  auto const alarm = must(get_record<Alarm>(a.store, Table::alarms, key_of(std::uint64_t{1})));
  ASSERT_TRUE(alarm);
  EXPECT_EQ(alarm->log, first.log());
  EXPECT_EQ(alarm->seq, Seq{1});
}

TEST_F(Graph, IsTheSameAfterItWasReadAgain) {
  b.push("one");
  a.pull_from(b);
  must(a.replica.remove_device(b.identity.device(), wire::RemoveReason::lost, nullptr, a.now()));
  auto const heads = must(a.replica.heads());
  auto const roster = a.replica.state().roster().digest();
  auto const epoch = a.replica.sealing_epoch();
  TestDevice again(1, "again", a.database);
  must(again.replica.open());
  EXPECT_EQ(must(again.replica.heads()), heads);
  EXPECT_EQ(again.replica.state().roster().digest(), roster);
  EXPECT_EQ(again.replica.sealing_epoch(), epoch);
  EXPECT_EQ(again.replica.state().used_epochs(), a.replica.state().used_epochs());
}

}  // namespace
}  // namespace kith::core
