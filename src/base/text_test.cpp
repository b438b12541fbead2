#include "base/text.hpp"

#include <gtest/gtest.h>

namespace kith {
namespace {

TEST(Utf8, AcceptsWhatRfc3629Accepts) {
  for (auto const* good : {"", "plain", "\x7f", "\u00e9", "\u20ac", "\U0001F600", "\xF4\x8F\xBF\xBF"})
    EXPECT_TRUE(is_utf8(good)) << good;
  for (auto const* bad : {"\x80", "\xC0\xAF", "\xC1\x81", "\xE0\x80\xAF", "\xED\xA0\x80", "\xF0\x80\x80\xAF",
                          "\xF4\x90\x80\x80", "\xF5\x80\x80\x80", "\xE2\x82", "a\xFF"})
    EXPECT_FALSE(is_utf8(bad)) << printable(bad);
}

TEST(Printable, HidesNothingFromTheReader) {
  EXPECT_EQ(printable("caf\u00e9.txt"), "caf\u00e9.txt");
  EXPECT_EQ(printable("a\x1b[2Jb"), "a\\x1b[2Jb");
  EXPECT_EQ(printable("photo\u202egpj.exe"), "photo\\xe2\\x80\\xaegpj.exe");
  EXPECT_EQ(printable("bad\xff"), "bad\\xff");
  EXPECT_EQ(printable("two\nlines"), "two\\x0alines");
}

TEST(HumanBytes, Examples) {
  EXPECT_EQ(human_bytes(0), "0 B");
  EXPECT_EQ(human_bytes(1023), "1023 B");
  EXPECT_EQ(human_bytes(1572864), "1.5 MiB");
}

TEST(Rfc3339, Examples) {
  EXPECT_EQ(rfc3339({0}), "1970-01-01T00:00:00Z");
  EXPECT_EQ(rfc3339({1795269792999}), "2026-11-21T14:03:12Z");
  EXPECT_EQ(rfc3339({951782400000}), "2000-02-29T00:00:00Z");
  EXPECT_EQ(rfc3339({-1}), "1969-12-31T23:59:59Z");
}

TEST(Duration, Examples) {
  using namespace std::chrono_literals;
  EXPECT_EQ(parse_duration("10m"), 10min);
  EXPECT_EQ(parse_duration("1500ms"), 1500ms);
  EXPECT_EQ(parse_duration("7d"), 168h);
  for (auto const* bad : {"", "10", "m", "-1s", "10 m", "10mm", "1e3s", "99999999999999999999s", "4000d"})
    EXPECT_FALSE(parse_duration(bad)) << bad;
}

TEST(NearestWord, FindsSlipsAndNothingElse) {
  std::vector<std::string> const words{"network.listen", "device.name", "log.level"};
  EXPECT_EQ(nearest_word("network.lisen", words), "network.listen");
  EXPECT_EQ(nearest_word("devicename", words), "device.name");
  EXPECT_FALSE(nearest_word("zzz", words));
}

}  // namespace
}  // namespace kith
