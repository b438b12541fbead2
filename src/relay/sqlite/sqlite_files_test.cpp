// What is on the disk: the file's settings, copies, crashes, and disks that are full.
#include <csignal>
#include <fstream>

#include <sqlite3.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/encoding.hpp"
#include "relay/rules/store_contract_test.hpp"
#include "relay/sqlite/schema.hpp"
#include "relay/sqlite/sqlite_relay_store.hpp"
#include "relay/sqlite/sqlite_relay_testing.hpp"
#include "store/store.hpp"

namespace kith::relay {
namespace {

using store::StoreError;
using testing::must;

class SqliteFiles : public ::testing::Test {
 protected:
  [[nodiscard]] std::unique_ptr<SqliteRelayStore> open() {
    return must(SqliteRelayStore::open(path_, StoreLimits{}, random_));
  }
  static StoreAnswer one(RelayStore& store, StoreTask task, WallTime wall = {1'800'000'000'000}) {
    StoreRequest const request{{1}, wall, std::move(task)};
    return store.work({&request, 1}).at(0).answer;
  }
  GroupNo make(RelayStore& store) { return std::get<AclStored>(one(store, PutAcl{group_.record({0})})).mailbox.group; }
  [[nodiscard]] StoreTask push(GroupNo no, std::uint64_t seq, Bytes sealed, std::uint32_t ttl_s = 0) const {
    return PushItems{no, group_.pseudonym(0), {seq}, {{ttl_s, std::move(sealed)}}};
  }
  [[nodiscard]] PutObject object(GroupNo no, std::uint8_t id, std::size_t size) const {
    wire::ObjectId name;
    name.bytes.fill(id);
    return {no, group_.pseudonym(0), name, 60, Bytes(size, id)};
  }
  [[nodiscard]] Mailbox box(RelayStore& store) const {
    return std::get<MemberOpened>(one(store, OpenMember{group_.channel(), group_.pseudonym(0), {}})).mailbox;
  }
  [[nodiscard]] std::size_t object_files() const {
    std::size_t count = 0;
    for (auto const& file : std::filesystem::recursive_directory_iterator(directory_ / "relay.objects"))
      count += file.is_regular_file() ? 1 : 0;
    return count;
  }
  /// Runs SQL on the file as another program would.
  std::string sql(std::string const& text) const {
    sqlite3* handle = nullptr;
    EXPECT_EQ(sqlite3_open(path_.c_str(), &handle), SQLITE_OK);
    std::string first;
    auto const row = [](void* out, int count, char** values, char**) {
      auto& text_out = *static_cast<std::string*>(out);
      if (text_out.empty() && count > 0 && values[0] != nullptr) text_out = values[0];
      return 0;
    };
    EXPECT_EQ(sqlite3_exec(handle, text.c_str(), row, &first, nullptr), SQLITE_OK) << sqlite3_errmsg(handle);
    sqlite3_close(handle);
    return first;
  }

  RelayDirectory directory_;
  std::filesystem::path path_ = directory_ / "relay.db";
  testing::SeededRandom random_{3};
  TestGroup group_{random_, 2};
};

TEST_F(SqliteFiles, TheFileIsOfTheKindThatShrinksAndLogsAhead) {
  auto const store = open();
  EXPECT_EQ(sql("PRAGMA auto_vacuum"), "2");
  EXPECT_EQ(sql("PRAGMA page_size"), "8192");
  EXPECT_EQ(sql("PRAGMA journal_mode"), "wal");
  EXPECT_EQ(sql("PRAGMA application_id"), std::to_string(sqlite::kApplicationId));
  EXPECT_EQ(sql("SELECT count(*) FROM sqlite_schema WHERE type='index' AND tbl_name='log'"), "3");
}

TEST_F(SqliteFiles, RefusesWhatALaterVersionWrote) {
  open().reset();
  sql("PRAGMA user_version=7");
  auto const refused = SqliteRelayStore::open(path_, StoreLimits{}, random_);
  ASSERT_FALSE(refused);
  EXPECT_TRUE(refused.error().is(StoreError::newer_schema));
  EXPECT_EQ(refused.error().detail(), ErrorDetail(VersionsDetail{1, 2, 7, 7}));
}

/// What version 1 of the tables looked like, of one mailbox that is in use.
TEST_F(SqliteFiles, BringsTheTablesOfAnEarlierVersionUpToDate) {
  auto const first = group_.record({0}), second = group_.record({1}, &first);
  {
    auto store = open();
    one(*store, PutAcl{first});
    one(*store, PutAcl{second});
  }
  sql("DROP INDEX acl_gm; ALTER TABLE acl DROP COLUMN mark; DROP INDEX grp_unused; DROP INDEX recovery_g;"
      "ALTER TABLE grp DROP COLUMN items; ALTER TABLE grp DROP COLUMN unused; DROP TABLE dead; PRAGMA user_version=1");
  auto store = open();
  EXPECT_EQ(sql("PRAGMA user_version"), std::to_string(sqlite::kSchemaVersion));
  auto naming_first = group_.record({0}, &second);
  naming_first.prev = wire::acl_record_hash(first);
  wire::sign_acl(naming_first, group_.channel_key());
  EXPECT_TRUE(std::holds_alternative<AclStored>(one(*store, PutAcl{naming_first})));
  EXPECT_EQ(box(*store).acl, naming_first);
  auto const no = box(*store).group;
  EXPECT_TRUE(std::holds_alternative<ItemsPushed>(one(*store, push(no, 1, {1}))));
  EXPECT_TRUE(std::holds_alternative<Stored>(one(*store, RemoveGroup{no})));
  EXPECT_GT(make(*store), no) << "a number is not given twice";
}

TEST_F(SqliteFiles, NothingIsLeftOfARemovedMailbox) {
  auto store = open();
  auto const no = make(*store);
  one(*store, push(no, 1, Bytes(1000)));
  one(*store, object(no, 1, 5000));
  one(*store, PutRecovery{no, group_.pseudonym(0), {}, {1}});
  one(*store, PutPresence{no, {group_.pseudonym(0), 1, {1}}});
  ASSERT_EQ(object_files(), 1U);
  one(*store, RemoveGroup{no});
  store = nullptr;  // before it was swept
  store = open();
  for (int i = 0; i < 5; ++i) one(*store, Sweep{});
  EXPECT_EQ(object_files(), 0U);
  for (auto const* table : {"grp", "dead", "acl", "dev", "log", "presence", "recovery", "object"})
    EXPECT_EQ(sql(std::string("SELECT count(*) FROM ") + table), "0") << table;
  auto const figures = store->figures();
  EXPECT_EQ(figures.groups + figures.items + figures.bytes + figures.objects + figures.object_bytes, 0U);
}

TEST_F(SqliteFiles, RefusesAnotherProgramsDatabase) {
  sql("CREATE TABLE mine(x)");
  auto const refused = SqliteRelayStore::open(path_, StoreLimits{}, random_);
  ASSERT_FALSE(refused);
  EXPECT_TRUE(refused.error().is(StoreError::corrupt));
  EXPECT_EQ(sql("PRAGMA journal_mode"), "delete");  // and leaves it alone
}

TEST_F(SqliteFiles, ADatabaseThatWasPutBackHasNewLogEpochs) {
  auto store = open();
  make(*store);
  auto const epoch = box(*store).log_epoch;
  store.reset();
  store = open();
  EXPECT_EQ(box(*store).log_epoch, epoch);
  ASSERT_TRUE(store->backup(directory_ / "copy.db"));
  store.reset();
  std::filesystem::rename(directory_ / "copy.db", path_);
  store = open();
  auto const other = box(*store).log_epoch;
  EXPECT_NE(other, epoch);
  store.reset();
  store = open();
  EXPECT_EQ(box(*store).log_epoch, other);
}

TEST_F(SqliteFiles, ABackupIsOneMomentOfARelayThatGoesOn) {
  auto store = open();
  auto const no = make(*store);
  for (std::uint64_t seq = 1; seq <= 100; ++seq) one(*store, push(no, seq, Bytes(100)));
  one(*store, object(no, 1, 1000));
  ASSERT_TRUE(store->backup(directory_ / "copy.db"));
  for (auto const* name : {"copy.db", "no/copy.db"}) {  // it is there; its folder is not
    auto const refused = store->backup(directory_ / name);
    ASSERT_FALSE(refused);
    EXPECT_TRUE(refused.error().is(store::StoreError::read_only));
    EXPECT_EQ(refused.error().subject(), (directory_ / name).string());
  }
  one(*store, push(no, 101, Bytes(100)));
  auto copy = must(SqliteRelayStore::open(directory_ / "copy.db", StoreLimits{}, random_));
  EXPECT_EQ(box(*copy).head.value, 100u);
  EXPECT_EQ(std::get<ItemsPushed>(one(*copy, push(no, 101, Bytes(7)))).cursors.at(0).value, 101u);
  // Its objects are not with it, and it knows.
  EXPECT_TRUE(std::get<ObjectsFound>(one(*copy, FindObjects{no, {object(no, 1, 0).object}})).objects.empty());
  EXPECT_EQ(copy->figures().objects, 0u);
  EXPECT_EQ(copy->figures().bytes, box(*copy).used_bytes);
  EXPECT_EQ(box(*store).used_bytes, box(*copy).used_bytes + object_weight(1000) + weight(100) - weight(7));
}

TEST_F(SqliteFiles, FilesThatNoRowNamesAreRemoved) {
  auto store = open();
  auto const no = make(*store);
  one(*store, object(no, 1, 1000));
  EXPECT_EQ(object_files(), 1u);
  store.reset();
  std::filesystem::create_directories(directory_ / "relay.objects/ab");
  std::ofstream(directory_ / "relay.objects/ab/abcdef") << "of a crash before its row was committed";
  std::ofstream(directory_ / "relay.objects/ab/abcd.new") << "of a crash in the middle of";
  store = open();
  EXPECT_EQ(object_files(), 1u);
  EXPECT_EQ(std::get<ObjectRead>(one(*store, ReadObject{no, object(no, 1, 0).object, 0, 2000})).total, 1000u);
  one(*store, DropObjects{no, group_.pseudonym(0), {object(no, 1, 0).object}});
  EXPECT_EQ(object_files(), 0u);
}

TEST_F(SqliteFiles, SweepingGivesRoomBack) {
  auto store = open();
  auto const no = make(*store);
  for (std::uint64_t seq = 1; seq <= 200; ++seq) one(*store, push(no, seq, Bytes(60'000), 60));
  one(*store, object(no, 1, 500'000));
  ASSERT_TRUE(store->checkpoint());
  auto const full = std::filesystem::file_size(path_);
  EXPECT_GT(full, 12'000'000u);
  WallTime const later{1'800'000'000'000 + 61'000};
  EXPECT_FALSE(std::get<Swept>(one(*store, Sweep{}, later)).more);
  for (int i = 0; i < 10; ++i) one(*store, Sweep{}, later);
  ASSERT_TRUE(store->checkpoint());
  EXPECT_LT(std::filesystem::file_size(path_), 500'000u);
  EXPECT_EQ(object_files(), 0u);
  one(*store, Probe{});
  EXPECT_EQ(store->figures().items, 0u);
  EXPECT_EQ(store->figures().objects, 0u);
}

TEST_F(SqliteFiles, ALongLogIsBegunAnew) {
  auto store = open();
  auto const no = make(*store);
  std::uint64_t seq = 1;
  while (store->figures().wal_bytes <= SqliteRelayStore::kLongLogBytes) {
    std::vector<StoreRequest> batch;
    for (int i = 0; i < 64; ++i) batch.push_back({{seq}, {}, push(no, seq, Bytes(80'000))}), ++seq;
    static_cast<void>(store->work(batch));
  }
  auto const longest = store->figures().wal_bytes;
  ASSERT_TRUE(store->checkpoint());
  one(*store, push(no, seq, {1}));
  EXPECT_LE(store->figures().wal_bytes, longest);
  for (int i = 0; i < 300; ++i) one(*store, push(no, ++seq, Bytes(80'000)));
  EXPECT_LE(store->figures().wal_bytes, longest);  // written over
}

TEST_F(SqliteFiles, FiguresCountWhatThereIs) {
  auto store = open();
  auto const no = make(*store);
  one(*store, push(no, 1, Bytes(100)));
  one(*store, object(no, 1, 1000));
  auto const figures = store->figures();
  EXPECT_EQ(figures.groups, 1u);
  EXPECT_EQ(figures.items, 1u);
  EXPECT_EQ(figures.objects, 1u);
  EXPECT_EQ(figures.object_bytes, object_weight(1000));
  EXPECT_EQ(figures.bytes, box(*store).used_bytes);
  EXPECT_GT(figures.wal_bytes, 8192u);
  store.reset();
  EXPECT_EQ(open()->figures().bytes, figures.bytes);
}

TEST_F(SqliteFiles, AReaderSeesWhatWasCommittedAndWritesNothing) {
  auto store = open();
  auto const no = make(*store);
  auto const reader = must(store->open_reader());
  one(*store, push(no, 1, {1}));
  EXPECT_EQ(std::get<ItemsPulled>(one(*reader, PullItems{no, {}, 10})).items.size(), 1u);
  EXPECT_EQ(std::get<Refused>(one(*reader, push(no, 2, {2}))).why, Refusal::internal);
  EXPECT_EQ(box(*store).head.value, 1u);
}

/// Runs `body` in a child. No connection may be open: SQLite must not be carried across a fork.
::pid_t start_child(std::function<int()> const& body) {
  auto const child = ::fork();
  if (child == 0) ::_exit(body());
  return child;
}
int wait_for(::pid_t child) {
  int status = 0;
  if (::waitpid(child, &status, 0) != child) return -1;
  return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

TEST_F(SqliteFiles, WhatWasAcknowledgedSurvivesBeingKilled) {
  auto const no = make(*open());
  std::uint64_t acknowledged = 0;  // push seqs, which the child gives out densely
  for (int round = 0; round < 20; ++round) {
    int tell[2];
    ASSERT_EQ(::pipe(tell), 0);
    auto const child = start_child([&] {
      auto const store = open();
      auto seq = std::get<MemberOpened>(one(*store, OpenMember{group_.channel(), group_.pseudonym(0), {}}))
                     .last_push_seq.value;
      for (;;) {
        std::vector<StoreRequest> batch;
        for (std::uint64_t i = 1; i <= 7; ++i) {
          Bytes sealed;
          append_be(sealed, seq + i);
          sealed.resize(2000);
          batch.push_back({{i}, {}, push(no, seq + i, std::move(sealed))});
        }
        batch.push_back({{8}, {}, object(no, static_cast<std::uint8_t>(seq), 3000)});
        auto const replies = store->work(batch);
        for (std::size_t i = 0; i < 7; ++i) {
          if (!std::holds_alternative<ItemsPushed>(replies[i].answer)) return 1;
        }
        seq += 7;
        if (::write(tell[1], &seq, sizeof seq) != sizeof seq) return 2;
        if (seq % 5 == 0 && !store->checkpoint()) return 3;
      }
    });
    ::close(tell[1]);
    std::uint64_t told = 0;
    for (int i = 0; i < 3 + round % 5; ++i) ASSERT_EQ(::read(tell[0], &told, sizeof told), sizeof told);
    ::usleep(static_cast<::useconds_t>(round * 137 % 1000));
    ::kill(child, SIGKILL);
    while (::read(tell[0], &told, sizeof told) == sizeof told) continue;
    ASSERT_EQ(wait_for(child), 128 + SIGKILL);
    ::close(tell[0]);
    acknowledged = std::max(acknowledged, told);

    auto const store = open();
    auto const head = box(*store).head.value;
    EXPECT_GE(head, acknowledged);
    std::uint64_t seen = 0;
    for (bool more = true; more;) {
      auto const part = std::get<ItemsPulled>(one(*store, PullItems{no, {seen}, kMaxPullBytes}));
      for (auto const& item : part.items) {
        ++seen;
        ASSERT_EQ(item.cursor.value, seen);                           // dense
        ASSERT_EQ(load_be<std::uint64_t>(item.sealed.data()), seen);  // each once, in order
      }
      more = part.has_more;
    }
    EXPECT_EQ(seen, head);
    EXPECT_EQ(head % 7, 0u);  // whole transactions
    EXPECT_EQ(object_files(), store->figures().objects);
    EXPECT_EQ(store->figures().bytes, box(*store).used_bytes);
  }
  EXPECT_GT(acknowledged, 20u * 7);
}

TEST_F(SqliteFiles, AFullDiskRefusesWholeBatchesAndRecovers) {
  auto const no = make(*open());
  EXPECT_EQ(wait_for(start_child([&] {
              auto const store = open();
              if (!std::holds_alternative<ItemsPushed>(one(*store, push(no, 1, Bytes(1000))))) return 1;
              ::signal(SIGXFSZ, SIG_IGN);
              struct rlimit const small{400'000, RLIM_INFINITY};
              ::setrlimit(RLIMIT_FSIZE, &small);  // no file may grow beyond it: EFBIG, as a full disk gives ENOSPC
              std::uint64_t seq = 1;
              bool full = false;
              for (int i = 0; i < 20 && !full; ++i) {
                std::vector<StoreRequest> batch{{{1}, {}, push(no, seq + 1, Bytes(60'000))},
                                                {{2}, {}, PullItems{no, {}, 10}},
                                                {{3}, {}, object(no, static_cast<std::uint8_t>(i), 100)},
                                                {{4}, {}, OpenMember{group_.channel(), group_.pseudonym(0), {}}}};
                auto const replies = store->work(batch);
                if (!std::holds_alternative<ItemsPulled>(replies[1].answer)) return 2;
                auto const* const opened = std::get_if<MemberOpened>(&replies[3].answer);
                if (opened == nullptr) return 3;
                if (std::holds_alternative<ItemsPushed>(replies[0].answer)) {
                  ++seq;
                } else {
                  full = true;
                  for (std::size_t const which : {0, 2}) {
                    auto const* const refused = std::get_if<Refused>(&replies[which].answer);
                    if (refused == nullptr || refused->why != Refusal::storage_full) return 4;
                  }
                }
                if (opened->mailbox.head.value != seq) return 5;  // nothing of what was refused
              }
              if (!full || seq < 3) return 6;
              if (object_files() != seq - 1) return 7;
              struct rlimit const large{RLIM_INFINITY, RLIM_INFINITY};
              ::setrlimit(RLIMIT_FSIZE, &large);
              auto const answer = one(*store, push(no, seq + 1, Bytes(60'000)));
              auto const* const pushed = std::get_if<ItemsPushed>(&answer);
              return pushed != nullptr && pushed->cursors.at(0).value == seq + 1 ? 0 : 8;
            })),
            0);
}

TEST_F(SqliteFiles, AnObjectThatDoesNotFitOnTheDiskIsRefused) {
  auto const no = make(*open());
  EXPECT_EQ(wait_for(start_child([&] {
              auto const store = open();
              ::signal(SIGXFSZ, SIG_IGN);
              struct rlimit const small{400'000, RLIM_INFINITY};
              ::setrlimit(RLIMIT_FSIZE, &small);
              auto const answer = one(*store, object(no, 1, 900'000));
              auto const* const refused = std::get_if<Refused>(&answer);
              if (refused == nullptr || refused->why != Refusal::storage_full) return 1;
              if (object_files() != 0) return 2;
              return std::holds_alternative<ItemsPushed>(one(*store, push(no, 1, {1}))) ? 0 : 3;
            })),
            0);
}

}  // namespace
}  // namespace kith::relay
