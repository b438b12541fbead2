#include "store/sqlite/sqlite_store.hpp"

#include <cerrno>
#include <fstream>
#include <iterator>

#include "base/limits.hpp"
#include "store/sqlite/sqlite_testing.hpp"
#include "store/store_contract_test.hpp"
#include "store/store_model_test.hpp"

namespace kith::store {
namespace {

class SqliteHarness {
 public:
  static constexpr double kModelScale = 1;  // of 100 sequences, the longest has 100 steps

  std::unique_ptr<Store> connect() {
    return opened(directory_ / "kith.db", OpenMode::create, {.busy_timeout = std::chrono::milliseconds{100}});
  }
  void crash() {}  // the connection ends without a commit; real crashes are in sqlite_process_test.cpp

 private:
  TempDir directory_;
};

INSTANTIATE_TYPED_TEST_SUITE_P(Sqlite, StoreContract, SqliteHarness);
INSTANTIATE_TYPED_TEST_SUITE_P(Sqlite, StoreModel, SqliteHarness);

constexpr std::size_t kPageBytes = 4096;

Bytes contents(std::filesystem::path const& path) {
  std::ifstream in{path, std::ios::binary};
  return {std::istreambuf_iterator<char>{in}, {}};
}

void write_file(std::filesystem::path const& path, ByteView bytes) {
  std::ofstream{path, std::ios::binary | std::ios::trunc} << text_of(bytes);
}

/// Some pages of several tables.
void fill(std::filesystem::path const& path) {
  auto const store = opened(path, OpenMode::create);
  ASSERT_TRUE(store->begin());
  for (std::uint32_t i = 0; i < 3000; ++i) {
    Bytes key;
    append_be(key, i);
    put(*store, Table::entries, key, Bytes(40, static_cast<std::uint8_t>(i)));
    if (i % 100 == 0) put(*store, Table::sealed, key, Bytes(20000, 7));
  }
  ASSERT_TRUE(store->commit());
}

/// Reads everything; the first error, if there is one.
Result<> read_all(std::filesystem::path const& path) {
  KITH_TRY(store, SqliteStore::open(path, OpenMode::existing));
  for (auto const table : kTables) {
    std::vector<Bytes> keys;
    KITH_CHECK(store->scan(table, {}, {}, [&](ByteView key, ByteView) {
      keys.emplace_back(key.begin(), key.end());
      return Store::Next::go_on;
    }));
    for (auto const& key : keys) KITH_CHECK(store->get(table, key));
  }
  return store->check_integrity();
}

TEST(SqliteStore, KeepsCommitsWhenReopened) {
  TempDir const directory;
  put_all(*opened(directory / "kith.db", OpenMode::create), Table::entries, {{1}, {2}});
  EXPECT_EQ(scanned(*opened(directory / "kith.db", OpenMode::existing), Table::entries), Hex({"01", "02"}));
  EXPECT_EQ(scanned(*opened(directory / "kith.db", OpenMode::create), Table::entries), Hex({"01", "02"}));
  EXPECT_TRUE(read_all(directory / "kith.db"));
}

TEST(SqliteStore, IsMadeOnlyWhenAskedTo) {
  TempDir const directory;
  for (auto const mode : {OpenMode::existing, OpenMode::read_only}) {
    EXPECT_TRUE(refusal(directory / "kith.db", mode).is(StoreError::not_found));
    EXPECT_EQ(refusal(directory / "kith.db", mode).subject(), (directory / "kith.db").string());
    EXPECT_FALSE(std::filesystem::exists(directory / "kith.db"));
    write_file(directory / "empty.db", {});  // as a creation that was killed leaves it
    EXPECT_TRUE(refusal(directory / "empty.db", mode).is(StoreError::not_found));
    EXPECT_TRUE(contents(directory / "empty.db").empty());
  }
  put_all(*opened(directory / "empty.db", OpenMode::create), Table::meta, {{1}});
  auto const nowhere = refusal(directory / "no/kith.db", OpenMode::create);
  EXPECT_TRUE(nowhere.is(StoreError::io));
  EXPECT_EQ(system_number(nowhere), ENOENT);
}

TEST(SqliteStore, ReadOnlyReadsAndNeverWrites) {
  TempDir const directory;
  auto const writer = opened(directory / "kith.db", OpenMode::create);
  put_all(*writer, Table::meta, {{1}});
  auto const reader = opened(directory / "kith.db", OpenMode::read_only);
  EXPECT_EQ(scanned(*reader, Table::meta), Hex({"01"}));
  EXPECT_TRUE(reader->begin().error().is(StoreError::read_only));
  EXPECT_FALSE(reader->in_transaction());
  auto const before = reader->outside_changes().value();
  put_all(*writer, Table::meta, {{2}});
  EXPECT_NE(reader->outside_changes().value(), before);
  EXPECT_EQ(scanned(*reader, Table::meta), Hex({"01", "02"}));
}

TEST(SqliteStore, FilesArePrivateWhateverTheUmask) {
  for (auto const mask : {0000U, 0022U, 0777U}) {
    TempDir const directory;
    auto const before = ::umask(mask);
    {
      auto const store = opened(directory / "kith.db", OpenMode::create);
      put_all(*store, Table::meta, {{1}});
      for (auto const* name : {"kith.db", "kith.db-wal", "kith.db-shm"}) {
        EXPECT_EQ(mode_of(directory / name), 0600U) << name << " under umask " << mask;
      }
    }
    ::umask(before);
  }
}

TEST(SqliteStore, FollowsLinksToDirectoriesOnly) {
  TempDir const directory;
  std::filesystem::create_directory(directory / "real");
  std::filesystem::create_directory_symlink(directory / "real", directory / "link");
  put_all(*opened(directory / "link/kith.db", OpenMode::create), Table::meta, {{1}});
  std::filesystem::create_symlink(directory / "real/kith.db", directory / "kith.db");
  std::filesystem::create_symlink(directory / "real/none.db", directory / "dangling.db");
  for (auto const mode : {OpenMode::create, OpenMode::existing, OpenMode::read_only}) {
    for (auto const* name : {"kith.db", "dangling.db"}) {
      auto const refused = refusal(directory / name, mode);
      EXPECT_TRUE(refused.is(StoreError::io)) << name << " " << refused.name();
      EXPECT_EQ(system_number(refused), ELOOP);
    }
  }
  EXPECT_FALSE(std::filesystem::exists(directory / "real/none.db"));
}

TEST(SqliteStore, WhatIsNoDatabaseIsCorrupt) {
  TempDir const directory;
  write_file(directory / "text.db", bytes_of(std::string(20000, 'x')));
  write_file(directory / "short.db", bytes_of("xx"));  // a single byte counts as empty, as SQLite has it
  for (auto const* name : {"text.db", "short.db"}) {
    auto const before = contents(directory / name);
    for (auto const mode : {OpenMode::create, OpenMode::existing, OpenMode::read_only}) {
      EXPECT_TRUE(refusal(directory / name, mode).is(StoreError::corrupt)) << name;
    }
    EXPECT_EQ(contents(directory / name), before);
  }
  std::filesystem::create_directory(directory / "directory.db");
  EXPECT_TRUE(refusal(directory / "directory.db", OpenMode::create).is(StoreError::io));
}

TEST(SqliteStore, AnotherProgramsDatabaseIsLeftAlone) {
  TempDir const directory;
  write_file(directory / "other.db", {});
  {
    auto const other = sqlite::Connection::open(directory / "other.db", sqlite::Access::read_write, {});
    ASSERT_TRUE(other);
    ASSERT_TRUE(other->execute("CREATE TABLE recipes(name TEXT); PRAGMA user_version=1"));
  }
  auto const before = contents(directory / "other.db");
  EXPECT_TRUE(refusal(directory / "other.db", OpenMode::create).is(StoreError::corrupt));
  EXPECT_EQ(contents(directory / "other.db"), before);
}

TEST(SqliteStore, ACutOffFileIsCorrupt) {
  TempDir const directory;
  fill(directory / "kith.db");
  auto const whole = contents(directory / "kith.db");
  ASSERT_GT(whole.size(), 100 * kPageBytes);
  for (auto const size : {std::size_t{2}, std::size_t{99}, std::size_t{100}, std::size_t{511}, std::size_t{512},
                          kPageBytes - 1, kPageBytes, kPageBytes + 1, whole.size() / 2, whole.size() - kPageBytes}) {
    write_file(directory / "cut.db", ByteView{whole}.first(size));
    auto const read = read_all(directory / "cut.db");
    ASSERT_FALSE(read) << size;
    EXPECT_TRUE(read.error().is(StoreError::corrupt)) << size << " " << read.error().name();
  }
}

TEST(SqliteStore, ADamagedPageIsCorruptAndNoCrash) {
  TempDir const directory;
  fill(directory / "kith.db");
  auto const whole = contents(directory / "kith.db");
  for (std::size_t page = 1; page < whole.size() / kPageBytes;
       ++page) {  // SQLite would not know its file without the first
    auto damaged = whole;
    for (std::size_t i = 0; i < 64; ++i) damaged[page * kPageBytes + i] ^= static_cast<std::uint8_t>(i * 37 + page + 1);
    write_file(directory / "damaged.db", damaged);
    auto const read = read_all(directory / "damaged.db");
    // Overflow pages begin with the number of the next one, all others with their kind: both are noticed.
    ASSERT_FALSE(read) << page;
    EXPECT_TRUE(read.error().is(StoreError::corrupt)) << page << " " << read.error().name();
  }
}

TEST(SqliteStore, AMissingTableIsCorrupt) {
  TempDir const directory;
  fill(directory / "kith.db");
  {
    auto const other = sqlite::Connection::open(directory / "kith.db", sqlite::Access::read_write, {});
    ASSERT_TRUE(other);
    ASSERT_TRUE(other->execute("DROP TABLE items"));
  }
  auto const store = opened(directory / "kith.db", OpenMode::existing);
  EXPECT_TRUE(store->get(Table::items, kOne).error().is(StoreError::corrupt));
  ASSERT_TRUE(store->begin());
  put(*store, Table::meta, kOne, kOne);
  EXPECT_TRUE(store->put(Table::items, kOne, kOne).error().is(StoreError::corrupt));
  // The error voids the transaction, whatever follows it.
  EXPECT_TRUE(store->in_transaction());
  EXPECT_TRUE(store->put(Table::meta, kOne, kOne).error().is(StoreError::corrupt));
  EXPECT_TRUE(store->get(Table::meta, kOne).error().is(StoreError::corrupt));
  EXPECT_TRUE(store->commit().error().is(StoreError::corrupt));
  EXPECT_FALSE(store->in_transaction());
  EXPECT_EQ(got(*store, Table::meta, kOne), std::nullopt);
  put_all(*store, Table::meta, {{2}});
}

TEST(SqliteStore, AFailureInsideAScanEndsItAndVoidsTheTransaction) {
  TempDir const directory;
  fill(directory / "kith.db");
  {
    auto const other = sqlite::Connection::open(directory / "kith.db", sqlite::Access::read_write, {});
    ASSERT_TRUE(other);
    ASSERT_TRUE(other->execute("DROP TABLE items"));
  }
  auto const store = opened(directory / "kith.db", OpenMode::existing);
  ASSERT_TRUE(store->begin());
  put(*store, Table::meta, kOne, kOne);
  int visits = 0;
  auto const scan = store->scan(Table::entries, {}, {}, [&](ByteView key, ByteView value) {
    ++visits;
    EXPECT_FALSE(store->put(Table::items, key, value));
    return Store::Next::go_on;
  });
  ASSERT_FALSE(scan);
  EXPECT_TRUE(scan.error().is(StoreError::corrupt));
  EXPECT_EQ(visits, 1);
  store->rollback();
  EXPECT_EQ(got(*store, Table::meta, kOne), std::nullopt);
  EXPECT_EQ(scanned(*store, Table::entries).size(), 3000U);
}

TEST(SqliteStore, TheLogShrinksAfterALongTransaction) {
  TempDir const directory;
  auto const store = opened(directory / "kith.db", OpenMode::create);
  ASSERT_TRUE(store->begin());
  for (std::uint8_t i = 0; i < 60; ++i) put(*store, Table::blobs, Bytes{i}, Bytes(kLimits.max_chunk_bytes, i));
  ASSERT_TRUE(store->commit());
  EXPECT_GT(std::filesystem::file_size(directory / "kith.db-wal"), 30'000'000U);
  for (std::uint8_t i = 0; i < 3; ++i) put_all(*store, Table::meta, {{i}});
  EXPECT_LE(std::filesystem::file_size(directory / "kith.db-wal"), 8U * 1024 * 1024);
}

TEST(SqliteStore, ErasedRowsLeaveTheFile) {
  TempDir const directory;
  auto const secret = bytes_of("a value that was erased");
  {
    auto const store = opened(directory / "kith.db", OpenMode::create);
    ASSERT_TRUE(store->begin());
    put(*store, Table::epochs, kOne, secret);
    ASSERT_TRUE(store->commit());
    ASSERT_TRUE(store->begin());
    ASSERT_TRUE(store->erase(Table::epochs, kOne));
    ASSERT_TRUE(store->commit());
  }
  auto const file = contents(directory / "kith.db");
  EXPECT_EQ(std::search(file.begin(), file.end(), secret.begin(), secret.end()), file.end());
}

TEST(SqliteStoreDeathTest, OurOwnBugsStopTheProgram) {
  TempDir const directory;
  auto const store = opened(directory / "kith.db", OpenMode::create);
  EXPECT_DEATH((void)store->put(Table::meta, kOne, kOne), "in_transaction");
  ASSERT_TRUE(store->begin());
  EXPECT_DEATH((void)store->begin(), "in_transaction");
  put(*store, Table::meta, kOne, kOne);
  auto const visit = [&](auto call) {
    (void)store->scan(Table::meta, {}, {}, [&](ByteView, ByteView) {
      call();
      return Store::Next::go_on;
    });
  };
  EXPECT_DEATH(visit([&] { (void)store->put(Table::meta, kOne, {}); }), "running_scans");
  EXPECT_DEATH(visit([&] { (void)store->commit(); }), "running_scans");
  EXPECT_DEATH(visit([&] { store->rollback(); }), "running_scans");
}

}  // namespace
}  // namespace kith::store
