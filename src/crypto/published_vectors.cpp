#include "crypto/published_vectors.hpp"

#include <cstdio>
#include <cstdlib>

#include "support/proof.hpp"

namespace kith::crypto::vectors {
namespace {

constexpr std::size_t kLeastTotal = 1747;

std::size_t total_checked = 0;

bool required() {
  auto const* const value = std::getenv("KITH_REQUIRE_VECTORS");
  return value != nullptr && std::string_view(value) == "1";
}

bool all_tests_run() {
  auto const& tests = *::testing::UnitTest::GetInstance();
  return tests.test_to_run_count() == tests.total_test_count() && tests.skipped_test_count() == 0;
}

/// The sum over all files.
class Total final : public ::testing::Environment {
 public:
  void TearDown() override {
    testing::count_proof("known_answers", total_checked);
    if (!all_tests_run()) return;
    std::printf("published vectors: %zu checked\n", total_checked);
    EXPECT_GE(total_checked, kLeastTotal);
  }
};

[[maybe_unused]] auto* const total = ::testing::AddGlobalTestEnvironment(new Total);

}  // namespace

std::filesystem::path published_folder() {
  auto const* const named = std::getenv("KITH_VECTORS_DIR");
  return named != nullptr ? named : kDefaultPublishedFolder;
}

void PublishedVectors::SetUp() {
  if (std::filesystem::is_directory(published_folder())) return;
  ASSERT_FALSE(required()) << "KITH_REQUIRE_VECTORS is set, but KITH_VECTORS_DIR names no folder: "
                           << published_folder();
  GTEST_SKIP() << "no published vectors; set KITH_VECTORS_DIR to their folder (looked in " << published_folder() << ")";
}

Tally::~Tally() {
  auto const note = out_of_scope_ > 0 ? " (" + reason_ + ")" : "";
  std::printf("%s: %zu checked, %zu refused as they must be, %zu out of scope%s\n", file_.c_str(), checked_, refused_,
              out_of_scope_, note.c_str());
  EXPECT_GE(checked_, least_) << file_;
  total_checked += checked_;
}

}  // namespace kith::crypto::vectors
