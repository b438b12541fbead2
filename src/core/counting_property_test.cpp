#include <gtest/gtest.h>

#include "support/history_writer.hpp"
#include "support/local_graph.hpp"
#include "support/roster_model.hpp"

/// Which entries count, over random histories.
namespace kith::core {
namespace {

using ::testing::AssertionFailure;
using ::testing::AssertionResult;
using ::testing::AssertionSuccess;
using testing::Dice;
using testing::EventNo;
using testing::EventSet;
using testing::for_each_seed;
using testing::History;
using testing::LocalGraph;

constexpr std::uint64_t kHistories = 4000;

using Problem = std::string (*)(History const&, LocalGraph const&);

/// Checks a random history, with its chains numbered in a random order; a failure shows the smallest one.
AssertionResult holds(std::uint64_t seed, Problem problem) {
  auto const check = [&](History const& history) {
    Dice dice(seed);
    return problem(history, LocalGraph(history, causal_order(history, history.everything(), dice)));
  };
  auto const history = testing::random_history(seed);
  if (check(history).empty()) return AssertionSuccess();
  auto const small = shrunk(history, [&](History const& candidate) { return !check(candidate).empty(); });
  return AssertionFailure() << check(small) << '\n' << small.describe();
}

TEST(CountingProperty, IsTheLeastFixpointOverSingleEntries) {
  for_each_seed(kHistories, [](std::uint64_t seed) {
    return holds(seed, [](History const& history, LocalGraph const& graph) -> std::string {
      auto const model = model_counting(history, history.everything(), model_roster(history, history.everything()));
      for (EventNo i = 0; i < history.size(); ++i) {
        if (graph.counted().test(i) != model.counted.test(i)) {
          return fmt::format("#{} counts: product {}", i, graph.counted().test(i));
        }
        if (graph.heads().test(i) != model.heads.test(i)) {
          return fmt::format("#{} is in the heads: product {}", i, graph.heads().test(i));
        }
      }
      return "";
    });
  });
}

TEST(CountingProperty, WhatCountsIsTheBeginningOfEachLog) {
  for_each_seed(kHistories, [](std::uint64_t seed) {
    return holds(seed, [](History const& history, LocalGraph const& graph) -> std::string {
      auto const counted = graph.counted();
      for (EventNo i = 0; i < history.size(); ++i) {
        if (auto const prev = history.at(i).prev; prev && counted.test(i) && !counted.test(*prev)) {
          return fmt::format("#{} counts and #{} before it does not", i, *prev);
        }
      }
      return "";
    });
  });
}

TEST(CountingProperty, HeadsHoldThePastsOfWhatTheyHold) {
  for_each_seed(kHistories, [](std::uint64_t seed) {
    return holds(seed, [](History const& history, LocalGraph const& graph) -> std::string {
      auto const heads = graph.heads();
      for (EventNo i = 0; i < history.size(); ++i) {
        if (heads.test(i) && (history.past(i) & ~heads).any())
          return fmt::format("some past of #{} is not in the heads", i);
      }
      if ((graph.counted() & ~heads).any()) return "an entry counts and is not in the heads";
      return heads.test(0) ? "" : "the genesis is not in the heads";
    });
  });
}

TEST(CountingProperty, WhatActiveDevicesWroteCounts) {
  for_each_seed(kHistories, [](std::uint64_t seed) {
    return holds(seed, [](History const& history, LocalGraph const& graph) -> std::string {
      for (EventNo i = 0; i < history.size(); ++i) {
        if (graph.roster().active(history.at(i).author) && !graph.counted().test(i))
          return fmt::format("#{} does not count", i);
      }
      return "";
    });
  });
}

TEST(CountingProperty, WhatEveryRemoveKnewCounts) {
  for_each_seed(kHistories, [](std::uint64_t seed) {
    return holds(seed, [](History const& history, LocalGraph const& graph) -> std::string {
      for (EventNo i = 0; i < history.size(); ++i) {
        auto const* author = graph.roster().find(history.at(i).author);
        bool const known_to_all = std::ranges::all_of(
            author->removes, [&](CountedRemove const& remove) { return remove.past.contains(graph.place(i)); });
        if (known_to_all && !graph.counted().test(i)) return fmt::format("#{} does not count", i);
      }
      return "";
    });
  });
}

/// What only void adds brought is never taken for a member: each entry of it has a remove to be vouched against.
TEST(CountingProperty, EveryEntryOfAnUnfoundedDeviceIsDoubted) {
  for_each_seed(kHistories, [](std::uint64_t seed) {
    return holds(seed, [](History const& history, LocalGraph const& graph) -> std::string {
      for (EventNo i = 0; i < history.size(); ++i) {
        auto const* author = graph.roster().find(history.at(i).author);
        if (author->state != MemberState::unfounded) continue;
        bool const doubted = std::ranges::any_of(author->removes, [&](CountedRemove const& remove) {
          return !remove.through || graph.past(i).contains(*remove.through);
        });
        if (!doubted) return fmt::format("#{} counts as if its author were a member", i);
      }
      return "";
    });
  });
}

/// The removed device itself, and those that came in only through it, vouch for nothing: whatever they write, no entry
/// of theirs that was not known elsewhere comes to count.
TEST(CountingProperty, ARemovedDeviceAndItsStrawsCannotVouchForThemselves) {
  for_each_seed(kHistories, [](std::uint64_t seed) -> AssertionResult {
    testing::HistoryWriter writer(seed);
    writer.live(writer.dice().between(5, 20));
    auto const active = LocalGraph(writer.history(), writer.history().everything()).roster().active_by_rank();
    if (active.size() < 2) return AssertionSuccess();
    auto const removal =
        writer.write(active.front(), writer.history().everything(), {testing::HistoryWriter::remove_of(active.back())});
    if (!removal) return AssertionSuccess();
    EventSet unknowable;
    if (writer.dice().chance(70)) unknowable.set(*removal);
    auto const before = writer.history().everything();
    writer.attack(active.back(), writer.dice().between(2, 15), unknowable);
    auto const& history = writer.history();
    LocalGraph const then(history, before), now(history, history.everything());
    if (then.roster().active(active.back())) return AssertionSuccess();  // its removal was void
    if (now.counted() == then.counted() && now.heads() == then.heads()) return AssertionSuccess();
    return AssertionFailure() << then.conclusions().difference(now.conclusions()) << '\n' << history.describe();
  });
}

}  // namespace
}  // namespace kith::core
