#pragma once

#include <memory>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "base/encoding.hpp"
#include "store/store.hpp"

namespace kith::store {

/// What every Store does, instantiated by the test of each implementation. A Harness is one database that starts empty:
///
///     std::unique_ptr<Store> connect();  another connection; its begin() waits 100 ms at most for other writers
///     void crash();                      the power fails: what was not committed is lost
template <class Harness>
class StoreContract : public testing::Test {
 public:
  Harness harness;
  std::unique_ptr<Store> connection = harness.connect();
};
TYPED_TEST_SUITE_P(StoreContract);

inline void put(Store& store, Table table, ByteView key, ByteView value) {
  auto const result = store.put(table, key, value);
  ASSERT_TRUE(result) << result.error().name();
}

/// Puts rows in a transaction of their own.
inline void put_all(Store& store, Table table, std::vector<Bytes> const& keys) {
  ASSERT_TRUE(store.begin());
  for (auto const& key : keys) put(store, table, key, bytes_of(to_hex(key)));
  ASSERT_TRUE(store.commit());
}

/// The keys that a scan visits, in hex.
inline std::vector<std::string> scanned(Store& store, Table table, Bytes const& prefix = {}, Bytes const& from = {}) {
  std::vector<std::string> keys;
  EXPECT_TRUE(store.scan(table, prefix, from, [&](ByteView key, ByteView) {
    keys.push_back(to_hex(key));
    return Store::Next::go_on;
  }));
  return keys;
}
inline std::vector<std::string> scanned_back(Store& store, Table table, Bytes const& prefix = {},
                                             Bytes const& from = {}) {
  std::vector<std::string> keys;
  EXPECT_TRUE(store.scan_back(table, prefix, from, [&](ByteView key, ByteView) {
    keys.push_back(to_hex(key));
    return Store::Next::go_on;
  }));
  return keys;
}

inline std::optional<Bytes> got(Store& store, Table table, ByteView key) {
  auto value = store.get(table, key);
  EXPECT_TRUE(value) << value.error().name();
  return value ? *value : std::nullopt;
}

using Hex = std::vector<std::string>;
inline Bytes const kOne{1};

TYPED_TEST_P(StoreContract, KeepsWhatWasPutInEveryTable) {
  auto& store = *this->connection;
  ASSERT_TRUE(store.begin());
  for (auto const table : kTables) put(store, table, bytes_of("key"), bytes_of(table_name(table)));
  ASSERT_TRUE(store.commit());
  for (auto const table : kTables) {
    auto const name = bytes_of(table_name(table));
    EXPECT_EQ(got(store, table, bytes_of("key")), Bytes(name.begin(), name.end()));
    EXPECT_EQ(got(store, table, bytes_of("kez")), std::nullopt);
  }
}

TYPED_TEST_P(StoreContract, EmptyKeysAndValuesAreRows) {
  auto& store = *this->connection;
  for (auto const table : {Table::meta, Table::blobs}) {
    EXPECT_EQ(got(store, table, {}), std::nullopt);
    ASSERT_TRUE(store.begin());
    put(store, table, {}, {});
    put(store, table, Bytes{0}, Bytes{0});
    ASSERT_TRUE(store.commit());
    EXPECT_EQ(got(store, table, {}), Bytes{});
    EXPECT_EQ(scanned(store, table), Hex({"", "00"}));
    EXPECT_EQ(scanned_back(store, table), Hex({"00", ""}));
    ASSERT_TRUE(store.begin());
    ASSERT_TRUE(store.erase(table, {}));
    ASSERT_TRUE(store.commit());
    EXPECT_EQ(scanned(store, table), Hex({"00"}));
  }
}

TYPED_TEST_P(StoreContract, OrdersByUnsignedBytes) {
  for (auto const table : {Table::entries, Table::sealed}) {
    put_all(*this->connection, table, {{0x80}, {0x7f}, {0xff, 0xff}, {0}, {0xff}, {0x7f, 0}, {0, 0}, {0xff, 0}});
    Hex const ascending{"00", "0000", "7f", "7f00", "80", "ff", "ff00", "ffff"};
    EXPECT_EQ(scanned(*this->connection, table), ascending);
    EXPECT_EQ(scanned_back(*this->connection, table), Hex(ascending.rbegin(), ascending.rend()));
  }
}

TYPED_TEST_P(StoreContract, PrefixesBoundScansOnBothSides) {
  auto& store = *this->connection;
  for (auto const table : {Table::versions, Table::unopened}) {
    put_all(store, table,
            {{1},
             {1, 0xff},
             {1, 0xff, 0xff},
             {2},
             {2, 0},
             {0xfe, 0xff},
             {0xff},
             {0xff, 0xff},
             {0xff, 0xff, 0},
             {0xff, 0xff, 0xff}});
    EXPECT_EQ(scanned(store, table, {1}), Hex({"01", "01ff", "01ffff"}));
    EXPECT_EQ(scanned(store, table, {1, 0xff}), Hex({"01ff", "01ffff"}));
    EXPECT_EQ(scanned(store, table, {0xff, 0xff}), Hex({"ffff", "ffff00", "ffffff"}));
    EXPECT_EQ(scanned(store, table, {3}), Hex{});
    EXPECT_EQ(scanned_back(store, table, {1}), Hex({"01ffff", "01ff", "01"}));
    EXPECT_EQ(scanned_back(store, table, {1, 0xff}), Hex({"01ffff", "01ff"}));
    EXPECT_EQ(scanned_back(store, table, {0xff, 0xff}), Hex({"ffffff", "ffff00", "ffff"}));
    EXPECT_EQ(scanned_back(store, table, {0}), Hex{});
  }
}

TYPED_TEST_P(StoreContract, FromIsInclusiveAndNeverLeavesThePrefix) {
  auto& store = *this->connection;
  put_all(store, Table::applied, {{0, 9}, {1, 1}, {1, 3}, {1, 5}, {2, 1}});
  EXPECT_EQ(scanned(store, Table::applied, kOne, {1, 3}), Hex({"0103", "0105"}));
  EXPECT_EQ(scanned(store, Table::applied, kOne, {1, 4}), Hex({"0105"}));
  EXPECT_EQ(scanned(store, Table::applied, kOne, {0}), Hex({"0101", "0103", "0105"}));
  EXPECT_EQ(scanned(store, Table::applied, kOne, {2}), Hex{});
  EXPECT_EQ(scanned(store, Table::applied, {}, {1, 5}), Hex({"0105", "0201"}));
  EXPECT_EQ(scanned_back(store, Table::applied, kOne, {1, 3}), Hex({"0103", "0101"}));
  EXPECT_EQ(scanned_back(store, Table::applied, kOne, {1, 4}), Hex({"0103", "0101"}));
  EXPECT_EQ(scanned_back(store, Table::applied, kOne, {9}), Hex({"0105", "0103", "0101"}));
  EXPECT_EQ(scanned_back(store, Table::applied, kOne, {1}), Hex{});
  EXPECT_EQ(scanned_back(store, Table::applied, kOne, {0}), Hex{});
  EXPECT_EQ(scanned_back(store, Table::applied, {}, {1, 5}), Hex({"0105", "0103", "0101", "0009"}));
}

TYPED_TEST_P(StoreContract, ScansStopWhenTheVisitorSaysSo) {
  auto& store = *this->connection;
  put_all(store, Table::peers, {{1}, {2}, {3}});
  int visits = 0;
  auto const once = [&](ByteView, ByteView) {
    ++visits;
    return Store::Next::stop;
  };
  ASSERT_TRUE(store.scan(Table::peers, {}, {}, once));
  ASSERT_TRUE(store.scan_back(Table::peers, {}, {}, once));
  EXPECT_EQ(visits, 2);
  // A stopped scan leaves nothing behind, least of all the state of the database that it saw.
  put_all(*this->harness.connect(), Table::peers, {{4}});
  EXPECT_EQ(scanned(store, Table::peers), Hex({"01", "02", "03", "04"}));
}

TYPED_TEST_P(StoreContract, VisitorsReadScanAndWriteOtherTables) {
  auto& store = *this->connection;
  put_all(store, Table::entries, {{1}, {2}, {3}});
  Hex seen;
  ASSERT_TRUE(store.begin());
  ASSERT_TRUE(store.scan(Table::entries, {}, {}, [&](ByteView outer, ByteView) {
    EXPECT_TRUE(store.scan_back(Table::entries, {}, outer, [&](ByteView inner, ByteView value) {
      EXPECT_EQ(text_of(value), to_hex(inner));
      EXPECT_EQ(scanned(store, Table::entries, {}, {2}), Hex({"02", "03"}));
      seen.push_back(to_hex(outer) + to_hex(*got(store, Table::entries, inner)));
      return Store::Next::go_on;
    }));
    put(store, Table::items, outer, outer);
    EXPECT_EQ(got(store, Table::items, outer), Bytes(outer.begin(), outer.end()));
    return Store::Next::go_on;
  }));
  ASSERT_TRUE(store.commit());
  EXPECT_EQ(seen, Hex({"013031", "023032", "023031", "033033", "033032", "033031"}));
  EXPECT_EQ(scanned(store, Table::items), Hex({"01", "02", "03"}));
}

TYPED_TEST_P(StoreContract, ReplacesErasesAndClears) {
  auto& store = *this->connection;
  for (auto const table : {Table::alarms, Table::pending}) {
    put_all(store, table, {{1}, {2}, {3}});
    ASSERT_TRUE(store.begin());
    put(store, table, kOne, bytes_of("second"));
    ASSERT_TRUE(store.erase(table, Bytes{2}));
    ASSERT_TRUE(store.erase(table, Bytes{9}));
    ASSERT_TRUE(store.commit());
    EXPECT_EQ(text_of(*got(store, table, kOne)), "second");
    EXPECT_EQ(scanned(store, table), Hex({"01", "03"}));
    ASSERT_TRUE(store.begin());
    put(store, Table::meta, kOne, kOne);
    ASSERT_TRUE(store.clear(table));
    EXPECT_EQ(scanned(store, table), Hex{});
    put(store, table, Bytes{7}, {});
    ASSERT_TRUE(store.commit());
    EXPECT_EQ(scanned(store, table), Hex({"07"}));
    EXPECT_EQ(scanned(store, Table::meta), Hex({"01"}));
  }
}

TYPED_TEST_P(StoreContract, RollbackRestoresEveryRow) {
  auto& store = *this->connection;
  put_all(store, Table::chains, {{1}, {2}, {3}});
  ASSERT_TRUE(store.begin());
  EXPECT_TRUE(store.in_transaction());
  put(store, Table::chains, kOne, bytes_of("changed"));
  put(store, Table::chains, kOne, bytes_of("again"));
  ASSERT_TRUE(store.erase(Table::chains, Bytes{2}));
  put(store, Table::chains, Bytes{4}, {});
  ASSERT_TRUE(store.clear(Table::chains));
  put(store, Table::chains, Bytes{3}, bytes_of("back"));
  store.rollback();
  EXPECT_FALSE(store.in_transaction());
  EXPECT_EQ(scanned(store, Table::chains), Hex({"01", "02", "03"}));
  EXPECT_EQ(text_of(*got(store, Table::chains, kOne)), "01");
  EXPECT_EQ(text_of(*got(store, Table::chains, Bytes{3})), "03");
  store.rollback();  // without a transaction: nothing
}

TYPED_TEST_P(StoreContract, TransactionRollsBackUnlessCommitted) {
  auto& store = *this->connection;
  {
    auto transaction = Transaction::begin(store);
    ASSERT_TRUE(transaction);
    put(store, Table::meta, bytes_of("lost"), {});
  }
  EXPECT_FALSE(store.in_transaction());
  {
    auto transaction = Transaction::begin(store);
    ASSERT_TRUE(transaction);
    put(store, Table::meta, bytes_of("kept"), {});
    ASSERT_TRUE(transaction->commit());
    EXPECT_FALSE(store.in_transaction());
  }
  EXPECT_EQ(scanned(store, Table::meta), Hex({to_hex(bytes_of("kept"))}));
}

TYPED_TEST_P(StoreContract, OtherConnectionsSeeTheLastCommit) {
  auto& writer = *this->connection;
  auto const reader = this->harness.connect();
  put_all(writer, Table::folders, {{1}, {2}});
  ASSERT_TRUE(writer.begin());
  put(writer, Table::folders, kOne, bytes_of("changed"));
  ASSERT_TRUE(writer.erase(Table::folders, Bytes{2}));
  put(writer, Table::folders, Bytes{3}, {});
  EXPECT_EQ(scanned(writer, Table::folders), Hex({"01", "03"}));
  EXPECT_EQ(scanned(*reader, Table::folders), Hex({"01", "02"}));
  EXPECT_EQ(scanned_back(*reader, Table::folders), Hex({"02", "01"}));
  EXPECT_EQ(text_of(*got(*reader, Table::folders, kOne)), "01");
  EXPECT_EQ(got(*reader, Table::folders, Bytes{3}), std::nullopt);
  ASSERT_TRUE(writer.commit());
  EXPECT_EQ(scanned(*reader, Table::folders), Hex({"01", "03"}));
  EXPECT_EQ(text_of(*got(*reader, Table::folders, kOne)), "changed");
  put_all(writer, Table::folders, {{4}});  // and the row that was just read holds nothing back
  EXPECT_EQ(scanned(*reader, Table::folders), Hex({"01", "03", "04"}));
}

TYPED_TEST_P(StoreContract, WritersFollowEachOther) {
  auto& first = *this->connection;
  auto const second = this->harness.connect();
  ASSERT_TRUE(first.begin());
  auto const refused = second->begin();
  ASSERT_FALSE(refused);
  EXPECT_TRUE(refused.error().is(StoreError::busy)) << refused.error().name();
  EXPECT_FALSE(second->in_transaction());
  put(first, Table::meta, kOne, kOne);
  ASSERT_TRUE(first.commit());
  ASSERT_TRUE(second->begin());
  EXPECT_EQ(got(*second, Table::meta, kOne), kOne);
  ASSERT_TRUE(second->commit());
}

TYPED_TEST_P(StoreContract, OutsideChangesAreThoseOfOthers) {
  auto& mine = *this->connection;
  auto const other = this->harness.connect();
  auto const start = mine.outside_changes().value();
  put_all(mine, Table::meta, {{1}});
  EXPECT_EQ(mine.outside_changes().value(), start);
  ASSERT_TRUE(other->begin());
  put(*other, Table::meta, Bytes{2}, {});
  EXPECT_EQ(mine.outside_changes().value(), start);  // not committed yet
  ASSERT_TRUE(other->commit());
  auto const after = mine.outside_changes().value();
  EXPECT_NE(after, start);
  EXPECT_EQ(mine.outside_changes().value(), after);
  put_all(mine, Table::meta, {{3}});
  EXPECT_EQ(mine.outside_changes().value(), after);
}

TYPED_TEST_P(StoreContract, HoldsLargeValues) {
  auto& store = *this->connection;
  for (auto const table : {Table::blobs, Table::meta}) {  // meta: allowed anywhere, only slower
    Bytes large(512 * 1024 + 16);
    for (std::size_t i = 0; i < large.size(); ++i) large[i] = static_cast<std::uint8_t>(i * 31 >> 7);
    ASSERT_TRUE(store.begin());
    for (std::uint8_t i = 0; i < 8; ++i) {
      large[0] = i;
      put(store, table, Bytes{i}, large);
    }
    ASSERT_TRUE(store.commit());
    for (std::uint8_t i = 0; i < 8; ++i) {
      large[0] = i;
      EXPECT_TRUE(got(store, table, Bytes{i}) == large);
    }
    std::size_t total = 0;
    ASSERT_TRUE(store.scan(table, {}, {}, [&](ByteView, ByteView value) {
      total += value.size();
      return Store::Next::go_on;
    }));
    EXPECT_EQ(total, 8 * large.size());
  }
}

TYPED_TEST_P(StoreContract, ACrashDropsWhatWasNotCommitted) {
  put_all(*this->connection, Table::epochs, {{1}});
  ASSERT_TRUE(this->connection->begin());
  put(*this->connection, Table::epochs, kOne, bytes_of("lost"));
  put(*this->connection, Table::epochs, Bytes{2}, {});
  this->harness.crash();
  this->connection = this->harness.connect();
  EXPECT_EQ(scanned(*this->connection, Table::epochs), Hex({"01"}));
  EXPECT_EQ(text_of(*got(*this->connection, Table::epochs, kOne)), "01");
  put_all(*this->connection, Table::epochs, {{3}});
}

REGISTER_TYPED_TEST_SUITE_P(StoreContract, KeepsWhatWasPutInEveryTable, EmptyKeysAndValuesAreRows,
                            OrdersByUnsignedBytes, PrefixesBoundScansOnBothSides,
                            FromIsInclusiveAndNeverLeavesThePrefix, ScansStopWhenTheVisitorSaysSo,
                            VisitorsReadScanAndWriteOtherTables, ReplacesErasesAndClears, RollbackRestoresEveryRow,
                            TransactionRollsBackUnlessCommitted, OtherConnectionsSeeTheLastCommit,
                            WritersFollowEachOther, OutsideChangesAreThoseOfOthers, HoldsLargeValues,
                            ACrashDropsWhatWasNotCommitted);

}  // namespace kith::store
