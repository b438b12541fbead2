#include "core/vault.hpp"

#include <gtest/gtest.h>

#include "support/must.hpp"
#include "support/seeded_random.hpp"

namespace kith::core {
namespace {

using testing::must;

struct Vault : ::testing::Test {
  void expect_refused(StorageKey const& with, std::string_view name, ByteView bytes) {
    auto const opened = open_at_rest(with, name, bytes);
    ASSERT_FALSE(opened);
    EXPECT_TRUE(opened.error().is(CoreError::corrupt_record));
  }
  testing::SeededRandom random{1};
  StorageKey key = random.secret<StorageKey>();
  Bytes sealed = seal_at_rest(key, "row", bytes_of("a secret"), random);
};

TEST_F(Vault, OpensWhatItSealed) {
  EXPECT_EQ(must(open_at_rest(key, "row", sealed)).text(), "a secret");
  auto const empty = seal_at_rest(key, "row", {}, random);
  EXPECT_TRUE(must(open_at_rest(key, "row", empty)).empty());
}

TEST_F(Vault, ShowsNothingAndNeverLooksTheSame) {
  EXPECT_EQ(text_of(sealed).find("secret"), std::string_view::npos);
  EXPECT_EQ(sealed.size(), 24 + 8 + 16U);
  EXPECT_NE(seal_at_rest(key, "row", bytes_of("a secret"), random), sealed);
}

TEST_F(Vault, RefusesAnotherKeyAndAnotherRow) {
  expect_refused(random.secret<StorageKey>(), "row", sealed);
  expect_refused(key, "other row", sealed);
  expect_refused(key, "", sealed);
}

TEST_F(Vault, RefusesEveryFlippedBitAndEveryTruncation) {
  for (std::size_t bit = 0; bit < sealed.size() * 8; ++bit) {
    auto bad = sealed;
    bad[bit / 8] = static_cast<std::uint8_t>(bad[bit / 8] ^ (1 << bit % 8));
    expect_refused(key, "row", bad);
  }
  for (std::size_t size = 0; size < sealed.size(); ++size) expect_refused(key, "row", ByteView{sealed}.first(size));
}

}  // namespace
}  // namespace kith::core
