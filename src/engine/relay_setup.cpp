#include "engine/relay_setup.hpp"

#include "base/assert.hpp"
#include "link/ws/websocket.hpp"
#include "sync/relays/acl_chain.hpp"

namespace kith::engine {
namespace {

/// Runs one conversation on a loop of its own until it is done.
class OneConversation : public link::StreamMachine {
 public:
  void on_bytes(ByteView bytes) override {
    if (done()) return;
    if (auto taken = take(bytes); !taken) failure_ = taken.error();
  }
  void on_closed() override {
    if (!finished() && !failure_) failure_ = Error(core::CoreError::closed);
    closed_ = true;
    if (loop_ != nullptr) loop_->stop();
  }
  [[nodiscard]] bool done() const override { return failure_.has_value() || finished(); }

  /// @return what ended it before it was finished
  [[nodiscard]] static Result<> run(std::shared_ptr<OneConversation> const& machine, link::RelayAddress const& address,
                                    std::chrono::milliseconds within) {
    link::Loop loop;
    machine->loop_ = &loop;
    auto const late = loop.make_alarm([&] {
      machine->failure_ = Error(link::LinkError::timed_out, SystemDetail{0, link::host_port(address)});
      loop.stop();
    });
    late->set(Clock::now() + within);
    link::dial_websocket(
        loop, address, within, [&](std::string const&) { return machine; },
        [&](Error const& error) {
          machine->failure_ = error;
          loop.stop();
        });
    loop.run();
    machine->loop_ = nullptr;
    if (machine->finished()) return {};
    return fail(machine->failure_ ? *machine->failure_ : Error(core::CoreError::closed));
  }

 protected:
  [[nodiscard]] virtual Result<> take(ByteView bytes) = 0;
  [[nodiscard]] virtual bool finished() const = 0;

 private:
  link::Loop* loop_ = nullptr;
  std::optional<Error> failure_;
  bool closed_ = false;
};

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

class Registering final : public OneConversation {
 public:
  explicit Registering(sync::Registration registration) : registration_(std::move(registration)) {}
  [[nodiscard]] bool poll_transmit(Bytes& out) override { return registration_.poll_transmit(out); }
  [[nodiscard]] sync::Registered const& result() const { return registration_.result(); }

 private:
  Result<> take(ByteView bytes) override { return registration_.on_bytes(bytes); }
  [[nodiscard]] bool finished() const override { return registration_.done(); }
  sync::Registration registration_;
};

}  // namespace

Result<RelayFound> find_relay(link::RelayAddress const& address, std::chrono::milliseconds within) {
  crypto::SystemRandom random;
  auto const began = Clock::now();
  auto const machine = std::make_shared<Finding>(key_of(address), random);
  KITH_CHECK(OneConversation::run(machine, address, within));
  return RelayFound{machine->key(), std::chrono::ceil<std::chrono::milliseconds>(Clock::now() - began)};
}

Result<> add_relay(Client& client, link::RelayAddress const& address, std::string token,
                   std::chrono::milliseconds within) {
  auto& instance = client.instance();
  auto& replica = instance.replica;
  auto const key = key_of(address);
  KITH_ASSERT(key.has_value());
  auto const& group = replica.state().group();
  auto const machine = std::make_shared<Registering>(
      sync::Registration(client.identity(), replica.state().genesis(), group, *key, std::move(token), instance.random));
  KITH_CHECK(OneConversation::run(machine, address, within));
  auto const& registered = machine->result();
  auto& store = instance.store();
  KITH_TRY(transaction, store::Transaction::begin(store));
  sync::AclChain chain(registered.channel);
  KITH_CHECK(chain.load(store));
  KITH_TRY(begun, chain.extend(store, registered.first));
  KITH_ASSERT(begun);
  std::vector<wire::Op> ops;
  ops.emplace_back(wire::RelaySet{link::to_text(address), *key, registered.channel});
  ops.emplace_back(
      wire::DeviceRelay{client.device_id(), *key, core::relay_face(client.identity().root, *key, group).pseudonym()});
  KITH_TRY(written, replica.write(std::move(ops), current_time()));
  static_cast<void>(written);
  KITH_CHECK(transaction.commit());
  client.bell().ring();
  return {};
}

}  // namespace kith::engine
