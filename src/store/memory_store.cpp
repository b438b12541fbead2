#include "store/memory_store.hpp"

#include <algorithm>
#include <iterator>

#include "base/assert.hpp"

namespace kith::store {
namespace {

/// Counts a running scan.
class Counted {
 public:
  explicit Counted(int& count) : count_(count) { ++count_; }
  ~Counted() { --count_; }
  Counted(Counted const&) = delete;
  Counted& operator=(Counted const&) = delete;

 private:
  int& count_;
};

}  // namespace

void MemoryDatabase::crash() {
  end_transaction(false);
  ++crashes_;
}

std::shared_ptr<MemoryDatabase> MemoryDatabase::clone() const {
  auto copy = std::make_shared<MemoryDatabase>();
  for (auto const table : kTables) copy->rows_[index_of(table)] = committed(table);
  return copy;
}

MemoryDatabase::Rows MemoryDatabase::committed(Table table) const {
  auto rows = rows_[index_of(table)];
  for (auto const& [key, value] : before_[index_of(table)]) {
    if (value) {
      rows.insert_or_assign(key, *value);
    } else {
      rows.erase(key);
    }
  }
  return rows;
}

void MemoryDatabase::end_transaction(bool keep) {
  writer_ = nullptr;
  for (std::size_t i = 0; i < kTableCount; ++i) {
    if (!keep) {
      KITH_ASSERT(scans_[i] == 0 || before_[i].empty());
      for (auto& [key, value] : before_[i]) {
        if (value) {
          rows_[i].insert_or_assign(key, std::move(*value));
        } else {
          rows_[i].erase(key);
        }
      }
    }
    before_[i].clear();
  }
}

MemoryStore::MemoryStore(std::shared_ptr<MemoryDatabase> database)
    : database_(std::move(database)), crashes_(database_->crashes_) {}

MemoryStore::~MemoryStore() { rollback(); }

Result<> MemoryStore::powered() const {
  if (crashes_ != database_->crashes_) return fail(StoreError::io);
  return {};
}

Result<> MemoryStore::writable(Table table) const {
  KITH_CHECK(powered());
  KITH_ASSERT(in_transaction());
  KITH_ASSERT(database_->scans_[index_of(table)] == 0);
  return {};
}

bool MemoryStore::in_transaction() const { return database_->writer_ == this; }

Result<> MemoryStore::begin() {
  KITH_CHECK(powered());
  KITH_ASSERT(!in_transaction() && scans_ == 0);
  if (database_->writer_ != nullptr) return fail(StoreError::busy);
  database_->writer_ = this;
  return {};
}

Result<> MemoryStore::commit() {
  KITH_CHECK(powered());
  KITH_ASSERT(in_transaction() && scans_ == 0);
  auto const changed =
      std::any_of(database_->before_.begin(), database_->before_.end(), [](auto const& rows) { return !rows.empty(); });
  if (changed) {
    ++database_->commits_;
    ++own_commits_;
  }
  database_->end_transaction(true);
  return {};
}

void MemoryStore::rollback() {
  if (!in_transaction()) return;
  KITH_ASSERT(scans_ == 0);
  database_->end_transaction(false);
}

Result<std::optional<Bytes>> MemoryStore::get(Table table, ByteView key) {
  KITH_CHECK(powered());
  if (!in_transaction()) {
    auto const& before = database_->before_[index_of(table)];
    if (auto const found = before.find(key); found != before.end()) return found->second;
  }
  auto const& rows = database_->rows_[index_of(table)];
  auto const found = rows.find(key);
  if (found == rows.end()) return std::nullopt;
  return found->second;
}

Result<> MemoryStore::put(Table table, ByteView key, ByteView value) {
  KITH_CHECK(writable(table));
  auto& rows = database_->rows_[index_of(table)];
  auto& before = database_->before_[index_of(table)];
  auto const at = rows.lower_bound(key);
  if (at != rows.end() && equal(at->first, key)) {
    before.try_emplace(at->first, std::move(at->second));  // keeps, and does not move from, a value of its own
    at->second.assign(value.begin(), value.end());
  } else {
    auto const added = rows.emplace_hint(at, Bytes(key.begin(), key.end()), Bytes(value.begin(), value.end()));
    before.try_emplace(added->first, std::nullopt);
  }
  return {};
}

Result<> MemoryStore::erase(Table table, ByteView key) {
  KITH_CHECK(writable(table));
  auto& rows = database_->rows_[index_of(table)];
  if (auto const found = rows.find(key); found != rows.end()) {
    database_->before_[index_of(table)].try_emplace(found->first, std::move(found->second));
    rows.erase(found);
  }
  return {};
}

Result<> MemoryStore::clear(Table table) {
  KITH_CHECK(writable(table));
  auto& rows = database_->rows_[index_of(table)];
  for (auto& [key, value] : rows) database_->before_[index_of(table)].try_emplace(key, std::move(value));
  rows.clear();
  return {};
}

template <class Walk>
Result<> MemoryStore::with_rows(Table table, KeyRange const& range, Walk const& walk) {
  KITH_CHECK(powered());
  if (range.empty()) return {};
  auto const walk_range = [&](Rows const& rows) {
    walk(rows.lower_bound(range.first), range.end ? rows.lower_bound(*range.end) : rows.end());
  };
  Counted const mine(scans_);
  if (!in_transaction() && !database_->before_[index_of(table)].empty()) {
    walk_range(database_->committed(table));  // rare on one thread: a read between another's begin and commit
  } else {
    Counted const all(database_->scans_[index_of(table)]);
    walk_range(database_->rows_[index_of(table)]);
  }
  return powered();
}

Result<> MemoryStore::scan(Table table, ByteView prefix, ByteView from, Visitor const& visit) {
  auto const range = scan_range(prefix, from);
  return with_rows(table, range, [&](auto row, auto end) {
    while (row != end && visit(row->first, row->second) == Next::go_on) ++row;
  });
}

Result<> MemoryStore::scan_back(Table table, ByteView prefix, ByteView from, Visitor const& visit) {
  auto const range = scan_back_range(prefix, from);
  return with_rows(table, range, [&](auto first, auto end) {
    for (std::reverse_iterator row{end}, last{first}; row != last; ++row) {
      if (visit(row->first, row->second) == Next::stop) return;
    }
  });
}

Result<std::uint64_t> MemoryStore::outside_changes() {
  KITH_CHECK(powered());
  return database_->commits_ - own_commits_;
}

}  // namespace kith::store
