#include "store/sqlite/schema.hpp"

#include <cerrno>
#include <thread>

#include <fmt/format.h>

#include "base/assert.hpp"
#include "base/time.hpp"

namespace kith::store::sqlite {
namespace {

/// WITHOUT ROWID keeps whole rows in the B-tree of their keys, in its inner pages too: one search finds a small row,
/// and neighbours lie together. A row above a quarter of a page spoils that: few keys fit on a page, at every level,
/// and the rest of the row takes overflow pages of its own (rows of 1 KB in pages of 4 KiB filled 4.6 times their
/// size). So tables of large values keep their keys in an index, and their rows in the order of writing.
bool holds_large_values(Table table) {
  switch (table) {
    case Table::sealed:
    case Table::pending:
    case Table::unopened:
    case Table::blobs: return true;
    case Table::meta:
    case Table::entries:
    case Table::items:
    case Table::chains:
    case Table::chain_entries:
    case Table::applied:
    case Table::roster_entries:
    case Table::waiting:
    case Table::epochs:
    case Table::alarms:
    case Table::peers:
    case Table::numbers:
    case Table::folders:
    case Table::local_files:
    case Table::folder_work:
    case Table::chunk_places:
    case Table::relays:
    case Table::relay_chunks:
    case Table::acl_chain:
    case Table::control:
    case Table::messages:
    case Table::versions:
    case Table::folder_names: return false;
  }
  KITH_UNREACHABLE();
}

/// STRICT: a text or number put in by hand would sort before every blob; it is refused instead.
Result<> create_tables(Connection const& connection) {
  for (auto const table : kTables) {
    auto const* const shape = holds_large_values(table)
                                  ? "CREATE TABLE {}(k BLOB NOT NULL UNIQUE, v BLOB NOT NULL) STRICT"
                                  : "CREATE TABLE {}(k BLOB PRIMARY KEY, v BLOB NOT NULL) STRICT, WITHOUT ROWID";
    KITH_CHECK(connection.execute(fmt::format(fmt::runtime(shape), table_name(table)).c_str()));
  }
  return {};
}

/// Ends a transaction of this file's own, on every way out.
class Scope {
 public:
  explicit Scope(Connection const& connection) : connection_(connection) {}
  ~Scope() {
    if (connection_.in_transaction()) (void)connection_.execute("ROLLBACK");
  }
  Scope(Scope const&) = delete;
  Scope& operator=(Scope const&) = delete;

 private:
  Connection const& connection_;
};

struct Inspected {
  bool empty = false;
  std::int64_t version = 0;
};

/// Looks at the file inside the caller's transaction.
Result<Inspected> inspect(Connection const& connection, Schema const& schema) {
  KITH_TRY(application, connection.number("PRAGMA application_id"));
  KITH_TRY(version, connection.number("PRAGMA user_version"));
  KITH_TRY(objects, connection.number("SELECT count(*) FROM sqlite_schema"));
  if (application == 0 && version == 0 && objects == 0) return Inspected{true, 0};
  if (application != kApplicationId || version < 1) {
    return fail(StoreError::corrupt, SystemDetail{0, connection.path().string()});
  }
  KITH_CHECK(check_version(version, schema));
  return Inspected{false, version};
}

Result<> set_version(Connection const& connection, std::uint32_t version) {
  return connection.execute(
      fmt::format("PRAGMA application_id={}; PRAGMA user_version={}", kApplicationId, version).c_str());
}

/// Turns write-ahead logging on; it is part of the file, and stays. SQLite reads the header first and then asks for the
/// file alone, and never waits between the two, so of several processes that meet here each may be refused.
Result<> log_ahead(Connection const& connection) {
  auto const deadline = Clock::now() + connection.busy_timeout();
  auto journal = connection.text("PRAGMA journal_mode=WAL");
  while (!journal && journal.error().is(StoreError::busy) && Clock::now() < deadline) {
    std::this_thread::sleep_for(std::chrono::milliseconds{2});
    journal = connection.text("PRAGMA journal_mode=WAL");
  }
  if (!journal) return fail(std::move(journal).error());
  if (*journal == "wal") return {};
  return fail(StoreError::io,
              SystemDetail{ENOTSUP, connection.path().string()});  // a file system without shared memory
}

}  // namespace

Schema const& current_schema() {
  static Schema const schema{1, create_tables, {}};
  return schema;
}

Result<> check_version(std::int64_t found, Schema const& schema) {
  if (found <= schema.version) return {};
  auto const theirs = static_cast<std::uint32_t>(found);
  return fail(StoreError::newer_schema, VersionsDetail{1, schema.version, theirs, theirs});
}

Result<> prepare_schema(Connection const& connection, Schema const& schema, SchemaMode mode) {
  KITH_ASSERT(schema.migrations.size() + 1 == schema.version);
  Scope const scope{connection};
  KITH_CHECK(connection.execute("BEGIN"));
  KITH_TRY(found, inspect(connection, schema));
  KITH_CHECK(connection.execute("COMMIT"));
  auto const ready = !found.empty && found.version == schema.version;
  if (found.empty && mode != SchemaMode::create) {
    return fail(StoreError::not_found, SystemDetail{ENOENT, connection.path().string()});
  }
  if (mode == SchemaMode::read_only) {
    if (ready) return {};
    return fail(StoreError::read_only, SystemDetail{0, connection.path().string()});
  }

  KITH_CHECK(log_ahead(connection));  // only now that the file is known to be ours
  if (ready) return {};

  KITH_CHECK(connection.execute("BEGIN IMMEDIATE"));
  KITH_TRY(locked, inspect(connection, schema));  // another process may have been faster
  if (locked.empty) {
    KITH_CHECK(schema.create(connection));
  } else {
    for (auto from = static_cast<std::size_t>(locked.version); from < schema.version; ++from) {
      KITH_CHECK(schema.migrations[from - 1](connection));
    }
  }
  KITH_CHECK(set_version(connection, schema.version));
  return connection.execute("COMMIT");
}

}  // namespace kith::store::sqlite
