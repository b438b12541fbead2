#pragma once

#include <algorithm>
#include <deque>
#include <map>
#include <vector>

#include <gtest/gtest.h>

#include "relay/channel/channel.hpp"
#include "relay/rules/memory_store.hpp"
#include "relay/rules/relay.hpp"
#include "support/must.hpp"
#include "support/seeded_random.hpp"

namespace kith::relay {

/// A group as a relay knows it: a channel key and pseudonyms.
class TestGroup {
 public:
  TestGroup(RandomSource& random, std::size_t devices) : key_(crypto::SigningKey::generate(random)) {
    for (std::size_t i = 0; i < devices; ++i) pseudonyms_.push_back(crypto::SigningKey::generate(random));
  }
  [[nodiscard]] wire::ChannelId channel() const { return {key_.public_key().bytes}; }
  [[nodiscard]] crypto::SigningKey const& channel_key() const { return key_; }
  [[nodiscard]] crypto::SigningKey const& key(std::size_t device) const { return pseudonyms_[device]; }
  [[nodiscard]] wire::Pseudonym pseudonym(std::size_t device) const { return {key(device).public_key().bytes}; }

  /// A record that admits these devices, signed by the channel's key, or by the device `signer`.
  [[nodiscard]] wire::AclRecord record(std::vector<std::size_t> const& devices, wire::AclRecord const* before = nullptr,
                                       std::optional<std::size_t> signer = std::nullopt) const {
    wire::AclRecord record;
    record.channel = channel();
    for (auto const device : devices) record.pseudonyms.push_back(pseudonym(device));
    std::ranges::sort(record.pseudonyms);
    if (before != nullptr) {
      record.version = before->version + 1;
      record.prev = wire::acl_record_hash(*before);
    }
    wire::sign_acl(record, signer ? key(*signer) : key_);
    return record;
  }

 private:
  crypto::SigningKey key_;
  std::vector<crypto::SigningKey> pseudonyms_;
};

/// A relay with a store in memory, and devices that talk to it over links without delay. Time moves by hand.
class RelayWorld {
 public:
  static constexpr unsigned kBits = 4;

  explicit RelayWorld(Settings settings = defaults(), std::uint64_t seed = 1)
      : random(seed),
        relay_key(crypto::DhKeyPair::generate(random)),
        store(settings.store, random),
        relay(relay_key.clone(), settings, random) {}

  [[nodiscard]] static Settings defaults() {
    Settings settings;
    settings.registration = OpenRegistration{kBits};
    return settings;
  }

  /// A device's end of one connection.
  struct Link {
    ConnectionId id;
    Channel channel;
    std::vector<wire::RelayMessage> got;
    bool reads = true;  ///< takes what comes
  };

  /// Dials; the handshake is over when this returns, unless the relay refused.
  Link& dial(std::string const& address = "192.0.2.1") {
    auto const face = crypto::DhKeyPair::generate(random);
    links.push_back({relay.open(address, now), Channel::initiate(name(), face, random), {}, true});
    run();
    return links.back();
  }

  void say(Link& link, wire::RelayMessage const& message) {
    link.channel.send(message);
    run();
  }
  /// Sends a request and takes its answer, or the last word of the relay.
  template <class Answer>
  Answer ask(Link& link, wire::RelayMessage const& message) {
    link.got.clear();
    say(link, message);
    for (auto const& answer : link.got) {
      auto const* const fits = std::get_if<Answer>(&answer);
      if (fits != nullptr && (fits->request == wire::request_of(message) || fits->request == 0)) return *fits;
    }
    ADD_FAILURE() << "no such answer";
    return {};
  }
  /// The code with which a request is refused.
  wire::RelayErrorCode refusal(Link& link, wire::RelayMessage const& message) {
    return ask<wire::RelayFailure>(link, message).code;
  }

  [[nodiscard]] wire::RelayKey name() const { return {relay_key.public_key.bytes}; }
  [[nodiscard]] Bytes stamp(wire::ChannelId const& channel, unsigned bits = kBits) const {
    for (std::uint64_t nonce = 0;; ++nonce) {
      Bytes stamp;
      append_be(stamp, nonce);
      if (wire::stamp_bits(name(), channel, stamp) >= bits) return stamp;
    }
  }
  /// Makes the mailbox of a group, open to these devices.
  wire::AclRecord make(TestGroup const& group, std::vector<std::size_t> const& devices) {
    auto const record = group.record(devices);
    auto& link = dial();
    EXPECT_EQ(ask<wire::Done>(link, wire::AclPut{77, record, stamp(group.channel())}).request, 77u);
    close(link);
    return record;
  }
  [[nodiscard]] wire::Hello hello(Link const& link, TestGroup const& group, std::size_t device,
                                  wire::RelayCursor last = {}, crypto::Hash128 last_item = {}) const {
    wire::Hello hello;
    hello.request = 99;
    hello.channel = group.channel();
    hello.pseudonym = group.pseudonym(device);
    hello.last_cursor = last;
    hello.last_item = last_item;
    wire::HelloProof const proof{name(), hello.channel, link.channel.handshake_hash(), last};
    hello.proof = group.key(device).sign(wire::kHelloLabel, wire::encode(proof));
    return hello;
  }
  /// Dials and says HELLO, which must be answered by WELCOME. @param welcome  where it is put
  Link& join(TestGroup const& group, std::size_t device, wire::RelayCursor last = {}, crypto::Hash128 last_item = {},
             wire::Welcome* welcome = nullptr) {
    auto& link = dial();
    auto const answer = ask<wire::Welcome>(link, hello(link, group, device, last, last_item));
    if (welcome != nullptr) *welcome = answer;
    return link;
  }
  void close(Link& link) {
    relay.on_closed(link.id, now);
    run();
  }
  void pass(std::chrono::milliseconds time) {
    auto const end = now.mono + time;
    for (auto next = relay.next_deadline(); next && *next <= end; next = relay.next_deadline()) {
      now.wall.ms += std::max<std::int64_t>(0, (*next - now.mono) / std::chrono::milliseconds{1});
      now.mono = std::max(now.mono, *next);
      relay.on_timer(now);
      run();
    }
    now.wall.ms += std::max<std::int64_t>(0, (end - now.mono) / std::chrono::milliseconds{1});
    now.mono = end;
  }

  /// Carries everything there is, until nothing moves. The store answers at once unless it is held.
  void run() {
    for (bool moved = true; moved;) {
      moved = false;
      for (auto& link : links) moved = carry(link) || moved;
      moved = (!held && serve(1000)) || moved;
    }
  }
  /// The store works off so many of the requests that wait. @return whether there were any
  bool serve(std::size_t most) {
    while (auto request = relay.poll_request()) waiting.push_back(std::move(*request));
    std::vector<StoreRequest> batch;
    for (; !waiting.empty() && batch.size() < most; waiting.pop_front()) batch.push_back(std::move(waiting.front()));
    for (auto& reply : store.work(batch)) relay.on_reply(std::move(reply), now);
    return !batch.empty();
  }
  bool carry(Link& link) {
    bool moved = false;
    for (Bytes bytes; relay.reading(link.id) && link.channel.poll_transmit(bytes); bytes.clear()) {
      relay.on_bytes(link.id, bytes, now);
      moved = true;
    }
    if (!link.reads) return moved;
    for (Bytes bytes; relay.poll_transmit(link.id, bytes, now); bytes.clear()) {
      auto const taken = link.channel.on_bytes(bytes, link.got);
      EXPECT_TRUE(taken) << taken.error().name();
      if (link.channel.open()) link.channel.set_max_message_bytes(wire::kRelayLimits.max_message_bytes);
      moved = true;
    }
    return moved;
  }

  testing::SeededRandom random;
  crypto::DhKeyPair relay_key;
  Now now{Instant{} + std::chrono::hours{1}, {1'800'000'000'000}};
  MemoryRelayStore store;
  Relay relay;
  std::deque<Link> links;
  std::deque<StoreRequest> waiting;  ///< for the store while it is held
  bool held = false;
};

/// The messages of one kind that came.
template <class Message>
std::vector<Message> all_of(RelayWorld::Link const& link) {
  std::vector<Message> found;
  for (auto const& message : link.got) {
    if (auto const* const fits = std::get_if<Message>(&message)) found.push_back(*fits);
  }
  return found;
}
/// The cursors of the items that came live or by PULL, as they came.
inline std::vector<std::uint64_t> cursors_of(RelayWorld::Link const& link) {
  std::vector<std::uint64_t> cursors;
  for (auto const& message : link.got) {
    auto const* const live = std::get_if<wire::LiveItems>(&message);
    auto const* const pulled = std::get_if<wire::PullResponse>(&message);
    auto const* const items = live != nullptr ? &live->items : pulled != nullptr ? &pulled->items : nullptr;
    if (items == nullptr) continue;
    for (auto const& item : *items) cursors.push_back(item.cursor.value);
  }
  return cursors;
}
inline wire::Push push_of(std::uint64_t first_seq, std::vector<Bytes> const& sealed, std::uint32_t ttl_s = 0) {
  wire::Push push{first_seq, {first_seq}, {}};
  for (auto const& bytes : sealed) push.items.push_back({ttl_s, bytes});
  return push;
}

}  // namespace kith::relay
