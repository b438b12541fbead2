#pragma once

#include "base/random.hpp"

namespace kith::crypto {

/// The operating system's randomness through libsodium's randombytes_buf. Safe on any thread and after fork().
class SystemRandom final : public RandomSource {
 public:
  void fill(std::span<std::uint8_t> out) override;
};

/// Prepares libsodium; every program calls it first. Aborts where the system has no randomness.
void initialise();

}  // namespace kith::crypto
