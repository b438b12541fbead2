#include "crypto/kdf.hpp"

#include <limits>

#include <openssl/core_names.h>
#include <openssl/params.h>
#include <sodium/crypto_pwhash.h>
#include <sodium/utils.h>

#include "base/assert.hpp"
#include "crypto/openssl.hpp"

namespace kith::crypto {
namespace {

constexpr std::size_t kMostHkdfBytes = 255 * 32;  ///< RFC 5869, section 2.3: 255 blocks of SHA-256

/// OSSL_PARAM points at plain void, but a KDF only reads.
OSSL_PARAM octets(char const* name, ByteView value) {
  return OSSL_PARAM_construct_octet_string(name, const_cast<std::uint8_t*>(openssl::start_of(value)), value.size());
}

int int_size(std::size_t size) {
  KITH_ASSERT(size <= static_cast<std::size_t>(std::numeric_limits<int>::max()));
  return static_cast<int>(size);
}

}  // namespace

void hkdf_sha256(ByteView salt, ByteView ikm, ByteView info, std::span<std::uint8_t> okm) {
  KITH_ASSERT(okm.size() <= kMostHkdfBytes);
  if (okm.empty()) return;
  char digest[] = "SHA256";
  OSSL_PARAM const parameters[] = {OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST, digest, 0),
                                   octets(OSSL_KDF_PARAM_KEY, ikm), octets(OSSL_KDF_PARAM_SALT, salt),
                                   octets(OSSL_KDF_PARAM_INFO, info), OSSL_PARAM_construct_end()};
  KITH_ASSERT(EVP_KDF_derive(openssl::hkdf_context().get(), okm.data(), okm.size(), parameters) == 1);
}

Mac256 hmac_sha256(ByteView key, ByteView message) {
  Mac256 mac;
  openssl::hmac(openssl::hmac_sha256_context(), key, {message}, mac.bytes);
  return mac;
}

bool same_mac(ByteView a, ByteView b) {
  return a.size() == b.size() && (a.empty() || sodium_memcmp(a.data(), b.data(), a.size()) == 0);
}

void pbkdf2_hmac_sha512(ByteView password, ByteView salt, std::uint32_t rounds, std::span<std::uint8_t> derived) {
  KITH_ASSERT(rounds > 0 && !derived.empty());
  KITH_ASSERT(PKCS5_PBKDF2_HMAC(reinterpret_cast<char const*>(openssl::start_of(password)), int_size(password.size()),
                                openssl::start_of(salt), int_size(salt.size()), int_size(rounds), openssl::sha512(),
                                int_size(derived.size()), derived.data()) == 1);
}

Result<PassphraseKey> argon2id(ByteView passphrase, Argon2Salt const& salt, Argon2Cost cost) {
  static_assert(Argon2Salt::kBytes == crypto_pwhash_SALTBYTES);
  if (cost.passes < kArgon2LeastCost.passes || cost.passes > kArgon2MostCost.passes ||
      cost.memory_kib < kArgon2LeastCost.memory_kib || cost.memory_kib > kArgon2MostCost.memory_kib) {
    return fail(CryptoError::cost_out_of_range);
  }
  PassphraseKey key;
  auto const* const start =
      reinterpret_cast<char const*>(openssl::start_of(passphrase));  // libsodium wants no null either
  if (crypto_pwhash(key.data(), PassphraseKey::kBytes, start, passphrase.size(), salt.bytes.data(), cost.passes,
                    std::size_t{cost.memory_kib} * 1024, crypto_pwhash_ALG_ARGON2ID13) != 0) {
    return fail(CryptoError::out_of_memory);  // every other argument was checked above
  }
  return key;
}

}  // namespace kith::crypto
