#pragma once

#include <vector>

#include "relay/channel/channel.hpp"
#include "support/must.hpp"

/// A relay that says anything, for tables of what devices make of it.
namespace kith::testing {

/// One message of each type there is, with a request's number.
template <std::size_t... kIndex>
[[nodiscard]] std::vector<wire::RelayMessage> every_relay_message(std::uint64_t request,
                                                                  std::index_sequence<kIndex...>) {
  std::vector<wire::RelayMessage> messages;
  (messages.emplace_back(std::in_place_index<kIndex>), ...);
  for (auto& message : messages) std::visit([&](auto& known) { known.request = request; }, message);
  return messages;
}
[[nodiscard]] inline std::vector<wire::RelayMessage> every_relay_message(std::uint64_t request) {
  return every_relay_message(request, std::make_index_sequence<std::variant_size_v<wire::RelayMessage>>());
}

/// The relay's end of one connection, with nothing of a relay's rules.
class PlayedRelay {
 public:
  PlayedRelay(crypto::DhKeyPair const& key, RandomSource& random) : channel_(relay::Channel::accept(key, random)) {}

  /// Takes what a machine sends. @return what it said
  template <class Machine>
  std::vector<wire::RelayMessage> listen(Machine& machine) {
    std::vector<wire::RelayMessage> said;
    Bytes out;
    while (machine.poll_transmit(out)) continue;
    must(channel_.on_bytes(out, said));
    if (channel_.open()) channel_.set_max_message_bytes(wire::kRelayLimits.max_message_bytes);
    return said;
  }
  void say(wire::RelayMessage const& message) { channel_.send(message); }
  /// What is to be handed to the machine.
  [[nodiscard]] Bytes bytes() {
    Bytes out;
    while (channel_.poll_transmit(out)) continue;
    return out;
  }

 private:
  relay::Channel channel_;
};

}  // namespace kith::testing
