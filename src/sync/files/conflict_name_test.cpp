#include "sync/files/conflict_name.hpp"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "base/limits.hpp"
#include "base/text.hpp"

namespace kith::files {
namespace {

constexpr WallTime kWritten{1795269792999};  // 2026-11-21T14:03:12.999Z

DeviceId author() {
  DeviceId id;
  for (std::size_t i = 0; i < id.bytes.size(); ++i) id.bytes[i] = static_cast<std::uint8_t>(0x1a + 0x11 * i);
  return id;  // 1a2b3c4d...
}

std::string conflict(std::string const& path, std::uint32_t number = 1) {
  auto const made = conflict_path(*RelPath::parse(path), kWritten, author(), number);
  return made ? made->text() : made.error().name();
}

TEST(CompactUtc, Examples) {
  EXPECT_EQ(compact_utc(kWritten), "20261121-140312");
  EXPECT_EQ(compact_utc({0}), "19700101-000000");
}

TEST(ConflictPath, Examples) {
  constexpr auto kTail = ".conflict-20261121-140312-1a2b3c4";
  EXPECT_EQ(conflict("a.txt"), fmt::format("a{}.txt", kTail));
  EXPECT_EQ(conflict("docs/plan.v2.md"), fmt::format("docs/plan.v2{}.md", kTail));
  EXPECT_EQ(conflict("archive.tar.gz"), fmt::format("archive.tar{}.gz", kTail));
  EXPECT_EQ(conflict("Makefile"), fmt::format("Makefile{}", kTail));
  EXPECT_EQ(conflict(".bashrc"), fmt::format(".bashrc{}", kTail));
  EXPECT_EQ(conflict(".config.json"), fmt::format(".config{}.json", kTail));
  EXPECT_EQ(conflict("..x"), fmt::format("..x{}", kTail));
  EXPECT_EQ(conflict("..."), fmt::format("...{}", kTail));
  EXPECT_EQ(conflict("name."), fmt::format("name.{}", kTail));
  EXPECT_EQ(conflict("d.d/x"), fmt::format("d.d/x{}", kTail));
  EXPECT_EQ(conflict("a.txt", 2), fmt::format("a{}-2.txt", kTail));
  EXPECT_EQ(conflict("a.txt", 17), fmt::format("a{}-17.txt", kTail));
  // 31 bytes and its dot are an extension, one more are not.
  std::string const longest(31, 'e'), longer(32, 'e');
  EXPECT_EQ(conflict("s." + longest), fmt::format("s{}.{}", kTail, longest));
  EXPECT_EQ(conflict("s." + longer), fmt::format("s.{}{}", longer, kTail));
}

TEST(ConflictPath, LongNamesAreCutBetweenCharacters) {
  auto const made = conflict(std::string(251, 'n') + ".txt");
  EXPECT_EQ(made.size(), 255U);
  EXPECT_TRUE(made.ends_with("n.conflict-20261121-140312-1a2b3c4.txt"));
  std::string faces;
  for (int i = 0; i < 62; ++i) faces += "\U0001F600";
  auto const cut =
      conflict(faces + ".txt");  // 255 - 37 = 218 bytes for the stem: 54 faces and two bytes that stay empty
  EXPECT_EQ(cut.size(), 253U);
  EXPECT_TRUE(is_utf8(cut));
}

TEST(ConflictPath, AFullPathLeavesNoRoom) {
  std::string parent;
  while (parent.size() < 4094) parent += "p/";
  EXPECT_EQ(conflict(parent + "n"), "files.bad_path");
  parent.resize(4060);
  auto const made = conflict(parent + "name.c");  // 36 bytes are left for a tail of 35
  EXPECT_EQ(made, parent + "n.conflict-20261121-140312-1a2b3c4.c");
  EXPECT_EQ(made.size(), 4096U);
  EXPECT_EQ(conflict(parent + "\U0001F600.c"), "files.bad_path");  // no whole character fits
}

RC_GTEST_PROP(ConflictPath, IsAlwaysAPathBesideTheWinner, ()) {
  auto const piece = rc::gen::element<std::string>("a", ".", "\u00e9", "\U0001F600", " ", ".txt", "conflict");
  std::string name;
  for (auto const& part : *rc::gen::container<std::vector<std::string>>(200, piece)) {
    if (name.size() + part.size() <= 255) name += part;
  }
  auto const path = child(*RelPath::parse("dir/sub"), name);
  RC_PRE(path.has_value());
  auto const number = *rc::gen::inRange<std::uint32_t>(1, 1000);
  WallTime const written{static_cast<std::int64_t>(*rc::gen::inRange<std::uint64_t>(0, std::uint64_t{1} << 47))};
  auto const made = conflict_path(*path, written, author(), number);
  RC_ASSERT(made.has_value());
  RC_ASSERT(made->parent() == path->parent());
  RC_ASSERT(made->name().size() <= kLimits.max_path_part_bytes);
  RC_ASSERT(made->text() != path->text());
  RC_ASSERT(conflict_path(*path, written, author(), number + 1)->text() != made->text());
  auto const parsed = parse_conflict_name(*made);
  RC_ASSERT(parsed.has_value());
  RC_ASSERT(name.starts_with(parsed->stem) && name.ends_with(parsed->extension));
  RC_ASSERT(parsed->cut || parsed->stem + parsed->extension == name);
}

TEST(ParseConflictName, TellsWhosCopyItIs) {
  auto const of = [](std::string const& path) {
    auto const parsed = parse_conflict_name(*RelPath::parse(path));
    return parsed ? parsed->stem + "|" + parsed->extension : std::string("none");
  };
  EXPECT_EQ(of("d/a.conflict-20261121-140312-1a2b3c4.txt"), "a|.txt");
  EXPECT_EQ(of("a.conflict-20261121-140312-1a2b3c4-17.txt"), "a|.txt");
  EXPECT_EQ(of(".bashrc.conflict-20261121-140312-1a2b3c4"), ".bashrc|");
  EXPECT_EQ(of("a.conflict-100001121-140312-1a2b3c4"), "a|") << "the year 10000";
  std::string const of_copy = "a.conflict-20261121-140312-1a2b3c4.conflict-20271121-140312-aaaaaaa.txt";
  EXPECT_EQ(of(of_copy), "a.conflict-20261121-140312-1a2b3c4|.txt");
  EXPECT_EQ(of("a.conflict-20261121-140312-1a2b3c4.conflict-x"), "a|.conflict-x");
  for (auto const* none :
       {"a.txt", ".conflict-20261121-140312-1a2b3c4", "a.conflict-", "a.conflict-2026-140312-1a2b3c4",
        "a.conflict-20261121-140312-1a2b3c", "a.conflict-20261121-140312-1A2B3C4",
        "a.conflict-20261121-140312-1a2b3c4x", "a.conflict-20261121-140312-1a2b3c4-"}) {
    EXPECT_EQ(of(none), "none") << none;
  }
}

}  // namespace
}  // namespace kith::files
