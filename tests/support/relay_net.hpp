#pragma once

#include <memory>
#include <vector>

#include "relay/rules/memory_store.hpp"
#include "relay/rules/relay.hpp"
#include "support/relay_tap.hpp"
#include "support/test_device.hpp"
#include "sync/relays/mailbox.hpp"
#include "sync/relays/registration.hpp"

/// Relays in memory, by the rules that ship, and devices that use them; one clock and no threads.
namespace kith::testing {

/// A relay: its rules, and what it stores.
struct TestRelay {
  explicit TestRelay(std::uint64_t seed, relay::Settings wanted = easy_settings())
      : random(seed), settings(std::move(wanted)), store(settings.store, random) {
    start();
  }
  /// Hashcash that costs a test nothing.
  static relay::Settings easy_settings() {
    relay::Settings settings;
    settings.registration = relay::OpenRegistration{4};
    return settings;
  }
  /// The process begins; what it stores is as it is.
  void start() { rules = std::make_unique<relay::Relay>(key.clone(), settings, random); }
  [[nodiscard]] wire::RelayKey relay_key() const { return {key.public_key.bytes}; }
  /// Works off what waits for the store.
  bool work(Now now) {
    bool worked = false;
    while (auto const request = rules->poll_request()) {
      for (auto& reply : store.work(std::span(&*request, 1))) rules->on_reply(std::move(reply), now);
      worked = true;
    }
    return worked;
  }

  SeededRandom random;
  crypto::DhKeyPair key = crypto::DhKeyPair::generate(random);
  relay::Settings settings;
  relay::MemoryRelayStore store;
  std::unique_ptr<relay::Relay> rules;
};

/// A device and its mailboxes, one for each relay of its roster.
struct RelayDevice : TestDevice {
  using TestDevice::TestDevice;
  std::map<wire::RelayKey, std::unique_ptr<sync::Mailbox>> mailboxes;
  std::vector<sync::MailboxEvent> seen;
  bool online = true;
  std::chrono::milliseconds clock_skew{0};

  [[nodiscard]] sync::Mailbox& at(TestRelay const& relay) { return *mailboxes.at(relay.relay_key()); }
  [[nodiscard]] bool saw(sync::RelayTrouble trouble) const {
    return std::ranges::any_of(seen, [&](sync::MailboxEvent const& event) {
      auto const* troubled = std::get_if<sync::RelayTroubled>(&event);
      return troubled != nullptr && troubled->trouble == trouble;
    });
  }
};

class RelayNet {
 public:
  [[nodiscard]] Now now() const { return {Instant{} + elapsed_, {1'800'000'000'000 + elapsed_.count()}}; }

  /// Where it is set: called with all that goes between devices and relays, opened.
  RelayTap::Heard overhear;

  void add(TestRelay& relay) { relays_.push_back(&relay); }
  [[nodiscard]] Now now_at(RelayDevice const& device) const {
    auto at = now();
    at.wall.ms += device.clock_skew.count();
    return at;
  }
  void add(RelayDevice& device) { devices_.push_back(&device); }

  /// What `kith relay add` does: registers the group, and tells it. @return its first access record
  sync::Registered enlist(RelayDevice& device, TestRelay& relay, std::string const& token = {}) {
    auto random = device.random;
    static_cast<void>(crypto::SigningKey::generate(random));  // the channel's key comes first
    auto const ear = tap(device, relay, random);
    sync::Registration registration(device.identity, device.replica.state().genesis(), device.replica.state().group(),
                                    relay.relay_key(), token, device.random);
    auto const connection = relay.rules->open("here", now());
    for (bool moved = true; moved && !registration.done();) {
      moved = false;
      Bytes out;
      while (registration.poll_transmit(out)) moved = true;
      if (!out.empty()) relay.rules->on_bytes(connection, out, now());
      if (ear && !out.empty()) ear->to_relay(out, overhear);
      while (relay.work(now())) moved = true;
      Bytes back;
      while (relay.rules->poll_transmit(connection, back, now())) moved = true;
      if (ear && !back.empty()) ear->to_device(back, overhear);
      if (!back.empty()) must(registration.on_bytes(back));
    }
    relay.rules->on_closed(connection, now());
    if (!registration.done()) std::abort();
    auto const registered = registration.result();
    auto transaction = must(store::Transaction::begin(device.store));
    sync::AclChain chain(registered.channel);
    must(chain.load(device.store));
    if (!must(chain.extend(device.store, registered.first))) std::abort();
    must(sync::put_recovery_record(device.store, relay.relay_key(), registered.channel, registration.record()));
    std::vector<wire::Op> ops;
    ops.emplace_back(wire::RelaySet{"ws://relay", relay.relay_key(), registered.channel});
    auto const face = core::relay_face(device.identity.root, relay.relay_key(), device.replica.state().group());
    ops.emplace_back(wire::DeviceRelay{device.identity.device(), relay.relay_key(), face.pseudonym()});
    must(device.replica.write(std::move(ops), now()));
    must(transaction.commit());
    changed(device);
    return registered;
  }

  /// Lets a device in the way pairing does, with its names at the group's relays.
  void let_in(RelayDevice& inviter, RelayDevice& joiner) {
    std::vector<wire::Op> ops;
    ops.emplace_back(wire::DeviceAdd{joiner.identity.cert, joiner.name, inviter.replica.sealing_epoch().value(), {}});
    for (auto const& relay : inviter.replica.state().roster().relays()) {
      auto const face = core::relay_face(joiner.identity.root, relay.relay, inviter.replica.state().group());
      ops.emplace_back(wire::DeviceRelay{joiner.identity.device(), relay.relay, face.pseudonym()});
    }
    auto const added = must(inviter.replica.write(std::move(ops), now())).front();
    wire::PairWelcomeBox welcome;
    welcome.genesis = wire::decode<wire::Genesis>(wire::encode(inviter.replica.state().genesis())).value();
    welcome.secrets = inviter.replica.secrets_for_newcomer();
    welcome.device_add = added.entry;
    must(joiner.replica.adopt_group(welcome, now()));
    changed(inviter);
    // What the offer said: the joiner knows the relays before it knows the roster.
    for (auto const& relay : inviter.replica.state().roster().relays()) use(joiner, relay);
  }

  void use(RelayDevice& device, core::Roster::Relay const& relay) {
    auto& mailbox = device.mailboxes[relay.relay];
    if (mailbox && mailbox->relay().channel == relay.channel) return;
    for (auto& link : links_) {
      if (link.mailbox == mailbox.get()) cut(link);
    }
    std::erase_if(links_, [](Link const& link) { return link.gone; });
    mailbox = std::make_unique<sync::Mailbox>(device.replica, device.store, relay, device.random);
    must(mailbox->start(now()));
  }
  /// A device's process begins anew.
  void restart(RelayDevice& device) {
    go_offline(device);
    for (auto const& [key, mailbox] : std::exchange(device.mailboxes, {})) {
      must(mailbox->flush());
      use(device, mailbox->relay());
    }
    device.online = true;
  }
  /// A device has written something, or something was brought to it.
  void changed(RelayDevice& device) {
    must(device.replica.refresh());
    for (auto const& relay : device.replica.state().roster().relays()) use(device, relay);
    for (auto& [key, mailbox] : device.mailboxes) must(mailbox->on_local_change(now()));
  }
  void go_offline(RelayDevice& device) {
    device.online = false;
    for (auto& link : links_) {
      if (link.device == &device) cut(link);
    }
    std::erase_if(links_, [](Link const& link) { return link.gone; });
  }
  /// The relay's process ends: all connections break.
  void stop(TestRelay& relay) {
    for (auto& link : links_) {
      if (link.relay == &relay) cut(link);
    }
    std::erase_if(links_, [](Link const& link) { return link.gone; });
    down_.insert(&relay);
  }
  void start(TestRelay& relay) {
    relay.start();
    down_.erase(&relay);
  }

  /// Carries bytes until everybody is silent.
  void pump() {
    for (bool moved = true; moved;) {
      moved = false;
      for (auto* device : devices_) moved |= dial(*device);
      for (auto& link : links_) moved |= carry(link);
      for (auto* relay : relays_) moved |= !down_.contains(relay) && relay->work(now());
      std::erase_if(links_, [](Link const& link) { return link.gone; });
      for (auto* device : devices_) moved |= take_events(*device);
    }
  }
  void wait(std::chrono::milliseconds time) {
    pump();
    for (auto const until = elapsed_ + time; elapsed_ < until;) {
      elapsed_ = std::min(until, elapsed_ + std::chrono::milliseconds{100});
      for (auto* relay : relays_) relay->rules->on_timer(now());
      for (auto* device : devices_) {
        for (auto& [key, mailbox] : device->mailboxes) must(mailbox->on_timer(now_at(*device)));
      }
      pump();
    }
  }

 private:
  struct Link {
    RelayDevice* device;
    sync::Mailbox* mailbox;
    TestRelay* relay;
    relay::ConnectionId connection;
    std::unique_ptr<RelayTap> ear;
    bool gone = false;
  };

  /// Before the two ends are made. @param random  the device's, from which its end is made
  std::unique_ptr<RelayTap> tap(RelayDevice const& device, TestRelay const& relay, SeededRandom const& random) {
    if (!overhear) return nullptr;
    auto const face = core::relay_face(device.identity.root, relay.relay_key(), device.replica.state().group());
    return std::make_unique<RelayTap>(random, relay.relay_key(), face.dx, relay.random, relay.key);
  }

  bool dial(RelayDevice& device) {
    bool dialled = false;
    for (auto& [key, mailbox] : device.mailboxes) {
      if (!device.online || !mailbox->wants_link(now())) continue;
      mailbox->dialling(now());
      auto const found = std::ranges::find(relays_, key, [](TestRelay const* relay) { return relay->relay_key(); });
      if (found == relays_.end() || down_.contains(*found)) {
        mailbox->dial_failed(core::CoreError::timed_out, now());
        continue;
      }
      auto ear = tap(device, **found, device.random);
      mailbox->on_connected(now());
      links_.push_back({&device, mailbox.get(), *found, (*found)->rules->open("here", now()), std::move(ear)});
      dialled = true;
    }
    return dialled;
  }
  bool carry(Link& link) {
    if (link.gone) return false;
    bool moved = false;
    Bytes out;
    while (link.mailbox->poll_transmit(out)) {
    }
    if (!out.empty()) link.relay->rules->on_bytes(link.connection, out, now());
    if (link.ear && !out.empty()) link.ear->to_relay(out, overhear);
    Bytes back;
    while (link.relay->rules->poll_transmit(link.connection, back, now())) {
    }
    if (link.ear && !back.empty()) link.ear->to_device(back, overhear);
    if (!back.empty()) must(link.mailbox->on_bytes(back, now_at(*link.device)));
    moved = !out.empty() || !back.empty();
    if (link.mailbox->link_done() || link.relay->rules->done(link.connection)) cut(link);
    return moved;
  }
  void cut(Link& link) {
    if (link.gone) return;
    link.gone = true;
    link.relay->rules->on_closed(link.connection, now());
    must(link.mailbox->on_closed(now()));
  }
  bool take_events(RelayDevice& device) {
    bool applied = false;
    for (auto& [key, mailbox] : device.mailboxes) {
      while (auto event = mailbox->poll_event()) {
        applied |= std::holds_alternative<sync::RelayApplied>(*event);
        device.seen.push_back(std::move(*event));
      }
    }
    if (applied) changed(device);
    return applied;
  }

  std::vector<TestRelay*> relays_;
  std::vector<RelayDevice*> devices_;
  std::vector<Link> links_;
  std::set<TestRelay*> down_;
  std::chrono::milliseconds elapsed_{0};
};

}  // namespace kith::testing
