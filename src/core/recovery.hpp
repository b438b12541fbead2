#pragma once

#include <optional>

#include "core/identity.hpp"

/// What only the recovery key needs to read: a group's beginning. @see docs/spec/objects.md, "Recovery"
namespace kith::core {

/// The genesis record of a group, if `sealed` is the entry that holds it and these are the group's recovery keys.
/// Every other item, whatever it is, gives nothing.
[[nodiscard]] std::optional<wire::Genesis> genesis_in(ByteView sealed, GroupId const& group,
                                                      RecoveryKeys const& recovery);

}  // namespace kith::core
