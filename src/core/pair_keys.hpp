#pragma once

#include "core/error.hpp"
#include "core/secure_channel.hpp"
#include "crypto/aead.hpp"
#include "crypto/cpace.hpp"
#include "crypto/kdf.hpp"
#include "wire/pairing.hpp"

/// What inviter and joiner derive alike from the password exchange. @see docs/spec/pairing.md
namespace kith::core {

inline constexpr std::size_t kMaxPairMessageBytes = kLimits.max_pairing_box_bytes;

/// Seals the boxes of one direction: a key used for nothing else, and a counter as nonce.
class BoxSealer {
 public:
  explicit BoxSealer(crypto::AeadKey key) : key_(std::move(key)) {}
  [[nodiscard]] Bytes seal(wire::PairMessageType type, ByteView plaintext);
  [[nodiscard]] Result<Bytes> open(wire::PairMessageType type, ByteView box);

 private:
  [[nodiscard]] crypto::XNonce next_nonce();
  crypto::AeadKey key_;
  std::uint64_t count_ = 0;
};

struct PairKeys {
  crypto::Mac256 inviter_tag;  ///< HMAC(confirm-i, everything before it)
  crypto::AeadKey joiner_confirm;
  BoxSealer from_inviter;
  BoxSealer from_joiner;

  /// @param before_tag  opening, hello, and the share's fields before its tag
  [[nodiscard]] static PairKeys derive(crypto::cpace::IntermediateKey const& isk, wire::PairNonce const& joiner_nonce,
                                       wire::PairNonce const& inviter_nonce, ByteView before_tag);
  /// HMAC(confirm-j, opening, hello and share).
  [[nodiscard]] crypto::Mac256 joiner_tag(ByteView transcript) const;
};

/// Shows that the sender of a CONFIRM or IDENTITY holds the key of the devcert in its box: sign("kith/pair-proof/1",
/// type | transcript). The message's type keeps the two sides apart.
/// @param transcript  opening, HELLO, SHARE and J's tag; the tags bind it to the secret that both sides share
[[nodiscard]] crypto::Signature pair_proof(crypto::SigningKey const& key, wire::PairMessageType type,
                                           ByteView transcript);
/// Whether an identity's devcert is signed by its device, and its proof made by that device for this conversation.
/// @return CoreError::bad_signature where not
[[nodiscard]] Result<> check_identity(wire::PairIdentityBox const& box, wire::PairMessageType type,
                                      ByteView transcript);

/// calculate_generator(password, CI = "kith/pair/1" 0x00 lookup, sid = joiner's nonce).
[[nodiscard]] crypto::cpace::Generator pair_generator(ByteView password, wire::Lookup const& lookup,
                                                      wire::PairNonce const& joiner_nonce);

}  // namespace kith::core
