#include "crypto/padding.hpp"

#include <bit>
#include <limits>

#include "base/assert.hpp"

namespace kith::crypto {
namespace {

constexpr std::size_t kSmallestBucket = 256;
constexpr std::size_t kLargestPowerOfTwo = 4096;

int floor_log2(std::size_t value) { return static_cast<int>(std::bit_width(value)) - 1; }

}  // namespace

std::size_t padme(std::size_t length) {
  if (length < 2) return length;                                             // the formula needs log2(log2 length)
  KITH_ASSERT(length <= std::numeric_limits<std::size_t>::max() / 2 + 1);    // above, the next size may not exist
  int const exponent = floor_log2(length);                                   // E
  int const kept_bits = floor_log2(static_cast<std::size_t>(exponent)) + 1;  // S, of the mantissa
  std::size_t const mask = (std::size_t{1} << (exponent - kept_bits)) - 1;
  return (length + mask) & ~mask;
}

std::size_t padding_bucket(std::size_t length) {
  if (length <= kSmallestBucket) return kSmallestBucket;
  if (length <= kLargestPowerOfTwo) return std::bit_ceil(length);
  return padme(length);
}

}  // namespace kith::crypto
