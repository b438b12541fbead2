#include "crypto/openssl.hpp"

#include <cstdio>
#include <cstdlib>
#include <new>

#include <openssl/core_names.h>
#include <openssl/params.h>

#include "base/assert.hpp"

namespace kith::crypto::openssl {
namespace {

/// An OpenSSL that lacks one of these was configured without its default provider; nothing can run then.
template <class T>
T* required(T* fetched, char const* name) {
  if (fetched == nullptr) {
    std::fprintf(stderr, "kith: OpenSSL does not offer %s; is its default provider switched off?\n", name);
    std::abort();
  }
  return fetched;
}

template <class T>
std::unique_ptr<T, Free> allocated(T* context) {
  if (context == nullptr) throw std::bad_alloc();
  return std::unique_ptr<T, Free>(context);
}

/// A context that knows its digest and no key; copies of it need not look the digest up again.
EVP_MAC_CTX* hmac_model(char const* digest) {
  static EVP_MAC* const algorithm = required(EVP_MAC_fetch(nullptr, "HMAC", nullptr), "HMAC");
  auto context = allocated(EVP_MAC_CTX_new(algorithm));
  OSSL_PARAM const parameters[] = {
      OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, const_cast<char*>(digest), 0),  // not written to
      OSSL_PARAM_construct_end()};
  if (EVP_MAC_CTX_set_params(context.get(), parameters) != 1) return required<EVP_MAC_CTX>(nullptr, digest);
  return context.release();
}

}  // namespace

EVP_CIPHER const* chacha20_poly1305() {
  static auto* const cipher = required(EVP_CIPHER_fetch(nullptr, "ChaCha20-Poly1305", nullptr), "ChaCha20-Poly1305");
  return cipher;
}

EVP_MD const* sha512() {
  static auto* const digest = required(EVP_MD_fetch(nullptr, "SHA512", nullptr), "SHA-512");
  return digest;
}

EVP_MD const* blake2s256() {
  static auto* const digest = required(EVP_MD_fetch(nullptr, "BLAKE2S-256", nullptr), "BLAKE2s");
  return digest;
}

CipherContext cipher_context() { return allocated(EVP_CIPHER_CTX_new()); }

KdfContext hkdf_context() {
  static auto* const kdf = required(EVP_KDF_fetch(nullptr, "HKDF", nullptr), "HKDF");
  return allocated(EVP_KDF_CTX_new(kdf));
}

MacContext hmac_sha256_context() {
  static auto* const model = hmac_model("SHA256");
  return allocated(EVP_MAC_CTX_dup(model));
}

MacContext hmac_blake2s_context() {
  static auto* const model = hmac_model("BLAKE2S-256");
  return allocated(EVP_MAC_CTX_dup(model));
}

void hmac(MacContext context, ByteView key, std::initializer_list<ByteView> parts, std::span<std::uint8_t, 32> out) {
  KITH_ASSERT(EVP_MAC_init(context.get(), start_of(key), key.size(), nullptr) == 1);
  for (auto const part : parts) KITH_ASSERT(EVP_MAC_update(context.get(), start_of(part), part.size()) == 1);
  std::size_t written = 0;
  KITH_ASSERT(EVP_MAC_final(context.get(), out.data(), &written, out.size()) == 1 && written == out.size());
}

std::uint8_t const* start_of(ByteView view) {
  static constexpr std::uint8_t nothing = 0;
  return view.empty() ? &nothing : view.data();
}

}  // namespace kith::crypto::openssl
