#pragma once

#include "base/bytes.hpp"
#include "base/ids.hpp"
#include "base/random.hpp"
#include "base/secret.hpp"
#include "crypto/error.hpp"

namespace kith::crypto {

using DhPublicKey = ByteId<struct DhPublicKeyTag, 32>;
using DhSecretKey = Secret<32, struct DhSecretKeyTag>;
using SharedSecret = Secret<32, struct SharedSecretTag>;

/// An X25519 key pair (RFC 7748).
struct DhKeyPair {
  DhPublicKey public_key;
  DhSecretKey secret_key;

  [[nodiscard]] static DhKeyPair from(DhSecretKey secret_key);
  [[nodiscard]] static DhKeyPair generate(RandomSource& random) { return from(random.secret<DhSecretKey>()); }
  [[nodiscard]] DhKeyPair clone() const { return {public_key, secret_key.clone()}; }
};

/// X25519. @return CryptoError::weak_point where the result is all zero (RFC 7748, section 6.1)
[[nodiscard]] Result<SharedSecret> dh(DhSecretKey const& ours, DhPublicKey const& theirs);

}  // namespace kith::crypto
