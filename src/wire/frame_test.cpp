#include "wire/frame.hpp"

#include <random>

#include <gtest/gtest.h>

#include "support/codec_properties.hpp"
#include "support/spelled.hpp"

namespace kith::wire {
namespace {

using testing::spell;
using enum WireError;

constexpr auto kTip = "[4 b:32=01 u:3 u:7 b:32=04";

template <class Id>
Id filled(std::uint8_t byte) {
  Id id;
  id.bytes.fill(byte);
  return id;
}
Tip tip() { return {{filled<DeviceId>(1), {3}}, {7}, filled<EntryHash>(4)}; }

/// Type and payload, as decode_frame() takes them.
Bytes unframed(Frame const& frame) {
  Bytes out;
  encode_frame(out, frame);
  out.erase(out.begin(), out.begin() + 4);
  return out;
}

void expect_spelling(Frame const& frame, std::string const& spelled) {
  Bytes const bytes = spell(spelled);
  Bytes out{0xAA};  // encode_frame appends
  encode_frame(out, frame);
  Bytes expected{0xAA};
  append_be(expected, static_cast<std::uint32_t>(bytes.size()));
  append(expected, bytes);
  EXPECT_EQ(to_hex(out), to_hex(expected)) << spelled;
  auto const decoded = decode_frame(bytes);
  ASSERT_TRUE(decoded) << spelled << ": " << decoded.error().name();
  EXPECT_TRUE(*decoded == frame) << spelled;
  EXPECT_EQ(static_cast<std::uint8_t>(type_of(*decoded)), bytes[0]);
}

TEST(Frames, StandAsTheSpecificationSays) {
  std::string const one_tip = kTip;
  expect_spelling(Data{{{Bytes(3, 0x11)}, {Bytes(1, 0x12)}}}, "01 [1 [2 b:3=11 b:1=12");
  expect_spelling(Data{}, "01 [1 [0");
  expect_spelling(FileChunk{filled<ChunkId>(5), 61440, 100000, ChunkCodec::zstd, Bytes(4, 0x11)},
                  "02 [5 b:32=05 u:61440 u:100000 u:2 b:4");
  expect_spelling(FileChunk{filled<ChunkId>(5), 0, 0, ChunkCodec::not_held, {}}, "02 [5 b:32=05 u:0 u:0 u:3 b:0");
  expect_spelling(
      Presence{9, {tip()}, {}, 2, 12, {{"192.0.2.1:4711"}}, {filled<FolderId>(5)}, {{filled<DeviceId>(6), {{"a:1"}}}}},
      "04 [8 u:9 [1 " + one_tip + " [0 u:2 u:12 [1 '192.0.2.1:4711' [1 b:16=05 [1 [2 b:32=06 [1 'a:1'");
  expect_spelling(Ack{{tip()}}, "05 [1 [1 " + one_tip);
  expect_spelling(Tips{{tip(), tip()}}, "10 [1 [2 " + one_tip + " " + one_tip);
  expect_spelling(Want{{{{filled<DeviceId>(1), {3}}, {5}, {7}, filled<EntryHash>(4)}}},
                  "11 [1 [1 [5 b:32=01 u:3 u:5 u:7 b:32=04");
  expect_spelling(ChunkWant{{filled<ChunkId>(5)}}, "12 [1 [1 b:32=05");
  expect_spelling(Credit{262144}, "13 [1 u:262144");
  expect_spelling(Ping{~std::uint64_t{0}}, "14 [1 cfffffffffffffffff");
  expect_spelling(Pong{1}, "15 [1 u:1");
  expect_spelling(Close{CloseCode::unknown_device, "who?"}, "16 [2 u:8 'who?'");
  expect_spelling(Rekey{}, "17 [0");
  expect_spelling(DigestWant{6}, "18 [1 u:6");
  expect_spelling(Digest{6,
                         filled<crypto::Hash256>(1),
                         filled<crypto::Hash256>(2),
                         filled<crypto::Hash256>(3),
                         filled<crypto::Hash256>(4),
                         {}},
                  "19 [6 u:6 b:32=01 b:32=02 b:32=03 b:32=04 [0");
  expect_spelling(
      Digest{6, {}, {}, {}, {}, {{filled<RelayKey>(5), filled<ChannelId>(6), filled<LogEpoch>(7), {8}, {tip()}}}},
      "19 [6 u:6 b:32=00 b:32=00 b:32=00 b:32=00 [1 [5 b:32=05 b:32=06 b:8=07 u:8 [1 " + one_tip);
}

TEST(Frames, FileMetaIsReservedAndUnknown) {
  EXPECT_EQ(decode_frame(spell("03 [0")).error(), Error(unknown_type, CountDetail{3, 0}));
}

TEST(FrameRefusals, Types) {
  testing::expect_refusals({{"", truncated},
                            {"00", unknown_type},
                            {"00 [0", unknown_type},
                            {"03 [0", unknown_type},
                            {"06 [0", unknown_type},
                            {"0f [0", unknown_type},
                            {"1a [0", unknown_type},
                            {"7f [0", unknown_type},
                            {"80 [0", unknown_type},
                            {"ff [0", unknown_type},
                            {"01", truncated},
                            {"17", truncated}},
                           decode_frame);
}

TEST(FrameRefusals, EntriesAndTips) {
  std::string const one_tip = kTip;
  testing::expect_refusals({{"01 [0", wrong_length},
                            {"01 [2 [0 [0", wrong_length},
                            {"01 [1 b:5", wrong_type},
                            {"01 [1 [1 s:5", wrong_type},
                            {"01 [1 [1 [0", wrong_type},
                            {"01 [1 [1 b:81921", too_large},
                            {"01 [1 [1 c6ffffffff", too_large},
                            {"01 [1 ddffffffff", truncated},
                            {"01 [1 [2 b:5", truncated},
                            {"01 [1 [1 c50003 x:3", not_canonical},
                            {"01 [1 [0 00", trailing_bytes},
                            {"05 [0", wrong_length},
                            {"05 [2 [0 [0", wrong_length},
                            {"05 [1 u:0", wrong_type},
                            {"05 [1 [1 b:32", wrong_type},
                            {"05 [1 [1 [3 b:32 u:1 u:1", wrong_length},
                            {"05 [1 dc1001 x:4097", too_large},
                            {"05 [1 [1 [4 b:32 u:1 u:1 b:31", wrong_length},
                            {"05 [1 [1 [4 b:32 i:-1 u:1 b:32", bad_value},
                            {"05 [1 [1 [4 b:32 u:1 cc01 b:32", not_canonical},
                            {"05 [1 [2 " + one_tip, truncated},
                            {"10 [0", wrong_length},
                            {"10 " + one_tip, wrong_length},
                            {"10 [1 dc1001 x:4097", too_large},
                            {"10 [1 dd00001001 x:4097", not_canonical},
                            {"10 [1 [1 [5 b:32 u:1 u:1 b:32 u:0", wrong_length},
                            {"10 [1 [1 [4 s:32 u:1 u:1 b:32", wrong_type},
                            {"10 [1 81 u:1 u:1", wrong_type},
                            {"10 [1 [1 c0", wrong_type},
                            {"10 [1 [0 [0", trailing_bytes},
                            {"10 c0", wrong_type},
                            {"10 [1", truncated}},
                           decode_frame);
}

TEST(FrameRefusals, Chunks) {
  testing::expect_refusals({{"02 [4 b:32 u:0 u:0 u:0", wrong_length},
                            {"02 [6 b:32 u:0 u:0 u:0 b:0 u:0", wrong_length},
                            {"02 [5 b:16 u:0 u:0 u:0 b:0", wrong_length},
                            {"02 [5 b:32 i:-1 u:0 u:0 b:0", bad_value},
                            {"02 [5 b:32 u:0 t u:0 b:0", wrong_type},
                            {"02 [5 b:32 u:0 u:0 u:4 b:0", bad_value, "no such codec"},
                            {"02 [5 b:32 u:0 u:0 u:256 b:0", bad_value},
                            {"02 [5 b:32 u:0 u:0 u:0 s:4", wrong_type},
                            {"02 [5 b:32 u:0 u:0 u:0 b:61441", too_large},
                            {"02 [5 b:32 u:0 u:0 u:0 c405 x:4", truncated},
                            {"02 [5 b:32 cd0001 u:0 u:0 b:0", not_canonical},
                            {"12 [0", wrong_length},
                            {"12 [1 b:32", wrong_type},
                            {"12 [1 [1 b:31", wrong_length},
                            {"12 [1 [1 u:5", wrong_type},
                            {"12 [1 dc0401 x:1025", too_large},
                            {"12 [1 dcffff", truncated},
                            {"12 [1 [2 b:32", truncated},
                            {"12 [1 dc0001 b:32", not_canonical},
                            {"12 [2 [0 [0", wrong_length},
                            {"12 [1 [1 b:32 00", trailing_bytes},
                            {"13 [0", wrong_length},
                            {"13 [2 u:0 u:0", wrong_length},
                            {"13 [1 i:-1", bad_value},
                            {"13 [1 'a'", wrong_type},
                            {"13 [1 cf00000000ffffffff", not_canonical},
                            {"13 u:5", wrong_type},
                            {"13 [1 u:5 u:5", trailing_bytes},
                            {"13 [1 ca00000000", wrong_type},
                            {"13 [1 d05f", bad_value, "a signed form of 95"},
                            {"13 [1", truncated}},
                           decode_frame);
}

TEST(FrameRefusals, Wants) {
  auto const range = [](std::string const& fields) { return "11 [1 [1 " + fields; };
  testing::expect_refusals({{"11 [0", wrong_length},
                            {"11 [2 [0 [0", wrong_length},
                            {"11 [1 u:1", wrong_type},
                            {"11 [1 dc0101 x:257", too_large},
                            {range("[4 b:32 u:1 u:1 u:1"), wrong_length},
                            {range("[6 b:32 u:1 u:1 u:1 b:32 u:0"), wrong_length},
                            {range("b:32"), wrong_type},
                            {range("[5 b:31 u:1 u:1 u:1 b:32"), wrong_length},
                            {range("[5 b:32 i:-1 u:1 u:1 b:32"), bad_value},
                            {range("[5 b:32 u:1 t u:1 b:32"), wrong_type},
                            {range("[5 b:32 u:1 u:1 'a' b:32"), wrong_type},
                            {range("[5 b:32 u:1 u:1 cd0001 b:32"), not_canonical},
                            {range("[5 b:32 u:1 u:1 u:1 b:33"), wrong_length},
                            {range("[5 b:32 u:1 u:1 u:1"), truncated},
                            {range("[5 b:32 u:1 u:1 u:1 b:32 00"), trailing_bytes}},
                           decode_frame);
}

TEST(FrameRefusals, PresenceAndDigests) {
  std::string const one_tip = kTip;
  testing::expect_refusals({{"04 [7 u:1 [0 [0 u:0 u:0 [0 [0", wrong_length},
                            {"04 [9 u:1 [0 [0 u:0 u:0 [0 [0 [0 u:0", wrong_length},
                            {"04 [8 i:-1 [0 [0 u:0 u:0 [0 [0 [0", bad_value},
                            {"04 [8 u:1 b:0 [0 u:0 u:0 [0 [0 [0", wrong_type},
                            {"04 [8 u:1 [0 [1 b:32 u:0 u:0 [0 [0 [0", wrong_type},
                            {"04 [8 u:1 [0 [0 t u:0 [0 [0 [0", wrong_type},
                            {"04 [8 u:1 [0 [0 u:65536 u:0 [0 [0 [0", bad_value, "more held than may be said"},
                            {"04 [8 u:1 [0 [0 i:-1 u:0 [0 [0 [0", bad_value},
                            {"04 [8 u:1 [0 [0 cd0001 u:0 [0 [0 [0", not_canonical},
                            {"04 [8 u:1 [0 [0 u:0 t [0 [0 [0", wrong_type},
                            {"04 [8 u:1 [0 [0 u:0 u:0 [9 x:9=a0 [0 [0", too_large, "nine addresses"},
                            {"04 [8 u:1 [0 [0 u:0 u:0 [1 s:256 [0 [0", too_large},
                            {"04 [8 u:1 [0 [0 u:0 u:0 [1 b:9 [0 [0", wrong_type},
                            {"04 [8 u:1 [0 [0 u:0 u:0 [1 a1ff [0 [0", not_utf8},
                            {"04 [8 u:1 dc1001 x:4097", too_large},
                            {"04 [8 u:1 [0 [0 u:0 u:0 [0 [1 b:32 [0", wrong_length},
                            {"04 [8 u:1 [0 [0 u:0 u:0 [0 dc0101 x:257", too_large},
                            {"04 [8 u:1 [0 [0 u:0 u:0 [0 [0 dc0041 x:65", too_large, "65 contacts"},
                            {"04 [8 u:1 [0 [0 u:0 u:0 [0 [0 [1 b:32", wrong_type},
                            {"04 [8 u:1 [0 [0 u:0 u:0 [0 [0 [1 [2 b:32 [9 x:9=a0", too_large},
                            {"04 [8 u:1 [0 [0 u:0 u:0 [0 [0 [1 [2 b:31 [0", wrong_length},
                            {"04 [8 u:1 [1 " + one_tip + " [0 u:0 u:0 [0", truncated},
                            {"04 [8 u:1 [0 [0 u:0 u:0 [0 [0 [0 00", trailing_bytes},
                            {"18 [0", wrong_length},
                            {"18 [2 u:1 u:1", wrong_length},
                            {"18 [1 b:8", wrong_type},
                            {"18 [1 cc01", not_canonical},
                            {"19 [5 u:1 b:32 b:32 b:32 b:32", wrong_length},
                            {"19 [7 u:1 b:32 b:32 b:32 b:32 [0 [0", wrong_length},
                            {"19 [6 u:1 b:31 b:32 b:32 b:32 [0", wrong_length},
                            {"19 [6 u:1 b:32 s:32 b:32 b:32 [0", wrong_type},
                            {"19 [6 u:1 b:32 b:32 b:33 b:32 [0", wrong_length},
                            {"19 [6 u:1 b:32 b:32 b:32 b:0 [0", wrong_length},
                            {"19 [6 b:32 u:1 b:32 b:32 b:32 [0", wrong_type},
                            {"19 [6 u:1 b:32 b:32 b:32 b:32", truncated},
                            {"19 [6 u:1 b:32 b:32 b:32 b:32 b:32", wrong_type},
                            {"19 [6 u:1 b:32 b:32 b:32 b:32 [5 [0 [0 [0 [0 [0", too_large},
                            {"19 [6 u:1 b:32 b:32 b:32 b:32 [1 [4 b:32 b:32 b:8 u:1", wrong_length},
                            {"19 [6 u:1 b:32 b:32 b:32 b:32 [1 [5 b:32 b:32 b:7 u:1 [0", wrong_length},
                            {"19 [6 u:1 b:32 b:32 b:32 b:32 [1 [5 b:32 b:32 b:8 u:1 dc0081 b:200", too_large}},
                           decode_frame);
}

TEST(FrameRefusals, Control) {
  testing::expect_refusals({{"14 [0", wrong_length},
                            {"14 [2 u:1 u:1", wrong_length},
                            {"14 [1 i:-1", bad_value},
                            {"14 [1 t", wrong_type},
                            {"14 u:1", wrong_type},
                            {"14 [1 ce00000001", not_canonical},
                            {"15 [0", wrong_length},
                            {"15 [1 c0", wrong_type},
                            {"15 [1 cf0000000000000001", not_canonical},
                            {"15 [1 u:1 00", trailing_bytes},
                            {"16 [1 u:0", wrong_length},
                            {"16 [3 u:0 'a' u:0", wrong_length},
                            {"16 [2 u:9 'a'", bad_value, "no such code"},
                            {"16 [2 u:256 'a'", bad_value},
                            {"16 [2 i:-1 'a'", bad_value},
                            {"16 [2 u:0 b:1", wrong_type},
                            {"16 [2 u:0 s:256", too_large},
                            {"16 [2 u:0 a1ff", not_utf8},
                            {"17 [1 u:0", wrong_length},
                            {"17 b:0", wrong_type},
                            {"17 c0", wrong_type},
                            {"17 [0 [0", trailing_bytes},
                            {"17 dc0000", not_canonical}},
                           decode_frame);
}

TEST(Frames, HoldTheCodecProperties) {
  testing::check_codec(
      testing::CodecUnderTest{[](testing::Extent extent) { return testing::draw_alternative<Frame>(extent); },
                              [](Frame const& frame) { return unframed(frame); }, decode_frame});
}

/// Everything that comes out of a splitter that is fed `pieces`.
struct Split {
  std::vector<Bytes> frames;
  std::optional<Error> error;
  friend bool operator==(Split const&, Split const&) = default;
};
void drain(FrameSplitter& splitter, Split& split) {
  for (;;) {
    auto next = splitter.next();
    if (!next) split.error = next.error();
    if (!next || !*next) return;
    split.frames.push_back(std::move(**next));
  }
}

TEST(FrameSplitter, GivesWholeFramesOnly) {
  Bytes const stream = spell("00000002 14 aa 00000001 17 00000003 15");
  FrameSplitter splitter;
  EXPECT_EQ(splitter.next().value(), std::nullopt);
  splitter.feed(stream);
  EXPECT_EQ(splitter.next().value(), spell("14 aa"));
  EXPECT_EQ(splitter.held_bytes(), stream.size() - 6);
  EXPECT_EQ(splitter.next().value(), spell("17"));
  EXPECT_EQ(splitter.next().value(), std::nullopt);
  EXPECT_EQ(splitter.held_bytes(), 5U);
  splitter.feed(spell("01 02"));
  EXPECT_EQ(splitter.next().value(), spell("15 01 02"));
  EXPECT_EQ(splitter.held_bytes(), 0U);
}

TEST(FrameSplitter, RefusesALengthAsSoonAsItIsKnown) {
  auto const error = [](std::string_view spelled) {
    FrameSplitter splitter;
    splitter.feed(spell(spelled));
    return splitter.next().error();
  };
  EXPECT_EQ(error("00000000"), Error(truncated));
  EXPECT_EQ(error("00018001"), Error(too_large, CountDetail{98305, 98304}));
  EXPECT_EQ(error("ffffffff"), Error(too_large, CountDetail{0xFFFFFFFF, 98304}));
  FrameSplitter at_limit;
  at_limit.feed(spell("00018000 x:98303"));
  EXPECT_EQ(at_limit.next().value(), std::nullopt);
  at_limit.feed(spell("00"));
  EXPECT_EQ(at_limit.next().value()->size(), kLimits.max_frame_bytes);
}

TEST(FrameSplitter, PiecesMakeNoDifference) {
  testing::check_times(100, "pieces", [] {
    Bytes stream;
    int const frames = *rc::gen::inRange(0, 6);
    for (int i = 0; i < frames; ++i) encode_frame(stream, testing::draw_alternative<Frame>(testing::Extent::any));
    if (*rc::gen::arbitrary<bool>())
      append_be(stream, *rc::gen::element<std::uint32_t>(0, 3, 98304, 98305, 0xFFFFFFFF));

    Split whole, pieces;
    FrameSplitter splitter;
    splitter.feed(stream);
    drain(splitter, whole);
    RC_ASSERT(whole.frames.size() == static_cast<std::size_t>(frames));

    FrameSplitter other;
    std::size_t const longest = *rc::gen::element<std::size_t>(1, 2, 5, 100, 100'000);
    std::minstd_rand random(*rc::gen::arbitrary<std::uint32_t>());  // one draw: drawing each length would take for ever
    for (ByteView rest = stream; !rest.empty() && !pieces.error;) {
      std::size_t const length = std::min<std::size_t>(1 + random() % longest, rest.size());
      if (random() % 4 == 0) other.feed({});
      other.feed(rest.first(length));
      rest = rest.subspan(length);
      drain(other, pieces);
    }
    RC_ASSERT(pieces == whole);
  });
}

}  // namespace
}  // namespace kith::wire
