#pragma once

#include <span>
#include <vector>

#include "core/roster.hpp"
#include "store/store.hpp"
#include "wire/pairing.hpp"

/// The relays that an inviter told of. They are the way to the group's log for a device that does not hold it yet;
/// once it finds itself in the roster, that says which relays there are, and these mean nothing any more.
namespace kith::engine {

/// In the caller's transaction.
[[nodiscard]] Result<> put_offered_relays(store::Store& store, std::span<wire::PairOfferBox::Relay const> relays);
[[nodiscard]] Result<std::vector<core::Roster::Relay>> offered_relays(store::Store& store);

}  // namespace kith::engine
