#include "relay/sqlite/schema.hpp"

#include <fmt/format.h>

#include "store/store.hpp"

namespace kith::relay::sqlite {
namespace {

using store::StoreError;

/// What is part of the file, in the order in which it takes effect: the vacuum mode of a file that is in WAL already
/// cannot be set.
constexpr auto kFileSettings =
    "PRAGMA page_size=8192;"
    "PRAGMA auto_vacuum=INCREMENTAL;"
    "PRAGMA journal_mode=WAL;";

/// Items lie in the order of writing, not by group: rows of one commit share pages, and a pull seeks once for each
/// item at worst. `log_gc` and `log_ds` are the only indexes on all of them: the latter finds a push that comes again,
/// which would else be looked for among thousands of rows, by whoever likes to ask. `log_exp` has those that expire.
/// Numbers that devices choose freely (ACL versions) are eight bytes big-endian: they are ordered as unsigned ones.
/// A group's number is never given again: connections and caches may hold it when the group is removed, and its rows go
/// later, in slices, by what `dead` says. `unused` is the hour in which a group was made, until it gets an item.
/// `acl_gm` finds the record that one of the channel's key names, however long the chain is; `mark` is mark_of() its
/// hash.
constexpr auto kTables =
    "CREATE TABLE meta(name TEXT PRIMARY KEY, value BLOB NOT NULL) STRICT, WITHOUT ROWID;"
    "CREATE TABLE total(one INTEGER PRIMARY KEY CHECK(one=1), groups INTEGER NOT NULL, items INTEGER NOT NULL,"
    " bytes INTEGER NOT NULL, objects INTEGER NOT NULL, object_bytes INTEGER NOT NULL) STRICT;"
    "INSERT INTO total VALUES(1,0,0,0,0,0);"
    "CREATE TABLE grp(g INTEGER PRIMARY KEY AUTOINCREMENT, channel BLOB NOT NULL UNIQUE, epoch BLOB NOT NULL,"
    " head INTEGER NOT NULL, floor INTEGER NOT NULL, bytes INTEGER NOT NULL, names INTEGER NOT NULL,"
    " items INTEGER NOT NULL, unused INTEGER NOT NULL) STRICT;"
    "CREATE INDEX grp_unused ON grp(unused) WHERE unused>0;"
    "CREATE TABLE dead(g INTEGER PRIMARY KEY) STRICT;"
    "CREATE TABLE acl(g INTEGER NOT NULL, version BLOB NOT NULL, mark INTEGER NOT NULL, record BLOB NOT NULL,"
    " UNIQUE(g,version)) STRICT;"
    "CREATE INDEX acl_gm ON acl(g,mark);"
    "CREATE TABLE dev(d INTEGER PRIMARY KEY, g INTEGER NOT NULL, pub BLOB NOT NULL, active INTEGER NOT NULL,"
    " last_seq INTEGER NOT NULL, acked INTEGER NOT NULL, UNIQUE(g,pub)) STRICT;"
    "CREATE TABLE log(k INTEGER PRIMARY KEY, g INTEGER NOT NULL, c INTEGER NOT NULL, d INTEGER NOT NULL,"
    " seq INTEGER NOT NULL, stored INTEGER NOT NULL, ttl INTEGER NOT NULL, exp INTEGER NOT NULL, p BLOB NOT NULL)"
    " STRICT;"
    "CREATE UNIQUE INDEX log_gc ON log(g,c);"
    "CREATE UNIQUE INDEX log_ds ON log(d,seq);"
    "CREATE INDEX log_exp ON log(exp) WHERE exp>0;"
    "CREATE TABLE presence(d INTEGER PRIMARY KEY, counter INTEGER NOT NULL, sealed BLOB NOT NULL) STRICT;"
    "CREATE TABLE recovery(locator BLOB NOT NULL, g INTEGER NOT NULL, sealed BLOB NOT NULL, PRIMARY KEY(locator,g))"
    " STRICT, WITHOUT ROWID;"
    "CREATE INDEX recovery_g ON recovery(g);"
    "CREATE TABLE object(o INTEGER PRIMARY KEY, g INTEGER NOT NULL, id BLOB NOT NULL, d INTEGER NOT NULL,"
    " total INTEGER NOT NULL, hash BLOB NOT NULL, exp INTEGER NOT NULL, file TEXT NOT NULL, UNIQUE(g,id)) STRICT;"
    "CREATE INDEX object_exp ON object(exp);";

}  // namespace

Result<> configure(Connection const& connection) {
  return connection.execute(
      "PRAGMA synchronous=FULL;"      // what was acknowledged survives a power failure, and no cursor is given twice
      "PRAGMA wal_autocheckpoint=0;"  // checkpoint() does it, beside the writer
      "PRAGMA journal_size_limit=67108864;"
      "PRAGMA cache_size=-65536;"
      "PRAGMA foreign_keys=OFF;"
      "PRAGMA temp_store=MEMORY;"
      "PRAGMA cell_size_check=ON;");
}

Result<> prepare_schema(Connection const& connection) {
  KITH_TRY(application, connection.number("PRAGMA application_id"));
  KITH_TRY(version, connection.number("PRAGMA user_version"));
  KITH_TRY(objects, connection.number("SELECT count(*) FROM sqlite_schema"));
  bool const empty = application == 0 && version == 0 && objects == 0;
  if (!empty && (application != kApplicationId || version < 1)) {
    return fail(StoreError::corrupt, SystemDetail{0, connection.path().string()});
  }
  if (version > kSchemaVersion) {
    auto const theirs = static_cast<std::uint32_t>(version);
    return fail(StoreError::newer_schema, VersionsDetail{1, kSchemaVersion, theirs, theirs});
  }
  if (!empty) return {};
  KITH_CHECK(connection.execute(kFileSettings));
  auto const made = connection.execute(fmt::format("BEGIN IMMEDIATE; {} PRAGMA application_id={}; PRAGMA "
                                                   "user_version={}; COMMIT;",
                                                   kTables, kApplicationId, kSchemaVersion)
                                           .c_str());
  if (!made && connection.in_transaction()) (void)connection.execute("ROLLBACK");
  return made;
}

}  // namespace kith::relay::sqlite
