#include "crypto/padding.hpp"

#include <cmath>
#include <set>

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

namespace kith::crypto {
namespace {

TEST(Padme, KnownAnswers) {
  // 67 and 74: padding_test of github.com/dedis/purb (BSD-3-Clause); the rest from the paper's formula.
  EXPECT_EQ(padme(67), 72U);
  EXPECT_EQ(padme(74), 80U);
  for (std::size_t length = 0; length <= 8; ++length) EXPECT_EQ(padme(length), length);
  EXPECT_EQ(padme(9), 10U);
  EXPECT_EQ(padme(1048577), 1081344U);
  EXPECT_EQ(padme(1099511640121), 1116691496960U);
}

/// The paper's figure 4, in its own words and with floating point.
std::size_t padme_of_the_paper(std::size_t length) {
  auto const e = std::floor(std::log2(length));
  auto const s = std::floor(std::log2(e)) + 1;
  auto const last_bits = static_cast<unsigned>(e - s);
  auto const bit_mask = (std::size_t{1} << last_bits) - 1;
  return (length + bit_mask) & ~bit_mask;
}

TEST(Padme, AgreesWithThePaperForEveryLengthUpTo64KiB) {
  for (std::size_t length = 2; length <= 65536; ++length)
    ASSERT_EQ(padme(length), padme_of_the_paper(length)) << length;
}

RC_GTEST_PROP(Padme, NeverShrinksAndAddsAtMostTwelvePercent, ()) {
  auto const length = *rc::gen::inRange<std::size_t>(1, std::size_t{1} << 50);
  auto const padded = padme(length);
  RC_ASSERT(padded >= length);
  RC_ASSERT((padded - length) * 100 <= length * 12);
  RC_ASSERT(padme(padded) == padded);
}

TEST(PaddingBucket, PowersOfTwoThenPadme) {
  EXPECT_EQ(padding_bucket(0), 256U);
  EXPECT_EQ(padding_bucket(256), 256U);
  EXPECT_EQ(padding_bucket(257), 512U);
  EXPECT_EQ(padding_bucket(2049), 4096U);
  EXPECT_EQ(padding_bucket(4096), 4096U);
  EXPECT_EQ(padding_bucket(4097), 4352U);
  EXPECT_EQ(padding_bucket(65536), 65536U);
}

TEST(PaddingBucket, FewSizesUpTo64KiB) {
  std::set<std::size_t> buckets;
  std::size_t previous = 0;
  for (std::size_t length = 0; length <= 65536; ++length) {
    auto const bucket = padding_bucket(length);
    EXPECT_GE(bucket, length);
    EXPECT_GE(bucket, previous);
    previous = bucket;
    buckets.insert(bucket);
  }
  EXPECT_EQ(buckets.size(), 5U + 4 * 16);  // 256 to 4096, then sixteen in each of the four octaves
}

}  // namespace
}  // namespace kith::crypto
