#pragma once

#include <map>
#include <set>

#include "support/history.hpp"

/// The rules of docs/spec/roster.md once more, written from their text: ops in plain sets, explicit ancestors, every
/// question asked anew by searching, nothing shared with the product but the values. Slow, and meant to be.
namespace kith::testing {

struct ModelOp {
  EventNo event = 0;
  std::uint32_t index = 0;
  friend auto operator<=>(ModelOp const&, ModelOp const&) = default;
};

/// [] recovery key, [0, x] added by it, [1] creator, adder's + x. Each step: (count, entry hash, index).
using ModelPath = std::vector<std::tuple<std::uint64_t, EntryHash, std::uint32_t>>;

struct ModelRoster {
  std::set<DeviceId> known;  ///< the creator and every device that some op adds
  std::set<DeviceId> active;
  std::map<DeviceId, ModelPath> paths;  ///< of devices that standing adds reach
  std::set<ModelOp> counted_removes;
  std::map<DeviceId, std::set<ModelOp>> removed_by;  ///< counted removes of each device
  std::set<ModelOp> standing;                        ///< ops of any kind that stand
  std::set<ModelOp> resting_on;                      ///< adds that gave paths, and counted removes
};

/// The removes that an entry must be known to or vouched against: those counted against its author; for a device that
/// only void adds brought, what voided the adds of it that the entry knows.
[[nodiscard]] std::set<ModelOp> removes_against(History const& history, ModelRoster const& roster, EventNo entry);

/// Section "Roster" of the specification, over the events of `held`.
[[nodiscard]] ModelRoster model_roster(History const& history, EventSet const& held);

struct ModelCounting {
  EventSet counted;
  EventSet heads;  ///< what is replicated: counting entries, what the roster rests on, and all their pasts
};

/// Section "What counts", as the least fixpoint over single entries.
[[nodiscard]] ModelCounting model_counting(History const& history, EventSet const& held, ModelRoster const& roster);

}  // namespace kith::testing
