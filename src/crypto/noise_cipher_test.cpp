#include <algorithm>

#include <gtest/gtest.h>
#include <sodium/crypto_aead_chacha20poly1305.h>

#include "crypto/noise.hpp"
#include "crypto/vector_files.hpp"

namespace kith::crypto::noise {
namespace {

constexpr std::uint64_t kLastNonce = ~std::uint64_t{0};

AeadKey key_of(std::uint8_t value) {
  AeadKey key;
  std::fill_n(key.data(), AeadKey::kBytes, value);
  return key;
}

TEST(CipherState, WithoutAKeyPassesBytesThrough) {
  CipherState cipher;
  Bytes out{1};
  EXPECT_FALSE(cipher.has_key());
  ASSERT_TRUE(cipher.encrypt_with_ad(bytes_of("ad"), bytes_of("x"), out));
  ASSERT_TRUE(cipher.decrypt_with_ad(bytes_of("ad"), bytes_of("y"), out));
  EXPECT_EQ(out, Bytes({1, 'x', 'y'}));
  EXPECT_EQ(cipher.nonce(), 0U);
}

TEST(CipherState, AFailedDecryptLeavesTheNonceWhereItWas) {
  CipherState send(key_of(1));
  CipherState receive(key_of(1));
  for (int round = 0; round < 3; ++round) {
    Bytes sealed;
    ASSERT_TRUE(send.encrypt_with_ad({}, bytes_of("hello"), sealed));
    auto const before = receive.nonce();
    for (std::size_t bit = 0; bit < sealed.size() * 8; ++bit) {
      sealed[bit / 8] ^= static_cast<std::uint8_t>(1U << (bit % 8));
      Bytes out;
      auto const opened = receive.decrypt_with_ad({}, sealed, out);
      ASSERT_FALSE(opened);
      EXPECT_TRUE(opened.error().is(CryptoError::not_authentic));
      EXPECT_TRUE(out.empty());
      sealed[bit / 8] ^= static_cast<std::uint8_t>(1U << (bit % 8));
    }
    Bytes out;
    EXPECT_FALSE(receive.decrypt_with_ad(bytes_of("other ad"), sealed, out));
    EXPECT_EQ(receive.decrypt_with_ad({}, Bytes(15), out).error().name(), "crypto.truncated");
    EXPECT_EQ(receive.nonce(), before);
    ASSERT_TRUE(receive.decrypt_with_ad({}, sealed, out));
    EXPECT_EQ(text_of(out), "hello");
    EXPECT_FALSE(receive.decrypt_with_ad({}, sealed, out)) << "replayed";
  }
  EXPECT_EQ(send.nonce(), 3U);
  EXPECT_EQ(receive.nonce(), 3U);
}

TEST(CipherState, RefusesTheLastNonce) {
  CipherState send(key_of(1), kLastNonce - 1);
  CipherState receive(key_of(1), kLastNonce - 1);
  Bytes sealed;
  Bytes opened;
  ASSERT_TRUE(send.encrypt_with_ad({}, bytes_of("last"), sealed));
  ASSERT_TRUE(receive.decrypt_with_ad({}, sealed, opened));
  for (int round = 0; round < 2; ++round) {  // and does not wrap round to 0
    EXPECT_TRUE(send.encrypt_with_ad({}, bytes_of("x"), sealed).error().is(CryptoError::nonce_exhausted));
    EXPECT_TRUE(receive.decrypt_with_ad({}, sealed, opened).error().is(CryptoError::nonce_exhausted));
    EXPECT_EQ(send.nonce(), kLastNonce);
    EXPECT_EQ(receive.nonce(), kLastNonce);
  }
  EXPECT_EQ(sealed.size(), 4 + kAeadTagBytes);
}

/// Both numbers against libsodium, so that a nonce in another byte order would show.
TEST(CipherState, WritesTheNonceLittleEndianAfterFourZeros) {
  CipherState cipher(key_of(3), 0x0102030405060708);
  Bytes ours;
  ASSERT_TRUE(cipher.encrypt_with_ad(bytes_of("ad"), bytes_of("text"), ours));
  Bytes theirs(ours.size());
  std::array<std::uint8_t, 12> const nonce{0, 0, 0, 0, 8, 7, 6, 5, 4, 3, 2, 1};
  crypto_aead_chacha20poly1305_ietf_encrypt(theirs.data(), nullptr, bytes_of("text").data(), 4, bytes_of("ad").data(),
                                            2, nullptr, nonce.data(), key_of(3).data());
  EXPECT_EQ(ours, theirs);
}

TEST(CipherState, RekeyIsTheEncryptionOfZerosUnderTheLastNonce) {
  std::array<std::uint8_t, 12> nonce;
  nonce.fill(0xff);
  std::fill_n(nonce.begin(), 4, std::uint8_t{0});
  std::array<std::uint8_t, 32> const zeros{};
  std::array<std::uint8_t, 48> sealed_zeros;
  crypto_aead_chacha20poly1305_ietf_encrypt(sealed_zeros.data(), nullptr, zeros.data(), zeros.size(), nullptr, 0,
                                            nullptr, nonce.data(), key_of(5).data());

  CipherState cipher(key_of(5));
  Bytes dropped;
  for (int i = 0; i < 7; ++i) ASSERT_TRUE(cipher.encrypt_with_ad({}, {}, dropped));
  cipher.rekey();
  EXPECT_EQ(cipher.nonce(), 7U) << "rekeying does not reset the nonce (section 11.3)";

  CipherState expected(*AeadKey::from(ByteView{sealed_zeros}.first(32)), 7);
  CipherState old(key_of(5), 7);
  Bytes sealed;
  Bytes opened;
  ASSERT_TRUE(cipher.encrypt_with_ad({}, bytes_of("after"), sealed));
  EXPECT_FALSE(old.decrypt_with_ad({}, sealed, opened));
  ASSERT_TRUE(expected.decrypt_with_ad({}, sealed, opened));
  EXPECT_EQ(text_of(opened), "after");
}

TEST(CipherState, RefusesMessagesAbove65535BytesBothWays) {
  CipherState send(key_of(1));
  CipherState receive(key_of(1));
  Bytes sealed;
  Bytes opened;
  EXPECT_TRUE(send.encrypt_with_ad({}, Bytes(65520), sealed).error().is(CryptoError::message_too_long));
  EXPECT_TRUE(receive.decrypt_with_ad({}, Bytes(65536), opened).error().is(CryptoError::message_too_long));
  ASSERT_TRUE(send.encrypt_with_ad({}, Bytes(65519), sealed));
  EXPECT_EQ(sealed.size(), 65535U);
  ASSERT_TRUE(receive.decrypt_with_ad({}, sealed, opened));
  EXPECT_EQ(opened, Bytes(65519));
}

TEST(SymmetricState, HashesAProtocolNameThatIsTooLong) {
  EXPECT_EQ(to_hex(SymmetricState("Noise").hash().view()), "4e6f697365" + std::string(54, '0'));
  std::string const longest(32, 'a');
  EXPECT_EQ(SymmetricState(longest).hash(), *HandshakeHash::from(bytes_of(longest)));
  EXPECT_NE(to_hex(SymmetricState(longest + "a").hash().view()).substr(0, 64), to_hex(bytes_of(longest)));
}

}  // namespace
}  // namespace kith::crypto::noise
