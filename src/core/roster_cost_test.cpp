#include <ctime>

#include <gtest/gtest.h>

#include "core/epoch_book.hpp"
#include "support/seeded_random.hpp"

/// What a hostile member writes is weighed by everybody, in each command: many ops must not cost their square.
namespace kith::core {
namespace {

constexpr std::uint64_t kEntries = 2000;
#if defined(__SANITIZE_ADDRESS__)
constexpr double kSeconds = 20;
#else
constexpr double kSeconds = 2;
#endif

/// A founding entry, and behind it one log of entries that are as full as one may be.
struct RosterCost : ::testing::Test {
  using MakeOp = std::function<RosterOp(std::uint64_t entry, std::uint32_t index)>;

  RosterEntry& next() {
    auto& entry = entries.emplace_back();
    entry.hash = random.id<EntryHash>();
    entry.author = creator;
    entry.place = {{1}, {entries.size()}};
    entry.past.include(entry.place);
    entry.hlc = entries.size();
    return entry;
  }
  RosterCost() {
    entries.reserve(2 * kEntries + 2);
    wire::Devcert cert;
    cert.device = creator;
    next().ops.emplace_back(0, Founding{cert, "group"});
  }
  RosterEntry& next_of(DeviceId const& author, ChainNo chain, Seq seq, Past const& past) {
    auto& entry = entries.emplace_back();
    entry.hash = random.id<EntryHash>();
    entry.author = author;
    entry.place = {chain, seq};
    entry.past = past;
    entry.past.include(entry.place);
    entry.hlc = entries.size();
    return entry;
  }
  void fill(MakeOp const& make, std::size_t ops = kLimits.max_roster_ops) {
    for (std::uint64_t i = 0; i < kEntries; ++i) {
      auto& entry = next();
      for (std::uint32_t index = 0; index < ops; ++index) entry.ops.emplace_back(index, make(i, index));
    }
  }
  /// CPU time: what else the machine does is no matter.
  template <class F>
  static auto in_time(F&& work) {
    auto const before = std::clock();
    auto result = work();
    EXPECT_LT(static_cast<double>(std::clock() - before) / CLOCKS_PER_SEC, kSeconds);
    return result;
  }
  [[nodiscard]] Roster roster() const {
    return in_time([&] { return compute_roster(entries); });
  }
  [[nodiscard]] wire::DeviceAdd add(DeviceId const& device) const {
    wire::DeviceAdd add;
    add.cert.device = device;
    add.name = "new";
    return add;
  }
  static DeviceId numbered(std::uint64_t number) {
    DeviceId id;
    store_be(id.bytes.data(), number);
    return id;
  }

  testing::SeededRandom random{5};
  DeviceId creator = random.id<DeviceId>();
  std::vector<RosterEntry> entries;
};

TEST_F(RosterCost, RenamesOfOneDevice) {
  fill([&](std::uint64_t entry, std::uint32_t index) {
    return wire::DeviceRename{creator, fmt::format("{}-{}", entry, index)};
  });
  EXPECT_EQ(roster().find(creator)->name, fmt::format("{}-{}", kEntries - 1, kLimits.max_roster_ops - 1));
}

TEST_F(RosterCost, PausesOfOneDevice) {
  fill([&](std::uint64_t, std::uint32_t index) { return wire::DevicePause{creator, index % 2 == 0}; });
  EXPECT_FALSE(roster().find(creator)->paused);
}

TEST_F(RosterCost, AddsOfOneDevice) {
  fill([&](std::uint64_t, std::uint32_t) { return add(numbered(7)); });
  EXPECT_EQ(roster().find(numbered(7))->add_entries, std::vector{entries[1].hash}) << "a device joins once";
}

/// In pairs, so that there are names to choose from as well.
TEST_F(RosterCost, AddsOfManyDevices) {
  fill(
      [&](std::uint64_t entry, std::uint32_t index) -> RosterOp {
        auto const device = numbered(entry * 64 + index / 2);
        return index % 2 == 0 ? RosterOp{add(device)} : RosterOp{wire::DeviceRename{device, "renamed"}};
      },
      32);
  auto const known = roster();
  EXPECT_EQ(known.members().size(), kEntries * 16 + 1);
  EXPECT_EQ(known.find(numbered(64 + 3))->name, "renamed");
}

TEST_F(RosterCost, RelaysOfOneKey) {
  fill([&](std::uint64_t entry, std::uint32_t index) {
    return wire::RelaySet{fmt::format("wss://{}", entry), {}, {{static_cast<std::uint8_t>(index)}}};
  });
  auto const known = roster();
  ASSERT_EQ(known.relays().size(), 1U);
  EXPECT_EQ(known.relays()[0].url, fmt::format("wss://{}", kEntries - 1));
}

TEST_F(RosterCost, Rotations) {
  fill([&](std::uint64_t entry, std::uint32_t) { return Rotation{entry + 1, {creator}, {}}; }, 1);
  for (std::size_t i = 0; i < entries.size(); ++i)
    store_be(entries[i].sealed_under.bytes.data(), static_cast<std::uint64_t>(i));
  auto const known = compute_roster(entries);
  auto const book = in_time([&] { return EpochBook(entries, known, entries.back().past); });
  ASSERT_EQ(book.valid().size(), kEntries);
  EXPECT_EQ(book.valid().front().number, kEntries);
  EXPECT_EQ(book.next_number(entries[1000].past), 1001U);
}

TEST_F(RosterCost, RemovesOfADeviceThatAddsManyOthers) {
  auto const thief = numbered(7);
  next().ops.emplace_back(0, add(thief));
  fill([&](std::uint64_t, std::uint32_t) { return wire::DeviceRemove{thief, wire::RemoveReason::lost, std::nullopt}; });
  auto const introduced = entries[1].past;
  for (std::uint64_t i = 0; i < kEntries; ++i) {
    auto& entry = next_of(thief, {2}, {i + 1}, introduced);
    for (std::uint32_t index = 0; index < kLimits.max_roster_ops; ++index)
      entry.ops.emplace_back(index, add(numbered(1000 + i * kLimits.max_roster_ops + index)));
  }
  auto const known = roster();
  EXPECT_EQ(known.find(thief)->state, MemberState::removed);
  EXPECT_EQ(known.find(thief)->removes.size(), 1U) << "the first one says all";
  EXPECT_EQ(known.members().size(), kEntries * kLimits.max_roster_ops + 2);
  EXPECT_EQ(known.find(numbered(1000))->state, MemberState::unfounded);
}

/// All remove each other, in entries that do not know of each other's.
TEST_F(RosterCost, EverybodyAgainstEverybody) {
  constexpr std::uint64_t kDevices = 64, kEach = 30;
  auto& first = next();
  for (std::uint32_t i = 0; i < kDevices; ++i) first.ops.emplace_back(i, add(numbered(i)));
  auto const introduced = first.past;
  for (std::uint64_t device = 0; device < kDevices; ++device) {
    for (std::uint64_t i = 0; i < kEach; ++i) {
      auto& entry = next_of(numbered(device), {static_cast<std::uint32_t>(device) + 2}, {i + 1}, introduced);
      for (std::uint32_t index = 0; index < kDevices; ++index) {
        if (index == device) continue;
        entry.ops.emplace_back(index, wire::DeviceRemove{numbered(index), wire::RemoveReason::lost, std::nullopt});
      }
    }
  }
  auto const known = roster();
  EXPECT_EQ(known.active_by_rank().size(), 2U) << "the creator, and the most senior one";
}

/// A removed device brings others in, who bring others in: each is treated as removed by what its adder is.
TEST_F(RosterCost, ALongLineOfDevicesThatARemovedOneBrought) {
  constexpr std::uint64_t kRemovers = 64, kLine = 600;
  auto& first = next();
  for (std::uint32_t i = 0; i < kRemovers; ++i) first.ops.emplace_back(i, add(numbered(i)));
  auto const thief = numbered(900);
  next().ops.emplace_back(0, add(thief));
  auto past = entries.back().past;
  for (std::uint64_t i = 0; i < kRemovers; ++i) {
    auto& entry = next_of(numbered(i), {static_cast<std::uint32_t>(i) + 2}, {1}, entries[2].past);
    entry.ops.emplace_back(0, wire::DeviceRemove{thief, wire::RemoveReason::lost, std::nullopt});
  }
  DeviceId adder = thief;
  for (std::uint64_t i = 0; i < kLine; ++i) {
    auto& entry = next_of(adder, {static_cast<std::uint32_t>(i) + 1000}, {1}, past);
    adder = numbered(1000 + i);
    entry.ops.emplace_back(0, add(adder));
    past = entry.past;
  }
  auto const known = roster();
  auto const* last = known.find(adder);
  ASSERT_NE(last, nullptr);
  EXPECT_EQ(last->state, MemberState::unfounded);
  EXPECT_EQ(last->removes.size(), kRemovers);
}

/// Each device writes one entry, so that no chain speaks for many.
TEST_F(RosterCost, RenamesInManyLogs) {
  fill([&](std::uint64_t entry, std::uint32_t index) {
    return wire::DeviceRename{creator, fmt::format("{}-{}", entry, index)};
  });
  for (std::size_t i = 1; i < entries.size(); ++i) {
    entries[i].place = {{static_cast<std::uint32_t>(i) + 1}, {1}};
    entries[i].past = entries[0].past;
    entries[i].past.include(entries[i].place);
  }
  EXPECT_EQ(roster().find(creator)->name, fmt::format("{}-{}", kEntries - 1, kLimits.max_roster_ops - 1))
      << "the greatest clock";
}

}  // namespace
}  // namespace kith::core
