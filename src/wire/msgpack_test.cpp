#include "wire/msgpack.hpp"

#include <gtest/gtest.h>

#include "support/codec_properties.hpp"
#include "support/msgpack_readers.hpp"
#include "support/spelled.hpp"

namespace kith::wire {
namespace {

using testing::spell;
using namespace testing::readers;

Bytes written(auto write) {
  Bytes out;
  Writer writer(out);
  write(writer);
  return out;
}

/// The value that `read` takes from `spelled`, all of it; nullopt for an error.
template <class Read>
auto taken(std::string_view spelled, Read read) {
  Bytes const bytes = spell(spelled);
  Reader reader(bytes);
  auto value = read(reader);
  using Owned = std::conditional_t<
      std::is_same_v<decltype(value), ByteView>, Bytes,
      std::conditional_t<std::is_same_v<decltype(value), std::string_view>, std::string, decltype(value)>>;
  std::optional<Owned> out;
  if (reader.finish()) out = Owned(value.begin(), value.end());
  return out;
}
template <class Read>
requires std::integral<std::invoke_result_t<Read, Reader&>>
auto taken(std::string_view spelled, Read read) {
  Bytes const bytes = spell(spelled);
  Reader reader(bytes);
  auto const value = read(reader);
  return reader.finish() ? std::optional(value) : std::nullopt;
}

struct Known {
  std::uint64_t value;
  std::string encoding;
};

// Encodings from the specification, https://github.com/msgpack/msgpack/blob/master/spec.md, at every border of a
// format.
TEST(Msgpack, UnsignedIntegersAtEveryBorder) {
  std::vector<Known> const table{{0, "00"},
                                 {1, "01"},
                                 {0x7E, "7e"},
                                 {0x7F, "7f"},
                                 {0x80, "cc 80"},
                                 {0xFE, "cc fe"},
                                 {0xFF, "cc ff"},
                                 {0x100, "cd 01 00"},
                                 {0x1234, "cd 12 34"},
                                 {0xFFFF, "cd ff ff"},
                                 {0x10000, "ce 00 01 00 00"},
                                 {0x12345678, "ce 12 34 56 78"},
                                 {0xFFFFFFFF, "ce ff ff ff ff"},
                                 {0x100000000, "cf 00 00 00 01 00 00 00 00"},
                                 {0x123456789ABCDEF0, "cf 12 34 56 78 9a bc de f0"},
                                 {0xFFFFFFFFFFFFFFFF, "cf ff ff ff ff ff ff ff ff"}};
  for (auto const& [value, encoding] : table) {
    EXPECT_EQ(written([&](Writer& w) { w.unsigned_integer(value); }), spell(encoding)) << value;
    EXPECT_EQ(taken(encoding, kUnsigned), value);
    if (value <= 0x7FFFFFFFFFFFFFFF) {
      EXPECT_EQ(written([&](Writer& w) { w.integer(static_cast<std::int64_t>(value)); }), spell(encoding)) << value;
      EXPECT_EQ(taken(encoding, kInteger), static_cast<std::int64_t>(value));
    }
  }
}

TEST(Msgpack, NegativeIntegersAtEveryBorder) {
  std::vector<std::pair<std::int64_t, std::string>> const table{
      {-1, "ff"},
      {-2, "fe"},
      {-31, "e1"},
      {-32, "e0"},
      {-33, "d0 df"},
      {-127, "d0 81"},
      {-128, "d0 80"},
      {-129, "d1 ff 7f"},
      {-32767, "d1 80 01"},
      {-32768, "d1 80 00"},
      {-32769, "d2 ff ff 7f ff"},
      {-2147483647, "d2 80 00 00 01"},
      {-2147483648, "d2 80 00 00 00"},
      {-2147483649, "d3 ff ff ff ff 7f ff ff ff"},
      {std::numeric_limits<std::int64_t>::min() + 1, "d3 80 00 00 00 00 00 00 01"},
      {std::numeric_limits<std::int64_t>::min(), "d3 80 00 00 00 00 00 00 00"}};
  for (auto const& [value, encoding] : table) {
    EXPECT_EQ(written([&](Writer& w) { w.integer(value); }), spell(encoding)) << value;
    EXPECT_EQ(taken(encoding, kInteger), value);
  }
}

TEST(Msgpack, BooleansAreTwoBytes) {
  EXPECT_EQ(written([](Writer& w) { w.boolean(false), w.boolean(true); }), spell("c2 c3"));
  EXPECT_EQ(taken("c2", kBoolean), false);
  EXPECT_EQ(taken("c3", kBoolean), true);
}

TEST(Msgpack, StringsAtEveryBorder) {
  std::vector<std::pair<std::size_t, std::string>> const table{
      {0, "a0"},      {1, "a1"},         {31, "bf"},          {32, "d9 20"},
      {255, "d9 ff"}, {256, "da 01 00"}, {65535, "da ff ff"}, {65536, "db 00 01 00 00"}};
  for (auto const& [length, header] : table) {
    std::string const text(length, 'k');
    Bytes expected = spell(header);
    append(expected, bytes_of(text));
    EXPECT_EQ(written([&](Writer& w) { w.str(text); }), expected) << length;
    EXPECT_EQ(taken(to_hex(expected), kStr), text) << length;
  }
  EXPECT_EQ(written([](Writer& w) {
              w.str(
                  "Gr\xc3\xbc\xc3\x9f"
                  "e");
            }),
            spell("a7 47 72 c3 bc c3 9f 65"));
}

TEST(Msgpack, BinAtEveryBorder) {
  std::vector<std::pair<std::size_t, std::string>> const table{
      {0, "c4 00"}, {1, "c4 01"}, {255, "c4 ff"}, {256, "c5 01 00"}, {65535, "c5 ff ff"}, {65536, "c6 00 01 00 00"}};
  for (auto const& [length, header] : table) {
    Bytes const bytes(length, 0xA5);
    Bytes expected = spell(header);
    append(expected, bytes);
    EXPECT_EQ(written([&](Writer& w) { w.bin(bytes); }), expected) << length;
    EXPECT_EQ(taken(to_hex(expected), kBin), bytes) << length;
  }
}

TEST(Msgpack, ArrayHeadersAtEveryBorder) {
  std::vector<std::pair<std::size_t, std::string>> const table{
      {0, "90"}, {1, "91"}, {15, "9f"}, {16, "dc 00 10"}, {65535, "dc ff ff"}, {65536, "dd 00 01 00 00"}};
  for (auto const& [count, header] : table) {
    EXPECT_EQ(written([&](Writer& w) { w.array(count); }), spell(header)) << count;
    Bytes const whole = spell(header + " x:" + std::to_string(count));
    Reader reader(whole);
    EXPECT_EQ(reader.array(), count);
    EXPECT_TRUE(reader.ok());
    EXPECT_EQ(reader.rest().size(), count);
  }
}

TEST(Msgpack, ValueTakesWhateverKithWrites) {
  for (auto const* spelled :
       {"00", "7f", "cc 80", "cf ff ff ff ff ff ff ff ff", "d3 80 00 00 00 00 00 00 00", "e0", "c2", "90", "a0",
        "c4 00", "[3 u:1 [2 t i:-1 'abc'", "[16 x:16", "s:300 ", "b:70000", "[1 [1 [1 [0"}) {
    EXPECT_EQ(taken(spelled, kValue), spell(spelled)) << spelled;
  }
  Bytes const two = spell("[1 u:5 t");
  Reader reader(two);
  EXPECT_TRUE(equal(reader.value(), spell("[1 u:5")));
  EXPECT_TRUE(reader.boolean());
  EXPECT_TRUE(reader.finish());
}

TEST(Msgpack, ArraysNestSixteenDeep) {
  static_assert(kLimits.max_depth == 16);
  EXPECT_TRUE(taken("x:15=91 90", kValue));
  EXPECT_TRUE(taken("x:16=91 00", kValue)) << "what is in the innermost array is no level of its own";
  EXPECT_TRUE(taken("x:15=91 92 00 'abc'", kValue));
  EXPECT_FALSE(taken("x:16=91 90", kValue));
}

TEST(Msgpack, NextKindSaysWhatFollowsForEveryFirstByte) {
  std::map<Reader::Kind, int> counts;
  for (int first = 0; first < 256; ++first) {
    Bytes const bytes(1, static_cast<std::uint8_t>(first));
    ++counts[Reader(bytes).next_kind()];
  }
  EXPECT_EQ(counts[Reader::Kind::integer], 128 + 32 + 8);
  EXPECT_EQ(counts[Reader::Kind::boolean], 2);
  EXPECT_EQ(counts[Reader::Kind::bin], 3);
  EXPECT_EQ(counts[Reader::Kind::str], 32 + 3);
  EXPECT_EQ(counts[Reader::Kind::array], 16 + 2);
  EXPECT_EQ(counts[Reader::Kind::none], 16 + 1 + 1 + 3 + 2 + 5 + 2)
      << "maps, nil, c1, ext, floats, fixext, map 16 and 32";
}

RC_GTEST_PROP(Msgpack, IntegersRoundTrip, (std::uint64_t any, std::int64_t any_signed)) {
  std::uint64_t const value = testing::Filler(testing::Extent::any).number();
  for (auto number : {any, value}) {
    Bytes const bytes = written([&](Writer& w) { w.unsigned_integer(number); });
    Reader reader(bytes);
    RC_ASSERT(reader.unsigned_integer() == number);
    RC_ASSERT(reader.finish().has_value());
  }
  for (auto number : {any_signed, static_cast<std::int64_t>(value)}) {
    Bytes const bytes = written([&](Writer& w) { w.integer(number); });
    Reader reader(bytes);
    RC_ASSERT(reader.integer() == number);
    RC_ASSERT(reader.finish().has_value());
  }
}

/// Appends some value of at most `depth` levels.
void write_any(Writer& writer, testing::Filler& filler, int depth) {
  Bytes bytes;
  switch (*rc::gen::inRange(0, depth > 0 ? 6 : 5)) {
    case 0: return writer.unsigned_integer(filler.number());
    case 1: return writer.integer(static_cast<std::int64_t>(filler.number()));
    case 2: return writer.boolean(*rc::gen::arbitrary<bool>());
    case 3: filler.fill_bytes(bytes, 300); return writer.bin(bytes);
    case 4: return writer.str(filler.text(300));
    default: break;
  }
  std::size_t const count = filler.length(20);
  writer.array(count);
  for (std::size_t i = 0; i < count; ++i) write_any(writer, filler, depth - 1);
}

RC_GTEST_PROP(Msgpack, ValueTakesExactlyOneValue, ()) {
  testing::Filler filler(testing::Extent::any);
  Bytes bytes = written([&](Writer& w) { write_any(w, filler, 3); });
  std::size_t const length = bytes.size();
  for (std::size_t shorter = 0; shorter < std::min<std::size_t>(length, 500); ++shorter) {
    Reader reader(ByteView{bytes}.first(shorter));
    RC_ASSERT(reader.value().empty());
    RC_ASSERT(!reader.ok());
  }
  bytes.push_back(*rc::gen::arbitrary<std::uint8_t>());
  Reader reader(bytes);
  RC_ASSERT(equal(reader.value(), ByteView{bytes}.first(length)));
  RC_ASSERT(reader.rest().size() == 1U);
}

}  // namespace
}  // namespace kith::wire
