#pragma once

#include <chrono>
#include <optional>
#include <string>

#include "engine/client.hpp"
#include "engine/one_conversation.hpp"
#include "link/ws/relay_address.hpp"
#include "sync/relays/registration.hpp"

/// One conversation with a relay, made by a command of its own and ended with it: who it is, and taking a group in.
namespace kith::engine {

/// What answers at an address.
struct RelayFound {
  wire::RelayKey key;                 ///< that it proved to hold
  std::chrono::milliseconds took{0};  ///< until the handshake was done
};

/// Dials a relay and shakes hands under a key of the moment. Blocks for as long as `waiting` says.
/// @return link::LinkError; relay::ChannelError::wrong_relay where the address names another key, not_relay;
///         EngineError::interrupted
[[nodiscard]] Result<RelayFound> find_relay(link::RelayAddress const& address, Waiting const& waiting);

/// What came of it beside a mailbox there.
struct RelayAdded {
  bool words_lead_there = true;  ///< the relay took the recovery record; else it had no room for it
};

/// Registers this home's group at a relay, leaves the recovery record there, and tells the group. Blocks likewise.
/// @param address  with its key
/// @param token    the operator's, or empty
/// @return link::LinkError, relay::ChannelError, sync::RegistrationError, StoreError, CoreError::removed_self,
///         EngineError::interrupted
[[nodiscard]] Result<RelayAdded> add_relay(Client& client, link::RelayAddress const& address, std::string token,
                                           Waiting const& waiting);

/// Uses a relay again that the group gave up: the mailbox that it had there. Devices that were away ever since wait in
/// it, and would hear of a new one from nobody.
/// @param former  of the roster's former relays
/// @return StoreError, CoreError::removed_self
[[nodiscard]] Result<> take_up_relay(Client& client, core::Roster::Relay const& former,
                                     link::RelayAddress const& address);

}  // namespace kith::engine
