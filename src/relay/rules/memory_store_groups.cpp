#include <algorithm>

#include "relay/rules/memory_store.hpp"

namespace kith::relay {

void MemoryRelayStore::remove(GroupNo group) {
  auto const found = boxes_.find(group);
  stored_bytes_ -= found->second.used;
  channels_.erase(found->second.acl().channel);
  for (auto& [locator, records] : recovery_) records.erase(group);
  boxes_.erase(found);
}

StoreAnswer MemoryRelayStore::answer(RemoveGroup const& task, WallTime) {
  if (find(task.group) == nullptr) return Refused{Refusal::unknown_channel, 0, std::nullopt};
  remove(task.group);
  return Stored{};
}

StoreAnswer MemoryRelayStore::answer(ListGroups const&, WallTime) {
  GroupsListed listed;
  for (auto const& [group, box] : boxes_) {
    auto const stored_s = box.items.empty() ? 0 : box.items.rbegin()->second.stored_s;
    listed.groups.push_back(
        {group, box.acl().channel, box.acl().pseudonyms.size(), box.items.size(), box.used, stored_s});
  }
  std::ranges::stable_sort(listed.groups, std::ranges::greater{}, &GroupFigures::bytes);
  return listed;
}

}  // namespace kith::relay
