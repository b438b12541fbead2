#include "core/sealed_box.hpp"

#include <gtest/gtest.h>

#include "support/must.hpp"
#include "support/test_device.hpp"

namespace kith::core {
namespace {

using testing::must;

struct SealedBox : ::testing::Test {
  SealedBox() { must(device.replica.create_group("home", "a", testing::test_recovery(1), device.now())); }
  [[nodiscard]] Bytes sealed(std::string_view text, std::string_view subkey = "object",
                             std::string_view context = "here") {
    auto const epoch = device.replica.sealing_epoch().value();
    return seal_box(device.replica.state().group(), *device.replica.state().secret(epoch), subkey, bytes_of(context),
                    bytes_of(text), device.random);
  }
  [[nodiscard]] Result<Bytes> opened(ByteView box, std::string_view subkey = "object",
                                     std::string_view context = "here") {
    return open_box(device.replica.state(), subkey, bytes_of(context), box);
  }
  testing::TestDevice device{1}, other{2};
};

TEST_F(SealedBox, OpensUnderTheSameSubkeyAndContext) {
  auto const box = sealed("text");
  EXPECT_EQ(box.size(), 4 + kBoxOverheadBytes);
  auto const plain = must(opened(box));
  EXPECT_EQ(text_of(plain), "text");
  EXPECT_TRUE(opened(box, "presence").error().is(CoreError::bad_seal));
  EXPECT_TRUE(opened(box, "object", "there").error().is(CoreError::bad_seal));
  EXPECT_NE(sealed("text"), box);
}

TEST_F(SealedBox, AnotherGroupKnowsNothingOfIt) {
  must(other.replica.create_group("other", "b", testing::test_recovery(2), other.now()));
  EXPECT_TRUE(
      open_box(other.replica.state(), "object", bytes_of("here"), sealed("text")).error().is(CoreError::unknown_epoch));
}

TEST_F(SealedBox, NoBitOfItCanBeChangedAndNothingCutOff) {
  auto const box = sealed("some text");
  for (std::size_t bit = 0; bit < box.size() * 8; ++bit) {
    Bytes damaged = box;
    damaged[bit / 8] ^= static_cast<std::uint8_t>(1u << (bit % 8));
    EXPECT_FALSE(opened(damaged)) << bit;
  }
  for (std::size_t length = 0; length < box.size(); ++length)
    EXPECT_FALSE(opened(ByteView{box}.first(length))) << length;
}

}  // namespace
}  // namespace kith::core
