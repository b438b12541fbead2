#pragma once

#include <chrono>

#include "base/time.hpp"
#include "core/roster.hpp"

namespace kith::sync {

/// A relay that the group uses no more is looked at for so long.
inline constexpr auto kAttendingTime = std::chrono::hours{24 * 30};
/// So many of them at most, the last ones: any member can name and give up any number.
inline constexpr std::size_t kMostAttended = 4;
/// What is dated further ahead of this device's clock counts as made up: it would be looked at for ever.
inline constexpr auto kMostAhead = std::chrono::hours{24};

/// Relays that the group uses no more and that this device goes on looking at: a device that was away knows no other,
/// hears there which ones are used now, and says there what it is called at those. Nobody else lets it in to them.
/// @return nothing where the group uses no relay, or where this device has no place
/// @see docs/spec/relay.md, "Leaving"
[[nodiscard]] std::vector<core::Roster::Relay> attended_relays(core::Roster const& roster, DeviceId const& self,
                                                               WallTime now);

}  // namespace kith::sync
