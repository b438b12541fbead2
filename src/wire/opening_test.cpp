#include "wire/opening.hpp"

#include <gtest/gtest.h>

#include "support/codec_properties.hpp"
#include "support/spelled.hpp"

namespace kith::wire {
namespace {

using testing::spell;
using enum WireError;

TEST(Opening, FieldsStandWhereTheDiagramSays) {
  Opening const opening{Purpose::pairing, 1, 3, 0x01020304};
  EXPECT_EQ(encode(opening), spell("4b495448 02 01 03 01020304"));
  EXPECT_EQ(encode(Opening{}), spell("4b495448 01 01 01 00000000"));
  EXPECT_EQ(encode(opening).size(), Opening::kBytes);
  EXPECT_EQ(decode_opening(spell("4b495448 02 01 03 01020304")).value(), opening);
  EXPECT_EQ(decode_opening(spell("4b495448 00 05 07 00000000")).value(), (Opening{Purpose::refusal, 5, 7, 0}))
      << "versions that do not meet ours are no error here";
}

TEST(Opening, CommonVersionIsTheNewestOfBoth) {
  auto const common = [](std::uint8_t min, std::uint8_t max) {
    return Opening{Purpose::session, min, max, 0}.common_version();
  };
  static_assert(kProtocolMin == 1 && kProtocolMax == 1);
  EXPECT_EQ(common(1, 1), 1);
  EXPECT_EQ(common(0, 1), 1);
  EXPECT_EQ(common(1, 255), 1);
  EXPECT_EQ(common(0, 0), std::nullopt);
  EXPECT_EQ(common(2, 2), std::nullopt);
  EXPECT_EQ(common(2, 255), std::nullopt);
}

TEST(OpeningRefusals, Table) {
  testing::expect_refusals({{"", truncated},
                            {"4b", truncated},
                            {"4b4954", truncated},
                            {"4b495448", truncated},
                            {"4b495448 01 01 01 000000", truncated},
                            {"00", unknown_magic},
                            {"4b00", unknown_magic, "as soon as it differs"},
                            {"4b495449 01 01 01 00000000", unknown_magic},
                            {"474554202f20485454502f312e31", unknown_magic, "GET / HTTP/1.1"},
                            {"16030100f1 x:200", unknown_magic, "TLS"},
                            {"6b697468 01 01 01 00000000", unknown_magic, "lower case"},
                            {"4b495448 04 01 01 00000000", unknown_type},
                            {"4b495448 ff 01 01 00000000", unknown_type},
                            {"4b495448 01 02 01 00000000", bad_value, "min above max"},
                            {"4b495448 02 ff 00 00000000", bad_value},
                            {"4b495448 01 01 01 00000000 00", trailing_bytes},
                            {"4b495448 01 01 01 00000000 4b495448", trailing_bytes}},
                           decode_opening);
}

TEST(Opening, HoldsTheCodecProperties) {
  testing::check_codec(testing::CodecUnderTest{[](testing::Extent) { return testing::draw_opening(); },
                                               [](Opening const& opening) { return encode(opening); }, decode_opening});
}

}  // namespace
}  // namespace kith::wire
