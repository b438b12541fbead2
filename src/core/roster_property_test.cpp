#include <gtest/gtest.h>

#include "support/history_writer.hpp"
#include "support/local_graph.hpp"

/// What the roster promises, over random histories with hostile devices in them.
namespace kith::core {
namespace {

using ::testing::AssertionFailure;
using ::testing::AssertionResult;
using ::testing::AssertionSuccess;
using testing::Conclusions;
using testing::Dice;
using testing::Event;
using testing::EventNo;
using testing::EventSet;
using testing::for_each_seed;
using testing::History;
using testing::HistoryWriter;
using testing::LocalGraph;
using testing::name_of;

constexpr std::uint64_t kHistories = 6000;

/// Fails with the smallest history for which `problem` still is not empty.
AssertionResult none_of(History const& history, std::function<std::string(History const&)> const& problem) {
  if (problem(history).empty()) return AssertionSuccess();
  auto const small = shrunk(history, [&](History const& candidate) { return !problem(candidate).empty(); });
  return AssertionFailure() << problem(small) << '\n' << small.describe();
}

EventSet marked(History const& history) {
  EventSet set;
  for (EventNo i = 0; i < history.size(); ++i) set.set(i, history.at(i).marked);
  return set;
}

TEST(RosterProperty, AnyOrderAndAnyNumberingOfChainsGivesTheSame) {
  for_each_seed(kHistories, [](std::uint64_t seed) {
    return none_of(testing::random_history(seed), [&](History const& history) {
      Dice dice(seed);
      LocalGraph const one(history, history.everything());
      LocalGraph const other(history, causal_order(history, history.everything(), dice));
      auto entries = other.roster_entries();
      dice.shuffle(entries);
      if (compute_roster(entries).digest() != one.roster().digest()) return std::string("the order of entries matters");
      return one.conclusions().difference(other.conclusions());
    });
  });
}

TEST(RosterProperty, WhatWasConcludedOnTheWayChangesNothing) {
  for_each_seed(kHistories / 6, [](std::uint64_t seed) {
    return none_of(testing::random_history(seed), [&](History const& history) {
      Dice dice(seed);
      LocalGraph step_by_step(history);
      for (EventNo const event : causal_order(history, history.everything(), dice)) {
        step_by_step.add(event);
        step_by_step.settle();
      }
      return LocalGraph(history, history.everything()).conclusions().difference(step_by_step.conclusions());
    });
  });
}

/// Entries that are set aside are not passed on, so devices hold different ones of them and must agree all the same.
TEST(RosterProperty, EntriesThatAreSetAsideChangeNothing) {
  for_each_seed(kHistories * 2, [](std::uint64_t seed) {
    return none_of(testing::random_history(seed), [&](History const& history) {
      LocalGraph const all(history, history.everything());
      Dice dice(seed);
      LocalGraph const kept(history, causal_order(history, all.heads(), dice));
      auto problem = all.conclusions().difference(kept.conclusions());
      EventSet some = all.heads();  // and with some of them: whatever one more device was shown
      for (EventNo i = 0; i < history.size(); ++i) {
        if (!some.test(i) && dice.chance(50)) some |= history.past(i);
      }
      if (problem.empty()) problem = all.conclusions().difference(LocalGraph(history, some).conclusions());
      return problem;
    });
  });
}

/// Whether a device is removed for good in what is not marked: by the recovery key or by a senior.
bool removed_by_a_senior(History const& history, DeviceId const& device) {
  LocalGraph const graph(history, ~marked(history) & history.everything());
  auto const* member = graph.roster().find(device);
  if (member == nullptr || member->state != MemberState::removed) return false;
  return std::ranges::any_of(member->removes, [&](CountedRemove const& remove) {
    auto const& event = history.at(graph.event_at(remove.place));
    auto const* remover = graph.roster().find(event.author);
    return event.recovery_signed.contains(remove.index) ||
           (remover->state != MemberState::unfounded && remover->rank < member->rank);
  });
}

/// What marked entries changed about the roster.
std::string change_by_marked(History const& history) {
  LocalGraph const without(history, ~marked(history) & history.everything());
  LocalGraph const with(history, history.everything());
  if (without.roster().active_by_rank() != with.roster().active_by_rank()) return "the attack changed who is active";
  return without.roster().digest() == with.roster().digest() ? "" : "the attack changed the roster";
}

TEST(RosterProperty, ADeviceRemovedByASeniorCannotUndoIt) {
  std::size_t attacks = 0;
  for_each_seed(kHistories, [&](std::uint64_t seed) -> AssertionResult {
    HistoryWriter writer(seed);
    writer.live(writer.dice().between(6, 25));
    std::vector<DeviceId> thieves;
    for (auto const& device : writer.devices()) {
      if (removed_by_a_senior(writer.history(), device)) thieves.push_back(device);
    }
    if (thieves.empty()) return AssertionSuccess();
    auto const thief = writer.dice().pick(thieves);
    EventSet removes;  // the thief claims not to know them, or does not mind
    LocalGraph const graph(writer.history(), writer.history().everything());
    if (writer.dice().chance(60)) {
      for (auto const& remove : graph.roster().find(thief)->removes) removes.set(graph.event_at(remove.place));
    }
    writer.attack(thief, writer.dice().between(2, 15), removes);
    ++attacks;
    return none_of(writer.history(), [&](History const& history) {
      return removed_by_a_senior(history, thief) ? change_by_marked(history) : "";
    });
  });
  RecordProperty("attacks", static_cast<int>(attacks));
}

TEST(RosterProperty, OfTwoThatRemoveEachOtherTheSeniorStays) {
  for_each_seed(kHistories, [&](std::uint64_t seed) -> AssertionResult {
    HistoryWriter writer(seed);
    writer.live(writer.dice().between(4, 25));
    auto const before = writer.history().everything();
    auto const active = LocalGraph(writer.history(), before).roster().active_by_rank();
    if (active.size() < 2) return AssertionSuccess();
    std::size_t const place = writer.dice().between(1, active.size() - 1);
    DeviceId const junior = active[place], senior = active[writer.dice().below(place)];
    std::vector<std::pair<DeviceId, DeviceId>> removals{{senior, junior}, {junior, senior}};
    writer.dice().shuffle(removals);
    for (auto const& [by, of] : removals) {
      auto const removal = writer.write(by, before, {HistoryWriter::remove_of(of)});
      if (!removal || (before & ~writer.history().past(*removal)).any())
        return AssertionSuccess();  // a fork: knows less
    }
    LocalGraph const graph(writer.history(), writer.history().everything());
    if (graph.roster().active(senior) && !graph.roster().active(junior)) return AssertionSuccess();
    return AssertionFailure() << name_of(senior) << " is senior to " << name_of(junior) << '\n'
                              << writer.history().describe();
  });
}

/// Whoever stole the most senior device can undo what its juniors decide, but not what the recovery key does.
TEST(RosterProperty, TheRecoveryKeyShutsOutTheThiefOfAnyDevice) {
  for_each_seed(kHistories, [&](std::uint64_t seed) -> AssertionResult {
    HistoryWriter writer(seed);
    writer.live(writer.dice().between(4, 20));
    auto const active = LocalGraph(writer.history(), writer.history().everything()).roster().active_by_rank();
    if (active.size() < 2) return AssertionSuccess();
    auto const removal =
        writer.write(active.back(), writer.history().everything(), {HistoryWriter::remove_of(active.front())}, {0});
    if (!removal) return AssertionSuccess();
    EventSet unknowable;
    unknowable.set(*removal);
    writer.attack(active.front(), writer.dice().between(2, 15), unknowable);
    return none_of(writer.history(), [&](History const& history) {
      return removed_by_a_senior(history, active.front()) ? change_by_marked(history) : "";
    });
  });
}

TEST(RosterProperty, WhomTheRecoveryKeyRemovedIsNeverActive) {
  for_each_seed(kHistories, [&](std::uint64_t seed) {
    return none_of(testing::random_history(seed), [](History const& history) -> std::string {
      LocalGraph const graph(history, history.everything());
      for (auto const& event : history.events()) {
        for (auto const index : event.recovery_signed) {
          auto const* remove = std::get_if<wire::DeviceRemove>(&event.ops[index]);
          if (remove != nullptr && graph.roster().active(remove->device)) return name_of(remove->device) + " is active";
        }
      }
      return "";
    });
  });
}

/// Entries that know everything may say what they want, and add whom they want: whoever was removed stays so.
TEST(RosterProperty, ARemovedDeviceNeverReturnsToThoseWhoKnow) {
  for_each_seed(kHistories, [&](std::uint64_t seed) -> AssertionResult {
    HistoryWriter writer(seed);
    writer.live(writer.dice().between(6, 20));
    writer.tell_everybody();
    writer.live(writer.dice().between(3, 15));
    return none_of(writer.history(), [&](History const& history) -> std::string {
      auto const before = ~marked(history) & history.everything();
      for (EventNo i = 0; i < history.size(); ++i) {
        if (history.at(i).marked && (before & ~history.past(i)).any()) return "";  // this one does not know
      }
      LocalGraph const then(history, before);
      LocalGraph const now(history, history.everything());
      for (auto const& [device, member] : then.roster().members()) {
        if (member.state == MemberState::removed && now.roster().active(device)) return name_of(device) + " returned";
      }
      return "";
    });
  });
}

}  // namespace
}  // namespace kith::core
