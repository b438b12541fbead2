#pragma once

#include <algorithm>
#include <cstdint>

#include "base/time.hpp"

namespace kith::core {

/// A hybrid logical clock: wall clock where that moves forward, a counter where it does not.
/// Source: Kulkarni et al., "Logical Physical Clocks", OPODIS 2014. It orders rival edits for people and decides
/// nothing about security. Its value: milliseconds << 16 | counter.
class HybridClock {
 public:
  /// How far another device's clock may push ours beyond the wall clock.
  static constexpr std::int64_t kMaxAheadMs = 10 * 60 * 1000;

  explicit HybridClock(std::uint64_t last = 0) : last_(last) {}

  /// The time of a new entry: later than all before.
  std::uint64_t tick(WallTime wall) {
    last_ = std::max(last_ + 1, from_wall(wall));
    return last_;
  }
  /// Takes note of an entry from another device.
  void observe(std::uint64_t hlc, WallTime wall) {
    last_ = std::max(last_, std::min(hlc, from_wall({wall.ms + kMaxAheadMs})));
  }
  [[nodiscard]] std::uint64_t last() const { return last_; }

  [[nodiscard]] static WallTime wall_of(std::uint64_t hlc) { return {static_cast<std::int64_t>(hlc >> 16)}; }

 private:
  static std::uint64_t from_wall(WallTime wall) {
    return static_cast<std::uint64_t>(std::max<std::int64_t>(wall.ms, 0)) << 16;
  }
  std::uint64_t last_;
};

}  // namespace kith::core
