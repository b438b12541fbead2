#include "crypto/sign.hpp"

#include <gtest/gtest.h>

#include "crypto/hash.hpp"
#include "crypto/vector_files.hpp"

namespace kith::crypto {
namespace {

using vectors::from_text;
using vectors::hex;

TEST(Ed25519, KnownAnswersOfRfc8032) {
  struct Case {
    std::string_view seed, public_key, message, signature;
  };
  for (
      auto const& [seed, public_key, message, signature] : {
          // section 7.1, tests 1 to 3
          Case{
              "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
              "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a", "",
              "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0"
              "595bbe24655141438e7a100b"},
          Case{
              "4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb",
              "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c", "72",
              "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eae"
              "b4302aeeb00d291612bb0c00"},
          Case{
              "c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7",
              "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025", "af82",
              "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984dc6594a7c15e9"
              "716ed28dc027beceea1ec40a"},
      }) {
    SigningKey const key(from_text<SignSeed>(seed));
    EXPECT_EQ(to_hex(key.public_key().view()), public_key);
    EXPECT_EQ(to_hex(key.seed().view()), seed);
    EXPECT_EQ(to_hex(key.sign_plain(hex(message)).view()), signature);
    EXPECT_TRUE(verify_plain(key.public_key(), hex(message), from_text<Signature>(signature)));
  }
}

TEST(Sign, KnownAnswersOfTheConventions) {
  auto const vectors = vectors::read_json(vectors::kOwnFolder / "conventions.json")["sign"];
  SigningKey const key(from_text<SignSeed>(vectors["seed"]));
  EXPECT_EQ(key.public_key(), from_text<SignPublicKey>(vectors["public_key"]));
  ASSERT_EQ(vectors["signatures"].size(), 3U);
  for (auto const& vector : vectors["signatures"]) {
    auto const label = vector["label"].get<std::string>();
    auto const signature = from_text<Signature>(vector["signature"]);
    EXPECT_EQ(key.sign(label, hex(vector["message"])), signature) << vector;
    EXPECT_TRUE(verify(key.public_key(), label, hex(vector["message"]), signature)) << vector;
  }
}

class SignedMessage : public ::testing::Test {
 protected:
  SigningKey key_{SignSeed{}};
  Signature signature_ = key_.sign("kith/test/1", bytes_of("abc"));
};

TEST_F(SignedMessage, VerifiesForItsKeyLabelAndMessageOnly) {
  auto const& pk = key_.public_key();
  EXPECT_TRUE(verify(pk, "kith/test/1", bytes_of("abc"), signature_));
  EXPECT_FALSE(verify(pk, "kith/test/2", bytes_of("abc"), signature_));
  EXPECT_FALSE(verify(pk, "kith/test/1", bytes_of("abd"), signature_));
  EXPECT_FALSE(verify(pk, "kith/test/1", {}, signature_));
  EXPECT_FALSE(verify_plain(pk, bytes_of("abc"), signature_));
  EXPECT_FALSE(verify_plain(pk, hash256("kith/test/1", {bytes_of("abc")}).view(), signature_));
}

TEST_F(SignedMessage, RefusesEveryFlippedBit) {
  for (std::size_t bit = 0; bit < 512; ++bit) {
    auto altered = signature_;
    altered.bytes[bit / 8] ^= static_cast<std::uint8_t>(1U << (bit % 8));
    EXPECT_FALSE(verify(key_.public_key(), "kith/test/1", bytes_of("abc"), altered)) << bit;
  }
  for (std::size_t bit = 0; bit < 256; ++bit) {
    auto other = key_.public_key();
    other.bytes[bit / 8] ^= static_cast<std::uint8_t>(1U << (bit % 8));
    EXPECT_FALSE(verify(other, "kith/test/1", bytes_of("abc"), signature_)) << bit;
  }
}

/// S + L is the same scalar in another spelling (RFC 8032, section 5.1.7): a signature must have one spelling only.
TEST_F(SignedMessage, RefusesASecondSpellingOfTheScalar) {
  auto const order = hex("edd3f55c1a631258d69cf7a2def9de1400000000000000000000000000000010");  // L, little-endian
  auto altered = signature_;
  unsigned carry = 0;
  for (std::size_t i = 0; i < 32; ++i) {
    carry += altered.bytes[32 + i] + order[i];
    altered.bytes[32 + i] = static_cast<std::uint8_t>(carry);
    carry >>= 8;
  }
  EXPECT_FALSE(verify(key_.public_key(), "kith/test/1", bytes_of("abc"), altered));
}

/// Under the point of order one, R = identity and S = 0 satisfy the equation for every message.
TEST(Ed25519, RefusesKeysOfSmallOrder) {
  SignPublicKey identity;
  identity.bytes[0] = 1;
  Signature forged;
  forged.bytes[0] = 1;
  EXPECT_FALSE(verify_plain(identity, bytes_of("anything"), forged));
  EXPECT_FALSE(verify_plain(SignPublicKey{}, bytes_of("anything"), Signature{}));
}

/// Two verifiers that differ in one of these would hold different entries. A library with another rule fails here.
TEST(Ed25519, HasOneRuleAtTheEdges) {
  auto const vectors = vectors::read_json(vectors::kOwnFolder / "ed25519_edges.json")["ed25519_edges"];
  std::size_t accepted = 0, of_the_cofactor = 0;
  for (auto const& vector : vectors) {
    bool const valid = vector["valid"].get<bool>();
    EXPECT_EQ(verify_plain(from_text<SignPublicKey>(vector["public_key"]), hex(vector["message"]),
                           from_text<Signature>(vector["signature"])),
              valid)
        << vector["what"];
    accepted += valid ? 1 : 0;
    of_the_cofactor += !valid && vector["equation_times_8"].get<bool>() ? 1 : 0;
  }
  EXPECT_EQ(vectors.size(), 19U);
  EXPECT_EQ(accepted, 3U) << "an ordinary one, and two under a key of mixed order";
  EXPECT_GE(of_the_cofactor, 12U) << "that another rule would accept";
}

TEST(SigningKey, ComesFromTheRandomSource) {
  vectors::ScriptedRandom random(Bytes(32, 5));
  auto const key = SigningKey::generate(random);
  EXPECT_EQ(to_hex(key.seed().view()), to_hex(Bytes(32, 5)));
}

}  // namespace
}  // namespace kith::crypto
