#include "relay/rules/keeping.hpp"
#include "relay/sqlite/writes.hpp"

namespace kith::relay::sqlite {

Result<StoreAnswer> Writes::answer(Sweep const&, WallTime wall) {
  auto const now = unix_seconds(wall);
  KITH_TRY(items, sweep_items(now, kSweepRows));
  KITH_TRY(objects, sweep_objects(now, kSweepRows - items));
  // At most 256 pages a slice: 2 MiB are given back to the disk in a few milliseconds.
  KITH_CHECK(database_.run("PRAGMA incremental_vacuum(256)"));
  return Swept{items + objects == kSweepRows};
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

Result<StoreAnswer> Writes::answer(Probe const&, WallTime) {
  KITH_CHECK(database_.run("INSERT INTO meta(name,value) VALUES('probe',x'00')"));
  KITH_CHECK(database_.run("DELETE FROM meta WHERE name='probe'"));
  return Stored{};
}

}  // namespace kith::relay::sqlite
