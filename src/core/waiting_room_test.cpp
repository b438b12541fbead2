#include "core/waiting_room.hpp"

#include <gtest/gtest.h>

#include "store/memory_store.hpp"
#include "support/must.hpp"
#include "support/raw_entry.hpp"
#include "support/test_device.hpp"

/// What cannot be applied yet has bounds, and a flood displaces nothing but itself.
namespace kith::core {
namespace {

using testing::must;
using testing::TestDevice;

struct Waiting : ::testing::Test {
  Waiting() { must(store.begin()); }
  /// @return whether there was room
  bool keep_unopened(DeviceId const& from, std::size_t bytes) {
    return must(room.keep_unopened(random.id<EpochId>(), random.id<ItemDigest>(), from, Bytes(bytes)));
  }
  PendingRecord entry(DeviceId const& from, std::vector<Tip> needs, std::size_t bytes = 1000) {
    return {tip(random.id<DeviceId>()), std::move(needs), from, Bytes(bytes)};
  }
  Tip tip(DeviceId const& author) { return {{author, {1}}, {1}, random.id<EntryHash>()}; }
  bool keep(PendingRecord const& one) { return must(room.keep_pending(one, one.needs)); }
  std::size_t rows(Table table, std::string_view prefix = {}) {
    std::size_t count = 0;
    must(store.scan(table, bytes_of(prefix), {}, [&](ByteView, ByteView) {
      ++count;
      return Store::Next::go_on;
    }));
    return count;
  }
  std::uint64_t bytes_in(Table table) {
    std::uint64_t bytes = 0;
    must(store.scan(table, {}, {}, [&](ByteView, ByteView value) {
      bytes += value.size();
      return Store::Next::go_on;
    }));
    return bytes;
  }

  testing::SeededRandom random{1};
  store::MemoryStore store{std::make_shared<store::MemoryDatabase>()};
  WaitingRoom room{store};
  DeviceId const honest = random.id<DeviceId>(), flood = random.id<DeviceId>(), second = random.id<DeviceId>();
};

constexpr std::size_t kPart = 64 * 1024;
constexpr std::size_t kParts = kLimits.max_unopened_bytes / kPart;

TEST_F(Waiting, RoomIsTakenFromWhoeverFillsIt) {
  for (std::size_t i = 0; i < 2 * kParts; ++i) EXPECT_EQ(keep_unopened(flood, kPart), i < kParts) << i;
  for (std::size_t i = 0; i < kParts / 2; ++i) EXPECT_TRUE(keep_unopened(honest, kPart)) << i;
  EXPECT_FALSE(keep_unopened(flood, kPart)) << "it has as much as the other one";
  EXPECT_TRUE(keep_unopened(second, kPart));
  EXPECT_LE(bytes_in(Table::unopened), kLimits.max_unopened_bytes + rows(Table::unopened) * DeviceId::kBytes);
}

TEST_F(Waiting, EntriesGiveWayLikewiseAndLeaveNothingBehind) {
  auto const kept = entry(honest, {tip(second)}, kPart);
  ASSERT_TRUE(keep(kept));
  for (std::size_t i = 0; i < 2 * kParts; ++i) EXPECT_EQ(keep(entry(flood, {tip(second)}, kPart)), i + 1 < kParts) << i;
  for (std::size_t i = 0; i + 1 < kParts / 2; ++i) EXPECT_TRUE(keep(entry(honest, {tip(second)}, kPart))) << i;
  EXPECT_TRUE(must(room.pending(kept.self.hash.view())));
  auto const waiting = rows(Table::pending);
  EXPECT_LE(waiting, kParts);
  EXPECT_EQ(rows(Table::waiting), waiting);
  EXPECT_EQ(rows(Table::meta, "missing/"), waiting);
  EXPECT_EQ(rows(Table::meta, "named/"), waiting);
}

TEST_F(Waiting, WhatIsDroppedFreesItsRoom) {
  std::vector<PendingRecord> all;
  for (std::size_t i = 0; i < kParts; ++i) ASSERT_TRUE(keep(all.emplace_back(entry(flood, {tip(second)}, kPart))));
  ASSERT_FALSE(keep(entry(flood, {tip(second)}, kPart)));
  for (auto const& one : all) must(room.drop_pending(one));
  EXPECT_EQ(rows(Table::meta) + rows(Table::waiting) + rows(Table::pending), 0U);
  EXPECT_TRUE(keep(entry(flood, {tip(second)}, kPart)));
}

/// Compressed, an entry's secrets can be less than what is noted of them.
TEST_F(Waiting, WhatIsNotedOfSecretsTakesUpRoomToo) {
  std::vector<EpochId> epochs;
  for (std::size_t i = 0; i < 64; ++i) epochs.push_back(random.id<EpochId>());
  std::vector<PendingRecord> all;
  for (;;) {
    auto one = entry(flood, {tip(second)}, kPart);
    if (!must(room.keep_pending(one, one.needs, epochs))) break;
    all.push_back(std::move(one));
    ASSERT_LT(all.size(), 2000U);
  }
  EXPECT_EQ(all.size(), kLimits.max_unopened_bytes / (kPart + epochs.size() * WaitingSecrets::kBytesEach));
  EXPECT_EQ(rows(Table::meta, "held/"), all.size() * epochs.size());
  EXPECT_EQ(must(room.secrets().holders(epochs.front(), 5)).size(), 5U);
  auto const few = all.size() / 4;
  for (std::size_t i = 0; i < few; ++i) {
    auto const one = entry(honest, {tip(second)}, kPart);
    ASSERT_TRUE(must(room.keep_pending(one, one.needs, epochs)));
  }
  EXPECT_LE(rows(Table::meta, "holds/"), all.size());
  EXPECT_EQ(rows(Table::meta, "held/"), rows(Table::pending) * epochs.size()) << "those that gave way left nothing";
  for (auto const& one : all) {
    if (must(room.pending(one.self.hash.view()))) must(room.drop_pending(one));
  }
  EXPECT_EQ(rows(Table::meta, "held/"), few * epochs.size());
  EXPECT_EQ(room.secrets().take_forgotten(), std::set<EpochId>(epochs.begin(), epochs.end()));
}

TEST_F(Waiting, ManyNeedsOfOneDoNotHideThoseOfAnother) {
  std::vector<Tip> made_up;
  for (int i = 0; i < 400; ++i) {
    made_up.push_back(tip(second));
    made_up.back().hash.bytes[0] = made_up.back().hash.bytes[1] = 0;  // before all others
  }
  ASSERT_TRUE(keep(entry(flood, made_up)));
  Tip const wanted = tip(second);
  ASSERT_TRUE(keep(entry(honest, {wanted})));
  auto const missing = must(room.missing(256, {}));
  EXPECT_EQ(missing.size(), 256U);
  EXPECT_LT(std::ranges::find(missing, wanted) - missing.begin(), 2);
  std::set<EntryHash> asked;
  for (auto const& one : missing) asked.insert(one.hash);
  EXPECT_EQ(must(room.missing(256, asked)).size(), 401U - 256U) << "the others";
}

TEST_F(Waiting, ANeedIsAskedForAsLongAsSomebodyHasIt) {
  Tip const need = tip(second);
  auto const one = entry(honest, {need}), other = entry(honest, {need}), third = entry(flood, {need});
  for (auto const* each : {&one, &other, &third}) ASSERT_TRUE(keep(*each));
  EXPECT_EQ(must(room.missing(10, {})), std::vector{need}) << "once";
  must(room.drop_pending(one));
  EXPECT_EQ(rows(Table::meta, "missing/"), 2U);
  must(room.drop_pending(third));
  EXPECT_EQ(must(room.missing(10, {})), std::vector{need});
  EXPECT_EQ(must(room.arrived(need)).size(), 1U);
  EXPECT_TRUE(must(room.missing(10, {})).empty());
  EXPECT_TRUE(must(room.waiters(need.hash)).empty());
}

TEST_F(Waiting, WhoNamesItsOwnLogVouchesForNothing) {
  Tip const need = tip(second);
  auto const anybody = [](WaitingRoom::Waiter const&) { return true; };
  auto own = entry(flood, {need});
  own.self.log.device = second;
  ASSERT_TRUE(keep(own));
  EXPECT_FALSE(must(room.named_by_another(need.log, anybody)));
  auto const other = entry(flood, {need});
  ASSERT_TRUE(keep(other));
  EXPECT_TRUE(must(room.named_by_another(need.log, anybody)));
  EXPECT_FALSE(must(room.named_by_another(need.log, [](WaitingRoom::Waiter const&) { return false; })));
  must(room.arrived(need));
  EXPECT_FALSE(must(room.named_by_another(need.log, anybody)));
}

}  // namespace
}  // namespace kith::core
