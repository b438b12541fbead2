#include "support/folder_group.hpp"

/// A link or a pipe where a file or directory was: its user keeps the contents elsewhere now, and has deleted nothing.
namespace kith::files {
namespace {

using testing::FolderDevice;
using testing::must;
using Files = std::map<std::string, std::string>;

struct LinkInPlace : testing::FolderGroup {
  LinkInPlace() {
    a.write("d/one", "1");
    a.write("d/sub/two", "2");
    a.write("d.txt", "beside, by bytes");
    a.write("x", "3");
    settle();
    before = content(a);
  }
  void replace(std::string const& path) {
    a.tick();
    a.disk.remove(path);
    a.disk.make_symlink(path);
  }
  Files before;
};

TEST_F(LinkInPlace, OfADirectoryDeletesNothing) {
  replace("d");
  auto const heads = must(a.replica.heads());
  std::vector<Skipped> const skipped{{"d", Skipped::Why::symlink}};
  EXPECT_EQ(a.scan_below({"d"}).skipped, skipped);
  EXPECT_EQ(a.scan_below({"d/one"}).skipped, skipped);
  EXPECT_EQ(a.scan_below({"d/sub/two", "d/one"}).skipped, (std::vector<Skipped>{skipped[0], skipped[0]}));
  EXPECT_EQ(a.scan().skipped, skipped);
  EXPECT_EQ(must(a.replica.heads()), heads);
  settle();
  EXPECT_EQ(content(b), before);
  EXPECT_EQ(content(a), (Files{{"d.txt", "beside, by bytes"}, {"x", "3"}}));

  a.disk.remove("d");  // the link itself: with it goes what it stood for
  settle();
  expect_same();
  EXPECT_EQ(content(b), (Files{{"d.txt", "beside, by bytes"}, {"x", "3"}}));
}

TEST_F(LinkInPlace, OfAFileDeletesNothing) {
  replace("x");
  a.disk.remove("d/one");
  a.disk.make_pipe("d/one");
  auto const heads = must(a.replica.heads());
  EXPECT_EQ(a.scan().skipped, (std::vector<Skipped>{{"d/one", Skipped::Why::special}, {"x", Skipped::Why::symlink}}));
  EXPECT_EQ(a.scan_below({"x"}).skipped, (std::vector<Skipped>{{"x", Skipped::Why::symlink}}));
  EXPECT_EQ(must(a.replica.heads()), heads);
  settle();
  EXPECT_EQ(content(b), before);
  auto const verified = must(a.sync->verify({}));
  EXPECT_EQ(verified.left_alone, 2U);
  EXPECT_TRUE(verified.mismatched.empty());

  a.disk.remove("x");
  a.write("x", "3");  // back again
  a.disk.remove("d/one");
  settle();
  before.erase("d/one");
  expect_same();
  EXPECT_EQ(content(b), before);
}

/// What the group does there meanwhile waits, and is not looked at again and again.
TEST_F(LinkInPlace, HoldsBackWhatTheGroupDoesThere) {
  replace("d");
  replace("x");
  settle();
  b.write("d/one", "1, edited");
  b.write("d/three", "new");
  b.disk.remove("d/sub");
  b.disk.remove("x");
  b.scan();
  exchange();
  a.apply_from(b);
  auto const report = must(a.sync->apply({}, a.now()));
  EXPECT_TRUE(report.look_at.empty());
  EXPECT_EQ(report.files_written + report.files_removed, 0U);
  auto const held = a.sync->skipped();
  for (auto const* path : {"d/one", "d/three", "d/sub/two", "x"}) {
    EXPECT_EQ(std::ranges::count(held, Skipped{path, Skipped::Why::blocked}), 1) << path;
  }
  EXPECT_EQ(must(work_left(a.store, a.sync->id().view())), WorkLeft::held);
  EXPECT_EQ(must(a.sync->pending()).files, 0U);
  EXPECT_EQ(a.disk.look("x")->kind, Kind::symlink);
  EXPECT_EQ(a.disk.look("d")->kind, Kind::symlink);
  EXPECT_TRUE(trash(a).empty());

  a.disk.remove("x");
  a.disk.remove("d");
  a.disk.make_directory("d");
  a.write("d/one", "1");
  settle();
  settle();
  expect_same();
  EXPECT_EQ(content(b), (Files{{"d.txt", "beside, by bytes"}, {"d/one", "1, edited"}, {"d/three", "new"}}));
  EXPECT_TRUE(a.sync->skipped().empty());
  EXPECT_EQ(must(work_left(a.store, a.sync->id().view())), WorkLeft::none);
}

TEST_F(LinkInPlace, HoldsBackTheRemovalOfTheDirectoryToo) {
  a.tick();
  a.disk.remove("d/sub/two");
  a.disk.make_pipe("d/sub/two");
  b.tick();
  b.disk.remove("d");
  settle();
  EXPECT_EQ(must(work_left(a.store, a.sync->id().view())), WorkLeft::held);
  std::vector<Skipped> held;
  for (auto const* path : {"d/sub/two", "d/sub", "d"}) held.push_back({path, Skipped::Why::blocked});
  EXPECT_TRUE(std::ranges::is_permutation(a.sync->skipped(), held))
      << ::testing::PrintToString(a.sync->skipped().size());
  EXPECT_EQ(content(b), (Files{{"d.txt", "beside, by bytes"}, {"x", "3"}}));
  a.disk.remove("d/sub/two");
  settle();
  expect_same();
  EXPECT_EQ(must(work_left(a.store, a.sync->id().view())), WorkLeft::none);
}

}  // namespace
}  // namespace kith::files
