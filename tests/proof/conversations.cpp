#include "core/recovery_stream.hpp"
#include "proof/structures.hpp"
#include "relay/channel/channel.hpp"
#include "samples.hpp"
#include "support/pairing_pair.hpp"
#include "support/session_pair.hpp"

/// Messages of handshakes, each in a conversation of its own that is held up to it: whoever gets a damaged one goes no
/// further.
namespace kith::testing {
namespace {

constexpr std::size_t kSomeBits = 3;  // each is a handshake of its own

/// A session's three messages. @param step  which of them is damaged
Structure session_message(std::string name, int step) {
  auto const play = [step](std::optional<ByteView> instead, Bytes* message) {
    SessionPair pair;
    pair.dial();
    auto first = pair.a.transmit(pair.now());
    if (message != nullptr && step == 1) *message = first;
    if (instead && step == 1) first.assign(instead->begin(), instead->end());
    if (!pair.accept(first)) return false;
    auto second = pair.b.transmit(pair.now());
    if (step == 1 && instead) return !second.empty();
    if (message != nullptr && step == 2) *message = second;
    if (instead && step == 2) second.assign(instead->begin(), instead->end());
    pair.deliver(*pair.a.session, second);
    auto third = pair.a.transmit(pair.now());
    if (step == 2 && instead) return pair.a.session->open() || !third.empty();
    if (message != nullptr && step == 3) *message = third;
    if (instead && step == 3) third.assign(instead->begin(), instead->end());
    pair.deliver(*pair.b.session, third);
    return pair.b.session->open();
  };
  Bytes good;
  play(std::nullopt, &good);
  return {std::move(name), good, [play](ByteView bytes) { return play(bytes, nullptr); }, 0, kSomeBits, false};
}

/// A device and a relay: both ends' bytes up to one message.
Structure channel_message(std::string name, int step) {
  auto const play = [step](std::optional<ByteView> instead, Bytes* message) {
    SeededRandom random(4);
    auto const relay_key = crypto::DhKeyPair::generate(random), face = crypto::DhKeyPair::generate(random);
    auto device = relay::Channel::initiate(wire::RelayKey{relay_key.public_key.bytes}, face, random);
    auto relay = relay::Channel::accept(relay_key, random);
    std::vector<wire::RelayMessage> got;
    auto const said = [](relay::Channel& channel) {
      Bytes out;
      while (channel.poll_transmit(out)) continue;
      return out;
    };
    auto const change = [&](Bytes& bytes, int which) {
      if (message != nullptr && step == which) *message = bytes;
      if (instead && step == which) bytes.assign(instead->begin(), instead->end());
    };
    auto first = said(device);
    change(first, 1);
    auto const heard = relay.on_bytes(first, got).has_value();
    auto second = said(relay);
    // The first message is a key in the clear: it is the second one that shows whether both had the same.
    if (!heard || second.empty()) return false;
    change(second, 2);
    if (!device.on_bytes(second, got) || !device.open()) return false;
    device.send(wire::RelayMessage(wire::Done{7}));
    auto third = said(device);
    change(third, 3);
    return relay.on_bytes(third, got).has_value() && relay.open() && got.size() == 1;
  };
  Bytes good;
  play(std::nullopt, &good);
  return {std::move(name), good, [play](ByteView bytes) { return play(bytes, nullptr); }, 0, kSomeBits, false};
}

/// A pairing in which one message is damaged ends without anybody having joined.
Structure pairing_message(std::string name, bool from_joiner, int which) {
  auto const play = [=](std::optional<ByteView> instead, Bytes* message) {
    PairingPair pair;
    pair.join();
    int seen = 0;
    pair.alter = [&](Bytes& bytes, bool joiner_says) {
      if (joiner_says != from_joiner || ++seen != which) return;
      if (message != nullptr) *message = bytes;
      if (instead) bytes.assign(instead->begin(), instead->end());
    };
    pair.run();
    return PairingPair::count<core::JoinDone>(pair.joiner_events) > 0 &&
           PairingPair::count<core::PairDone>(pair.inviter_events) > 0;
  };
  Bytes good;
  play(std::nullopt, &good);
  return {std::move(name), good, [play](ByteView bytes) { return play(bytes, nullptr); }, 0, 3 * kSomeBits, false};
}

}  // namespace

std::vector<Structure> conversation_structures() {
  return {session_message("a session's first message", 1),
          session_message("a session's second message", 2),
          session_message("a session's third message", 3),
          channel_message("a relay channel's first message", 1),
          channel_message("a relay channel's second message", 2),
          channel_message("a relay channel's third message and a word", 3),
          pairing_message("a pairing's hello", true, 1),
          pairing_message("a pairing's share", false, 1),
          pairing_message("a pairing's confirm", true, 2),
          pairing_message("a pairing's identity", false, 2),
          pairing_message("a pairing's pseudonyms", true, 3)};
}

}  // namespace kith::testing
