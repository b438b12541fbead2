#include <gtest/gtest.h>

#include "proof/structures.hpp"
#include "support/proof.hpp"

/// Nothing that is sealed or signed is believed with a bit flipped, cut off, made longer, or put together of two.
namespace kith::testing {
namespace {

/// @return how many changed ones were refused
std::size_t refused_changes(Structure const& structure) {
  auto const& good = structure.good;
  std::size_t tried = 0;
  auto const refuse = [&](ByteView bytes, char const* how, std::size_t at) {
    ++tried;
    EXPECT_FALSE(structure.accepted(bytes)) << structure.name << ": " << how << " " << at;
  };
  std::size_t const counted = structure.counted == 0 ? good.size() : structure.counted;
  for (std::size_t bit = 0; bit < counted * 8; bit += structure.every_bit) {
    Bytes flipped = good;
    flipped[bit / 8] = static_cast<std::uint8_t>(flipped[bit / 8] ^ 1U << bit % 8);
    refuse(flipped, "bit", bit);
  }
  std::size_t const step = structure.every_bit == 1 ? 1 : structure.every_bit / 4 + 1;
  for (std::size_t length = 0; length < counted; length += step)
    refuse(ByteView{good}.first(length), "cut off at", length);
  if (structure.ends && counted == good.size()) {
    Bytes longer = good;
    longer.push_back(0);
    refuse(longer, "a byte more than", good.size());
  }
  EXPECT_TRUE(structure.accepted(good)) << structure.name;
  return tried;
}

void expect_refused(std::vector<Structure> const& structures) {
  std::size_t tried = 0;
  for (auto const& structure : structures) tried += refused_changes(structure);
  if (!::testing::Test::HasFailure()) count_proof("bit_flips", tried);
}

TEST(Flips, NothingSealedOpens) { expect_refused(sealed_structures()); }
TEST(Flips, NothingSignedIsBelieved) { expect_refused(signed_structures()); }
TEST(Flips, NoConversationGoesOn) { expect_refused(conversation_structures()); }

TEST(Flips, NothingIsPutTogetherOfTwo) {
  std::size_t tried = 0;
  for (auto const& pair : structure_pairs()) {
    ASSERT_EQ(pair.one.size(), pair.other.size()) << pair.name;
    auto const one = pair.joined(pair.one), other = pair.joined(pair.other);
    ASSERT_TRUE(pair.accepted(one) && pair.accepted(other)) << pair.name;
    for (std::size_t taken = 1; taken + 1 < std::size_t{1} << pair.one.size(); ++taken) {
      auto parts = pair.one;
      for (std::size_t i = 0; i < parts.size(); ++i) {
        if ((taken >> i & 1) != 0) parts[i] = pair.other[i];
      }
      auto const mixed = pair.joined(parts);
      if (mixed == one || mixed == other) continue;
      ++tried;
      ASSERT_FALSE(pair.accepted(mixed)) << pair.name << ": fields " << taken;
    }
  }
  count_proof("bit_flips", tried);
}

}  // namespace
}  // namespace kith::testing
