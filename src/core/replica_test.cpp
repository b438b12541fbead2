#include "core/replica.hpp"

#include <algorithm>

#include <gtest/gtest.h>

#include "support/test_device.hpp"

namespace kith::core {
namespace {

using testing::must;
using testing::TestDevice;

/// A group of `a` and `b` that hold the same.
struct Pair : ::testing::Test {
  Pair() {
    must(a.replica.create_group("home", "laptop", recovery, a.now()));
    a.invite(b);
    b.pull_from(a);
  }
  void expect_equal(TestDevice& x, TestDevice& y) {
    EXPECT_EQ(x.replica.heads().value(), y.replica.heads().value());
    EXPECT_EQ(x.replica.state().roster().digest(), y.replica.state().roster().digest());
    EXPECT_EQ(x.messages.digest().value(), y.messages.digest().value());
  }
  RecoveryKeys recovery = testing::test_recovery(77);
  TestDevice a{1, "laptop"};
  TestDevice b{2, "desktop"};
};

TEST_F(Pair, JoinerHoldsTheWholeLogAndMayWrite) {
  expect_equal(a, b);
  EXPECT_TRUE(b.replica.self_active());
  EXPECT_EQ(b.replica.state().roster().group_name(), "home");
  b.push("from b");
  EXPECT_EQ(a.pull_from(b).applied, 1U);
  EXPECT_EQ(a.texts(), std::vector<std::string>{"from b"});
  expect_equal(a, b);
}

TEST_F(Pair, AnyOrderWithDuplicatesAndGapsGivesTheSame) {
  for (int i = 0; i < 20; ++i) {
    a.push("a" + std::to_string(i));
    if (i % 3 == 0) b.pull_from(a);
    b.push("b" + std::to_string(i));
    if (i % 4 == 0) a.pull_from(b);
  }
  a.pull_from(b);
  b.pull_from(a);
  TestDevice c{3, "phone"};
  a.invite(c);
  auto entries = a.sealed_entries();
  std::ranges::reverse(entries);
  for (auto const& entry : entries) {
    c.receive({entry});
    c.receive({entry});
  }
  expect_equal(a, c);
  EXPECT_EQ(c.texts().size(), 40U);
  EXPECT_TRUE(c.replica.missing(10).value().empty());
}

TEST_F(Pair, GapsAreNamedUntilTheyAreFilled) {
  a.push("one");
  a.push("two");
  auto const entries = a.sealed_entries();
  EXPECT_EQ(b.receive({entries.back()}).pending, 1U);
  auto const missing = b.replica.missing(10).value();
  ASSERT_EQ(missing.size(), 1U);
  EXPECT_EQ(missing[0].log.device, a.identity.device());
  EXPECT_TRUE(b.texts().empty());
  EXPECT_EQ(b.receive({entries[entries.size() - 2]}).applied, 2U);
  EXPECT_EQ(b.texts(), (std::vector<std::string>{"one", "two"}));
}

TEST_F(Pair, RemovedDeviceLearnsNothingSealedAfterTheRemoval) {
  a.push("before");
  b.pull_from(a);
  a.replica.remove_device(b.identity.device(), wire::RemoveReason::lost, nullptr, a.now()).value();
  a.push("after");
  auto const received = b.receive(a.sealed_entries());
  EXPECT_EQ(received.unopened, 2U);  // the rotate and the message
  EXPECT_EQ(b.texts(), std::vector<std::string>{"before"});
  EXPECT_FALSE(b.replica.self_active());
  auto const refused = b.replica.write({}, b.now());
  ASSERT_FALSE(refused);
  EXPECT_TRUE(refused.error().is(CoreError::removed_self));
}

TEST_F(Pair, EntriesOfARemovedDeviceThatNobodyVouchedForAreSetAside) {
  b.push("vouched");
  a.pull_from(b);
  a.push("answer");
  a.replica.remove_device(b.identity.device(), wire::RemoveReason::lost, nullptr, a.now()).value();
  b.push("too late");
  auto const heads = a.replica.heads().value();
  EXPECT_EQ(a.pull_from(b).applied, 1U);
  EXPECT_EQ(a.replica.heads().value(), heads);
  EXPECT_EQ(a.texts(), (std::vector<std::string>{"vouched", "answer"}));
}

TEST_F(Pair, ConcurrentAddSurvivesARotationElsewhere) {
  TestDevice c{3, "phone"};
  a.invite(c);                      // b does not know
  must(b.replica.rotate(b.now()));  // a does not know, and c is no recipient
  b.push("under the new epoch");
  a.pull_from(b);
  c.pull_from(a);
  EXPECT_EQ(c.texts().size(), 0U);
  auto const due = a.replica.upkeep_due(a.now().wall);
  ASSERT_TRUE(due);
  EXPECT_EQ(due->kind, Upkeep::Kind::rotate);
  EXPECT_EQ(due->after.count(), 0);
  must(a.replica.do_upkeep(due->kind, a.now()));
  c.pull_from(a);
  EXPECT_EQ(c.texts(), std::vector<std::string>{"under the new epoch"});
  b.pull_from(a);
  expect_equal(a, b);
  expect_equal(a, c);
}

TEST_F(Pair, ConcurrentRotationsAreBothReadableAndTheLargerOneIsUsed) {
  must(a.replica.rotate(a.now()));
  must(b.replica.rotate(b.now()));
  a.push("a's epoch");
  b.push("b's epoch");
  a.pull_from(b);
  b.pull_from(a);
  expect_equal(a, b);
  EXPECT_EQ(a.texts().size(), 2U);
  EXPECT_EQ(a.replica.sealing_epoch(), b.replica.sealing_epoch());
  auto& upkeeper = a.replica.upkeep_due(a.now().wall)->kind == Upkeep::Kind::hand_on ? a : b;
  must(upkeeper.replica.do_upkeep(Upkeep::Kind::hand_on, upkeeper.now()));
  TestDevice c{3, "phone"};
  upkeeper.invite(c);
  EXPECT_EQ(c.pull_from(upkeeper).refused, 0U);
  EXPECT_EQ(c.texts().size(), 2U);
}

TEST_F(Pair, ACloneForksAndGoesOnInAnotherIncarnation) {
  auto const copy = b.database->clone();
  b.push("original");
  store::MemoryStore clone_store(copy);
  MessagesView clone_messages(clone_store);
  testing::SeededRandom clone_random(99);
  Replica clone(clone_store, b.identity, clone_random);
  clone.add_view(clone_messages);
  must(clone.open());
  std::vector<wire::Op> ops;
  ops.emplace_back(wire::Message{"default", 0, {Bytes{'x'}}});
  auto const twin = clone.write(std::move(ops), b.now()).value().front();
  a.pull_from(b);
  a.receive({clone.state().sealed(twin.entry).value().value()});
  EXPECT_EQ(a.texts().size(), 2U) << "both branches apply";
  bool alarmed = false;
  must(a.store.scan(Table::alarms, {}, {}, [&](ByteView, ByteView) {
    alarmed = true;
    return Store::Next::go_on;
  }));
  EXPECT_TRUE(alarmed);

  EXPECT_TRUE(clone.note_foreign_tips(a.replica.tips().value()).value());
  auto const before = clone.incarnation().value();
  EXPECT_NE(before, b.replica.incarnation().value());
  ops.clear();
  ops.emplace_back(wire::Message{"default", 0, {Bytes{'y'}}});
  auto const later = clone.write(std::move(ops), b.now()).value().front();
  EXPECT_EQ(clone.state().record(later.entry).value()->log.incarnation, before);
}

TEST_F(Pair, ForgedAndDamagedItemsAreRefused) {
  a.push("real");
  auto const good = a.sealed_entries().back();
  for (std::size_t bit = 0; bit < good.size() * 8; bit += 37) {
    auto bad = good;
    bad[bit / 8] = static_cast<std::uint8_t>(bad[bit / 8] ^ (1 << bit % 8));
    auto const received = b.receive({bad});
    EXPECT_EQ(received.applied + received.pending, 0U) << bit;
  }
  TestDevice stranger{9};
  must(stranger.replica.create_group("other", "x", recovery, stranger.now()));
  EXPECT_EQ(b.pull_from(stranger).applied, 0U);
  EXPECT_EQ(b.receive({good}).applied, 1U);
}

TEST_F(Pair, RecoveryKeyRemovesASenior) {
  b.replica.remove_device(a.identity.device(), wire::RemoveReason::compromised, &recovery, b.now()).value();
  a.replica.remove_device(b.identity.device(), wire::RemoveReason::lost, nullptr, a.now()).value();
  b.pull_from(a);
  EXPECT_TRUE(b.replica.self_active());
  EXPECT_FALSE(b.replica.state().roster().active(a.identity.device()));
  a.pull_from(b);
  EXPECT_FALSE(a.replica.self_active());
}

/// Whoever learns too late that the removed device could undo it makes it final then.
TEST_F(Pair, RecoveryKeyMakesARemovalFinalLater) {
  auto const senior = a.identity.device();
  TestDevice c{3};
  a.invite(c);
  b.pull_from(a), c.pull_from(a);
  must(b.replica.remove_device(senior, wire::RemoveReason::lost, nullptr, b.now()));
  EXPECT_FALSE(b.replica.removed_for_good(senior));
  auto const remove_again = [&](RecoveryKeys const* keys) {
    return b.replica.remove_device(senior, wire::RemoveReason::lost, keys, b.now());
  };
  EXPECT_TRUE(remove_again(nullptr).error().is(CoreError::unknown_device));
  auto const other_words = testing::test_recovery(78);
  EXPECT_TRUE(remove_again(&other_words).error().is(CoreError::wrong_recovery));
  must(remove_again(&recovery));
  EXPECT_TRUE(b.replica.removed_for_good(senior));
  EXPECT_TRUE(remove_again(&recovery).error().is(CoreError::unknown_device)) << "once is enough";
  must(a.replica.remove_device(b.identity.device(), wire::RemoveReason::lost, nullptr, a.now()));
  b.pull_from(a);
  EXPECT_TRUE(b.replica.self_active());
  EXPECT_FALSE(b.replica.state().roster().active(senior));
  c.pull_from(a);
  EXPECT_FALSE(c.replica.state().roster().active(b.identity.device())) << "it has not heard of the removal yet";
  c.pull_from(b);
  EXPECT_TRUE(c.replica.state().roster().active(b.identity.device()));
  EXPECT_FALSE(c.replica.state().roster().active(senior));
}

TEST_F(Pair, ViewsAreTheSameAfterARebuild) {
  for (int i = 0; i < 5; ++i) {
    a.push("m" + std::to_string(i));
    b.push("n" + std::to_string(i));
  }
  a.pull_from(b);
  auto const texts = a.texts();
  auto const digest = a.messages.digest().value();
  must(a.replica.rebuild_views());
  EXPECT_EQ(a.messages.digest().value(), digest);
  EXPECT_EQ(a.texts(), texts);
}

TEST_F(Pair, TwoConnectionsNeverWriteOneSeqTwice) {
  store::MemoryStore second_store(a.database);
  MessagesView second_messages(second_store);
  Replica second(second_store, a.identity, a.random);
  second.add_view(second_messages);
  must(second.open());
  for (int i = 0; i < 10; ++i) {
    a.push("first " + std::to_string(i));
    std::vector<wire::Op> ops;
    ops.emplace_back(wire::Message{"default", 0, {Bytes{'z'}}});
    second.write(std::move(ops), a.now()).value();
  }
  must(a.replica.refresh());
  EXPECT_EQ(a.texts().size(), 20U);
  b.pull_from(a);
  expect_equal(a, b);
  EXPECT_EQ(a.replica.state().chains().size(), 1U);
}

}  // namespace
}  // namespace kith::core
