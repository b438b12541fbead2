#pragma once

#include "base/bytes.hpp"
#include "base/ids.hpp"
#include "base/secret.hpp"
#include "crypto/error.hpp"

namespace kith::crypto {

using AeadKey = Secret<32, struct AeadKeyTag>;
using XNonce = ByteId<struct XNonceTag, 24>;
inline constexpr std::size_t kAeadTagBytes = 16;

/// Appends ciphertext and tag (plaintext.size() + 16 bytes). XChaCha20-Poly1305 (draft-irtf-cfrg-xchacha-03).
/// For all four functions: inputs are below 2 GiB each and lie outside `out`.
void xchacha_seal(AeadKey const& key, XNonce const& nonce, ByteView aad, ByteView plaintext, Bytes& out);

/// Appends the plaintext.
/// @return CryptoError::not_authentic when key, nonce, aad or one bit differ, or truncated where there is no room for a
///         tag. Then nothing is appended.
[[nodiscard]] Result<> xchacha_open(AeadKey const& key, XNonce const& nonce, ByteView aad, ByteView ciphertext,
                                    Bytes& out);

/// ChaCha20-Poly1305 with a 12-byte nonce (RFC 8439): what Noise uses, and nothing else.
void chacha_seal(AeadKey const& key, std::array<std::uint8_t, 12> const& nonce, ByteView aad, ByteView plaintext,
                 Bytes& out);
[[nodiscard]] Result<> chacha_open(AeadKey const& key, std::array<std::uint8_t, 12> const& nonce, ByteView aad,
                                   ByteView ciphertext, Bytes& out);

}  // namespace kith::crypto
