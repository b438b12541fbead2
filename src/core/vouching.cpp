#include "core/vouching.hpp"

#include <vector>

namespace kith::core {

Result<bool> Vouching::needs(EntryHash const& entry) {
  if (not_needed_.contains(entry)) return false;
  std::set<EntryHash> seen{entry};
  std::vector<EntryHash> open{entry};
  while (!open.empty()) {
    EntryHash const need = open.back();
    open.pop_back();
    KITH_TRY(waiters, waiting_.waiters(need));
    for (auto const& waiter : waiters) {
      if (roster_.active(waiter.author)) return true;
      if (not_needed_.contains(waiter.hash)) continue;
      if (seen.insert(waiter.hash).second) open.push_back(waiter.hash);
    }
  }
  not_needed_.merge(seen);
  return false;
}

Result<bool> Vouching::names(LogId const& log) {
  std::vector<EntryHash> through;
  KITH_TRY(named, waiting_.named_by_another(log, [&](WaitingRoom::Waiter const& waiter) {
    through.push_back(waiter.hash);
    return roster_.active(waiter.author);
  }));
  if (named) return true;
  for (auto const& waiter : through) {
    KITH_TRY(needed, needs(waiter));
    if (needed) return true;
  }
  return false;
}

Result<> Vouching::waits(Tip const& entry) {
  KITH_TRY(needed, roster_.active(entry.log.device) ? Result<bool>(true) : needs(entry.hash));
  if (needed) not_needed_.clear();
  return {};
}

}  // namespace kith::core
