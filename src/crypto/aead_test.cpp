#include "crypto/aead.hpp"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>
#include <sodium/crypto_aead_chacha20poly1305.h>
#include <sodium/crypto_aead_xchacha20poly1305.h>

#include "crypto/vector_files.hpp"

namespace kith::crypto {
namespace {

using vectors::from_text;
using vectors::hex;

using Nonce = std::array<std::uint8_t, 12>;

Nonce nonce_of(ByteView view) {
  Nonce nonce;
  std::copy(view.begin(), view.end(), nonce.begin());
  return nonce;
}

/// One sealed message with all that opening it takes, for tests that alter each in turn.
struct Sealed {
  AeadKey key;
  XNonce nonce;
  Bytes aad;
  Bytes ciphertext;

  [[nodiscard]] bool opens() const {
    Bytes const before{1, 2, 3};
    Bytes out = before;
    auto const opened = xchacha_open(key, nonce, aad, ciphertext, out);
    EXPECT_TRUE(opened || out == before) << "a refused message left bytes behind";
    return opened.has_value();
  }
};

Sealed sealed_example() {
  Sealed sealed;
  for (std::size_t i = 0; i < 32; ++i) sealed.key.data()[i] = static_cast<std::uint8_t>(i);
  sealed.nonce.bytes.fill(7);
  sealed.aad = {0xa, 0xad, 0};
  xchacha_seal(sealed.key, sealed.nonce, sealed.aad, bytes_of("seventeen letters"), sealed.ciphertext);
  return sealed;
}

TEST(Aead, KnownAnswers) {
  auto const file = vectors::read_json(vectors::kOwnFolder / "aead.json");
  for (auto const* name : {"chacha20_poly1305", "xchacha20_poly1305"}) {
    auto const& vector = file[name];
    auto const key = from_text<AeadKey>(vector["key"]);
    auto const nonce = hex(vector["iv"]);
    auto const aad = hex(vector["aad"]);
    auto const message = hex(vector["msg"]);
    auto expected = hex(vector["ct"]);
    append(expected, hex(vector["tag"]));

    bool const extended = nonce.size() == XNonce::kBytes;
    Bytes ciphertext;
    Bytes plaintext;
    if (extended) {
      xchacha_seal(key, *XNonce::from(nonce), aad, message, ciphertext);
      ASSERT_TRUE(xchacha_open(key, *XNonce::from(nonce), aad, expected, plaintext)) << name;
    } else {
      chacha_seal(key, nonce_of(nonce), aad, message, ciphertext);
      ASSERT_TRUE(chacha_open(key, nonce_of(nonce), aad, expected, plaintext)) << name;
    }
    EXPECT_EQ(ciphertext, expected) << name;
    EXPECT_EQ(plaintext, message) << name;
  }
}

RC_GTEST_PROP(Aead, GivesTheBytesOfLibsodium, (std::array<std::uint8_t, 32> const& key_bytes, Bytes const& aad)) {
  AeadKey const key{key_bytes};
  auto const nonce = *rc::gen::container<Bytes>(24, rc::gen::arbitrary<std::uint8_t>());
  auto const size = *rc::gen::inRange<std::size_t>(0, 70000);
  Bytes const plaintext(size, static_cast<std::uint8_t>(size));
  Bytes theirs(size + kAeadTagBytes);

  Bytes ours;
  crypto_aead_xchacha20poly1305_ietf_encrypt(theirs.data(), nullptr, plaintext.data(), size, aad.data(), aad.size(),
                                             nullptr, nonce.data(), key.data());
  xchacha_seal(key, *XNonce::from(nonce), aad, plaintext, ours);
  RC_ASSERT(ours == theirs);

  ours.clear();
  crypto_aead_chacha20poly1305_ietf_encrypt(theirs.data(), nullptr, plaintext.data(), size, aad.data(), aad.size(),
                                            nullptr, nonce.data(), key.data());
  chacha_seal(key, nonce_of(ByteView{nonce}.first(12)), aad, plaintext, ours);
  RC_ASSERT(ours == theirs);
}

TEST(Aead, AppendsToWhatIsThere) {
  auto const sealed = sealed_example();
  Bytes ciphertext{9};
  xchacha_seal(sealed.key, sealed.nonce, sealed.aad, bytes_of("seventeen letters"), ciphertext);
  EXPECT_EQ(ciphertext.size(), 1 + sealed.ciphertext.size());
  EXPECT_TRUE(equal(ByteView{ciphertext}.subspan(1), sealed.ciphertext));

  Bytes plaintext{9};
  ASSERT_TRUE(xchacha_open(sealed.key, sealed.nonce, sealed.aad, sealed.ciphertext, plaintext));
  EXPECT_EQ(text_of(ByteView{plaintext}.subspan(1)), "seventeen letters");
}

TEST(Aead, EmptyMessagesHaveATagToo) {
  AeadKey const key;
  Bytes tag;
  chacha_seal(key, {}, {}, {}, tag);
  EXPECT_EQ(tag.size(), kAeadTagBytes);
  Bytes nothing;
  EXPECT_TRUE(chacha_open(key, {}, {}, tag, nothing));
  EXPECT_TRUE(nothing.empty());
  tag[0] ^= 1;
  EXPECT_FALSE(chacha_open(key, {}, {}, tag, nothing));
}

TEST(Aead, RefusesEveryFlippedBit) {
  auto sealed = sealed_example();
  ASSERT_TRUE(sealed.opens());
  std::size_t flips = 0;
  for (auto const field :
       {std::span<std::uint8_t>{sealed.key.mutable_view()}, std::span<std::uint8_t>{sealed.nonce.bytes},
        std::span{sealed.aad}, std::span{sealed.ciphertext}}) {
    for (std::size_t bit = 0; bit < field.size() * 8; ++bit, ++flips) {
      auto const mask = static_cast<std::uint8_t>(1U << (bit % 8));
      field[bit / 8] ^= mask;
      EXPECT_FALSE(sealed.opens()) << "bit " << bit;
      field[bit / 8] ^= mask;
    }
  }
  EXPECT_TRUE(sealed.opens());
  EXPECT_EQ(flips, 8U * (32 + 24 + 3 + 17 + 16));
}

TEST(Aead, RefusesEveryOtherLength) {
  auto const sealed = sealed_example();
  Bytes out;
  for (std::size_t size = 0; size < sealed.ciphertext.size(); ++size) {
    auto const opened =
        xchacha_open(sealed.key, sealed.nonce, sealed.aad, ByteView{sealed.ciphertext}.first(size), out);
    ASSERT_FALSE(opened);
    EXPECT_TRUE(opened.error().is(size < kAeadTagBytes ? CryptoError::truncated : CryptoError::not_authentic)) << size;
  }
  auto longer = sealed.ciphertext;
  longer.push_back(0);
  EXPECT_FALSE(xchacha_open(sealed.key, sealed.nonce, sealed.aad, longer, out));
  EXPECT_TRUE(out.empty());
}

}  // namespace
}  // namespace kith::crypto
