#pragma once

#include <array>
#include <cstdint>
#include <span>

#include "base/ids.hpp"
#include "base/secret.hpp"

namespace kith {

/// Where all randomness comes from, key generation included, so that a simulation's seed replays everything.
/// The real one is crypto::SystemRandom.
class RandomSource {
 public:
  virtual ~RandomSource() = default;
  virtual void fill(std::span<std::uint8_t> out) = 0;

  template <std::size_t N>
  [[nodiscard]] std::array<std::uint8_t, N> bytes() {
    std::array<std::uint8_t, N> out;
    fill(out);
    return out;
  }
  template <class Id>
  [[nodiscard]] Id id() {
    Id out;
    fill(out.bytes);
    return out;
  }
  template <class S>
  [[nodiscard]] S secret() {
    S out;
    fill(out.mutable_view());
    return out;
  }
  [[nodiscard]] std::uint64_t u64() { return load_be<std::uint64_t>(bytes<8>().data()); }
  /// A number in [0, bound); bound > 0. The bias of the remainder is below 2^-32 for the small bounds used (delays,
  /// jitter).
  [[nodiscard]] std::uint64_t below(std::uint64_t bound) { return u64() % bound; }
};

}  // namespace kith
