#pragma once

#include <string_view>

#include "base/bytes.hpp"
#include "base/ids.hpp"
#include "base/random.hpp"
#include "base/secret.hpp"
#include "crypto/error.hpp"

namespace kith::crypto {

using SignPublicKey = ByteId<struct SignPublicKeyTag, 32>;
using Signature = ByteId<struct SignatureTag, 64>;
using SignSeed = Secret<32, struct SignSeedTag>;  ///< RFC 8032's private key

/// An Ed25519 key pair (RFC 8032).
class SigningKey {
 public:
  explicit SigningKey(SignSeed const& seed);
  [[nodiscard]] static SigningKey generate(RandomSource& random) { return SigningKey(random.secret<SignSeed>()); }

  [[nodiscard]] SignPublicKey const& public_key() const { return public_; }
  [[nodiscard]] SignSeed seed() const;

  /// sign(label, x): Ed25519 over label, a zero byte and H(label, x). @see docs/spec/conventions.md
  [[nodiscard]] Signature sign(std::string_view label, ByteView message) const;
  /// Plain Ed25519, for the published vectors; the product signs with labels.
  [[nodiscard]] Signature sign_plain(ByteView message) const;

 private:
  SignPublicKey public_;
  Secret<64, struct SignSecretTag> secret_;
};

/// Checks a signature made by SigningKey::sign. Refuses small-order keys and non-canonical values, as libsodium does.
[[nodiscard]] bool verify(SignPublicKey const& key, std::string_view label, ByteView message,
                          Signature const& signature);
[[nodiscard]] bool verify_plain(SignPublicKey const& key, ByteView message, Signature const& signature);

}  // namespace kith::crypto
