#include "crypto/kdf.hpp"

#include <set>

#include <gtest/gtest.h>
#include <sodium/crypto_pwhash.h>
#include <sodium/utils.h>

#include "crypto/vector_files.hpp"

namespace kith::crypto {
namespace {

using vectors::from_text;

Bytes range(std::uint8_t first, std::uint8_t last) {
  Bytes bytes;
  for (unsigned value = first; value <= last; ++value) bytes.push_back(static_cast<std::uint8_t>(value));
  return bytes;
}

std::string okm_of(Bytes const& salt, Bytes const& ikm, Bytes const& info, std::size_t size) {
  Bytes okm(size);
  hkdf_sha256(salt, ikm, info, okm);
  return to_hex(okm);
}

TEST(Hkdf, KnownAnswersOfRfc5869) {
  Bytes const ikm(22, 0x0b);
  EXPECT_EQ(okm_of(range(0x00, 0x0c), ikm, range(0xf0, 0xf9), 42),  // A.1
            "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf34007208d5b887185865");
  EXPECT_EQ(okm_of(range(0x60, 0xaf), range(0x00, 0x4f), range(0xb0, 0xff), 82),  // A.2
            "b11e398dc80327a1c8e7f78c596a49344f012eda2d4efad8a050cc4c19afa97c59045a99cac7827271cb41c65e590e09"
            "da3275600c2f09b8367793a9aca3db71cc30c58179ec3e87c14c01d5c1f3434f1d87");
  EXPECT_EQ(okm_of({}, ikm, {}, 42),  // A.3
            "8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d9d201395faa4b61a96c8");
}

TEST(Hkdf, EveryInputMayBeEmpty) {
  EXPECT_EQ(okm_of({}, {}, {}, 42),  // computed with pyca/cryptography
            "eb70f01dede9afafa449eee1b1286504e1f62388b3f7dd4f956697b0e828fe181e59c2ec0fe6e7e7ac26");
  hkdf_sha256({}, {}, {}, {});
}

TEST(Hkdf, GivesAtMost255Blocks) {
  EXPECT_EQ(okm_of({}, {1}, {}, 8160).substr(0, 64), okm_of({}, {1}, {}, 32));
  EXPECT_DEATH((void)okm_of({}, {1}, {}, 8161), "bug at");
}

TEST(Hkdf, FillsASecret) {
  auto const key = hkdf<PassphraseKey>(range(0x00, 0x0c), Bytes(22, 0x0b), range(0xf0, 0xf9));
  EXPECT_EQ(to_hex(key.view()), "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf");
}

TEST(Hmac, KnownAnswersOfRfc4231) {
  auto const mac = [](ByteView key, ByteView message) { return to_hex(hmac_sha256(key, message).view()); };
  EXPECT_EQ(mac(Bytes(20, 0x0b), bytes_of("Hi There")),
            "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7");
  EXPECT_EQ(mac(bytes_of("Jefe"), bytes_of("what do ya want for nothing?")),
            "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
  EXPECT_EQ(mac(Bytes(20, 0xaa), Bytes(50, 0xdd)), "773ea91e36800e46854db8ebd09181a72959098b3ef8c122d9635514ced565fe");
  EXPECT_EQ(mac(Bytes(131, 0xaa), bytes_of("Test Using Larger Than Block-Size Key - Hash Key First")),
            "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54");
  EXPECT_EQ(mac({}, {}), "b613679a0814d9ec772f95d778c35fc5ff1697c493715653c6c712144292c5ad");
}

TEST(Hmac, ComparesWholeMacs) {
  Bytes const a{1, 2, 3};
  EXPECT_TRUE(same_mac(a, Bytes{1, 2, 3}));
  EXPECT_TRUE(same_mac({}, {}));
  EXPECT_FALSE(same_mac(a, Bytes{1, 2}));
  EXPECT_FALSE(same_mac(a, {}));
  for (std::size_t bit = 0; bit < 24; ++bit) {
    auto other = a;
    other[bit / 8] ^= static_cast<std::uint8_t>(1U << (bit % 8));
    EXPECT_FALSE(same_mac(a, other));
  }
}

TEST(Pbkdf2, KnownAnswersFromPython) {
  auto const derived = [](std::uint32_t rounds) {
    Bytes out(64);
    pbkdf2_hmac_sha512(bytes_of("password"), bytes_of("salt"), rounds, out);
    return to_hex(out);
  };
  EXPECT_EQ(derived(1),
            "867f70cf1ade02cff3752599a3a53dc4af34c7a669815ae5d513554e1c8cf252"
            "c02d470a285a0501bad999bfe943c08f050235d7d68b1da55e63f73b60a57fce");
  EXPECT_EQ(derived(4096),
            "d197b1b33db0143e018b12f3d1d1479e6cdebdcc97c5c0f87f6902e072f457b5"
            "143f30602641b3d55cd335988cb36b84376060ecd532e039b742a239434af2d5");
}

Argon2Salt salt_of(std::string_view text) { return Argon2Salt::from(bytes_of(text)).value(); }

std::string base64(ByteView bytes) {
  std::string text(sodium_base64_encoded_len(bytes.size(), sodium_base64_VARIANT_ORIGINAL_NO_PADDING), '\0');
  sodium_bin2base64(text.data(), text.size(), bytes.data(), bytes.size(), sodium_base64_VARIANT_ORIGINAL_NO_PADDING);
  text.pop_back();  // the terminating zero
  return text;
}

/// github.com/jedisct1/libsodium (ISC), test/default/pwhash_argon2id.c, tv3: those with salts of 16 bytes that fit.
TEST(Argon2id, KnownAnswersOfLibsodium) {
  auto const salt = from_text<Argon2Salt>(std::string_view{"6c0f356abb225f2b1ddd66d34739843b"});
  auto const of_nothing = argon2id({}, salt, {.passes = 2, .memory_kib = 4882});
  ASSERT_TRUE(of_nothing);
  EXPECT_EQ(base64(of_nothing->view()), "Nm8QBM+7RH1DXo9rvp5cwKEOOOfD2g6JuxlXihoNcpE");

  auto const key = argon2id(bytes_of("^T5H$JYt39n%K*j:W]!1s?vg!:jGi]Ax?..l7[p0v:1jHTpla9;]bUN;?bWyCbtqg "),
                            salt_of(">A 16-bytes salt"), {.passes = 19, .memory_kib = 4096});
  ASSERT_TRUE(key);
  EXPECT_EQ(base64(key->view()), "ltB/ue1kPtBMBGfsysMpPigE6hiNEKZ9vs8vLNVDQGA");
}

TEST(Argon2id, TheLibraryAcceptsTheStringsOfTheReferenceImplementation) {
  // github.com/P-H-C/phc-winner-argon2 (CC0 or Apache-2.0), src/test.c.
  for (auto const* encoded : {"$argon2id$v=19$m=256,t=2,p=1$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4",
                              "$argon2id$v=19$m=256,t=2,p=2$c29tZXNhbHQ$bQk8UB/VmZZF4Oo79iDXuL5/0ttZwg2f/5U52iv1cDc"}) {
    std::array<char, crypto_pwhash_STRBYTES> text{};
    std::strncpy(text.data(), encoded, text.size() - 1);
    EXPECT_EQ(crypto_pwhash_str_verify(text.data(), "password", 8), 0) << encoded;
    EXPECT_NE(crypto_pwhash_str_verify(text.data(), "passwore", 8), 0) << encoded;
  }
}

TEST(Argon2id, TheCostMeansWhatItMeansInAnEncodedString) {
  auto const salt = salt_of("sixteen letters!");
  auto const key = argon2id(bytes_of("open sesame"), salt, {.passes = 2, .memory_kib = 300});
  ASSERT_TRUE(key);
  auto const encoded = "$argon2id$v=19$m=300,t=2,p=1$" + base64(salt.view()) + "$" + base64(key->view());
  std::array<char, crypto_pwhash_STRBYTES> text{};
  std::strncpy(text.data(), encoded.c_str(), text.size() - 1);
  EXPECT_EQ(crypto_pwhash_str_verify(text.data(), "open sesame", 11), 0) << encoded;
}

TEST(Argon2id, EveryInputMatters) {
  auto const salt = salt_of("sixteen letters!");
  auto const key = [&](std::string_view passphrase, Argon2Salt const& with, Argon2Cost cost) {
    return to_hex(argon2id(bytes_of(passphrase), with, cost).value().view());
  };
  std::set<std::string> const keys{key("a", salt, {1, 8}), key("b", salt, {1, 8}), key("a", Argon2Salt{}, {1, 8}),
                                   key("a", salt, {2, 8}), key("a", salt, {1, 16})};
  EXPECT_EQ(keys.size(), 5U);
}

TEST(Argon2id, RefusesCostsThatNobodyChose) {
  for (Argon2Cost const cost : {Argon2Cost{0, 8}, {1, 7}, {1, 0}, {65, 8}, {1, 4 * 1024 * 1024 + 1}, {1, ~0U}}) {
    auto const key = argon2id({}, {}, cost);
    ASSERT_FALSE(key);
    EXPECT_TRUE(key.error().is(CryptoError::cost_out_of_range)) << cost.passes << ' ' << cost.memory_kib;
  }
}

}  // namespace
}  // namespace kith::crypto
