#include "crypto/error.hpp"

#include <set>

#include <gtest/gtest.h>

namespace kith::crypto {
namespace {

TEST(CryptoError, EveryValueHasItsOwnName) {
  std::set<std::string> names;
  int const last = static_cast<int>(CryptoError::cost_out_of_range);
  for (int value = 0; value <= last; ++value) names.insert(Error(static_cast<CryptoError>(value)).name());
  EXPECT_EQ(names.size(), static_cast<std::size_t>(last) + 1);
  EXPECT_TRUE(names.contains("crypto.not_authentic"));
  EXPECT_TRUE(names.contains("crypto.cost_out_of_range"));
}

}  // namespace
}  // namespace kith::crypto
