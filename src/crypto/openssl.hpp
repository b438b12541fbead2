#pragma once

#include <initializer_list>
#include <memory>
#include <span>

#include <openssl/evp.h>
#include <openssl/kdf.h>

#include "base/bytes.hpp"

/// What this module takes from OpenSSL 3; no other module includes this header.
///
/// Algorithms are fetched once per process, because a fetch searches the providers under a lock, and are never freed,
/// because a thread may still use them while the program ends. Contexts hold keys, so each lives for one call only:
/// OpenSSL wipes them when it frees them, and a new one costs less than 50 ns.
namespace kith::crypto::openssl {

struct Free {
  void operator()(EVP_CIPHER_CTX* context) const { EVP_CIPHER_CTX_free(context); }
  void operator()(EVP_MAC_CTX* context) const { EVP_MAC_CTX_free(context); }
  void operator()(EVP_KDF_CTX* context) const { EVP_KDF_CTX_free(context); }
};
using CipherContext = std::unique_ptr<EVP_CIPHER_CTX, Free>;
using MacContext = std::unique_ptr<EVP_MAC_CTX, Free>;
using KdfContext = std::unique_ptr<EVP_KDF_CTX, Free>;

[[nodiscard]] EVP_CIPHER const* chacha20_poly1305();
[[nodiscard]] EVP_MD const* sha512();
[[nodiscard]] EVP_MD const* blake2s256();

/// New contexts without a key. They throw std::bad_alloc, never return null.
[[nodiscard]] CipherContext cipher_context();
[[nodiscard]] KdfContext hkdf_context();
[[nodiscard]] MacContext hmac_sha256_context();
[[nodiscard]] MacContext hmac_blake2s_context();

/// HMAC (RFC 2104) over the parts one after another, with a context made for this call.
void hmac(MacContext context, ByteView key, std::initializer_list<ByteView> parts, std::span<std::uint8_t, 32> out);

/// The start of a view, never null: OpenSSL takes a null pointer for "not given" even where the length is zero.
[[nodiscard]] std::uint8_t const* start_of(ByteView view);

}  // namespace kith::crypto::openssl
