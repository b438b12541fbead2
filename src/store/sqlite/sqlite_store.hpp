#pragma once

#include <array>
#include <chrono>
#include <filesystem>
#include <memory>
#include <optional>
#include <vector>

#include "store/key_range.hpp"
#include "store/sqlite/connection.hpp"
#include "store/sqlite/schema.hpp"
#include "store/store.hpp"

namespace kith::store {

enum class OpenMode {
  create,     ///< makes the file if there is none
  existing,   ///< reads and writes a file that is there
  read_only,  ///< changes nothing; needs the right to write the directory all the same if no other process has it open
};

struct SqliteOptions {
  std::chrono::milliseconds busy_timeout = std::chrono::seconds{10};  ///< how long to wait for other writers
  sqlite::Schema const& schema = sqlite::current_schema();
};

/// A home's database in one SQLite file, write-ahead logged, synced at each commit. Beside it lie `-wal` and `-shm`,
/// all three readable by their owner only.
/// @see https://sqlite.org/wal.html
class SqliteStore final : public Store {
 public:
  /// @return StoreError::not_found if there is no database and it is not to be made; newer_schema with VersionsDetail;
  ///   corrupt if the file is no database, not kith's, or cut off; read_only, busy, disk_full or io with SystemDetail
  [[nodiscard]] static Result<std::unique_ptr<SqliteStore>> open(std::filesystem::path const& path, OpenMode mode,
                                                                 SqliteOptions const& options = {});
  ~SqliteStore() override;
  SqliteStore(SqliteStore const&) = delete;
  SqliteStore& operator=(SqliteStore const&) = delete;

  [[nodiscard]] Result<> begin() override;
  [[nodiscard]] Result<> commit() override;
  void rollback() override;
  [[nodiscard]] bool in_transaction() const override { return in_transaction_; }

  [[nodiscard]] Result<std::optional<Bytes>> get(Table table, ByteView key) override;
  [[nodiscard]] Result<> put(Table table, ByteView key, ByteView value) override;
  [[nodiscard]] Result<> erase(Table table, ByteView key) override;
  [[nodiscard]] Result<> clear(Table table) override;

  /// Outside a transaction, a scan keeps one state of the database alive until it ends, and with it the log growing: a
  /// visitor should not wait for anything.
  [[nodiscard]] Result<> scan(Table table, ByteView prefix, ByteView from, Visitor const& visit) override;
  [[nodiscard]] Result<> scan_back(Table table, ByteView prefix, ByteView from, Visitor const& visit) override;

  [[nodiscard]] Result<std::uint64_t> outside_changes() override;

  /// Reads every page and compares each index with its table: seconds per GiB, so for `kith doctor` only.
  /// @return StoreError::corrupt, or what kept it from reading
  [[nodiscard]] Result<> check_integrity();

 private:
  enum class Order { ascending, descending };
  /// Statements are made at first use and kept. A scan takes its own from the pool, since scans may nest.
  struct TableStatements {
    sqlite::Statement get, put, erase, clear;
    std::array<std::vector<sqlite::Statement>, 4> idle_scans;  // by pool_of()
    int running_scans = 0;
  };
  class RunningScan;
  [[nodiscard]] static std::size_t pool_of(Order order, bool bounded) {
    return (order == Order::descending ? 2U : 0U) + (bounded ? 1U : 0U);
  }

  SqliteStore(sqlite::Connection connection, OpenMode mode, sqlite::Schema const& schema);
  [[nodiscard]] Result<> prepare_control();

  [[nodiscard]] TableStatements& statements(Table table) { return tables_[index_of(table)]; }
  [[nodiscard]] Result<> usable() const;
  /// Runs a statement of `sql`, where {} stands for the table, with these arguments.
  [[nodiscard]] Result<> write(Table table, sqlite::Statement& statement, char const* sql,
                               std::initializer_list<ByteView> arguments);
  [[nodiscard]] Result<sqlite::Statement> scan_statement(Table table, Order order, bool bounded);
  [[nodiscard]] Result<> visit_rows(Table table, KeyRange const& range, Order order, Visitor const& visit);
  /// Returns the error; in a transaction, voids that.
  [[nodiscard]] tl::unexpected<Error> failed(Error error);

  sqlite::Connection connection_;
  sqlite::Schema const& schema_;
  OpenMode mode_;
  sqlite::Statement begin_, commit_, rollback_, user_version_, data_version_;
  std::array<TableStatements, kTableCount> tables_;
  bool in_transaction_ = false;
  std::optional<Error> void_;  // why nothing of the open transaction will be kept
  int running_scans_ = 0;
};

}  // namespace kith::store
