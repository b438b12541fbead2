#include "crypto/sign.hpp"

#include <sodium/crypto_sign_ed25519.h>

#include "base/assert.hpp"
#include "crypto/hash.hpp"

namespace kith::crypto {
namespace {

/// What sign(label, x) signs. The label is in clear as well as in the hash, so that a signer that only sees these bytes
/// can tell what they are for.
Bytes labelled(std::string_view label, ByteView message) {
  Bytes signed_bytes;
  append(signed_bytes, bytes_of(label));
  signed_bytes.push_back(0);
  append(signed_bytes, hash256(label, {message}).view());
  return signed_bytes;
}

}  // namespace

SigningKey::SigningKey(SignSeed const& seed) {
  KITH_ASSERT(crypto_sign_ed25519_seed_keypair(public_.bytes.data(), secret_.data(), seed.data()) == 0);
}

SignSeed SigningKey::seed() const {
  SignSeed seed;
  KITH_ASSERT(crypto_sign_ed25519_sk_to_seed(seed.data(), secret_.data()) == 0);
  return seed;
}

Signature SigningKey::sign(std::string_view label, ByteView message) const {
  return sign_plain(labelled(label, message));
}

Signature SigningKey::sign_plain(ByteView message) const {
  Signature signature;
  KITH_ASSERT(crypto_sign_ed25519_detached(signature.bytes.data(), nullptr, message.data(), message.size(),
                                           secret_.data()) == 0);
  return signature;
}

bool verify(SignPublicKey const& key, std::string_view label, ByteView message, Signature const& signature) {
  return verify_plain(key, labelled(label, message), signature);
}

bool verify_plain(SignPublicKey const& key, ByteView message, Signature const& signature) {
  return crypto_sign_ed25519_verify_detached(signature.bytes.data(), message.data(), message.size(),
                                             key.bytes.data()) == 0;
}

}  // namespace kith::crypto
