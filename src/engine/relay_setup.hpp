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

/// Whether the group's recovery words lead to it at a relay, as far as this home can tell: the record that it made is
/// there, or, where another device made it, any record for these words. Blocks likewise.
/// @param address  the relay's
/// @return as of find_relay(); StoreError
[[nodiscard]] Result<bool> words_lead_to(Client& client, core::Roster::Relay const& relay,
                                         link::RelayAddress const& address, Waiting const& waiting);

/// What came of it beside a mailbox there.
struct RelayAdded {
  bool words_lead_there = true;  ///< the relay took the recovery record; else it had no room for it
  /// A recovery record of the group was there already, and this home has never known a mailbox there: another device
  /// has made one, and not all have heard of it.
  bool made_elsewhere = false;
};

/// Registers this home's group at a relay, leaves the recovery record there, and tells the group. Blocks likewise.
/// @param address  with its key
/// @param token    the operator's, or empty
/// @return link::LinkError, relay::ChannelError, sync::RegistrationError, StoreError, CoreError::removed_self,
///         EngineError::interrupted
[[nodiscard]] Result<RelayAdded> add_relay(Client& client, link::RelayAddress const& address, std::string token,
                                           Waiting const& waiting);

/// Whether a mailbox that the group gave up can be used again from here: this device knows its list, and is on it.
[[nodiscard]] Result<bool> can_take_up(Client& client, core::Roster::Relay const& former);

/// Uses a relay again that the group gave up: the mailbox that it had there. Devices that were away ever since wait in
/// it, and would hear of a new one from nobody.
/// @param former  of the roster's former relays
/// @return StoreError, CoreError::removed_self
[[nodiscard]] Result<> take_up_relay(Client& client, core::Roster::Relay const& former,
                                     link::RelayAddress const& address);

}  // namespace kith::engine
