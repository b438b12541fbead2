#pragma once

#include <functional>

#include "relay/channel/channel.hpp"
#include "support/must.hpp"
#include "support/seeded_random.hpp"

namespace kith::testing {

/// Listens in on one connection of a device and a relay, and opens it: both ends' channels once more, made with the
/// same keys and the same randomness, so that they read what the other end sends. Nothing of the product can do that.
class RelayTap {
 public:
  /// Called with each message as it is encoded, and whether the device sent it.
  using Heard = std::function<void(wire::RelayMessage const&, ByteView encoded, bool from_device)>;

  /// @param device_random, relay_random  as they are right before the real channels are made of them
  RelayTap(SeededRandom device_random, wire::RelayKey const& pinned, crypto::DhKeyPair const& face,
           SeededRandom relay_random, crypto::DhKeyPair const& relay)
      : device_(relay::Channel::initiate(pinned, face, device_random)),
        relay_(relay::Channel::accept(relay, relay_random)) {}

  void to_relay(ByteView bytes, Heard const& heard) { read(relay_, bytes, heard, true); }
  void to_device(ByteView bytes, Heard const& heard) { read(device_, bytes, heard, false); }

 private:
  static void read(relay::Channel& end, ByteView bytes, Heard const& heard, bool from_device) {
    std::vector<wire::RelayMessage> messages;
    // What this end would say was said by the real one.
    Bytes said;
    while (end.poll_transmit(said)) said.clear();
    must(end.on_bytes(bytes, messages));
    if (end.open()) end.set_max_message_bytes(wire::kRelayLimits.max_message_bytes);
    for (auto const& message : messages) {
      Bytes encoded;
      wire::encode_relay_message(encoded, message);
      heard(message, encoded, from_device);
    }
  }

  relay::Channel device_;
  relay::Channel relay_;
};

}  // namespace kith::testing
