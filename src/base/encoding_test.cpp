#include "base/encoding.hpp"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

namespace kith {
namespace {

TEST(Hex, KnownAnswersFromRfc4648) {
  EXPECT_EQ(to_hex(bytes_of("foobar")), "666f6f626172");
  EXPECT_EQ(from_hex("666F6f"), Bytes({0x66, 0x6f, 0x6f}));
  for (auto const* bad : {"6", "6g", " 66", "0x66"}) EXPECT_FALSE(from_hex(bad)) << bad;
}

TEST(Base64Url, KnownAnswersFromRfc4648) {
  EXPECT_EQ(to_base64url(bytes_of("")), "");
  EXPECT_EQ(to_base64url(bytes_of("f")), "Zg");
  EXPECT_EQ(to_base64url(bytes_of("fooba")), "Zm9vYmE");
  EXPECT_EQ(to_base64url(Bytes{0xfb, 0xff}), "-_8");
}

TEST(Base64Url, RefusesASecondSpelling) {
  for (auto const* bad : {"Z", "Zg==", "Zh", "Z g", "Zm9vYmF", "-_9"}) EXPECT_FALSE(from_base64url(bad)) << bad;
}

RC_GTEST_PROP(Encodings, RoundTrip, (Bytes const& bytes)) {
  RC_ASSERT(from_hex(to_hex(bytes)) == bytes);
  RC_ASSERT(from_base64url(to_base64url(bytes)) == bytes);
}

TEST(Crockford, WritesTenSymbolsForFiftyBits) {
  EXPECT_EQ(to_crockford(Bytes{0, 0, 0, 0, 0}), "00000000");
  EXPECT_EQ(to_crockford(Bytes{0xff, 0xff, 0xff, 0xff, 0xff}), "ZZZZZZZZ");
  EXPECT_EQ(to_crockford(Bytes{0x00, 0x44, 0x32, 0x14, 0xc7}), "01234567");
  EXPECT_EQ(to_crockford(Bytes{0xff}), "ZW");
}

TEST(Base64, HasTheVectorsOfRfc4648) {
  std::pair<std::string_view, std::string_view> const vectors[] = {{"", ""},
                                                                   {"f", "Zg=="},
                                                                   {"fo", "Zm8="},
                                                                   {"foo", "Zm9v"},
                                                                   {"foob", "Zm9vYg=="},
                                                                   {"fooba", "Zm9vYmE="},
                                                                   {"foobar", "Zm9vYmFy"}};
  for (auto const& [plain, encoded] : vectors) EXPECT_EQ(to_base64(bytes_of(plain)), encoded);
}

TEST(Crockford, ReadsWhatPeopleType) {
  EXPECT_EQ(normal_crockford("7f3k 9qdm-2xhb T6WP"), "7F3K9QDM2XHBT6WP");
  EXPECT_EQ(normal_crockford("oOiIlL"), "001111");
  EXPECT_EQ(normal_crockford(""), "");
  for (auto const* bad : {"U", "7F3K_9QDM", "é", "7F3K\n"}) EXPECT_FALSE(normal_crockford(bad)) << bad;
}

}  // namespace
}  // namespace kith
