#include "store/sqlite/sqlite_store.hpp"

#include <new>

#include <fmt/format.h>
#include <sqlite3.h>

#include "base/assert.hpp"
#include "store/sqlite/database_file.hpp"

namespace kith::store {
namespace {

using sqlite::Connection;
using sqlite::Statement;

/// page_size: measured with five small rows a commit, pages of 4 KiB put 22 KB into the log and pages of 8 KiB 43 KB,
/// at the same rate; larger pages gain a third on values of 512 KiB, which are rare here: chunks live in the user's
/// files. synchronous=FULL: what commit() promised survives a power failure. NORMAL may take commits back.
/// secure_delete=FAST: erased rows are overwritten where their page is written anyway.
/// temp_store=MEMORY: what SQLite sets aside would go to /tmp, outside the home's directory.
/// cell_size_check: a damaged page is noticed when it is loaded.
/// cache_size: 8 MiB at most. wal_autocheckpoint: the log is copied back when it holds 1000 pages, 4 MiB.
/// journal_size_limit: a log that a long transaction has made longer is cut to 8 MiB.
constexpr auto kSettings =
    "PRAGMA page_size=4096;"
    "PRAGMA synchronous=FULL;"
    "PRAGMA secure_delete=FAST;"
    "PRAGMA foreign_keys=OFF;"
    "PRAGMA temp_store=MEMORY;"
    "PRAGMA cell_size_check=ON;"
    "PRAGMA cache_size=-8192;"
    "PRAGMA wal_autocheckpoint=1000;"
    "PRAGMA journal_size_limit=8388608";

/// Resets a statement on every way out, so that it neither holds locks nor refuses new arguments.
class ResetAtEnd {
 public:
  explicit ResetAtEnd(Statement const& statement) : statement_(statement) {}
  ~ResetAtEnd() { sqlite3_reset(statement_.get()); }
  ResetAtEnd(ResetAtEnd const&) = delete;
  ResetAtEnd& operator=(ResetAtEnd const&) = delete;

 private:
  Statement const& statement_;
};

/// The bytes stay the caller's, and must live while the statement runs.
void bind_blob(Statement const& statement, int position, ByteView bytes) {
  // An empty view may point nowhere, which SQLite would read as NULL.
  auto const code = bytes.empty()
                        ? sqlite3_bind_zeroblob(statement.get(), position, 0)
                        : sqlite3_bind_blob64(statement.get(), position, bytes.data(), bytes.size(), SQLITE_STATIC);
  KITH_ASSERT(code == SQLITE_OK);
}

/// A column of the current row; lives until the next step.
ByteView column(Statement const& statement, int number) {
  auto const* const bytes = static_cast<std::uint8_t const*>(sqlite3_column_blob(statement.get(), number));
  auto const size = static_cast<std::size_t>(sqlite3_column_bytes(statement.get(), number));
  if (bytes == nullptr && size > 0) throw std::bad_alloc();
  return {bytes, size};
}

sqlite::SchemaMode schema_mode(OpenMode mode) {
  switch (mode) {
    case OpenMode::create: return sqlite::SchemaMode::create;
    case OpenMode::existing: return sqlite::SchemaMode::migrate;
    case OpenMode::read_only: return sqlite::SchemaMode::read_only;
  }
  KITH_UNREACHABLE();
}

}  // namespace

/// Counts a scan, and gives its statement back to the pool it came from.
class SqliteStore::RunningScan {
 public:
  RunningScan(SqliteStore& store, Table table, std::size_t pool, Statement statement)
      : store_(store), table_(store.statements(table)), pool_(pool), statement_(std::move(statement)) {
    ++store_.running_scans_;
    ++table_.running_scans;
  }
  ~RunningScan() {
    --store_.running_scans_;
    --table_.running_scans;
    sqlite3_reset(statement_.get());
    table_.idle_scans[pool_].push_back(std::move(statement_));
  }
  RunningScan(RunningScan const&) = delete;
  RunningScan& operator=(RunningScan const&) = delete;

  [[nodiscard]] Statement const& statement() const { return statement_; }

 private:
  SqliteStore& store_;
  TableStatements& table_;
  std::size_t pool_;
  Statement statement_;
};

SqliteStore::SqliteStore(Connection connection, OpenMode mode, sqlite::Schema const& schema)
    : connection_(std::move(connection)), schema_(schema), mode_(mode) {}

SqliteStore::~SqliteStore() { rollback(); }

Result<std::unique_ptr<SqliteStore>> SqliteStore::open(std::filesystem::path const& path, OpenMode mode,
                                                       SqliteOptions const& options) {
  KITH_TRY(real, mode == OpenMode::create ? sqlite::make_file(path) : sqlite::find_file(path));
  auto const access = mode == OpenMode::read_only ? sqlite::Access::read_only : sqlite::Access::read_write;
  KITH_TRY(connection, Connection::open(real, access, options.busy_timeout));
  KITH_CHECK(connection.execute(kSettings));
  KITH_CHECK(sqlite::prepare_schema(connection, options.schema, schema_mode(mode)));
  std::unique_ptr<SqliteStore> store{new SqliteStore(std::move(connection), mode, options.schema)};
  KITH_CHECK(store->prepare_control());
  return store;
}

Result<> SqliteStore::prepare_control() {
  for (auto const& [statement, sql] : {std::pair{&begin_, "BEGIN IMMEDIATE"},
                                       {&commit_, "COMMIT"},
                                       {&rollback_, "ROLLBACK"},
                                       {&user_version_, "PRAGMA user_version"},
                                       {&data_version_, "PRAGMA data_version"}}) {
    KITH_TRY(prepared, connection_.prepare(sql));
    *statement = std::move(prepared);
  }
  return {};
}

Result<> SqliteStore::begin() {
  KITH_ASSERT(!in_transaction_ && running_scans_ == 0);
  if (mode_ == OpenMode::read_only) {
    return fail(StoreError::read_only, SystemDetail{0, connection_.path().string()});
  }
  KITH_CHECK(connection_.step(begin_));
  in_transaction_ = true;
  // A later version may have migrated the file since it was opened; writing the old form into it would harm it.
  auto version = connection_.step(user_version_);
  ResetAtEnd const reset{user_version_};
  auto current =
      version ? sqlite::check_version(sqlite3_column_int64(user_version_.get(), 0), schema_) : fail(version.error());
  if (!current) rollback();
  return current;
}

Result<> SqliteStore::commit() {
  KITH_ASSERT(in_transaction_ && running_scans_ == 0);
  if (!void_) {
    // If syncing the log fails, SQLite forgets the transaction, and the next one is written over it.
    auto committed = connection_.step(commit_);
    if (!committed) (void)failed(std::move(committed).error());
  }
  in_transaction_ = false;
  if (auto reason = std::exchange(void_, std::nullopt)) return fail(*std::move(reason));
  return {};
}

void SqliteStore::rollback() {
  if (!in_transaction_) return;
  KITH_ASSERT(running_scans_ == 0);
  if (connection_.in_transaction()) (void)connection_.step(rollback_);
  in_transaction_ = false;
  void_.reset();
}

tl::unexpected<Error> SqliteStore::failed(Error error) {
  if (in_transaction_ && !void_) {
    void_ = error;
    // SQLite has done so by itself after some errors, and not after others. Running scans get an error, or go on
    // reading.
    if (connection_.in_transaction()) (void)connection_.step(rollback_);
  }
  return fail(std::move(error));
}

Result<> SqliteStore::usable() const {
  if (void_) return fail(*void_);
  return {};
}

Result<std::optional<Bytes>> SqliteStore::get(Table table, ByteView key) {
  KITH_CHECK(usable());
  auto& statement = statements(table).get;
  if (!statement) {
    auto prepared = connection_.prepare(fmt::format("SELECT v FROM {} WHERE k=?1", table_name(table)));
    if (!prepared) return failed(std::move(prepared).error());
    statement = *std::move(prepared);
  }
  bind_blob(statement, 1, key);
  ResetAtEnd const reset{statement};
  auto const row = connection_.step(statement);
  if (!row) return failed(row.error());
  if (!*row) return std::nullopt;
  auto const value = column(statement, 0);
  return Bytes(value.begin(), value.end());
}

Result<> SqliteStore::write(Table table, Statement& statement, char const* sql,
                            std::initializer_list<ByteView> arguments) {
  KITH_CHECK(usable());
  KITH_ASSERT(in_transaction_ && statements(table).running_scans == 0);
  if (!statement) {
    auto prepared = connection_.prepare(fmt::format(fmt::runtime(sql), table_name(table)));
    if (!prepared) return failed(std::move(prepared).error());
    statement = *std::move(prepared);
  }
  int position = 0;
  for (auto const argument : arguments) bind_blob(statement, ++position, argument);
  if (auto const done = connection_.step(statement); !done) return failed(done.error());
  return {};
}

Result<> SqliteStore::put(Table table, ByteView key, ByteView value) {
  return write(table, statements(table).put, "INSERT OR REPLACE INTO {}(k,v) VALUES(?1,?2)", {key, value});
}

Result<> SqliteStore::erase(Table table, ByteView key) {
  return write(table, statements(table).erase, "DELETE FROM {} WHERE k=?1", {key});
}

Result<> SqliteStore::clear(Table table) { return write(table, statements(table).clear, "DELETE FROM {}", {}); }

Result<Statement> SqliteStore::scan_statement(Table table, Order order, bool bounded) {
  auto& pool = statements(table).idle_scans[pool_of(order, bounded)];
  if (!pool.empty()) {
    auto statement = std::move(pool.back());
    pool.pop_back();
    return statement;
  }
  return connection_.prepare(fmt::format("SELECT k,v FROM {} WHERE k>=?1{} ORDER BY k{}", table_name(table),
                                         bounded ? " AND k<?2" : "", order == Order::descending ? " DESC" : ""));
}

Result<> SqliteStore::visit_rows(Table table, KeyRange const& range, Order order, Visitor const& visit) {
  KITH_CHECK(usable());
  auto const bounded = range.end.has_value();
  auto statement = scan_statement(table, order, bounded);
  if (!statement) return failed(std::move(statement).error());
  RunningScan const scan{*this, table, pool_of(order, bounded), *std::move(statement)};
  bind_blob(scan.statement(), 1, range.first);
  if (bounded) bind_blob(scan.statement(), 2, *range.end);
  while (true) {
    auto const row = connection_.step(scan.statement());
    if (!row) return failed(row.error());
    if (!*row) return {};
    auto const next = visit(column(scan.statement(), 0), column(scan.statement(), 1));
    KITH_CHECK(usable());
    if (next == Next::stop) return {};
  }
}

Result<> SqliteStore::scan(Table table, ByteView prefix, ByteView from, Visitor const& visit) {
  return visit_rows(table, scan_range(prefix, from), Order::ascending, visit);
}

Result<> SqliteStore::scan_back(Table table, ByteView prefix, ByteView from, Visitor const& visit) {
  return visit_rows(table, scan_back_range(prefix, from), Order::descending, visit);
}

Result<std::uint64_t> SqliteStore::outside_changes() {
  KITH_CHECK(usable());
  ResetAtEnd const reset{data_version_};
  auto const row = connection_.step(data_version_);
  if (!row) return failed(row.error());
  return static_cast<std::uint64_t>(sqlite3_column_int64(data_version_.get(), 0));
}

Result<> SqliteStore::check_integrity() {
  KITH_CHECK(usable());
  auto const verdict = connection_.text("PRAGMA integrity_check(1)");
  if (!verdict) return failed(verdict.error());
  if (*verdict != "ok") return fail(StoreError::corrupt, SystemDetail{0, connection_.path().string()});
  return {};
}

}  // namespace kith::store
