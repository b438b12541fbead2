#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <optional>
#include <string_view>
#include <utility>

#include "base/bytes.hpp"
#include "base/result.hpp"

namespace kith::store {

enum class StoreError {
  busy,          ///< another process kept the database locked longer than the timeout
  disk_full,     ///< no room for the transaction; nothing of it was kept
  io,            ///< the system refused a read or write; the detail has errno and the path
  corrupt,       ///< the database is damaged, or a record in it does not decode
  newer_schema,  ///< written by a later version; the detail names both schema versions
  read_only,     ///< the file or its directory cannot be written
  not_found,     ///< the database does not exist
};

[[nodiscard]] ErrorDomain const& error_domain(StoreError);

/// The tables of one home. Keys are byte strings in lexicographic order; what keys and values hold is said where each
/// table is used, and in docs/spec/home.md. `View` tables can be dropped and rebuilt from the entries.
enum class Table : std::uint8_t {
  meta = 1,        ///< single values by name
  entries,         ///< entry hash -> facts about the entry
  sealed,          ///< entry hash -> sealed bytes
  items,           ///< digest of sealed bytes -> entry hash
  chains,          ///< chain number -> its log, parent and tip
  chain_entries,   ///< chain number, seq -> entry hash
  applied,         ///< position (order of application here) -> entry hash
  roster_entries,  ///< position -> entry hash, of entries that hold roster ops
  pending,         ///< entry hash -> sealed bytes of an entry whose past is not complete
  waiting,         ///< missing entry hash, waiting entry hash -> log and seq of the missing one
  unopened,        ///< epoch id, digest -> sealed bytes of an epoch that is not known
  epochs,          ///< epoch id -> epoch secret, sealed at rest
  alarms,          ///< number -> alarm
  peers,           ///< device id -> addresses, tips acknowledged, last contact
  numbers,         ///< entry hash, op index -> message number; survives a rebuild of the views
  blobs,           ///< chunk id -> chunk bytes that no file holds (manifests, message contents)
  folders,         ///< folder id -> where it is on this device and how it goes
  local_files,     ///< folder id, path -> what the disk was last seen to hold
  folder_work,     ///< folder id, path -> path whose view changed and whose disk may not have followed yet
  chunk_places,    ///< chunk id, folder id, path -> offset and length in that file
  relays,          ///< relay key, channel id -> how far this device has come there
  relay_chunks,    ///< relay key -> objects there, by their ids, and by the chunks in them
  acl_chain,       ///< channel id, version -> signed list of whom a relay is to serve
  control,         ///< requests and states that processes of one home show each other
  // Views:
  messages,      ///< number -> where the message is
  versions,      ///< folder id, path, version id -> file version
  folder_names,  ///< folder id -> name
};
inline constexpr Table kFirstTable = Table::meta;
inline constexpr Table kLastTable = Table::folder_names;
inline constexpr Table kFirstView = Table::messages;
inline constexpr std::size_t kTableCount = static_cast<std::size_t>(kLastTable);
/// A table's place in an array of kTableCount.
[[nodiscard]] constexpr std::size_t index_of(Table table) { return static_cast<std::size_t>(table) - 1; }
inline constexpr std::array<Table, kTableCount> kTables = [] {
  std::array<Table, kTableCount> tables{};
  for (std::size_t i = 0; i < kTableCount; ++i) tables[i] = static_cast<Table>(i + 1);
  return tables;
}();

/// The name of a table, which is also its name in SQLite.
[[nodiscard]] std::string_view table_name(Table table);

/// One open connection to a home's database: an ordered map per table, changed in transactions.
///
/// Not thread-safe: each thread opens its own. Several connections and processes may work on one database; a
/// transaction sees one state, and writers follow each other. Reads outside a transaction see the last commit. Writes
/// need a transaction. A call that fails in a transaction voids it: later calls return that error until rollback() or
/// commit(), and nothing is kept.
class Store {
 public:
  virtual ~Store() = default;

  /// Starts a transaction that may write, waiting for other writers. Transactions do not nest.
  /// @return StoreError::busy, disk_full, io, read_only, or newer_schema if a later version has changed the tables
  /// meanwhile
  [[nodiscard]] virtual Result<> begin() = 0;
  /// Makes everything since begin() durable: when it returns, power may fail. On failure nothing was kept. Either way
  /// the transaction is over.
  [[nodiscard]] virtual Result<> commit() = 0;
  /// Ends the transaction, if there is one, and keeps nothing of it.
  virtual void rollback() = 0;
  /// True from begin() to commit() or rollback(), also while the transaction is void.
  [[nodiscard]] virtual bool in_transaction() const = 0;

  [[nodiscard]] virtual Result<std::optional<Bytes>> get(Table table, ByteView key) = 0;
  [[nodiscard]] virtual Result<> put(Table table, ByteView key, ByteView value) = 0;
  [[nodiscard]] virtual Result<> erase(Table table, ByteView key) = 0;
  [[nodiscard]] virtual Result<> clear(Table table) = 0;

  /// What to do after a row.
  enum class Next { go_on, stop };
  using Visitor = std::function<Next(ByteView key, ByteView value)>;
  /// Visits rows whose key begins with `prefix`, from the first key >= `from` on, ascending. The visitor may read every
  /// table and scan again; it may change other tables than the ones being scanned, but neither begin nor end a
  /// transaction. What it is shown lives until it returns.
  [[nodiscard]] virtual Result<> scan(Table table, ByteView prefix, ByteView from, Visitor const& visit) = 0;
  /// The same from the largest key down, from the last key <= `from`; an empty `from` means the end.
  [[nodiscard]] virtual Result<> scan_back(Table table, ByteView prefix, ByteView from, Visitor const& visit) = 0;

  /// Changes whenever another connection has committed changes since this one last looked; own commits do not change
  /// it. Only "differs from last time" has a meaning.
  [[nodiscard]] virtual Result<std::uint64_t> outside_changes() = 0;
};

/// Rolls back unless committed: every early return of a failing write leaves the database as it was.
class Transaction {
 public:
  /// @return what Store::begin returns
  [[nodiscard]] static Result<Transaction> begin(Store& store);
  Transaction(Transaction&& other) noexcept : store_(std::exchange(other.store_, nullptr)) {}
  Transaction& operator=(Transaction&&) = delete;
  ~Transaction() {
    if (store_ != nullptr) store_->rollback();
  }
  /// To be called once. @return what Store::commit returns
  [[nodiscard]] Result<> commit();

 private:
  explicit Transaction(Store& store) : store_(&store) {}
  Store* store_;
};

}  // namespace kith::store
