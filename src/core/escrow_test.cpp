#include "core/escrow.hpp"

#include <set>

#include <gtest/gtest.h>

#include "support/must.hpp"
#include "support/test_device.hpp"

namespace kith::core {
namespace {

using testing::must;

struct EscrowAtARelay : ::testing::Test {
  Escrow made(std::string name) {
    Escrow escrow;
    escrow.channel = random.id<wire::ChannelId>();
    escrow.channel_key = random.secret<crypto::SignSeed>();
    escrow.group = random.id<GroupId>();
    escrow.name = std::move(name);
    return escrow;
  }
  testing::SeededRandom random{4};
  RecoveryKeys words = testing::test_recovery(1), others = testing::test_recovery(2);
  wire::RelayKey relay = random.id<wire::RelayKey>();
};

TEST_F(EscrowAtARelay, OpensWithTheWordsAtThatRelayAndNothingElse) {
  auto const escrow = made("home");
  auto const sealed = seal_escrow(escrow, words.dx.public_key, relay, random);
  auto const opened = must(open_escrow(sealed, words, relay));
  EXPECT_EQ(wire::encode(opened), wire::encode(escrow));
  EXPECT_FALSE(open_escrow(sealed, others, relay));
  EXPECT_FALSE(open_escrow(sealed, words, random.id<wire::RelayKey>()));
  EXPECT_NE(sealed, seal_escrow(escrow, words.dx.public_key, relay, random)) << "a fresh key each time";
  EXPECT_LE(sealed.size(), wire::kRelayLimits.max_recovery_bytes);
}

TEST_F(EscrowAtARelay, ItsLengthSaysNothingOfTheName) {
  std::set<std::size_t> lengths;
  for (std::size_t const length : {std::size_t{1}, std::size_t{40}, kLimits.max_name_bytes}) {
    auto const escrow = made(std::string(length, 'x'));
    auto const sealed = seal_escrow(escrow, words.dx.public_key, relay, random);
    EXPECT_EQ(must(open_escrow(sealed, words, relay)).name.size(), length);
    lengths.insert(sealed.size());
  }
  EXPECT_EQ(lengths.size(), 1u);
}

TEST_F(EscrowAtARelay, NoBitOfItCanBeChanged) {
  auto const sealed = seal_escrow(made("home"), words.dx.public_key, relay, random);
  for (std::size_t bit = 0; bit < sealed.size() * 8; ++bit) {
    Bytes damaged = sealed;
    damaged[bit / 8] ^= static_cast<std::uint8_t>(1u << (bit % 8));
    // X25519 ignores the top bit of a public key, the key derivation does not.
    EXPECT_FALSE(open_escrow(damaged, words, relay)) << bit;
  }
  for (std::size_t length = 0; length < sealed.size(); ++length)
    EXPECT_FALSE(open_escrow(ByteView{sealed}.first(length), words, relay)) << length;
}

TEST_F(EscrowAtARelay, EachRelayHasAnotherLocator) {
  auto const first = recovery_locator(words.locator, relay);
  EXPECT_EQ(first, recovery_locator(words.locator, relay));
  EXPECT_NE(first, recovery_locator(words.locator, random.id<wire::RelayKey>()));
  EXPECT_NE(first, recovery_locator(others.locator, relay));
}

}  // namespace
}  // namespace kith::core
