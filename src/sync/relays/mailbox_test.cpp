#include "sync/relays/mailbox.hpp"

#include "support/at_a_relay.hpp"

/// What devices that meet only at a relay tell each other there.
namespace kith::sync {
namespace {

using namespace std::chrono_literals;
using testing::AtARelay;
using testing::must;
using testing::RelayDevice;
using testing::TestRelay;
using Texts = std::vector<std::string>;

TEST_F(AtARelay, WhatOneDevicePushesIsThere) {
  EXPECT_TRUE(a.at(relay).live());
  a.push("one");
  net.changed(a);
  net.wait(1s);
  EXPECT_TRUE(a.at(relay).holds_all());
  EXPECT_EQ(stored(), a.sealed_entries().size());
}

TEST_F(AtARelay, ARelayThatWasAskedNothingForLongIsNotTakenForGone) {
  net.wait(5min);
  ASSERT_TRUE(a.at(relay).live());
  a.push("one");
  must(a.at(relay).on_local_change(net.now()));
  ASSERT_TRUE(a.at(relay).pushing());
  auto const later = [&](std::chrono::milliseconds time) { return Now{net.now().mono + time, net.now().wall}; };
  ASSERT_TRUE(a.at(relay).next_deadline());
  EXPECT_LE(*a.at(relay).next_deadline(), net.now().mono) << "so that the time begins";
  must(a.at(relay).on_timer(net.now()));
  EXPECT_TRUE(a.at(relay).live());
  EXPECT_GT(*a.at(relay).next_deadline(), net.now().mono);
  must(a.at(relay).on_timer(later(Mailbox::kAnswerTime - 1ms)));
  EXPECT_TRUE(a.at(relay).live()) << "it has not answered yet";
  must(a.at(relay).on_timer(later(Mailbox::kAnswerTime)));
  EXPECT_TRUE(a.at(relay).link_done());
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

TEST_F(AtARelay, WhatTookTheNumberOfAnotherPushIsNotTakenForThatOne) {
  net.let_in(a, b);
  a.push("one");
  net.changed(a);
  net.wait(5s);
  net.go_offline(a);
  a.push("two");
  EntryHash last;
  must(a.replica.scan_applied(0, [&](std::uint64_t, EntryHash const& hash) { last = hash; }));
  auto const channel = registered.channel;
  auto record = must(RelayRecord::load(a.store, relay.relay_key(), channel));
  // "one" got there under a number that this home, put back to an older state, has given to "two".
  --record.acked.value;
  record.outbox = {{last, 0, {}}};
  auto transaction = must(store::Transaction::begin(a.store));
  must(record.put(a.store, relay.relay_key(), channel));
  must(transaction.commit());
  a.mailboxes.clear();
  a.online = true;
  net.changed(a);
  net.wait(5s);
  EXPECT_TRUE(a.at(relay).holds_all());
  EXPECT_EQ(b.texts(), (Texts{"one", "two"}));
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

/// A relay was put back and brought other items since, and by chance has the same one at b's position.
TEST_F(AtARelay, WhatWasPassedOverIsPulledWhenSomethingWaitsForIt) {
  net.let_in(a, b);
  net.wait(60s);
  net.go_offline(b);
  a.push("passed over");
  a.push("the same at that place");
  net.changed(a);
  net.wait(2s);
  auto record = must(RelayRecord::load(b.store, relay.relay_key(), registered.channel));
  auto const items = relay.store.items(registered.channel);
  record.position = items.back().cursor;
  record.last_item = wire::item_hash(items.back().sealed);
  auto transaction = must(store::Transaction::begin(b.store));
  must(record.put(b.store, relay.relay_key(), registered.channel));
  must(transaction.commit());
  net.restart(b);
  net.wait(2s);
  EXPECT_EQ(b.texts(), Texts{}) << "nothing shows that";
  a.push("one more");
  net.changed(a);
  net.wait(2s);
  EXPECT_EQ(b.texts(), (Texts{"passed over", "the same at that place", "one more"}));
  EXPECT_TRUE(b.at(relay).live());
}

}  // namespace
}  // namespace kith::sync
