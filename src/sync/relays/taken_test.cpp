#include "sync/relays/taken.hpp"

#include <gtest/gtest.h>

#include "support/must.hpp"

/// What a device may say of what it took, and what its decoder and check make of everything else.
namespace kith::sync {
namespace {

using testing::must;

using Open = Taken::Open;

Taken some() {
  Taken taken;
  taken.log_epoch.bytes[0] = 7;
  taken.upto = {90};
  taken.open = {{{3}, {3}, {0x05, 0x80}}, {{7}, {20}, {}}, {{90}, {90}, {0x01}}};
  taken.lacked = {1, 2};
  return taken;
}

TEST(Taken, IsReadAsItIsWritten) {
  for (auto const& taken : {some(), Taken{}}) {
    auto const bytes = wire::encode(taken);
    EXPECT_EQ(must(wire::decode<Taken>(bytes)), taken);
    EXPECT_TRUE(taken.valid());
    for (std::size_t length = 0; length < bytes.size(); ++length)
      EXPECT_FALSE(wire::decode<Taken>(ByteView{bytes}.first(length))) << length;
    auto longer = bytes;
    longer.push_back(0);
    EXPECT_FALSE(wire::decode<Taken>(longer));
  }
}

TEST(Taken, KeepsItsLimits) {
  struct Case {
    char const* what;
    void (*change)(Taken&);
  };
  for (auto const& each : std::initializer_list<Case>{
           {"another format", [](Taken& t) { t.format = 2; }},
           {"too many spans", [](Taken& t) { t.open.assign(Taken::kMostOpen + 1, Open{}); }},
           {"too many chunks that are lacked", [](Taken& t) { t.lacked.assign(Taken::kMostLacked + 1, 0); }},
           {"too many bits", [](Taken& t) { t.open[0].bits.assign(Taken::kMostBitBytes + 1, 1); }}}) {
    auto taken = some();
    each.change(taken);
    EXPECT_FALSE(wire::decode<Taken>(wire::encode(taken))) << each.what;
  }
  auto full = some();
  full.open.assign(Taken::kMostOpen, Open{{1}, {1}, Bytes(Taken::kMostBitBytes, 1)});
  full.lacked.assign(Taken::kMostLacked, 9);
  EXPECT_EQ(must(wire::decode<Taken>(wire::encode(full))), full);
}

TEST(Taken, SpansAreInOrderAndBitsStandAtSingleCursors) {
  struct Case {
    char const* what;
    std::vector<Open> open;
  };
  for (auto const& each :
       std::initializer_list<Case>{{"cursor 0", {{{0}, {3}, {}}}},
                                   {"a span that ends before it begins", {{{4}, {3}, {}}}},
                                   {"beyond what was looked at", {{{90}, {91}, {}}}},
                                   {"two that touch the same cursor", {{{3}, {5}, {}}, {{5}, {6}, {}}}},
                                   {"one inside another", {{{3}, {9}, {}}, {{5}, {6}, {}}}},
                                   {"descending", {{{8}, {9}, {}}, {{3}, {4}, {}}}},
                                   {"twice the same", {{{8}, {8}, {}}, {{8}, {8}, {}}}},
                                   {"bits of more than one", {{{3}, {4}, {1}}}},
                                   {"a zero byte behind the bits", {{{3}, {3}, {1, 0}}}},
                                   {"nothing but a zero byte", {{{3}, {3}, {0}}}},
                                   {"the largest cursor", {{{3}, {std::numeric_limits<std::uint64_t>::max()}, {}}}}}) {
    auto taken = some();
    taken.open = each.open;
    EXPECT_FALSE(taken.valid()) << each.what;
  }
}

TEST(Taken, CoversWhatIsNotOpen) {
  auto const taken = some();
  for (std::uint64_t cursor = 0; cursor < 100; ++cursor) {
    bool const open = cursor == 3 || (cursor >= 7 && cursor <= 20) || cursor == 90;
    EXPECT_EQ(taken.covers({cursor}), cursor > 0 && cursor <= 90 && !open) << cursor;
    EXPECT_EQ(taken.find_open({cursor}) != nullptr, open) << cursor;
  }
}

/// Rows of other databases: who took an object is written in order, each once.
TEST(ObjectBookRows, RefusesTakersOutOfOrder) {
  DeviceId first, second;
  first.bytes[0] = 1;
  second.bytes[0] = 2;
  ObjectBook::Noted const noted{first, 5, {6}, {}, {first, second}};
  auto const row = core::encode_record(noted);
  EXPECT_EQ(core::encode_record(must(core::decode_record<ObjectBook::Noted>(row))), row);
  for (auto const& takers : {std::vector{second, first}, std::vector{first, first}}) {
    Bytes bad;
    wire::Writer writer(bad);
    std::vector<ChunkId> const none;
    core::write_row(writer, noted.device, noted.expires_ms, noted.cursor, wire::list(none, 1), wire::list(takers, 2));
    EXPECT_FALSE(core::decode_record<ObjectBook::Noted>(bad));
  }
}

}  // namespace
}  // namespace kith::sync
