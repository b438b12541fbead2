#include "wire/msgpack.hpp"

#include <gtest/gtest.h>

#include "support/codec_properties.hpp"
#include "support/spelled.hpp"

namespace kith::wire {
namespace {

using testing::Refusal;
using testing::spell;
using enum WireError;

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

auto const kUnsigned = [](Reader& reader) { return reader.unsigned_integer(); };
auto const kInteger = [](Reader& reader) { return reader.integer(); };
auto const kBoolean = [](Reader& reader) { return reader.boolean(); };
auto const kArray = [](Reader& reader) { return reader.array(); };
auto const kBin = [](Reader& reader) { return reader.bin(100'000); };
auto const kStr = [](Reader& reader) { return reader.str(100'000); };
auto const kValue = [](Reader& reader) { return reader.value(); };

/// What a Reader's method says to bytes; the value is of no interest.
template <class Read>
auto refusal_of(Read read) {
  return [read](ByteView bytes) -> Result<> {
    Reader reader(bytes);
    static_cast<void>(read(reader));
    return reader.finish();
  };
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

TEST(MsgpackRefusals, UnsignedIntegers) {
  testing::expect_refusals({{"", truncated},
                            {"cc", truncated},
                            {"cd 01", truncated},
                            {"ce 01 00 00", truncated},
                            {"cf 01 00 00 00 00 00 00", truncated},
                            {"cc 00", not_canonical},
                            {"cc 7f", not_canonical},
                            {"cd 00 00", not_canonical},
                            {"cd 00 ff", not_canonical},
                            {"ce 00 00 00 00", not_canonical},
                            {"ce 00 00 ff ff", not_canonical},
                            {"cf 00 00 00 00 00 00 00 00", not_canonical},
                            {"cf 00 00 00 00 ff ff ff ff", not_canonical},
                            {"ff", bad_value, "-1"},
                            {"e0", bad_value, "-32"},
                            {"d0 80", bad_value},
                            {"d1 80 00", bad_value},
                            {"d2 80 00 00 00", bad_value},
                            {"d3 80 00 00 00 00 00 00 00", bad_value},
                            {"d0 05", bad_value, "a signed form of a positive number"},
                            {"c0", wrong_type, "nil"},
                            {"c1", wrong_type, "never used"},
                            {"c2", wrong_type},
                            {"c3", wrong_type},
                            {"ca 3f 80 00 00", wrong_type, "float 32"},
                            {"cb 3f f0 00 00 00 00 00 00", wrong_type, "float 64"},
                            {"a1 31", wrong_type},
                            {"c4 01 01", wrong_type},
                            {"90", wrong_type},
                            {"80", wrong_type, "map"},
                            {"d4 01 01", wrong_type, "ext"},
                            {"05 05", trailing_bytes}},
                           refusal_of(kUnsigned));
}

TEST(MsgpackRefusals, SignedIntegers) {
  testing::expect_refusals({{"", truncated},
                            {"d0", truncated},
                            {"d1 80", truncated},
                            {"d2 80 00 00", truncated},
                            {"d3 80 00 00 00 00 00 00", truncated},
                            {"cc", truncated},
                            {"d0 00", not_canonical},
                            {"d0 7f", not_canonical},
                            {"d0 ff", not_canonical, "-1"},
                            {"d0 e0", not_canonical, "-32"},
                            {"d1 00 00", not_canonical},
                            {"d1 7f ff", not_canonical},
                            {"d1 ff 80", not_canonical, "-128"},
                            {"d2 00 00 00 00", not_canonical},
                            {"d2 7f ff ff ff", not_canonical},
                            {"d2 ff ff 80 00", not_canonical},
                            {"d3 00 00 00 00 00 00 00 00", not_canonical},
                            {"d3 7f ff ff ff ff ff ff ff", not_canonical},
                            {"d3 ff ff ff ff 80 00 00 00", not_canonical},
                            {"cc 05", not_canonical},
                            {"cf 00 00 00 00 00 00 00 05", not_canonical},
                            {"cf 80 00 00 00 00 00 00 00", bad_value, "2^63"},
                            {"cf ff ff ff ff ff ff ff ff", bad_value},
                            {"c0", wrong_type},
                            {"c3", wrong_type},
                            {"ca 00 00 00 00", wrong_type},
                            {"a0", wrong_type},
                            {"91 01", wrong_type},
                            {"ff ff", trailing_bytes}},
                           refusal_of(kInteger));
}

TEST(MsgpackRefusals, Booleans) {
  testing::expect_refusals({{"", truncated},
                            {"00", wrong_type},
                            {"01", wrong_type},
                            {"c0", wrong_type},
                            {"c1", wrong_type},
                            {"c4 00", wrong_type},
                            {"a0", wrong_type},
                            {"90", wrong_type},
                            {"ff", wrong_type},
                            {"cc c3", wrong_type},
                            {"c2 c2", trailing_bytes}},
                           refusal_of(kBoolean));
}

TEST(MsgpackRefusals, Bin) {
  testing::expect_refusals({{"", truncated},
                            {"c4", truncated},
                            {"c5", truncated},
                            {"c5 01", truncated},
                            {"c6 00 01 00", truncated},
                            {"c4 01", truncated},
                            {"c4 05 01 02 03 04", truncated},
                            {"c5 01 00 x:255", truncated},
                            {"c6 00 01 00 00 x:65535", truncated},
                            {"c5 00 00", not_canonical},
                            {"c5 00 ff x:255", not_canonical},
                            {"c6 00 00 00 00", not_canonical},
                            {"c6 00 00 ff ff", not_canonical},
                            {"c6 00 00 00 01 00", not_canonical},
                            {"b:100001", too_large},
                            {"c6 ff ff ff ff", too_large, "a length bomb: refused by its size, not read"},
                            {"c6 7f ff ff ff 00", too_large},
                            {"a1 61", wrong_type, "str is not bin"},
                            {"d9 20 x:32", wrong_type},
                            {"c0", wrong_type},
                            {"05", wrong_type},
                            {"c7 01 00 00", wrong_type, "ext 8"},
                            {"91 c4 00", wrong_type},
                            {"c4 00 00", trailing_bytes}},
                           refusal_of(kBin));
}

TEST(MsgpackRefusals, Strings) {
  testing::expect_refusals({{"", truncated},
                            {"a1", truncated},
                            {"bf x:30=61", truncated},
                            {"d9", truncated},
                            {"da 01", truncated},
                            {"db 00 01 00", truncated},
                            {"d9 20 x:31=61", truncated},
                            {"da 01 00 x:255=61", truncated},
                            {"d9 00", not_canonical},
                            {"d9 1f x:31=61", not_canonical},
                            {"da 00 00", not_canonical},
                            {"da 00 ff x:255=61", not_canonical},
                            {"db 00 00 00 00", not_canonical},
                            {"db 00 00 ff ff", not_canonical},
                            {"s:100001", too_large},
                            {"db ff ff ff ff", too_large},
                            {"c4 01 61", wrong_type, "bin is not str"},
                            {"61", wrong_type},
                            {"c0", wrong_type},
                            {"90", wrong_type},
                            {"81 a1 61 01", wrong_type, "map"},
                            {"a1 80", not_utf8, "a lone continuation"},
                            {"a1 ff", not_utf8},
                            {"a1 c3", not_utf8, "cut"},
                            {"a2 c0 80", not_utf8, "overlong NUL"},
                            {"a2 c1 bf", not_utf8},
                            {"a3 e0 80 af", not_utf8, "overlong slash"},
                            {"a3 ed a0 80", not_utf8, "a surrogate"},
                            {"a4 f0 80 80 af", not_utf8},
                            {"a4 f4 90 80 80", not_utf8, "above U+10FFFF"},
                            {"a4 f8 88 80 80", not_utf8},
                            {"a4 f0 9f 98 61", not_utf8},
                            {"a2 61 61 61", trailing_bytes}},
                           refusal_of(kStr));
}

TEST(MsgpackRefusals, ArrayHeaders) {
  testing::expect_refusals({{"", truncated},
                            {"91", truncated, "more elements than bytes"},
                            {"9f x:14", truncated},
                            {"dc", truncated},
                            {"dc 00", truncated},
                            {"dd 00 01 00", truncated},
                            {"dc ff ff", truncated},
                            {"dd ff ff ff ff", truncated, "length bomb"},
                            {"dd ff ff ff ff x:100", truncated},
                            {"dc 00 00", not_canonical},
                            {"dc 00 0f x:15", not_canonical},
                            {"dd 00 00 00 00", not_canonical},
                            {"dd 00 00 ff ff", not_canonical},
                            {"80", wrong_type, "map"},
                            {"de 00 00", wrong_type, "map 16"},
                            {"df 00 00 00 00", wrong_type, "map 32"},
                            {"c4 01 90", wrong_type},
                            {"a1 90", wrong_type},
                            {"05", wrong_type},
                            {"90 00", trailing_bytes}},
                           refusal_of(kArray));
}

TEST(MsgpackRefusals, AnyValue) {
  testing::expect_refusals({{"", truncated},
                            {"91", truncated},
                            {"92 01", truncated},
                            {"91 91", truncated},
                            {"c4 02 00", truncated},
                            {"c0", wrong_type},
                            {"c1", wrong_type},
                            {"80", wrong_type},
                            {"8f", wrong_type},
                            {"de 00 01", wrong_type},
                            {"ca 00 00 00 00", wrong_type},
                            {"cb 00 00 00 00 00 00 00 00", wrong_type},
                            {"d4 00 00", wrong_type},
                            {"d8 00 x:16", wrong_type},
                            {"c7 00 00", wrong_type},
                            {"c8 00 00 00", wrong_type},
                            {"c9 00 00 00 00 00", wrong_type},
                            {"93 01 02 c0", wrong_type, "nil, nested"},
                            {"92 00 81 00 00", wrong_type},
                            {"92 00 ca 00 00 00 00", wrong_type},
                            {"91 cc 05", not_canonical},
                            {"91 d0 05", not_canonical},
                            {"91 c5 00 01 00", not_canonical},
                            {"91 d9 01 61", not_canonical},
                            {"91 dc 00 01 00", not_canonical},
                            {"91 a1 ff", not_utf8},
                            {"x:17=91 90", too_deep},
                            {"x:100=91 00", too_deep},
                            {"x:100000=91", too_deep, "before the end is looked for"},
                            {"[2 00 x:16=91 90", too_deep},
                            {"90 90", trailing_bytes},
                            {"00 00", trailing_bytes}},
                           refusal_of(kValue));
}

TEST(Msgpack, ArraysNestSixteenDeep) {
  static_assert(kLimits.max_depth == 16);
  EXPECT_TRUE(taken("x:15=91 90", kValue));
  EXPECT_TRUE(taken("x:16=91 00", kValue)) << "what is in the innermost array is no level of its own";
  EXPECT_TRUE(taken("x:15=91 92 00 'abc'", kValue));
  EXPECT_FALSE(taken("x:16=91 90", kValue));
}

TEST(Msgpack, TheFirstErrorSticks) {
  Bytes const bytes = spell("c0 05 a1 61");
  Reader reader(bytes);
  EXPECT_EQ(reader.unsigned_integer(), 0U);
  EXPECT_EQ(reader.unsigned_integer(), 0U) << "later reads give nothing, although a number follows";
  EXPECT_EQ(reader.integer(), 0);
  EXPECT_FALSE(reader.boolean());
  EXPECT_EQ(reader.array(), 0U);
  EXPECT_TRUE(reader.bin(10).empty());
  EXPECT_TRUE(reader.str(10).empty());
  EXPECT_TRUE(reader.value().empty());
  EXPECT_FALSE(reader.ok());
  EXPECT_TRUE(reader.at_end());
  EXPECT_EQ(reader.next_kind(), Reader::Kind::none);
  EXPECT_EQ(reader.finish().error(), Error(wrong_type));
}

TEST(Msgpack, SizesAreInTheError) {
  Bytes const bytes = spell("b:11");
  Reader reader(bytes);
  EXPECT_TRUE(reader.bin(10).empty());
  EXPECT_EQ(reader.finish().error(), Error(too_large, CountDetail{11, 10}));
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
