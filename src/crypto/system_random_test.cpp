#include "crypto/system_random.hpp"

#include <algorithm>
#include <set>

#include <gtest/gtest.h>

namespace kith::crypto {
namespace {

TEST(SystemRandom, FillsEveryByteAndNeverRepeats) {
  SystemRandom random;
  std::set<std::array<std::uint8_t, 16>> seen;
  std::array<bool, 16> byte_was_set{};
  for (int i = 0; i < 1000; ++i) {
    auto const drawn = random.bytes<16>();
    for (std::size_t at = 0; at < drawn.size(); ++at) byte_was_set[at] |= drawn[at] != 0;
    EXPECT_TRUE(seen.insert(drawn).second);
  }
  EXPECT_TRUE(std::all_of(byte_was_set.begin(), byte_was_set.end(), [](bool set) { return set; }));
  random.fill({});
}

TEST(SystemRandom, InitialisingTwiceIsHarmless) {
  initialise();
  initialise();
}

}  // namespace
}  // namespace kith::crypto
