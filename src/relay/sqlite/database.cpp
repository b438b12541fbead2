#include "relay/sqlite/database.hpp"

#include <sqlite3.h>

#include "base/assert.hpp"

namespace kith::relay::sqlite {

Query::~Query() {
  if (statement_ == nullptr) return;
  sqlite3_reset(statement_->get());
  sqlite3_clear_bindings(statement_->get());
}

std::int64_t Query::number(int column) const { return sqlite3_column_int64(statement_->get(), column); }

ByteView Query::blob(int column) const {
  auto const* const data = static_cast<std::uint8_t const*>(sqlite3_column_blob(statement_->get(), column));
  auto const size = static_cast<std::size_t>(sqlite3_column_bytes(statement_->get(), column));
  return data == nullptr ? ByteView{} : ByteView{data, size};
}

std::string Query::text(int column) const { return std::string(text_of(blob(column))); }

Result<Statement const*> Database::prepared(char const* sql) {
  auto& kept = statements_[sql];
  if (!kept) {
    KITH_TRY(made, connection_.prepare(sql));
    kept = std::move(made);
  }
  return &kept;
}

void Database::bind(Statement const& statement, int index, ByteView bytes) {
  // A null pointer would be NULL.
  static constexpr std::uint8_t kNothing = 0;
  auto const* const data = bytes.empty() ? &kNothing : bytes.data();
  // The destructor argument is a pointer that SQLite compares with small numbers: its own macros are such casts.
  auto const code = sqlite3_bind_blob64(statement.get(), index, data, bytes.size(),
                                        bytes.size() <= kCopied ? SQLITE_TRANSIENT : SQLITE_STATIC);  // NOLINT
  KITH_ASSERT(code == SQLITE_OK);
}

void Database::bind(Statement const& statement, int index, std::string const& text) {
  auto const code = sqlite3_bind_text(statement.get(), index, text.data(), static_cast<int>(text.size()),
                                      SQLITE_TRANSIENT);  // NOLINT
  KITH_ASSERT(code == SQLITE_OK);
}

void Database::bind_number(Statement const& statement, int index, std::int64_t number) {
  KITH_ASSERT(sqlite3_bind_int64(statement.get(), index, number) == SQLITE_OK);
}

}  // namespace kith::relay::sqlite
