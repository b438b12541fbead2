#include "support/at_a_relay.hpp"
#include "sync/relays/container.hpp"
#include "sync/relays/mailbox.hpp"

/// What lies at a relay beside the log.
namespace kith::sync {
namespace {

using namespace std::chrono_literals;
using testing::AtARelay;
using testing::must;
using testing::RelayDevice;
using testing::TestRelay;

TEST_F(AtARelay, NothingIsLeftThatADeviceWhichIsKnownToBeRemovedCouldOpen) {
  net.let_in(a, b);
  net.let_in(a, c);
  net.wait(5s);
  for (auto* device : {&a, &b, &c}) net.go_offline(*device);
  auto const before = a.sealed_entries();
  must(a.replica.remove_device(c.identity.device(), wire::RemoveReason::lost, nullptr, net.now()));
  auto const all = a.sealed_entries();
  std::vector<Bytes> fresh;
  std::ranges::copy_if(all, std::back_inserter(fresh),
                       [&](Bytes const& entry) { return std::ranges::find(before, entry) == before.end(); });
  ASSERT_EQ(fresh.size(), 2u) << "the removal, and a rotation";
  // b hears of the removal first, and has an epoch that c knows for a moment.
  auto const give = [&](Bytes const& entry) {
    ByteView const view = entry;
    return must(b.replica.receive(std::span(&view, 1), net.now())).applied;
  };
  if (give(fresh[0]) == 0) std::swap(fresh[0], fresh[1]);
  give(fresh[0]);
  ASSERT_TRUE(b.replica.state().roster().removed(c.identity.device()));
  EXPECT_TRUE(b.replica.sealing_epoch());
  EXPECT_FALSE(b.replica.box_epoch());
  auto const counter = [&] { return b.at(relay).record().presence_counter; };
  auto const said = counter();
  wire::Presence presence;
  presence.held = 7;
  b.online = true;
  must(b.at(relay).set_presence(presence, {}, net.now()));
  net.wait(5s);
  ASSERT_TRUE(b.at(relay).live());
  EXPECT_EQ(counter(), said);
  EXPECT_EQ(give(fresh[1]), 1u);
  net.changed(b);
  net.wait(2s);
  EXPECT_GT(counter(), said);
}

TEST_F(AtARelay, AnObjectIsFetchedByADeviceWhoseClockIsYearsAhead) {
  // The relay's hour and the time to live are over by that clock.
  net.let_in(a, b);
  net.wait(5s);
  auto const id = contents_of(a);
  net.go_offline(b);
  must(a.at(relay).upload({id}, net.now()));
  net.wait(5s);
  b.clock_skew = std::chrono::hours{24 * 365};
  b.online = true;
  net.wait(10s);
  must(b.at(relay).want({id}, net.now()));
  net.wait(5s);
  EXPECT_TRUE(std::ranges::any_of(b.seen, [&](MailboxEvent const& event) {
    auto const* chunk = std::get_if<RelayChunk>(&event);
    return chunk != nullptr && chunk->id == id;
  }));
}

TEST_F(AtARelay, WhatIsDroppedIsNotTakenForThereByThoseWhoPullLater) {
  net.let_in(a, b);
  net.wait(5s);
  auto const entries = stored();
  auto const id = contents_of(a);
  must(a.at(relay).upload({id}, net.now()));
  net.wait(5s);
  ASSERT_TRUE(has(b, id));
  ASSERT_EQ(stored(), entries + 1);
  must(a.at(relay).drop_objects({id}, net.now()));
  net.wait(1s);
  ASSERT_TRUE(has(a, id)) << "somebody lacks it";
  must(a.at(relay).drop_objects({}, net.now()));
  net.wait(1s);
  EXPECT_FALSE(has(a, id));
  EXPECT_EQ(stored(), entries) << "the announcement went along";
  // b was told of it before: it asks when it relies on that.
  EXPECT_TRUE(must(b.at(relay).rely_on_chunk(id, net.now())));
  net.wait(1s);
  EXPECT_FALSE(must(b.at(relay).rely_on_chunk(id, net.now())));
  net.let_in(a, c);
  net.wait(5s);
  ASSERT_TRUE(c.at(relay).live());
  EXPECT_FALSE(has(c, id));
}

TEST_F(AtARelay, WhatIsReliedOnAndThereStays) {
  net.let_in(a, b);
  net.wait(5s);
  auto const id = contents_of(a);
  must(a.at(relay).upload({id}, net.now()));
  net.wait(5s);
  for (int i = 0; i < 3; ++i) {
    EXPECT_TRUE(must(b.at(relay).rely_on_chunk(id, net.now())));
    net.wait(15min);
    EXPECT_TRUE(b.at(relay).live());
  }
}

/// What devices that are away lack is said to lie there for as long as it does, and not anew from each look.
TEST_F(AtARelay, WhatLiesThereForTheOthersDoesSoUntilTheFirstOfItExpires) {
  net.let_in(a, b);
  net.wait(5s);
  net.go_offline(b);
  auto const began = net.now().wall.ms;
  auto const first = contents_of(a);
  must(a.at(relay).upload({first}, net.now()));
  net.wait(5s);
  net.go_offline(a);
  net.wait(24h);
  a.online = true;
  net.wait(70s);
  auto const second = contents_of(a, 8);
  must(a.at(relay).upload({second}, net.now()));
  net.wait(5s);
  for (auto const& id : {first, second}) EXPECT_TRUE(must(a.at(relay).rely_on_chunk(id, net.now())));
  a.at(relay).note_left(a.replica.state().counting().heads, net.now());
  auto const until = a.at(relay).record().left_until_ms;
  EXPECT_GE(until, began + std::chrono::milliseconds(Mailbox::kObjectTime).count());
  EXPECT_LE(until, began + std::chrono::milliseconds(Mailbox::kObjectTime + 1min).count());
}

TEST_F(AtARelay, WhatTheRelayDoesNotHaveAnyMoreIsNotSaidToLieThere) {
  net.let_in(a, b);
  net.wait(5s);
  auto const id = contents_of(a);
  must(a.at(relay).upload({id}, net.now()));
  net.wait(5s);
  ASSERT_TRUE(must(b.at(relay).rely_on_chunk(id, net.now())));
  b.at(relay).note_left(b.replica.state().counting().heads, net.now());
  net.wait(5s);
  ASSERT_EQ(b.at(relay).record().left, b.replica.state().counting().heads);
  must(a.at(relay).drop_objects({}, net.now()));
  net.wait(15min);  // b asks every 10 minutes
  EXPECT_FALSE(has(b, id));
  EXPECT_EQ(b.at(relay).record().left, core::Past{});
}

/// An announcement counts only where an active device has signed it for this very place.
TEST_F(AtARelay, AnnouncementsOfOthersThanActiveDevicesAreNotOpened) {
  net.let_in(a, b);
  net.wait(5s);
  auto const epoch = a.replica.sealing_epoch().value();
  auto const name = [&](RelayDevice& device) {
    return core::relay_face(device.identity.root, relay.relay_key(), device.replica.state().group()).pseudonym();
  };
  Announcement announcement;
  announcement.object = a.random.id<wire::ObjectId>();
  announcement.chunks = {a.random.id<ChunkId>()};
  AnnouncedAt const here{relay.relay_key(), name(b)};
  auto const sealed = seal_announcement(b.replica, epoch, here, announcement, b.random);
  auto const opened = must(open_announcement(a.replica.state(), here, sealed));
  EXPECT_EQ(opened.device, b.identity.device());
  EXPECT_EQ(opened.announcement, announcement);
  auto const refused = [&](AnnouncedAt const& at, Bytes const& bytes) {
    return !open_announcement(a.replica.state(), at, bytes);
  };
  EXPECT_TRUE(refused({relay.relay_key(), name(a)}, sealed)) << "another's item";
  EXPECT_TRUE(refused({TestRelay{101}.relay_key(), name(b)}, sealed)) << "another relay";
  AnnouncedAt const as_a{relay.relay_key(), name(a)};
  EXPECT_TRUE(refused(as_a, seal_announcement(b.replica, epoch, as_a, announcement, b.random))) << "another's name";
  std::vector<wire::Op> ops;
  ops.emplace_back(wire::DeviceRemove{b.identity.device(), wire::RemoveReason::lost, std::nullopt});
  must(a.replica.write(std::move(ops), net.now()));
  EXPECT_TRUE(refused(here, sealed)) << "removed";
}

TEST_F(AtARelay, AContainersChunksAreWhatTheirIdsName) {
  auto const id = contents_of(a), other = contents_of(a, 8);
  auto const key = files::chunk_key(a.replica.state().genesis().content_secret);
  ContainerBuilder container;
  ASSERT_TRUE(container.add(id, files::pack_chunk(Bytes(100, 7), true)));
  ASSERT_TRUE(container.add(other, files::pack_chunk(Bytes(100, 9), true)));
  auto const chunks = must(open_container(key, container.finish()));
  ASSERT_EQ(chunks.size(), 1u);
  EXPECT_EQ(chunks[0].first, id);
}

/// What one device says of a chunk does not put aside what another says, and is bounded.
TEST_F(AtARelay, AnObjectBookKeepsSeveralPlacesOfAChunk) {
  net.let_in(a, b);
  net.wait(5s);
  auto const self = a.identity.device(), peer = b.identity.device(), gone = a.random.id<DeviceId>();
  auto const& roster = a.replica.state().roster();
  ObjectBook book(a.random.id<wire::RelayKey>(), self);
  auto const chunk = a.random.id<ChunkId>();
  auto const first = a.random.id<wire::ObjectId>(), second = a.random.id<wire::ObjectId>();
  auto const object_of = [&] {
    auto const place = must(book.find(a.store, roster, chunk));
    return place ? place->object : wire::ObjectId{};
  };
  must(a.store.begin());
  must(book.load(a.store, {0}));
  must(book.note(a.store, first, {peer, 1000, {4}, {chunk}}));
  must(book.note(a.store, second, {gone, 2000, {5}, {chunk}}));
  EXPECT_EQ(object_of(), first) << "an active device's counts for more";
  must(book.note(a.store, first, {gone, 5000, {6}, {a.random.id<ChunkId>()}}));
  EXPECT_EQ(object_of(), first) << "an object is its uploader's";
  must(book.forget(a.store, first));
  EXPECT_EQ(object_of(), second);
  std::chrono::milliseconds const margin = ObjectBook::kExpiryMargin;
  must(book.forget_expired(a.store, {1999 + margin.count()}));
  EXPECT_EQ(object_of(), second) << "its uploader's clock may be behind";
  must(book.forget_expired(a.store, {2000 + margin.count()}));
  EXPECT_EQ(object_of(), wire::ObjectId{});

  std::size_t kept = 0;
  std::vector<ChunkId> many(ContainerIndex::kMostChunks);
  for (std::size_t i = 0; i < ObjectBook::kMostChunksOfOne / many.size() + 2; ++i) {
    for (auto& each : many) each = a.random.id<ChunkId>();
    must(book.note(a.store, a.random.id<wire::ObjectId>(), {peer, 1000, {}, many}));
    kept += must(book.find(a.store, roster, many[0])) ? many.size() : 0;
  }
  EXPECT_EQ(kept, ObjectBook::kMostChunksOfOne);
  must(book.note(a.store, first, {self, 1000, {}, {chunk}}));
  EXPECT_EQ(object_of(), first);
  a.store.rollback();
}

TEST_F(AtARelay, ADeviceThatAnnouncesTinyObjectsGetsNoMoreThanItsShare) {
  auto const peer = b.identity.device();
  ObjectBook book(a.random.id<wire::RelayKey>(), a.identity.device());
  auto const chunk = a.random.id<ChunkId>();
  auto const oldest = a.random.id<wire::ObjectId>();
  must(a.store.begin());
  must(book.load(a.store, {0}));
  EXPECT_TRUE(must(book.note(a.store, oldest, {peer, 1000, {1}, {chunk}})));
  std::vector<ChunkId> const nothing;
  for (std::size_t i = 1; i < ObjectBook::kMostObjectsOfOne; ++i)
    ASSERT_TRUE(must(book.note(a.store, a.random.id<wire::ObjectId>(), {peer, 1000, {i + 1}, nothing})));
  EXPECT_TRUE(must(book.note(a.store, oldest, {peer, 2000, {1}, {chunk}}))) << "one that is known takes no place";
  // What is wanted stays; where nothing of an object is wanted any more, the oldest gives way.
  wire::RelayCursor const last{ObjectBook::kMostObjectsOfOne + 1};
  auto const newest = a.random.id<wire::ObjectId>();
  EXPECT_TRUE(must(book.note(a.store, newest, {peer, 1000, last, {chunk}})));
  EXPECT_EQ(book.objects().size(), ObjectBook::kMostObjectsOfOne);
  EXPECT_TRUE(book.objects().contains(oldest)) << "not all of it is here";
  EXPECT_TRUE(book.objects().contains(newest));
  must(book.load(a.store, {0}));
  EXPECT_TRUE(must(book.note(a.store, a.random.id<wire::ObjectId>(), {peer, 1000, last, nothing})));
  EXPECT_EQ(book.objects().size(), ObjectBook::kMostObjectsOfOne) << "they are counted after a start too";
  // Others have their own share.
  EXPECT_TRUE(must(book.note(a.store, a.random.id<wire::ObjectId>(), {c.identity.device(), 1000, last, {chunk}})));
  EXPECT_EQ(book.objects().size(), ObjectBook::kMostObjectsOfOne + 1);
  a.store.rollback();
}

/// Slots come before the entries by which their devices are known.
TEST_F(AtARelay, APresenceIsHeardOfWhomAPullMakesKnown) {
  net.let_in(a, b);
  net.wait(5s);
  net.go_offline(b);
  net.let_in(a, c);
  net.wait(5s);
  wire::Presence presence;
  presence.held = 7;
  must(c.at(relay).set_presence(presence, {}, net.now()));
  net.wait(2s);
  net.go_offline(c);
  b.seen.clear();
  only(b);
  net.changed(b);
  net.wait(1s);
  EXPECT_TRUE(std::ranges::any_of(b.seen, [&](MailboxEvent const& event) {
    auto const* heard = std::get_if<RelayPresenceHeard>(&event);
    return heard != nullptr && heard->device == c.identity.device() && heard->presence.held == 7;
  }));
}

TEST_F(AtARelay, AnOldPresenceThatIsShownAgainIsNotHeard) {
  net.let_in(a, b);
  net.wait(5s);
  auto const heard = [&] {
    return std::ranges::count_if(
        b.seen, [](MailboxEvent const& event) { return std::holds_alternative<RelayPresenceHeard>(event); });
  };
  wire::Presence presence;
  presence.addresses = {{"one"}};
  must(a.at(relay).set_presence(presence, {}, net.now()));
  net.wait(3s);
  ASSERT_GT(heard(), 0);
  net.go_offline(a);
  net.stop(relay);
  auto const before = relay.store;
  net.start(relay);
  a.online = true;
  presence.addresses = {{"two"}};
  must(a.at(relay).set_presence(presence, {}, net.now()));
  net.wait(120s);
  net.go_offline(a);
  net.stop(relay);
  relay.store = before;
  b.seen.clear();
  net.start(relay);
  net.wait(120s);
  ASSERT_TRUE(b.at(relay).live());
  EXPECT_EQ(heard(), 0);
}

TEST_F(AtARelay, AHomeThatIsOlderThanItsPresenceIsHeardAgain) {
  net.let_in(a, b);
  net.wait(5s);
  auto const old = a.database->clone();
  wire::Presence presence;
  presence.held = 1;
  a.clock_skew = std::chrono::hours{24 * 365};
  must(a.at(relay).set_presence(presence, {}, net.now_at(a)));
  net.wait(5s);
  net.go_offline(a);
  RelayDevice again(1, "a", old);
  again.random = testing::SeededRandom(77);
  must(again.replica.open());
  net.add(again);
  net.changed(again);
  b.seen.clear();
  presence.held = 2;
  must(again.at(relay).set_presence(presence, {}, net.now_at(again)));
  net.wait(5s);
  EXPECT_TRUE(std::ranges::any_of(b.seen, [&](MailboxEvent const& event) {
    auto const* heard = std::get_if<RelayPresenceHeard>(&event);
    return heard != nullptr && heard->presence.held == 2;
  }));
}

}  // namespace
}  // namespace kith::sync
