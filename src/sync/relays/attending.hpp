#pragma once

#include "base/result.hpp"
#include "core/roster.hpp"
#include "store/store.hpp"

namespace kith::sync {

/// So many of them at most, the last ones: any member can name and give up any number.
inline constexpr std::size_t kMostAttended = 4;

/// Relays that the group uses no more and that this device goes on looking at: a device that was away knows no other,
/// hears there which ones are used now, and says there what it is called at those. Nobody else lets it in to them. A
/// device that no used relay has ever let in is such a device itself, also once it has said what it is called there:
/// only where it was known so far can others hear it. It ends when each such device is found elsewhere or is removed,
/// not with time: clocks may be years off, and nobody else would lead the device back.
/// @return nothing where the group uses no relay, or where this device has no place; errors are those of the store
/// @see docs/spec/relay.md, "Leaving"
[[nodiscard]] Result<std::vector<core::Roster::Relay>> attended_relays(core::Roster const& roster, DeviceId const& self,
                                                                       store::Store& store);

}  // namespace kith::sync
