#include "wire/codec.hpp"

#include <gtest/gtest.h>

#include "support/codec_properties.hpp"
#include "support/spelled.hpp"

namespace kith::wire {
namespace {

using testing::Refusal;
using testing::spell;
using enum WireError;

enum class Colour : std::uint8_t { red = 0, green = 1, blue = 7 };
constexpr bool valid(Colour colour) { return colour <= Colour::green || colour == Colour::blue; }

struct Inner {
  bool on = false;
  std::string name;
  template <class Archive, class Self>
  static void fields(Archive& a, Self& s) {
    a(s.on, text(s.name, 40));
  }
  friend bool operator==(Inner const&, Inner const&) = default;
};

struct ByName {
  EpochId id;
  template <class Archive, class Self>
  static void fields(Archive& a, Self& s) {
    a(s.id);
  }
};

/// A field of each kind there is.
struct Every {
  std::uint8_t format = 2;
  std::uint8_t small = 0;
  std::uint16_t medium = 0;
  std::uint64_t large = 0;
  std::int64_t negative = 0;
  Colour colour = Colour::red;
  Seq seq;
  EpochId id;
  Secret<4> secret;
  Bytes bytes;
  std::vector<Inner> inner;
  Tip tip;
  std::optional<EntryId> last;
  template <class Archive, class Self>
  static void fields(Archive& a, Self& s) {
    a(version(s.format, 2), s.small, s.medium, s.large, s.negative, s.colour, s.seq, s.id, s.secret, blob(s.bytes, 300),
      list(s.inner, 17), s.tip, optional_last(s.last));
  }
  friend bool operator==(Every const&, Every const&) = default;
};

constexpr auto kWithoutLast =
    "[12 u:2 u:255 u:65535 cf ffffffffffffffff i:-5 u:7 u:9 b:16 b:4 b:3 [2 [2 t 'ab' [2 f s:0 [4 b:32 u:6 u:5 b:32=22";

Every sample() {
  Every every;
  every.small = 255;
  every.medium = 65535;
  every.large = ~std::uint64_t{0};
  every.negative = -5;
  every.colour = Colour::blue;
  every.seq = {9};
  every.id.bytes.fill(0x11);
  every.secret = *Secret<4>::from(Bytes(4, 0x11));
  every.bytes = Bytes(3, 0x11);
  every.inner = {{true, "ab"}, {false, ""}};
  every.tip = {{DeviceId{}, {6}}, {5}, EntryHash{}};
  every.tip.log.device.bytes.fill(0x11);
  every.tip.hash.bytes.fill(0x22);
  return every;
}

TEST(Codec, FieldsStandInTheirOrder) {
  EXPECT_EQ(to_hex(encode(sample())), to_hex(spell(kWithoutLast)));
  EXPECT_TRUE(decode<Every>(spell(kWithoutLast)).value() == sample());
}

TEST(Codec, AnOptionalLastFieldMakesTheArrayLonger) {
  auto every = sample();
  every.last = EntryId{};
  every.last->bytes.fill(0x33);
  Bytes expected = spell(kWithoutLast);
  expected[0] = 0x9D;
  append(expected, spell("b:16=33"));
  EXPECT_EQ(to_hex(encode(every)), to_hex(expected));
  EXPECT_TRUE(decode<Every>(expected).value() == every);
}

TEST(Codec, HoldsTheCodecProperties) {
  testing::check_codec(testing::record_codec<Every>());
  testing::check_codec(testing::record_codec<Inner>());
}

TEST(Codec, TaggedArraysCountTheirTag) {
  Bytes out;
  Encoder encoder(out, 300);
  Inner const inner{true, "a"};
  Inner::fields(encoder, inner);
  EXPECT_EQ(out, spell("[3 u:300 t 'a'"));
}

TEST(Codec, ErrorsSayHowMuchWasAllowed) {
  EXPECT_EQ(decode<Inner>(spell("[3 t 'a' u:1")).error(), Error(wrong_length, CountDetail{3, 2}));
  EXPECT_EQ(decode<Inner>(spell("[2 t s:41")).error(), Error(too_large, CountDetail{41, 40}));
  EXPECT_EQ(decode<ByName>(spell("[1 b:15")).error(), Error(wrong_length, CountDetail{15, 16}));
}

TEST(Codec, AnotherVersionIsNamedWhateverItsFieldsAre) {
  Error const expected(unknown_version, VersionsDetail{2, 2, 3, 3});
  Bytes same_shape = spell(kWithoutLast);
  same_shape[1] = 3;
  EXPECT_EQ(decode<Every>(same_shape).error(), expected);
  EXPECT_EQ(decode<Every>(spell("[2 u:3 'new'")).error(), expected) << "fewer fields";
  EXPECT_EQ(decode<Every>(spell("[20 u:3 x:19")).error(), expected) << "more fields";
  EXPECT_EQ(decode<Every>(spell("[0")).error(), Error(wrong_length, CountDetail{0, 13}));
}

// Each row is the sample with one of its fields replaced.
TEST(CodecRefusals, EveryKindOfField) {
  std::vector<std::string> const fields{"u:2",
                                        "u:255",
                                        "u:65535",
                                        "cfffffffffffffffff",
                                        "i:-5",
                                        "u:7",
                                        "u:9",
                                        "b:16",
                                        "b:4",
                                        "b:3",
                                        "[2 [2 t 'ab' [2 f s:0",
                                        "[4 b:32 u:6 u:5 b:32"};
  struct Row {
    std::size_t field;
    std::string spelled;
    WireError expected;
  };
  std::vector<Row> const rows{{0, "u:1", unknown_version},
                              {0, "u:3", unknown_version},
                              {0, "u:256", bad_value},
                              {0, "t", wrong_type},
                              {0, "cc 02", not_canonical},
                              {0, "ff", bad_value},
                              {1, "u:256", bad_value},
                              {1, "cc 7f", not_canonical},
                              {1, "s:1", wrong_type},
                              {1, "i:-1", bad_value},
                              {1, "cb 00 00 00 00 00 00 00 00", wrong_type},
                              {2, "u:65536", bad_value},
                              {2, "cd 00 ff", not_canonical},
                              {2, "b:2", wrong_type},
                              {3, "cf 00 00 00 00 00 00 00 01", not_canonical},
                              {3, "i:-1", bad_value},
                              {3, "c0", wrong_type},
                              {3, "[0", wrong_type},
                              {4, "cf 80 00 00 00 00 00 00 00", bad_value},
                              {4, "d0 fb", not_canonical},
                              {4, "f", wrong_type},
                              {4, "s:0", wrong_type},
                              {5, "u:2", bad_value},
                              {5, "u:8", bad_value},
                              {
                                  5,
                                  "u:256",
                                  bad_value,
                              },
                              {5, "u:263", bad_value},
                              {5, "i:-1", bad_value},
                              {5, "t", wrong_type},
                              {6, "i:-9", bad_value},
                              {6, "b:8", wrong_type},
                              {6, "cc 09", not_canonical},
                              {7, "b:15", wrong_length},
                              {7, "b:17", wrong_length},
                              {7, "b:0", wrong_length},
                              {7, "s:16", wrong_type},
                              {7, "c5 00 10 x:16", not_canonical},
                              {7, "c6 00 00 00 10 x:16", not_canonical},
                              {7, "c6 ff ff ff ff", too_large},
                              {8, "b:3", wrong_length},
                              {8, "b:5", wrong_length},
                              {8, "u:4", wrong_type},
                              {9, "b:301", too_large},
                              {9, "s:3", wrong_type},
                              {9, "c5 00 03 x:3", not_canonical},
                              {9, "[3 u:1 u:1 u:1", wrong_type},
                              {10, "[18 x:18=c2", too_large},
                              {10, "b:2", wrong_type},
                              {10, "u:0", wrong_type},
                              {10, "dc 00 00", not_canonical},
                              {10, "[1 t", wrong_type},
                              {10, "[1 [1 t", wrong_length},
                              {10, "[1 [3 t s:1 t", wrong_length},
                              {10, "[1 [2 s:1 t", wrong_type},
                              {10, "[1 [2 u:1 s:1", wrong_type},
                              {10, "[1 [2 t s:41", too_large},
                              {10, "[1 [2 t a1 ff", not_utf8},
                              {10, "[1 [2 t d9 01 61", not_canonical},
                              {10, "[1 [2 t b:1", wrong_type},
                              {11, "[3 b:32 u:6 u:5", wrong_length},
                              {11, "[5 b:32 u:6 u:5 b:32 u:0", wrong_length},
                              {11, "b:32", wrong_type},
                              {11, "[4 b:31 u:6 u:5 b:32", wrong_length},
                              {11, "[4 b:32 u:6 u:5 b:33", wrong_length},
                              {11, "[4 b:32 i:-6 u:5 b:32", bad_value},
                              {11, "[4 b:32 u:6 t b:32", wrong_type},
                              {11, "[4 u:6 b:32 u:5 b:32", wrong_type}};
  for (auto const& row : rows) {
    std::string spelled = "[12";
    for (std::size_t i = 0; i < fields.size(); ++i) spelled += " " + (i == row.field ? row.spelled : fields[i]);
    auto const result = decode<Every>(spell(spelled));
    ASSERT_FALSE(result) << row.field << ": " << row.spelled;
    EXPECT_EQ(result.error().name(), Error(row.expected).name()) << row.field << ": " << row.spelled;
  }
}

TEST(CodecRefusals, Shapes) {
  std::string const last(kWithoutLast + 3);
  testing::expect_refusals({{"", truncated},
                            {"[0", wrong_length},
                            {"[1 u:2", wrong_length},
                            {"[11 u:2 x:10", wrong_length},
                            {"[14 u:2 x:13", wrong_length},
                            {"9f", truncated},
                            {"[16 u:2 x:15", wrong_length},
                            {"dd ff ff ff ff", truncated},
                            {"80", wrong_type},
                            {"c0", wrong_type},
                            {"b:10", wrong_type},
                            {"dc 00 0c" + last, not_canonical},
                            {"[12" + last + " 00", trailing_bytes},
                            {"[12" + last + " b:16", trailing_bytes},
                            {"[13" + last, truncated},
                            {"[13" + last + " b:15", wrong_length},
                            {"[13" + last + " c0", wrong_type, "absent is shorter, not nil"}},
                           [](ByteView bytes) { return decode<Every>(bytes); });
}

}  // namespace
}  // namespace kith::wire
