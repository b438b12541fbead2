// What only separate processes can show: kills, races, full disks and missing rights.
#include <cerrno>
#include <csignal>
#include <fstream>

#include <fcntl.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/resource.h>

#include "base/limits.hpp"
#include "store/sqlite/sqlite_testing.hpp"
#include "store/store_contract_test.hpp"

namespace kith::store {
namespace {

constexpr auto kNobody = 65534;

Bytes number_bytes(std::uint64_t number) {
  Bytes bytes;
  append_be(bytes, number);
  return bytes;
}
std::uint64_t number_at(Store& store, Table table, ByteView key) {
  auto const value = store.get(table, key);
  return value && *value ? load_be<std::uint64_t>((*value)->data()) : 0;
}

class SqliteProcess : public testing::Test {
 protected:
  TempDir directory_;
  std::filesystem::path file_ = directory_ / "kith.db";
};

TEST_F(SqliteProcess, AKillInsideATransactionLeavesTheLastCommit) {
  put_all(*opened(file_, OpenMode::create), Table::entries, {{1}});
  int ready[2];
  ASSERT_EQ(::pipe(ready), 0);
  auto const child = start_child([&] {
    auto const store = opened(file_, OpenMode::existing);
    KITH_CHILD_CHECK(store->begin());
    KITH_CHILD_CHECK(store->clear(Table::entries));
    // More than the cache holds: some of it is in the log already.
    for (std::uint8_t i = 0; i < 40; ++i)
      KITH_CHILD_CHECK(store->put(Table::blobs, Bytes{i}, Bytes(kLimits.max_chunk_bytes, i)));
    KITH_CHILD_CHECK(::write(ready[1], "x", 1) == 1);
    ::pause();
    return 0;
  });
  char byte = 0;
  ASSERT_EQ(::read(ready[0], &byte, 1), 1);
  EXPECT_GT(std::filesystem::file_size(directory_ / "kith.db-wal"), 5'000'000U);
  ::kill(child, SIGKILL);
  EXPECT_EQ(wait_for(child), 128 + SIGKILL);
  ::close(ready[0]);
  ::close(ready[1]);
  auto const store = opened(file_, OpenMode::existing);
  EXPECT_EQ(scanned(*store, Table::entries), Hex({"01"}));
  EXPECT_EQ(scanned(*store, Table::blobs), Hex{});
  EXPECT_TRUE(store->check_integrity());
  put_all(*store, Table::entries, {{2}});
}

TEST_F(SqliteProcess, KillsAtAnyMomentLoseNoAcknowledgedCommitAndHalveNone) {
  { auto const store = opened(file_, OpenMode::create); }
  std::uint64_t acknowledged = 0;
  for (int round = 0; round < 20; ++round) {
    int acks[2];
    ASSERT_EQ(::pipe(acks), 0);
    auto const child = start_child([&] {
      auto const store = opened(file_, OpenMode::existing);
      for (auto n = number_at(*store, Table::meta, kOne) + 1;; ++n) {
        KITH_CHILD_CHECK(store->begin());
        KITH_CHILD_CHECK(store->put(Table::meta, kOne, number_bytes(n)));
        KITH_CHILD_CHECK(store->put(Table::sealed, number_bytes(n), Bytes(30000, 1)));
        KITH_CHILD_CHECK(store->put(Table::entries, kOne, number_bytes(n)));
        KITH_CHILD_CHECK(store->commit());
        KITH_CHILD_CHECK(::write(acks[1], &n, sizeof n) == sizeof n);
      }
    });
    ::close(acks[1]);
    for (int i = 0; i <= round; ++i) {
      ASSERT_EQ(::read(acks[0], &acknowledged, sizeof acknowledged), static_cast<ssize_t>(sizeof acknowledged));
    }
    ::usleep(static_cast<::useconds_t>(round * 137));
    ::kill(child, SIGKILL);
    EXPECT_EQ(wait_for(child), 128 + SIGKILL);
    while (::read(acks[0], &acknowledged, sizeof acknowledged) > 0) continue;
    ::close(acks[0]);
    auto const store = opened(file_, OpenMode::existing);
    auto const found = number_at(*store, Table::meta, kOne);
    EXPECT_GE(found, acknowledged);
    EXPECT_LE(found, acknowledged + 1);
    EXPECT_EQ(number_at(*store, Table::entries, kOne), found);
    EXPECT_EQ(scanned(*store, Table::sealed).size(), found);
  }
  EXPECT_TRUE(opened(file_, OpenMode::existing)->check_integrity());
}

TEST_F(SqliteProcess, TwoWritersLoseNoIncrement) {
  { auto const store = opened(file_, OpenMode::create); }
  auto const increment = [&] {
    auto const store = opened(file_, OpenMode::existing);
    for (int i = 0; i < 200; ++i) {
      KITH_CHILD_CHECK(store->begin());
      KITH_CHILD_CHECK(store->put(Table::meta, kOne, number_bytes(number_at(*store, Table::meta, kOne) + 1)));
      KITH_CHILD_CHECK(store->commit());
    }
    return 0;
  };
  auto const one = start_child(increment);
  auto const two = start_child(increment);
  EXPECT_EQ(wait_for(one), 0);
  EXPECT_EQ(wait_for(two), 0);
  EXPECT_EQ(number_at(*opened(file_, OpenMode::existing), Table::meta, kOne), 400U);
}

TEST_F(SqliteProcess, ManyMayMakeTheFileAtOnce) {
  for (int round = 0; round < 5; ++round) {
    auto const file = directory_.path() / ("race" + std::to_string(round));
    int start[2];  // closed by the parent when all are there
    ASSERT_EQ(::pipe(start), 0);
    std::vector<::pid_t> children;
    for (std::uint8_t i = 0; i < 6; ++i) {
      children.push_back(start_child([&] {
        char byte = 0;
        ::close(start[1]);
        KITH_CHILD_CHECK(::read(start[0], &byte, 1) == 0);
        auto const store = opened(file, OpenMode::create);
        KITH_CHILD_CHECK(store->begin());
        KITH_CHILD_CHECK(store->put(Table::meta, Bytes{i}, {}));
        KITH_CHILD_CHECK(store->commit());
        return 0;
      }));
    }
    ::close(start[0]);
    ::close(start[1]);
    for (auto const child : children) EXPECT_EQ(wait_for(child), 0);
    EXPECT_EQ(scanned(*opened(file, OpenMode::existing), Table::meta).size(), 6U);
  }
}

TEST_F(SqliteProcess, WaitsForAnotherMakerOfTheFile) {
  std::ofstream{file_} << "";
  int start[2];
  ASSERT_EQ(::pipe(start), 0);
  // Started first: SQLite knows its own process's locks from a table that a child would inherit.
  auto const child = start_child([&] {
    char byte = 0;
    KITH_CHILD_CHECK(::read(start[0], &byte, 1) == 1);
    auto const store = opened(file_, OpenMode::create);
    return 0;
  });
  auto const other = sqlite::Connection::open(file_, sqlite::Access::read_write, {});
  ASSERT_TRUE(other);
  ASSERT_TRUE(other->execute("BEGIN IMMEDIATE"));
  ASSERT_EQ(::write(start[1], "x", 1), 1);
  ::usleep(200'000);
  EXPECT_EQ(::waitpid(child, nullptr, WNOHANG), 0) << "it did not wait";
  ASSERT_TRUE(other->execute("ROLLBACK"));
  EXPECT_EQ(wait_for(child), 0);
  ::close(start[0]);
  ::close(start[1]);
}

/// Fills the room that is left, small transactions and large ones, and checks what a full disk does to a store.
int fill_up(SqliteStore& store) {
  KITH_CHILD_CHECK(store.begin());
  KITH_CHILD_CHECK(store.put(Table::meta, kOne, bytes_of("before")));
  KITH_CHILD_CHECK(store.commit());

  // Larger than the cache, so that a put fails, and later calls with it.
  KITH_CHILD_CHECK(store.begin());
  KITH_CHILD_CHECK(store.put(Table::meta, kOne, bytes_of("lost")));
  Result<> result;
  for (std::uint8_t i = 0; result && i < 100; ++i)
    result = store.put(Table::blobs, Bytes{i}, Bytes(kLimits.max_chunk_bytes, i));
  KITH_CHILD_CHECK(!result && result.error().is(StoreError::disk_full));
  KITH_CHILD_CHECK(store.in_transaction());
  KITH_CHILD_CHECK(store.put(Table::meta, Bytes{2}, {}).error().is(StoreError::disk_full));
  KITH_CHILD_CHECK(store.get(Table::meta, kOne).error().is(StoreError::disk_full));
  KITH_CHILD_CHECK(store.commit().error().is(StoreError::disk_full));
  KITH_CHILD_CHECK(!store.in_transaction());

  // Small enough for the cache, so that a commit fails.
  std::uint64_t commits = 0;
  for (result = {}; result && commits < 10000;) {
    KITH_CHILD_CHECK(store.begin());
    KITH_CHILD_CHECK(store.put(Table::meta, Bytes{3}, number_bytes(commits + 1)));
    KITH_CHILD_CHECK(store.put(Table::sealed, number_bytes(commits + 1), Bytes(60000, 5)));
    result = store.commit();
    if (result) ++commits;
  }
  KITH_CHILD_CHECK(!result && result.error().is(StoreError::disk_full));
  KITH_CHILD_CHECK(system_number(result.error()) == ENOSPC || system_number(result.error()) == EFBIG);
  KITH_CHILD_CHECK(!store.in_transaction());

  KITH_CHILD_CHECK(text_of(**store.get(Table::meta, kOne)) == "before");
  KITH_CHILD_CHECK(number_at(store, Table::meta, Bytes{3}) == commits);
  KITH_CHILD_CHECK(scanned(store, Table::sealed).size() == commits);
  KITH_CHILD_CHECK(scanned(store, Table::blobs).empty());
  KITH_CHILD_CHECK(store.check_integrity());
  return 0;
}

int works_again(SqliteStore& store) {
  KITH_CHILD_CHECK(store.begin());
  for (std::uint8_t i = 0; i < 20; ++i) KITH_CHILD_CHECK(store.put(Table::blobs, Bytes{i}, Bytes(100'000, i)));
  KITH_CHILD_CHECK(store.commit());
  KITH_CHILD_CHECK(scanned(store, Table::blobs).size() == 20);
  KITH_CHILD_CHECK(store.check_integrity());
  return 0;
}

TEST_F(SqliteProcess, ALimitOnFileSizeIsAFullDisk) {
  auto const child = start_child([&] {
    std::signal(SIGXFSZ, SIG_IGN);
    auto const store = opened(file_, OpenMode::create);
    ::rlimit limit{};
    ::getrlimit(RLIMIT_FSIZE, &limit);
    auto const before = limit;
    limit.rlim_cur = 6'000'000;
    KITH_CHILD_CHECK(::setrlimit(RLIMIT_FSIZE, &limit) == 0);
    KITH_CHILD_CHECK(fill_up(*store) == 0);
    KITH_CHILD_CHECK(::setrlimit(RLIMIT_FSIZE, &before) == 0);
    return works_again(*store);
  });
  EXPECT_EQ(wait_for(child), 0);
}

TEST_F(SqliteProcess, AFullFileSystemIsAFullDisk) {
  constexpr int kNotAllowed = 77;
  auto const child = start_child([&] {
    if (::unshare(CLONE_NEWNS) != 0 || ::mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0 ||
        ::mount("none", directory_.path().c_str(), "tmpfs", 0, "size=16m") != 0) {
      return kNotAllowed;
    }
    {
      auto const store = opened(file_, OpenMode::create);
      KITH_CHILD_CHECK(fill_up(*store) == 0);
      KITH_CHILD_CHECK(::mount("none", directory_.path().c_str(), "tmpfs", MS_REMOUNT, "size=64m") == 0);
      KITH_CHILD_CHECK(works_again(*store) == 0);
    }
    // No room for the log and the shared memory of a database that is closed, nor for a new one.
    std::ofstream filler{directory_ / "filler"};
    while (filler << std::string(4096, 'x') << std::flush) continue;
    for (auto const* name : {"kith.db", "new.db"}) {
      auto refused = SqliteStore::open(directory_ / name, OpenMode::create);
      Result<> result;
      if (!refused) {
        result = fail(refused.error());
      } else if (result = (*refused)->begin(); result) {  // a log that is empty needs no room to open
        result = (*refused)->put(Table::meta, kOne, Bytes(100'000));
        if (result) result = (*refused)->commit();
      }
      KITH_CHILD_CHECK(!result && result.error().is(StoreError::disk_full));
    }
    return 0;
  });
  auto const status = wait_for(child);
  if (status == kNotAllowed) GTEST_SKIP() << "mounting a small file system needs rights that this process lacks";
  EXPECT_EQ(status, 0);
}

TEST_F(SqliteProcess, MissingRightsAreNamed) {
  auto const root = ::geteuid() == 0;
  if (root) {
    ASSERT_EQ(::chown(directory_.path().c_str(), kNobody, kNobody), 0);
  }
  auto const child = start_child([&] {
    if (root) KITH_CHILD_CHECK(::setgid(kNobody) == 0 && ::setuid(kNobody) == 0);
    {
      auto const store = opened(file_, OpenMode::create);
      KITH_CHILD_CHECK(store->begin() && store->put(Table::meta, kOne, kOne) && store->commit());
    }
    // A directory that takes no new files: neither the log nor another database.
    KITH_CHILD_CHECK(::chmod(directory_.path().c_str(), 0500) == 0);
    for (auto const mode : {OpenMode::create, OpenMode::existing, OpenMode::read_only}) {
      KITH_CHILD_CHECK(refusal(file_, mode).is(StoreError::read_only));
    }
    KITH_CHILD_CHECK(refusal(directory_ / "new.db", OpenMode::create).is(StoreError::read_only));
    KITH_CHILD_CHECK(system_number(refusal(directory_ / "new.db", OpenMode::create)) == EACCES);
    KITH_CHILD_CHECK(::chmod(directory_.path().c_str(), 0700) == 0);

    // A file that may only be read.
    KITH_CHILD_CHECK(::chmod(file_.c_str(), 0400) == 0);
    KITH_CHILD_CHECK(refusal(file_, OpenMode::existing).is(StoreError::read_only));
    {
      auto const store = opened(file_, OpenMode::read_only);
      KITH_CHILD_CHECK(*store->get(Table::meta, kOne) == kOne);
      KITH_CHILD_CHECK(store->begin().error().is(StoreError::read_only));
    }
    // Not even that.
    KITH_CHILD_CHECK(::chmod(file_.c_str(), 0000) == 0);
    for (auto const mode : {OpenMode::create, OpenMode::existing, OpenMode::read_only}) {
      KITH_CHILD_CHECK(refusal(file_, mode).is(StoreError::io));
      KITH_CHILD_CHECK(system_number(refusal(file_, mode)) == EACCES);
    }
    return 0;
  });
  EXPECT_EQ(wait_for(child), 0);
}

}  // namespace
}  // namespace kith::store
