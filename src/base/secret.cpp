#include "base/secret.hpp"

namespace kith {
namespace {

constexpr std::size_t kStackBytes = std::size_t{64} * 1024;  // a few calls deep, each with a few kilobytes
/// How much memcpy moves at once decides which registers it uses: one of each kind that a secret is long.
constexpr std::array<std::size_t, 6> kCopies{16, 32, 64, 128, 256, 1024};

}  // namespace

void wipe_leftovers() {
  static constexpr std::array<std::uint8_t, kCopies.back()> kZeros{};
  std::array<std::uint8_t, kCopies.back()> target;
  // Volatile, so that it is neither left out nor inlined.
  void* (*const volatile copy)(void*, void const*, std::size_t) = std::memcpy;
  for (auto const size : kCopies) copy(target.data(), kZeros.data(), size);
  sodium_stackzero(kStackBytes);
}

}  // namespace kith
