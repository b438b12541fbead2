#include "relay/sqlite/rows.hpp"

#include <algorithm>
#include <utility>

#include "base/assert.hpp"

namespace kith::relay::sqlite {

Result<GroupRow*> Rows::take(Query& found) {
  KITH_TRY(row, found.next());
  if (!row) return nullptr;
  GroupRow group;
  group.group = {found.unsigned_number(0)};
  group.channel = found.id<wire::ChannelId>(1);
  group.log_epoch = found.id<wire::LogEpoch>(2);
  group.head = {found.unsigned_number(3)};
  group.floor = {found.unsigned_number(4)};
  group.bytes = found.unsigned_number(5);
  group.names = found.unsigned_number(6);
  group.items = found.unsigned_number(7);
  group.unused = found.unsigned_number(8);
  channels_[group.channel] = group.group;
  return &(groups_[group.group] = group);
}

Result<GroupRow*> Rows::group(GroupNo group) {
  if (auto const kept = groups_.find(group); kept != groups_.end()) return &kept->second;
  KITH_TRY(found, database_.query("SELECT g,channel,epoch,head,floor,bytes,names,items,unused FROM grp WHERE g=?1",
                                  group.value));
  return take(found);
}

Result<GroupRow*> Rows::group(wire::ChannelId const& channel) {
  if (auto const kept = channels_.find(channel); kept != channels_.end()) return &groups_.at(kept->second);
  KITH_TRY(found,
           database_.query("SELECT g,channel,epoch,head,floor,bytes,names,items,unused FROM grp WHERE channel=?1",
                           channel.view()));
  return take(found);
}

Result<DeviceRow*> Rows::device(GroupNo group, wire::Pseudonym const& pseudonym) {
  auto const key = std::pair(group, pseudonym);
  if (auto const kept = devices_.find(key); kept != devices_.end()) return &kept->second;
  KITH_TRY(found, database_.query("SELECT d,active,last_seq,acked FROM dev WHERE g=?1 AND pub=?2", group.value,
                                  pseudonym.view()));
  KITH_TRY(row, found.next());
  if (!row) return nullptr;
  DeviceRow const device{
      found.number(0), found.number(1) != 0, {found.unsigned_number(2)}, {found.unsigned_number(3)}, false};
  return &(devices_[key] = device);
}

Result<GroupRow*> Rows::make_group(wire::ChannelId const& channel, wire::LogEpoch const& epoch, std::uint64_t hour) {
  KITH_CHECK(
      database_.run("INSERT INTO grp(channel,epoch,head,floor,bytes,names,items,unused) VALUES(?1,?2,0,0,0,0,0,?3)",
                    channel.view(), epoch.view(), hour));
  return group(channel);
}

void Rows::change(GroupRow& group) {
  if (!std::exchange(group.changed, true)) changed_groups_.push_back(&group);
}

void Rows::change(DeviceRow& device) {
  if (!std::exchange(device.changed, true)) changed_devices_.push_back(&device);
}

Result<> Rows::flush() {
  for (auto* const group : std::exchange(changed_groups_, {})) {
    KITH_CHECK(database_.run("UPDATE grp SET head=?2,floor=?3,bytes=?4,names=?5,items=?6,unused=?7 WHERE g=?1",
                             group->group.value, group->head.value, group->floor.value, group->bytes, group->names,
                             group->items, group->unused));
    group->changed = false;
  }
  for (auto* const device : std::exchange(changed_devices_, {})) {
    KITH_CHECK(database_.run("UPDATE dev SET last_seq=?2,acked=?3 WHERE d=?1", device->d, device->last_seq.value,
                             device->acked.value));
    device->changed = false;
  }
  return {};
}

void Rows::forget_group(GroupRow const& group) {
  KITH_ASSERT(changed_groups_.empty() && changed_devices_.empty());
  auto const number = group.group;
  auto const first = devices_.lower_bound({number, wire::Pseudonym{}});
  devices_.erase(first,
                 std::find_if(first, devices_.end(), [&](auto const& each) { return each.first.first != number; }));
  channels_.erase(group.channel);
  groups_.erase(number);
}

void Rows::forget_device(GroupNo group, wire::Pseudonym const& pseudonym) {
  KITH_ASSERT(changed_devices_.empty());
  devices_.erase({group, pseudonym});
}

void Rows::trim() {
  if (groups_.size() > kMostKept || devices_.size() > kMostKept) clear();
}

void Rows::clear() {
  changed_groups_.clear();
  changed_devices_.clear();
  groups_.clear();
  channels_.clear();
  devices_.clear();
}

}  // namespace kith::relay::sqlite
