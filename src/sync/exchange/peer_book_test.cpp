#include "sync/exchange/peer_book.hpp"

#include <gtest/gtest.h>

#include "store/memory_store.hpp"
#include "support/must.hpp"

namespace kith::sync {
namespace {

using testing::must;

struct PeerBooks : ::testing::Test {
  PeerBooks() { peer.bytes[3] = 9; }
  std::shared_ptr<store::MemoryDatabase> database = std::make_shared<store::MemoryDatabase>();
  store::MemoryStore store{database};
  PeerBook book{store};
  Instant now = Instant{} + std::chrono::hours{1};
  DeviceId peer;
};

TEST_F(PeerBooks, KeepWhatIsFlushed) {
  must(book.load());
  EXPECT_EQ(book.find(peer), nullptr);
  auto& record = book.change(peer, now);
  record.addresses = {"10.0.0.7:4711", "[fe80::1]:4711"};
  record.acked = {Tip{{peer, {77}}, {5}, {}}};
  record.seen = {Tip{{peer, {77}}, {6}, {}}};
  record.folders = {FolderId{}};
  record.last_seen_ms = 123;
  record.endpoint = "10.0.0.7:4711";
  record.clock_ahead_s = -3;
  EXPECT_EQ(book.flush_due(), now + PeerBook::kFlushAfter);
  static_cast<void>(book.change(peer, now + std::chrono::seconds{9}));
  EXPECT_EQ(book.flush_due(), now + PeerBook::kFlushAfter) << "changes do not put each other off";
  must(book.flush());
  EXPECT_EQ(book.flush_due(), std::nullopt);

  store::MemoryStore later(database);
  PeerBook again(later);
  must(again.load());
  auto const* kept = again.find(peer);
  ASSERT_NE(kept, nullptr);
  EXPECT_EQ(kept->addresses, record.addresses);
  EXPECT_EQ(kept->acked, record.acked);
  EXPECT_EQ(kept->seen, record.seen);
  EXPECT_TRUE(kept->content.empty());
  EXPECT_EQ(kept->folders, record.folders);
  EXPECT_EQ(kept->last_seen_ms, 123);
  EXPECT_EQ(kept->endpoint, "10.0.0.7:4711");
  EXPECT_EQ(kept->clock_ahead_s, -3);
}

TEST_F(PeerBooks, DoNotWriteWithoutNeed) {
  must(book.flush());
  store::MemoryStore other(database);
  static_cast<void>(book.change(peer, now));
  PeerBook meanwhile(other);
  must(meanwhile.load());
  EXPECT_EQ(meanwhile.find(peer), nullptr) << "not before the flush";
}

TEST_F(PeerBooks, RefuseDamagedRows) {
  auto transaction = must(store::Transaction::begin(store));
  must(store.put(store::Table::peers, peer.view(), bytes_of("damaged")));
  must(transaction.commit());
  auto const loaded = book.load();
  ASSERT_FALSE(loaded);
  EXPECT_TRUE(loaded.error().is(core::CoreError::corrupt_record));
}

}  // namespace
}  // namespace kith::sync
