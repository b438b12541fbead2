#pragma once

#include <optional>
#include <variant>
#include <vector>

#include "base/error.hpp"
#include "base/ids.hpp"
#include "wire/frame.hpp"

namespace kith::sync {

/// What may be wrong with a relay, as far as this device can tell.
enum class RelayTrouble : std::uint8_t {
  none = 0,
  not_allowed = 1,   ///< it does not serve this device: not let in yet, paused or removed
  off_chain = 2,     ///< its access records are not the group's: made up, or taken over by somebody who was removed
  lost_data = 3,     ///< it had lost what it once acknowledged; it is being told again
  quota = 4,         ///< the group stores there all that it may
  storage_full = 5,  ///< its disk is full
  misbehaves = 6,    ///< it breaks the protocol
  replaced = 7,      ///< another process or copy of this home connected in this device's place
  needs_token = 8,   ///< it has forgotten the group, and takes none without its operator's token
  withholds = 9,     ///< it has shown another device of the group what it does not show this one
  unreadable = 10,   ///< it holds so much that cannot be read here that what it withholds would not be noticed
};
constexpr bool valid(RelayTrouble trouble) { return trouble <= RelayTrouble::unreadable; }

/// The relay has accepted this device; what waits there is on its way.
struct RelayUp {};
/// The connection ended, or could not be made.
struct RelayDown {
  std::optional<Error> reason;
};
/// Items were taken in: views may have changed.
struct RelayApplied {
  std::size_t count = 0;
  bool roster_changed = false;
};
/// What the relay is known to hold has changed, or all of it was pulled.
struct RelayMoved {};
/// What is wrong with the relay now; none when it is over.
struct RelayTroubled {
  RelayTrouble trouble = RelayTrouble::none;
  std::uint64_t number = 0;  ///< of a quota: its bytes
};
/// Another device's presence, as it left it at the relay: maybe long ago.
struct RelayPresenceHeard {
  DeviceId device;
  wire::Presence presence;
  std::vector<wire::RelayWitness> shown;  ///< what other relays had shown it by then
};
/// A chunk that was wanted; the bytes are what the id names.
struct RelayChunk {
  ChunkId id;
  Bytes bytes;
};
/// More chunks are said to be there than before.
struct RelayObjectsMoved {};
/// Devices that are connected are to be asked once more what the relay has shown them.
struct RelayCompareAgain {};
using MailboxEvent = std::variant<RelayUp, RelayDown, RelayApplied, RelayMoved, RelayTroubled, RelayPresenceHeard,
                                  RelayChunk, RelayObjectsMoved, RelayCompareAgain>;

}  // namespace kith::sync
