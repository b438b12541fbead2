#include <algorithm>
#include <utility>

#include "relay/rules/keeping.hpp"
#include "relay/sqlite/writes.hpp"

namespace kith::relay::sqlite {

Result<StoreAnswer> Writes::answer(Sweep const&, WallTime wall) {
  auto const now = unix_seconds(wall);
  KITH_TRY(items, sweep_items(now, kSweepRows));
  KITH_TRY(objects, sweep_objects(now, kSweepRows - items));
  auto left = kSweepRows - items - objects;
  KITH_TRY(removed, bury_unused(wall, left));
  left -= removed.size();
  KITH_TRY(of_dead, sweep_dead(left));
  // At most 256 pages a slice: 2 MiB are given back to the disk in a few milliseconds.
  KITH_CHECK(database_.run("PRAGMA incremental_vacuum(256)"));
  return Swept{of_dead == left, std::move(removed)};
}

Result<StoreAnswer> Writes::answer(RemoveGroup const& task, WallTime) {
  KITH_TRY(group, rows_.group(task.group));
  if (group == nullptr) return Refused{Refusal::unknown_channel, 0, std::nullopt};
  KITH_CHECK(bury(*group));
  return Stored{};
}

Result<> Writes::bury(GroupRow& group) {
  KITH_CHECK(rows_.flush());
  KITH_CHECK(database_.run("DELETE FROM grp WHERE g=?1", group.group.value));
  KITH_CHECK(database_.run("INSERT INTO dead(g) VALUES(?1)", group.group.value));
  --totals_.groups;
  totals_.bytes -= std::min(group.bytes, totals_.bytes);
  rows_.forget_group(group);
  return {};
}

Result<std::vector<GroupNo>> Writes::bury_unused(WallTime wall, std::size_t most) {
  KITH_CHECK(rows_.flush());  // one that got its first item just now is none of them
  std::vector<GroupNo> unused;
  {
    KITH_TRY(found, database_.query("SELECT g,unused FROM grp WHERE unused>0 ORDER BY unused LIMIT ?1", most));
    for (;;) {
      KITH_TRY(row, found.next());
      if (!row || !unused_for_long(found.unsigned_number(1), wall)) break;
      unused.push_back({found.unsigned_number(0)});
    }
  }
  for (auto const& number : unused) {
    KITH_TRY(group, rows_.group(number));
    if (group != nullptr) KITH_CHECK(bury(*group));
  }
  return unused;
}

/// Deletes so many rows that a removed mailbox has left, of the first one that has any.
Result<std::size_t> Writes::sweep_dead(std::size_t most) {
  KITH_TRY(number, database_.number("SELECT g FROM dead LIMIT 1"));
  if (number == 0 || most == 0) return 0;
  GroupNo const group{static_cast<std::uint64_t>(number)};
  KITH_TRY(done, sweep_objects_of(group, most));
  auto const drop = [&](char const* sql) -> Result<std::size_t> {
    if (done == most) return 0;
    KITH_CHECK(database_.run(sql, group.value, most - done));
    KITH_TRY(count, database_.number("SELECT changes()"));
    done += static_cast<std::size_t>(count);
    return static_cast<std::size_t>(count);
  };
  KITH_TRY(items, drop("DELETE FROM log WHERE k IN (SELECT k FROM log WHERE g=?1 LIMIT ?2)"));
  totals_.items -= items;
  KITH_CHECK(drop("DELETE FROM presence WHERE d IN (SELECT d FROM dev JOIN presence USING(d) WHERE g=?1 LIMIT ?2)"));
  KITH_CHECK(drop("DELETE FROM dev WHERE d IN (SELECT d FROM dev WHERE g=?1 LIMIT ?2)"));
  KITH_CHECK(drop("DELETE FROM acl WHERE rowid IN (SELECT rowid FROM acl WHERE g=?1 LIMIT ?2)"));
  KITH_CHECK(drop("DELETE FROM recovery WHERE g=?1 AND locator IN (SELECT locator FROM recovery WHERE g=?1 LIMIT ?2)"));
  if (done == most) return done;
  KITH_CHECK(database_.run("DELETE FROM dead WHERE g=?1", group.value));
  return most;  // there may be another one
}

Result<std::size_t> Writes::sweep_objects_of(GroupNo group, std::size_t most) {
  struct Object {
    std::int64_t o;
    std::uint64_t total;
    std::string file;
  };
  std::vector<Object> objects;
  {
    KITH_TRY(found, database_.query("SELECT o,total,file FROM object WHERE g=?1 LIMIT ?2", group.value, most));
    for (;;) {
      KITH_TRY(row, found.next());
      if (!row) break;
      objects.push_back({found.number(0), found.unsigned_number(1), found.text(2)});
    }
  }
  for (auto& object : objects) KITH_CHECK(drop_object(group, object.o, object.total, std::move(object.file)));
  return objects.size();
}

Result<std::size_t> Writes::sweep_items(std::uint64_t now, std::size_t most) {
  struct Expired {
    std::int64_t k;
    GroupNo group;
    std::size_t bytes;
  };
  std::vector<Expired> expired;
  {
    KITH_TRY(found,
             database_.query("SELECT k,g,length(p) FROM log WHERE exp>0 AND exp<=?1 ORDER BY exp LIMIT ?2", now, most));
    for (;;) {
      KITH_TRY(row, found.next());
      if (!row) break;
      expired.push_back({found.number(0), {found.unsigned_number(1)}, static_cast<std::size_t>(found.number(2))});
    }
  }
  for (auto const& item : expired) KITH_CHECK(drop_item(item.group, item.k, item.bytes));
  return expired.size();
}

Result<std::size_t> Writes::sweep_objects(std::uint64_t now, std::size_t most) {
  struct Expired {
    std::int64_t o;
    GroupNo group;
    std::uint64_t total;
    std::string file;
  };
  std::vector<Expired> expired;
  {
    KITH_TRY(found,
             database_.query("SELECT o,g,total,file FROM object WHERE exp<=?1 ORDER BY exp LIMIT ?2", now, most));
    for (;;) {
      KITH_TRY(row, found.next());
      if (!row) break;
      expired.push_back({found.number(0), {found.unsigned_number(1)}, found.unsigned_number(2), found.text(3)});
    }
  }
  for (auto& object : expired) {
    KITH_CHECK(drop_object(object.group, object.o, object.total, std::move(object.file)));
  }
  return expired.size();
}

Result<> Writes::drop_item(GroupNo group, std::int64_t k, std::size_t sealed_bytes) {
  KITH_TRY(row, rows_.group(group));
  KITH_CHECK(database_.run("DELETE FROM log WHERE k=?1", k));
  if (row != nullptr) {
    --row->items;
    release(*row, weight(sealed_bytes));
  }
  --totals_.items;
  return {};
}

Result<> Writes::drop_object(GroupNo group, std::int64_t o, std::uint64_t total, std::string file) {
  KITH_TRY(row, rows_.group(group));
  KITH_CHECK(database_.run("DELETE FROM object WHERE o=?1", o));
  if (row != nullptr) release(*row, object_weight(total));
  --totals_.objects;
  totals_.object_bytes -= object_weight(total);
  // One that was made in this very transaction goes with its end, whichever that is.
  if (!file.empty()) dropped_files_.push_back(std::move(file));
  return {};
}

Result<StoreAnswer> Writes::answer(Probe const&, WallTime) {
  KITH_CHECK(database_.run("INSERT INTO meta(name,value) VALUES('probe',x'00')"));
  KITH_CHECK(database_.run("DELETE FROM meta WHERE name='probe'"));
  return Stored{};
}

}  // namespace kith::relay::sqlite
