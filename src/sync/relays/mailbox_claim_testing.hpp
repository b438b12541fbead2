#pragma once

#include <gtest/gtest.h>

#include "core/recovery.hpp"
#include "support/relay_net.hpp"
#include "sync/relays/mailbox_claim.hpp"

/// For the tests of MailboxClaim: a device that has nothing but the words and a relay's address.
namespace kith::sync {

using namespace std::chrono_literals;
using testing::must;
using testing::RelayDevice;
using testing::RelayNet;
using testing::TestRelay;
using Texts = std::vector<std::string>;

struct WithTheWords : ::testing::Test {
  WithTheWords() {
    net.add(relay);
    for (auto* device : {&a, &b}) net.add(*device);
    must(a.replica.create_group("home", "a", words, net.now()));
    registered = net.enlist(a, relay);
    net.let_in(a, b);
    a.push("from a");
    net.changed(a);
    net.wait(2s);
    b.push("from b");
    net.changed(b);
    net.wait(2s);
  }
  /// Carries bytes between a machine and the relay, and lets the others live meanwhile.
  template <class Machine>
  Result<> talk(
      Machine& machine, std::function<void()> const& meanwhile = [] {}) {
    auto const connection = relay.rules->open("there", net.now());
    Result<> said;
    for (bool moved = true; said && moved && !machine.done();) {
      moved = false;
      Bytes out;
      while (machine.poll_transmit(out)) moved = true;
      if (!out.empty()) relay.rules->on_bytes(connection, out, net.now());
      while (relay.work(net.now())) moved = true;
      Bytes back;
      while (relay.rules->poll_transmit(connection, back, net.now())) moved = true;
      meanwhile();
      if constexpr (requires { machine.next_deadline(); }) {
        if (!back.empty()) said = machine.on_bytes(back, net.now().mono);
        if (said && machine.next_deadline()) {
          net.wait(10ms);
          machine.on_timer(net.now().mono);
          moved = true;
        }
      } else if (!back.empty()) {
        said = machine.on_bytes(back);
      }
    }
    relay.rules->on_closed(connection, net.now());
    return said;
  }
  std::vector<core::Escrow> look_up() {
    RecordLookup lookup(words, relay.relay_key(), r.random);
    must(talk(lookup));
    return std::move(lookup.opened());
  }
  MailboxClaim claim(core::Escrow const& escrow) {
    return {words, escrow, relay.relay_key(), core::relay_face(r.identity.root, relay.relay_key(), escrow.group),
            r.random};
  }
  /// Reads the mailbox into r.
  void read(core::Escrow const& escrow) {
    auto reading = claim(escrow);
    must(talk(reading));
    must(r.replica.adopt_recovered(reading.genesis().value(), words, net.now()));
    net.add(r);
    net.use(r, {"ws://relay", relay.relay_key(), escrow.channel});
    net.wait(1s);
  }
  std::vector<wire::Pseudonym> wanted() { return wanted_pseudonyms(r.replica.state().roster(), relay.relay_key()); }
  wire::Pseudonym name_of(RelayDevice& device) {
    return core::relay_face(device.identity.root, relay.relay_key(), a.replica.state().group()).pseudonym();
  }
  std::vector<wire::Pseudonym> served() {
    AclChain chain(registered.channel);
    must(chain.load(r.store));
    return chain.last().value().pseudonyms;
  }
  /// Says something as a member of a mailbox: what a thief could.
  void put_record(RelayDevice& device, wire::ChannelId const& channel, Bytes record) {
    auto const face = core::relay_face(device.identity.root, relay.relay_key(), a.replica.state().group());
    auto link = relay::Channel::initiate(relay.relay_key(), face.dx, device.random);
    auto const connection = relay.rules->open("there", net.now());
    bool greeted = false, welcomed = false, done = false;
    for (int round = 0; round < 50 && !done; ++round) {
      Bytes out, back;
      while (link.poll_transmit(out)) {
      }
      if (!out.empty()) relay.rules->on_bytes(connection, out, net.now());
      while (relay.work(net.now())) {
      }
      while (relay.rules->poll_transmit(connection, back, net.now())) {
      }
      std::vector<wire::RelayMessage> messages;
      if (!back.empty()) must(link.on_bytes(back, messages));
      if (link.open() && !greeted) {
        greeted = true;
        wire::Hello hello;
        hello.request = 1;
        hello.channel = channel;
        hello.pseudonym = face.pseudonym();
        hello.proof = face.sign.sign(
            wire::kHelloLabel, wire::encode(wire::HelloProof{relay.relay_key(), channel, link.handshake_hash(), {}}));
        link.send(hello);
      }
      for (auto const& message : messages) {
        if (std::holds_alternative<wire::Welcome>(message) && !welcomed) {
          welcomed = true;
          link.send(wire::RecPut{2, core::recovery_locator(words.locator, relay.relay_key()), record});
        }
        done |= std::holds_alternative<wire::Done>(message);
      }
    }
    ASSERT_TRUE(done);
    relay.rules->on_closed(connection, net.now());
  }

  RelayNet net;
  TestRelay relay{100};
  core::RecoveryKeys words = testing::test_recovery(9), others = testing::test_recovery(10);
  RelayDevice a{1, "a"}, b{2, "b"}, r{9, "again"};
  Registered registered;
};

}  // namespace kith::sync
