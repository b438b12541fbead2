#include "crypto/dh.hpp"

#include <sodium/crypto_scalarmult_curve25519.h>

#include "base/assert.hpp"

namespace kith::crypto {

DhKeyPair DhKeyPair::from(DhSecretKey secret_key) {
  DhPublicKey public_key;
  KITH_ASSERT(crypto_scalarmult_curve25519_base(public_key.bytes.data(), secret_key.data()) == 0);
  return {public_key, std::move(secret_key)};
}

Result<SharedSecret> dh(DhSecretKey const& ours, DhPublicKey const& theirs) {
  SharedSecret shared;
  if (crypto_scalarmult_curve25519(shared.data(), ours.data(), theirs.bytes.data()) != 0) {
    return fail(CryptoError::weak_point);
  }
  return shared;
}

}  // namespace kith::crypto
