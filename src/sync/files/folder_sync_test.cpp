#include "sync/files/folder_sync.hpp"

#include <gtest/gtest.h>

#include "support/folder_group.hpp"

namespace kith::files {
namespace {

using testing::must;

/// A disk that opens no file.
struct RefusesToRead : MemoryFileSystem {
  RefusesToRead(MemoryDisk& disk, FilesError error) : MemoryFileSystem(disk), error_(error) {}
  Result<std::unique_ptr<ReadFile>> open_read(RelPath const& path) override {
    return fail(error_, SystemDetail{0, std::string(path.text())});
  }
  FilesError error_;
};

struct Folders : testing::FolderGroup {
  static std::string random_text(std::size_t size, std::uint64_t seed) {
    testing::SeededRandom random(seed);
    std::string text(size, '\0');
    random.fill({reinterpret_cast<std::uint8_t*>(text.data()), size});
    return text;
  }
};

TEST_F(Folders, FilesAndDirectoriesTravel) {
  a.write("readme.md", "hello");
  a.write("deep/down/file.txt", "below");
  a.disk.make_directory("empty");
  a.write("nothing", "");
  settle();
  EXPECT_EQ(b.read("readme.md"), "hello");
  EXPECT_EQ(b.read("deep/down/file.txt"), "below");
  EXPECT_EQ(b.read("nothing"), "");
  EXPECT_TRUE(b.disk.look("empty"));
  expect_same();
}

TEST_F(Folders, NothingChangedWritesNothing) {
  a.write("x", "1");
  settle();
  auto const heads = must(a.replica.heads());
  settle();
  settle();
  EXPECT_EQ(must(a.replica.heads()), heads);
}

TEST_F(Folders, EditsReplaceAndTheOldContentIsInTheTrash) {
  a.write("x", "one");
  settle();
  b.write("x", "two");
  settle();
  EXPECT_EQ(a.read("x"), "two");
  EXPECT_EQ(trash(a), std::vector<std::string>{"one"});
  expect_same();
}

TEST_F(Folders, DeletionsTravelToTheTrash) {
  a.write("x", "one");
  a.write("dir/y", "two");
  settle();
  a.disk.remove("x");
  a.disk.remove("dir");
  settle();
  EXPECT_TRUE(b.disk.files().empty());
  EXPECT_FALSE(b.disk.look("dir"));
  EXPECT_EQ(trash(b), (std::vector<std::string>{"one", "two"}));
  expect_same();
}

TEST_F(Folders, ConcurrentEditsKeepBoth) {
  a.write("x.txt", "base");
  settle();
  a.write("x.txt", "from a");
  b.write("x.txt", "from b");
  settle();
  expect_same();
  auto const paths = a.disk.files();
  ASSERT_EQ(paths.size(), 2U);
  EXPECT_NE(paths[0].find(".conflict-"), std::string::npos);
  EXPECT_TRUE(paths[0].ends_with(".txt"));
  std::set<std::string> const texts{a.read(paths[0]), a.read(paths[1])};
  EXPECT_EQ(texts, (std::set<std::string>{"from a", "from b"}));
}

TEST_F(Folders, DeletingTheCopyEndsTheConflict) {
  a.write("x.txt", "base");
  settle();
  a.write("x.txt", "from a");
  b.write("x.txt", "from b");
  settle();
  auto const winner = a.read("x.txt");
  a.disk.remove(a.disk.files()[0]);
  settle();
  expect_same();
  EXPECT_EQ(b.disk.files(), std::vector<std::string>{"x.txt"});
  EXPECT_EQ(b.read("x.txt"), winner);
  EXPECT_EQ(must(a.sync->conflicts()), 0U);
}

TEST_F(Folders, EditingTheCopyMakesItAFileOfItsOwn) {
  a.write("x.txt", "base");
  settle();
  a.write("x.txt", "from a");
  b.write("x.txt", "from b");
  settle();
  auto const copy = b.disk.files()[0];
  b.write(copy, "merged by hand");
  settle();
  expect_same();
  EXPECT_EQ(a.read(copy), "merged by hand");
  EXPECT_EQ(a.disk.files().size(), 2U);
  EXPECT_EQ(must(a.sync->conflicts()), 0U);
}

TEST_F(Folders, EqualEditsAreNoConflict) {
  a.write("x", "same");
  b.write("x", "same");
  settle();
  EXPECT_EQ(a.disk.files(), std::vector<std::string>{"x"});
  EXPECT_EQ(a.bytes_fetched + b.bytes_fetched, 0U);
  expect_same();
}

TEST_F(Folders, AnEditBeatsARemoval) {
  a.write("x", "base");
  settle();
  a.disk.remove("x");
  b.write("x", "edited");
  settle();
  EXPECT_EQ(a.read("x"), "edited");
  expect_same();
}

TEST_F(Folders, AnOldStrangerDoesNotWin) {
  b.write("x", "lay here for years");
  a.tick();
  a.tick();
  a.write("x", "current");
  a.scan();
  exchange();
  settle();
  EXPECT_EQ(a.read("x"), "current");
  expect_same();
  EXPECT_EQ(a.disk.files().size(), 2U) << "the old one is kept beside it";
}

TEST_F(Folders, ARecreatedFileReplacesItsRemoval) {
  a.write("x", "one");
  settle();
  a.disk.remove("x");
  settle();
  b.write("x", "two");
  settle();
  EXPECT_EQ(a.read("x"), "two");
  a.disk.remove("x");
  settle();
  EXPECT_TRUE(b.disk.files().empty());
  expect_same();
}

TEST_F(Folders, FileAndDirectoryOfOneName) {
  a.write("x", "file");
  b.write("x/inside", "directory");
  settle();
  expect_same();
  EXPECT_EQ(a.read("x/inside"), "directory");
  ASSERT_EQ(a.disk.files().size(), 2U);
  EXPECT_EQ(a.read(a.disk.files()[0]), "file");
}

TEST_F(Folders, BigFilesGoInChunksAndAChangeSendsLittle) {
  auto text = random_text(20 << 20, 5);
  a.write("big", text);
  settle();
  EXPECT_EQ(b.read("big"), text);
  EXPECT_GE(b.bytes_fetched, text.size());
  b.bytes_fetched = 0;
  text.insert(10 << 20, "a few bytes in the middle");
  a.write("big", text);
  settle();
  EXPECT_EQ(b.read("big"), text);
  EXPECT_LT(b.bytes_fetched, std::size_t{2} << 20);
  expect_same();
}

TEST_F(Folders, ARenameSendsNoContent) {
  a.write("old", random_text(3 << 20, 6));
  settle();
  b.bytes_fetched = 0;
  a.tick();
  a.disk.move("old", "new");
  settle();
  expect_same();
  EXPECT_EQ(b.bytes_fetched, 0U);
}

TEST_F(Folders, MassDeletionStopsUnlessAllowed) {
  for (int i = 0; i < 80; ++i) a.write("f" + std::to_string(i), "x" + std::to_string(i));
  settle();
  for (int i = 0; i < 60; ++i) a.disk.remove("f" + std::to_string(i));
  auto const report = a.scan();
  EXPECT_TRUE(report.guarded);
  EXPECT_EQ(report.vanished, 60U);
  exchange();
  b.apply_from(a);
  EXPECT_EQ(b.disk.files().size(), 80U);
  EXPECT_FALSE(a.scan({.off = true}).guarded);
  exchange();
  b.apply_from(a);
  EXPECT_EQ(b.disk.files().size(), 20U);
}

TEST_F(Folders, MissingMarkerStopsEverything) {
  a.write("x", "1");
  settle();
  a.disk.remove(".kith");
  a.disk.remove("x");
  auto const scanned = a.sync->scan({}, {}, a.now());
  ASSERT_FALSE(scanned);
  EXPECT_TRUE(scanned.error().is(FilesError::not_found));
  exchange();
  b.apply_from(a);
  EXPECT_EQ(b.read("x"), "1");
}

TEST_F(Folders, WhatDoesNotTravelIsNamed) {
  a.disk.make_symlink("link");
  a.disk.make_pipe("pipe");
  a.write("bad\xff", "x");
  a.write("ok", "x");
  auto const report = a.scan();
  std::set<std::string> codes;
  for (auto const& skipped : report.skipped) codes.insert(std::string(skip_code(skipped.why)));
  EXPECT_EQ(codes, (std::set<std::string>{"symlink", "special-file", "not-utf8"}));
  settle();
  EXPECT_EQ(b.disk.files(), std::vector<std::string>{"ok"});
}

TEST_F(Folders, WhatIsInTheWayIsSaidUntilItIsGone) {
  b.disk.make_pipe("x");
  b.disk.make_symlink("y");
  for (auto const* name : {"x", "y", "z"}) a.write(name, "a file");
  a.scan();
  exchange();
  auto const report = b.apply_from(a);
  EXPECT_EQ(report.skipped, (std::vector<Skipped>{{"x", Skipped::Why::blocked}, {"y", Skipped::Why::blocked}}));
  EXPECT_EQ(b.disk.files(), std::vector<std::string>{"z"});
  EXPECT_TRUE(b.apply_from(a).skipped.empty()) << "once is enough";
  EXPECT_EQ(b.sync->skipped(), report.skipped);
  EXPECT_EQ(b.sync->fetching(), 0U);
  b.disk.remove("x");
  b.disk.remove("y");
  b.scan();
  b.apply_from(a);
  EXPECT_TRUE(b.sync->skipped().empty());
  expect_same();
}

/// A directory that is gone elsewhere, and holds here, further down, what does not travel.
TEST_F(Folders, DirectoriesThatStayHoldNothingUp) {
  a.write("d/sub/deep/file", "text");
  a.write("d/other/file", "text");
  settle();
  b.disk.make_symlink("d/sub/deep/link");
  settle();
  a.disk.remove("d");
  a.write("d.txt", "another");
  settle();
  settle();
  EXPECT_EQ(b.disk.files(), std::vector<std::string>{"d.txt"});
  EXPECT_TRUE(b.disk.look("d/sub/deep/link"));
  EXPECT_FALSE(b.disk.look("d/other"));
  EXPECT_EQ(must(b.sync->pending()).files, 0U);
  bool left = false;
  must(b.store.scan(store::Table::folder_work, b.sync->id().view(), {}, [&](ByteView, ByteView) {
    left = true;
    return store::Store::Next::stop;
  }));
  EXPECT_FALSE(left) << "or the folder never gets in step";
  EXPECT_FALSE(a.disk.look("d"));
}

TEST_F(Folders, HostilePathsChangeNothing) {
  std::vector<wire::Op> ops;
  for (auto const* path : {"../out", "/abs", ".kith/folder", "a/../b", "x\ny/..", ""}) {
    wire::FileSet op;
    op.folder = a.sync->id();
    op.path = path;
    ops.emplace_back(std::move(op));
  }
  must(a.replica.write(std::move(ops), a.now()));
  auto const before = must(b.folders.digest());
  exchange();
  b.apply_from(a);
  EXPECT_EQ(must(b.folders.digest()), before);
  EXPECT_TRUE(b.disk.files().empty());
}

TEST_F(Folders, LocalEditWhileContentComesIsNotLost) {
  a.write("x", "base");
  settle();
  a.write("x", "from a");
  a.scan();
  exchange();
  b.write("x", "unseen edit on b");  // no scan has seen it when the new content is applied
  b.apply_from(a);
  settle();
  expect_same();
  std::set<std::string> texts;
  for (auto const& path : a.disk.files()) texts.insert(a.read(path));
  EXPECT_TRUE(texts.contains("unseen edit on b"));
  EXPECT_TRUE(texts.contains("from a"));
}

TEST_F(Folders, RotIsFound) {
  a.write("x", "sound");
  a.write("y", "edited later");
  settle();
  auto const node = must(a.disk.find("x"));
  node->data[0] ^= 1;
  a.write("y", "edited");
  auto const report = must(a.sync->verify({}));
  ASSERT_EQ(report.mismatched.size(), 2U);
  EXPECT_EQ(report.mismatched[0].why, Mismatch::Why::rotten);
  EXPECT_EQ(report.mismatched[1].why, Mismatch::Why::edited);
}

TEST_F(Folders, AFileThatCannotBeReadIsNotCalledEdited) {
  a.write("x", "sound");
  settle();
  auto const open_disk = a.open_disk;
  for (auto const& [error, why] : {std::pair{FilesError::io, Mismatch::Why::unreadable},
                                   {FilesError::permission, Mismatch::Why::unreadable},
                                   {FilesError::changed_meanwhile, Mismatch::Why::edited},
                                   {FilesError::not_found, Mismatch::Why::missing}}) {
    a.open_disk = [&, refusal = error] { return std::make_unique<RefusesToRead>(a.disk, refusal); };
    auto const report = must(a.sync->verify({}));
    a.open_disk = open_disk;
    ASSERT_EQ(report.mismatched.size(), 1U);
    EXPECT_EQ(report.mismatched[0].why, why);
  }
}

TEST_F(Folders, ViewsRebuildToTheSame) {
  a.write("x.txt", "base");
  settle();
  a.write("x.txt", "from a");
  b.write("x.txt", "from b");
  settle();
  auto const digest = must(a.folders.digest());
  must(a.replica.rebuild_views());
  EXPECT_EQ(must(a.folders.digest()), digest);
  settle();
  expect_same();
}

}  // namespace
}  // namespace kith::files
