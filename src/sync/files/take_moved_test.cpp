#include "support/folder_group.hpp"

/// Files that are renamed because the group renamed them, while their user is at work.
namespace kith::files {
namespace {

using testing::must;

/// A disk whose user writes to a file just before it is renamed.
struct EditedDisk : MemoryFileSystem {
  EditedDisk(MemoryDisk& disk, std::function<void(RelPath const&)> before_rename)
      : MemoryFileSystem(disk), before_rename_(std::move(before_rename)) {}
  Result<Stat> rename(RelPath const& from, RelPath const& to, WallTime now) override {
    before_rename_(from);
    return MemoryFileSystem::rename(from, to, now);
  }
  std::function<void(RelPath const&)> before_rename_;
};

struct TakenMoves : testing::FolderGroup {
  /// Any number of files may go.
  void scan_all() { a.scan({.off = true}); }
};

TEST_F(TakenMoves, KeepAnEditMadeJustBefore) {
  a.write("old", "text as it was");
  settle();
  int edits = 0;
  b.open_disk = [&] {
    return std::make_unique<EditedDisk>(b.disk, [&](RelPath const& from) {
      ++edits;
      b.write(from.text(), "text as it is");
    });
  };
  a.disk.move("old", "new");
  a.scan();
  exchange();
  b.apply_from(a);
  EXPECT_EQ(edits, 1);
  EXPECT_EQ(b.read("new"), "text as it is");
  settle();
  expect_same();
  EXPECT_EQ(content(a), (std::map<std::string, std::string>{{"new", "text as it is"}}));
}

/// What is in the way is nothing that a scan has seen. Nobody else has the content by the time that it has.
TEST_F(TakenMoves, WaitForWhatIsInTheWay) {
  a.write("old", "moved");
  settle();
  a.disk.move("old", "new");
  a.scan();
  exchange();
  b.write("new", "in the way");
  b.apply_from(b);
  b.scan();
  b.apply_from(b);
  EXPECT_EQ(texts(b), (std::multiset<std::string>{"moved", "in the way"}));
  EXPECT_EQ(trash(b), std::vector<std::string>{});
  settle();
  expect_same();
}

/// More than are looked at together, and nobody else has the contents.
TEST_F(TakenMoves, TakeManyFilesAlong) {
  constexpr int kFiles = 1500;
  for (int i = 0; i < kFiles; ++i) a.write("a/" + std::to_string(10000 + i), "text " + std::to_string(i));
  settle();
  auto const before = texts(b);
  ASSERT_EQ(before.size(), kFiles);
  a.disk.move("a", "b");
  a.scan();
  exchange();
  b.apply_from(b);
  EXPECT_EQ(texts(b), before);
  EXPECT_EQ(trash(b), std::vector<std::string>{});
  EXPECT_EQ(must(b.sync->pending()).files, 0U);
}

/// Files that go, and nothing else: also where they are just as many as are looked at together.
TEST_F(TakenMoves, LetManyFilesGo) {
  for (int const files : {1023, 1024, 1025, 2048}) {
    for (int i = 0; i < files; ++i) a.write("a/" + std::to_string(10000 + i), "text " + std::to_string(i));
    settle();
    ASSERT_EQ(texts(b).size(), files);
    for (int i = 0; i < files; ++i) a.disk.remove("a/" + std::to_string(10000 + i));
    scan_all();
    exchange();
    b.apply_from(b);
    EXPECT_EQ(texts(b).size(), 0U) << files;
    EXPECT_EQ(must(b.sync->pending()).files, 0U) << files;
  }
}

TEST_F(TakenMoves, LetManyFilesGoBesideOthersThatAreOnTheirWay) {
  constexpr int kComing = 24;
  for (int const files : {1024 - kComing, 1024, 2048 - 2 * kComing}) {
    for (int i = 0; i < files; ++i) a.write("b/" + std::to_string(10000 + i), "text " + std::to_string(i));
    settle();
    for (int i = 0; i < files; ++i) a.disk.remove("b/" + std::to_string(10000 + i));
    for (int i = 0; i < kComing; ++i)
      a.write("a/" + std::to_string(10000 + i), std::to_string(files) + " new " + std::to_string(i));
    scan_all();
    exchange();
    for (int i = 0; i < 3; ++i) b.apply_from(b);
    EXPECT_EQ(texts(b).size(), 0U) << files;
    b.sync->try_again();
    b.apply_from(a);
    EXPECT_EQ(texts(b).size(), kComing) << files;
    for (int i = 0; i < kComing; ++i) a.disk.remove("a/" + std::to_string(10000 + i));
    scan_all();
    settle();
    EXPECT_EQ(texts(b).size(), 0U) << files;
  }
}

/// As many contents as there may be are on their way before the new name is looked at.
TEST_F(TakenMoves, WaitWhereMuchIsOnItsWay) {
  a.write("a0", "keep me");
  settle();
  for (int i = 0; i < 300; ++i) a.write("n/" + std::to_string(1000 + i), "new " + std::to_string(i));
  a.disk.move("a0", "zz");
  a.scan();
  exchange();
  for (int i = 0; i < 3; ++i) b.apply_from(b);
  EXPECT_EQ(texts(b), (std::multiset<std::string>{"keep me"}));
  EXPECT_EQ(trash(b), std::vector<std::string>{});
  b.sync->try_again();
  b.apply_from(a);
  EXPECT_EQ(texts(b).size(), 301U);
  EXPECT_EQ(b.read("zz"), "keep me");
}

}  // namespace
}  // namespace kith::files
