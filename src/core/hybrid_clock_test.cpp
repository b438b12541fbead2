#include "core/hybrid_clock.hpp"

#include <gtest/gtest.h>

namespace kith::core {
namespace {

constexpr WallTime kNoon{1'800'000'000'000};
constexpr std::uint64_t hlc(WallTime wall, std::uint64_t count = 0) {
  return (static_cast<std::uint64_t>(wall.ms) << 16) + count;
}

TEST(HybridClock, TicksWithTheWallClock) {
  HybridClock clock;
  EXPECT_EQ(clock.tick(kNoon), hlc(kNoon));
  EXPECT_EQ(clock.tick({kNoon.ms + 5}), hlc({kNoon.ms + 5}));
}

TEST(HybridClock, NeverStandsStillAndNeverGoesBack) {
  HybridClock clock;
  auto last = clock.tick(kNoon);
  for (std::int64_t const wall :
       {kNoon.ms, kNoon.ms, kNoon.ms - 1, kNoon.ms - 3'600'000, std::int64_t{0}, std::int64_t{-5}}) {
    auto const next = clock.tick({wall});
    EXPECT_EQ(next, last + 1) << wall;
    last = next;
  }
}

TEST(HybridClock, IsLaterThanWhatItObserved) {
  HybridClock clock;
  clock.observe(hlc({kNoon.ms + 60'000}, 7), kNoon);
  EXPECT_EQ(clock.tick(kNoon), hlc({kNoon.ms + 60'000}, 8));
}

TEST(HybridClock, IsNotPushedMoreThanTenMinutesAhead) {
  HybridClock clock;
  clock.observe(~std::uint64_t{0}, kNoon);
  EXPECT_EQ(clock.last(), hlc({kNoon.ms + 600'000}));
  clock.observe(hlc({kNoon.ms + 600'001}), kNoon);
  EXPECT_EQ(clock.last(), hlc({kNoon.ms + 600'000}));
}

TEST(HybridClock, ObservingThePastChangesNothing) {
  HybridClock clock(hlc(kNoon, 3));
  clock.observe(hlc({kNoon.ms - 1}), kNoon);
  clock.observe(0, {0});
  EXPECT_EQ(clock.last(), hlc(kNoon, 3));
}

TEST(HybridClock, SaysWhenAnEntryWasWritten) { EXPECT_EQ(HybridClock::wall_of(hlc(kNoon, 65535)), kNoon); }

}  // namespace
}  // namespace kith::core
