#pragma once

#include <string>
#include <string_view>

#include "support/wire_json.hpp"

/// The golden vectors of tests/vectors, one function per file. @see tests/vectors/README.md
namespace kith::vectors {

using testing::Json;

[[nodiscard]] Json wire_values();  ///< wire.json: every record, op, frame and message
[[nodiscard]] Json keys();         ///< keys.json: ids and keys, and what they are derived from
[[nodiscard]] Json entries();      ///< entries.json: sealed entries
[[nodiscard]] Json session();      ///< session.json: a whole handshake
[[nodiscard]] Json pairing();      ///< pairing.json: codes, links and a whole conversation
[[nodiscard]] Json recovery();     ///< recovery.json: a whole conversation with somebody who has the words
[[nodiscard]] Json relay();        ///< relay.json: access records, stamps, and a device's conversation with a relay

/// What seeded randomness is, for whoever has no libsodium.
inline constexpr std::string_view kSeededRandom =
    "Random bytes come from a seed: the n-th call, n = 1, 2, 3..., gives the first bytes of the ChaCha20 key stream "
    "(RFC 8439, "
    "block counter 0) under the key: seed as u64 | n as u64 | 16 zeros, integers big-endian, and the nonce "
    "'LibsodiumDRG' in "
    "ASCII. This is libsodium's randombytes_buf_deterministic with that key as seed. 'draws' lists the calls in their "
    "order.";

template <class T>
[[nodiscard]] Json hex(T const& bytes) {
  if constexpr (requires { bytes.view(); }) {
    return to_hex(bytes.view());
  } else {
    return to_hex(bytes);
  }
}

}  // namespace kith::vectors
