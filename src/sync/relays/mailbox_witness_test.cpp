#include "support/at_a_relay.hpp"
#include "sync/relays/mailbox.hpp"

/// What a relay shows to some and not to others.
namespace kith::sync {
namespace {

using namespace std::chrono_literals;
using testing::AtARelay;
using testing::must;
using testing::TestRelay;
using Texts = std::vector<std::string>;

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
    must(b.at(relay).compare(a.identity.device(), *of_a, net.now()));
    must(a.at(relay).compare(b.identity.device(), *of_b, net.now()));
    net.wait(2s);
    EXPECT_FALSE(b.at(relay).comparing());
    EXPECT_FALSE(a.saw(RelayTrouble::withholds));
    EXPECT_FALSE(b.saw(RelayTrouble::withholds));
  }
}

/// Who has not noticed yet that a relay was wiped tells of what was there; one that goes on has been shown it.
TEST_F(AtARelay, AnotherHistoryIsACauseForAlarmWhereItLasts) {
  net.let_in(a, b);
  net.wait(5s);
  auto other = must(a.at(relay).witness()).value();
  other.log_epoch.bytes[0] ^= 1;
  must(b.at(relay).compare(a.identity.device(), other, net.now()));
  net.wait(1s);
  EXPECT_EQ(b.at(relay).trouble(), RelayTrouble::none);
  net.wait(Mailbox::kHistoryPatience);
  EXPECT_TRUE(std::ranges::any_of(
      b.seen, [](MailboxEvent const& event) { return std::holds_alternative<RelayCompareAgain>(event); }));
  must(b.at(relay).compare(a.identity.device(), other, net.now()));
  EXPECT_EQ(b.at(relay).trouble(), RelayTrouble::withholds);
}

TEST_F(AtARelay, OneThatTellsOfManyHistoriesHidesNoOther) {
  net.let_in(a, b);
  net.let_in(a, c);
  net.wait(60s);
  auto other = must(a.at(relay).witness()).value();
  other.log_epoch.bytes[0] ^= 1;
  must(b.at(relay).compare(a.identity.device(), other, net.now()));
  for (std::uint8_t i = 0; i < 100; ++i) {
    auto made_up = other;
    made_up.log_epoch.bytes[1] = i;
    made_up.log_epoch.bytes[2] ^= 1;
    must(b.at(relay).compare(c.identity.device(), made_up, net.now()));
    net.wait(1200ms);
  }
  net.wait(1s);
  EXPECT_TRUE(std::ranges::any_of(
      b.seen, [](MailboxEvent const& event) { return std::holds_alternative<RelayCompareAgain>(event); }));
  must(b.at(relay).compare(a.identity.device(), other, net.now()));
  EXPECT_EQ(b.at(relay).trouble(), RelayTrouble::withholds);
}

TEST_F(AtARelay, WhatItShowedOneDeviceAndNotAnotherIsFoundOutWhenTheyCompare) {
  net.let_in(a, b);
  net.let_in(a, c);
  net.wait(60s);
  net.go_offline(b);
  net.go_offline(c);
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
  must(b.at(relay).compare(a.identity.device(), *witness, net.now()));
  EXPECT_TRUE(b.at(relay).comparing());
  net.wait(1s);
  EXPECT_EQ(b.at(relay).trouble(), RelayTrouble::withholds);
  EXPECT_EQ(b.texts(), Texts{});

  // It keeps the same from a third device.
  must(b.at(relay).compare(c.identity.device(), *must(b.at(relay).witness()), net.now()));
  net.wait(1s);
  EXPECT_EQ(b.at(relay).trouble(), RelayTrouble::withholds);

  // Cursors are its word: it may fill the place with something else.
  b.push("in its place");
  net.changed(b);
  net.wait(2s);
  must(b.at(relay).compare(a.identity.device(), *witness, net.now()));
  net.wait(1s);
  EXPECT_EQ(b.at(relay).trouble(), RelayTrouble::withholds);

  auto other_history = *must(b.at(relay).witness());
  other_history.log_epoch.bytes[0] ^= 1;
  must(b.at(relay).compare(a.identity.device(), other_history, net.now()));
  EXPECT_EQ(b.at(relay).trouble(), RelayTrouble::withholds);

  only(a, 10s);  // brings again what is not there
  only(b);
  EXPECT_EQ(b.at(relay).trouble(), RelayTrouble::none);
  a.online = true;
  net.wait(90s);
  must(b.at(relay).compare(a.identity.device(), *must(a.at(relay).witness()), net.now()));
  net.wait(1s);
  EXPECT_EQ(b.at(relay).trouble(), RelayTrouble::none);
  EXPECT_EQ(b.texts().size(), 2u);
}

/// They are never there together, and use two relays: what one has shown is written down at the other one.
TEST_F(AtARelay, WhatItShowedOneDeviceAndNotAnotherIsReadAtAnotherRelay) {
  TestRelay second{200};
  net.add(second);
  net.let_in(a, b);
  net.enlist(a, second);
  net.wait(60s);
  ASSERT_TRUE(b.at(second).live());
  net.go_offline(b);
  auto const held_back = relay.store;
  a.push("for a alone at the first one");
  net.changed(a);
  net.wait(2s);
  auto const shown = must(shown_elsewhere({&a.at(relay), &a.at(second)}, a.at(second)));
  ASSERT_EQ(shown.size(), 1U);
  EXPECT_EQ(shown[0].relay, relay.relay_key());
  must(a.at(second).set_presence({}, shown, net.now()));
  net.wait(2s);
  net.go_offline(a);
  net.stop(relay);
  relay.store = held_back;
  net.start(relay);

  auto const read_words = [&] {
    std::size_t words = 0;
    for (auto const& event : std::exchange(b.seen, {})) {
      auto const* heard = std::get_if<RelayPresenceHeard>(&event);
      if (heard == nullptr) continue;
      for (auto const& word : heard->shown) {
        must(b.at(relay).compare_left(heard->device, word, net.now()));
        ++words;
      }
    }
    return words;
  };
  b.seen.clear();
  only(b, 1s);
  EXPECT_EQ(read_words(), 1U);
  net.wait(1s);
  EXPECT_EQ(b.texts(), Texts{"for a alone at the first one"});
  EXPECT_EQ(b.at(relay).trouble(), RelayTrouble::withholds);
  EXPECT_EQ(b.at(second).trouble(), RelayTrouble::none);

  net.go_offline(b);  // it stays so over a connection
  only(b, 3s);
  EXPECT_EQ(b.at(relay).trouble(), RelayTrouble::withholds);
  net.wait(60s);  // b has brought it there
  EXPECT_EQ(b.at(relay).trouble(), RelayTrouble::none);

  auto other_history = shown[0];
  other_history.log_epoch.bytes[0] ^= 1;
  other_history.tips[0].hash.bytes[0] ^= 1;
  must(b.at(relay).compare_left(a.identity.device(), other_history, net.now()));
  net.wait(1s);
  EXPECT_EQ(b.at(relay).trouble(), RelayTrouble::none) << "it may have been wiped since";
}

/// An item that nobody can read, of an epoch that there is not: as if the device had pushed it.
void put_rubbish(testing::TestRelay& relay, wire::ChannelId const& channel, wire::Pseudonym const& device) {
  auto const ask = [&](relay::StoreTask task) {
    relay::StoreRequest const request{{relay::kForeignTickets}, {0}, std::move(task)};
    return relay.store.work(std::span(&request, 1)).front().answer;
  };
  auto const opened = std::get<relay::MemberOpened>(ask(relay::OpenMember{channel, device, {}}));
  Bytes rubbish(500, 1);
  std::ranges::copy(bytes_of("K1"), rubbish.begin());
  relay::PushItems push{opened.mailbox.group, device, {opened.last_push_seq.value + 1}, {}};
  push.items.push_back({0, std::move(rubbish)});
  ASSERT_TRUE(std::holds_alternative<relay::ItemsPushed>(ask(std::move(push))));
}

TEST_F(AtARelay, RubbishInTheMailboxHidesNothing) {
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
  put_rubbish(relay, registered.channel,
              core::relay_face(a.identity.root, relay.relay_key(), a.replica.state().group()).pseudonym());
  net.start(relay);
  only(b);
  ASSERT_TRUE(b.at(relay).live());
  must(b.at(relay).compare(a.identity.device(), *witness, net.now()));
  net.wait(1s);
  EXPECT_FALSE(b.saw(RelayTrouble::withholds));  // it may be that one: its epoch may be on its way
  net.restart(b);
  net.wait(2s);
  must(b.at(relay).compare(a.identity.device(), *witness, net.now()));
  net.wait(1s);
  EXPECT_FALSE(b.saw(RelayTrouble::withholds));

  b.pull_from(a);
  net.changed(b);
  EXPECT_EQ(b.at(relay).trouble(), RelayTrouble::withholds);
}

TEST_F(AtARelay, AWitnessOfAnotherMailboxSaysNothing) {
  net.let_in(a, b);
  net.wait(5s);
  auto witness = *must(a.at(relay).witness());
  witness.cursor = {1'000'000};
  witness.channel.bytes[0] ^= 1;
  must(b.at(relay).compare(a.identity.device(), witness, net.now()));
  net.wait(1s);
  EXPECT_EQ(b.at(relay).trouble(), RelayTrouble::none);
}

}  // namespace
}  // namespace kith::sync
