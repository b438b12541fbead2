#include <gtest/gtest.h>

#include "support/test_group.hpp"

/// What a group of real devices promises, over random lives of it: real keys, real seals, real exchanges.
namespace kith::core {
namespace {

using ::testing::AssertionFailure;
using ::testing::AssertionResult;
using ::testing::AssertionSuccess;
using testing::for_each_seed;
using testing::must;
using testing::TestDevice;
using testing::TestGroup;

constexpr std::uint64_t kGroups = 150;

std::size_t rows(TestDevice& device, Table table) {
  std::size_t count = 0;
  must(device.store.scan(table, {}, {}, [&](ByteView, ByteView) {
    ++count;
    return Store::Next::go_on;
  }));
  return count;
}

std::string difference(TestDevice& a, TestDevice& b) {
  auto const names = a.name + " and " + b.name;
  if (must(a.replica.heads()) != must(b.replica.heads())) return names + ": heads differ";
  if (a.replica.state().roster().digest() != b.replica.state().roster().digest()) return names + ": rosters differ";
  if (must(a.messages.digest()) != must(b.messages.digest())) return names + ": messages differ";
  return "";
}

/// Lets a group live and settle, and asks `problem` what is wrong with it.
template <class Problem>
AssertionResult in_a_settled_group(std::uint64_t seed, Problem const& problem) {
  TestGroup group(seed);
  group.live(group.dice().between(6, 30));
  if (!group.settle()) return AssertionFailure() << "upkeep goes on for ever\n" << group.story();
  std::string const found = group.decided() ? problem(group) : "";
  if (found.empty()) return AssertionSuccess();
  return AssertionFailure() << found << '\n' << group.story();
}

TEST(ReplicaProperty, DevicesThatStayHoldTheSame) {
  for_each_seed(kGroups, [](std::uint64_t seed) {
    return in_a_settled_group(seed, [](TestGroup& group) -> std::string {
      auto const active = group.active();
      for (auto* device : active) {
        if (auto const found = difference(*active.front(), *device); !found.empty()) return found;
        if (device->replica.state().roster().active_by_rank() !=
            group.witness().replica.state().roster().active_by_rank()) {
          return device->name + " takes others for active";
        }
      }
      return "";
    });
  });
}

/// Sealed bytes that wait in a table, of entries that all who stay must have. What a removed device wrote last and only
/// some were shown may wait for ever.
std::size_t waiting_of(TestDevice& device, Table table, TestDevice& witness) {
  auto const needed = witness.sealed_entries();
  std::size_t count = 0;
  must(device.store.scan(table, {}, {}, [&](ByteView, ByteView value) {
    Bytes bytes(value.begin(), value.end());
    if (table == Table::pending) bytes = must(decode_record<PendingRecord>(value)).sealed;
    count += std::ranges::count(needed, bytes);
    return Store::Next::go_on;
  }));
  return count;
}

TEST(ReplicaProperty, NobodyIsStuck) {
  for_each_seed(kGroups, [](std::uint64_t seed) {
    return in_a_settled_group(seed, [](TestGroup& group) -> std::string {
      auto const active = group.active();
      for (auto* device : active) {
        auto const& state = device->replica.state();
        auto const epoch = device->replica.sealing_epoch();
        bool const nothing_set_aside = group.removed().empty();
        if (nothing_set_aside && !must(device->replica.missing(10)).empty()) return device->name + " lacks entries";
        for (auto const table : {Table::unopened, Table::pending}) {
          if (nothing_set_aside && rows(*device, table) > 0) return device->name + " has entries that wait";
          if (waiting_of(*device, table, group.witness()) > 0) return device->name + " has not what others count on";
        }
        if (!epoch || epoch != active.front()->replica.sealing_epoch())
          return device->name + " seals under another epoch";
        if (!state.book().recipients_are(*epoch, state.roster().active_by_rank()))
          return "the epoch's recipients are others";
      }
      return "";
    });
  });
}

/// Entries that are set aside are shown to some and not to others: with all of them a replica concludes the same.
TEST(ReplicaProperty, WhatIsSetAsideChangesNothing) {
  std::size_t set_aside = 0;
  for_each_seed(kGroups, [&](std::uint64_t seed) {
    return in_a_settled_group(seed, [&](TestGroup& group) -> std::string {
      if (group.active().empty()) return "";
      auto& device = *group.active().front();
      TestDevice observer(seed, "observer");
      wire::PairWelcomeBox welcome;
      welcome.genesis = must(wire::decode<wire::Genesis>(wire::encode(device.replica.state().genesis())));
      for (auto const& [epoch, secret] : device.replica.state().secrets()) welcome.secrets.push_back(secret.clone());
      must(observer.replica.adopt_group(welcome, observer.now()));
      for (auto const& other : group.devices()) observer.receive(other->all_entries());
      set_aside += observer.all_entries().size() - observer.sealed_entries().size();
      return difference(device, observer);
    });
  });
  EXPECT_GT(set_aside, 10U);
}

/// A removed device keeps all its secrets, and gets all bytes that the others ever send.
TEST(ReplicaProperty, ARemovedDeviceReadsNothingWrittenByThoseWhoKnew) {
  std::size_t checked = 0;
  for_each_seed(kGroups, [&](std::uint64_t seed) {
    return in_a_settled_group(seed, [&](TestGroup& group) -> std::string {
      for (auto* device : group.active()) device->push("a secret of those who stayed");
      for (auto* thief : group.removed()) {
        for (auto* device : group.active()) thief->receive(device->all_entries());
      }
      for (auto const& removal : group.undoubted_removals()) {
        auto* target = group.find(removal.target);
        if (group.witness().replica.state().roster().active(removal.target)) continue;
        for (auto* device : group.active()) {
          auto const removed_by = must(device->replica.state().record(removal.op.entry));
          if (!removed_by) continue;
          std::string problem;
          must(device->replica.scan_applied(0, [&](std::uint64_t, EntryHash const& hash) {
            auto const record = *must(device->replica.state().record(hash));
            bool const knew = hash != removal.op.entry && record.past.contains(removed_by->place());
            if (!knew || record.log.device == removal.target) return;
            ++checked;
            if (target->replica.state().secret(record.epoch) != nullptr) {
              problem = fmt::format("{} reads an entry of {} that knew of its removal", target->name,
                                    group.find(record.log.device)->name);
            }
          }));
          if (!problem.empty()) return problem;
        }
      }
      return "";
    });
  });
  EXPECT_GT(checked, 100U);
}

TEST(ReplicaProperty, ANewcomerReadsAllThatItsInviterReads) {
  for_each_seed(kGroups, [](std::uint64_t seed) -> AssertionResult {
    TestGroup group(seed);
    group.live(group.dice().between(6, 30));  // not settled: the inviter may hold epochs that nobody has handed on yet
    for (auto const& inviter : group.devices()) {
      if (!inviter->replica.self_active()) continue;
      TestDevice newcomer(seed * 100 + 77, "newcomer");
      inviter->invite(newcomer);
      newcomer.pull_from(*inviter);
      if (rows(newcomer, Table::unopened) > 0)
        return AssertionFailure() << "it cannot open some entries\n" << group.story();
      if (auto const found = difference(*inviter, newcomer); !found.empty())
        return AssertionFailure() << found << '\n' << group.story();
      return AssertionSuccess();
    }
    return AssertionSuccess();
  });
}

TEST(ReplicaProperty, AnyOrderOfDeliveryWithDuplicatesGivesTheSame) {
  for_each_seed(kGroups / 3, [](std::uint64_t seed) {
    return in_a_settled_group(seed, [](TestGroup& group) -> std::string {
      if (group.active().empty()) return "";
      auto& inviter = *group.active().front();
      TestDevice newcomer(12345, "newcomer");
      inviter.invite(newcomer);
      auto const empty_home = newcomer.database->clone();
      newcomer.pull_from(inviter);
      for (int tries = 0; tries < 3; ++tries) {
        TestDevice shuffled(12345, "shuffled", empty_home->clone());
        must(shuffled.replica.open());
        auto entries = inviter.sealed_entries();
        auto const once = entries.size();
        for (std::size_t i = 0; i < once; ++i) {
          if (group.dice().chance(40)) entries.push_back(entries[i]);
        }
        group.dice().shuffle(entries);
        for (auto const& entry : entries) shuffled.receive({entry});
        if (auto found = difference(newcomer, shuffled); !found.empty()) return found;
        if (rows(shuffled, Table::unopened) + rows(shuffled, Table::pending) + rows(shuffled, Table::waiting) > 0)
          return "leftovers";
      }
      return "";
    });
  });
}

/// A home that was copied wrote two branches; the longer one does not know the other's epochs. Whoever rotates on top
/// of one branch alone would give the epoch a number that does not fit, and have to do so again for ever.
TEST(ReplicaProperty, ADeviceWhoseLogForkedStartsEpochsThatAreValid) {
  auto const recovery = testing::test_recovery(5);
  TestDevice a(1), b(2), c(3);
  must(a.replica.create_group("home", "a", recovery, a.now()));
  a.invite(b);
  b.pull_from(a);
  a.invite(c);
  b.pull_from(a);
  auto const copy = b.copied(99);
  must(copy->replica.rotate(copy->now()));
  must(copy->replica.rotate(copy->now()));
  for (int i = 0; i < 5; ++i) b.push("the longer branch");
  b.pull_from(*copy);
  ASSERT_EQ(b.replica.state().chains().size(), 3U) << "the logs of a and b, and the branch";
  must(a.replica.remove_device(c.identity.device(), wire::RemoveReason::lost, nullptr, a.now()));
  b.receive({a.sealed_entries().end()[-2]});  // the remove, without a's rotate
  ASSERT_FALSE(b.replica.state().roster().active(c.identity.device()));
  auto const due = b.replica.upkeep_due(b.now().wall);
  ASSERT_TRUE(due);
  ASSERT_EQ(due->kind, Upkeep::Kind::rotate);
  must(b.replica.do_upkeep(due->kind, b.now()));
  auto const epoch = b.replica.sealing_epoch();
  ASSERT_TRUE(epoch);
  EXPECT_TRUE(b.replica.state().book().recipients_are(*epoch, b.replica.state().roster().active_by_rank()));
}

/// The lives must hold what the properties are about.
TEST(ReplicaProperty, GroupsLiveThroughEverything) {
  std::size_t removed = 0, upkeeps = 0, apart = 0, undoubted = 0, doubted = 0, undecided = 0;
  for (std::uint64_t seed = 1; seed <= 40; ++seed) {
    TestGroup group(seed);
    group.live(group.dice().between(6, 30));
    for (auto const& device : group.devices()) {
      apart += must(device->replica.heads()) != must(group.devices().front()->replica.heads()) ? 1 : 0;
    }
    upkeeps += group.settle().value_or(0);
    undecided += group.decided() ? 0 : 1;
    removed += group.removed().size();
    undoubted += group.undoubted_removals().size();
    doubted += group.removals() - group.undoubted_removals().size();
  }
  EXPECT_GE(removed, 20U);
  EXPECT_GE(upkeeps, 20U);
  EXPECT_GE(apart, 60U);
  EXPECT_GE(undoubted, 15U);
  EXPECT_GE(doubted, 1U);
  EXPECT_LE(undecided, 2U);
}

}  // namespace
}  // namespace kith::core
