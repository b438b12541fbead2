#include "core/records.hpp"

#include <gtest/gtest.h>

#include "store/memory_store.hpp"
#include "support/must.hpp"
#include "support/seeded_random.hpp"

namespace kith::core {
namespace {

using testing::must;

struct Records : ::testing::Test {
  testing::SeededRandom random{1};
  LogId log{random.id<DeviceId>(), {random.u64()}};
};

/// Every proper prefix and every longer row is refused, and what is accepted encodes to the same bytes.
template <class T>
void expect_exact(T const& record) {
  auto const row = encode_record(record);
  EXPECT_EQ(encode_record(must(decode_record<T>(row))), row);
  for (std::size_t cut = 0; cut < row.size(); ++cut) {
    auto const refused = decode_record<T>(ByteView{row}.first(cut));
    ASSERT_FALSE(refused) << cut;
    EXPECT_TRUE(refused.error().is(CoreError::corrupt_record));
  }
  auto longer = row;
  longer.push_back(0);
  EXPECT_FALSE(decode_record<T>(longer));
}

TEST_F(Records, EntriesComeBackAsTheyWere) {
  EntryRecord record{log, {7}, {3}, 12, random.id<EpochId>(), random.u64(), true, {}};
  record.past.include(ChainPlace{{3}, {7}});
  record.past.include(ChainPlace{{9}, {1}});
  expect_exact(record);
  auto const back = must(decode_record<EntryRecord>(encode_record(record)));
  EXPECT_EQ(back.log, record.log);
  EXPECT_EQ(back.place(), (ChainPlace{{3}, {7}}));
  EXPECT_EQ(back.position, 12U);
  EXPECT_EQ(back.epoch, record.epoch);
  EXPECT_EQ(back.hlc, record.hlc);
  EXPECT_TRUE(back.roster);
  EXPECT_EQ(back.past, record.past);
}

TEST_F(Records, AnEntryWithADamagedPastIsRefused) {
  EntryRecord record{log, {1}, {1}, 1, {}, 0, false, {}};
  record.past.include(ChainPlace{{1}, {1}});
  record.past.include(ChainPlace{{2}, {1}});
  auto row = encode_record(record);
  auto const second_chain = row.size() - 12 + 3;
  ASSERT_EQ(row[second_chain], 2);
  row[second_chain] = 1;  // the same chain twice
  EXPECT_FALSE(decode_record<EntryRecord>(row));
}

TEST_F(Records, ChainsComeBackAsTheyWere) {
  ChainRecord const record{log, {5}, {2}, {8}, random.id<EntryHash>(), {4}};
  expect_exact(record);
  auto const back = must(decode_record<ChainRecord>(encode_record(record)));
  EXPECT_EQ(back.log, record.log);
  EXPECT_EQ(back.first, Seq{5});
  EXPECT_EQ(back.parent, ChainNo{2});
  EXPECT_EQ(back.last, Seq{8});
  EXPECT_EQ(back.last_hash, record.last_hash);
  EXPECT_EQ(back.viewed, Seq{4});
}

TEST_F(Records, WaitingEntriesComeBackAsTheyWere) {
  Tip const self{log, {2}, random.id<EntryHash>()};
  Tip const need{{random.id<DeviceId>(), {1}}, {9}, random.id<EntryHash>()};
  PendingRecord const record{self, {need, self}, need.log.device, Bytes(500, 0xAB)};
  expect_exact(record);
  auto const back = must(decode_record<PendingRecord>(encode_record(record)));
  EXPECT_EQ(back.self, self);
  EXPECT_EQ(back.needs, record.needs);
  EXPECT_EQ(back.from, record.from);
  EXPECT_EQ(back.sealed, record.sealed);
}

TEST_F(Records, AlarmsComeBackAsTheyWereAndUnknownKindsAreRefused) {
  Alarm const alarm{AlarmKind::fork, log, {3}, -1};
  expect_exact(alarm);
  EXPECT_EQ(must(decode_record<Alarm>(encode_record(alarm))), alarm);
  auto row = encode_record(alarm);
  ASSERT_EQ(row[1], 1);
  row[1] = 2;
  EXPECT_FALSE(decode_record<Alarm>(row));
}

TEST_F(Records, KeysSortAsTheirNumbersDo) {
  EXPECT_LT(key_of(std::uint32_t{0xFF}), key_of(std::uint32_t{0x100}));
  EXPECT_LT(key_of(std::uint64_t{0xFF}), key_of(std::uint64_t{0x100}));
  EXPECT_LT(key_of(ChainPlace{{1}, {0xFFFF}}), key_of(ChainPlace{{2}, {1}}));
  EXPECT_LT(key_of(ChainPlace{{2}, {0xFF}}), key_of(ChainPlace{{2}, {0x100}}));
  EXPECT_EQ(key_of(ChainPlace{{1}, {2}}), (Bytes{0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 2}));
}

TEST_F(Records, NumbersAreZeroUntilTheyArePut) {
  store::MemoryStore store(std::make_shared<store::MemoryDatabase>());
  EXPECT_EQ(must(get_number(store, "n")), 0U);
  must(store.begin());
  must(put_number(store, "n", 0x0102030405060708));
  EXPECT_EQ(must(get_number(store, "n")), 0x0102030405060708U);
  EXPECT_EQ(must(get_number(store, "m")), 0U);
  must(store.put(Table::meta, bytes_of("n"), Bytes(7, 1)));
  auto const damaged = get_number(store, "n");
  ASSERT_FALSE(damaged);
  EXPECT_TRUE(damaged.error().is(CoreError::corrupt_record));
}

}  // namespace
}  // namespace kith::core
