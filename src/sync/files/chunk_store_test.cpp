#include "sync/files/chunk_store.hpp"

#include <gtest/gtest.h>

#include "store/memory_store.hpp"
#include "support/must.hpp"

namespace kith::files {
namespace {

using testing::must;

/// What a disk made of a row is not handed out as what was written; brought again, it takes its place.
TEST(ChunkStore, ABlobThatRottedIsNoneUntilItIsHadAgain) {
  store::MemoryStore store(std::make_shared<store::MemoryDatabase>());
  ChunkStore chunks(store, crypto::ChunkKey{}, [](FolderId const&) { return nullptr; });
  auto transaction = must(store::Transaction::begin(store));
  Bytes const bytes(1000, 7);
  auto const id = chunk_id(chunks.key(), bytes);
  must(chunks.put_blob(id, bytes));
  EXPECT_EQ(must(chunks.find_blob(id)), bytes);
  EXPECT_EQ(must(chunks.find(id)), bytes);

  Bytes rotten = bytes;
  rotten[500] ^= 1;
  must(store.put(store::Table::blobs, id.view(), rotten));
  EXPECT_EQ(must(chunks.find_blob(id)), std::nullopt);
  EXPECT_EQ(must(chunks.find(id)), std::nullopt);
  EXPECT_FALSE(must(chunks.has_blob(id)));
  EXPECT_FALSE(must(chunks.holds(id)));

  must(chunks.put_blob(id, bytes));
  EXPECT_EQ(must(chunks.find_blob(id)), bytes);
  must(transaction.commit());
}

}  // namespace
}  // namespace kith::files
