#pragma once

#include <array>
#include <map>
#include <memory>
#include <optional>

#include "store/key_range.hpp"
#include "store/store.hpp"

namespace kith::store {

/// A database in memory, for tests and the simulation; MemoryStore connects to it. One thread. It must be held by a
/// shared_ptr, as a device's disk outlives the programs that run on it.
///
/// Writes go in place, and the values as of the last commit are put aside until the transaction ends: a commit drops
/// them, a rollback puts them back, and other connections read them meanwhile.
class MemoryDatabase {
 public:
  /// The power fails: an open transaction is void, and every connection of before returns StoreError::io from now on.
  /// Not to be called by a visitor.
  void crash();
  /// Another database with what was committed to this one: a copied or restored home.
  [[nodiscard]] std::shared_ptr<MemoryDatabase> clone() const;

 private:
  friend class MemoryStore;
  using Rows = std::map<Bytes, Bytes, KeyLess>;
  using Before = std::map<Bytes, std::optional<Bytes>, KeyLess>;  // nullopt: there was no such row

  /// The table as of the last commit.
  [[nodiscard]] Rows committed(Table table) const;
  void end_transaction(bool keep);

  std::array<Rows, kTableCount> rows_;
  std::array<Before, kTableCount> before_;  // of the rows that the open transaction changed
  std::array<int, kTableCount> scans_{};    // running over rows_
  class MemoryStore* writer_ = nullptr;     // whose transaction is open
  std::uint64_t commits_ = 0;
  std::uint64_t crashes_ = 0;
};

/// A connection to a MemoryDatabase. begin() does not wait: it returns StoreError::busy while another connection is in
/// a transaction, since that could only go on after the return.
class MemoryStore final : public Store {
 public:
  explicit MemoryStore(std::shared_ptr<MemoryDatabase> database);
  ~MemoryStore() override;
  MemoryStore(MemoryStore const&) = delete;
  MemoryStore& operator=(MemoryStore const&) = delete;

  [[nodiscard]] Result<> begin() override;
  [[nodiscard]] Result<> commit() override;
  void rollback() override;
  [[nodiscard]] bool in_transaction() const override;

  [[nodiscard]] Result<std::optional<Bytes>> get(Table table, ByteView key) override;
  [[nodiscard]] Result<> put(Table table, ByteView key, ByteView value) override;
  [[nodiscard]] Result<> erase(Table table, ByteView key) override;
  [[nodiscard]] Result<> clear(Table table) override;

  [[nodiscard]] Result<> scan(Table table, ByteView prefix, ByteView from, Visitor const& visit) override;
  [[nodiscard]] Result<> scan_back(Table table, ByteView prefix, ByteView from, Visitor const& visit) override;

  [[nodiscard]] Result<std::uint64_t> outside_changes() override;

 private:
  using Rows = MemoryDatabase::Rows;

  [[nodiscard]] Result<> powered() const;
  [[nodiscard]] Result<> writable(Table table) const;
  /// Hands `walk` the first of the rows that this connection sees in a range, and their end.
  template <class Walk>
  [[nodiscard]] Result<> with_rows(Table table, KeyRange const& range, Walk const& walk);

  std::shared_ptr<MemoryDatabase> database_;
  std::uint64_t crashes_;  // of the database, when this connection was made
  std::uint64_t own_commits_ = 0;
  int scans_ = 0;  // of this connection, running
};

}  // namespace kith::store
