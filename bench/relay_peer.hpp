#pragma once

#include <cstdio>
#include <cstdlib>
#include <memory>
#include <vector>

#include "crypto/system_random.hpp"
#include "link/tcp/error.hpp"
#include "link/ws/websocket.hpp"
#include "relay/channel/channel.hpp"

/// Devices as a relay sees them, without what they would do with what they get: a key, a connection, messages.
namespace kith::bench {

using link::LinkError;

/// A device's end of a connection to a relay, up to WELCOME by itself. One loop's thread.
class Peer final : public link::StreamMachine {
 public:
  /// @param first  the record that makes the mailbox, which this device puts before it says HELLO; null: it is there
  Peer(wire::RelayKey const& relay, wire::ChannelId const& mailbox, crypto::SigningKey const& key,
       wire::AclRecord const* first, RandomSource& random)
      : relay_(relay),
        mailbox_(mailbox),
        key_(key),
        first_(first),
        channel_(relay::Channel::initiate(relay, crypto::DhKeyPair::generate(random), random)) {}

  std::function<void()> ready = [] {};                                 ///< WELCOME came
  std::function<void(wire::RelayMessage const&)> said = [](auto&) {};  ///< everything after it

  void say(wire::RelayMessage const& message) {
    channel_.send(message);
    wake();
  }

  void on_bytes(ByteView bytes) override {
    std::vector<wire::RelayMessage> messages;
    bool const was_open = channel_.open();
    if (!channel_.on_bytes(bytes, messages)) return give_up("the relay does not keep to the protocol");
    if (!was_open && channel_.open()) {
      channel_.set_max_message_bytes(wire::kRelayLimits.max_message_bytes);
      first_ != nullptr ? say(wire::AclPut{1, *first_, Bytes(wire::kStampBytes, 0)}) : say_hello();
    }
    for (auto const& message : messages) take(message);
  }
  void on_closed() override {
    if (!leaving) give_up("the relay has closed a connection");
  }
  bool poll_transmit(Bytes& out) override { return channel_.poll_transmit(out); }
  [[nodiscard]] bool done() const override { return leaving; }

  bool leaving = false;

 private:
  [[noreturn]] static void give_up(char const* why) {
    std::fprintf(stderr, "bench_relay_load: %s\n", why);
    std::_Exit(1);
  }
  void say_hello() {
    wire::Hello hello;
    hello.request = 2;
    hello.channel = mailbox_;
    hello.pseudonym = {key_.public_key().bytes};
    wire::HelloProof const proof{relay_, mailbox_, channel_.handshake_hash(), {}};
    hello.proof = key_.sign(wire::kHelloLabel, wire::encode(proof));
    say(hello);
  }
  void take(wire::RelayMessage const& message) {
    if (std::holds_alternative<wire::RelayFailure>(message)) {
      auto const& failure = std::get<wire::RelayFailure>(message);
      std::fprintf(stderr, "code %d %s\n", static_cast<int>(failure.code), failure.text.c_str());
      give_up("the relay refuses");
    }
    if (member_) return said(message);
    if (std::holds_alternative<wire::Done>(message)) return say_hello();
    if (!std::holds_alternative<wire::Welcome>(message)) return;
    member_ = true;
    ready();
  }

  wire::RelayKey relay_;
  wire::ChannelId mailbox_;
  crypto::SigningKey const& key_;
  wire::AclRecord const* first_;
  relay::Channel channel_;
  bool member_ = false;
};

/// A group: its mailbox and its devices.
struct Group {
  wire::ChannelId mailbox;
  wire::AclRecord record;
  std::vector<std::unique_ptr<crypto::SigningKey>> keys;
  std::vector<std::shared_ptr<Peer>> peers;  ///< those that were connected, by the keys' order
};

/// All groups at one relay, on one loop.
class World {
 public:
  explicit World(link::RelayAddress address) : address_(std::move(address)), relay_{*address_.key} {}

  link::Loop loop;

  /// Makes mailboxes, and connects the first `connected` devices of each (0: all). Returns when they are members.
  std::vector<std::unique_ptr<Group>> make_groups(std::size_t count, std::size_t devices, std::size_t connected = 0) {
    std::vector<std::unique_ptr<Group>> groups;
    for (std::size_t i = 0; i < count; ++i) groups.push_back(make(devices));
    for (auto& group : groups) dial(*group, 0, &group->record);
    wait_for_all();
    for (auto& group : groups) {
      for (std::size_t i = 1; i < (connected == 0 ? devices : connected); ++i) dial(*group, i, nullptr);
      wait_for_all();  // one group after the other: a relay takes so many strangers at once from one address
    }
    return groups;
  }
  /// Connects one more device of a group.
  std::shared_ptr<Peer> join(Group& group, std::size_t device) {
    dial(group, device, nullptr);
    wait_for_all();
    return group.peers.back();
  }

  static int give_up(char const* why) {
    std::fprintf(stderr, "bench_relay_load: %s\n", why);
    return 1;
  }

 private:
  std::unique_ptr<Group> make(std::size_t devices) {
    auto group = std::make_unique<Group>();
    auto const channel = crypto::SigningKey::generate(random_);
    group->mailbox = group->record.channel = {channel.public_key().bytes};
    for (std::size_t i = 0; i < devices; ++i) {
      group->keys.push_back(std::make_unique<crypto::SigningKey>(crypto::SigningKey::generate(random_)));
      group->record.pseudonyms.push_back({group->keys.back()->public_key().bytes});
    }
    std::ranges::sort(group->record.pseudonyms);
    wire::sign_acl(group->record, channel);
    return group;
  }
  void dial(Group& group, std::size_t device, wire::AclRecord const* first) {
    auto const peer = std::make_shared<Peer>(relay_, group.mailbox, *group.keys[device], first, random_);
    group.peers.push_back(peer);
    ++waiting_;
    peer->ready = [this] {
      if (--waiting_ == 0) loop.stop();
    };
    link::dial_websocket(
        loop, address_, std::chrono::seconds{30}, [peer](std::string const&) { return peer; },
        [](Error const& error) {
          std::fprintf(stderr, "bench_relay_load: cannot connect: %s\n", error.name().c_str());
          std::_Exit(1);
        });
  }
  void wait_for_all() {
    if (waiting_ > 0) loop.run();
  }

  link::RelayAddress address_;
  wire::RelayKey relay_;
  crypto::SystemRandom random_;
  std::size_t waiting_ = 0;
};

}  // namespace kith::bench
