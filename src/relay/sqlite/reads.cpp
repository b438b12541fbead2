#include "relay/sqlite/reads.hpp"

#include <algorithm>
#include <limits>

#include "relay/rules/keeping.hpp"
#include "store/store.hpp"

namespace kith::relay::sqlite {
namespace {

Result<wire::AclRecord> decoded(ByteView bytes, Connection const& connection) {
  auto record = wire::decode<wire::AclRecord>(bytes);
  if (!record) return fail(store::StoreError::corrupt, SystemDetail{0, connection.path().string()});
  return record;
}

Bytes copied(ByteView bytes) { return {bytes.begin(), bytes.end()}; }

}  // namespace

Bytes sortable(std::uint64_t number) {
  Bytes bytes;
  append_be(bytes, number);
  return bytes;
}

std::int64_t mark_of(crypto::Hash256 const& hash) {
  return static_cast<std::int64_t>(load_be<std::uint64_t>(hash.bytes.data()));
}

std::int64_t bounded(std::uint64_t number) {
  constexpr std::uint64_t kMost = std::numeric_limits<std::int64_t>::max();
  return static_cast<std::int64_t>(std::min(number, kMost));
}

Result<wire::AclRecord> Reads::current_acl(GroupNo group) {
  KITH_TRY(found, database_.query("SELECT record FROM acl WHERE g=?1 ORDER BY version DESC LIMIT 1", group.value));
  KITH_TRY(row, found.next());
  if (!row) return fail(store::StoreError::corrupt, SystemDetail{0, database_.connection().path().string()});
  return decoded(found.blob(0), database_.connection());
}

Result<bool> Reads::in_chain(GroupNo group, crypto::Hash256 const& hash) {
  KITH_TRY(found, database_.query("SELECT record FROM acl WHERE g=?1 AND mark=?2", group.value, mark_of(hash)));
  for (;;) {
    KITH_TRY(row, found.next());
    if (!row) return false;
    KITH_TRY(record, decoded(found.blob(0), database_.connection()));
    if (wire::acl_record_hash(record) == hash) return true;
  }
}

Result<StoreAnswer> Reads::answer(PullItems const& task, WallTime wall) {
  // The head first: items that come after it are not missed, they are behind it.
  ItemsPulled pulled;
  {
    KITH_TRY(group, database_.query("SELECT head FROM grp WHERE g=?1", task.group.value));
    KITH_TRY(known, group.next());
    if (!known) return Refused{Refusal::unknown_channel, 0, std::nullopt};
    pulled.next_after = {group.unsigned_number(0)};
  }
  std::size_t const most = std::min(task.max_bytes, kMaxPullBytes);
  std::uint64_t bytes = 0;
  KITH_TRY(items,
           database_.query("SELECT c,pub,stored,ttl,p FROM log JOIN dev USING(d) WHERE log.g=?1 AND c>?2 AND"
                           " c<=?3 AND (exp=0 OR exp>?4) ORDER BY c",
                           task.group.value, bounded(task.after.value), pulled.next_after.value, unix_seconds(wall)));
  for (;;) {
    KITH_TRY(row, items.next());
    if (!row) return pulled;
    auto const sealed = items.blob(4);
    bytes += weight(sealed.size());
    if (!pulled.items.empty() && bytes > most) {
      pulled.has_more = true;
      pulled.next_after = pulled.items.back().cursor;
      return pulled;
    }
    pulled.items.push_back({{items.unsigned_number(0)},
                            items.id<wire::Pseudonym>(1),
                            items.unsigned_number(2),
                            static_cast<std::uint32_t>(items.number(3)),
                            copied(sealed)});
  }
}

Result<StoreAnswer> Reads::answer(ReadAcl const& task, WallTime) {
  KITH_TRY(group, database_.number("SELECT g FROM grp WHERE channel=?1", task.channel.view()));
  if (group == 0) return Refused{Refusal::unknown_channel, 0, std::nullopt};
  AclRead read;
  KITH_TRY(records, database_.query("SELECT record FROM acl WHERE g=?1 AND version>=?2 ORDER BY version", group,
                                    sortable(task.from_version)));
  for (;;) {
    KITH_TRY(row, records.next());
    if (!row) return read;
    if (read.records.size() == wire::kRelayLimits.max_acl_records) {
      read.has_more = true;
      return read;
    }
    KITH_TRY(record, decoded(records.blob(0), database_.connection()));
    read.records.push_back(std::move(record));
  }
}

Result<StoreAnswer> Reads::answer(ListGroups const&, WallTime) {
  GroupsListed listed;
  {
    KITH_TRY(groups, database_.query("SELECT g,channel,items,bytes FROM grp ORDER BY bytes DESC, g"));
    for (;;) {
      KITH_TRY(row, groups.next());
      if (!row) break;
      listed.groups.push_back({{groups.unsigned_number(0)},
                               groups.id<wire::ChannelId>(1),
                               0,
                               groups.unsigned_number(2),
                               groups.unsigned_number(3),
                               0});
    }
  }
  for (auto& group : listed.groups) {
    KITH_TRY(acl, current_acl(group.group));
    group.members = acl.pseudonyms.size();
    KITH_TRY(stored, database_.number("SELECT stored FROM log WHERE g=?1 ORDER BY c DESC LIMIT 1", group.group.value));
    group.last_stored_s = static_cast<std::uint64_t>(stored);
  }
  return listed;
}

Result<StoreAnswer> Reads::answer(ReadRecovery const& task, WallTime) {
  RecoveryRead read;
  KITH_TRY(records, database_.query("SELECT sealed FROM recovery JOIN grp USING(g) WHERE locator=?1 ORDER BY g",
                                    task.locator.view()));
  for (;;) {
    KITH_TRY(row, records.next());
    if (!row) return read;
    read.records.push_back(copied(records.blob(0)));
  }
}

Result<StoreAnswer> Reads::answer(ReadObject const& task, WallTime wall) {
  KITH_TRY(known, database_.number("SELECT 1 FROM grp WHERE g=?1", task.group.value));
  if (known == 0) return Refused{Refusal::unknown_channel, 0, std::nullopt};
  KITH_TRY(found, database_.query("SELECT total,file FROM object WHERE g=?1 AND id=?2 AND exp>?3", task.group.value,
                                  task.object.view(), unix_seconds(wall)));
  KITH_TRY(row, found.next());
  if (!row) return Refused{Refusal::not_found, 0, std::nullopt};
  auto const total = found.unsigned_number(0);
  auto const from = std::min<std::uint64_t>(task.offset, total);
  auto const size = static_cast<std::size_t>(std::min<std::uint64_t>(task.max_bytes, total - from));
  auto bytes = files_.read(found.text(1), from, size);
  if (!bytes && bytes.error().is(store::StoreError::not_found)) return Refused{Refusal::not_found, 0, std::nullopt};
  if (!bytes) return fail(bytes.error());
  return ObjectRead{static_cast<std::uint32_t>(total), std::move(*bytes)};
}

Result<StoreAnswer> Reads::answer(FindObjects const& task, WallTime wall) {
  KITH_TRY(known, database_.number("SELECT 1 FROM grp WHERE g=?1", task.group.value));
  if (known == 0) return Refused{Refusal::unknown_channel, 0, std::nullopt};
  ObjectsFound result;
  for (auto const& id : task.objects) {
    KITH_TRY(found, database_.query("SELECT total,exp FROM object WHERE g=?1 AND id=?2 AND exp>?3", task.group.value,
                                    id.view(), unix_seconds(wall)));
    KITH_TRY(row, found.next());
    if (row) result.objects.push_back({id, static_cast<std::uint32_t>(found.number(0)), found.unsigned_number(1)});
  }
  return result;
}

}  // namespace kith::relay::sqlite
