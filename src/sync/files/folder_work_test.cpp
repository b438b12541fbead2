#include "sync/files/folder_work.hpp"

#include <gtest/gtest.h>

#include "store/memory_store.hpp"
#include "support/must.hpp"
#include "sync/files/rows.hpp"

namespace kith::files {
namespace {

using testing::must;

struct FolderWorkRows : ::testing::Test {
  FolderWorkRows() { folder.bytes[0] = 1; }
  std::uint64_t times() {
    auto const row = must(core::get_record<FolderWork>(store, Table::folder_work, path_key(folder, path)));
    return row ? row->times : 0;
  }
  store::MemoryStore store{std::make_shared<store::MemoryDatabase>()};
  FolderId folder;
  RelPath path = must(RelPath::parse("notes/x.txt"));
  store::Transaction transaction = must(store::Transaction::begin(store));
};

TEST_F(FolderWorkRows, ListEachPathOnce) {
  must(add_work(store, folder, path));
  must(add_work(store, folder, must(RelPath::parse("a"))));
  must(add_work(store, folder, path));
  auto const paths = must(open_work(store, folder));
  ASSERT_EQ(paths.size(), 2U);
  EXPECT_EQ(paths[1].text(), "notes/x.txt");
  FolderId other = folder;
  other.bytes[0] = 2;
  EXPECT_TRUE(must(open_work(store, other)).empty());
}

TEST_F(FolderWorkRows, AreNotStruckOffWithWhatWasDoneBefore) {
  must(add_work(store, folder, path));
  auto const seen = times();
  must(add_work(store, folder, path));  // while the disk is being changed
  must(finish_work(store, path_key(folder, path), seen));
  EXPECT_EQ(must(open_work(store, folder)).size(), 1U);
  must(finish_work(store, path_key(folder, path), times()));
  EXPECT_TRUE(must(open_work(store, folder)).empty());
}

TEST_F(FolderWorkRows, AreHeldBackUntilTheirPathMoves) {
  Bytes const key = path_key(folder, path);
  EXPECT_EQ(must(work_left(store, folder.view())), WorkLeft::none);
  must(add_work(store, folder, path));
  must(hold_work(store, key, times() + 1, true));  // what was read is not what is there
  EXPECT_EQ(must(work_left(store, folder.view())), WorkLeft::open);
  must(hold_work(store, key, times(), true));
  EXPECT_EQ(must(work_left(store, folder.view())), WorkLeft::held);
  EXPECT_TRUE(must(open_work(store, folder)).empty());
  must(add_work(store, folder, must(RelPath::parse("a"))));
  EXPECT_EQ(must(work_left(store, folder.view())), WorkLeft::open);
  EXPECT_EQ(must(work_left(store, below_key(folder, must(RelPath::parse("notes"))))), WorkLeft::held);
  EXPECT_EQ(must(count_held(store, folder)), 1U);
  must(hold_work(store, path_key(folder, must(RelPath::parse("a"))), 1, true));
  EXPECT_EQ(must(count_held(store, folder)), 2U);
  EXPECT_EQ(must(work_left(store, folder.view())), WorkLeft::held);
  FolderId other = folder;
  other.bytes[0] = 2;
  EXPECT_EQ(must(count_held(store, other)), 0U);
  must(add_work(store, folder, must(RelPath::parse("a"))));
  EXPECT_EQ(must(count_held(store, folder)), 1U);
  must(add_work(store, folder, path));
  EXPECT_EQ(must(open_work(store, folder)).size(), 2U);
  EXPECT_EQ(must(count_held(store, folder)), 0U);
}

}  // namespace
}  // namespace kith::files
