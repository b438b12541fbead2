#include "engine/control.hpp"

#include <gtest/gtest.h>

#include "engine/relay_status.hpp"
#include "support/must.hpp"

/// Rows that no program of ours has written, and what becomes of them.
namespace kith::engine {
namespace {

using testing::must;

template <class... Fields>
Bytes row_of(Fields const&... fields) {
  Bytes out;
  wire::Encoder{out}(fields...);
  return out;
}

TEST(ControlRows, RefuseErrorNumbersThatAreNone) {
  std::string const text = "refused";
  auto const dial = [&](std::int64_t number) {
    return core::decode_record<DialRow>(
        row_of(std::int64_t{5}, wire::text(text, 99), number, std::uint8_t{1}, std::uint8_t{2}));
  };
  EXPECT_EQ(must(dial(-111)).failure_errno, -111);
  RelayRow row;
  row.failure_errno = 111;
  EXPECT_EQ(must(core::decode_record<RelayRow>(core::encode_record(row))).failure_errno, 111);
  auto const relay = [&](std::int64_t number) {
    return core::decode_record<RelayRow>(row_of(true, true, true, true, std::int64_t{5}, row.trouble, std::uint64_t{0},
                                                wire::text(text, 99), number, wire::text(text, 99)));
  };
  EXPECT_TRUE(relay(111));
  for (std::int64_t const number : {std::int64_t{1} << 31, -(std::int64_t{1} << 31) - 1, std::int64_t{1} << 32}) {
    EXPECT_FALSE(dial(number)) << number;
    EXPECT_FALSE(relay(number)) << number;
  }
}

TEST(ControlRows, RefuseAPathWithoutItsCode) {
  std::vector<wire::BoundedBytes<99>> fields{{{'a'}}, {{'b'}}};
  std::vector<DeviceId> const counts;
  auto const skipped = [&] {
    return core::decode_record<SkippedRow>(row_of(wire::list(fields, 99), wire::list(counts, 1)));
  };
  EXPECT_EQ(must(skipped()).items.size(), 1U);
  fields.push_back({{'c'}});
  EXPECT_FALSE(skipped());
}

TEST(ControlRows, RefuseStatesThatThereAreNot) {
  auto row = core::encode_record(PairRow{PairState::joined, {}, "phone", "here"});
  EXPECT_TRUE(core::decode_record<PairRow>(row));
  for (auto const state : {std::uint8_t{0}, std::uint8_t{5}, std::uint8_t{99}}) {
    row[1] = state;
    EXPECT_FALSE(core::decode_record<PairRow>(row)) << int{state};
  }
  InviteRow invite;
  invite.state = core::InviteState::cancelled;
  auto const text = core::encode_record(invite);
  EXPECT_EQ(must(core::decode_record<InviteRow>(text)).state, core::InviteState::cancelled);
  for (std::size_t length = 0; length < text.size(); ++length)
    EXPECT_FALSE(core::decode_record<InviteRow>(ByteView{text}.first(length))) << length;
}

}  // namespace
}  // namespace kith::engine
