#include "crypto/aead.hpp"
#include "crypto/dh.hpp"
#include "crypto/kdf.hpp"
#include "crypto/published_vectors.hpp"
#include "crypto/sign.hpp"

/// github.com/C2SP/wycheproof (Apache-2.0), testvectors_v1. Where a vector breaks a length that a type of ours fixes,
/// not building the type is the refusal.
namespace kith::crypto {
namespace {

using vectors::from_text;
using vectors::hex;
using vectors::Json;
using vectors::Tally;

class Wycheproof : public vectors::PublishedVectors {
 protected:
  /// Calls `check(vector, group, valid, tally)` for each vector of the file, of which there are `count`.
  template <class Check>
  static void for_each(std::string const& file, std::size_t count, Check check) {
    auto const content = json(file);
    ASSERT_EQ(content.at("numberOfTests"), count);
    Tally tally(file, count);
    for (auto const& group : content.at("testGroups")) {
      for (auto const& vector : group.at("tests")) {
        SCOPED_TRACE(file + " tcId " + vector.at("tcId").dump());
        check(vector, group, vector.at("result") == "valid", tally);
      }
    }
  }
};

TEST_F(Wycheproof, X25519) {
  for_each("wycheproof_x25519_test.json", 518, [](Json const& vector, Json const&, bool, Tally& tally) {
    // "acceptable" are unusual keys that RFC 7748 computes like any other; all-zero results alone are refused.
    auto const ours = from_text<DhSecretKey>(vector["private"]);
    auto const expected = from_text<SharedSecret>(vector["shared"]);
    auto const shared = dh(ours, from_text<DhPublicKey>(vector["public"]));
    if (expected == SharedSecret{}) {
      EXPECT_TRUE(!shared && shared.error().is(CryptoError::weak_point));
      tally.refused();
    } else {
      EXPECT_TRUE(shared && *shared == expected);
      tally.checked();
    }
  });
}

TEST_F(Wycheproof, Ed25519) {
  for_each("wycheproof_ed25519_test.json", 151, [](Json const& vector, Json const& group, bool valid, Tally& tally) {
    auto const key = from_text<SignPublicKey>(group["publicKey"]["pk"]);
    auto const signature = Signature::from(hex(vector["sig"]));
    EXPECT_EQ(signature && verify_plain(key, hex(vector["msg"]), *signature), valid);
    valid ? tally.checked() : tally.refused();
  });
}

/// Seals and opens one AEAD vector with functions that take the nonce as `Nonce`.
template <class Nonce, class Seal, class Open>
void check_aead(Json const& vector, std::optional<Nonce> const& nonce, bool valid, Seal seal, Open open) {
  if (!nonce) {
    EXPECT_FALSE(valid);
    return;
  }
  auto const key = from_text<AeadKey>(vector["key"]);
  auto const aad = hex(vector["aad"]);
  auto const message = hex(vector["msg"]);
  auto sealed = hex(vector["ct"]);
  append(sealed, hex(vector["tag"]));

  Bytes ours;
  Bytes opened;
  seal(key, *nonce, aad, message, ours);
  EXPECT_EQ(ours == sealed, valid);
  EXPECT_EQ(open(key, *nonce, aad, sealed, opened).has_value(), valid);
  EXPECT_EQ(opened, valid ? message : Bytes{});
}

TEST_F(Wycheproof, ChaCha20Poly1305) {
  for_each("wycheproof_chacha20_poly1305_test.json", 325,
           [](Json const& vector, Json const&, bool valid, Tally& tally) {
             using Nonce = std::array<std::uint8_t, 12>;
             auto const iv = hex(vector["iv"]);
             std::optional<Nonce> nonce;
             if (iv.size() == 12) std::copy(iv.begin(), iv.end(), nonce.emplace().begin());
             check_aead(vector, nonce, valid, chacha_seal, chacha_open);
             valid ? tally.checked() : tally.refused();
           });
}

TEST_F(Wycheproof, XChaCha20Poly1305) {
  for_each("wycheproof_xchacha20_poly1305_test.json", 315,
           [](Json const& vector, Json const&, bool valid, Tally& tally) {
             check_aead(vector, XNonce::from(hex(vector["iv"])), valid, xchacha_seal, xchacha_open);
             valid ? tally.checked() : tally.refused();
           });
}

TEST_F(Wycheproof, HkdfSha256) {
  for_each("wycheproof_hkdf_sha256_test.json", 86, [](Json const& vector, Json const&, bool valid, Tally& tally) {
    Bytes okm(vector["size"].get<std::size_t>());
    auto const derive = [&] { hkdf_sha256(hex(vector["salt"]), hex(vector["ikm"]), hex(vector["info"]), okm); };
    if (valid) {
      derive();
      EXPECT_EQ(okm, hex(vector["okm"]));
      tally.checked();
    } else {
      EXPECT_DEATH(derive(), "bug at");  // more than 255 blocks: no input can ask for them, only our own code
      tally.refused();
    }
  });
}

TEST_F(Wycheproof, HmacSha256) {
  for_each("wycheproof_hmac_sha256_test.json", 174,
           [](Json const& vector, Json const& group, bool valid, Tally& tally) {
             auto const mac = hmac_sha256(hex(vector["key"]), hex(vector["msg"]));
             auto const cut = mac.view().first(group["tagSize"].get<std::size_t>() / 8);
             EXPECT_EQ(same_mac(cut, hex(vector["tag"])), valid);
             valid ? tally.checked() : tally.refused();
           });
}

TEST_F(Wycheproof, Pbkdf2HmacSha512) {
  for_each("wycheproof_pbkdf2_hmacsha512_test.json", 58, [](Json const& vector, Json const&, bool valid, Tally& tally) {
    EXPECT_TRUE(valid);
    Bytes derived(vector["dkLen"].get<std::size_t>());
    pbkdf2_hmac_sha512(hex(vector["password"]), hex(vector["salt"]), vector["iterationCount"].get<std::uint32_t>(),
                       derived);
    EXPECT_EQ(derived, hex(vector["dk"]));
    tally.checked();
  });
}

}  // namespace
}  // namespace kith::crypto
