#pragma once

#include <chrono>
#include <cstdint>

namespace kith {

/// Drives deadlines and timers; never goes back. Pure layers are given its time points, they never read it.
using Clock = std::chrono::steady_clock;
using Instant = Clock::time_point;

/// What the user's clock says, UTC milliseconds since 1970. It may jump and decides nothing about security.
struct WallTime {
  std::int64_t ms = 0;
  friend auto operator<=>(WallTime const&, WallTime const&) = default;
  [[nodiscard]] std::int64_t seconds() const { return ms / 1000; }
};

/// Both clocks at one moment, as the pure layers are given them.
struct Now {
  Instant mono;
  WallTime wall;
};

}  // namespace kith
