#include "support/folder_group.hpp"

/// A scan that leaves off says nothing of what it has not met.
namespace kith::files {
namespace {

using testing::must;

/// Two devices that hold the same files, of which the first changes some.
struct Stopped : testing::FolderGroup {
  Stopped() {
    for (auto const* path : {"a/1", "a/2", "b/3", "c", "d/e/4"}) a.write(path, path);
    settle();
  }
  void TestBody() override {}
  /// The scan is asked to stop at the `nth` time that it looks whether it is.
  ScanReport scan_until(std::uint64_t nth, std::vector<std::string> const& below = {}) {
    asked = 0;
    a.stop = [this, nth] { return asked++ >= nth; };
    auto report = a.scan_below(below);
    a.stop = [] { return false; };
    return report;
  }
  void change() {
    a.write("b/3", "edited");
    a.disk.remove("c");
    a.disk.move("a/1", "z");
    a.write("new", "new");
  }
  std::uint64_t asked = 0;
};

/// @return how often it had to be stopped until it came to its end
std::uint64_t stop_everywhere(std::vector<std::string> const& below) {
  for (std::uint64_t nth = 0;; ++nth) {
    SCOPED_TRACE(nth);
    Stopped group;
    auto& a = group.a;
    auto& b = group.b;
    group.change();
    auto const report = group.scan_until(nth, below);
    EXPECT_FALSE(report.guarded);
    group.exchange();
    b.apply_from(a);
    std::map<std::string, std::string> const changed{
        {"a/2", "a/2"}, {"b/3", "edited"}, {"d/e/4", "d/e/4"}, {"new", "new"}, {"z", "a/1"}};
    if (report.removed_files == 0) {
      EXPECT_TRUE(report.stopped);
      for (auto const* path : {"a/1", "a/2", "c", "d/e/4"}) EXPECT_EQ(b.read(path), path);
    } else {
      EXPECT_EQ(report.removed_files, 2U);  // all was met, and what came is written as well
      EXPECT_EQ(testing::FolderGroup::content(b), changed);
    }
    group.settle();
    group.expect_same();
    EXPECT_EQ(testing::FolderGroup::content(b), changed);
    if (!report.stopped) return nth;
  }
}

TEST(StoppedScan, RemovesNothing) { EXPECT_GT(stop_everywhere({}), 10U); }

TEST(StoppedScan, OfSomePathsRemovesNothing) { EXPECT_GT(stop_everywhere({"a", "b/3", "c", "d", "new", "z"}), 10U); }

TEST(StoppedScan, WritesNothingWhereNothingChanged) {
  Stopped group;
  auto const heads = must(group.a.replica.heads());
  std::uint64_t nth = 0;
  while (group.scan_until(nth).stopped) ++nth;
  EXPECT_GT(nth, 5U);
  EXPECT_EQ(must(group.a.replica.heads()), heads);
}

/// It has not met most of them: that is no reason to ask the user.
TEST(StoppedScan, IsNoMassDeletion) {
  Stopped group;
  for (int i = 0; i < 80; ++i) group.a.write("many/" + std::to_string(i), std::to_string(i));
  group.settle();
  group.a.disk.move("many", "moved");
  for (std::uint64_t nth = 0; nth < 200; ++nth) EXPECT_FALSE(group.scan_until(nth).guarded) << nth;
  group.settle();
  group.expect_same();
  EXPECT_TRUE(group.trash(group.b).empty());
}

/// A folder whose disk goes, or whose directory cannot be found, while it is walked.
struct Vanishing : Stopped {
  struct Disk : MemoryFileSystem {
    Disk(MemoryDisk& disk, std::function<bool(DirPath const&)> before_list)
        : MemoryFileSystem(disk), before_list_(std::move(before_list)) {}
    Result<std::vector<Entry>> list(DirPath const& directory) override {
      if (!before_list_(directory)) return fail(FilesError::not_found, SystemDetail{0, {}});
      return MemoryFileSystem::list(directory);
    }
    std::function<bool(DirPath const&)> before_list_;
  };
  void before_list(std::function<bool(DirPath const&)> const& call) {
    a.open_disk = [this, call] { return std::make_unique<Disk>(a.disk, call); };
  }
};

TEST(InterruptedScan, OfADiskThatGoesRemovesNothing) {
  Vanishing group;
  auto const heads = must(group.a.replica.heads());
  group.before_list([&](DirPath const&) {
    for (auto const* path : {".kith", "a", "b", "c", "d"}) {
      if (group.a.disk.look(path)) group.a.disk.remove(path);
    }
    return true;
  });
  auto const scanned = group.a.sync->scan({}, {}, group.a.now());
  ASSERT_FALSE(scanned);
  EXPECT_TRUE(scanned.error().is(FilesError::not_found));
  EXPECT_EQ(must(group.a.replica.heads()), heads);
}

TEST(InterruptedScan, LooksAgainAtADirectoryThatItCannotFind) {
  Vanishing group;
  auto const heads = must(group.a.replica.heads());
  group.before_list([](DirPath const& directory) { return !directory || directory->text() != "a"; });
  auto const report = group.a.scan();
  EXPECT_TRUE(report.look_again);
  EXPECT_EQ(report.vanished, 0U);
  EXPECT_EQ(must(group.a.replica.heads()), heads);
}

}  // namespace
}  // namespace kith::files
