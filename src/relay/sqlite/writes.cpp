#include "relay/sqlite/writes.hpp"

#include <algorithm>
#include <utility>

#include "relay/rules/keeping.hpp"
#include "store/store.hpp"

namespace kith::relay::sqlite {

void Writes::begin(StoreLimits const& limits, Totals const& totals, std::uint64_t stored_bytes) {
  limits_ = limits;
  totals_ = flushed_ = totals;
  stored_bytes_ = stored_bytes;
}

Result<> Writes::flush() {
  KITH_CHECK(rows_.flush());
  if (totals_ == flushed_) return {};
  KITH_CHECK(database_.run("UPDATE total SET groups=?1,items=?2,bytes=?3,objects=?4,object_bytes=?5", totals_.groups,
                           totals_.items, totals_.bytes, totals_.objects, totals_.object_bytes));
  flushed_ = totals_;
  return {};
}

void Writes::committed() {
  rows_.trim();
  made_files_.clear();
  for (auto const& file : std::exchange(dropped_files_, {})) files_.remove(file);
}

void Writes::abandoned() {
  rows_.clear();
  dropped_files_.clear();
  for (auto const& file : std::exchange(made_files_, {})) files_.remove(file);
}

Result<Refused> Writes::not_a_member(GroupRow const& group, DeviceRow const* device) {
  Refused refused{Refusal::not_a_member, 0, std::nullopt};
  if (device == nullptr) return refused;
  KITH_TRY(current, reads_.current_acl(group.group));
  refused.current = std::move(current);
  return refused;
}

Result<Writes::Found> Writes::find(GroupNo group, wire::Pseudonym const& pseudonym) {
  Found found;
  KITH_TRY(row, rows_.group(group));
  found.group = row;
  if (row == nullptr) {
    found.refused = Refused{Refusal::unknown_channel, 0, std::nullopt};
    return found;
  }
  KITH_TRY(device, rows_.device(group, pseudonym));
  found.device = device;
  if (device != nullptr && device->active) return found;
  KITH_TRY(refused, not_a_member(*row, device));
  found.refused = std::move(refused);
  return found;
}

Result<Mailbox> Writes::mailbox(GroupRow const& group) {
  KITH_TRY(acl, reads_.current_acl(group.group));
  return Mailbox{group.group, group.log_epoch,          group.head, group.floor, std::move(acl),
                 group.bytes, limits_.group_quota_bytes};
}

void Writes::charge(GroupRow& group, std::uint64_t bytes) {
  group.bytes += bytes;
  rows_.change(group);
  totals_.bytes += bytes;
  stored_bytes_ += bytes;
}

void Writes::release(GroupRow& group, std::uint64_t bytes) {
  group.bytes -= std::min(bytes, group.bytes);
  rows_.change(group);
  totals_.bytes -= std::min(bytes, totals_.bytes);
}

std::optional<Refused> Writes::no_room(GroupRow const& group, std::uint64_t bytes) const {
  if (group.bytes + bytes > limits_.group_quota_bytes) {
    return Refused{Refusal::quota, limits_.group_quota_bytes, std::nullopt};
  }
  if (too_full(stored_bytes_, bytes, limits_)) return Refused{Refusal::storage_full, 0, std::nullopt};
  return std::nullopt;
}

Result<StoreAnswer> Writes::answer(PutAcl const& task, WallTime wall) {
  auto const& record = task.record;
  KITH_TRY(group, rows_.group(record.channel));
  if (group == nullptr) return make_mailbox(record, wall);
  KITH_TRY(current, reads_.current_acl(group->group));
  std::optional<wire::AclRecord> same;
  {
    KITH_TRY(found, database_.query("SELECT record FROM acl WHERE g=?1 AND version=?2", group->group.value,
                                    sortable(record.version)));
    KITH_TRY(row, found.next());
    if (row) {
      if (auto known = wire::decode<wire::AclRecord>(found.blob(0))) same = std::move(*known);
    }
  }
  KITH_TRY(signer, rows_.device(group->group, {record.signer.bytes}));
  bool prev_known = false;
  if (by_channel_key(record)) {
    KITH_TRY(known, reads_.in_chain(group->group, record.prev));
    prev_known = known;
  }
  switch (judge_acl(current, same ? &*same : nullptr, signer != nullptr, prev_known, record)) {
    case AclVerdict::follows: {
      if (auto const why = no_room_for_acl(current, record, {group->bytes, stored_bytes_}, limits_)) {
        return Refused{*why, limits_.group_quota_bytes, std::nullopt};
      }
      KITH_TRY(fresh, new_names(group->group, record));
      if (fresh > 0 && group->names + fresh > most_names(record)) {
        return Refused{Refusal::quota, limits_.group_quota_bytes, std::nullopt};
      }
      KITH_CHECK(add_record(*group, &current, record));
      break;
    }
    case AclVerdict::known: break;
    case AclVerdict::stale: return Refused{Refusal::stale_acl, 0, std::move(current)};
    case AclVerdict::foreign: return Refused{Refusal::not_a_member, 0, std::nullopt};
  }
  KITH_TRY(box, mailbox(*group));
  return AclStored{std::move(box)};
}

Result<StoreAnswer> Writes::make_mailbox(wire::AclRecord const& record, WallTime wall) {
  if (!wire::begins_acl(record)) return Refused{Refusal::unknown_channel, 0, std::nullopt};
  if (totals_.groups >= limits_.max_groups) return Refused{Refusal::too_many_groups, 0, std::nullopt};
  if (too_full_for_groups(stored_bytes_, limits_)) return Refused{Refusal::storage_full, 0, std::nullopt};
  KITH_TRY(group,
           rows_.make_group(record.channel, random_.id<wire::LogEpoch>(), std::max<std::uint64_t>(1, hour_of(wall))));
  ++totals_.groups;
  KITH_CHECK(add_record(*group, nullptr, record));
  KITH_TRY(box, mailbox(*group));
  return AclStored{std::move(box)};
}

Result<> Writes::add_record(GroupRow& group, wire::AclRecord const* before, wire::AclRecord const& record) {
  charge(group, weight(record));
  auto const number = group.group.value;
  auto const encoded = wire::encode(record);
  KITH_CHECK(database_.run("INSERT INTO acl(g,version,mark,record) VALUES(?1,?2,?3,?4)", number,
                           sortable(record.version), mark_of(wire::acl_record_hash(record)), encoded));
  // Only those whose place changes are touched, so that it costs no more in a group that has named many. Rows kept of
  // this transaction are written first and read again.
  KITH_CHECK(rows_.flush());
  if (before != nullptr) {
    for (auto const& pseudonym : before->pseudonyms) {
      if (contains(record, pseudonym)) continue;
      KITH_TRY(device, rows_.device(group.group, pseudonym));
      if (device == nullptr) continue;
      KITH_CHECK(database_.run("UPDATE dev SET active=0 WHERE d=?1", device->d));
      KITH_CHECK(database_.run("DELETE FROM presence WHERE d=?1", device->d));
      rows_.forget_device(group.group, pseudonym);
    }
  }
  for (auto const& pseudonym : record.pseudonyms) {
    if (before != nullptr && contains(*before, pseudonym)) continue;
    KITH_TRY(device, rows_.device(group.group, pseudonym));
    if (device != nullptr) {
      KITH_CHECK(database_.run("UPDATE dev SET active=1 WHERE d=?1", device->d));
      rows_.forget_device(group.group, pseudonym);
      continue;
    }
    KITH_CHECK(
        database_.run("INSERT INTO dev(g,pub,active,last_seq,acked) VALUES(?1,?2,1,0,0)", number, pseudonym.view()));
    ++group.names;
  }
  rows_.change(group);
  return {};
}

Result<std::uint64_t> Writes::new_names(GroupNo group, wire::AclRecord const& record) {
  std::uint64_t count = 0;
  for (auto const& pseudonym : record.pseudonyms) {
    KITH_TRY(device, rows_.device(group, pseudonym));
    if (device == nullptr) ++count;
  }
  return count;
}

Result<StoreAnswer> Writes::answer(OpenMember const& task, WallTime wall) {
  KITH_TRY(group, rows_.group(task.channel));
  if (group == nullptr) return Refused{Refusal::unknown_channel, 0, std::nullopt};
  KITH_TRY(found, find(group->group, task.pseudonym));
  if (found.refused) return *found.refused;
  KITH_TRY(box, mailbox(*group));
  MemberOpened opened{std::move(box), found.device->last_seq, std::nullopt, {}};
  KITH_TRY(item, database_.query("SELECT p FROM log WHERE g=?1 AND c=?2 AND (exp=0 OR exp>?3)", group->group.value,
                                 bounded(task.last_cursor.value), unix_seconds(wall)));
  KITH_TRY(there, item.next());
  if (there) opened.item_at_cursor = wire::item_hash(item.blob(0));
  KITH_TRY(slots, database_.query("SELECT pub,counter,sealed FROM dev JOIN presence USING(d) WHERE g=?1 ORDER BY pub",
                                  group->group.value));
  for (;;) {
    KITH_TRY(row, slots.next());
    if (!row) return opened;
    auto const sealed = slots.blob(2);
    opened.presence.push_back(
        {slots.id<wire::Pseudonym>(0), slots.unsigned_number(1), Bytes(sealed.begin(), sealed.end())});
  }
}

Result<std::optional<std::vector<wire::RelayCursor>>> Writes::pushed_before(Found const& member, PushItems const& task,
                                                                            std::size_t count) {
  std::vector<wire::RelayCursor> cursors(count);
  if (count == 0) return cursors;
  auto const head = member.group->head.value;
  auto const oldest = head > kLookBack ? head - kLookBack : 0;
  auto const first = task.first_seq.value;
  KITH_TRY(items,
           database_.query("SELECT c,seq,ttl,p FROM log INDEXED BY log_ds WHERE d=?1 AND seq>=?2 AND seq<?3 AND c>?4",
                           member.device->d, first, first + count, oldest));
  std::size_t found = 0;
  for (;;) {
    KITH_TRY(row, items.next());
    if (!row) break;
    auto const index = static_cast<std::size_t>(items.unsigned_number(1) - first);
    auto const& again = task.items[index];
    if (items.unsigned_number(2) != again.ttl_s || !equal(items.blob(3), again.sealed)) return std::nullopt;
    cursors[index] = {items.unsigned_number(0)};
    ++found;
  }
  if (found != count) return std::nullopt;
  return cursors;
}

Result<StoreAnswer> Writes::answer(PushItems const& task, WallTime wall) {
  KITH_TRY(found, find(task.group, task.pseudonym));
  if (found.refused) return *found.refused;
  auto& group = *found.group;
  auto& device = *found.device;
  auto const last = device.last_seq.value;
  auto const first = task.first_seq.value;
  if (first == 0 || first > last + 1) return Refused{Refusal::seq_gap, last, std::nullopt};
  auto const old = static_cast<std::size_t>(std::min<std::uint64_t>(last + 1 - first, task.items.size()));
  KITH_TRY(cursors, pushed_before(found, task, old));
  if (!cursors) return Refused{Refusal::seq_gap, last, std::nullopt};
  std::uint64_t bytes = 0;
  for (std::size_t i = old; i < task.items.size(); ++i) bytes += weight(task.items[i].sealed.size());
  if (bytes > 0) {
    if (auto refused = no_room(group, bytes)) return *refused;
  }
  ItemsPushed pushed{std::move(*cursors), {}};
  for (std::size_t i = old; i < task.items.size(); ++i) {
    auto const& item = task.items[i];
    wire::RelayCursor const cursor{++group.head.value};
    auto const seq = ++device.last_seq.value;
    auto const stored = hour_of(wall);
    auto const expires = item.ttl_s == 0 ? 0 : expiry(wall, item.ttl_s, limits_.max_item_ttl);
    KITH_CHECK(database_.run("INSERT INTO log(g,c,d,seq,stored,ttl,exp,p) VALUES(?1,?2,?3,?4,?5,?6,?7,?8)",
                             task.group.value, cursor.value, device.d, seq, stored, item.ttl_s, expires, item.sealed));
    pushed.cursors.push_back(cursor);
    pushed.fresh.push_back({cursor, task.pseudonym, stored, item.ttl_s, item.sealed});
  }
  rows_.change(device);
  charge(group, bytes);
  totals_.items += pushed.fresh.size();
  group.items += pushed.fresh.size();
  if (!pushed.fresh.empty()) group.unused = 0;
  return pushed;
}

Result<StoreAnswer> Writes::answer(AckItems const& task, WallTime) {
  KITH_TRY(found, find(task.group, task.pseudonym));
  if (found.refused) return *found.refused;
  auto const acked = std::max(found.device->acked, std::min(task.cursor, found.group->head));
  if (acked == found.device->acked) return Stored{};
  found.device->acked = acked;
  rows_.change(*found.device);
  return Stored{};
}

Result<StoreAnswer> Writes::answer(PutPresence const& task, WallTime) {
  KITH_TRY(found, find(task.group, task.slot.pseudonym));
  if (found.refused) return *found.refused;
  {
    KITH_TRY(last, database_.query("SELECT counter FROM presence WHERE d=?1", found.device->d));
    KITH_TRY(row, last.next());
    if (row && last.unsigned_number(0) >= task.slot.counter) return Refused{Refusal::old_presence, 0, std::nullopt};
  }
  KITH_CHECK(database_.run("INSERT OR REPLACE INTO presence(d,counter,sealed) VALUES(?1,?2,?3)", found.device->d,
                           task.slot.counter, task.slot.sealed));
  return Stored{};
}

Result<StoreAnswer> Writes::answer(DropItems const& task, WallTime) {
  KITH_TRY(found, find(task.group, task.pseudonym));
  if (found.refused) return *found.refused;
  for (auto const& cursor : task.cursors) {
    std::int64_t k = 0;
    std::size_t bytes = 0;
    {
      KITH_TRY(item, database_.query("SELECT k,length(p) FROM log WHERE g=?1 AND c=?2 AND d=?3 AND ttl>0",
                                     task.group.value, bounded(cursor.value), found.device->d));
      KITH_TRY(row, item.next());
      if (!row) continue;
      k = item.number(0);
      bytes = static_cast<std::size_t>(item.number(1));
    }
    KITH_CHECK(drop_item(task.group, k, bytes));
  }
  return Stored{};
}

Result<StoreAnswer> Writes::answer(PutRecovery const& task, WallTime) {
  KITH_TRY(found, find(task.group, task.pseudonym));
  if (found.refused) return *found.refused;
  std::uint64_t before = 0;
  {
    KITH_TRY(mine, database_.query("SELECT length(sealed) FROM recovery WHERE locator=?1 AND g=?2", task.locator.view(),
                                   task.group.value));
    KITH_TRY(row, mine.next());
    if (row) before = weight(static_cast<std::size_t>(mine.number(0)));
  }
  KITH_TRY(count,
           database_.number("SELECT count(*) FROM recovery JOIN grp USING(g) WHERE locator=?1", task.locator.view()));
  if (before == 0 && static_cast<std::size_t>(count) >= wire::kRelayLimits.max_recovery_records) {
    return Refused{Refusal::quota, limits_.group_quota_bytes, std::nullopt};
  }
  auto const now = weight(task.sealed.size());
  if (now > before) {
    if (auto refused = no_room(*found.group, now - before)) return *refused;
  }
  KITH_CHECK(database_.run("INSERT OR REPLACE INTO recovery(locator,g,sealed) VALUES(?1,?2,?3)", task.locator.view(),
                           task.group.value, task.sealed));
  release(*found.group, before);
  charge(*found.group, now);
  return Stored{};
}

Result<StoreAnswer> Writes::answer(PutObject const& task, WallTime wall) {
  KITH_TRY(found, find(task.group, task.pseudonym));
  if (found.refused) return *found.refused;
  auto const expires = expiry(wall, task.ttl_s, limits_.max_object_ttl);
  auto const hash = crypto::hash256("kith/relay-object/1", {task.bytes});
  {
    KITH_TRY(known, database_.query("SELECT o,hash,exp FROM object WHERE g=?1 AND id=?2", task.group.value,
                                    task.object.view()));
    KITH_TRY(row, known.next());
    if (row) {
      if (known.id<crypto::Hash256>(1) != hash) return Refused{Refusal::taken, 0, std::nullopt};
      KITH_CHECK(database_.run("UPDATE object SET exp=?2 WHERE o=?1", known.number(0),
                               std::max(expires, known.unsigned_number(2))));
      return Stored{};
    }
  }
  auto const bytes = object_weight(task.bytes.size());
  if (auto refused = no_room(*found.group, bytes)) return *refused;
  auto const file = files_.make(task.bytes, random_);
  if (!file) {  // nothing has been written yet: the others of the batch go on
    bool const full = file.error().is(store::StoreError::disk_full);
    return Refused{full ? Refusal::storage_full : Refusal::internal, 0, std::nullopt};
  }
  made_files_.push_back(*file);
  KITH_CHECK(database_.run("INSERT INTO object(g,id,d,total,hash,exp,file) VALUES(?1,?2,?3,?4,?5,?6,?7)",
                           task.group.value, task.object.view(), found.device->d, task.bytes.size(), hash.view(),
                           expires, *file));
  charge(*found.group, bytes);
  ++totals_.objects;
  totals_.object_bytes += bytes;
  return Stored{};
}

Result<StoreAnswer> Writes::answer(DropObjects const& task, WallTime) {
  KITH_TRY(found, find(task.group, task.pseudonym));
  if (found.refused) return *found.refused;
  for (auto const& id : task.objects) {
    std::int64_t o = 0;
    std::uint64_t total = 0;
    std::string file;
    {
      KITH_TRY(object, database_.query("SELECT o,total,file FROM object WHERE g=?1 AND id=?2 AND d=?3",
                                       task.group.value, id.view(), found.device->d));
      KITH_TRY(row, object.next());
      if (!row) continue;
      o = object.number(0);
      total = object.unsigned_number(1);
      file = object.text(2);
    }
    KITH_CHECK(drop_object(task.group, o, total, std::move(file)));
  }
  return Stored{};
}

}  // namespace kith::relay::sqlite
