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

/// calculate_generator(password, CI = "kith/pair/1" 0x00 lookup, sid = joiner's nonce).
[[nodiscard]] crypto::cpace::Generator pair_generator(ByteView password, wire::Lookup const& lookup,
                                                      wire::PairNonce const& joiner_nonce);

}  // namespace kith::core
