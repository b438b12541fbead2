#include "sync/relays/mailbox.hpp"

#include <gtest/gtest.h>

#include "support/relay_net.hpp"

/// Devices that meet only at a relay.
namespace kith::sync {
namespace {

using namespace std::chrono_literals;
using testing::must;
using testing::RelayDevice;
using testing::RelayNet;
using testing::TestRelay;
using Texts = std::vector<std::string>;

struct AtARelay : ::testing::Test {
  AtARelay() {
    net.add(relay);
    for (auto* device : {&a, &b, &c}) net.add(*device);
    must(a.replica.create_group("home", "a", testing::test_recovery(9), net.now()));
    registered = net.enlist(a, relay);
    net.wait(1s);
  }
  /// One device is there at a time.
  void only(RelayDevice& device, std::chrono::milliseconds time = 3s) {
    for (auto* other : {&a, &b, &c}) {
      if (other != &device) net.go_offline(*other);
    }
    device.online = true;
    for (auto& [key, mailbox] : device.mailboxes) mailbox->hurry(net.now());
    net.wait(time);
  }
  void expect_level(RelayDevice& one, RelayDevice& other) {
    EXPECT_EQ(must(one.replica.heads()), must(other.replica.heads()));
    EXPECT_EQ(one.texts(), other.texts());
  }
  /// A chunk that the device can read, and its name.
  ChunkId contents_of(RelayDevice& device, std::uint8_t fill = 7) {
    device.at(relay).set_chunk_reader(
        [fill](ChunkId const&) -> Result<std::optional<Bytes>> { return Bytes(100, fill); });
    return files::chunk_id(files::chunk_key(device.replica.state().genesis().content_secret), Bytes(100, fill));
  }
  bool has(RelayDevice& device, ChunkId const& chunk) {
    return must(device.at(relay).has_chunk(chunk, net.now_at(device).wall));
  }
  std::size_t stored() { return relay.store.items(registered.channel).size(); }

  RelayNet net;
  TestRelay relay{100};
  RelayDevice a{1, "a"}, b{2, "b"}, c{3, "c"};
  Registered registered;
};

TEST_F(AtARelay, WhatOneDevicePushesIsThere) {
  EXPECT_TRUE(a.at(relay).live());
  a.push("one");
  net.changed(a);
  net.wait(1s);
  EXPECT_TRUE(a.at(relay).holds_all());
  EXPECT_EQ(stored(), a.sealed_entries().size());
}

TEST_F(AtARelay, ThreeDevicesThatAreNeverThereTogether) {
  a.push("from a");
  net.let_in(a, b);
  net.wait(2s);
  only(b);
  EXPECT_EQ(b.texts(), Texts{"from a"});
  b.push("from b");
  net.let_in(b, c);
  net.wait(2s);
  only(c);
  EXPECT_EQ(c.texts(), (Texts{"from a", "from b"}));
  c.push("from c");
  net.changed(c);
  net.wait(1s);
  only(a);
  EXPECT_EQ(a.texts(), (Texts{"from a", "from b", "from c"}));
  only(b);
  expect_level(a, b);
  expect_level(a, c);
}

TEST_F(AtARelay, ANewcomerIsThereAsSoonAsTheRelayIsTold) {
  a.push("from a");
  net.go_offline(a);
  net.let_in(a, b);
  net.wait(12s);
  EXPECT_EQ(b.at(relay).trouble(), RelayTrouble::not_allowed);
  a.online = true;
  for (auto& [key, mailbox] : a.mailboxes) mailbox->hurry(net.now());
  net.wait(1s);
  EXPECT_EQ(b.texts(), Texts{"from a"});
  EXPECT_TRUE(b.at(relay).live());
}

TEST_F(AtARelay, LiveDevicesSeeWhatIsPushedAtOnce) {
  net.let_in(a, b);
  net.wait(5s);
  ASSERT_TRUE(b.at(relay).live());
  for (int i = 0; i < 20; ++i) {
    a.push("a" + std::to_string(i));
    b.push("b" + std::to_string(i));
    net.changed(a);
    net.changed(b);
    net.pump();
  }
  net.wait(1s);
  EXPECT_EQ(a.texts().size(), 40u);
  EXPECT_EQ(must(a.replica.heads()), must(b.replica.heads()));
  EXPECT_EQ(stored(), a.sealed_entries().size()) << "nothing was brought twice";
}

TEST_F(AtARelay, ManyEntriesComeInPages) {
  for (int i = 0; i < 700; ++i) a.push(std::string(2000, 'x') + std::to_string(i));
  net.changed(a);
  net.wait(60s);
  EXPECT_TRUE(a.at(relay).holds_all());
  net.let_in(a, b);
  net.wait(2s);
  only(b, 60s);
  EXPECT_EQ(b.texts().size(), 700u);
  expect_level(a, b);
}

TEST_F(AtARelay, ARelayThatWasWipedIsToldEverythingAgain) {
  net.let_in(a, b);
  a.push("before");
  net.changed(a);
  net.wait(5s);
  net.stop(relay);
  relay.store = relay::MemoryRelayStore(relay.settings.store, relay.random);
  a.push("meanwhile");
  net.changed(a);
  net.start(relay);
  net.wait(120s);
  EXPECT_TRUE(a.at(relay).live());
  EXPECT_TRUE(a.at(relay).holds_all());
  EXPECT_TRUE(b.at(relay).live());
  expect_level(a, b);
  EXPECT_EQ(stored(), a.sealed_entries().size());
}

TEST_F(AtARelay, ARelayThatWasPutBackFromABackupIsToldWhatItLost) {
  net.let_in(a, b);
  net.wait(5s);
  auto const backup = relay.store;
  a.push("lost by a");
  b.push("lost by b");
  net.changed(a);
  net.changed(b);
  net.wait(5s);
  net.stop(relay);
  relay.store = backup;
  net.start(relay);
  net.wait(120s);
  EXPECT_TRUE(a.saw(RelayTrouble::lost_data));
  EXPECT_TRUE(a.at(relay).holds_all());
  EXPECT_TRUE(b.at(relay).holds_all());
  net.let_in(a, c);
  net.wait(5s);
  only(c);
  expect_level(a, c);
}

TEST_F(AtARelay, WhatItShowsAllIsNoCauseForAlarm) {
  net.let_in(a, b);
  net.wait(5s);
  a.push("one");
  b.push("two");
  net.changed(a);
  net.changed(b);
  net.wait(5s);
  for (int i = 0; i < 3; ++i) {
    auto const of_a = must(a.at(relay).witness()), of_b = must(b.at(relay).witness());
    ASSERT_TRUE(of_a && of_b);
    EXPECT_EQ(of_a->tips, of_b->tips);
    a.push("more");
    net.changed(a);
    must(b.at(relay).compare(*of_a, net.now()));
    must(a.at(relay).compare(*of_b, net.now()));
    net.wait(2s);
    EXPECT_FALSE(b.at(relay).comparing());
    EXPECT_FALSE(a.saw(RelayTrouble::withholds));
    EXPECT_FALSE(b.saw(RelayTrouble::withholds));
  }
}

TEST_F(AtARelay, WhatItShowedOneDeviceAndNotAnotherIsFoundOutWhenTheyCompare) {
  net.let_in(a, b);
  net.wait(5s);
  net.go_offline(b);
  auto const held_back = relay.store;
  a.push("for a alone");
  net.changed(a);
  net.wait(2s);
  auto const witness = must(a.at(relay).witness());
  ASSERT_TRUE(witness);
  net.stop(relay);
  net.go_offline(a);
  relay.store = held_back;
  net.start(relay);
  only(b);
  ASSERT_TRUE(b.at(relay).live());
  must(b.at(relay).compare(*witness, net.now()));
  EXPECT_TRUE(b.at(relay).comparing());
  net.wait(1s);
  EXPECT_EQ(b.at(relay).trouble(), RelayTrouble::withholds);
  EXPECT_EQ(b.texts(), Texts{});

  // Cursors are its word: it may fill the place with something else.
  b.push("in its place");
  net.changed(b);
  net.wait(2s);
  must(b.at(relay).compare(*witness, net.now()));
  net.wait(1s);
  EXPECT_EQ(b.at(relay).trouble(), RelayTrouble::withholds);

  auto other_history = *must(b.at(relay).witness());
  other_history.log_epoch.bytes[0] ^= 1;
  must(b.at(relay).compare(other_history, net.now()));
  EXPECT_EQ(b.at(relay).trouble(), RelayTrouble::withholds);

  only(a, 10s);  // brings again what is not there
  only(b);
  a.online = true;
  net.wait(90s);
  must(b.at(relay).compare(*must(a.at(relay).witness()), net.now()));
  net.wait(1s);
  EXPECT_EQ(b.at(relay).trouble(), RelayTrouble::none);
  EXPECT_EQ(b.texts().size(), 2u);
}

TEST_F(AtARelay, AWitnessOfAnotherMailboxSaysNothing) {
  net.let_in(a, b);
  net.wait(5s);
  auto witness = *must(a.at(relay).witness());
  witness.cursor = {1'000'000};
  witness.channel.bytes[0] ^= 1;
  must(b.at(relay).compare(witness, net.now()));
  net.wait(1s);
  EXPECT_EQ(b.at(relay).trouble(), RelayTrouble::none);
}

TEST_F(AtARelay, OneOfTwoRelaysThatIsDownDelaysNothing) {
  TestRelay other(101);
  net.add(other);
  net.enlist(a, other);
  net.let_in(a, b);
  net.wait(5s);
  ASSERT_TRUE(b.at(other).live());
  net.stop(relay);
  a.push("through the other");
  net.changed(a);
  net.wait(1s);
  EXPECT_EQ(b.texts(), Texts{"through the other"});
  net.start(relay);
  net.wait(120s);
  EXPECT_TRUE(a.at(relay).holds_all());
  EXPECT_TRUE(b.at(relay).holds_all());
}

TEST_F(AtARelay, EntriesOfOthersAreBroughtAfterAWhile) {
  net.let_in(a, b);
  net.wait(5s);
  net.go_offline(b);
  b.push("known to a by another way");
  a.pull_from(b);
  net.changed(a);
  net.wait(4s);
  EXPECT_FALSE(a.at(relay).holds_all());
  net.wait(30s);
  EXPECT_TRUE(a.at(relay).holds_all());
}

TEST_F(AtARelay, AnEntryGoesThereBehindItsPast) {
  net.let_in(a, b);
  net.wait(5s);
  net.go_offline(b);
  b.push("first");
  a.pull_from(b);
  a.push("knows the first");
  net.changed(a);
  net.wait(500ms);
  EXPECT_TRUE(a.at(relay).holds_all());
  net.let_in(a, c);
  net.wait(2s);
  only(c);
  EXPECT_EQ(c.texts(), (Texts{"first", "knows the first"}));
}

TEST_F(AtARelay, ARemovedDeviceIsServedNoMore) {
  net.let_in(a, b);
  net.wait(5s);
  only(a);
  must(a.replica.remove_device(b.identity.device(), wire::RemoveReason::lost, nullptr, net.now()));
  must(a.replica.rotate(net.now()));
  a.push("without b");
  net.changed(a);
  net.wait(2s);
  EXPECT_EQ(relay.store.items(registered.channel).size(), a.sealed_entries().size());
  only(b, 10s);
  EXPECT_FALSE(b.at(relay).live());
  EXPECT_EQ(b.at(relay).trouble(), RelayTrouble::not_allowed);
  EXPECT_EQ(b.texts(), Texts{});
}

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
  must(b.at(relay).set_presence(presence, net.now()));
  net.wait(5s);
  ASSERT_TRUE(b.at(relay).live());
  EXPECT_EQ(counter(), said);
  EXPECT_EQ(give(fresh[1]), 1u);
  net.changed(b);
  net.wait(2s);
  EXPECT_GT(counter(), said);
}

TEST_F(AtARelay, ADeviceThatTakesTheMailboxOverIsLeftThereAlone) {
  net.let_in(a, b);
  a.push("while b was trusted");
  net.wait(5s);
  net.go_offline(a);
  // On the list still, b removes a, which counts for nobody else, and tells the relay.
  must(b.replica.remove_device(a.identity.device(), wire::RemoveReason::lost, nullptr, net.now()));
  net.changed(b);
  net.wait(3s);
  must(a.replica.remove_device(b.identity.device(), wire::RemoveReason::lost, nullptr, net.now()));
  must(a.replica.rotate(net.now()));
  a.push("without b");
  net.changed(a);
  only(a, 10s);
  EXPECT_EQ(a.at(relay).trouble(), RelayTrouble::off_chain);
  EXPECT_FALSE(a.at(relay).holds_all());

  auto const anew = net.enlist(a, relay);
  EXPECT_NE(anew.channel, registered.channel);
  net.wait(5s);
  EXPECT_EQ(a.at(relay).trouble(), RelayTrouble::none);
  EXPECT_TRUE(a.at(relay).holds_all());
  EXPECT_EQ(relay.store.items(anew.channel).size(), a.sealed_entries().size());
  only(b, 10s);
  EXPECT_EQ(b.texts(), Texts{"while b was trusted"});
}

TEST_F(AtARelay, ADeviceThatRemovesItselfTellsSo) {
  net.let_in(a, b);
  net.wait(5s);
  net.go_offline(b);
  must(b.replica.remove_device(b.identity.device(), wire::RemoveReason::lost, nullptr, net.now()));
  net.changed(b);
  EXPECT_TRUE(b.at(relay).owes_words());
  b.online = true;
  net.wait(10s);
  EXPECT_FALSE(b.at(relay).owes_words());
  EXPECT_TRUE(a.replica.state().roster().removed(b.identity.device()));
  EXPECT_EQ(b.at(relay).trouble(), RelayTrouble::not_allowed);
}

TEST_F(AtARelay, APausedDeviceIsServedAgainWhenItIsNotAnyMore) {
  net.let_in(a, b);
  net.wait(5s);
  auto const pause = [&](bool on) {
    std::vector<wire::Op> ops;
    ops.emplace_back(wire::DevicePause{b.identity.device(), on});
    must(a.replica.write(std::move(ops), net.now()));
    net.changed(a);
    net.wait(2s);
  };
  pause(true);
  EXPECT_FALSE(b.at(relay).live());
  a.push("while b is paused");
  pause(false);
  net.wait(90s);
  EXPECT_TRUE(b.at(relay).live());
  EXPECT_EQ(b.texts(), Texts{"while b is paused"});
}

TEST_F(AtARelay, ADeviceThatWasRestartedGoesOnWhereItWas) {
  net.let_in(a, b);
  a.push("one");
  net.changed(a);
  net.wait(5s);
  auto const position = b.at(relay).record().position;
  net.go_offline(b);
  b.mailboxes.clear();
  a.push("two");
  net.changed(a);
  net.wait(1s);
  b.online = true;
  net.changed(b);
  EXPECT_EQ(b.at(relay).record().position, position);
  net.wait(2s);
  EXPECT_EQ(b.texts(), (Texts{"one", "two"}));
}

TEST_F(AtARelay, ComingBackWithoutNewsStartsNothingOver) {
  net.let_in(a, b);
  a.push("one");
  net.changed(a);
  net.wait(5s);
  for (int i = 0; i < 3; ++i) {
    only(b);
    only(a);
  }
  EXPECT_FALSE(a.saw(RelayTrouble::lost_data));
  EXPECT_FALSE(b.saw(RelayTrouble::lost_data));
  EXPECT_GT(a.at(relay).record().position, wire::RelayCursor{});
}

TEST_F(AtARelay, AHomeThatIsOlderThanWhatItPushedGoesOnInANewLog) {
  net.let_in(a, b);
  net.wait(5s);
  auto const old = a.database->clone();
  a.push("forgotten by a");
  net.changed(a);
  net.wait(2s);
  net.go_offline(a);
  RelayDevice again(1, "a", old);
  again.random = testing::SeededRandom(77);
  must(again.replica.open());
  net.add(again);
  net.changed(again);
  net.wait(5s);
  EXPECT_EQ(again.texts(), Texts{"forgotten by a"});
  again.push("after the backup");
  net.changed(again);
  net.wait(5s);
  EXPECT_TRUE(again.at(relay).holds_all());
  EXPECT_EQ(b.texts(), (Texts{"forgotten by a", "after the backup"}));
}

TEST_F(AtARelay, AFullRelayIsToldLater) {
  relay.store.fail_writes(relay::Refusal::storage_full);
  a.push("no room");
  net.changed(a);
  net.wait(2s);
  EXPECT_EQ(a.at(relay).trouble(), RelayTrouble::storage_full);
  EXPECT_TRUE(a.at(relay).live());
  relay.store.fail_writes(std::nullopt);
  net.wait(70s);
  EXPECT_EQ(a.at(relay).trouble(), RelayTrouble::none);
  EXPECT_TRUE(a.at(relay).holds_all());
}

TEST_F(AtARelay, AFullRelayIsToldLaterWhomToServe) {
  net.let_in(a, b);
  net.wait(5s);
  relay.store.fail_writes(relay::Refusal::storage_full);
  must(a.replica.remove_device(b.identity.device(), wire::RemoveReason::lost, nullptr, net.now()));
  net.changed(a);
  net.wait(2s);
  EXPECT_EQ(a.at(relay).trouble(), RelayTrouble::storage_full);
  EXPECT_TRUE(a.at(relay).live());
  EXPECT_FALSE(a.at(relay).holds_all()) << "what b is not meant to have waits";
  relay.store.fail_writes(std::nullopt);
  net.wait(70s);
  EXPECT_EQ(a.at(relay).trouble(), RelayTrouble::none);
  EXPECT_TRUE(a.at(relay).holds_all());
  EXPECT_FALSE(b.at(relay).live());
}

TEST_F(AtARelay, AnotherChainThatBeganWhenTheRelayWasPutBackIsTakenOver) {
  net.let_in(a, b);
  net.wait(5s);
  auto const backup = relay.store;
  only(a);
  net.let_in(a, c);
  net.wait(2s);
  net.go_offline(c);
  net.stop(relay);
  relay.store = backup;
  net.start(relay);
  // b has not heard of c, and says so to the relay in the place of what a had said.
  net.go_offline(a);
  b.online = true;
  std::vector<wire::Op> ops;
  ops.emplace_back(wire::DevicePause{a.identity.device(), true});
  must(b.replica.write(std::move(ops), net.now()));
  net.changed(b);
  net.wait(70s);
  ops.clear();
  ops.emplace_back(wire::DevicePause{a.identity.device(), false});
  must(b.replica.write(std::move(ops), net.now()));
  net.changed(b);
  net.wait(2s);
  a.online = c.online = true;
  net.wait(130s);
  EXPECT_FALSE(a.saw(RelayTrouble::off_chain));
  for (auto* device : {&a, &b, &c}) EXPECT_TRUE(device->at(relay).live()) << device->name;
  expect_level(a, b);
  expect_level(a, c);
}

TEST_F(AtARelay, WhoAloneIsServedLetsOthersInThoughItIsPausedItself) {
  TestRelay other(101);
  net.add(other);
  net.let_in(a, b);
  net.wait(5s);
  net.stop(other);
  net.start(other);
  std::vector<wire::Op> ops;
  ops.emplace_back(wire::DevicePause{a.identity.device(), true});
  must(a.replica.write(std::move(ops), net.now()));
  net.enlist(a, other);
  b.pull_from(a);
  net.changed(b);
  net.wait(70s);
  a.pull_from(b);
  net.changed(a);
  net.wait(70s);
  EXPECT_TRUE(b.at(other).live());
  EXPECT_FALSE(a.at(other).live());
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
  must(b.at(relay).want({id}));
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
  must(a.at(relay).drop_objects({id}));
  net.wait(1s);
  ASSERT_TRUE(has(a, id)) << "somebody lacks it";
  must(a.at(relay).drop_objects({}));
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
  must(book.forget_expired(a.store, {2000}));
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

TEST_F(AtARelay, AnOldPresenceThatIsShownAgainIsNotHeard) {
  net.let_in(a, b);
  net.wait(5s);
  auto const heard = [&] {
    return std::ranges::count_if(
        b.seen, [](MailboxEvent const& event) { return std::holds_alternative<RelayPresenceHeard>(event); });
  };
  wire::Presence presence;
  presence.addresses = {{"one"}};
  must(a.at(relay).set_presence(presence, net.now()));
  net.wait(3s);
  ASSERT_GT(heard(), 0);
  net.go_offline(a);
  net.stop(relay);
  auto const before = relay.store;
  net.start(relay);
  a.online = true;
  presence.addresses = {{"two"}};
  must(a.at(relay).set_presence(presence, net.now()));
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

TEST_F(AtARelay, AnotherRelaysKeyEndsTheConversationBeforeAnythingIsSaid) {
  net.stop(relay);
  auto& mailbox = a.at(relay);
  net.wait(5s);
  auto const other = crypto::DhKeyPair::generate(relay.random);
  auto channel = kith::relay::Channel::accept(other, relay.random);
  mailbox.dialling(net.now());
  mailbox.on_connected(net.now());
  Bytes sent, answer;
  ASSERT_TRUE(mailbox.poll_transmit(sent));
  std::vector<wire::RelayMessage> heard;
  must(channel.on_bytes(sent, heard));
  ASSERT_TRUE(channel.poll_transmit(answer));
  must(mailbox.on_bytes(answer, net.now()));
  EXPECT_TRUE(mailbox.link_done());
  Bytes more;
  EXPECT_FALSE(mailbox.poll_transmit(more));
  auto const event = mailbox.poll_event();
  ASSERT_TRUE(event && std::holds_alternative<RelayDown>(*event));
  EXPECT_TRUE(std::get<RelayDown>(*event).reason->is(kith::relay::ChannelError::wrong_relay));
}

}  // namespace
}  // namespace kith::sync
