#pragma once

#include <vector>

#include "property.hpp"
#include "support/test_device.hpp"
#include "sync/relays/mailbox_claim.hpp"

namespace kith::fuzz {

/// Somebody with the words of a group, and the relay's end of what he says. All randomness is fixed, so that an input
/// can hold what fits: records, access records, the group's first entry.
struct RecoveryWorld {
  RecoveryWorld() {
    testing::must(founder.replica.create_group("home", "founder", words, founder.now()));
    escrow.channel = {channel_key.public_key().bytes};
    escrow.channel_key = channel_key.seed();
    escrow.group = founder.replica.state().group();
    escrow.name = "home";
    first.channel = escrow.channel;
    first.pseudonyms = {{{7}}};
    wire::sign_acl(first, channel_key);
  }
  [[nodiscard]] wire::RelayKey relay_key() const { return {relay.public_key.bytes}; }
  [[nodiscard]] core::RelayFace face() const {
    return core::relay_face(founder.identity.root, relay_key(), escrow.group);
  }
  [[nodiscard]] sync::MailboxClaim claim() { return {words, escrow, relay_key(), face(), random}; }

  /// Plays the relay: after each message of the machine it says the next one of the stream, until either has no more to
  /// say. @return how many messages the machine sent, and how many it was sent
  template <class Machine>
  std::pair<std::size_t, std::size_t> play(Machine& machine, ByteView stream) {
    auto channel = relay::Channel::accept(relay, random);
    channel.set_max_message_bytes(wire::kRelayLimits.max_message_bytes);
    wire::RelaySplitter splitter;
    splitter.feed(stream);
    std::size_t heard = 0, said = 0;
    for (bool ended = false; !ended;) {
      Bytes out;
      while (machine.poll_transmit(out)) {
      }
      std::vector<wire::RelayMessage> messages;
      if (!out.empty()) require(channel.on_bytes(out, messages).has_value(), "what it says decodes");
      heard += messages.size();
      if (channel.open()) {
        auto const next = splitter.next(wire::kRelayLimits.max_message_bytes);
        auto const message =
            next && *next ? wire::decode_relay_message(**next) : Result<wire::RelayMessage>(wire::Done{});
        if (!next || !*next || !message || machine.done()) return {heard, said};
        channel.send(*message);
        ++said;
      }
      Bytes back;
      while (channel.poll_transmit(back)) {
      }
      ended = !give(machine, back).has_value();
    }
    return {heard, said};
  }

  /// A claim pauses between tries: for it a second passes with each answer.
  template <class Machine>
  Result<> give(Machine& machine, ByteView bytes) {
    if constexpr (requires { machine.on_timer(now); }) {
      now += std::chrono::seconds{1};
      machine.on_timer(now);
      return machine.on_bytes(bytes, now);
    } else {
      return machine.on_bytes(bytes);
    }
  }

  Instant now;

  testing::SeededRandom random{11};
  core::RecoveryKeys words = testing::test_recovery(9);
  testing::TestDevice founder{1, "founder"};
  crypto::DhKeyPair relay = crypto::DhKeyPair::generate(random);
  crypto::SigningKey channel_key = crypto::SigningKey::generate(random);
  core::Escrow escrow;
  wire::AclRecord first;
};

}  // namespace kith::fuzz
