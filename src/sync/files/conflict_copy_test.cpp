#include "support/folder_group.hpp"
#include "sync/files/conflict_name.hpp"

/// Conflict copies: what shows beside a winner follows from the view alone, whatever a device remembers of its disk.
namespace kith::files {
namespace {

using testing::FolderDevice;
using testing::must;

/// A disk that does not let anybody read one file.
struct ShutDisk : MemoryFileSystem {
  ShutDisk(MemoryDisk& disk, std::string shut) : MemoryFileSystem(disk), shut_(std::move(shut)) {}
  Result<std::unique_ptr<ReadFile>> open_read(RelPath const& path) override {
    if (path.text() == shut_) return fail(FilesError::permission, SystemDetail{0, shut_});
    return MemoryFileSystem::open_read(path);
  }
  std::string shut_;
};

struct ConflictCopies : testing::FolderGroup {
  ConflictCopies() {
    a.write("x.txt", "base");
    settle();
  }
  /// Both edit x.txt apart, and learn of it.
  void clash() {
    a.write("x.txt", "from a");
    b.write("x.txt", "from b");
    settle();
    expect_same();
    ASSERT_EQ(texts(a), (std::multiset<std::string>{"from a", "from b"}));
  }
  /// What b finds while nobody lets it read x.txt.
  ScanReport scan_shut() {
    auto const open_disk = std::exchange(b.open_disk, [&] { return std::make_unique<ShutDisk>(b.disk, "x.txt"); });
    auto report = b.scan();
    b.open_disk = open_disk;
    return report;
  }
  static void expect_only(FolderDevice& device, std::string const& text) {
    EXPECT_EQ(content(device), (std::map<std::string, std::string>{{"x.txt", text}}));
  }
  /// What a database that went back to an older state knows of the disk.
  static void forget_disk(FolderDevice& device) {
    auto transaction = must(store::Transaction::begin(device.store));
    must(device.store.clear(Table::local_files));
    must(transaction.commit());
  }
  static std::vector<VersionRow> heads(FolderDevice& device, std::string_view path) {
    return must(device.folders.versions(device.sync->id(), must(RelPath::parse(path))));
  }
};

TEST_F(ConflictCopies, AreRecognisedOnADiskThatNobodyRemembers) {
  clash();
  auto const before = must(a.folders.digest());
  auto const shown = content(b);
  forget_disk(b);
  settle();
  EXPECT_EQ(must(a.folders.digest()), before) << "nothing to tell anybody";
  EXPECT_EQ(content(b), shown);
  EXPECT_EQ(must(b.sync->conflicts()), 1U);
  b.disk.remove(copy_on(b));
  settle();
  expect_same();
  EXPECT_EQ(a.disk.files(), std::vector<std::string>{"x.txt"});
}

TEST_F(ConflictCopies, BecomeThePathWhenTheWinnerIsDeleted) {
  clash();
  auto const loser = a.read(copy_on(a));
  a.disk.remove("x.txt");
  settle();
  expect_same();
  expect_only(b, loser);
}

TEST_F(ConflictCopies, KeepAContentThatIsOnThisDiskOnly) {
  clash();
  auto const copy = copy_on(a);
  auto const loser = a.read(copy);
  b.disk.remove("x.txt");
  b.scan();
  a.pull_from(b);
  b.disk.remove(copy);  // what b still has is no help
  a.apply_from(b);
  expect_only(a, loser);
}

/// The copy became the path, and nobody lived to note it: as long as the path cannot be read, the copy only seems gone.
TEST_F(ConflictCopies, AreNotGivenUpWhileTheirPathCannotBeRead) {
  clash();
  auto const copy = copy_on(b);
  auto const loser = b.read(copy);
  a.disk.remove("x.txt");
  a.scan();
  exchange();
  b.tick();
  b.disk.remove("x.txt");
  b.disk.move(copy, "x.txt");
  auto const heads = must(b.replica.heads());
  auto const report = scan_shut();
  EXPECT_EQ(report.skipped, (std::vector<Skipped>{{"x.txt", Skipped::Why::unreadable}}));
  EXPECT_EQ(report.removed_files, 0U);
  EXPECT_EQ(must(b.replica.heads()), heads);
  settle();
  expect_same();
  expect_only(a, loser);
}

TEST_F(ConflictCopies, EditedWhileTheirPathCannotBeReadLoseNothing) {
  clash();
  auto const copy = copy_on(b);
  auto const versions = heads(b, "x.txt").size();
  b.write(copy, "edited");
  b.write("x.txt", "cannot be read");
  EXPECT_EQ(scan_shut().changed_files, 1U);
  EXPECT_EQ(heads(b, "x.txt").size(), versions);
  settle();
  EXPECT_EQ(b.read(copy), "edited");
  EXPECT_TRUE(texts(a).contains("edited"));
  EXPECT_TRUE(texts(a).contains("cannot be read"));
}

TEST_F(ConflictCopies, AreGoneWithTheWinnerWhenBothAreDeleted) {
  clash();
  auto const copy = copy_on(a);
  a.disk.remove(copy);
  a.disk.remove("x.txt");
  settle();
  expect_same();
  EXPECT_TRUE(b.disk.files().empty());
}

TEST_F(ConflictCopies, AreSettledByAnEditOfTheWinnerInTheSameScan) {
  clash();
  a.disk.remove(copy_on(a));
  a.write("x.txt", "merged");
  settle();
  expect_same();
  expect_only(b, "merged");
}

TEST_F(ConflictCopies, StandForEveryVersionWithTheirContent) {
  FolderDevice c{3, "phone"};
  join(c);
  settle();
  a.write("x.txt", "lost");
  b.write("x.txt", "lost");
  c.clock_ms += 1'000'000;
  c.write("x.txt", "won");
  settle();
  expect_same();
  ASSERT_EQ(heads(a, "x.txt").size(), 3U);
  ASSERT_EQ(a.read("x.txt"), "won");
  c.disk.remove(copy_on(c));
  settle();
  expect_same();
  expect_only(a, "won");
}

TEST_F(ConflictCopies, StepAsideForAFileOfTheirName) {
  FolderDevice c{3, "phone"};
  join(c);
  settle();
  all.pop_back();
  clash();
  auto const copy = copy_on(a);
  auto const loser = a.read(copy);
  c.write(copy, "unlucky");
  all.push_back(&c);
  settle();
  expect_same();
  EXPECT_EQ(a.read(copy), "unlucky");
  EXPECT_EQ(texts(a), (std::multiset<std::string>{"from a", "from b", "unlucky"}));
  c.disk.remove(copy);
  settle();
  expect_same();
  EXPECT_EQ(a.read(copy), loser) << "the first free name";
  EXPECT_EQ(a.disk.files().size(), 2U);
}

TEST_F(ConflictCopies, HaveConflictsOfTheirOwnOnceTheyAreEdited) {
  clash();
  auto const copy = copy_on(a);
  a.write(copy, "edited by a");
  b.write(copy, "edited by b");
  settle();
  expect_same();
  EXPECT_EQ(a.disk.files().size(), 3U);
  EXPECT_TRUE(texts(a).contains("edited by a") && texts(a).contains("edited by b"));
}

TEST_F(ConflictCopies, OfAFileUnderADirectoryCanBeDeletedForGood) {
  a.write("d", "file");
  b.write("d/inside", "directory");
  settle();
  expect_same();
  b.disk.remove(copy_on(b));
  settle();
  expect_same();
  EXPECT_EQ(texts(a), (std::multiset<std::string>{"base", "directory"}));
}

TEST_F(ConflictCopies, OfAFileUnderADirectoryComeBackWhenThatGoes) {
  a.write("d", "file");
  b.write("d/inside", "directory");
  settle();
  expect_same();
  b.disk.remove("d");
  settle();
  expect_same();
  EXPECT_EQ(content(a), (std::map<std::string, std::string>{{"d", "file"}, {"x.txt", "base"}}));
}

TEST_F(ConflictCopies, OfLongNamesAreCutAndStillRecognised) {
  std::string const name = std::string(250, 'n') + ".txt";
  a.write(name, "base");
  settle();
  a.write(name, "from a");
  b.write(name, "from b");
  settle();
  expect_same();
  EXPECT_EQ(a.disk.files().size(), 3U);
  forget_disk(b);
  settle();
  EXPECT_EQ(must(b.sync->conflicts()), 1U);
  a.disk.remove(name);
  settle();
  expect_same();
  EXPECT_EQ(a.disk.files().size(), 2U);
}

TEST_F(ConflictCopies, DoNotHoldUpThePathWhileTheirContentIsNotToBeHad) {
  FolderDevice c{3, "phone"};
  join(c);
  settle();
  c.write("x.txt", "on the phone only");
  c.scan();
  exchange();
  all.pop_back();  // and off it goes
  b.write("x.txt", "from b");
  b.scan();
  a.clock_ms += 1'000'000;
  a.write("x.txt", "from a");
  settle();
  for (auto* device : all) {
    EXPECT_EQ(device->read("x.txt"), "from a");
    EXPECT_EQ(texts(*device), (std::multiset<std::string>{"from a", "from b"}));
    EXPECT_EQ(must(device->sync->pending()).files, 1U);
  }
  all.push_back(&c);
  settle();
  expect_same();
  EXPECT_EQ(texts(a), (std::multiset<std::string>{"from a", "from b", "on the phone only"}));
}

TEST_F(ConflictCopies, ThatBecomeFilesOfTheirOwnLeaveThePathInStep) {
  FolderDevice c{3, "phone"};
  join(c);
  clash();
  auto const copy = copy_on(c);
  c.write(copy, "on the phone only");
  c.scan();
  exchange();
  all.pop_back();
  settle();
  for (auto* device : all) {
    auto const left = must(open_work(device->store, device->sync->id()));
    ASSERT_EQ(left.size(), 1U) << "the copy alone";
    EXPECT_EQ(left[0].text(), copy);
  }
}

TEST_F(ConflictCopies, CanBeEditedBeforeTheWinnerHasCome) {
  b.write("x.txt", "from b");
  b.scan();
  a.clock_ms += 1'000'000;
  a.write("x.txt", "from a");
  a.scan();
  exchange();
  a.disk.remove("x.txt");  // before anybody fetched it
  b.apply_from(a);
  auto const copy = copy_on(b);
  ASSERT_EQ(texts(b), (std::multiset<std::string>{"from b", "from b"}));
  b.write(copy, "edited");
  b.scan();
  a.scan();
  settle();
  expect_same();
  EXPECT_EQ(content(a), (std::map<std::string, std::string>{{"x.txt", "from b"}, {copy, "edited"}}));
}

TEST_F(ConflictCopies, OfOldStrangersClaimNothingThatMayBeGone) {
  FolderDevice c{3, "phone"};
  c.write("x.txt", "lay here for years");
  for (int i = 0; i < 3; ++i) a.tick();
  a.write("x.txt", "second");
  settle();
  join(c);
  a.write("x.txt", "third");  // while c knows the second, and has not fetched it
  a.scan();
  c.scan();
  exchange();
  settle();
  expect_same();
  EXPECT_EQ(a.read("x.txt"), "third");
  EXPECT_EQ(a.read(copy_on(a)), "lay here for years");
  EXPECT_EQ(heads(a, "x.txt").size(), 1U);
  EXPECT_EQ(must(a.sync->conflicts()), 0U) << "a file of its own";
}

TEST_F(ConflictCopies, WithoutRoomForTheirNameStopNothing) {
  std::string deep;
  for (int i = 0; i < 40; ++i) deep += std::string(100, 'd') + '/';
  deep += std::string(29, 'd') + "/name";  // 26 bytes are left for a name, and a copy's has 35
  a.write(deep, "from a");
  b.write(deep, "from b");
  a.write("other", "goes on");
  settle();
  expect_same();
  EXPECT_EQ(b.read("other"), "goes on");
}

}  // namespace
}  // namespace kith::files
