#include "sync/exchange/removal_proof.hpp"

#include <algorithm>
#include <functional>
#include <set>

namespace kith::sync {
namespace {

using core::CountedRemove;
using core::Past;

/// Those of the removes that `concerns` holds for, without what is behind another one of these.
template <class Concerns>
void include_first(Past& proof, std::vector<CountedRemove> const& removes, Concerns const& concerns) {
  for (auto const& remove : removes) {
    if (!concerns(remove)) continue;
    bool const later = std::ranges::any_of(removes, [&](CountedRemove const& other) {
      return concerns(other) && other.place != remove.place && remove.past.contains(other.place);
    });
    if (!later) proof.include(remove.past);
  }
}

/// An add, as far as it matters here.
struct Add {
  EntryHash entry;
  DeviceId author;
  core::ChainPlace place;
  Past past;
};

/// Adds of a device that are in what the other one knows; all of them where none is.
Result<std::vector<Add>> adds_known(core::GroupState const& state, core::Member const& member, Past const& known) {
  std::vector<Add> adds;
  for (auto const& hash : member.add_entries) {
    KITH_TRY(record, state.record(hash));
    if (record) adds.push_back({hash, record->log.device, record->place(), std::move(record->past)});
  }
  auto const is_known = [&](Add const& add) { return known.contains(add.place); };
  if (std::ranges::any_of(adds, is_known)) std::erase_if(adds, std::not_fn(is_known));
  return adds;
}

/// What voids the adds of a device, and of those that added it, up to devices that once were members.
Result<Past> void_adds_proof(core::GroupState const& state, DeviceId const& device, Past known) {
  Past proof;
  std::set<DeviceId> seen{device};
  for (std::vector<DeviceId> open{device}; !open.empty();) {
    auto const* member = state.roster().find(open.back());
    open.pop_back();
    if (member == nullptr) continue;
    KITH_TRY(adds, adds_known(state, *member, known));
    for (auto const& add : adds) {
      known.include(add.past);
      auto const* adder = state.roster().find(add.author);
      if (adder == nullptr) continue;
      if (adder->state == core::MemberState::unfounded) {
        if (seen.insert(add.author).second) open.push_back(add.author);
        continue;
      }
      // One in the same entry may come before the add or behind it.
      include_first(proof, adder->removes, [&](CountedRemove const& remove) {
        return !remove.past.contains(add.place) || remove.entry == add.entry;
      });
    }
  }
  return proof;
}

}  // namespace

Result<Past> removal_proof(core::GroupState const& state, DeviceId const& device, Past const& held) {
  Past proof;
  auto const* member = state.roster().find(device);
  if (member == nullptr) return proof;
  if (member->state == core::MemberState::unfounded) return void_adds_proof(state, device, held);
  include_first(proof, member->removes, [](CountedRemove const&) { return true; });
  return proof;
}

}  // namespace kith::sync
