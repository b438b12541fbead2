#pragma once

#include "support/every_relay_message.hpp"
#include "support/test_device.hpp"
#include "sync/relays/acl_chain.hpp"
#include "sync/relays/mailbox.hpp"

namespace kith::testing {

/// A device that founded a group and its mailbox, and the relay's end of a connection, which the test plays.
struct PlayedMailbox {
  enum class State { hello, catching_up, live };

  /// @param attended  the group uses the mailbox no more, and this device still looks at it
  explicit PlayedMailbox(State state, bool attended = false) {
    must(device.replica.create_group("home", "laptop", test_recovery(9), now));
    auto const face = core::relay_face(device.identity.root, name, device.replica.state().group());
    first.channel = {channel_key.public_key().bytes};
    first.pseudonyms = {face.pseudonym()};
    wire::sign_acl(first, channel_key);
    sync::AclChain chain(first.channel);
    must(chain.load(device.store));
    if (!must(chain.extend(device.store, first))) std::abort();
    std::vector<wire::Op> ops;
    ops.emplace_back(wire::RelaySet{"ws://relay", name, first.channel});
    ops.emplace_back(wire::DeviceRelay{device.identity.device(), name, face.pseudonym()});
    must(device.replica.write(std::move(ops), now));
    mailbox.emplace(device.replica, device.store, core::Roster::Relay{"ws://relay", name, first.channel},
                    device.random);
    must(mailbox->start(now));
    mailbox->set_attended(attended, now);
    mailbox->dialling(now);
    mailbox->on_connected(now);
    for (int i = 0; i < 2; ++i) {  // Noise
      heard = relay.listen(*mailbox);
      if (heard.empty()) must(mailbox->on_bytes(relay.bytes(), now));
    }
    if (state != State::hello) welcome(state);
  }
  void welcome(State state) {
    wire::Welcome welcome;
    welcome.request = last_request();
    welcome.log_epoch.bytes[0] = 1;
    welcome.acl_version = 1;
    welcome.acl_hash = wire::acl_record_hash(first);
    say(welcome);
    if (state == State::live) answer_pull({});
  }
  void say(wire::RelayMessage const& message) {
    relay.say(message);
    must(mailbox->on_bytes(relay.bytes(), now));
    listen();
  }
  void listen() { heard = relay.listen(*mailbox); }
  [[nodiscard]] std::uint64_t last_request() const { return wire::request_of(heard.back()); }
  /// Answers the PULL that was heard last with items behind the last ones, each in its place.
  void answer_pull(std::vector<Bytes> items, bool has_more = false) {
    wire::PullResponse answer;
    answer.request = last_request();
    for (auto& item : items) answer.items.push_back({{++cursor}, {}, 0, 0, std::move(item)});
    answer.next_after = {cursor};
    answer.has_more = has_more;
    say(answer);
  }
  /// Takes the items of the PUSH that was heard last.
  void answer_push() {
    auto const& push = std::get<wire::Push>(heard.back());
    wire::PushAck answer{push.request, push.first_seq, {}};
    for (std::size_t i = 0; i < push.items.size(); ++i) answer.cursors.push_back({++cursor});
    say(answer);
  }
  void wait(std::chrono::milliseconds time) {
    now.mono += time;
    now.wall.ms += time.count();
    must(mailbox->on_timer(now));
    if (!mailbox->link_done()) listen();
  }

  Now now{Instant{} + std::chrono::hours{1}, {1'800'000'000'000}};
  SeededRandom random{4};
  crypto::DhKeyPair key = crypto::DhKeyPair::generate(random);
  wire::RelayKey name{key.public_key.bytes};
  crypto::SigningKey channel_key = crypto::SigningKey::generate(random);
  wire::AclRecord first;
  TestDevice device{1, "laptop"};
  std::optional<sync::Mailbox> mailbox;
  PlayedRelay relay{key, random};
  std::vector<wire::RelayMessage> heard;
  std::uint64_t cursor = 0;  ///< of the last item at the relay
};

}  // namespace kith::testing
