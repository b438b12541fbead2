#include <algorithm>

#include <gtest/gtest.h>

#include "support/history_writer.hpp"
#include "support/local_graph.hpp"
#include "support/roster_model.hpp"

/// What the entries say about epochs, over random histories, against the rules of docs/spec/epochs.md asked one by one.
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

Rotation const* rotation_in(History const& history, EventNo event) {
  for (auto const& op : history.at(event).ops) {
    if (auto const* rotation = std::get_if<Rotation>(&op)) return rotation;
  }
  return nullptr;
}

/// 1 + the largest number that fits, of the rotates in `past`.
std::uint64_t number_after(History const& history, EventSet const& past) {
  std::uint64_t largest = 0;
  for (EventNo i = 0; i < history.size(); ++i) {
    auto const* rotation = past.test(i) ? rotation_in(history, i) : nullptr;
    if (rotation == nullptr) continue;
    auto own_past = history.past(i);
    if (rotation->epoch_no == number_after(history, own_past.reset(i))) largest = std::max(largest, rotation->epoch_no);
  }
  return largest + 1;
}

bool fits(History const& history, EventNo event) {
  auto past = history.past(event);
  return rotation_in(history, event)->epoch_no == number_after(history, past.reset(event));
}

template <class Problem>
AssertionResult holds(std::uint64_t seed, Problem const& problem) {
  auto const check = [&](History const& history) {
    Dice dice(seed);
    LocalGraph const graph(history, causal_order(history, history.everything(), dice));
    return problem(history, graph, dice);
  };
  auto const history = testing::random_history(seed);
  if (check(history).empty()) return AssertionSuccess();
  auto const small = shrunk(history, [&](History const& candidate) { return !check(candidate).empty(); });
  return AssertionFailure() << check(small) << '\n' << small.describe();
}

std::set<EpochId> all_epochs(History const& history) {
  std::set<EpochId> epochs;
  for (auto const& event : history.events()) epochs.insert(event.sealed_under);
  return epochs;
}

TEST(EpochProperty, ValidEpochsAreThoseOfStandingRotatesWhoseNumberFits) {
  for_each_seed(kHistories, [](std::uint64_t seed) {
    return holds(seed, [](History const& history, LocalGraph const& graph, Dice&) -> std::string {
      auto const model = model_roster(history, history.everything());
      std::vector<std::tuple<std::uint64_t, EpochId, std::uint64_t>> expected, product;
      for (EventNo i = 0; i < history.size(); ++i) {
        for (std::uint32_t index = 0; index < history.at(i).ops.size(); ++index) {
          auto const* rotation = std::get_if<Rotation>(&history.at(i).ops[index]);
          if (rotation == nullptr || !model.standing.contains({i, index}) || !fits(history, i)) continue;
          expected.emplace_back(rotation->epoch_no, history.at(i).sealed_under, history.at(i).hlc);
        }
      }
      std::ranges::sort(expected, std::greater{});
      for (auto const& epoch : graph.book().valid()) product.emplace_back(epoch.number, epoch.id, epoch.hlc);
      if (!std::ranges::is_sorted(graph.book().valid(), std::greater{})) return "the largest is not first";
      std::ranges::sort(product, std::greater{});
      return product == expected ? "" : fmt::format("{} epochs instead of {}", product.size(), expected.size());
    });
  });
}

TEST(EpochProperty, WhetherANumberFitsDependsOnItsPastAlone) {
  for_each_seed(kHistories, [](std::uint64_t seed) {
    return holds(seed, [](History const& history, LocalGraph const& all, Dice&) -> std::string {
      for (EventNo i = 1; i < history.size(); ++i) {
        if (rotation_in(history, i) == nullptr) continue;
        LocalGraph const then(history, history.past(i));
        auto const before = [&](LocalGraph const& graph) {
          Past past;
          if (auto const prev = history.at(i).prev) past.include(graph.past(*prev));
          for (EventNo const tip : history.at(i).tips) past.include(graph.past(tip));
          return graph.book().next_number(past);
        };
        if (before(then) != before(all)) return fmt::format("#{}: later entries changed the number it should have", i);
        if ((before(all) == rotation_in(history, i)->epoch_no) != fits(history, i))
          return fmt::format("#{} fits, or not", i);
      }
      return "";
    });
  });
}

TEST(EpochProperty, TheNextNumberIsOneMoreThanTheLargestThatFits) {
  for_each_seed(kHistories, [](std::uint64_t seed) {
    return holds(seed, [](History const& history, LocalGraph const& graph, Dice& dice) -> std::string {
      for (int tries = 0; tries < 4; ++tries) {
        EventSet set;
        Past past;
        for (std::size_t tips = dice.below(4); tips > 0; --tips) {
          EventNo const tip = dice.below(history.size());
          set |= history.past(tip);
          past.include(graph.past(tip));
        }
        if (graph.book().next_number(past) != number_after(history, set)) return "another number";
      }
      return "";
    });
  });
}

TEST(EpochProperty, RecipientsAreTheRotatesListAndWhoeverWasAddedUnderIt) {
  for_each_seed(kHistories, [](std::uint64_t seed) {
    return holds(seed, [](History const& history, LocalGraph const& graph, Dice& dice) -> std::string {
      for (auto const& epoch : all_epochs(history)) {
        std::set<DeviceId> recipients;
        bool started = false;
        for (EventNo i = 0; i < history.size(); ++i) {
          for (auto const& op : history.at(i).ops) {
            auto const* rotation = std::get_if<Rotation>(&op);
            auto const* add = std::get_if<wire::DeviceAdd>(&op);
            if (rotation != nullptr && history.at(i).sealed_under == epoch) {
              recipients.insert(rotation->recipients.begin(), rotation->recipients.end());
              started = true;
            }
            if (add != nullptr && add->epoch == epoch) recipients.insert(add->cert.device);
          }
        }
        std::vector<DeviceId> exact(recipients.begin(), recipients.end());
        dice.shuffle(exact);
        if (started && !graph.book().recipients_are(epoch, exact)) return "the recipients are others";
        auto more = exact;
        more.push_back(dice.id<DeviceId>());
        if (graph.book().recipients_are(epoch, more)) return "a device too many is no recipient";
        if (exact.empty()) continue;
        exact.pop_back();
        if (graph.book().recipients_are(epoch, exact)) return "a recipient is forgotten";
      }
      return "";
    });
  });
}

TEST(EpochProperty, AnEpochCarriesWhatEntriesOfTheHeadsUnderItHandOn) {
  for_each_seed(kHistories, [](std::uint64_t seed) {
    return holds(seed, [](History const& history, LocalGraph const& graph, Dice&) -> std::string {
      auto const heads = graph.heads();
      for (auto const& epoch : all_epochs(history)) {
        std::set<EpochId> expected{epoch};
        for (std::size_t before = 0; before != expected.size();) {
          before = expected.size();
          for (EventNo i = 0; i < history.size(); ++i) {
            if (!heads.test(i) || !expected.contains(history.at(i).sealed_under)) continue;
            for (auto const& op : history.at(i).ops) {
              if (auto const* rotation = std::get_if<Rotation>(&op))
                expected.insert(rotation->carries.begin(), rotation->carries.end());
              if (auto const* handed = std::get_if<HandedOn>(&op))
                expected.insert(handed->carries.begin(), handed->carries.end());
            }
          }
        }
        if (graph.book().carried_by(epoch) != expected) return "it carries others";
      }
      return "";
    });
  });
}

TEST(EpochProperty, TheLargestIsTheFirstValidOneThatIsKnown) {
  for_each_seed(kHistories, [](std::uint64_t seed) {
    return holds(seed, [](History const& history, LocalGraph const& graph, Dice& dice) -> std::string {
      std::set<EpochId> known;
      for (auto const& epoch : all_epochs(history)) {
        if (dice.chance(40)) known.insert(epoch);
      }
      std::optional<EpochBook::Epoch> expected;
      for (auto const& epoch : graph.book().valid()) {
        bool const larger = !expected || expected->number < epoch.number ||
                            (expected->number == epoch.number && expected->id < epoch.id);
        if (known.contains(epoch.id) && larger) expected = epoch;
      }
      return graph.book().largest(known) == expected ? "" : "another one is largest";
    });
  });
}

}  // namespace
}  // namespace kith::core
