#include "engine/relay_setup.hpp"

#include "base/assert.hpp"
#include "sync/relays/acl_chain.hpp"
#include "sync/relays/relay_record.hpp"

namespace kith::engine {
namespace {

std::optional<wire::RelayKey> key_of(link::RelayAddress const& address) {
  return address.key ? std::optional(wire::RelayKey{*address.key}) : std::nullopt;
}

/// Ends as soon as the handshake is done.
class Finding final : public OneConversation {
 public:
  Finding(std::optional<wire::RelayKey> pinned, RandomSource& random)
      : channel_(relay::Channel::initiate(pinned, crypto::DhKeyPair::generate(random), random)) {}
  [[nodiscard]] bool poll_transmit(Bytes& out) override { return channel_.poll_transmit(out); }
  [[nodiscard]] wire::RelayKey key() const { return {channel_.remote_static().bytes}; }

 private:
  Result<> take(ByteView bytes) override {
    std::vector<wire::RelayMessage> messages;
    return channel_.on_bytes(bytes, messages);
  }
  [[nodiscard]] bool finished() const override { return channel_.open(); }
  relay::Channel channel_;
};

/// Tells the group of a mailbox, and of this device's name there.
Result<> tell_of(Client& client, wire::RelaySet relay) {
  auto& replica = client.instance().replica;
  auto const face = core::relay_face(client.identity().root, relay.relay, replica.state().group());
  std::vector<wire::Op> ops;
  ops.emplace_back(wire::DeviceRelay{client.device_id(), relay.relay, face.pseudonym()});
  ops.emplace_back(std::move(relay));
  KITH_TRY(written, replica.write(std::move(ops), current_time()));
  static_cast<void>(written);
  return {};
}

}  // namespace

Result<RelayFound> find_relay(link::RelayAddress const& address, Waiting const& waiting) {
  crypto::SystemRandom random;
  auto const began = Clock::now();
  auto const machine = std::make_shared<Finding>(key_of(address), random);
  KITH_CHECK(OneConversation::run(machine, address, waiting));
  return RelayFound{machine->key(), std::chrono::ceil<std::chrono::milliseconds>(Clock::now() - began)};
}

Result<RelayAdded> add_relay(Client& client, link::RelayAddress const& address, std::string token,
                             Waiting const& waiting) {
  auto& instance = client.instance();
  auto& replica = instance.replica;
  auto const key = key_of(address);
  KITH_ASSERT(key.has_value());
  auto const& group = replica.state().group();
  auto const registering = std::make_shared<Conversation<sync::Registration>>(
      client.identity(), replica.state().genesis(), group, *key, std::move(token), instance.random);
  KITH_CHECK(OneConversation::run(registering, address, waiting));
  auto const& registered = registering->machine.result();
  auto& store = instance.store();
  KITH_TRY(transaction, store::Transaction::begin(store));
  sync::AclChain chain(registered.channel);
  KITH_CHECK(chain.load(store));
  KITH_TRY(begun, chain.extend(store, registered.first));
  KITH_ASSERT(begun);
  KITH_CHECK(sync::put_recovery_record(store, *key, registered.channel, registering->machine.record()));
  KITH_CHECK(tell_of(client, {link::to_text(address), *key, registered.channel}));
  KITH_CHECK(transaction.commit());
  client.bell().ring();
  return RelayAdded{registering->machine.words_lead_here()};
}

Result<> take_up_relay(Client& client, core::Roster::Relay const& former, link::RelayAddress const& address) {
  KITH_CHECK(tell_of(client, {link::to_text(address), former.relay, former.channel}));
  client.bell().ring();
  return {};
}

}  // namespace kith::engine
