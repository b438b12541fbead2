#pragma once

#include "base/result.hpp"

namespace kith::crypto {

enum class CryptoError {
  not_authentic,      ///< an AEAD, MAC, commitment or signature does not fit: altered bytes or another key
  weak_point,         ///< a Diffie-Hellman result is all zero, or a ristretto255 element is invalid or the identity
  message_too_long,   ///< a Noise message above 65,535 bytes
  truncated,          ///< fewer bytes than the fields that must be there
  wrong_state,        ///< a handshake message that is not due, or transport use before the handshake ended
  nonce_exhausted,    ///< 2^64 - 1 messages under one key
  bad_word,           ///< a recovery word that is not in the list; the detail's subject is its place, 1 to 24
  bad_word_count,     ///< not 24 words
  bad_checksum,       ///< all words are in the list, but they do not belong together
  out_of_memory,      ///< Argon2id could not get its memory
  cost_out_of_range,  ///< an Argon2id cost that is below the algorithm's least or above what is ever spent here
};

[[nodiscard]] ErrorDomain const& error_domain(CryptoError);

}  // namespace kith::crypto
