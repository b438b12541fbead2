#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <utility>

#include "base/bytes.hpp"
#include "base/random.hpp"
#include "crypto/aead.hpp"
#include "crypto/dh.hpp"
#include "crypto/error.hpp"

/// The Noise Protocol Framework, revision 34, with 25519, ChaChaPoly and BLAKE2s: the patterns XX and XXpsk3.
/// Names are the specification's. Section numbers below are its own.
namespace kith::crypto::noise {

using Psk = Secret<32, struct NoisePskTag>;
using ChainingKey = Secret<32, struct NoiseChainingKeyTag>;
using HandshakeHash = ByteId<struct HandshakeHashTag, 32>;
inline constexpr std::size_t kMaxMessageBytes = 65535;
inline constexpr std::size_t kMaxPlaintextBytes = kMaxMessageBytes - kAeadTagBytes;

/// Section 5.1. Encrypts one direction of a session. A failed decrypt leaves the nonce where it was, so that a forged
/// message cannot break a session.
class CipherState {
 public:
  CipherState() = default;
  /// @param nonce  where counting starts; 0 but in tests of what happens at the end
  explicit CipherState(AeadKey key, std::uint64_t nonce = 0) : key_(std::move(key)), nonce_(nonce) {}

  [[nodiscard]] bool has_key() const { return key_.has_value(); }
  /// Appends the ciphertext, or the plaintext itself where there is no key yet.
  /// @return CryptoError::message_too_long above 65,535 bytes of ciphertext, or nonce_exhausted; decrypting also
  ///         truncated or not_authentic. Then nothing is appended and the nonce stays.
  [[nodiscard]] Result<> encrypt_with_ad(ByteView ad, ByteView plaintext, Bytes& out);
  [[nodiscard]] Result<> decrypt_with_ad(ByteView ad, ByteView ciphertext, Bytes& out);
  /// Section 4.2: the next key is the encryption of zeros under the largest nonce. The nonce goes on counting.
  void rekey();
  [[nodiscard]] std::uint64_t nonce() const { return nonce_; }

 private:
  std::optional<AeadKey> key_;
  std::uint64_t nonce_ = 0;
};

/// Section 5.2, the transcript of a handshake.
class SymmetricState {
 public:
  explicit SymmetricState(std::string_view protocol_name);
  [[nodiscard]] bool has_key() const { return cipher_.has_key(); }
  void mix_key(ByteView input);
  void mix_hash(ByteView data);
  void mix_key_and_hash(ByteView input);
  [[nodiscard]] Result<> encrypt_and_hash(ByteView plaintext, Bytes& out);
  [[nodiscard]] Result<> decrypt_and_hash(ByteView ciphertext, Bytes& out);
  [[nodiscard]] HandshakeHash const& hash() const { return hash_; }
  /// The ciphers of the initiator and of the responder. Wipes the chaining key: once.
  [[nodiscard]] std::pair<CipherState, CipherState> split();
  /// Drops the keys of a handshake that is over; the hash stays.
  void wipe();

 private:
  CipherState cipher_;
  ChainingKey chaining_key_;
  HandshakeHash hash_;
};

enum class Role { initiator, responder };
enum class Pattern { xx, xx_psk3 };

/// A finished handshake: one cipher for each direction.
struct Transport {
  CipherState send;
  CipherState receive;
  HandshakeHash hash;  ///< names the session; both sides have the same
  DhPublicKey remote_static;
};

/// Section 5.3: one side of a handshake of three messages.
///
///     XX      -> e                 <- e, ee, s, es          -> s, se
///     XXpsk3  -> e                 <- e, ee, s, es          -> s, se, psk
///
/// In a psk handshake the token e also mixes the ephemeral key into the chaining key (section 9.2). Payloads are the
/// caller's. The psk may be given as late as before the third message.
///
/// Errors: wrong_state for a message that is not due, which changes nothing (so also the third message of XXpsk3 while
/// no psk is set). Every other error ends the handshake: its keys are wiped and each later call gives wrong_state.
/// Where a call fails, nothing is appended to `out`.
class HandshakeState {
 public:
  /// @param static_key  this side's long-lived key, copied
  /// @param random      the ephemeral key is drawn from it now, and nothing later
  HandshakeState(Pattern pattern, Role role, ByteView prologue, DhKeyPair const& static_key, RandomSource& random);

  void set_psk(Psk psk);
  [[nodiscard]] bool my_turn() const;
  [[nodiscard]] bool finished() const { return next_message_ == 3; }
  [[nodiscard]] DhPublicKey const& ephemeral_public() const { return ephemeral_.public_key; }
  [[nodiscard]] std::optional<DhPublicKey> const& remote_ephemeral() const { return remote_ephemeral_; }
  /// What the other side claims; that it has the key is known once the handshake is finished.
  [[nodiscard]] std::optional<DhPublicKey> const& remote_static() const { return remote_static_; }

  /// The transcript as it stands. Between `write_tokens` and `write_payload` it is "the Noise hash just before the
  /// payload is encrypted", which SyncHandshake's signature covers; likewise when reading.
  [[nodiscard]] HandshakeHash const& hash() const { return symmetric_.hash(); }

  /// Writing a message in two steps, so that a payload can sign the transcript so far.
  [[nodiscard]] Result<> write_tokens(Bytes& out);
  [[nodiscard]] Result<> write_payload(ByteView payload, Bytes& out);
  /// Reading likewise: takes the tokens from the front of `message` and leaves the payload's ciphertext in it.
  [[nodiscard]] Result<> read_tokens(ByteView& message);
  [[nodiscard]] Result<> read_payload(ByteView ciphertext, Bytes& out);

  /// Both steps at once; the message or payload is appended.
  [[nodiscard]] Result<> write_message(ByteView payload, Bytes& out);
  [[nodiscard]] Result<> read_message(ByteView message, Bytes& payload);

  /// Section 5.2, Split. Once, after the third message; wipes the keys of the handshake.
  [[nodiscard]] Transport split();

 private:
  enum class Token { e, s, ee, es, se, psk };
  enum class Step { tokens, payload };

  [[nodiscard]] std::span<Token const> due_tokens() const;
  [[nodiscard]] bool due(Step step, bool writing) const;
  [[nodiscard]] Result<> write_token(Token token, Bytes& out);
  [[nodiscard]] Result<> read_token(Token token, ByteView& message);
  [[nodiscard]] Result<> mix_token(Token token);
  void mix_ephemeral(DhPublicKey const& ephemeral);
  void payload_done();
  void wipe_keys();
  [[nodiscard]] Result<> ended(Result<> result);

  Pattern pattern_;
  Role role_;
  SymmetricState symmetric_;
  DhKeyPair static_;
  DhKeyPair ephemeral_;
  std::optional<DhPublicKey> remote_static_;
  std::optional<DhPublicKey> remote_ephemeral_;
  std::optional<Psk> psk_;
  std::size_t message_bytes_ = 0;  ///< of the tokens of the message that is being written
  int next_message_ = 0;
  Step step_ = Step::tokens;
  bool failed_ = false;
  bool split_ = false;
};

}  // namespace kith::crypto::noise
