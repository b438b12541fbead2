#include "sim/tampering.hpp"

#include <algorithm>

namespace kith::sim {

Tampering::Tampering(SimRelay& relay, core::RelayFace face)
    : relay_(relay),
      face_(std::move(face)),
      device_(relay::Channel::accept(relay.key, relay.random)),
      rules_(relay::Channel::initiate(relay.relay_key(), face_.dx, relay.random)) {
  rules_.set_max_message_bytes(wire::kRelayLimits.max_message_bytes);
}

bool Tampering::chance(double probability) {
  bool const so = static_cast<double>(relay_.random.below(1'000'000)) < probability * 1'000'000;
  if (so) ++relay_.tampered_with;
  return so;
}

bool Tampering::on_device_bytes(ByteView bytes) {
  std::vector<wire::RelayMessage> messages;
  if (!device_.on_bytes(bytes, messages)) return false;
  if (device_.open()) device_.set_max_message_bytes(wire::kRelayLimits.max_message_bytes);
  for (auto& message : messages) early_.push_back(std::move(message));
  return true;
}

void Tampering::take_for_rules(Bytes& out) {
  while (rules_.open() && !early_.empty()) {
    if (auto* hello = std::get_if<wire::Hello>(&early_.front())) {
      wire::HelloProof proof{relay_.relay_key(), hello->channel, device_.handshake_hash(), hello->last_cursor};
      bool const meant = crypto::verify({hello->pseudonym.bytes}, wire::kHelloLabel, wire::encode(proof), hello->proof);
      proof.handshake = rules_.handshake_hash();
      if (meant) hello->proof = face_.sign.sign(wire::kHelloLabel, wire::encode(proof));
    }
    rules_.send(early_.front());
    early_.pop_front();
  }
  while (rules_.poll_transmit(out)) {
  }
}

bool Tampering::on_rules_bytes(ByteView bytes, bool calm) {
  std::vector<wire::RelayMessage> messages;
  if (!rules_.on_bytes(bytes, messages)) return false;
  for (auto& message : messages) {
    if (calm) {
      device_.send(message);
    } else {
      treat(std::move(message));
    }
  }
  return true;
}

void Tampering::take_for_device(Bytes& out) {
  while (device_.poll_transmit(out)) {
  }
}

void Tampering::treat(wire::RelayMessage message) {
  auto const& habits = relay_.habits;
  if (auto* pulled = std::get_if<wire::PullResponse>(&message)) treat_items(pulled->items);
  if (auto* live = std::get_if<wire::LiveItems>(&message)) treat_items(live->items);
  if (auto* presence = std::get_if<wire::RelayPresence>(&message)) treat_slots(presence->slots);
  if (chance(habits.drops / 8)) return;
  if (chance(habits.doubles / 8)) device_.send(message);
  // Behind what comes next, if anything does.
  if (chance(habits.reorders / 8)) return held_.push_back(std::move(message));
  device_.send(message);
  while (!held_.empty()) {
    device_.send(held_.front());
    held_.pop_front();
  }
}

/// Slots of before, such as nobody left there, and a device's own under the name or number of another.
void Tampering::treat_slots(std::vector<wire::RelayPresence::Slot>& slots) {
  constexpr std::size_t kMostSeen = 16;
  if (relay_.habits.forges == 0) return;
  for (auto const& slot : slots) {
    if (seen_slots_.size() == kMostSeen) seen_slots_.pop_front();
    seen_slots_.push_back(slot);
  }
  for (auto& slot : slots) {
    auto const& old = seen_slots_[relay_.random.below(seen_slots_.size())];
    if (chance(relay_.habits.forges)) slot = old;
    if (chance(relay_.habits.forges)) slot.pseudonym = old.pseudonym;
    if (chance(relay_.habits.forges)) slot.counter += 1 + relay_.random.below(1000);
  }
  if (relay_.false_slots.empty() || !chance(relay_.habits.forges)) return;
  slots.push_back(relay_.false_slots[relay_.random.below(relay_.false_slots.size())]);
}

void Tampering::treat_items(std::vector<wire::RelayItem>& items) {
  constexpr std::size_t kMostSeen = 64;
  auto const& habits = relay_.habits;
  std::erase_if(items, [&](wire::RelayItem const&) { return chance(habits.drops); });
  for (std::size_t i = 0; i < items.size(); ++i) {
    if (seen_.size() == kMostSeen) seen_.pop_front();
    seen_.push_back(items[i].sealed);
    if (!relay_.made_up.empty() && chance(habits.forges))
      items[i].sealed = relay_.made_up[relay_.random.below(relay_.made_up.size())];
    if (chance(habits.replays)) items[i].sealed = seen_[relay_.random.below(seen_.size())];
    if (chance(habits.reorders)) std::swap(items[i].sealed, items[relay_.random.below(items.size())].sealed);
  }
  if (!items.empty() && chance(habits.doubles / 4)) items.push_back(items[relay_.random.below(items.size())]);
}

}  // namespace kith::sim
