#include "crypto/cpace.hpp"

#include <algorithm>

#include <sodium/crypto_core_ristretto255.h>
#include <sodium/crypto_hash_sha512.h>
#include <sodium/crypto_scalarmult_ristretto255.h>
#include <sodium/utils.h>

#include "base/assert.hpp"

namespace kith::crypto::cpace {
namespace {

constexpr std::string_view kDsi = "CPaceRistretto255";
constexpr std::string_view kDsiIsk = "CPaceRistretto255_ISK";
constexpr std::size_t kSha512BlockBytes = 128;  ///< the draft's s_in_bytes

/// The draft's length prefix: LEB128, seven bits at a time, the lowest first.
Bytes length_prefix(std::size_t length) {
  Bytes prefix;
  for (; length >= 0x80; length >>= 7) prefix.push_back(static_cast<std::uint8_t>(0x80 | (length & 0x7f)));
  prefix.push_back(static_cast<std::uint8_t>(length));
  return prefix;
}

/// SHA-512 over prepend_len strings. Passwords and keys go in, so the state is wiped.
class LengthValueHash {
 public:
  LengthValueHash() { crypto_hash_sha512_init(&state_); }
  LengthValueHash(LengthValueHash const&) = delete;
  LengthValueHash& operator=(LengthValueHash const&) = delete;
  ~LengthValueHash() { sodium_memzero(&state_, sizeof state_); }

  /// Adds prepend_len(value).
  LengthValueHash& add(ByteView value) {
    auto const prefix = length_prefix(value.size());
    crypto_hash_sha512_update(&state_, prefix.data(), prefix.size());
    crypto_hash_sha512_update(&state_, value.data(), value.size());
    return *this;
  }
  Secret<64> finish() {
    Secret<64> digest;
    crypto_hash_sha512_final(&state_, digest.data());
    return digest;
  }

 private:
  crypto_hash_sha512_state state_;
};

/// So many zeros that DSI, password and they fill the first block of the hash: how long a password is does not show in
/// how long hashing takes.
Bytes zero_pad(ByteView password) {
  std::size_t const before =
      1 + length_prefix(password.size()).size() + password.size() + length_prefix(kDsi.size()).size() + kDsi.size();
  return Bytes(kSha512BlockBytes - std::min(before, kSha512BlockBytes));
}

}  // namespace

Generator generator(ByteView password, ByteView channel_identifier, ByteView session_id) {
  auto const digest = LengthValueHash()
                          .add(bytes_of(kDsi))
                          .add(password)
                          .add(zero_pad(password))
                          .add(channel_identifier)
                          .add(session_id)
                          .finish();
  Generator element;
  KITH_ASSERT(crypto_core_ristretto255_from_hash(element.data(), digest.data()) == 0);
  return element;
}

Share share_of(Scalar const& scalar, Generator const& generator) {
  Share share;
  // Fails for the identity only: a zero scalar or a hash that maps to it, each of chance 2^-252.
  KITH_ASSERT(crypto_scalarmult_ristretto255(share.bytes.data(), scalar.data(), generator.data()) == 0);
  return share;
}

KeyShare make_share(Generator const& generator, RandomSource& random) {
  auto const wide = random.secret<Secret<64>>();  // twice the order's length, so that reducing leaves no bias
  Scalar scalar;
  crypto_core_ristretto255_scalar_reduce(scalar.data(), wide.data());
  auto const share = share_of(scalar, generator);
  return {std::move(scalar), share};
}

Result<IntermediateKey> derive(Scalar const& ours, Share const& theirs, ByteView session_id,
                               Transcript const& transcript) {
  Secret<32> k;
  if (crypto_scalarmult_ristretto255(k.data(), ours.data(), theirs.bytes.data()) != 0) {
    return fail(CryptoError::weak_point);
  }
  auto const digest = LengthValueHash()
                          .add(bytes_of(kDsiIsk))
                          .add(session_id)
                          .add(k.view())
                          .add(transcript.initiator_share.view())
                          .add(transcript.initiator_data)
                          .add(transcript.responder_share.view())
                          .add(transcript.responder_data)
                          .finish();
  return IntermediateKey{digest.view()};
}

}  // namespace kith::crypto::cpace
