#pragma once

#include "core/group_state.hpp"

namespace kith::sync {

/// The entries by which a device that is no active member sees that itself: removes with their pasts, and of removes
/// that know of each other only the first ones. Behind those the group goes on without it: how much is written there,
/// and when, is not for it to see. Of removes that do not know of each other all are shown, since the device may hold
/// an answer to one of them.
///
/// For a device that only void adds brought these are the removes that void the adds it knows of; where whoever added
/// it was brought in like this as well, those that void the adds of that one.
///
/// @param held  what the device holds, as far as it is known
[[nodiscard]] Result<core::Past> removal_proof(core::GroupState const& state, DeviceId const& device,
                                               core::Past const& held);

}  // namespace kith::sync
