#pragma once

#include <algorithm>
#include <optional>
#include <vector>

#include "base/limits.hpp"
#include "crypto/noise.hpp"
#include "property.hpp"
#include "relay/rules/memory_store.hpp"
#include "relay/rules/relay.hpp"
#include "support/must.hpp"
#include "support/seeded_random.hpp"
#include "wire/noise_stream.hpp"

namespace kith::fuzz {

/// A relay with one mailbox of three devices, of which two are there. All randomness is fixed, so that an input can
/// hold what fits: proofs and signatures.
class RelayWorld {
 public:
  static constexpr unsigned kStampBits = 4;
  static constexpr std::size_t kMine = 0, kOther = 1, kAway = 2;

  /// A device's end of a connection, played by hand, and all that came.
  struct Link {
    relay::ConnectionId id;
    std::optional<crypto::noise::Transport> transport;
    wire::MessageSplitter noise_in;
    wire::RelaySplitter messages_in;
    std::vector<wire::RelayMessage> got;

    /// Any part of the stream of messages as one Noise message.
    [[nodiscard]] Bytes sealed(ByteView part) {
      Bytes message, out;
      testing::must(transport->send.encrypt_with_ad({}, part, message));
      wire::append_message(out, message);
      return out;
    }
  };

  RelayWorld() : relay_(key_.clone(), settings(), random_) {
    for (int i = 0; i < 3; ++i) devices_.push_back(crypto::SigningKey::generate(random_));
    open(other_);
    say(other_, wire::AclPut{1, record(), stamp()});
    say(other_, hello(other_, kOther));
    for (std::uint64_t seq = 1; seq <= 3; ++seq) say(other_, wire::Push{seq, {seq}, {{0, Bytes(100)}}});
    other_.got.clear();
    open(mine_);
  }

  /// Version 1 of the mailbox's record; or another one, signed by this side's pseudonym.
  [[nodiscard]] wire::AclRecord record(std::vector<std::size_t> const& members = {kMine, kOther, kAway},
                                       wire::AclRecord const* before = nullptr) const {
    wire::AclRecord record;
    record.channel = {channel_key_.public_key().bytes};
    for (auto const member : members) record.pseudonyms.push_back(pseudonym(member));
    std::ranges::sort(record.pseudonyms);
    if (before != nullptr) {
      record.version = before->version + 1;
      record.prev = wire::acl_record_hash(*before);
    }
    wire::sign_acl(record, before == nullptr ? channel_key_ : devices_[kMine]);
    return record;
  }
  [[nodiscard]] Bytes stamp() const {
    for (std::uint64_t nonce = 0;; ++nonce) {
      Bytes stamp;
      append_be(stamp, nonce);
      if (wire::stamp_bits(name(), {channel_key_.public_key().bytes}, stamp) >= kStampBits) return stamp;
    }
  }
  [[nodiscard]] wire::Hello hello(Link const& link, std::size_t device, wire::RelayCursor last = {}) const {
    wire::Hello hello;
    hello.request = 1;
    hello.channel = {channel_key_.public_key().bytes};
    hello.pseudonym = pseudonym(device);
    hello.last_cursor = last;
    hello.last_item = last.value == 0 ? crypto::Hash128{} : wire::item_hash(Bytes(100));
    wire::HelloProof const proof{name(), hello.channel, link.transport->hash, last};
    hello.proof = devices_[device].sign(wire::kHelloLabel, wire::encode(proof));
    return hello;
  }
  [[nodiscard]] wire::Pseudonym pseudonym(std::size_t device) const { return {devices_[device].public_key().bytes}; }
  [[nodiscard]] wire::RelayKey name() const { return {key_.public_key.bytes}; }
  [[nodiscard]] wire::ChannelId channel() const { return {channel_key_.public_key().bytes}; }

  [[nodiscard]] Link& mine() { return mine_; }
  [[nodiscard]] Link& other() { return other_; }
  [[nodiscard]] relay::Relay& relay() { return relay_; }
  [[nodiscard]] relay::MemoryRelayStore const& store() const { return store_; }

  void say(Link& link, wire::RelayMessage const& message) {
    Bytes plain;
    wire::encode_relay_message(plain, message);
    feed(link, link.sealed(plain));
  }
  /// Bytes of the link, whatever they are.
  void feed(Link const& link, ByteView bytes) {
    relay_.on_bytes(link.id, bytes, now_);
    run();
  }
  void run() {
    for (bool moved = true; moved;) {
      moved = false;
      std::vector<relay::StoreRequest> batch;
      while (auto request = relay_.poll_request()) batch.push_back(std::move(*request));
      for (auto& reply : store_.work(batch)) relay_.on_reply(std::move(reply), now_);
      for (auto* const link : {&mine_, &other_}) moved = hear(*link) || moved;
      moved = moved || !batch.empty();
    }
  }
  void pass(std::chrono::seconds time) {
    auto const end = now_.mono + time;
    for (auto next = relay_.next_deadline(); next && *next <= end; next = relay_.next_deadline()) {
      now_.mono = std::max(now_.mono, *next);
      relay_.on_timer(now_);
      run();
    }
    now_.wall.ms += std::chrono::milliseconds(time).count();
    now_.mono = end;
  }

 private:
  static relay::Settings settings() {
    relay::Settings settings;
    settings.registration = relay::OpenRegistration{kStampBits};
    return settings;
  }
  Link& open(Link& link) {
    using crypto::noise::HandshakeState;
    link = Link{relay_.open("192.0.2.1", now_), std::nullopt, {}, {}, {}};
    HandshakeState handshake(crypto::noise::Pattern::xx, crypto::noise::Role::initiator, bytes_of("kith/relay/1"),
                             crypto::DhKeyPair::generate(random_), random_);
    Bytes payload, message, framed;
    testing::must(handshake.write_message({}, message));
    wire::append_message(framed, message);
    relay_.on_bytes(link.id, framed, now_);
    Bytes answer;
    require(relay_.poll_transmit(link.id, answer, now_), "a relay answers a handshake");
    testing::must(handshake.read_message(ByteView{answer}.subspan(2), payload));
    message.clear(), framed.clear();
    testing::must(handshake.write_message({}, message));
    wire::append_message(framed, message);
    link.transport = handshake.split();
    feed(link, framed);
    return link;
  }
  bool hear(Link& link) {
    bool heard = false;
    for (Bytes bytes; relay_.poll_transmit(link.id, bytes, now_); bytes.clear()) {
      heard = true;
      link.noise_in.feed(bytes);
      while (auto message = testing::must(link.noise_in.next(kLimits.max_noise_message_bytes))) {
        Bytes plain;
        testing::must(link.transport->receive.decrypt_with_ad({}, *message, plain));
        link.messages_in.feed(plain);
      }
      while (auto message = testing::must(link.messages_in.next(wire::kRelayLimits.max_message_bytes))) {
        link.got.push_back(testing::must(wire::decode_relay_message(*message)));
      }
    }
    return heard;
  }

  testing::SeededRandom random_{71};
  crypto::DhKeyPair key_ = crypto::DhKeyPair::generate(random_);
  crypto::SigningKey channel_key_ = crypto::SigningKey::generate(random_);
  std::vector<crypto::SigningKey> devices_;
  Now now_{Instant{} + std::chrono::hours{1}, {1'800'000'000'000}};
  relay::MemoryRelayStore store_{settings().store, random_};
  relay::Relay relay_;
  Link mine_, other_;
};

}  // namespace kith::fuzz
