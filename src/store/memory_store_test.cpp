#include "store/memory_store.hpp"

#include "store/store_contract_test.hpp"
#include "store/store_model_test.hpp"

namespace kith::store {
namespace {

class MemoryHarness {
 public:
  static constexpr double kModelScale = 20;  // of 100 sequences, the longest has 2000 steps
  std::unique_ptr<Store> connect() { return std::make_unique<MemoryStore>(database_); }
  void crash() { database_->crash(); }

 private:
  std::shared_ptr<MemoryDatabase> database_ = std::make_shared<MemoryDatabase>();
};

INSTANTIATE_TYPED_TEST_SUITE_P(Memory, StoreContract, MemoryHarness);
INSTANTIATE_TYPED_TEST_SUITE_P(Memory, StoreModel, MemoryHarness);

TEST(MemoryStore, ConnectionsOfBeforeACrashAreDead) {
  auto const database = std::make_shared<MemoryDatabase>();
  MemoryStore writer{database}, reader{database};
  ASSERT_TRUE(writer.begin());
  database->crash();
  EXPECT_FALSE(writer.in_transaction());
  EXPECT_TRUE(writer.put(Table::meta, kOne, kOne).error().is(StoreError::io));
  EXPECT_TRUE(writer.erase(Table::meta, kOne).error().is(StoreError::io));
  EXPECT_TRUE(writer.clear(Table::meta).error().is(StoreError::io));
  EXPECT_TRUE(writer.commit().error().is(StoreError::io));
  EXPECT_TRUE(writer.begin().error().is(StoreError::io));
  writer.rollback();
  EXPECT_TRUE(reader.get(Table::meta, kOne).error().is(StoreError::io));
  EXPECT_TRUE(reader.scan(Table::meta, {}, {}, {}).error().is(StoreError::io));
  EXPECT_TRUE(reader.scan_back(Table::meta, {}, {}, {}).error().is(StoreError::io));
  EXPECT_TRUE(reader.outside_changes().error().is(StoreError::io));
}

TEST(MemoryStore, AConnectionThatEndsLeavesItsTransaction) {
  auto const database = std::make_shared<MemoryDatabase>();
  MemoryStore other{database};
  {
    MemoryStore killed{database};
    ASSERT_TRUE(killed.begin());
    put(killed, Table::meta, kOne, kOne);
  }
  ASSERT_TRUE(other.begin());
  EXPECT_EQ(got(other, Table::meta, kOne), std::nullopt);
}

TEST(MemoryStore, ACloneHasTheLastCommitAndGoesItsOwnWay) {
  auto const database = std::make_shared<MemoryDatabase>();
  MemoryStore original{database};
  put_all(original, Table::entries, {{1}, {2}});
  ASSERT_TRUE(original.begin());
  put(original, Table::entries, kOne, bytes_of("changed"));
  ASSERT_TRUE(original.erase(Table::entries, Bytes{2}));
  put(original, Table::entries, Bytes{3}, {});

  MemoryStore copy{database->clone()};
  EXPECT_EQ(scanned(copy, Table::entries), Hex({"01", "02"}));
  EXPECT_EQ(text_of(*got(copy, Table::entries, kOne)), "01");
  put_all(copy, Table::entries, {{9}});
  ASSERT_TRUE(original.commit());
  EXPECT_EQ(scanned(original, Table::entries), Hex({"01", "03"}));
  EXPECT_EQ(scanned(copy, Table::entries), Hex({"01", "02", "09"}));
}

TEST(MemoryStoreDeathTest, OurOwnBugsStopTheProgram) {
  MemoryStore store{std::make_shared<MemoryDatabase>()};
  EXPECT_DEATH((void)store.put(Table::meta, kOne, kOne), "in_transaction");
  ASSERT_TRUE(store.begin());
  EXPECT_DEATH((void)store.begin(), "in_transaction");
  put(store, Table::meta, kOne, kOne);
  auto const visit = [&](auto call) {
    (void)store.scan(Table::meta, {}, {}, [&](ByteView, ByteView) {
      call();
      return Store::Next::go_on;
    });
  };
  EXPECT_DEATH(visit([&] { (void)store.put(Table::meta, kOne, {}); }), "scans_");
  EXPECT_DEATH(visit([&] { (void)store.commit(); }), "scans_");
  EXPECT_DEATH(visit([&] { store.rollback(); }), "scans_");
}

}  // namespace
}  // namespace kith::store
