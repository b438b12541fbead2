#include "support/folder_group.hpp"

/// A device whose disk ignores letter case, among others whose disks do not: it holds one of two paths that clash, and
/// leaves both alone on every other device.
namespace kith::files {
namespace {

using testing::FolderDevice;
using testing::must;
using Files = std::map<std::string, std::string>;

struct CaseClash : testing::FolderGroup {
  CaseClash() {
    usb.disk = MemoryDisk({.ignores_case = true, .capacity_bytes = {}});
    join(usb);
  }
  [[nodiscard]] std::vector<Skipped> left_alone() { return usb.sync->skipped(); }
  void expect_at_others(Files const& files) {
    EXPECT_EQ(content(a), files);
    EXPECT_EQ(content(b), files);
  }
  FolderDevice usb{3, "stick"};
};

TEST_F(CaseClash, LeavesAFileAloneThatWasThereBefore) {
  usb.write("Report.txt", "mine");
  settle();
  b.write("report.txt", "another");
  settle();
  settle();
  expect_at_others({{"Report.txt", "mine"}, {"report.txt", "another"}});
  EXPECT_EQ(content(usb), (Files{{"Report.txt", "mine"}}));
  EXPECT_EQ(left_alone(), (std::vector<Skipped>{{"report.txt", Skipped::Why::name_clash}}));
  EXPECT_TRUE(trash(usb).empty());
  EXPECT_EQ(must(work_left(usb.store, usb.sync->id().view())), WorkLeft::held);

  usb.write("Report.txt", "mine, edited");
  b.write("report.txt", "another, edited");
  settle();
  expect_at_others({{"Report.txt", "mine, edited"}, {"report.txt", "another, edited"}});
  EXPECT_EQ(content(usb), (Files{{"Report.txt", "mine, edited"}}));

  a.disk.remove("Report.txt");  // there is room for the other one now
  settle();
  expect_at_others({{"report.txt", "another, edited"}});
  EXPECT_EQ(content(usb), content(a));
  EXPECT_TRUE(left_alone().empty());
  EXPECT_EQ(must(work_left(usb.store, usb.sync->id().view())), WorkLeft::none);
}

TEST_F(CaseClash, LeavesDirectoriesAlone) {
  usb.write("Docs/thesis", "mine");
  settle();
  b.write("docs/thesis", "another");
  b.write("docs/new", "new");
  settle();
  settle();
  expect_at_others({{"Docs/thesis", "mine"}, {"docs/thesis", "another"}, {"docs/new", "new"}});
  EXPECT_EQ(content(usb), (Files{{"Docs/thesis", "mine"}}));
  for (auto* device : all) EXPECT_TRUE(trash(*device).empty()) << device->name;
  EXPECT_EQ(must(work_left(usb.store, usb.sync->id().view())), WorkLeft::held);

  b.disk.remove("docs");
  settle();
  expect_at_others({{"Docs/thesis", "mine"}});
  EXPECT_EQ(content(usb), content(a));
  EXPECT_TRUE(left_alone().empty());
}

TEST_F(CaseClash, TakesWhichComesFirstWhereBothAreNew) {
  b.write("Report.txt", "one");
  b.write("report.txt", "other");
  b.write("docs/a", "a");
  b.write("Docs/b", "b");
  settle();
  settle();
  expect_at_others({{"Report.txt", "one"}, {"report.txt", "other"}, {"docs/a", "a"}, {"Docs/b", "b"}});
  EXPECT_EQ(usb.disk.files().size(), 2U);
  for (auto const& [path, text] : content(usb)) EXPECT_EQ(text, b.read(path)) << path;
}

TEST_F(CaseClash, NamedToAScanIsNoNewcomer) {
  usb.write("Report.txt", "mine");
  usb.write("Docs/thesis", "mine too");
  settle();
  auto const heads = must(usb.replica.heads());
  auto const report = usb.scan_below({"report.txt", "docs/thesis", "docs"});
  EXPECT_EQ(must(usb.replica.heads()), heads);
  EXPECT_EQ(report.changed_files + report.removed_files, 0U);
}

/// Who changes nothing but case renames: the disk can do that.
TEST_F(CaseClash, RenamesWhereOnlyCaseChanges) {
  usb.write("Report.txt", "text");
  usb.write("Notes.txt", "notes");
  settle();
  b.disk.move("Report.txt", "report.txt");
  b.scan();
  exchange();
  auto const fetched = usb.bytes_fetched;
  usb.apply_from(b);
  EXPECT_EQ(usb.bytes_fetched, fetched);
  EXPECT_EQ(content(usb), (Files{{"Notes.txt", "notes"}, {"report.txt", "text"}}));
  usb.tick();
  usb.disk.move("Notes.txt", "aside");
  usb.disk.move("aside", "notes.txt");
  EXPECT_EQ(usb.scan_below({"Notes.txt", "notes.txt", "aside"}).removed_files, 1U);
  settle();
  expect_same();
  EXPECT_EQ(content(a), (Files{{"notes.txt", "notes"}, {"report.txt", "text"}}));
  for (auto* device : all) EXPECT_EQ(must(device->sync->conflicts()), 0U) << device->name;
}

}  // namespace
}  // namespace kith::files
