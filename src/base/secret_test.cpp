#include "base/secret.hpp"

#include <new>

#include <gtest/gtest.h>

#include "base/ids.hpp"

namespace kith {
namespace {

using Key = Secret<32, struct KeyTag>;
using OtherKey = Secret<32, struct OtherKeyTag>;

static_assert(!std::is_copy_constructible_v<Key> && !std::is_copy_assignable_v<Key>);
static_assert(!std::is_convertible_v<Key, OtherKey> && !std::is_constructible_v<OtherKey, Key>);
static_assert(!std::is_convertible_v<GroupId, DeviceId> && !std::is_convertible_v<std::uint64_t, Seq>);

TEST(Secret, IsWipedWhereItWasAfterMoveAndDestruction) {
  alignas(Key) std::array<std::uint8_t, sizeof(Key)> memory;
  std::array<std::uint8_t, 32> bytes;
  bytes.fill(0xA5);
  auto* key = new (memory.data()) Key(std::span<std::uint8_t const, 32>{bytes});
  Key moved = std::move(*key);
  EXPECT_EQ(moved.view()[31], 0xA5);
  EXPECT_EQ(memory, decltype(memory){});

  *key = moved.clone();
  EXPECT_EQ(memory, bytes);
  key->~Key();
  // The compiler may not drop the wipe although nobody reads the object again.
  std::uint8_t const volatile* after = memory.data();
  for (std::size_t i = 0; i < memory.size(); ++i) EXPECT_EQ(after[i], 0);
}

TEST(Secret, ComparesByContent) {
  std::array<std::uint8_t, 32> bytes{};
  Key const a{std::span<std::uint8_t const, 32>{bytes}};
  bytes[31] = 1;
  Key const b{std::span<std::uint8_t const, 32>{bytes}};
  EXPECT_FALSE(a == b);
  EXPECT_TRUE(b == b.clone());
  EXPECT_FALSE(Key::from(Bytes(31)).has_value());
}

}  // namespace
}  // namespace kith
