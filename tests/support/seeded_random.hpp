#pragma once

#include <array>

#include <sodium/randombytes.h>

#include "base/random.hpp"

namespace kith::testing {

/// Randomness that a seed decides, for tests and simulations that must be repeatable.
class SeededRandom final : public RandomSource {
 public:
  explicit SeededRandom(std::uint64_t seed) { store_be(seed_.data(), seed); }

  void fill(std::span<std::uint8_t> out) override {
    store_be(seed_.data() + 8, ++calls_);
    randombytes_buf_deterministic(out.data(), out.size(), seed_.data());
  }

 private:
  std::array<std::uint8_t, randombytes_SEEDBYTES> seed_{};
  std::uint64_t calls_ = 0;
};

}  // namespace kith::testing
