#include "wire/entry.hpp"

#include <gtest/gtest.h>

#include "support/codec_properties.hpp"
#include "support/spelled.hpp"

namespace kith::wire {
namespace {

using testing::spell;
using enum WireError;

constexpr auto kHeader = "4b31 01 x:16=aa x:16=bb x:24=cc x:32=dd";
constexpr auto kPrefix = "4b32 01 x:16=aa x:32=ee 02 x:48=f1 x:48=f2";

Result<SealedParts> sealed(ByteView bytes) { return decode_sealed(bytes); }
Result<EntryBody> body(ByteView bytes) { return decode_body(bytes); }

Bytes reencoded(SealedParts const& parts) {
  Bytes out = parts.prefix ? parts.prefix->encoding() : Bytes{};
  append(out, encode_header(parts.header));
  append(out, parts.ciphertext);
  return out;
}

template <class Id>
Id filled(std::uint8_t byte) {
  Id id;
  id.bytes.fill(byte);
  return id;
}

TEST(SealedEntry, FieldsStandWhereTheDiagramSays) {
  Bytes const bytes = spell(std::string(kHeader) + " x:16=01");
  auto const parts = sealed(bytes).value();
  EXPECT_FALSE(parts.prefix);
  EXPECT_TRUE(parts.prefix_bytes.empty());
  EXPECT_EQ(parts.header, (EntryHeader{kSuite1, filled<EpochId>(0xAA), filled<EntryId>(0xBB),
                                       filled<crypto::XNonce>(0xCC), filled<decltype(EntryHeader::commitment)>(0xDD)}));
  EXPECT_EQ(parts.ciphertext.data(), bytes.data() + 91) << "a view, no copy";
  EXPECT_EQ(parts.ciphertext.size(), 16U);
  EXPECT_EQ(encode_header(parts.header).size(), EntryHeader::kBytes);
  EXPECT_EQ(reencoded(parts), bytes);
}

TEST(SealedEntry, AnEpochPrefixGoesBeforeTheEntry) {
  Bytes const prefix = spell(kPrefix);
  Bytes bytes = prefix;
  append(bytes, spell(std::string(kHeader) + " x:20=01"));
  auto const parts = sealed(bytes).value();
  ASSERT_TRUE(parts.prefix);
  EXPECT_EQ(parts.prefix->epoch, filled<EpochId>(0xAA));
  EXPECT_EQ(parts.prefix->ephemeral, filled<crypto::DhPublicKey>(0xEE));
  EXPECT_EQ(parts.prefix->wraps, (std::vector{filled<Wrap>(0xF1), filled<Wrap>(0xF2)}));
  EXPECT_TRUE(equal(parts.prefix_bytes, prefix));
  EXPECT_TRUE(equal(parts.prefix->head(), ByteView{prefix}.first(EpochPrefix::kHeadBytes)));
  EXPECT_EQ(parts.ciphertext.size(), 20U);
  EXPECT_EQ(reencoded(parts), bytes);
}

TEST(SealedEntry, HoldsUpTo255Wraps) {
  Bytes bytes = spell("4b32 01 x:16=aa x:32=ee ff x:12240=77");
  append(bytes, spell(std::string(kHeader) + " x:16"));
  EXPECT_EQ(sealed(bytes).value().prefix->wraps.size(), 255U);
  bytes.erase(bytes.begin() + 52, bytes.begin() + 52 + 255 * 48);
  bytes[51] = 0;
  EXPECT_EQ(sealed(bytes).value().prefix->wraps.size(), 0U);
}

TEST(SealedEntry, IsAtMost80KiB) {
  Bytes bytes = spell(kHeader);
  bytes.resize(kLimits.max_sealed_entry_bytes);
  EXPECT_TRUE(sealed(bytes));
  bytes.push_back(0);
  EXPECT_EQ(sealed(bytes).error(), Error(too_large, CountDetail{81921, 81920}));
}

TEST(SealedEntry, SuitesOfLaterVersionsAreNamed) {
  Bytes bytes = spell(std::string(kHeader) + " x:16");
  bytes[2] = 9;
  EXPECT_EQ(sealed(bytes).error(), Error(unknown_suite, VersionsDetail{1, 1, 9, 9}));
}

TEST(SealedEntryRefusals, Forms) {
  std::string const header = kHeader, prefix = kPrefix, entry = header + " x:16";
  testing::expect_refusals({{"", truncated},
                            {"4b", truncated},
                            {"00", truncated, "too short to say what it is"},
                            {"4b31", truncated},
                            {"4b31 01", truncated},
                            {header, truncated},
                            {header + " x:15", truncated, "no room for a tag"},
                            {"4b33 01 x:200", unknown_magic},
                            {"4b30 01 x:200", unknown_magic},
                            {"6b31 01 x:200", unknown_magic},
                            {"314b 01 x:200", unknown_magic},
                            {"x:200", unknown_magic},
                            {"[8 x:200", unknown_magic},
                            {"4b31 00 x:200", unknown_suite},
                            {"4b31 02 x:200", unknown_suite},
                            {"4b31 ff x:200", unknown_suite},
                            {"4b32", truncated},
                            {"4b32 01 x:16=aa x:32", truncated},
                            {"4b32 01 x:16=aa x:32 01", truncated},
                            {"4b32 01 x:16=aa x:32 01 x:47", truncated},
                            {"4b32 01 x:16=aa x:32 ff x:12239", truncated},
                            {prefix, truncated},
                            {prefix + " 4b", truncated},
                            {prefix + " 4b31 01 x:100", truncated},
                            {prefix + " " + header + " x:15", truncated},
                            {prefix + " x:200", unknown_magic},
                            {prefix + " " + prefix + " " + entry, unknown_magic, "two prefixes"},
                            {"4b32 00 x:16=aa x:32 00 " + entry, unknown_suite},
                            {"4b32 02 x:16=aa x:32 00 " + entry, unknown_suite},
                            {prefix + " 4b31 02 x:16=aa x:200", unknown_suite},
                            {"4b32 01 x:16=ab x:32 00 " + entry, bad_value, "prefix and entry of two epochs"},
                            {entry + " x:100000", too_large},
                            {"x:100000", too_large}},
                           sealed);
}

TEST(SealedEntry, WhateverIsAcceptedReEncodesToItself) {
  testing::check_times(50, "sealed", [] {
    Bytes bytes = testing::draw_sealed(testing::Extent::any);
    auto const parts = sealed(bytes);
    RC_ASSERT(parts.has_value());
    RC_ASSERT(reencoded(*parts) == bytes);
    std::size_t const least = parts->prefix_bytes.size() + EntryHeader::kBytes + crypto::kAeadTagBytes;
    for (std::size_t length = 0; length < least; ++length) RC_ASSERT(!sealed(ByteView{bytes}.first(length)));
    for (std::size_t bit = 0; bit < std::min<std::size_t>(bytes.size(), 300) * 8; ++bit) {
      auto const mask = static_cast<std::uint8_t>(1U << (bit % 8));
      bytes[bit / 8] ^= mask;
      if (auto const flipped = sealed(bytes)) RC_ASSERT(reencoded(*flipped) == bytes);
      bytes[bit / 8] ^= mask;
    }
  });
}

// author, incarnation, seq, prev, tips, hlc, compression, ops
std::string spelled_body(std::string_view seq, std::string_view prev, std::string_view tips,
                         std::string_view rest = "u:5 u:0 b:9") {
  return fmt::format("[8 b:32=50 u:3 {} {} {} {}", seq, prev, tips, rest);
}
std::string spelled_tip(std::string_view device, int incarnation, int seq, std::string_view hash = "77") {
  return fmt::format("[4 b:32={} u:{} u:{} b:32={}", device, incarnation, seq, hash);
}

TEST(EntryBody, FieldsStandInTheirOrder) {
  EntryBody expected;
  expected.author = filled<DeviceId>(0x50);
  expected.incarnation = {3};
  expected.seq = {2};
  expected.prev = filled<EntryHash>(0x44);
  expected.tips = {{{filled<DeviceId>(0x51), {1}}, {7}, filled<EntryHash>(0x77)}};
  expected.hlc = 5;
  expected.compression = Compression::lz4;
  expected.ops = Bytes(9, 0x11);
  Bytes const bytes = spell(spelled_body("u:2", "b:32=44", "[1 " + spelled_tip("51", 1, 7), "u:5 u:1 b:9"));
  EXPECT_EQ(to_hex(encode(expected)), to_hex(bytes));
  EXPECT_EQ(to_hex(encode(body(bytes).value())), to_hex(bytes));
  EXPECT_EQ(expected.tip(filled<EntryHash>(0x99)), (Tip{{expected.author, {3}}, {2}, filled<EntryHash>(0x99)}));
}

TEST(EntryBody, SeqAndPrevBelongTogether) {
  EXPECT_TRUE(body(spell(spelled_body("u:0", "b:32=00", "[0"))));
  EXPECT_TRUE(body(spell(spelled_body("u:1", "b:32=00", "[0"))));
  EXPECT_TRUE(body(spell(spelled_body("u:2", "b:32=01", "[0"))));
}

TEST(EntryBody, BranchesOfOneLogAndItsOtherIncarnationsAreDifferentTips) {
  auto const two = [](std::string const& a, std::string const& b) {
    return spell(spelled_body("u:1", "b:32=00", "[2 " + a + " " + b));
  };
  EXPECT_TRUE(body(two(spelled_tip("51", 1, 7, "77"), spelled_tip("51", 1, 7, "78")))) << "a fork";
  EXPECT_TRUE(body(two(spelled_tip("51", 1, 7), spelled_tip("51", 2, 1)))) << "two incarnations";
  EXPECT_TRUE(body(two(spelled_tip("50", 2, 7), spelled_tip("50", 4, 7)))) << "other logs of the author";
}

TEST(EntryBodyRefusals, FieldsThatContradictEachOther) {
  auto const tips = [](std::string const& list) { return spelled_body("u:1", "b:32=00", list); };
  std::string const a = spelled_tip("51", 1, 7), b = spelled_tip("52", 1, 7);
  testing::expect_refusals(
      {{spelled_body("u:1", "b:32=01", "[0"), bad_value, "the first entry has nothing before it"},
       {spelled_body("u:0", "b:32=01", "[0"), bad_value, "nor has an item outside the log"},
       {spelled_body("u:2", "b:32=00", "[0"), bad_value, "the second has"},
       {spelled_body("u:18446744073709551615", "b:32=00", "[0"), bad_value},
       {tips("[2 " + b + " " + a), bad_value, "not ascending"},
       {tips("[2 " + a + " " + a), bad_value, "one twice"},
       {tips("[3 " + a + " " + b + " " + a), bad_value},
       {tips("[2 " + spelled_tip("51", 2, 7) + " " + spelled_tip("51", 1, 7)), bad_value, "by incarnation"},
       {tips("[2 " + spelled_tip("51", 1, 8) + " " + spelled_tip("51", 1, 7)), bad_value, "by seq"},
       {tips("[2 " + spelled_tip("51", 1, 7, "78") + " " + spelled_tip("51", 1, 7, "77")), bad_value, "by hash"},
       {tips("[1 " + spelled_tip("51", 1, 0)), bad_value, "seq 0 is outside the log"},
       {tips("[1 " + spelled_tip("50", 3, 7)), bad_value, "a tip of the author's own log"},
       {tips("[2 " + spelled_tip("50", 3, 7) + " " + a), bad_value}},
      body);
}

TEST(EntryBodyRefusals, Fields) {
  auto const with = [](std::string_view rest) { return spelled_body("u:1", "b:32=00", "[0", rest); };
  testing::expect_refusals({{"", truncated},
                            {"[0", wrong_length},
                            {"[7 b:32 u:3 u:1 b:32=00 [0 u:5 u:0", wrong_length},
                            {"[9 b:32 u:3 u:1 b:32=00 [0 u:5 u:0 b:9 u:0", wrong_length},
                            {"b:32", wrong_type},
                            {"[8 b:31 u:3 u:1 b:32=00 [0 u:5 u:0 b:9", wrong_length},
                            {"[8 s:32 u:3 u:1 b:32=00 [0 u:5 u:0 b:9", wrong_type},
                            {"[8 b:32 i:-3 u:1 b:32=00 [0 u:5 u:0 b:9", bad_value},
                            {"[8 b:32 cd0003 u:1 b:32=00 [0 u:5 u:0 b:9", not_canonical},
                            {spelled_body("t", "b:32=00", "[0"), wrong_type},
                            {spelled_body("u:1", "b:33=00", "[0"), wrong_length},
                            {spelled_body("u:1", "b:32=00", "dc0000"), not_canonical},
                            {spelled_body("u:1", "b:32=00", "b:0"), wrong_type},
                            {spelled_body("u:1", "b:32=00", "dc1001 x:4097"), too_large},
                            {spelled_body("u:1", "b:32=00", "ddffffffff"), truncated},
                            {with("u:5 u:2 b:9"), bad_value, "an unknown compression"},
                            {with("u:5 f b:9"), wrong_type},
                            {with("cb3ff0000000000000 u:0 b:9"), wrong_type, "a float clock"},
                            {with("u:5 u:0 s:9"), wrong_type},
                            {with("u:5 u:0 [0"), wrong_type, "ops stand in a bin"},
                            {with("u:5 u:0 b:65537"), too_large},
                            {with("u:5 u:0 c6ffffffff"), too_large},
                            {with("u:5 u:0 c409"), truncated},
                            {with("u:5 u:0 b:9 00"), trailing_bytes}},
                           body);
}

TEST(EntryBody, HoldsTheCodecProperties) {
  testing::check_codec(testing::CodecUnderTest{[](testing::Extent extent) { return testing::draw<EntryBody>(extent); },
                                               [](EntryBody const& value) { return encode(value); }, body});
}

}  // namespace
}  // namespace kith::wire
