#include "sync/files/path.hpp"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "base/text.hpp"

namespace kith::files {
namespace {

using namespace std::string_literals;

struct Hostile {
  std::string text;
  PathFault fault;
};

std::string times(std::string_view text, std::size_t count) {
  std::string out;
  while (count-- > 0) out += text;
  return out;
}

std::vector<Hostile> const& hostile() {
  using enum PathFault;
  static std::vector<Hostile> const table{
      {"", empty},
      {"/", absolute},
      {"//", absolute},
      {"/etc/passwd", absolute},
      {"/.", absolute},
      {"/..", absolute},
      {"/a", absolute},
      {"//host/share", absolute},
      {"/.kith/folder", absolute},
      {"///", absolute},
      {"a/", empty_part},
      {"a//b", empty_part},
      {"a///b", empty_part},
      {"a/b/", empty_part},
      {"a/b//", empty_part},
      {"a//", empty_part},
      {"a//..", empty_part},
      {"caf\u00e9/", empty_part},
      {" /", empty_part},
      {".../", empty_part},
      {".", dot_part},
      {"..", dot_part},
      {"./a", dot_part},
      {"../a", dot_part},
      {"a/.", dot_part},
      {"a/..", dot_part},
      {"a/./b", dot_part},
      {"a/../b", dot_part},
      {"../../etc/passwd", dot_part},
      {"a/b/../../../c", dot_part},
      {"./.", dot_part},
      {"../..", dot_part},
      {"./..", dot_part},
      {"a/../../b", dot_part},
      {"./.kith", dot_part},
      {"../.ssh/authorized_keys", dot_part},
      {"a/..//b", dot_part},
      {"./", dot_part},
      {"../", dot_part},
      {"\0"s, nul},
      {"a\0"s, nul},
      {"\0a"s, nul},
      {"a/\0/b"s, nul},
      {"a\0/../b"s, nul},
      {"..\0"s, nul},
      {".kith\0"s, nul},
      {"/\0"s, nul},
      {"a/b\0.txt"s, nul},
      {"\0\xff"s, nul},
      {"\xff", not_utf8},
      {"\xfe", not_utf8},
      {"a\x80", not_utf8},
      {"\xc0\xaf", not_utf8},
      {"\xc0\xae\xc0\xae/a", not_utf8},
      {"\xe0\x80\xaf", not_utf8},
      {"\xf0\x80\x80\xaf", not_utf8},
      {"\xc1\x9c", not_utf8},
      {"\xed\xa0\x80", not_utf8},
      {"\xed\xbf\xbf", not_utf8},
      {"\xf4\x90\x80\x80", not_utf8},
      {"\xf8\x88\x80\x80\x80", not_utf8},
      {"a/\xe2\x82", not_utf8},
      {"caf\xe9.txt", not_utf8},
      {"\xc3/a", not_utf8},
      {"/\xff", not_utf8},
      {"..\xff", not_utf8},
      {"a\xcc", not_utf8},
      {"\xef\xbf", not_utf8},
      {"\xbf\xbf", not_utf8},
      {".kith", reserved},
      {".KITH", reserved},
      {".Kith", reserved},
      {".kitH", reserved},
      {".kith/folder", reserved},
      {".KITH/tmp/x", reserved},
      {".kith/trash/20260101-000000/a", reserved},
      {"a/.kith", reserved},
      {"a/.kIth/b", reserved},
      {"a/b/c/.kith", reserved},
      {".\u212aith", reserved},
      {".\u212aITH/x", reserved},
      {".k\u200cith", reserved},
      {"\u200b.kith", reserved},
      {".kith\ufeff", reserved},
      {".\u00adkith", reserved},
      {".ki\u200dth/folder", reserved},
      {"a/\u2060.KITH", reserved},
      {".k\ufe0fith", reserved},
      {".kith\U000e0041", reserved},
      {".KI\u034fTH", reserved},
      {".kith/../a", reserved},
      {".kith//", reserved},
      {times("a", 256), part_too_long},
      {times("a", 256) + "/b", part_too_long},
      {"b/" + times("a", 256), part_too_long},
      {"b/" + times("a", 300) + "/c", part_too_long},
      {times("\u00e9", 128), part_too_long},
      {times("\U0001F600", 64), part_too_long},
      {"." + times(".", 256), part_too_long},
      {times(" ", 256), part_too_long},
      {times("a/", 2048) + "b", too_long},
      {times("a", 4097), too_long},
      {times("/", 4097), too_long},
      {times("../", 1366), too_long},
      {times(times("x", 255) + "/", 16) + "y", too_long},
      {times("\xff", 5000), too_long},
  };
  return table;
}

TEST(Path, HostilePathsAreRefusedForTheRightReason) {
  ASSERT_GE(hostile().size(), 100U);
  for (auto const& [text, fault] : hostile()) {
    auto const found = path_fault(text);
    ASSERT_TRUE(found) << printable(text);
    EXPECT_EQ(path_fault_name(*found), path_fault_name(fault)) << printable(text);
    auto const parsed = RelPath::parse(text);
    ASSERT_FALSE(parsed) << printable(text);
    EXPECT_TRUE(parsed.error().is(FilesError::bad_path));
    EXPECT_EQ(parsed.error().subject(), text);
  }
}

TEST(Path, HonestPathsAreKeptAsTheyAre) {
  for (auto const& text : {"a"s,
                           "a/b"s,
                           "..."s,
                           "..a"s,
                           "a.."s,
                           ".a"s,
                           "a/.../b"s,
                           " "s,
                           " a /b "s,
                           "a\\b"s,
                           "..\\.."s,
                           "C:"s,
                           "C:\\x"s,
                           "con"s,
                           "a\nb"s,
                           "\x01"s,
                           "\x7f"s,
                           "caf\u00e9"s,
                           "cafe\u0301"s,
                           "\u202egpj.exe"s,
                           "\U0001F600.txt"s,
                           ".kit"s,
                           ".kiths"s,
                           "kith"s,
                           "x.kith"s,
                           ".kith.d"s,
                           ".kith "s,
                           ".k\u0131th"s,
                           "~"s,
                           "-rf"s,
                           "*"s,
                           "a:b"s,
                           times("a", 255),
                           times("\U0001F600", 63) + "abc",
                           times("a/", 2047) + "bc",
                           times("a/", 2047) + "b",
                           "\u2215etc"s,
                           "\uff0f"s}) {
    auto const parsed = RelPath::parse(text);
    ASSERT_TRUE(parsed) << printable(text);
    EXPECT_EQ(parsed->text(), text);
    EXPECT_FALSE(path_fault(text));
  }
}

TEST(Path, PartsOfAPath) {
  auto const path = *RelPath::parse("photos/2026/a.jpg");
  EXPECT_EQ(path.name(), "a.jpg");
  EXPECT_EQ(path.parts(), (std::vector<std::string_view>{"photos", "2026", "a.jpg"}));
  EXPECT_EQ(path.parent()->text(), "photos/2026");
  EXPECT_EQ(path.parent()->parent()->text(), "photos");
  EXPECT_FALSE(path.parent()->parent()->parent());
  EXPECT_TRUE(path.is_below(*RelPath::parse("photos")));
  EXPECT_TRUE(path.is_below(*RelPath::parse("photos/2026")));
  EXPECT_FALSE(path.is_below(path));
  EXPECT_FALSE(path.is_below(*RelPath::parse("photo")));
  EXPECT_FALSE(path.is_below(*RelPath::parse("photos/20")));
}

TEST(Path, ChildOfADirectory) {
  EXPECT_EQ(child(std::nullopt, "a")->text(), "a");
  EXPECT_EQ(child(*RelPath::parse("a"), "b")->text(), "a/b");
  for (auto const& bad : {""s, "."s, ".."s, "a/b"s, "/"s, "x/"s, ".kith"s, "\xff"s, "a\0b"s, times("a", 256)}) {
    EXPECT_FALSE(child(std::nullopt, bad)) << printable(bad);
    EXPECT_FALSE(child(*RelPath::parse("d"), bad)) << printable(bad);
  }
  EXPECT_FALSE(child(*RelPath::parse(times("a/", 2046) + "bc"), "de"));  // too long together
}

TEST(Path, KeysSayWhatIsTheSame) {
  auto const key = [](auto const* text) { return name_key(*RelPath::parse(text)); };
  auto const clash = [](auto const* text) { return clash_key(*RelPath::parse(text)); };
  EXPECT_EQ(key("d/cafe\u0301"), key("d/caf\u00e9"));
  EXPECT_NE(key("README"), key("readme"));
  EXPECT_EQ(clash("Docs/README"), clash("docs/readme"));
  EXPECT_EQ(clash("CAFE\u0301"), clash("caf\u00e9"));
  EXPECT_NE(clash("a/b"), clash("a/c"));
  EXPECT_EQ(clash("a/\u0338b"), "a/\u0338b");  // a mark after a slash stays a mark of the next part
}

RC_GTEST_PROP(Path, AnyTextIsAPathOrHasAFault, ()) {
  auto const alphabet = rc::gen::element<std::string>("a", "/", ".", "..", ".kith", "\u00e9", "\xff", "K", "");
  std::string text;
  for (auto const& piece : *rc::gen::container<std::vector<std::string>>(alphabet)) text += piece;
  auto const parsed = RelPath::parse(text);
  RC_ASSERT(parsed.has_value() == !path_fault(text).has_value());
  if (!parsed) return;
  std::string joined;
  for (auto const part : parsed->parts()) {
    RC_ASSERT(!part.empty() && part != "." && part != "..");
    joined += (joined.empty() ? "" : "/") + std::string(part);
  }
  RC_ASSERT(joined == text);
  auto const parent = parsed->parent();
  RC_ASSERT(child(parent, parsed->name())->text() == text);
  RC_ASSERT(RelPath::parse(name_key(*parsed)).has_value());  // no normal form turns a path into something else
}

}  // namespace
}  // namespace kith::files
