#include "support/folder_group.hpp"

/// Files that have another path now have not vanished.
namespace kith::files {
namespace {

/// A group with a directory of many files, which `a` does something with.
struct Moves : testing::FolderGroup {
  static constexpr int kFiles = 80;
  Moves() {
    for (int i = 0; i < kFiles; ++i) a.write(at("old", i), std::string(2000, 'x') + std::to_string(i));
    a.write("stays", "stays");
    settle();
    b.bytes_fetched = 0;
  }
  static std::string at(std::string const& directory, int number) { return directory + "/" + std::to_string(number); }
  void copy_to(std::string const& to, int number) { a.write(at(to, number), a.read(at("old", number))); }
  /// Writes a file again as it is: another inode and times, the same content.
  void copy_over(std::string const& directory, int number) {
    auto const text = a.read(at(directory, number));
    a.tick();
    a.disk.replace_file(at(directory, number), bytes_of(text));
  }
};

TEST_F(Moves, AreNoMassDeletion) {
  a.tick();
  a.disk.move("old", "new");
  EXPECT_FALSE(a.scan().guarded);
  settle();
  expect_same();
  EXPECT_EQ(b.disk.files().size(), kFiles + 1U);
  EXPECT_EQ(b.bytes_fetched, 0U);
  EXPECT_TRUE(trash(b).empty());
}

TEST_F(Moves, OverOtherFilesAreNoMassDeletion) {
  for (int i = 0; i < kFiles; ++i) a.write(at("new", i), "there before");
  settle();
  for (int i = 0; i < kFiles; ++i) {
    a.disk.remove(at("new", i));
    a.disk.move(at("old", i), at("new", i));
  }
  EXPECT_FALSE(a.scan().guarded);
  settle();
  expect_same();
}

TEST_F(Moves, ByCopyAndDeleteAreNoMassDeletion) {
  for (int i = 0; i < kFiles; ++i) copy_to("new", i);
  a.disk.remove("old");
  EXPECT_FALSE(a.scan().guarded);
  settle();
  expect_same();
  EXPECT_EQ(b.bytes_fetched, 0U);
}

TEST_F(Moves, OfAFewDoNotHideWhatVanished) {
  for (int i = 0; i < 20; ++i) copy_to("new", i);
  a.disk.remove("old");
  auto const report = a.scan();
  EXPECT_TRUE(report.guarded);
  EXPECT_EQ(report.vanished, 60U);
}

TEST_F(Moves, CountEachFileOnce) {
  for (int i = 0; i < kFiles; ++i) a.write(at("alike", i), "all of them");
  settle();
  a.disk.remove("alike");
  a.disk.remove("old");
  a.write("one", "all of them");
  a.write("stays", "touched");
  auto const report = a.scan();
  EXPECT_TRUE(report.guarded);
  EXPECT_EQ(report.vanished, 2 * kFiles - 1U);
}

TEST_F(Moves, AreNotFilesThatWereThereBefore) {
  for (int i = 0; i < kFiles; ++i) copy_to("backup", i);
  settle();
  a.disk.remove("old");
  for (int i = 0; i < kFiles; ++i) copy_over("backup", i);
  auto const report = a.scan();
  EXPECT_TRUE(report.guarded);
  EXPECT_EQ(report.vanished, static_cast<std::uint64_t>(kFiles));
}

}  // namespace
}  // namespace kith::files
