#include "crypto/error.hpp"

#include "base/assert.hpp"

namespace kith::crypto {
namespace {

std::string_view describe(int value) {
  switch (static_cast<CryptoError>(value)) {
    case CryptoError::not_authentic: return "not_authentic";
    case CryptoError::weak_point: return "weak_point";
    case CryptoError::message_too_long: return "message_too_long";
    case CryptoError::truncated: return "truncated";
    case CryptoError::wrong_state: return "wrong_state";
    case CryptoError::nonce_exhausted: return "nonce_exhausted";
    case CryptoError::bad_word: return "bad_word";
    case CryptoError::bad_word_count: return "bad_word_count";
    case CryptoError::bad_checksum: return "bad_checksum";
    case CryptoError::out_of_memory: return "out_of_memory";
    case CryptoError::cost_out_of_range: return "cost_out_of_range";
  }
  KITH_UNREACHABLE();
}

}  // namespace

ErrorDomain const& error_domain(CryptoError) {
  static constexpr ErrorDomain domain{"crypto", describe};
  return domain;
}

}  // namespace kith::crypto
