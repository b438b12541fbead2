#include "support/folder_group.hpp"

/// A file that its user deleted a moment ago: the group's changes come to its path before a scan has met that.
namespace kith::files {
namespace {

using testing::must;
using Files = std::map<std::string, std::string>;

struct UnseenDeletion : testing::FolderGroup {};

/// Nobody else has the content: were the deletion not told, all would wait for a conflict copy of it.
TEST_F(UnseenDeletion, OfAFileWhereADirectoryComesIsTold) {
  a.write("pics/f.jpg", "of a");
  a.scan();
  b.write("pics", "of b");
  b.scan();
  b.tick();
  b.disk.remove("pics");
  exchange();
  b.apply_from(a);
  EXPECT_EQ(content(b), (Files{{"pics/f.jpg", "of a"}}));
  settle();
  expect_same();
  EXPECT_EQ(content(a), (Files{{"pics/f.jpg", "of a"}}));
}

/// There is a directory in its place, of its user's own.
TEST_F(UnseenDeletion, OfAFileThatBecameADirectoryIsTold) {
  a.write("pics/f.jpg", "of a");
  a.scan();
  b.write("pics", "of b");
  b.scan();
  b.tick();
  b.disk.remove("pics");
  b.write("pics/g.jpg", "of b too");
  exchange();
  b.apply_from(a);
  settle();
  expect_same();
  EXPECT_EQ(content(a), (Files{{"pics/f.jpg", "of a"}, {"pics/g.jpg", "of b too"}}));
  EXPECT_EQ(must(b.sync->pending()).files, 0U);
}

TEST_F(UnseenDeletion, OfAFileThatHasSteppedAsideIsNone) {
  a.write("pics/f.jpg", "of a");
  a.scan();
  b.write("pics", "of b");
  b.scan();
  exchange();
  a.apply_from(b);
  auto const copy = copy_on(a);
  // As a crash leaves it behind.
  b.tick();
  b.disk.move("pics", copy);
  b.write("pics/f.jpg", "of a");
  settle();
  expect_same();
  EXPECT_EQ(content(a), (Files{{"pics/f.jpg", "of a"}, {copy, "of b"}}));
}

TEST_F(UnseenDeletion, OfAFileWithATwinIsToldToo) {
  a.write("pics/f.jpg", "of a");
  a.scan();
  b.write("pics", "of b");
  b.write("twin", "of b");
  b.scan();
  b.tick();
  b.disk.remove("pics");
  exchange();
  b.apply_from(a);
  settle();
  expect_same();
  EXPECT_EQ(content(a), (Files{{"pics/f.jpg", "of a"}, {"twin", "of b"}}));
}

TEST_F(UnseenDeletion, OfAConflictCopyIsTold) {
  a.write("x.txt", "base");
  settle();
  a.write("x.txt", "of a");
  b.write("x.txt", "of b");
  settle();
  auto const copy = copy_on(b);
  for (auto* device : all) {
    device->tick();
    device->disk.remove(copy);
  }
  a.write(copy + "/f", "a directory in its place");
  a.scan();
  exchange();
  b.apply_from(a);
  settle();
  expect_same();
  EXPECT_EQ(content(a).size(), 2U);
  EXPECT_TRUE(content(a).contains(copy + "/f"));
}

TEST_F(UnseenDeletion, OfWhatTheGroupDeletedTooIsNoNews) {
  a.write("x", "1");
  settle();
  a.disk.remove("x");
  a.scan();
  b.tick();
  b.disk.remove("x");
  exchange();
  auto const heads = must(b.replica.heads());
  b.apply_from(a);
  EXPECT_EQ(must(b.replica.heads()), heads);
  EXPECT_EQ(must(b.sync->pending()).files, 0U);
  expect_same();
}

/// More than the delete guard lets vanish: it stops the folder, and nothing is forgotten.
TEST_F(UnseenDeletion, OfTooMuchStopsAtTheGuard) {
  for (int i = 0; i < 8; ++i) b.write("pics" + std::to_string(i), "of b");
  b.scan();
  for (int i = 0; i < 8; ++i) a.write("pics" + std::to_string(i) + "/f.jpg", "of a");
  a.scan();
  b.tick();
  for (int i = 0; i < 8; ++i) b.disk.remove("pics" + std::to_string(i));
  exchange();
  auto const heads = must(b.replica.heads());
  auto const report = must(b.sync->apply({.max_files = 5, .max_percent = 25}, b.now()));
  EXPECT_FALSE(report.look_at.empty());
  EXPECT_EQ(must(b.replica.heads()), heads);
  EXPECT_TRUE(b.scan({.max_files = 5, .max_percent = 25}).guarded);
}

}  // namespace
}  // namespace kith::files
