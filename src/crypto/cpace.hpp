#pragma once

#include "base/bytes.hpp"
#include "base/ids.hpp"
#include "base/random.hpp"
#include "base/secret.hpp"
#include "crypto/error.hpp"

/// CPace, a balanced password-authenticated key exchange, with ristretto255 and SHA-512 (draft-irtf-cfrg-cpace, in the
/// revision of its published testvectors.json). Whoever does not know the password learns nothing that can be checked
/// offline.
namespace kith::crypto::cpace {

using Share = ByteId<struct CpaceShareTag, 32>;  ///< Ya or Yb
using Scalar = Secret<32, struct CpaceScalarTag>;
using IntermediateKey = Secret<64, struct CpaceIskTag>;  ///< ISK
using Generator = Secret<32, struct CpaceGeneratorTag>;  ///< depends on the password, so it is a secret

/// calculate_generator(PRS, CI, sid).
[[nodiscard]] Generator generator(ByteView password, ByteView channel_identifier, ByteView session_id);

struct KeyShare {
  Scalar scalar;
  Share share;
};
/// sample_scalar and scalar_mult.
[[nodiscard]] KeyShare make_share(Generator const& generator, RandomSource& random);
[[nodiscard]] Share share_of(Scalar const& scalar, Generator const& generator);

/// The key of the initiator-responder setting: ISK = H(DSI, sid, K, Ya, ADa, Yb, ADb).
/// @return CryptoError::weak_point where the other side's share is invalid or gives the identity
struct Transcript {
  Share initiator_share;
  ByteView initiator_data;  ///< ADa
  Share responder_share;
  ByteView responder_data;  ///< ADb
};
[[nodiscard]] Result<IntermediateKey> derive(Scalar const& ours, Share const& theirs, ByteView session_id,
                                             Transcript const& transcript);

}  // namespace kith::crypto::cpace
