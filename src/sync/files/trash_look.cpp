#include "sync/files/trash_look.hpp"

#include <algorithm>
#include <cstdlib>

namespace kith::files {

TrashLook TrashLook::after(std::optional<TrashLook> const& before, WallTime now, std::chrono::milliseconds keep) {
  if (!before) return {now, now};
  auto const most = std::max<std::chrono::milliseconds>(keep / 2, kLeastApart).count();
  bool const even = std::abs(now.ms - before->at.ms) <= most;
  // A clock that goes back a little has not been even for longer than it says.
  return {now, even ? std::min(before->even_since, now) : now};
}

}  // namespace kith::files
