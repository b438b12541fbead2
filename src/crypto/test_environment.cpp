#include <gtest/gtest.h>

#include "crypto/system_random.hpp"

namespace kith::crypto {
namespace {

/// Prepares libsodium as every program does; without it the tests would see its portable code only, not the fast one.
class PreparedLibrary final : public ::testing::Environment {
 public:
  void SetUp() override { initialise(); }
};

[[maybe_unused]] auto* const prepared = ::testing::AddGlobalTestEnvironment(new PreparedLibrary);

}  // namespace
}  // namespace kith::crypto
