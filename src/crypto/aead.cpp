#include "crypto/aead.hpp"

#include <limits>

#include <sodium/crypto_core_hchacha20.h>

#include "base/assert.hpp"
#include "crypto/openssl.hpp"

namespace kith::crypto {
namespace {

using Nonce = std::array<std::uint8_t, 12>;

int int_size(ByteView view) {
  KITH_ASSERT(view.size() <= static_cast<std::size_t>(std::numeric_limits<int>::max()) - kAeadTagBytes);
  return static_cast<int>(view.size());
}

/// XChaCha20-Poly1305 is ChaCha20-Poly1305 under a key derived from the first 16 bytes of the nonce (section 2.3 of the
/// draft). So both run at OpenSSL's speed, twice that of libsodium from 4 KiB on.
AeadKey subkey(AeadKey const& key, XNonce const& nonce) {
  AeadKey derived;
  KITH_ASSERT(crypto_core_hchacha20(derived.data(), nonce.bytes.data(), key.data(), nullptr) == 0);
  return derived;
}

Nonce rest_of(XNonce const& nonce) {
  Nonce rest{};
  std::memcpy(rest.data() + 4, nonce.bytes.data() + 16, 8);
  return rest;
}

}  // namespace

void chacha_seal(AeadKey const& key, Nonce const& nonce, ByteView aad, ByteView plaintext, Bytes& out) {
  auto const context = openssl::cipher_context();
  int written = 0;
  KITH_ASSERT(EVP_EncryptInit_ex2(context.get(), openssl::chacha20_poly1305(), key.data(), nonce.data(), nullptr) == 1);
  if (!aad.empty()) {
    KITH_ASSERT(EVP_EncryptUpdate(context.get(), nullptr, &written, aad.data(), int_size(aad)) == 1);
  }

  auto const start = out.size();
  out.resize(start + plaintext.size() + kAeadTagBytes);
  auto* const ciphertext = out.data() + start;
  auto* const tag = ciphertext + plaintext.size();
  if (!plaintext.empty()) {
    KITH_ASSERT(EVP_EncryptUpdate(context.get(), ciphertext, &written, plaintext.data(), int_size(plaintext)) == 1);
  }
  KITH_ASSERT(EVP_EncryptFinal_ex(context.get(), tag, &written) == 1 && written == 0);
  KITH_ASSERT(EVP_CIPHER_CTX_ctrl(context.get(), EVP_CTRL_AEAD_GET_TAG, kAeadTagBytes, tag) == 1);
}

Result<> chacha_open(AeadKey const& key, Nonce const& nonce, ByteView aad, ByteView ciphertext, Bytes& out) {
  if (ciphertext.size() < kAeadTagBytes) return fail(CryptoError::truncated);
  auto const body = ciphertext.first(ciphertext.size() - kAeadTagBytes);
  std::array<std::uint8_t, kAeadTagBytes> tag;
  std::memcpy(tag.data(), ciphertext.data() + body.size(), tag.size());

  auto const context = openssl::cipher_context();
  int written = 0;
  KITH_ASSERT(EVP_DecryptInit_ex2(context.get(), openssl::chacha20_poly1305(), key.data(), nonce.data(), nullptr) == 1);
  KITH_ASSERT(EVP_CIPHER_CTX_ctrl(context.get(), EVP_CTRL_AEAD_SET_TAG, kAeadTagBytes, tag.data()) == 1);
  if (!aad.empty()) {
    KITH_ASSERT(EVP_DecryptUpdate(context.get(), nullptr, &written, aad.data(), int_size(aad)) == 1);
  }

  auto const start = out.size();
  out.resize(start + body.size());
  auto const plaintext = std::span{out}.subspan(start);
  if (!body.empty()) {
    KITH_ASSERT(EVP_DecryptUpdate(context.get(), plaintext.data(), &written, body.data(), int_size(body)) == 1);
  }
  std::uint8_t nothing = 0;
  if (EVP_DecryptFinal_ex(context.get(), &nothing, &written) != 1) {
    wipe(plaintext);  // the keystream is in it, and nobody vouches for the bytes
    out.resize(start);
    return fail(CryptoError::not_authentic);
  }
  return {};
}

void xchacha_seal(AeadKey const& key, XNonce const& nonce, ByteView aad, ByteView plaintext, Bytes& out) {
  chacha_seal(subkey(key, nonce), rest_of(nonce), aad, plaintext, out);
}

Result<> xchacha_open(AeadKey const& key, XNonce const& nonce, ByteView aad, ByteView ciphertext, Bytes& out) {
  return chacha_open(subkey(key, nonce), rest_of(nonce), aad, ciphertext, out);
}

}  // namespace kith::crypto
