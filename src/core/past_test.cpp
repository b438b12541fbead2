#include "core/past.hpp"

#include <map>

#include <gtest/gtest.h>

#include "support/must.hpp"
#include "support/seeds.hpp"

namespace kith::core {
namespace {

using testing::Dice;
using testing::must;

ChainPlace at(std::uint32_t chain, std::uint64_t seq) { return {{chain}, {seq}}; }

Past past_of(std::initializer_list<ChainPlace> places) {
  Past past;
  for (auto const& place : places) past.include(place);
  return past;
}

TEST(Past, AnEmptyOneContainsNothing) {
  Past const empty;
  EXPECT_FALSE(empty.contains(at(1, 1)));
  EXPECT_EQ(empty.last({1}), Seq{0});
  EXPECT_TRUE(empty.encode().empty());
  EXPECT_TRUE(past_of({at(1, 1)}).includes(empty));
  EXPECT_FALSE(empty.includes(past_of({at(1, 1)})));
}

TEST(Past, ContainsEachChainUpToItsLastSeq) {
  auto const past = past_of({at(2, 5), at(9, 1)});
  EXPECT_TRUE(past.contains(at(2, 1)));
  EXPECT_TRUE(past.contains(at(2, 5)));
  EXPECT_FALSE(past.contains(at(2, 6)));
  EXPECT_FALSE(past.contains(at(1, 1)));
  EXPECT_FALSE(past.contains(at(3, 1)));
  EXPECT_TRUE(past.contains(at(9, 1)));
  EXPECT_FALSE(past.contains(at(10, 1)));
}

TEST(Past, IncludingKeepsTheLargerSeqAndTheOrderOfChains) {
  auto past = past_of({at(7, 3), at(2, 4), at(5, 1), at(7, 2), at(2, 9)});
  EXPECT_EQ(past.places(), (std::vector<ChainPlace>{at(2, 9), at(5, 1), at(7, 3)}));
}

TEST(Past, AgreesWithASetOfPlacesInEveryQuestion) {
  testing::for_each_seed(2000, [](std::uint64_t seed) -> ::testing::AssertionResult {
    Dice dice(seed);
    std::array<Past, 2> pasts;
    std::array<std::map<std::uint32_t, std::uint64_t>, 2> expected;
    for (std::size_t i = dice.below(20); i > 0; --i) {
      auto const which = dice.below(2);
      auto const chain = static_cast<std::uint32_t>(dice.between(1, 6));
      std::uint64_t const seq = dice.between(1, 9);
      pasts[which].include(at(chain, seq));
      expected[which][chain] = std::max(expected[which][chain], seq);
    }
    bool includes = true;
    for (auto const& [chain, seq] : expected[1]) includes = includes && expected[0][chain] >= seq;
    if (pasts[0].includes(pasts[1]) != includes) return ::testing::AssertionFailure() << "includes";
    if (must(Past::decode(pasts[0].encode())) != pasts[0]) return ::testing::AssertionFailure() << "encoding";
    pasts[0].include(pasts[1]);
    for (auto const& [chain, seq] : expected[1]) expected[0][chain] = std::max(expected[0][chain], seq);
    for (std::uint32_t chain = 0; chain < 8; ++chain) {
      for (std::uint64_t seq = 1; seq < 11; ++seq) {
        auto const known = expected[0].find(chain);
        bool const contained = known != expected[0].end() && known->second >= seq;
        if (pasts[0].contains(at(chain, seq)) != contained) return ::testing::AssertionFailure() << chain << ' ' << seq;
      }
    }
    return ::testing::AssertionSuccess();
  });
}

TEST(Past, EncodesTwelveBytesForEachChain) {
  EXPECT_EQ(past_of({at(0x01020304, 0x05060708090A0B0C)}).encode(), (Bytes{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12}));
}

TEST(Past, RefusesWhatItDidNotEncode) {
  auto const good = past_of({at(1, 3), at(2, 4)}).encode();
  for (std::size_t cut = 1; cut < good.size(); ++cut) {
    if (cut == 12) continue;  // the first place alone
    EXPECT_FALSE(Past::decode(ByteView{good}.first(cut))) << cut;
  }
  Bytes swapped(good.begin() + 12, good.end());
  append(swapped, ByteView{good}.first(12));
  auto const refused = Past::decode(swapped);
  ASSERT_FALSE(refused);
  EXPECT_TRUE(refused.error().is(CoreError::corrupt_record));
  Bytes twice = past_of({at(1, 3)}).encode();
  append(twice, past_of({at(1, 4)}).encode());
  EXPECT_FALSE(Past::decode(twice));
}

}  // namespace
}  // namespace kith::core
