#pragma once

#include <chrono>
#include <filesystem>
#include <memory>
#include <string>

#include "store/store.hpp"

struct sqlite3;
struct sqlite3_stmt;

namespace kith::store::sqlite {

struct CloseConnection {
  void operator()(sqlite3* handle) const noexcept;
};
struct FinalizeStatement {
  void operator()(sqlite3_stmt* handle) const noexcept;
};
using Statement = std::unique_ptr<sqlite3_stmt, FinalizeStatement>;

enum class Access { read_write, read_only };

/// One SQLite connection: result codes become Errors here, and nowhere else. What SQLite cannot do for lack of memory
/// throws std::bad_alloc. Not thread-safe.
class Connection {
 public:
  /// Opens a file that exists. A symbolic link is refused, as a last part of the path; in the directories it is not.
  /// @param path  absolute, of the directory's real name
  [[nodiscard]] static Result<Connection> open(std::filesystem::path const& path, Access access,
                                               std::chrono::milliseconds busy_timeout);

  /// Runs statements that return nothing that matters.
  [[nodiscard]] Result<> execute(char const* sql) const;
  [[nodiscard]] Result<Statement> prepare(std::string const& sql) const;
  /// @return whether there is a row; without one, or with an error, the statement is ready to run again
  [[nodiscard]] Result<bool> step(Statement const& statement) const;

  /// The first column of the only row, for pragmas and counts.
  [[nodiscard]] Result<std::int64_t> number(std::string const& sql) const;
  [[nodiscard]] Result<std::string> text(std::string const& sql) const;

  /// False also after SQLite has rolled a transaction back by itself.
  [[nodiscard]] bool in_transaction() const;
  [[nodiscard]] std::filesystem::path const& path() const { return path_; }
  [[nodiscard]] std::chrono::milliseconds busy_timeout() const { return busy_timeout_; }

 private:
  Connection(std::filesystem::path path, std::chrono::milliseconds busy_timeout)
      : path_(std::move(path)), busy_timeout_(busy_timeout) {}
  [[nodiscard]] Error error(int code) const;

  std::filesystem::path path_;
  std::chrono::milliseconds busy_timeout_;
  std::unique_ptr<sqlite3, CloseConnection> handle_;
};

/// What an extended SQLite result code means here.
/// @param number  errno at the failing call, 0 if unknown (https://sqlite.org/c3ref/system_errno.html)
[[nodiscard]] Error error_of(int code, int number, std::filesystem::path const& path);

}  // namespace kith::store::sqlite
