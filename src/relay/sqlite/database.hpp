#pragma once

#include <concepts>
#include <cstdint>
#include <string>
#include <unordered_map>

#include "base/bytes.hpp"
#include "base/result.hpp"
#include "store/sqlite/connection.hpp"

namespace kith::relay::sqlite {

using store::sqlite::Access;
using store::sqlite::Connection;
using store::sqlite::Statement;

/// A prepared statement with its arguments, being stepped through. What it shows of a row lives until next().
class Query {
 public:
  Query(Connection const& connection, Statement const& statement) : connection_(&connection), statement_(&statement) {}
  Query(Query&& other) noexcept
      : connection_(other.connection_), statement_(std::exchange(other.statement_, nullptr)) {}
  Query& operator=(Query&&) = delete;
  ~Query();

  [[nodiscard]] Result<bool> next() { return connection_->step(*statement_); }
  [[nodiscard]] std::int64_t number(int column) const;
  [[nodiscard]] std::uint64_t unsigned_number(int column) const { return static_cast<std::uint64_t>(number(column)); }
  [[nodiscard]] ByteView blob(int column) const;
  [[nodiscard]] std::string text(int column) const;
  template <class Id>
  [[nodiscard]] Id id(int column) const {
    return Id::from(blob(column)).value_or(Id{});
  }

 private:
  Connection const* connection_;
  Statement const* statement_;
};

/// One connection and its statements, each prepared at its first use. Not thread-safe.
class Database {
 public:
  explicit Database(Connection connection) : connection_(std::move(connection)) {}

  /// @param sql  a literal: its address is what the statement is kept by
  /// @param arguments  numbers, byte strings and texts, in order; byte strings above kCopied bytes must outlive the
  /// query
  template <class... Arguments>
  [[nodiscard]] Result<Query> query(char const* sql, Arguments const&... arguments) {
    KITH_TRY(statement, prepared(sql));
    int index = 0;
    (bind(*statement, ++index, arguments), ...);
    return Query(connection_, *statement);
  }
  /// Runs a statement whose rows do not matter.
  template <class... Arguments>
  [[nodiscard]] Result<> run(char const* sql, Arguments const&... arguments) {
    KITH_TRY(running, query(sql, arguments...));
    for (;;) {
      KITH_TRY(row, running.next());
      if (!row) return {};
    }
  }
  /// The first column of the first row; 0 where there is none.
  template <class... Arguments>
  [[nodiscard]] Result<std::int64_t> number(char const* sql, Arguments const&... arguments) {
    KITH_TRY(running, query(sql, arguments...));
    KITH_TRY(row, running.next());
    return row ? running.number(0) : 0;
  }
  [[nodiscard]] Connection const& connection() const { return connection_; }

 private:
  static constexpr std::size_t kCopied = 256;

  [[nodiscard]] Result<Statement const*> prepared(char const* sql);
  static void bind(Statement const& statement, int index, ByteView bytes);
  static void bind(Statement const& statement, int index, Bytes const& bytes) {
    bind(statement, index, ByteView{bytes});
  }
  static void bind(Statement const& statement, int index, std::string const& text);
  static void bind_number(Statement const& statement, int index, std::int64_t number);
  template <std::integral T>
  static void bind(Statement const& statement, int index, T number) {
    bind_number(statement, index, static_cast<std::int64_t>(number));
  }

  Connection connection_;  // before its statements: they go first
  std::unordered_map<void const*, Statement> statements_;
};

}  // namespace kith::relay::sqlite
