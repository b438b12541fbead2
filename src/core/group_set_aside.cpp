#include <algorithm>

#include "core/group_state.hpp"

/// What is kept of devices against whom a remove counts, and how much that may be. @see docs/spec/entries.md, "What is
/// set aside"
namespace kith::core {
namespace {

std::uint64_t beyond(std::uint64_t used, std::uint64_t share) { return used - std::min(used, share); }

}  // namespace

bool GroupState::doubted(DeviceId const& author) const {
  auto const* member = roster_.find(author);
  return member != nullptr && !member->removes.empty();
}

/// Whoever a thief brings in is junior to it, and it to whoever may undo what it did: those find room.
void GroupState::share_out() {
  std::vector<std::pair<RankPath, DeviceId>> removed;
  for (auto const& [device, member] : roster_.members()) {
    if (member.state == MemberState::removed) removed.emplace_back(member.rank, device);
  }
  std::ranges::sort(removed);
  if (removed.size() > kSetAsideShares) removed.resize(kSetAsideShares);
  has_share_.clear();
  for (auto const& [rank, device] : removed) has_share_.insert(device);
}

/// Counts again where the heads reach another part of these devices' chains than when it was last counted.
Result<GroupState::SetAside*> GroupState::count_set_aside() {
  if (set_aside_ && set_aside_->settled) return &*set_aside_;
  SetAside now;
  now.settled = true;
  for (auto const& [number, chain] : chains_) {
    if (!doubted(chain.log.device)) continue;
    Seq const covered = counting_.heads.last(number);
    now.covered.emplace(number, covered < chain.first ? Seq{} : covered);
  }
  if (set_aside_ && set_aside_->covered == now.covered) {
    set_aside_->settled = true;
    return &*set_aside_;
  }
  for (auto const& [number, covered] : now.covered) {
    auto const& chain = chains_.at(number);
    auto& use = now.of_each[chain.log.device];
    if (covered.value == 0) ++use.chains;
    for (Seq seq = covered.value == 0 ? chain.first : Seq{covered.value + 1}; seq <= chain.last; ++seq.value) {
      KITH_TRY(hash, hash_at({number, seq}));
      KITH_TRY(bytes, sealed(hash));
      if (!bytes) return fail(CoreError::corrupt_record);
      use.bytes += bytes->size();
    }
  }
  for (auto const& entry : roster_entries_) {
    auto const covered = now.covered.find(entry.place.chain);
    if (covered != now.covered.end() && covered->second < entry.place.seq) {
      now.of_each[entry.author].roster_ops += entry.ops.size();
    }
  }
  set_aside_ = std::move(now);
  return &*set_aside_;
}

/// Before the next settle() nobody knows whether the entry counts: it is taken for one that does not.
void GroupState::note_set_aside(OpenedEntry const& entry, EntryRecord const& record, std::size_t bytes) {
  if (!set_aside_ || !doubted(entry.body.author)) return;
  auto& use = set_aside_->of_each[entry.body.author];
  use.bytes += bytes;
  use.roster_ops += roster_ops_in(entry);
  if (set_aside_->covered.try_emplace(record.chain).second) ++use.chains;
}

Result<SetAsideUse> GroupState::set_aside() {
  KITH_TRY(counted, count_set_aside());
  SetAsideUse all;
  for (auto const& [device, use] : counted->of_each) {
    all.bytes += use.bytes;
    all.roster_ops += use.roster_ops;
    all.chains += use.chains;
  }
  return all;
}

Result<bool> GroupState::room_to_set_aside(DeviceId const& author, SetAsideUse const& more) {
  KITH_TRY(counted, count_set_aside());
  auto const found = counted->of_each.find(author);
  SetAsideUse const mine = found == counted->of_each.end() ? SetAsideUse{} : found->second;
  auto const fits = [&](std::uint64_t SetAsideUse::*kind) {
    auto const share_of = [&](DeviceId const& device) {
      return has_share_.contains(device) ? kSetAsideShare.*kind : 0;
    };
    std::uint64_t const share = share_of(author);
    std::uint64_t const from_all = beyond(mine.*kind + more.*kind, share);
    if (from_all == 0 || more.*kind == 0) return true;
    std::uint64_t of_others = 0;
    for (auto const& [device, use] : counted->of_each) {
      if (device != author) of_others += beyond(use.*kind, share_of(device));
    }
    return of_others + from_all <= kMostSetAside.*kind;
  };
  return fits(&SetAsideUse::bytes) && fits(&SetAsideUse::roster_ops) && fits(&SetAsideUse::chains);
}

std::size_t roster_ops_in(OpenedEntry const& entry) {
  return static_cast<std::size_t>(std::ranges::count_if(entry.ops, wire::is_roster_op));
}

}  // namespace kith::core
