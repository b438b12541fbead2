#pragma once

#include <functional>
#include <string>
#include <vector>

#include "core/pairing_code.hpp"
#include "engine/file_lock.hpp"
#include "engine/instance.hpp"
#include "link/ws/relay_address.hpp"

namespace kith::engine {

struct JoinRequest {
  core::PairingCode code;
  std::vector<std::string> addresses;  ///< where the inviter may be
  std::string device_name;             ///< what the inviter's user is shown
  std::vector<link::RelayAddress> relays =
      {};  ///< on the way to it; where there is neither, this machine's ports are tried
};

/// What joining looks like from outside. All may be left empty.
struct JoinWatcher {
  std::function<void(DeviceId const&, std::string const& name)>
      waiting;                      ///< the code was right; the inviter's user is being asked
  int cancel_descriptor = -1;       ///< when it is readable, `cancelled` is asked
  std::function<bool()> cancelled;  ///< whether to give up; drains the descriptor
};

struct Joined {
  DeviceId inviter;
  std::string inviter_name;
  std::string endpoint;  ///< HOST:PORT of the inviter, or of the relay in between
};

/// What an invite's text means: a typed code, or a link with the inviter's addresses and relays in it.
/// @return WireError::unknown_version, EngineError::bad_link for a damaged link, no_code for a text that is neither
struct ParsedInvite {
  core::PairingCode code;
  std::vector<std::string> addresses;
  std::vector<link::RelayAddress> relays;
};
[[nodiscard]] Result<ParsedInvite> parse_invite(std::string_view text);

/// How many ports from the default one on a home tries to listen on before it takes any: two homes on one machine find
/// each other without configuration.
inline constexpr std::uint16_t kLocalPorts = 8;
/// Ports of this machine on which a home without configuration listens: where a code alone is looked for.
[[nodiscard]] std::vector<std::string> local_candidates();

/// Joins a group by an invite: talks to the inviter, on the calling thread, and keeps what it hands over. What the
/// group has written comes afterwards, by replication or from a relay. Where there are addresses and relays, the
/// addresses have a head start, and whoever answers first is talked to.
/// @param instance  of a database that has no group yet
/// @param held  the home's network lock, where the caller has it; else it is taken meanwhile
/// @return CoreError (wrong_code with the tries left, invite_expired, ...), EngineError::address_unreachable,
///         invite_unknown, owner_busy, interrupted, already_initialised; of a relay invite_unanswered,
///         relay_unreachable, LinkError
[[nodiscard]] Result<Joined> join_group(Instance& instance, core::Identity const& identity, HomePaths const& paths,
                                        JoinRequest const& request, JoinWatcher const& watcher,
                                        FileLock const* held = nullptr);

}  // namespace kith::engine
