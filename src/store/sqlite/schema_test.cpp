#include "store/sqlite/schema.hpp"

#include <gtest/gtest.h>

#include "store/sqlite/sqlite_store.hpp"
#include "store/sqlite/sqlite_testing.hpp"
#include "store/store_contract_test.hpp"

namespace kith::store::sqlite {
namespace {

// A later kith: version 2 adds a column, version 3 fills it from what version 2 made.
Result<> to_two(Connection const& connection) {
  return connection.execute("CREATE TABLE extra(n INTEGER) STRICT; INSERT INTO extra SELECT count(*) FROM meta");
}
Result<> to_three(Connection const& connection) { return connection.execute("UPDATE extra SET n = n + 100"); }
Result<> to_three_and_fail(Connection const& connection) {
  KITH_CHECK(connection.execute("DELETE FROM meta"));
  return fail(StoreError::disk_full);
}
Result<> unused(Connection const&) { return fail(StoreError::io); }

Schema const kThree{3, unused, {to_two, to_three}};
Schema const kBrokenThree{3, unused, {to_two, to_three_and_fail}};
Schema const kTwo{2, unused, {to_two}};

class SchemaTest : public testing::Test {
 protected:
  void SetUp() override { put_all(*opened(file_, OpenMode::create), Table::meta, {{1}, {2}}); }

  std::int64_t number(char const* sql) {
    auto const connection = Connection::open(file_, Access::read_only, {});
    EXPECT_TRUE(connection);
    return connection->number(sql).value_or(-1);
  }

  TempDir directory_;
  std::filesystem::path file_ = directory_ / "kith.db";
};

TEST_F(SchemaTest, TheFileSaysWhoseItIsAndWhichVersion) {
  EXPECT_EQ(number("PRAGMA application_id"), 0x6b697468);
  EXPECT_EQ(number("PRAGMA user_version"), 1);
  EXPECT_EQ(number("PRAGMA page_size"), 4096);
  EXPECT_EQ(number("SELECT count(*) FROM sqlite_schema WHERE type='table'"), static_cast<std::int64_t>(kTableCount));
  auto const connection = Connection::open(file_, Access::read_only, {});
  ASSERT_TRUE(connection);
  EXPECT_EQ(connection->text("PRAGMA journal_mode").value(), "wal");
}

TEST_F(SchemaTest, ValuesThatAreNoBytesAreRefused) {
  auto const connection = Connection::open(file_, Access::read_write, {});
  ASSERT_TRUE(connection);
  for (auto const* sql : {"INSERT INTO meta VALUES('text', x'00')", "INSERT INTO meta VALUES(x'00', 7)",
                          "INSERT INTO blobs(k,v) VALUES(NULL, x'00')", "INSERT INTO meta VALUES(x'00', NULL)"}) {
    EXPECT_FALSE(connection->execute(sql)) << sql;
  }
}

TEST_F(SchemaTest, MigrationsRunInOrderOnce) {
  auto const store = opened(file_, OpenMode::existing, {.schema = kThree});
  EXPECT_EQ(number("PRAGMA user_version"), 3);
  EXPECT_EQ(number("SELECT n FROM extra"), 102);
  EXPECT_EQ(scanned(*store, Table::meta), Hex({"01", "02"}));
  EXPECT_TRUE(SqliteStore::open(file_, OpenMode::create, {.schema = kThree}));
  EXPECT_EQ(number("SELECT n FROM extra"), 102);
  EXPECT_EQ(number("SELECT count(*) FROM extra"), 1);
}

TEST_F(SchemaTest, AnUpgradeMayStopInBetween) {
  { auto const store = opened(file_, OpenMode::existing, {.schema = kTwo}); }
  EXPECT_EQ(number("PRAGMA user_version"), 2);
  EXPECT_EQ(number("SELECT n FROM extra"), 2);
  { auto const store = opened(file_, OpenMode::existing, {.schema = kThree}); }
  EXPECT_EQ(number("SELECT n FROM extra"), 102);
}

TEST_F(SchemaTest, AMigrationThatFailsLeavesEverythingAsItWas) {
  EXPECT_TRUE(refusal(file_, OpenMode::existing, {.schema = kBrokenThree}).is(StoreError::disk_full));
  EXPECT_EQ(number("PRAGMA user_version"), 1);
  EXPECT_EQ(number("SELECT count(*) FROM sqlite_schema WHERE name='extra'"), 0);
  EXPECT_EQ(scanned(*opened(file_, OpenMode::existing), Table::meta), Hex({"01", "02"}));
}

TEST_F(SchemaTest, ReadOnlyMigratesNothing) {
  EXPECT_TRUE(refusal(file_, OpenMode::read_only, {.schema = kThree}).is(StoreError::read_only));
  EXPECT_EQ(number("PRAGMA user_version"), 1);
}

TEST_F(SchemaTest, ANewerVersionIsRefusedByItsNumber) {
  { auto const store = opened(file_, OpenMode::existing, {.schema = kThree}); }
  for (auto const mode : {OpenMode::create, OpenMode::existing, OpenMode::read_only}) {
    auto const refused = refusal(file_, mode);
    EXPECT_TRUE(refused.is(StoreError::newer_schema));
    EXPECT_EQ(std::get<VersionsDetail>(refused.detail()), (VersionsDetail{1, 1, 3, 3}));
  }
  EXPECT_EQ(std::get<VersionsDetail>(refusal(file_, OpenMode::existing, {.schema = kTwo}).detail()),
            (VersionsDetail{1, 2, 3, 3}));
}

TEST_F(SchemaTest, AnOlderProgramThatIsRunningStopsWriting) {
  auto const older = opened(file_, OpenMode::existing);
  put_all(*older, Table::meta, {{3}});
  { auto const newer = opened(file_, OpenMode::existing, {.schema = kThree}); }
  auto const begun = older->begin();
  ASSERT_FALSE(begun);
  EXPECT_TRUE(begun.error().is(StoreError::newer_schema));
  EXPECT_FALSE(older->in_transaction());
  put_all(*opened(file_, OpenMode::existing, {.schema = kThree}), Table::meta, {{4}});  // nothing holds the lock
}

}  // namespace
}  // namespace kith::store::sqlite
