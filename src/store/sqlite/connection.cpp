#include "store/sqlite/connection.hpp"

#include <cerrno>
#include <new>

#include <sqlite3.h>

#include "base/assert.hpp"

namespace kith::store::sqlite {

void CloseConnection::operator()(sqlite3* handle) const noexcept {
  KITH_ASSERT(sqlite3_close(handle) == SQLITE_OK);  // fails only while a statement is left
}

void FinalizeStatement::operator()(sqlite3_stmt* handle) const noexcept {
  sqlite3_finalize(handle);  // repeats the error of the last step, which was dealt with
}

Error error_of(int code, int number, std::filesystem::path const& path) {
  auto const made = [&](StoreError error) { return Error{error, SystemDetail{number, path.string()}}; };
  // A full disk comes as SQLITE_FULL when the database or its log grows, and as an errno from everything else: a new
  // file, the shared memory, a quota, a limit on the size of files.
  auto const no_room = number == ENOSPC || number == EDQUOT || number == EFBIG;
  auto const no_rights = number == EACCES || number == EPERM || number == EROFS;
  switch (code & 0xff) {
    case SQLITE_NOMEM: throw std::bad_alloc();
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
    case SQLITE_PROTOCOL: return made(StoreError::busy);  // PROTOCOL: gave up a race for the locks of the log
    case SQLITE_FULL: return Error{StoreError::disk_full, SystemDetail{number == 0 ? ENOSPC : number, path.string()}};
    case SQLITE_IOERR:
      if (code == SQLITE_IOERR_NOMEM) throw std::bad_alloc();
      if (code == SQLITE_IOERR_CORRUPTFS) return made(StoreError::corrupt);
      return made(no_room ? StoreError::disk_full : no_rights ? StoreError::read_only : StoreError::io);
    case SQLITE_CANTOPEN:
      if (code == SQLITE_CANTOPEN_SYMLINK) return Error{StoreError::io, SystemDetail{ELOOP, path.string()}};
      return made(no_room ? StoreError::disk_full : no_rights ? StoreError::read_only : StoreError::io);
    case SQLITE_READONLY:
      // DBMOVED: the file was deleted or replaced under us, so what we write would be lost.
      return made(code == SQLITE_READONLY_DBMOVED ? StoreError::io : StoreError::read_only);
    case SQLITE_PERM:
    case SQLITE_AUTH: return made(StoreError::read_only);
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
    case SQLITE_FORMAT:
    case SQLITE_ERROR:       // our statements are right, so the tables are not those that we made
    case SQLITE_SCHEMA:      // the same
    case SQLITE_CONSTRAINT:  // the same: ours cannot be violated
    case SQLITE_MISMATCH: return made(StoreError::corrupt);
    case SQLITE_MISUSE:
    case SQLITE_RANGE:
    case SQLITE_TOOBIG: KITH_ASSERT(false && "SQLite was called wrongly"); break;
    default: break;
  }
  return made(StoreError::io);
}

Error Connection::error(int code) const {
  // SQLite does not note the number of a write that fails inside COMMIT.
  auto const noted = sqlite3_system_errno(handle_.get());
  return error_of(code, noted != 0 ? noted : errno, path_);
}

Result<Connection> Connection::open(std::filesystem::path const& path, Access access,
                                    std::chrono::milliseconds busy_timeout) {
  Connection connection{path, busy_timeout};
  sqlite3* handle = nullptr;
  // NOMUTEX: one thread per connection. An absolute path never looks like an URI, which the library may be built to
  // read.
  auto const flags = (access == Access::read_only ? SQLITE_OPEN_READONLY : SQLITE_OPEN_READWRITE) |
                     SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_PRIVATECACHE | SQLITE_OPEN_NOFOLLOW | SQLITE_OPEN_EXRESCODE;
  errno = 0;  // what error() finds there is of this call
  auto const code = sqlite3_open_v2(path.c_str(), &handle, flags, nullptr);
  connection.handle_.reset(handle);  // there is one even on failure, to ask for the errno
  if (code != SQLITE_OK) {
    auto failure = connection.error(code);
    // Rights that are missing here are those to read it.
    if (failure.is(StoreError::read_only)) failure = Error{StoreError::io, failure.detail()};
    return fail(std::move(failure));
  }
  // Without the right to write the file, SQLite opens it for reading and says nothing.
  if (access == Access::read_write && sqlite3_db_readonly(handle, "main") == 1) {
    return fail(StoreError::read_only, SystemDetail{EACCES, path.string()});
  }
  sqlite3_busy_timeout(handle, static_cast<int>(busy_timeout.count()));
  // A file from elsewhere may hold a schema made to harm: nothing in it is run, and nothing writes the schema itself.
  sqlite3_db_config(handle, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, nullptr);
  sqlite3_db_config(handle, SQLITE_DBCONFIG_ENABLE_TRIGGER, 0, nullptr);
  sqlite3_db_config(handle, SQLITE_DBCONFIG_DEFENSIVE, 1, nullptr);
  return connection;
}

Result<> Connection::execute(char const* sql) const {
  errno = 0;  // what error() finds there is of this call
  if (auto const code = sqlite3_exec(handle_.get(), sql, nullptr, nullptr, nullptr); code != SQLITE_OK) {
    return fail(error(code));
  }
  return {};
}

Result<Statement> Connection::prepare(std::string const& sql) const {
  sqlite3_stmt* statement = nullptr;
  errno = 0;  // what error() finds there is of this call
  auto const code = sqlite3_prepare_v3(handle_.get(), sql.c_str(), static_cast<int>(sql.size() + 1),
                                       SQLITE_PREPARE_PERSISTENT, &statement, nullptr);
  if (code != SQLITE_OK) return fail(error(code));
  return Statement{statement};
}

Result<bool> Connection::step(Statement const& statement) const {
  errno = 0;  // what error() finds there is of this call
  auto const code = sqlite3_step(statement.get());
  if (code == SQLITE_ROW) return true;
  if (code == SQLITE_DONE) {
    sqlite3_reset(statement.get());
    return false;
  }
  auto failure = error(code);  // before the reset, which may touch errno
  sqlite3_reset(statement.get());
  return fail(std::move(failure));
}

Result<std::int64_t> Connection::number(std::string const& sql) const {
  KITH_TRY(statement, prepare(sql));
  KITH_TRY(row, step(statement));
  return row ? sqlite3_column_int64(statement.get(), 0) : 0;
}

Result<std::string> Connection::text(std::string const& sql) const {
  KITH_TRY(statement, prepare(sql));
  KITH_TRY(row, step(statement));
  auto const* const text = row ? sqlite3_column_text(statement.get(), 0) : nullptr;
  return text == nullptr ? std::string{} : std::string(reinterpret_cast<char const*>(text));
}

bool Connection::in_transaction() const { return sqlite3_get_autocommit(handle_.get()) == 0; }

}  // namespace kith::store::sqlite
