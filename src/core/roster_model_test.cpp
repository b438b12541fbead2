#include "support/roster_model.hpp"

#include <gtest/gtest.h>

#include "support/history_writer.hpp"
#include "support/local_graph.hpp"

/// The roster against a second implementation of its rules, over random histories.
namespace kith::core {
namespace {

using ::testing::AssertionFailure;
using ::testing::AssertionResult;
using ::testing::AssertionSuccess;
using testing::Dice;
using testing::EventNo;
using testing::for_each_seed;
using testing::History;
using testing::LocalGraph;
using testing::ModelOp;

constexpr std::uint64_t kHistories = 4000;

/// What one of the tests below compares: empty where product and model agree.
using Disagreement = std::string (*)(LocalGraph const&, testing::ModelRoster const&, History const&);

AssertionResult agree(std::uint64_t seed, Disagreement disagreement) {
  auto const check = [&](History const& history) {
    Dice dice(seed);
    LocalGraph const graph(history, causal_order(history, history.everything(), dice));
    return disagreement(graph, model_roster(history, history.everything()), history);
  };
  auto const history = testing::random_history(seed);
  if (check(history).empty()) return AssertionSuccess();
  auto const small = shrunk(history, [&](History const& candidate) { return !check(candidate).empty(); });
  return AssertionFailure() << check(small) << '\n' << small.describe();
}

std::string name_both(std::string_view what, DeviceId const& device, std::string const& product,
                      std::string const& model) {
  return fmt::format("{} of {}: product {}, model {}", what, testing::name_of(device), product, model);
}

TEST(RosterModel, SameDevicesAreActive) {
  for_each_seed(kHistories, [](std::uint64_t seed) {
    return agree(seed, [](LocalGraph const& graph, testing::ModelRoster const& model, History const&) -> std::string {
      for (auto const& device : model.known) {
        auto const* member = graph.roster().find(device);
        if (member == nullptr) return "unknown " + testing::name_of(device);
        bool const product = member->state == MemberState::active;
        if (product != model.active.contains(device)) {
          return name_both("active", device, fmt::to_string(product), fmt::to_string(!product));
        }
      }
      return graph.roster().members().size() == model.known.size() ? "" : "the product knows devices that nobody added";
    });
  });
}

TEST(RosterModel, SameRanks) {
  for_each_seed(kHistories, [](std::uint64_t seed) {
    return agree(seed, [](LocalGraph const& graph, testing::ModelRoster const& model, History const&) -> std::string {
      for (auto const& device : model.known) {
        auto const& member = *graph.roster().find(device);
        auto const path = model.paths.find(device);
        if ((member.state == MemberState::unfounded) != (path == model.paths.end()))
          return name_both("founded", device, "", "");
        testing::ModelPath product;
        for (auto const& step : member.rank) product.emplace_back(step.count, step.entry, step.index);
        if (path != model.paths.end() && product != path->second) return name_both("rank", device, "", "");
      }
      return "";
    });
  });
}

/// Those that have no other one in their past: who is before one of these is before all that have it in their past.
std::set<ModelOp> strictest(History const& history, std::set<ModelOp> removes) {
  auto const in_past = [&](ModelOp one, ModelOp of) {
    if (one.event == of.event) return one.index < of.index;
    return history.past(of.event).test(one.event);
  };
  std::erase_if(removes, [&, all = removes](ModelOp op) {
    return std::ranges::any_of(all, [&](ModelOp other) { return in_past(other, op); });
  });
  return removes;
}

TEST(RosterModel, SameRemovesCount) {
  for_each_seed(kHistories, [](std::uint64_t seed) {
    return agree(seed,
                 [](LocalGraph const& graph, testing::ModelRoster const& model, History const& history) -> std::string {
                   for (EventNo event = 0; event < history.size(); ++event) {
                     auto const& author = history.at(event).author;
                     std::set<ModelOp> product;
                     for (auto const& remove : graph.roster().find(author)->removes) {
                       if (remove.through && !graph.past(event).contains(*remove.through)) continue;
                       product.insert({graph.event_at(remove.place), remove.index});
                       if (history.at(graph.event_at(remove.place)).hash != remove.entry)
                         return "a remove's place is not its entry's";
                       if (!(remove.past == graph.past(graph.event_at(remove.place))))
                         return "a remove's past is not its entry's";
                     }
                     if (strictest(history, product) != strictest(history, removes_against(history, model, event)))
                       return fmt::format("others are removes against #{}", event);
                   }
                   return "";
                 });
  });
}

TEST(RosterModel, SameOpsStand) {
  for_each_seed(kHistories, [](std::uint64_t seed) {
    return agree(seed,
                 [](LocalGraph const& graph, testing::ModelRoster const& model, History const& history) -> std::string {
                   for (EventNo event = 0; event < history.size(); ++event) {
                     auto const entry = graph.roster_entry(event);
                     for (std::uint32_t index = 0; index < entry.ops.size(); ++index) {
                       if (std::holds_alternative<wire::DeviceAdd>(entry.ops[index].second))
                         continue;  // what ranks and adders show
                       bool const product = graph.roster().stands(entry, index);
                       if (product != model.standing.contains({event, index})) {
                         return fmt::format("op {} of #{} stands: product {}", index, event, product);
                       }
                     }
                   }
                   return "";
                 });
  });
}

TEST(RosterModel, RosterRestsOnTheSameEntries) {
  for_each_seed(kHistories, [](std::uint64_t seed) {
    return agree(seed, [](LocalGraph const& graph, testing::ModelRoster const& model, History const&) -> std::string {
      std::set<EventNo> product, expected;
      for (auto const place : graph.roster().bearing()) product.insert(graph.event_at(place));
      for (auto const op : model.resting_on) expected.insert(op.event);
      return product == expected ? "" : "the roster rests on other entries";
    });
  });
}

/// The histories must hold what the rules are about, or agreement says nothing.
TEST(RosterModel, HistoriesMeetEveryRule) {
  std::map<std::string, std::size_t> met;
  for (std::uint64_t seed = 1; seed <= 300; ++seed) {
    auto const history = testing::random_history(seed);
    auto const model = model_roster(history, history.everything());
    std::size_t void_removes = 0;
    for (EventNo i = 0; i < history.size(); ++i) {
      for (std::uint32_t index = 0; index < history.at(i).ops.size(); ++index) {
        ModelOp const op{i, index};
        auto const& content = history.at(i).ops[index];
        bool const stands = model.standing.contains(op);
        if (auto const* remove = std::get_if<wire::DeviceRemove>(&content)) {
          bool const counted = model.counted_removes.contains(op);
          void_removes += counted ? 0 : 1;
          met["counted remove"] += counted ? 1 : 0;
          met["void remove"] += counted ? 0 : 1;
          met["remove by recovery"] += history.at(i).recovery_signed.contains(index) ? 1 : 0;
          auto const by = model.paths.find(history.at(i).author), of = model.paths.find(remove->device);
          if (counted && by != model.paths.end() && of != model.paths.end()) {
            met[by->second == of->second  ? "removed by itself"
                : by->second < of->second ? "removed by a senior"
                                          : "removed by a junior"] += 1;
          }
        }
        if (std::holds_alternative<wire::DeviceAdd>(content)) met[stands ? "standing add" : "void add"] += 1;
        if (std::holds_alternative<Rotation>(content)) met[stands ? "standing rotate" : "void rotate"] += 1;
      }
    }
    for (auto const& device : model.known) {
      bool const founded = model.paths.contains(device);
      met["unfounded device"] += founded ? 0 : 1;
      met["removed device"] += founded && !model.active.contains(device) ? 1 : 0;
    }
    LocalGraph const graph(history, history.everything());
    met["set aside"] += (history.everything() & ~graph.heads()).count();
    met["vouched for"] += (graph.counted() & graph.heads()).count();
    std::set<LogId> logs;
    for (auto const& event : history.events()) logs.insert({event.author, {event.incarnation}});
    met["fork"] += graph.chains().size() - logs.size();
  }
  for (auto const& [what, times] : met) {
    EXPECT_GE(times, 50U) << what;
    RecordProperty(what, static_cast<int>(times));
  }
  EXPECT_EQ(met.size(), 15U);
}

}  // namespace
}  // namespace kith::core
