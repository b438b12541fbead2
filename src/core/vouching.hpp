#pragma once

#include <set>

#include "core/roster.hpp"
#include "core/waiting_room.hpp"

namespace kith::core {

/// Tells what active devices have built upon: what an entry by one of them waits for, directly or through others that
/// wait. Such entries are taken in beyond the limits on what is set aside, since whoever waits for them comes to count.
/// Lives as long as one transaction takes items in, while the roster stays as it is.
class Vouching {
 public:
  Vouching(WaitingRoom const& waiting, Roster const& roster) : waiting_(waiting), roster_(roster) {}

  [[nodiscard]] Result<bool> needs(EntryHash const& entry);
  /// Whether something of the log is needed by an entry of another author.
  [[nodiscard]] Result<bool> names(LogId const& log);
  /// To be told of each entry that begins to wait.
  [[nodiscard]] Result<> waits(Tip const& entry);

 private:
  WaitingRoom const& waiting_;
  Roster const& roster_;
  std::set<EntryHash> not_needed_;  ///< looked at already: no entry is looked at again for each one that it needs
};

}  // namespace kith::core
