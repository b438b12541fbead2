#pragma once

#include <vector>

#include "sync/away/lacking_contents.hpp"

namespace kith::sync {

/// What has come of a look at what devices that are away lack.
struct AwayServed {
  bool looked = false;   ///< the contents were gone through: of very many that takes a while
  bool again = false;    ///< an upload is under way, and counts as not there yet: to be looked at again in a while
  bool uploads = false;  ///< something is to be left that is not there
};

/// Leaves at the relays what devices that are away lack of contents, and takes from there what nobody lacks any more. A
/// relay that has no room holds up no other: what can go from it makes room, and when it goes on it says so.
/// @param mailboxes  all that there are, connected or not: each knows who has taken what
[[nodiscard]] Result<AwayServed> serve_away(std::vector<Mailbox*> const& mailboxes, ContentSources const& sources,
                                            Exchange& exchange, Now now);

}  // namespace kith::sync
