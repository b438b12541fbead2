#include <gtest/gtest.h>

#include "support/codec_properties.hpp"
#include "support/msgpack_readers.hpp"
#include "support/spelled.hpp"

/// MessagePack that is cut off, not canonical, too large or of a kind that kith does not write.
namespace kith::wire {
namespace {

using testing::spell;
using namespace testing::readers;
using enum WireError;

/// What a Reader's method says to bytes; the value is of no interest.
template <class Read>
auto refusal_of(Read read) {
  return [read](ByteView bytes) -> Result<> {
    Reader reader(bytes);
    static_cast<void>(read(reader));
    return reader.finish();
  };
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

}  // namespace
}  // namespace kith::wire
