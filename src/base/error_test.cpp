#include "base/error.hpp"

#include <gtest/gtest.h>

#include "base/result.hpp"

namespace kith {
namespace {

enum class FruitError { rotten, missing };
enum class RoadError { closed };

ErrorDomain const& error_domain(FruitError) {
  static constexpr ErrorDomain domain{"fruit", [](int v) -> std::string_view { return v == 0 ? "rotten" : "missing"; }};
  return domain;
}
ErrorDomain const& error_domain(RoadError) {
  static constexpr ErrorDomain domain{"road", [](int) -> std::string_view { return "closed"; }};
  return domain;
}

Result<int> half(int n) {
  if (n % 2 != 0) return fail(FruitError::rotten, CountDetail{static_cast<std::uint64_t>(n), 2});
  return n / 2;
}

Result<int> quarter(int n) {
  KITH_TRY(first, half(n));
  KITH_TRY(second, half(first));
  return second;
}

TEST(Error, SameNumberOfAnotherModuleIsAnotherError) {
  Error const error = FruitError::rotten;
  EXPECT_TRUE(error.is(FruitError::rotten));
  EXPECT_FALSE(error.is(FruitError::missing));
  EXPECT_FALSE(error.is(RoadError::closed));
  EXPECT_TRUE(error.holds<FruitError>());
  EXPECT_EQ(error.name(), "fruit.rotten");
}

TEST(Error, CarriesItsDetail) {
  Error const error{RoadError::closed, SystemDetail{28, "/home/ana"}};
  EXPECT_EQ(error.subject(), "/home/ana");
  EXPECT_EQ(std::get<SystemDetail>(error.detail()).number, 28);
}

TEST(Result, TryPassesValuesOnAndErrorsUp) {
  EXPECT_EQ(*quarter(12), 3);
  auto const failed = quarter(6);
  ASSERT_FALSE(failed);
  EXPECT_EQ(std::get<CountDetail>(failed.error().detail()).count, 3U);
}

}  // namespace
}  // namespace kith
