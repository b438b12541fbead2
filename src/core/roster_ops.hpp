#pragma once

#include <algorithm>
#include <limits>
#include <tuple>

#include "core/roster.hpp"

/// Ops of roster entries, as the roster's rules compare them.
namespace kith::core {

/// One op, found again in its entry.
struct OpRef {
  RosterEntry const* entry = nullptr;
  std::uint32_t index = 0;
  RosterOp const* op = nullptr;

  [[nodiscard]] bool by_recovery() const { return entry->recovery_signed.contains(index); }
  [[nodiscard]] auto order() const { return std::tie(entry->hash, index); }
  [[nodiscard]] bool before(OpRef const& other) const {
    return entry == other.entry ? index < other.index : entry->in_past_of(*other.entry);
  }
  [[nodiscard]] Rival rival() const { return {entry, index}; }
};

/// An op is in the past of another when its entry is, or when it stands before it in the same entry.
inline bool op_in_past(RosterEntry const& entry, std::uint32_t index, CountedRemove const& remove) {
  if (entry.hash == remove.entry) return index < remove.index;
  return remove.past.contains(entry.place);
}

/// Of some ops the first one in each chain, or the last: what is before one op of a chain is before all later ones, so
/// these answer for all, and asking them costs a look at each chain instead of a look at each op.
class ChainEnds {
 public:
  enum class Which { first, last };
  explicit ChainEnds(Which which) : which_(which) {}

  void take(OpRef const& op) {
    auto const [found, is_new] = ends_.try_emplace(op.entry->place.chain, op);
    auto const place = [](OpRef const& one) { return std::pair(one.entry->place.seq, one.index); };
    bool const further = which_ == Which::first ? place(op) < place(found->second) : place(found->second) < place(op);
    if (!is_new && further) found->second = op;
  }
  template <class Predicate>
  [[nodiscard]] bool any(Predicate const& holds) const {
    return std::ranges::any_of(ends_, [&](auto const& end) { return holds(end.second); });
  }
  /// The latest of them by its author's clock, at or before which all are.
  [[nodiscard]] std::uint64_t latest_hlc() const {
    std::uint64_t latest = 0;
    for (auto const& [chain, op] : ends_) latest = std::max(latest, op.entry->hlc);
    return latest;
  }

 private:
  Which which_;
  std::map<ChainNo, OpRef> ends_;
};

inline CountedRemove counted(OpRef const& remove) {
  return {remove.entry->hash, remove.index, remove.entry->place, remove.entry->past, std::nullopt};
}

/// Removes of one device that count, and how far the ops of each chain are in the past of all of them. Of the removes
/// in one chain the first says all: whatever is in its past is in the pasts of the later ones, and who knows a later
/// one knows it.
class CountedRemoves {
 public:
  void add(OpRef const& remove) {
    auto const [first, is_new] = first_in_.try_emplace(remove.entry->place.chain, remove);
    auto const place = [](OpRef const& one) { return std::pair(one.entry->place.seq, one.index); };
    if (!is_new && place(first->second) <= place(remove)) return;
    first->second = remove;
    for (auto& [chain, limit] : limits_) limit = std::min(limit, limit_in(chain, remove));
  }
  /// Whether an op is in the past of all of them.
  [[nodiscard]] bool let_stand(OpRef const& op) {
    auto const [known, is_new] = limits_.try_emplace(op.entry->place.chain, kNoLimit);
    if (is_new) {
      for (auto const& [chain, remove] : first_in_)
        known->second = std::min(known->second, limit_in(known->first, remove));
    }
    return std::pair(op.entry->place.seq, op.index) < known->second;
  }
  [[nodiscard]] std::vector<CountedRemove> list() const {
    std::vector<CountedRemove> removes;
    for (auto const& [chain, remove] : first_in_) removes.push_back(counted(remove));
    return removes;
  }

 private:
  using OpPlace = std::pair<Seq, std::uint32_t>;
  static constexpr OpPlace kNoLimit{{std::numeric_limits<std::uint64_t>::max()}, 0};
  /// The first op of a chain that is not in the past of `remove`.
  static OpPlace limit_in(ChainNo chain, OpRef const& remove) {
    if (remove.entry->place.chain == chain) return {remove.entry->place.seq, remove.index};
    return {{remove.entry->past.last(chain).value + 1}, 0};
  }

  std::map<ChainNo, OpRef> first_in_;
  std::map<ChainNo, OpPlace> limits_;
};

}  // namespace kith::core
