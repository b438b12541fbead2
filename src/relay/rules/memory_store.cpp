#include "relay/rules/memory_store.hpp"

#include <algorithm>

#include "base/assert.hpp"
#include "relay/rules/keeping.hpp"

namespace kith::relay {
namespace {

bool gone(std::uint64_t expires_s, WallTime wall) { return expires_s != 0 && expires_s <= unix_seconds(wall); }

bool only_looks(StoreTask const& task) { return only_reads(task) || std::holds_alternative<OpenMember>(task); }

}  // namespace

bool MemoryRelayStore::Box::admits(wire::Pseudonym const& pseudonym) const {
  auto const found = members.find(pseudonym);
  return found != members.end() && found->second.active;
}

Refused MemoryRelayStore::Box::not_a_member(wire::Pseudonym const& pseudonym) const {
  if (!members.contains(pseudonym)) return {Refusal::not_a_member, 0, std::nullopt};
  return {Refusal::not_a_member, 0, acl()};
}

std::size_t MemoryRelayStore::Box::new_names(wire::AclRecord const& record) const {
  auto const count =
      std::ranges::count_if(record.pseudonyms, [&](auto const& name) { return !members.contains(name); });
  return static_cast<std::size_t>(count);
}

MemoryRelayStore::Box* MemoryRelayStore::find(GroupNo group) {
  auto const found = boxes_.find(group);
  return found == boxes_.end() ? nullptr : &found->second;
}

std::vector<StoreReply> MemoryRelayStore::work(std::span<StoreRequest const> requests) {
  std::vector<StoreReply> replies;
  replies.reserve(requests.size());
  for (auto const& request : requests) {
    if (failing_ && !only_looks(request.task)) {
      replies.push_back({request.ticket, Refused{*failing_, 0, std::nullopt}});
      continue;
    }
    replies.push_back(
        {request.ticket, std::visit([&](auto const& task) { return answer(task, request.wall); }, request.task)});
  }
  return replies;
}

Mailbox MemoryRelayStore::mailbox(Box const& box) const {
  return {box.group, box.log_epoch, box.head, box.floor, box.acl(), box.used, limits_.group_quota_bytes};
}

void MemoryRelayStore::charge(Box& box, std::uint64_t bytes) {
  box.used += bytes;
  stored_bytes_ += bytes;
}

void MemoryRelayStore::release(Box& box, std::uint64_t bytes) {
  box.used -= bytes;
  stored_bytes_ -= bytes;
}

std::optional<Refused> MemoryRelayStore::no_room(Box const& box, std::uint64_t bytes) const {
  if (box.used + bytes > limits_.group_quota_bytes) {
    return Refused{Refusal::quota, limits_.group_quota_bytes, std::nullopt};
  }
  if (too_full(stored_bytes_, bytes, limits_)) return Refused{Refusal::storage_full, 0, std::nullopt};
  return std::nullopt;
}

StoreAnswer MemoryRelayStore::answer(PutAcl const& task, WallTime wall) {
  auto const& record = task.record;
  auto const known = channels_.find(record.channel);
  if (known == channels_.end()) return make_mailbox(record, wall);
  auto& box = boxes_.at(known->second);
  auto const same = box.chain.find(record.version);
  switch (judge_acl(box.acl(), same == box.chain.end() ? nullptr : &same->second,
                    box.members.contains({record.signer.bytes}), box.hashes.contains(record.prev), record)) {
    case AclVerdict::follows:
      if (auto const why = no_room_for_acl(box.acl(), record, {box.used, stored_bytes_}, limits_)) {
        return Refused{*why, limits_.group_quota_bytes, std::nullopt};
      }
      if (auto const fresh = box.new_names(record); fresh > 0 && box.members.size() + fresh > most_names(record)) {
        return Refused{Refusal::quota, limits_.group_quota_bytes, std::nullopt};
      }
      add_record(box, record);
      return AclStored{mailbox(box)};
    case AclVerdict::known: return AclStored{mailbox(box)};
    case AclVerdict::stale: return Refused{Refusal::stale_acl, 0, box.acl()};
    case AclVerdict::foreign: return Refused{Refusal::not_a_member, 0, std::nullopt};
  }
  KITH_UNREACHABLE();
}

StoreAnswer MemoryRelayStore::make_mailbox(wire::AclRecord const& record, WallTime wall) {
  if (!wire::begins_acl(record)) return Refused{Refusal::unknown_channel, 0, std::nullopt};
  if (boxes_.size() >= limits_.max_groups) return Refused{Refusal::too_many_groups, 0, std::nullopt};
  if (too_full_for_groups(stored_bytes_, limits_)) return Refused{Refusal::storage_full, 0, std::nullopt};
  GroupNo const group{++last_group_};
  auto& box = boxes_[group];
  box.group = group;
  box.log_epoch = random_->id<wire::LogEpoch>();
  box.made_s = hour_of(wall);
  channels_[record.channel] = group;
  add_record(box, record);
  return AclStored{mailbox(box)};
}

void MemoryRelayStore::add_record(Box& box, wire::AclRecord const& record) {
  charge(box, weight(record));
  box.chain[record.version] = record;
  box.hashes.insert(wire::acl_record_hash(record));
  for (auto const& pseudonym : record.pseudonyms) box.members.try_emplace(pseudonym);
  for (auto& [pseudonym, member] : box.members) {
    member.active = contains(record, pseudonym);
    if (!member.active) member.presence.reset();
  }
}

StoreAnswer MemoryRelayStore::answer(OpenMember const& task, WallTime wall) {
  auto const known = channels_.find(task.channel);
  if (known == channels_.end()) return Refused{Refusal::unknown_channel, 0, std::nullopt};
  auto const& box = boxes_.at(known->second);
  if (!box.admits(task.pseudonym)) return box.not_a_member(task.pseudonym);
  MemberOpened opened{mailbox(box), box.members.at(task.pseudonym).last_seq, std::nullopt, {}};
  if (auto const item = box.items.find(task.last_cursor);
      item != box.items.end() && !gone(item->second.expires_s, wall)) {
    opened.item_at_cursor = wire::item_hash(item->second.sealed);
  }
  for (auto const& [pseudonym, member] : box.members) {
    if (member.presence) opened.presence.push_back(*member.presence);
  }
  return opened;
}

std::optional<std::vector<wire::RelayCursor>> MemoryRelayStore::pushed_before(Box const& box, PushItems const& task,
                                                                              std::size_t count) const {
  std::vector<wire::RelayCursor> cursors(count);
  std::size_t found = 0;
  std::uint64_t const oldest = box.head.value > kLookBack ? box.head.value - kLookBack : 0;
  for (auto at = box.items.upper_bound({oldest}); at != box.items.end(); ++at) {
    auto const& item = at->second;
    if (item.sender != task.pseudonym || item.seq < task.first_seq) continue;
    auto const index = item.seq.value - task.first_seq.value;
    if (index >= count) break;
    auto const& again = task.items[index];
    if (item.ttl_s != again.ttl_s || item.sealed != again.sealed) return std::nullopt;
    cursors[index] = at->first;
    ++found;
  }
  if (found != count) return std::nullopt;
  return cursors;
}

StoreAnswer MemoryRelayStore::answer(PushItems const& task, WallTime wall) {
  auto* const box = find(task.group);
  if (box == nullptr) return Refused{Refusal::unknown_channel, 0, std::nullopt};
  if (!box->admits(task.pseudonym)) return box->not_a_member(task.pseudonym);
  auto& member = box->members.at(task.pseudonym);
  auto const last = member.last_seq.value;
  auto const first = task.first_seq.value;
  if (first == 0 || first > last + 1) return Refused{Refusal::seq_gap, last, std::nullopt};
  std::size_t const old = static_cast<std::size_t>(std::min<std::uint64_t>(last + 1 - first, task.items.size()));
  auto cursors = pushed_before(*box, task, old);
  if (!cursors) return Refused{Refusal::seq_gap, last, std::nullopt};
  std::uint64_t bytes = 0;
  for (std::size_t i = old; i < task.items.size(); ++i) bytes += weight(task.items[i].sealed.size());
  if (bytes > 0) {
    if (auto refused = no_room(*box, bytes)) return *refused;
  }
  ItemsPushed pushed{std::move(*cursors), {}};
  for (std::size_t i = old; i < task.items.size(); ++i) {
    auto const& item = task.items[i];
    ++box->head.value;
    ++member.last_seq.value;
    auto const expires = item.ttl_s == 0 ? 0 : expiry(wall, item.ttl_s, limits_.max_item_ttl);
    box->items[box->head] = {task.pseudonym, member.last_seq, hour_of(wall), item.ttl_s, expires, item.sealed};
    pushed.cursors.push_back(box->head);
    pushed.fresh.push_back({box->head, task.pseudonym, hour_of(wall), item.ttl_s, item.sealed});
  }
  charge(*box, bytes);
  return pushed;
}

StoreAnswer MemoryRelayStore::answer(PullItems const& task, WallTime wall) {
  auto const* const box = find(task.group);
  if (box == nullptr) return Refused{Refusal::unknown_channel, 0, std::nullopt};
  ItemsPulled pulled{{}, box->head, false};
  std::size_t const most = std::min(task.max_bytes, kMaxPullBytes);
  std::uint64_t bytes = 0;
  for (auto at = box->items.upper_bound(task.after); at != box->items.end(); ++at) {
    auto const& item = at->second;
    if (gone(item.expires_s, wall)) continue;
    bytes += weight(item.sealed.size());
    if (!pulled.items.empty() && bytes > most) {
      pulled.has_more = true;
      pulled.next_after = pulled.items.back().cursor;
      break;
    }
    pulled.items.push_back({at->first, item.sender, item.stored_s, item.ttl_s, item.sealed});
  }
  return pulled;
}

StoreAnswer MemoryRelayStore::answer(AckItems const& task, WallTime) {
  auto* const box = find(task.group);
  if (box == nullptr) return Refused{Refusal::unknown_channel, 0, std::nullopt};
  if (!box->admits(task.pseudonym)) return box->not_a_member(task.pseudonym);
  auto& acked = box->members.at(task.pseudonym).acked;
  acked = std::max(acked, std::min(task.cursor, box->head));
  return Stored{};
}

StoreAnswer MemoryRelayStore::answer(PutPresence const& task, WallTime) {
  auto* const box = find(task.group);
  if (box == nullptr) return Refused{Refusal::unknown_channel, 0, std::nullopt};
  if (!box->admits(task.slot.pseudonym)) return box->not_a_member(task.slot.pseudonym);
  auto& presence = box->members.at(task.slot.pseudonym).presence;
  if (presence && presence->counter >= task.slot.counter) return Refused{Refusal::old_presence, 0, std::nullopt};
  presence = task.slot;
  return Stored{};
}

StoreAnswer MemoryRelayStore::answer(DropItems const& task, WallTime) {
  auto* const box = find(task.group);
  if (box == nullptr) return Refused{Refusal::unknown_channel, 0, std::nullopt};
  if (!box->admits(task.pseudonym)) return box->not_a_member(task.pseudonym);
  for (auto const& cursor : task.cursors) {
    auto const found = box->items.find(cursor);
    if (found == box->items.end() || found->second.sender != task.pseudonym || found->second.ttl_s == 0) continue;
    release(*box, weight(found->second.sealed.size()));
    box->items.erase(found);
  }
  return Stored{};
}

StoreAnswer MemoryRelayStore::answer(ReadAcl const& task, WallTime) {
  auto const known = channels_.find(task.channel);
  if (known == channels_.end()) return Refused{Refusal::unknown_channel, 0, std::nullopt};
  auto const& chain = boxes_.at(known->second).chain;
  AclRead read;
  for (auto at = chain.lower_bound(task.from_version); at != chain.end(); ++at) {
    if (read.records.size() == wire::kRelayLimits.max_acl_records) {
      read.has_more = true;
      break;
    }
    read.records.push_back(at->second);
  }
  return read;
}

StoreAnswer MemoryRelayStore::answer(PutRecovery const& task, WallTime) {
  auto* const box = find(task.group);
  if (box == nullptr) return Refused{Refusal::unknown_channel, 0, std::nullopt};
  if (!box->admits(task.pseudonym)) return box->not_a_member(task.pseudonym);
  auto const under = recovery_.find(task.locator);
  std::uint64_t before = 0;
  if (under != recovery_.end()) {
    if (auto const mine = under->second.find(task.group); mine != under->second.end()) {
      before = weight(mine->second.size());
    } else if (under->second.size() >= wire::kRelayLimits.max_recovery_records) {
      return Refused{Refusal::quota, limits_.group_quota_bytes, std::nullopt};
    }
  }
  auto const now = weight(task.sealed.size());
  if (now > before) {
    if (auto refused = no_room(*box, now - before)) return *refused;
  }
  release(*box, before);
  charge(*box, now);
  recovery_[task.locator][task.group] = task.sealed;
  return Stored{};
}

StoreAnswer MemoryRelayStore::answer(ReadRecovery const& task, WallTime) {
  RecoveryRead read;
  if (auto const found = recovery_.find(task.locator); found != recovery_.end()) {
    for (auto const& [group, sealed] : found->second) read.records.push_back(sealed);
  }
  return read;
}

StoreAnswer MemoryRelayStore::answer(PutObject const& task, WallTime wall) {
  auto* const box = find(task.group);
  if (box == nullptr) return Refused{Refusal::unknown_channel, 0, std::nullopt};
  if (!box->admits(task.pseudonym)) return box->not_a_member(task.pseudonym);
  auto const expires = expiry(wall, task.ttl_s, limits_.max_object_ttl);
  if (auto const found = box->objects.find(task.object); found != box->objects.end()) {
    auto& object = found->second;
    if (object.bytes != task.bytes) return Refused{Refusal::taken, 0, std::nullopt};
    object.expires_s = std::max(object.expires_s, expires);
    return Stored{};
  }
  if (auto refused = no_room(*box, object_weight(task.bytes.size()))) return *refused;
  charge(*box, object_weight(task.bytes.size()));
  box->objects[task.object] = {task.pseudonym, expires, task.bytes};
  return Stored{};
}

StoreAnswer MemoryRelayStore::answer(ReadObject const& task, WallTime wall) {
  auto const* const box = find(task.group);
  if (box == nullptr) return Refused{Refusal::unknown_channel, 0, std::nullopt};
  auto const found = box->objects.find(task.object);
  if (found == box->objects.end() || gone(found->second.expires_s, wall)) {
    return Refused{Refusal::not_found, 0, std::nullopt};
  }
  auto const& bytes = found->second.bytes;
  auto const from = std::min<std::size_t>(task.offset, bytes.size());
  auto const size = std::min<std::size_t>(task.max_bytes, bytes.size() - from);
  auto const part = ByteView{bytes}.subspan(from, size);
  return ObjectRead{static_cast<std::uint32_t>(bytes.size()), Bytes(part.begin(), part.end())};
}

StoreAnswer MemoryRelayStore::answer(FindObjects const& task, WallTime wall) {
  auto const* const box = find(task.group);
  if (box == nullptr) return Refused{Refusal::unknown_channel, 0, std::nullopt};
  ObjectsFound result;
  for (auto const& id : task.objects) {
    auto const found = box->objects.find(id);
    if (found == box->objects.end() || gone(found->second.expires_s, wall)) continue;
    auto const total = static_cast<std::uint32_t>(found->second.bytes.size());
    result.objects.push_back({id, total, found->second.expires_s});
  }
  return result;
}

StoreAnswer MemoryRelayStore::answer(DropObjects const& task, WallTime) {
  auto* const box = find(task.group);
  if (box == nullptr) return Refused{Refusal::unknown_channel, 0, std::nullopt};
  if (!box->admits(task.pseudonym)) return box->not_a_member(task.pseudonym);
  for (auto const& id : task.objects) {
    auto const found = box->objects.find(id);
    if (found == box->objects.end() || found->second.owner != task.pseudonym) continue;
    release(*box, object_weight(found->second.bytes.size()));
    box->objects.erase(found);
  }
  return Stored{};
}

StoreAnswer MemoryRelayStore::answer(Sweep const&, WallTime wall) {
  std::vector<GroupNo> removed;
  for (auto const& [group, box] : boxes_) {
    if (box.head.value == 0 && unused_for_long(box.made_s, wall)) removed.push_back(group);
  }
  for (auto const& group : removed) remove(group);
  std::size_t left = kSweepRows;
  for (auto& [group, box] : boxes_) {
    for (auto at = box.items.begin(); at != box.items.end() && left > 0;) {
      auto const here = at++;
      if (!gone(here->second.expires_s, wall)) continue;
      release(box, weight(here->second.sealed.size()));
      box.items.erase(here);
      --left;
    }
    for (auto at = box.objects.begin(); at != box.objects.end() && left > 0;) {
      auto const here = at++;
      if (!gone(here->second.expires_s, wall)) continue;
      release(box, object_weight(here->second.bytes.size()));
      box.objects.erase(here);
      --left;
    }
  }
  return Swept{left == 0, std::move(removed)};
}

StoreAnswer MemoryRelayStore::answer(Probe const&, WallTime) { return Stored{}; }

std::vector<wire::RelayItem> MemoryRelayStore::items(wire::ChannelId const& channel) const {
  std::vector<wire::RelayItem> all;
  auto const known = channels_.find(channel);
  if (known == channels_.end()) return all;
  for (auto const& [cursor, item] : boxes_.at(known->second).items) {
    all.push_back({cursor, item.sender, item.stored_s, item.ttl_s, item.sealed});
  }
  return all;
}

}  // namespace kith::relay
