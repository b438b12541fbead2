#include "sync/files/unicode.hpp"

#include <gtest/gtest.h>

namespace kith::files {
namespace {

std::string utf8(char32_t point) {
  std::string out;
  auto const put = [&](char32_t value) { out += static_cast<char>(static_cast<unsigned char>(value)); };
  if (point < 0x80) {
    put(point);
  } else if (point < 0x800) {
    put(0xC0 | point >> 6), put(0x80 | (point & 0x3F));
  } else if (point < 0x10000) {
    put(0xE0 | point >> 12), put(0x80 | (point >> 6 & 0x3F)), put(0x80 | (point & 0x3F));
  } else {
    put(0xF0 | point >> 18), put(0x80 | (point >> 12 & 0x3F)), put(0x80 | (point >> 6 & 0x3F)),
        put(0x80 | (point & 0x3F));
  }
  return out;
}

TEST(Nfc, Examples) {
  EXPECT_EQ(nfc("plain"), "plain");
  EXPECT_EQ(nfc("cafe\u0301"), "caf\u00e9");
  EXPECT_EQ(nfc("caf\u00e9"), "caf\u00e9");
  EXPECT_EQ(nfc("\u1100\u1161\u11a8"), "\uac01");         // Hangul syllables
  EXPECT_EQ(nfc("a\u0323\u0307"), nfc("a\u0307\u0323"));  // marks in canonical order
  EXPECT_EQ(nfc("\u212b"), "\u00c5");                     // the Angstrom sign is the letter
  EXPECT_EQ(nfc("\ufb01"), "\ufb01");                     // a ligature is not its letters: NFC, not NFKC
  EXPECT_EQ(nfc("bad\xff"), "bad\xff");
}

TEST(Caseless, Examples) {
  EXPECT_EQ(caseless("ReadMe"), "readme");
  EXPECT_EQ(caseless("\u00c9t\u00c9"), caseless("e\u0301TE\u0301"));
  EXPECT_EQ(caseless("STRASSE"), caseless("stra\u00dfe"));
  EXPECT_EQ(caseless("\u03a3\u0391\u03a3"), caseless("\u03c3\u03b1\u03c2"));  // final sigma
  EXPECT_EQ(caseless("\u212a"), "k");                                         // Kelvin sign
  EXPECT_NE(caseless("\u0131"), "i");                                         // dotless i is a letter of its own
  // The iota below is no mark once folded, so the marks must be put in order before: D145 normalises first.
  EXPECT_EQ(caseless("\u03b1\u0345\u0313"), caseless("\u03b1\u0313\u0345"));
  EXPECT_EQ(bare_caseless("A\u200cb\ufeff"), "ab");
  EXPECT_NE(caseless("A\u200cb"), "ab");
}

TEST(Unicode, FormsAreStableForEveryCharacter) {
  for (char32_t point = 1; point <= 0x10FFFF; ++point) {
    if (point >= 0xD800 && point <= 0xDFFF) continue;
    auto const text = utf8(point);
    auto const composed = nfc(text), folded = caseless(text);
    ASSERT_EQ(nfc(composed), composed) << std::hex << static_cast<std::uint32_t>(point);
    ASSERT_EQ(caseless(folded), folded) << std::hex << static_cast<std::uint32_t>(point);
    ASSERT_EQ(caseless(composed), folded) << std::hex << static_cast<std::uint32_t>(point);
  }
}

// What path.cpp builds on when it maps whole paths: a mapping neither makes nor takes a slash, a dot or a zero.
TEST(Unicode, NoMappingTouchesWhatSeparatesParts) {
  for (char32_t point = 1; point <= 0x10FFFF; ++point) {
    if ((point >= 0xD800 && point <= 0xDFFF) || point == '/' || point == '.') continue;
    auto const text = utf8(point);
    std::string const mapped = nfc(text) + caseless(text) + bare_caseless(text);
    ASSERT_EQ(mapped.find_first_of(std::string_view("/.\0", 3)), std::string::npos)
        << std::hex << static_cast<std::uint32_t>(point);
    for (auto const* separator : {"/", "."}) {
      ASSERT_TRUE(nfc(separator + text).starts_with(separator)) << std::hex << static_cast<std::uint32_t>(point);
      ASSERT_TRUE(caseless(separator + text).starts_with(separator)) << std::hex << static_cast<std::uint32_t>(point);
    }
  }
}

}  // namespace
}  // namespace kith::files
