#include "support/at_a_relay.hpp"
#include "sync/relays/mailbox.hpp"
#include "sync/relays/taken.hpp"

/// What was taken out of objects at a relay makes room for more, and what cannot be opened yet is not lost.
namespace kith::sync {
namespace {

using namespace std::chrono_literals;
using testing::AtARelay;
using testing::must;
using testing::RelayDevice;
using testing::TestRelay;

struct AtASmallRelay : ::testing::Test {
  static constexpr std::size_t kChunks = 60;
  static constexpr std::uint64_t kQuotaBytes = 2 << 20;

  AtASmallRelay() {
    net.add(relay);
    for (auto* device : {&a, &b}) net.add(*device);
    must(a.replica.create_group("home", "a", testing::test_recovery(9), net.now()));
    static_cast<void>(net.enlist(a, relay));
    net.wait(1s);
    net.let_in(a, b);
    net.wait(5s);
    auto const key = files::chunk_key(a.replica.state().genesis().content_secret);
    for (std::size_t i = 0; i < kChunks; ++i) {
      Bytes bytes(200 << 10);
      a.random.fill(bytes);
      chunks.push_back(files::chunk_id(key, bytes));
      contents.emplace(chunks.back(), std::move(bytes));
    }
    b_holds(b);
    a.at(relay).set_chunk_reader([this](ChunkId const& id) -> Result<std::optional<Bytes>> { return contents.at(id); });
    must(b.at(relay).set_presence({}, {}, net.now()));
  }
  static relay::Settings small() {
    auto settings = TestRelay::easy_settings();
    settings.store.group_quota_bytes = kQuotaBytes;
    return settings;
  }
  void b_holds(RelayDevice& device) {
    device.at(relay).set_chunk_holder([this](ChunkId const& id) -> Result<bool> { return held.contains(id); });
  }
  /// What the program does now and then: a leaves what b lacks, drops what it does not, and b asks for the rest.
  void turn() {
    std::set<ChunkId> lacked;
    std::vector<ChunkId> to_be_left;
    for (auto const& id : chunks) {
      if (must(a.at(relay).traces(id, net.now().wall)).taken_by.contains(b.identity.device())) continue;
      lacked.insert(id);
      if (!must(a.at(relay).has_chunk(id, net.now().wall))) to_be_left.push_back(id);
    }
    must(a.at(relay).drop_objects(lacked, net.now()));
    if (!a.at(relay).uploading()) must(a.at(relay).upload(to_be_left, net.now()));
    std::vector<ChunkId> wanted;
    std::ranges::copy_if(chunks, std::back_inserter(wanted), [&](ChunkId const& id) { return !come.contains(id); });
    must(b.at(relay).want(wanted, net.now()));
    net.wait(2s);
    for (auto const& event : b.seen) {
      auto const* chunk = std::get_if<RelayChunk>(&event);
      if (chunk != nullptr) ++come[chunk->id];
    }
    b.seen.clear();
  }

  testing::RelayNet net;
  TestRelay relay{100, small()};
  RelayDevice a{1, "a"}, b{2, "b"};
  std::vector<ChunkId> chunks;
  std::map<ChunkId, Bytes> contents;
  std::map<ChunkId, int> come;  ///< to b, how often
  std::set<ChunkId> held;       ///< durably there
};

TEST_F(AtASmallRelay, MoreThanThereIsRoomForGoesThroughPieceByPiece) {
  for (int i = 0; i < 60 && held.size() < kChunks; ++i) {
    turn();
    for (auto const& [id, times] : come) held.insert(id);
  }
  EXPECT_EQ(held.size(), kChunks);
  for (auto const& [id, times] : come) EXPECT_EQ(times, 1) << "once is enough";
}

/// Who announces very much holds up nobody's thread.
TEST_F(AtARelay, LooksForLittleAtATime) {
  constexpr std::size_t kMany = 3 * Mailbox::kMostStoredLooks;
  net.let_in(a, b);
  net.wait(5s);
  contents_of(a);
  std::vector<ChunkId> many(kMany);
  for (auto& id : many) id = a.random.id<ChunkId>();
  must(a.at(relay).upload(many, net.now()));
  std::size_t looks = 0;
  b.at(relay).set_chunk_holder([&](ChunkId const&) -> Result<bool> {
    ++looks;
    return false;
  });
  net.wait(60s);
  ASSERT_GT(looks, kMany) << "all has come, and has been looked at";
  std::size_t most = 0, all = 0;
  for (int i = 0; i < 400; ++i) {
    looks = 0;
    net.wait(100ms);
    most = std::max(most, looks);
    all += looks;
  }
  EXPECT_GE(all, kMany);
  EXPECT_LE(most, Mailbox::kMostStoredLooks + ContainerIndex::kMostChunks);
}

TEST_F(AtASmallRelay, WhatIsNotDurablyThereStays) {
  for (int i = 0; i < 20; ++i) turn();
  EXPECT_GT(come.size(), 4u);
  EXPECT_LT(come.size(), kChunks / 2);
  EXPECT_TRUE(a.saw(RelayTrouble::quota));
  for (auto const& [id, times] : come) EXPECT_TRUE(must(a.at(relay).has_chunk(id, net.now().wall)));
}

TEST_F(AtASmallRelay, ItGoesOnWhereTheDevicesWereRestarted) {
  for (int i = 0; i < 120 && held.size() < kChunks; ++i) {
    if (i % 8 == 7) {
      for (auto* device : {&a, &b}) {
        net.go_offline(*device);
        device->mailboxes.clear();
        net.changed(*device);
        device->online = true;
      }
      b_holds(b);
      a.at(relay).set_chunk_reader(
          [this](ChunkId const& id) -> Result<std::optional<Bytes>> { return contents.at(id); });
      must(b.at(relay).set_presence({}, {}, net.now()));
      net.wait(5s);
    }
    turn();
    for (auto const& [id, times] : come) held.insert(id);
  }
  EXPECT_EQ(held.size(), kChunks);
}

TEST_F(AtASmallRelay, WhatWasTakenAndLostIsLeftThereAgain) {
  for (int i = 0; i < 60 && held.size() < kChunks; ++i) {
    turn();
    for (auto const& [id, times] : come) held.insert(id);
  }
  for (int i = 0; i < 5; ++i) turn();
  auto const lost = chunks.front();
  ASSERT_FALSE(must(a.at(relay).has_chunk(lost, net.now().wall)));
  held.erase(lost);
  come.erase(lost);
  for (int i = 0; i < 10 && !come.contains(lost); ++i) turn();
  EXPECT_TRUE(come.contains(lost));
}

TEST_F(AtASmallRelay, WhoCameLaterHasTakenNothingOfWhatHadGone) {
  for (int i = 0; i < 60 && held.size() < kChunks; ++i) {
    turn();
    for (auto const& [id, times] : come) held.insert(id);
  }
  for (int i = 0; i < 5; ++i) turn();
  RelayDevice c{3, "c"};
  net.add(c);
  net.let_in(a, c);
  net.wait(40s);
  c.at(relay).set_chunk_holder([](ChunkId const&) -> Result<bool> { return false; });
  must(c.at(relay).set_presence({}, {}, net.now()));
  must(c.at(relay).want({chunks.front()}, net.now()));
  net.wait(5s);
  auto const wanted = must(a.at(relay).traces(chunks.front(), net.now().wall));
  EXPECT_TRUE(wanted.taken_by.contains(b.identity.device()));
  EXPECT_EQ(wanted.lacked_by, std::set{c.identity.device()}) << "it says so";
  for (auto const& id : chunks)
    EXPECT_FALSE(must(a.at(relay).traces(id, net.now().wall)).taken_by.contains(c.identity.device()));
}

TEST_F(AtASmallRelay, WhatIsDeletedIsDeletedWhereTheConnectionBrokeBefore) {
  for (int i = 0; i < 5; ++i) turn();
  must(a.at(relay).drop_objects({}, net.now()));
  net.go_offline(a);  // nothing of it has left
  a.mailboxes.clear();
  net.changed(a);
  a.online = true;
  auto const used = relay.store.stored_bytes();
  net.wait(10s);
  EXPECT_LT(relay.store.stored_bytes(), used / 2);
}

TEST(Taken, CoversWhatIsNotOpen) {
  Taken taken;
  taken.upto = {20};
  taken.open = {{{3}, {5}, {}}, {{9}, {9}, {0x05}}};
  EXPECT_TRUE(taken.valid());
  auto const covers = [&](std::uint64_t cursor) { return taken.covers({cursor}); };
  EXPECT_FALSE(covers(0)) << "not known where it is";
  EXPECT_TRUE(covers(2) && covers(6) && covers(10) && covers(20));
  EXPECT_FALSE(covers(3) || covers(4) || covers(5) || covers(9) || covers(21));
  auto const refused = [](std::vector<Taken::Open> open) {
    Taken one;
    one.upto = {20};
    one.open = std::move(open);
    return !one.valid();
  };
  EXPECT_TRUE(refused({{{0}, {1}, {}}}));
  EXPECT_TRUE(refused({{{5}, {4}, {}}}));
  EXPECT_TRUE(refused({{{5}, {6}, {}}, {{6}, {7}, {}}}));
  EXPECT_TRUE(refused({{{5}, {21}, {}}}));
  EXPECT_TRUE(refused({{{5}, {6}, {1}}}));
  EXPECT_TRUE(refused({{{5}, {5}, {1, 0}}}));
}

TEST(Taken, ShortenedSaysOnlyThatMoreIsOpen) {
  Taken taken;
  taken.upto = {1000};
  for (std::uint64_t at = 1; at < 600; at += 3 + at % 7) taken.open.push_back({{at}, {at + 1}, {}});
  taken.open.push_back({{700}, {700}, {0xFF, 0x01}});
  auto const whole = taken;
  while (taken.shorten()) {
    ASSERT_TRUE(taken.valid());
    for (std::uint64_t at = 1; at <= 1000; ++at) ASSERT_TRUE(whole.covers({at}) || !taken.covers({at})) << at;
  }
  ASSERT_EQ(taken.open.size(), 1u);
  EXPECT_TRUE(taken.covers({1000}));
}

/// It is sealed under an epoch that is on its way, and the position has moved past it by the time that it is here.
TEST_F(AtARelay, AnAnnouncementThatComesBeforeItsEpochIsNotLost) {
  RelayDevice d{4, "d"};
  net.add(d);
  for (auto* device : {&b, &c, &d}) net.let_in(a, *device);
  net.wait(5s);
  for (auto* device : {&a, &d}) net.go_offline(*device);
  must(a.replica.remove_device(d.identity.device(), wire::RemoveReason::lost, nullptr, net.now()));
  auto const entries = a.sealed_entries();
  std::vector<ByteView> const views(entries.begin(), entries.end());
  must(b.replica.receive(views, net.now()));
  auto const id = contents_of(b);
  must(b.at(relay).upload({id}, net.now()));
  net.wait(3s);
  ASSERT_TRUE(has(b, id));
  ASSERT_FALSE(has(c, id)) << "the epoch is not there yet";
  net.go_offline(c);
  c.mailboxes.clear();
  net.changed(c);
  c.online = true;
  net.wait(1s);
  ASSERT_FALSE(has(c, id));
  net.changed(b);
  net.wait(60s);  // b brings what a wrote
  EXPECT_TRUE(has(c, id));
}

/// The same where only the epoch is on its way: everybody is known here, under the name that they have there.
TEST_F(AtARelay, AnAnnouncementThatComesBeforeANewEpochOfTheSameDevicesIsNotLost) {
  for (auto* device : {&b, &c}) net.let_in(a, *device);
  net.wait(40s);
  net.go_offline(a);
  must(a.replica.rotate(net.now()));
  b.pull_from(a);
  auto const id = contents_of(b);
  must(b.at(relay).upload({id}, net.now()));
  net.wait(3s);
  ASSERT_TRUE(has(b, id));
  ASSERT_FALSE(has(c, id)) << "the epoch is not there yet";
  net.changed(c);
  ASSERT_FALSE(has(c, id));
  net.changed(b);
  net.wait(60s);  // b brings what a wrote
  EXPECT_TRUE(has(c, id));
}

}  // namespace
}  // namespace kith::sync
