#include "sim/tampering.hpp"

#include <algorithm>

namespace kith::sim {

Tampering::Tampering(SimRelay& relay, std::size_t device, core::RelayFace face)
    : relay_(relay),
      index_(device),
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
  for (auto& message : messages) {
    Bytes plain;
    if (ear_) wire::encode_relay_message(plain, message);
    if (ear_) ear_(plain);
    auto const* push = std::get_if<wire::Push>(&message);
    if (push != nullptr && !push->items.empty() && chance(relay_.habits.false_acks)) {
      acknowledge_falsely(*push);
      continue;
    }
    early_.push_back(std::move(message));
  }
  return true;
}

/// It says that it stores what it throws away.
void Tampering::acknowledge_falsely(wire::Push const& push) {
  wire::PushAck ack{push.request, push.first_seq, {}};
  for (std::size_t i = 0; i < push.items.size(); ++i) ack.cursors.push_back({++head_.value});
  device_.send(wire::RelayMessage{std::move(ack)});
  acked_falsely_ = true;
  ++relay_.kept_back;
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
  if (auto* welcome = std::get_if<wire::Welcome>(&message)) lie_about(*welcome);
  if (auto* records = std::get_if<wire::AclRecords>(&message)) lie_about(*records);
  if (auto* pulled = std::get_if<wire::PullResponse>(&message)) {
    head_ = std::max(head_, pulled->next_after);
    treat_items(pulled->items);
  }
  if (auto* live = std::get_if<wire::LiveItems>(&message); live != nullptr && !live->items.empty()) {
    head_ = std::max(head_, live->items.back().cursor);
    treat_items(live->items);
  }
  if (auto* ack = std::get_if<wire::PushAck>(&message); ack != nullptr && !ack->cursors.empty())
    head_ = std::max(head_, ack->cursors.back());
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

/// One device is never shown what another one pushed, or nothing at all but what it pushed itself.
void Tampering::keep_back(std::vector<wire::RelayItem>& items) {
  if (relay_.habits.withholds == 0) return;
  for (auto const& item : items) {
    if (relay_.kept_from.contains(index_) || item.sender == face_.pseudonym()) continue;
    if (chance(relay_.habits.withholds)) relay_.kept_from[index_] = chance(0.3) ? wire::Pseudonym{} : item.sender;
  }
  auto const hidden = relay_.kept_from.find(index_);
  if (hidden == relay_.kept_from.end()) return;
  auto const kept = std::erase_if(items, [&](wire::RelayItem const& item) {
    return item.sender == hidden->second || (hidden->second.is_zero() && item.sender != face_.pseudonym());
  });
  relay_.kept_back += kept;
  relay_.tampered_with += kept;
}

void Tampering::lie_about(wire::Welcome& welcome) {
  auto const& habits = relay_.habits;
  head_ = welcome.head;
  if (chance(habits.withholds / 2)) relay_.other_history.insert(index_);
  if (habits.withholds > 0 && relay_.other_history.contains(index_)) {
    welcome.log_epoch.bytes[0] ^= 1;
    ++relay_.kept_back;
    ++relay_.tampered_with;
  }
  if (!first_acl_) first_acl_ = {welcome.acl_version, welcome.acl_hash};
  if (chance(habits.lies)) std::tie(welcome.acl_version, welcome.acl_hash) = *first_acl_;
  if (!chance(habits.lies)) return;
  welcome.acl_version += relay_.random.below(3);
  relay_.random.fill(welcome.acl_hash.bytes);
}

void Tampering::lie_about(std::vector<wire::RelayItem>& items) {
  auto const& habits = relay_.habits;
  for (auto& item : items) {
    auto const& other = items[relay_.random.below(items.size())];
    if (chance(habits.lies)) item.sender = other.sender;
    if (chance(habits.lies)) item.stored_s = relay_.random.u64() >> relay_.random.below(64);
    if (chance(habits.lies / 8)) {
      item.ttl_s = item.ttl_s == 0 ? 3600 : 0;
      ++relay_.kept_back;
    }
    if (chance(habits.lies / 16)) item.cursor = other.cursor;
  }
}

/// Another device beside those that are served: nobody has signed that.
void Tampering::lie_about(wire::AclRecords& answer) {
  if (answer.records.empty() || !chance(relay_.habits.lies)) return;
  auto& record = answer.records[relay_.random.below(answer.records.size())];
  record.pseudonyms.push_back(relay_.random.id<wire::Pseudonym>());
  std::ranges::sort(record.pseudonyms);
  relay_.false_records.insert(wire::acl_record_hash(record));
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
  keep_back(items);
  if (!items.empty()) lie_about(items);
  relay_.kept_back += std::erase_if(items, [&](wire::RelayItem const&) { return chance(habits.drops); });
  for (std::size_t i = 0; i < items.size(); ++i) {
    if (seen_.size() == kMostSeen) seen_.pop_front();
    seen_.push_back(items[i].sealed);
    auto const before = relay_.tampered_with;
    if (!relay_.made_up.empty() && chance(habits.forges))
      items[i].sealed = relay_.made_up[relay_.random.below(relay_.made_up.size())];
    if (chance(habits.replays)) items[i].sealed = seen_[relay_.random.below(seen_.size())];
    if (chance(habits.reorders)) std::swap(items[i].sealed, items[relay_.random.below(items.size())].sealed);
    relay_.kept_back += relay_.tampered_with - before;
  }
  if (!items.empty() && chance(habits.doubles / 4)) items.push_back(items[relay_.random.below(items.size())]);
}

}  // namespace kith::sim
