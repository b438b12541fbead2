#pragma once

#include "core/sealed_box.hpp"
#include "sync/relays/taken.hpp"
#include "wire/frame.hpp"
#include "wire/relay.hpp"

/// What a device leaves at a relay for the others to see, while it is away too. @see docs/spec/objects.md, "Presence"
namespace kith::sync {

/// What is told beside a presence, signed by itself.
struct PresenceExtras {
  std::optional<Taken> taken;             ///< nullopt where there is nothing to tell
  std::vector<wire::RelayWitness> shown;  ///< by other relays, at most RelayWitness::kMost
};

/// Seals and signs a presence for one relay. What does not fit into a slot is left out: of what was shown first, then
/// contacts, then tips. What was taken is shortened.
/// @param presence  its counter is the slot's
[[nodiscard]] Bytes seal_presence(core::GroupState const& state, core::Identity const& identity, EpochId const& epoch,
                                  wire::RelayKey const& relay, wire::Pseudonym const& pseudonym,
                                  wire::Presence presence, PresenceExtras extras, RandomSource& random);

struct OpenedPresence {
  DeviceId device;
  wire::Presence presence;
  PresenceExtras extras;  ///< as far as they are told, and sound
};
/// Opens a slot and checks that the active device whose pseudonym it is has signed it.
/// @return CoreError::unknown_epoch, bad_seal, bad_signature; a WireError
[[nodiscard]] Result<OpenedPresence> open_presence(core::GroupState const& state, wire::RelayKey const& relay,
                                                   wire::RelayPresence::Slot const& slot);

}  // namespace kith::sync
