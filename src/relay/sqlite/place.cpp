#include "relay/sqlite/place.hpp"

#include <fstream>

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>

#include "relay/rules/store.hpp"

namespace kith::relay::sqlite {
namespace {

std::string machine_id() {
  std::ifstream file("/etc/machine-id");
  std::string id;
  std::getline(file, id);
  return id;
}

Result<> draw_epochs(Database& database, RandomSource& random) {
  std::vector<std::int64_t> groups;
  {
    KITH_TRY(found, database.query("SELECT g FROM grp"));
    for (;;) {
      KITH_TRY(row, found.next());
      if (!row) break;
      groups.push_back(found.number(0));
    }
  }
  for (auto const group : groups) {
    auto const epoch = random.id<wire::LogEpoch>();
    KITH_CHECK(database.run("UPDATE grp SET epoch=?2 WHERE g=?1", group, epoch.view()));
  }
  return {};
}

}  // namespace

Result<> notice_move(Database& database, RandomSource& random) {
  struct statx facts {};
  auto const& path = database.connection().path();
  if (::statx(AT_FDCWD, path.c_str(), 0, STATX_INO | STATX_BTIME, &facts) != 0) return {};
  // An inode's number is used again: what was deleted and put back may have the same one.
  auto const& made = facts.stx_btime;
  auto const place = fmt::format("{}/{}/{}.{}", machine_id(), facts.stx_ino, made.tv_sec, made.tv_nsec);
  bool noted = false;
  {
    KITH_TRY(found, database.query("SELECT value FROM meta WHERE name='place'"));
    KITH_TRY(row, found.next());
    noted = row;
    if (row && found.text(0) == place) return {};
  }
  KITH_CHECK(database.connection().execute("BEGIN IMMEDIATE"));
  auto done = noted ? draw_epochs(database, random) : Result<>{};
  if (done) {
    done = database.run("INSERT OR REPLACE INTO meta(name,value) VALUES('place',?1)", bytes_of(place));
  }
  if (done) done = database.connection().execute("COMMIT");
  if (!done && database.connection().in_transaction()) (void)database.connection().execute("ROLLBACK");
  return done;
}

}  // namespace kith::relay::sqlite
