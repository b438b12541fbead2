#include "relay/sqlite/sqlite_relay_store.hpp"

#include <cerrno>
#include <mutex>
#include <utility>

#include <fcntl.h>
#include <unistd.h>

#include "relay/sqlite/place.hpp"
#include "relay/sqlite/schema.hpp"
#include "relay/sqlite/writes.hpp"
#include "store/sqlite/database_file.hpp"
#include "store/store.hpp"

namespace kith::relay {
namespace {

using sqlite::Access;
using sqlite::Connection;
using sqlite::Database;
using sqlite::ObjectFiles;
using sqlite::Totals;
using store::StoreError;

constexpr auto kBusyTimeout = std::chrono::seconds{10};

Refused refused(Error const& error) {
  return {error.is(StoreError::disk_full) ? Refusal::storage_full : Refusal::internal, 0, std::nullopt};
}

Result<Database> connect(std::filesystem::path const& path, Access access) {
  KITH_TRY(connection, Connection::open(path, access, kBusyTimeout));
  KITH_CHECK(sqlite::configure(connection));
  return Database(std::move(connection));
}

template <class Task>
concept OnlyReading = requires(sqlite::Reads& reads, Task const& task) {
  reads.answer(task, WallTime{});
};

/// Requests that only read, on a connection that can do nothing else.
class Reader final : public RelayStore {
 public:
  Reader(Database database, ObjectFiles files) : database_(std::move(database)), files_(std::move(files)) {}

  std::vector<StoreReply> work(std::span<StoreRequest const> requests) override {
    std::vector<StoreReply> replies;
    replies.reserve(requests.size());
    for (auto const& request : requests) {
      auto answer = std::visit(
          [&]<class Task>(Task const& task) -> Result<StoreAnswer> {
            if constexpr (OnlyReading<Task>) {
              return reads_.answer(task, request.wall);
            } else {
              return Refused{Refusal::internal, 0, std::nullopt};
            }
          },
          request.task);
      replies.push_back({request.ticket, answer ? std::move(*answer) : StoreAnswer{refused(answer.error())}});
    }
    return replies;
  }
  void change(StoreLimits const&) override {}

 private:
  Database database_;
  ObjectFiles files_;
  sqlite::Reads reads_{database_, files_};
};

Result<> sync_file(std::filesystem::path const& path, int flags) {
  int const file = ::open(path.c_str(), flags | O_CLOEXEC);
  bool const synced = file >= 0 && ::fsync(file) == 0;
  auto const number = errno;
  if (file >= 0) ::close(file);
  return synced ? Result<>{} : fail(StoreError::io, SystemDetail{number, path.string()});
}

}  // namespace

struct SqliteRelayStore::Impl {
  Impl(Database writer, Database second, ObjectFiles object_files, StoreLimits const& limits_now, RandomSource& random)
      : database(std::move(writer)),
        checkpointer(std::move(second)),
        files(std::move(object_files)),
        limits(limits_now),
        reads(database, files),
        writes(database, reads, files, random) {}

  [[nodiscard]] Result<> load_totals();
  [[nodiscard]] Result<> match_objects();
  [[nodiscard]] std::uint64_t wal_bytes() const;
  [[nodiscard]] Result<std::uint64_t> disk_bytes();
  [[nodiscard]] Result<StoreAnswer> answer(StoreRequest const& request);
  [[nodiscard]] Result<std::vector<StoreReply>> attempt(std::span<StoreRequest const> requests);
  [[nodiscard]] std::vector<StoreReply> after_failure(std::span<StoreRequest const> requests, Error const& error);

  Database database;
  Database checkpointer;
  ObjectFiles files;
  StoreLimits limits;
  sqlite::Reads reads;
  sqlite::Writes writes;
  Totals totals;
  std::mutex mutable figures_mutex;
  StoreFigures figures;
};

SqliteRelayStore::SqliteRelayStore(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
SqliteRelayStore::~SqliteRelayStore() = default;

Result<std::unique_ptr<SqliteRelayStore>> SqliteRelayStore::open(std::filesystem::path const& path,
                                                                 StoreLimits const& limits, RandomSource& random) {
  KITH_TRY(real, store::sqlite::make_file(path));
  KITH_TRY(connection, Connection::open(real, Access::read_write, kBusyTimeout));
  KITH_CHECK(sqlite::prepare_schema(connection));
  KITH_CHECK(sqlite::configure(connection));
  Database writer(std::move(connection));
  KITH_CHECK(sqlite::upgrade_schema(writer));
  KITH_CHECK(sqlite::notice_move(writer, random));
  KITH_TRY(checkpointer, connect(real, Access::read_write));
  auto directory = real;
  KITH_TRY(files, ObjectFiles::open(directory.replace_extension("objects")));
  auto impl = std::make_unique<Impl>(std::move(writer), std::move(checkpointer), std::move(files), limits, random);
  KITH_CHECK(impl->load_totals());
  KITH_CHECK(impl->match_objects());
  return std::unique_ptr<SqliteRelayStore>(new SqliteRelayStore(std::move(impl)));
}

Result<> SqliteRelayStore::Impl::load_totals() {
  KITH_TRY(row, database.query("SELECT groups,items,bytes,objects,object_bytes FROM total"));
  KITH_TRY(there, row.next());
  if (!there) return fail(StoreError::corrupt, SystemDetail{0, database.connection().path().string()});
  totals = {row.unsigned_number(0), row.unsigned_number(1), row.unsigned_number(2), row.unsigned_number(3),
            row.unsigned_number(4)};
  std::scoped_lock const lock(figures_mutex);
  figures = {totals.groups, totals.items, totals.bytes, totals.objects, totals.object_bytes, wal_bytes(), 0};
  return {};
}

/// After a crash there may be files without a row; after a backup was put back, rows without a file.
Result<> SqliteRelayStore::Impl::match_objects() {
  auto orphans = files.names();
  struct Lost {
    std::int64_t o, group, total;
  };
  std::vector<Lost> lost;
  {
    KITH_TRY(rows, database.query("SELECT o,g,total,file FROM object"));
    for (;;) {
      KITH_TRY(row, rows.next());
      if (!row) break;
      if (orphans.erase(rows.text(3)) == 0) lost.push_back({rows.number(0), rows.number(1), rows.number(2)});
    }
  }
  for (auto const& name : orphans) files.remove(name);
  if (lost.empty()) return {};
  KITH_CHECK(database.connection().execute("BEGIN IMMEDIATE"));
  KITH_TRY(stored, disk_bytes());
  writes.begin(limits, totals, stored);
  Result<> done;
  for (auto const& object : lost) {
    if (done)
      done = writes.forget_object({static_cast<std::uint64_t>(object.group)}, object.o,
                                  static_cast<std::uint64_t>(object.total));
  }
  if (done) done = writes.flush();
  if (done) done = database.connection().execute("COMMIT");
  if (!done) {
    if (database.connection().in_transaction()) (void)database.connection().execute("ROLLBACK");
    writes.abandoned();
    return done;
  }
  writes.committed();
  return load_totals();
}

std::uint64_t SqliteRelayStore::Impl::wal_bytes() const {
  std::error_code error;
  auto const size = std::filesystem::file_size(database.connection().path().string() + "-wal", error);
  return error ? 0 : size;
}

Result<std::uint64_t> SqliteRelayStore::Impl::disk_bytes() {
  KITH_TRY(pages, database.number("PRAGMA page_count"));
  KITH_TRY(unused, database.number("PRAGMA freelist_count"));
  KITH_TRY(page_size, database.number("PRAGMA page_size"));
  return static_cast<std::uint64_t>((pages - unused) * page_size) + wal_bytes() + totals.object_bytes;
}

Result<StoreAnswer> SqliteRelayStore::Impl::answer(StoreRequest const& request) {
  return std::visit(
      [&]<class Task>(Task const& task) -> Result<StoreAnswer> {
        if constexpr (OnlyReading<Task>) {
          KITH_CHECK(writes.flush());
          return reads.answer(task, request.wall);
        } else {
          return writes.answer(task, request.wall);
        }
      },
      request.task);
}

Result<std::vector<StoreReply>> SqliteRelayStore::Impl::attempt(std::span<StoreRequest const> requests) {
  KITH_CHECK(database.run("BEGIN IMMEDIATE"));
  KITH_TRY(stored, disk_bytes());
  writes.begin(limits, totals, stored);
  std::vector<StoreReply> replies;
  replies.reserve(requests.size());
  for (auto const& request : requests) {
    KITH_TRY(one, answer(request));
    replies.push_back({request.ticket, std::move(one)});
  }
  KITH_CHECK(writes.flush());
  KITH_CHECK(database.run("COMMIT"));
  totals = writes.totals();
  writes.committed();
  std::scoped_lock const lock(figures_mutex);
  figures = {totals.groups, totals.items, totals.bytes, totals.objects, totals.object_bytes, wal_bytes(), stored};
  return replies;
}

/// Nothing was kept: who would have changed something is told so, and who only asked is answered from what there is.
std::vector<StoreReply> SqliteRelayStore::Impl::after_failure(std::span<StoreRequest const> requests,
                                                              Error const& error) {
  // SQLite has rolled back by itself after some errors, and not after others.
  if (database.connection().in_transaction()) (void)database.connection().execute("ROLLBACK");
  writes.abandoned();
  writes.begin(limits, totals, 0);
  std::vector<StoreReply> replies;
  replies.reserve(requests.size());
  for (auto const& request : requests) {
    bool const asks = only_reads(request.task) || std::holds_alternative<OpenMember>(request.task);
    auto found = asks ? answer(request) : Result<StoreAnswer>(refused(error));
    replies.push_back({request.ticket, found ? std::move(*found) : StoreAnswer{refused(found.error())}});
  }
  writes.abandoned();  // what was kept of rows is of no transaction
  return replies;
}

std::vector<StoreReply> SqliteRelayStore::work(std::span<StoreRequest const> requests) {
  auto replies = impl_->attempt(requests);
  return replies ? std::move(*replies) : impl_->after_failure(requests, replies.error());
}

void SqliteRelayStore::change(StoreLimits const& limits) { impl_->limits = limits; }

Result<std::unique_ptr<RelayStore>> SqliteRelayStore::open_reader() const {
  KITH_TRY(database, connect(impl_->database.connection().path(), Access::read_only));
  return std::make_unique<Reader>(std::move(database), impl_->files);
}

Result<> SqliteRelayStore::checkpoint() {
  bool const is_long = impl_->wal_bytes() > kLongLogBytes;
  KITH_CHECK(impl_->checkpointer.run(is_long ? "PRAGMA wal_checkpoint(RESTART)" : "PRAGMA wal_checkpoint(PASSIVE)"));
  std::scoped_lock const lock(impl_->figures_mutex);
  impl_->figures.wal_bytes = impl_->wal_bytes();
  return {};
}

Result<> SqliteRelayStore::backup(std::filesystem::path const& to) const {
  // SQLite fills an empty file: made here, it is new, nobody else can read it, and what hinders is said of it.
  int const made = ::open(to.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  if (made < 0) return fail(store::StoreError::read_only, SystemDetail{errno, to.string()});
  ::close(made);
  KITH_TRY(database, connect(impl_->database.connection().path(), Access::read_only));
  if (auto copied = database.run("VACUUM INTO ?1", to.string()); !copied) {
    ::unlink(to.c_str());
    return copied;
  }
  KITH_CHECK(sync_file(to, O_RDONLY));
  return sync_file(to.has_parent_path() ? to.parent_path() : ".", O_RDONLY | O_DIRECTORY);
}

StoreFigures SqliteRelayStore::figures() const {
  std::scoped_lock const lock(impl_->figures_mutex);
  return impl_->figures;
}

}  // namespace kith::relay
