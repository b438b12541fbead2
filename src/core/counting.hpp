#pragma once

#include <functional>
#include <map>

#include "core/roster.hpp"

/// Which entries of removed devices count, and which entries belong to the heads. @see docs/spec/roster.md, "What
/// counts"
namespace kith::core {

/// A chain as counting needs it: every applied entry of it, set aside or not, has a seq in [first, last].
struct CountedChain {
  DeviceId author;
  Seq first;
  Seq last;
};

struct Counting {
  std::map<ChainNo, Seq> counted;  ///< the last seq of each chain that counts (below `first`: none does)
  Past heads;                      ///< entries that count, those that the roster rests on, and all their pasts
};

/// The past of the entry at a place; the place exists.
using PastOf = std::function<Result<Past>(ChainPlace)>;

/// Computes what counts. Entries of active devices all do. An entry of a removed device counts if, for each remove
/// counted against its author, it is in the remove's past, or in the past of a counting entry that does not know that
/// remove and is by a device that is neither the author nor was added only through it: the least set for which that is
/// so.
[[nodiscard]] Result<Counting> compute_counting(Roster const& roster, std::map<ChainNo, CountedChain> const& chains,
                                                PastOf const& past_of);

}  // namespace kith::core
