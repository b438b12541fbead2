#include "support/at_a_relay.hpp"
#include "sync/relays/mailbox.hpp"

/// Whom a relay serves, and who says so.
namespace kith::sync {
namespace {

using namespace std::chrono_literals;
using testing::AtARelay;
using testing::must;
using testing::TestRelay;
using Texts = std::vector<std::string>;

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

TEST_F(AtARelay, ARecordThatCutsTheReadingOfAnotherChainShortAccusesNobody) {
  net.go_offline(a);
  auto& mailbox = a.at(relay);
  auto channel = kith::relay::Channel::accept(relay.key, relay.random);
  std::vector<wire::RelayMessage> said;
  auto const carry = [&] {
    for (bool moved = true; moved;) {
      Bytes there, back;
      while (mailbox.poll_transmit(there)) {
      }
      if (!there.empty()) must(channel.on_bytes(there, said));
      while (channel.poll_transmit(back)) {
      }
      if (!back.empty()) must(mailbox.on_bytes(back, net.now()));
      moved = !there.empty() || !back.empty();
    }
  };
  mailbox.dialling(net.now());
  mailbox.on_connected(net.now());
  carry();
  ASSERT_FALSE(said.empty());
  // Since the relay was put back, others have begun another chain there.
  wire::Welcome welcome;
  welcome.request = wire::request_of(said.back());
  welcome.log_epoch = mailbox.record().log_epoch;
  welcome.head = mailbox.record().position;
  welcome.last_push_seq = mailbox.record().acked;
  welcome.acl_version = 1;
  channel.send(welcome);
  said.clear();
  carry();
  ASSERT_TRUE(std::ranges::any_of(said, [](auto const& each) { return std::holds_alternative<wire::AclGet>(each); }));
  // Before that is answered, one of them puts the next record, and this device is not in it.
  auto record = registered.first;
  record.version = 3;
  channel.send(wire::RelayFailure{0, wire::RelayErrorCode::not_allowed, {}, 0, 0, wire::encode(record)});
  carry();
  EXPECT_TRUE(mailbox.link_done());
  EXPECT_EQ(mailbox.trouble(), RelayTrouble::not_allowed);
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

}  // namespace
}  // namespace kith::sync
