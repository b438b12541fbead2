#pragma once

#include <algorithm>
#include <cstdio>
#include <cstdlib>

#include "base/bytes.hpp"

/// What all fuzz targets share: how a property fails, and how an input is taken apart.
namespace kith::fuzz {

/// Stops with a crash that the fuzzer records where a property does not hold.
inline void require(bool holds, char const* property) {
  if (holds) return;
  std::fprintf(stderr, "property violated: %s\n", property);
  std::abort();
}

/// An input from the front on; at its end it gives zeros and empty views.
class Input {
 public:
  Input(std::uint8_t const* data, std::size_t size) : rest_(data, size) {}
  explicit Input(ByteView bytes) : rest_(bytes) {}

  std::uint8_t byte() {
    auto const taken = take(1);
    return taken.empty() ? 0 : taken.front();
  }
  std::uint16_t u16() {
    auto const high = byte();
    return static_cast<std::uint16_t>(high << 8 | byte());
  }
  ByteView take(std::size_t most) {
    auto const taken = rest_.first(std::min(most, rest_.size()));
    rest_ = rest_.subspan(taken.size());
    return taken;
  }
  [[nodiscard]] ByteView rest() const { return rest_; }
  [[nodiscard]] bool at_end() const { return rest_.empty(); }

 private:
  ByteView rest_;
};

/// Hands `bytes` on in pieces whose lengths `seed` decides: single bytes, short or long ones, now and then an empty
/// one.
template <class Feed>
void in_pieces(ByteView bytes, std::uint8_t seed, Feed feed) {
  std::uint32_t state = 0x9E3779B9U * (seed + 1U);
  std::size_t const longest = seed % 4 == 0 ? 1 : std::size_t{1} << (seed % 12);
  while (!bytes.empty()) {
    state = state * 1664525U + 1013904223U;
    std::size_t const length = state % 16 == 0 ? 0 : std::min<std::size_t>(1 + (state >> 8) % longest, bytes.size());
    feed(bytes.first(length));
    bytes = bytes.subspan(length);
  }
}

}  // namespace kith::fuzz

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size);
