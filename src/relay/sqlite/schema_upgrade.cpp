#include <utility>
#include <vector>

#include <fmt/format.h>

#include "crypto/hash.hpp"
#include "relay/sqlite/reads.hpp"
#include "relay/sqlite/schema.hpp"

namespace kith::relay::sqlite {
namespace {

/// What version 1 lacks, but for the marks of its records.
constexpr auto kFrom1 =
    "ALTER TABLE acl ADD COLUMN mark INTEGER NOT NULL DEFAULT 0;"
    "CREATE INDEX acl_gm ON acl(g,mark);"
    "CREATE TABLE numbered(g INTEGER PRIMARY KEY AUTOINCREMENT, channel BLOB NOT NULL UNIQUE, epoch BLOB NOT NULL,"
    " head INTEGER NOT NULL, floor INTEGER NOT NULL, bytes INTEGER NOT NULL, names INTEGER NOT NULL,"
    " items INTEGER NOT NULL, unused INTEGER NOT NULL) STRICT;"
    "INSERT INTO numbered SELECT g,channel,epoch,head,floor,bytes,names,(SELECT count(*) FROM log WHERE log.g=grp.g),"
    " iif(head=0,CAST(strftime('%s','now') AS INTEGER)/3600*3600,0) FROM grp;"
    "DROP TABLE grp;"
    "ALTER TABLE numbered RENAME TO grp;"
    "CREATE INDEX grp_unused ON grp(unused) WHERE unused>0;"
    "CREATE TABLE dead(g INTEGER PRIMARY KEY) STRICT;"
    "CREATE INDEX recovery_g ON recovery(g);";

Result<> mark_records(Database& database) {
  std::vector<std::pair<std::int64_t, std::int64_t>> marks;
  {
    KITH_TRY(records, database.query("SELECT rowid,record FROM acl"));
    for (;;) {
      KITH_TRY(row, records.next());
      if (!row) break;
      // A record is kept as it is encoded, which is what its hash is of.
      marks.emplace_back(records.number(0), mark_of(crypto::hash256("kith/acl-record/1", {records.blob(1)})));
    }
  }
  for (auto const& [row, mark] : marks) KITH_CHECK(database.run("UPDATE acl SET mark=?2 WHERE rowid=?1", row, mark));
  return {};
}

Result<> from_1(Database& database) {
  KITH_CHECK(database.connection().execute(kFrom1));
  return mark_records(database);
}

}  // namespace

Result<> upgrade_schema(Database& database) {
  KITH_TRY(version, database.number("PRAGMA user_version"));
  if (version >= kSchemaVersion) return {};
  auto const& connection = database.connection();
  KITH_CHECK(connection.execute("BEGIN IMMEDIATE"));
  auto done = from_1(database);
  if (done) done = connection.execute(fmt::format("PRAGMA user_version={}; COMMIT", kSchemaVersion).c_str());
  if (!done && connection.in_transaction()) (void)connection.execute("ROLLBACK");
  return done;
}

}  // namespace kith::relay::sqlite
