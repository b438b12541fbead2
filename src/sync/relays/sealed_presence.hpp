#pragma once

#include "core/sealed_box.hpp"
#include "sync/relays/taken.hpp"
#include "wire/frame.hpp"
#include "wire/relay.hpp"

/// What a device leaves at a relay for the others to see, while it is away too. @see docs/spec/objects.md, "Presence"
namespace kith::sync {

/// Seals and signs a presence for one relay. What does not fit into a slot is left out: first contacts, then tips.
/// @param presence  its counter is the slot's
/// @param taken     told beside it, shortened where it does not fit; nullopt where there is nothing to tell
[[nodiscard]] Bytes seal_presence(core::GroupState const& state, core::Identity const& identity, EpochId const& epoch,
                                  wire::RelayKey const& relay, wire::Pseudonym const& pseudonym,
                                  wire::Presence presence, std::optional<Taken> taken, RandomSource& random);

struct OpenedPresence {
  DeviceId device;
  wire::Presence presence;
  std::optional<Taken> taken;  ///< where it is told, and is sound
};
/// Opens a slot and checks that the active device whose pseudonym it is has signed it.
/// @return CoreError::unknown_epoch, bad_seal, bad_signature; a WireError
[[nodiscard]] Result<OpenedPresence> open_presence(core::GroupState const& state, wire::RelayKey const& relay,
                                                   wire::RelayPresence::Slot const& slot);

}  // namespace kith::sync
