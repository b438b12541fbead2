#pragma once

#include <string_view>

#include "base/bytes.hpp"
#include "base/ids.hpp"
#include "base/secret.hpp"
#include "crypto/error.hpp"
#include "crypto/hash.hpp"

namespace kith::crypto {

/// HKDF-SHA256 (RFC 5869), extract and expand. Fills `okm`, at most 8160 bytes.
void hkdf_sha256(ByteView salt, ByteView ikm, ByteView info, std::span<std::uint8_t> okm);

/// The same into a secret: `auto key = hkdf<AeadKey>(salt, secret.view(), info);`
template <class S>
[[nodiscard]] S hkdf(ByteView salt, ByteView ikm, ByteView info) {
  S out;
  hkdf_sha256(salt, ikm, info, out.mutable_view());
  return out;
}

/// HMAC-SHA256 (RFC 2104).
using Mac256 = ByteId<struct Mac256Tag, 32>;
[[nodiscard]] Mac256 hmac_sha256(ByteView key, ByteView message);

/// Compares in constant time.
[[nodiscard]] bool same_mac(ByteView a, ByteView b);

/// PBKDF2-HMAC-SHA512 (RFC 8018, section 5.2). Fills `derived`. For BIP-39 only: passphrases get Argon2id.
void pbkdf2_hmac_sha512(ByteView password, ByteView salt, std::uint32_t rounds, std::span<std::uint8_t> derived);

/// Cost of turning a passphrase into a key; kept beside what it protects, so that it can be raised.
struct Argon2Cost {
  std::uint32_t passes = 3;
  std::uint32_t memory_kib = 256 * 1024;
  friend bool operator==(Argon2Cost const&, Argon2Cost const&) = default;
};
/// What a cost that comes from a disk may ask of us.
inline constexpr Argon2Cost kArgon2LeastCost{1, 8};
inline constexpr Argon2Cost kArgon2MostCost{64, 4 * 1024 * 1024};
using Argon2Salt = ByteId<struct Argon2SaltTag, 16>;
using PassphraseKey = Secret<32, struct PassphraseKeyTag>;

/// Argon2id v1.3 (RFC 9106), one lane.
/// @return CryptoError::out_of_memory, or cost_out_of_range where passes or memory lie outside the two costs above
[[nodiscard]] Result<PassphraseKey> argon2id(ByteView passphrase, Argon2Salt const& salt, Argon2Cost cost);

}  // namespace kith::crypto
