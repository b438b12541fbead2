#include "crypto/dh.hpp"

#include <gtest/gtest.h>

#include "crypto/vector_files.hpp"

namespace kith::crypto {
namespace {

using vectors::from_text;
using vectors::hex;

TEST(X25519, KnownAnswersOfRfc7748) {
  auto const product = [](std::string_view scalar, std::string_view point) {
    return to_hex(dh(from_text<DhSecretKey>(scalar), from_text<DhPublicKey>(point)).value().view());
  };
  EXPECT_EQ(product("a546e36bf0527c9d3b16154b82465edd62144c0ac1fc5a18506a2244ba449ac4",  // section 5.2
                    "e6db6867583030db3594c1a424b15f7c726624ec26b3353b10a903a6d0ab1c4c"),
            "c3da55379de9c6908e94ea4df28d084f32eccf03491c71f754b4075577a28552");
  EXPECT_EQ(product("4b66e9d4d1b4673c5ad22691957d6af5c11b6421e0ea01d42ca4169e7918ba0d",
                    "e5210f12786811d3f4b7959d0538ae2c31dbe7106fc03c3efc4cd549c715a493"),
            "95cbde9476e8907d7aade45cb4b873f88b595a68799fa152e6f8f7647aac7957");
}

TEST(X25519, KeyExchangeOfRfc7748) {  // section 6.1
  auto const pair = [](std::string_view secret) { return DhKeyPair::from(from_text<DhSecretKey>(secret)); };
  auto const alice = pair("77076d0a7318a57d3c16c17251b26645df4c2f87ebc0992ab177fba51db92c2a");
  auto const bob = pair("5dab087e624a8a4b79e17f8b83800ee66f3bb1292618b6fd1c2f8b27ff88e0eb");
  EXPECT_EQ(to_hex(alice.public_key.view()), "8520f0098930a754748b7ddcb43ef75a0dbf3a0d26381af4eba4a98eaa9b4e6a");
  EXPECT_EQ(to_hex(bob.public_key.view()), "de9edb7d7b7dc1b4d35b61c2ece435373f8343c85b78674dadfc7e146f882b4f");
  EXPECT_EQ(to_hex(dh(alice.secret_key, bob.public_key).value().view()),
            "4a5d9d5ba4ce2de1728e3bf480350f25e07e21c947d19e3376f09b3c1e161742");
  EXPECT_EQ(dh(alice.secret_key, bob.public_key).value(), dh(bob.secret_key, alice.public_key).value());
}

TEST(X25519, IteratedAsInRfc7748) {  // section 5.2
  auto k = hex("0900000000000000000000000000000000000000000000000000000000000000");
  auto u = k;
  for (int round = 1; round <= 1000; ++round) {
    auto const product = dh(*DhSecretKey::from(k), *DhPublicKey::from(u)).value();
    u = std::exchange(k, Bytes(product.view().begin(), product.view().end()));
    if (round == 1) {
      EXPECT_EQ(to_hex(k), "422c8e7a6227d7bca1350b3e2bb7279f7897b87bb6854b783c60e80311ae3079");
    }
  }
  EXPECT_EQ(to_hex(k), "684cf59ba83309552800ef566f2f4d3c1c3887c49360e3875f2eb94d99532c51");
}

TEST(X25519, RefusesPointsOfSmallOrder) {
  auto const ours = DhKeyPair::from(DhSecretKey{});
  for (std::string_view const point : {"0000000000000000000000000000000000000000000000000000000000000000",
                                       "0100000000000000000000000000000000000000000000000000000000000000",
                                       "e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800",
                                       "5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157",
                                       "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
                                       "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
                                       "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f"}) {
    auto const shared = dh(ours.secret_key, from_text<DhPublicKey>(point));
    ASSERT_FALSE(shared) << point;
    EXPECT_TRUE(shared.error().is(CryptoError::weak_point)) << point;
  }
}

TEST(DhKeyPair, ComesFromTheRandomSourceAndCanBeCloned) {
  vectors::ScriptedRandom random(Bytes(32, 5));
  auto const pair = DhKeyPair::generate(random);
  EXPECT_EQ(to_hex(pair.secret_key.view()), to_hex(Bytes(32, 5)));
  auto const clone = pair.clone();
  EXPECT_EQ(clone.public_key, pair.public_key);
  EXPECT_EQ(clone.secret_key, pair.secret_key);
}

}  // namespace
}  // namespace kith::crypto
