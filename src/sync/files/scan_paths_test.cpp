#include "support/folder_group.hpp"

/// A scan of some paths takes each of them once, however they are named.
namespace kith::files {
namespace {

using testing::must;

constexpr auto kComposed = "caf\xc3\xa9";     // é in one, as NFC has it
constexpr auto kDecomposed = "cafe\xcc\x81";  // e and an accent

struct ScannedPaths : testing::FolderGroup {
  [[nodiscard]] std::size_t versions(std::string const& path) {
    return must(a.folders.versions(a.sync->id(), must(RelPath::parse(path)))).size();
  }
  /// Scans some paths, and brings the other device to the same. Nothing may be left for a scan of everything.
  ScanReport scan_and_carry(std::vector<std::string> const& paths) {
    auto report = scan_and_show(paths);
    expect_same();
    return report;
  }
  /// The same, but each device may spell a path as it likes.
  ScanReport scan_and_show(std::vector<std::string> const& paths) {
    auto report = a.scan_below(paths);
    auto const heads = must(a.replica.heads());
    a.scan();
    EXPECT_EQ(must(a.replica.heads()), heads);
    exchange();
    b.apply_from(a);
    EXPECT_EQ(must(a.folders.digest()), must(b.folders.digest()));
    EXPECT_EQ(must(a.sync->conflicts()), 0U);
    return report;
  }
};

TEST_F(ScannedPaths, AreTakenOnce) {
  std::vector<std::string> const paths{"p", "p/a", "p", "p-q", "p/sub/deep", "p/a", "p/sub", "p.x"};
  a.write("p/a", "one");
  a.write("p/sub/deep", "deep");
  a.write("p-q", "between, by bytes");
  auto report = scan_and_carry(paths);
  EXPECT_EQ(report.changed_files, 3U);
  EXPECT_EQ(report.files, 3U);
  for (auto const* path : {"p", "p/a", "p/sub", "p/sub/deep", "p-q"}) EXPECT_EQ(versions(path), 1U) << path;

  a.write("p/a", "two");
  report = scan_and_carry(paths);
  EXPECT_EQ(report.changed_files, 1U);
  EXPECT_EQ(versions("p/a"), 1U);
  EXPECT_EQ(b.read("p/a"), "two");

  a.disk.move("p", "q");
  report = scan_and_carry({"p", "p/a", "p/sub", "p/sub/deep", "q", "q/a", "q/sub", "q/sub/deep"});
  EXPECT_EQ(report.removed_files, 2U);
  EXPECT_EQ(report.vanished, 2U);
  for (auto const* path : {"p/a", "q/a"}) EXPECT_EQ(versions(path), 1U) << path;

  a.disk.remove("q");
  report = scan_and_carry({"q", "q/a", "q/sub/deep"});
  EXPECT_EQ(report.removed_files, 2U);
  EXPECT_EQ(versions("q/a"), 1U);
  EXPECT_EQ(b.disk.files(), std::vector<std::string>{"p-q"});
}

/// Each counts once: 40 are fewer than what the guard stops at.
TEST_F(ScannedPaths, CountOnceForTheGuard) {
  for (int i = 0; i < 40; ++i) a.write("p/" + std::to_string(i), std::to_string(i));
  settle();
  std::vector<std::string> paths{"p"};
  for (auto const& path : a.disk.files()) paths.push_back(path);
  a.disk.remove("p");
  auto const report = scan_and_carry(paths);
  EXPECT_FALSE(report.guarded);
  EXPECT_EQ(report.vanished, 40U);
}

TEST_F(ScannedPaths, InTwoSpellingsAreOne) {
  std::string const one = kComposed, other = kDecomposed;
  a.write(one + "/a", "text");
  scan_and_show({one, other, one + "/a", other + "/a"});
  EXPECT_EQ(versions(one + "/a"), 1U);

  a.disk.move(one, other);  // the same to the group
  auto report = scan_and_show({one, other, other + "/a"});
  EXPECT_EQ(report.removed_files, 0U);
  EXPECT_EQ(versions(one + "/a"), 1U);
  EXPECT_EQ(b.disk.files().size(), 1U);

  a.disk.remove(other);
  report = scan_and_show({one, other, other + "/a", one + "/a"});
  EXPECT_EQ(report.removed_files, 1U);
  EXPECT_TRUE(b.disk.files().empty());
}

TEST_F(ScannedPaths, ThatClashDoNotReplaceEachOther) {
  a.write(kDecomposed, "stands for both");
  settle();
  a.write(kComposed, "in its shadow");
  auto const heads = must(a.replica.heads());
  auto const report = a.scan_below({kComposed});
  EXPECT_EQ(must(a.replica.heads()), heads);
  EXPECT_EQ(report.changed_files, 0U);
  EXPECT_EQ(report.skipped, (std::vector<Skipped>{{kComposed, Skipped::Why::name_clash}}));
  EXPECT_EQ(a.scan().skipped, report.skipped) << "as a scan of everything has it";
}

}  // namespace
}  // namespace kith::files
