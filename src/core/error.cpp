#include "core/error.hpp"

#include "base/assert.hpp"

namespace kith::core {

ErrorDomain const& error_domain(CoreError) {
  static constexpr ErrorDomain domain{"core", [](int value) -> std::string_view {
                                        switch (static_cast<CoreError>(value)) {
                                          case CoreError::unknown_epoch: return "unknown_epoch";
                                          case CoreError::bad_seal: return "bad_seal";
                                          case CoreError::bad_signature: return "bad_signature";
                                          case CoreError::bad_prefix: return "bad_prefix";
                                          case CoreError::bad_entry: return "bad_entry";
                                          case CoreError::entry_too_large: return "entry_too_large";
                                          case CoreError::no_group: return "no_group";
                                          case CoreError::not_member: return "not_member";
                                          case CoreError::removed_self: return "removed_self";
                                          case CoreError::removed_peer: return "removed_peer";
                                          case CoreError::unknown_device: return "unknown_device";
                                          case CoreError::wrong_recovery: return "wrong_recovery";
                                          case CoreError::handshake_failed: return "handshake_failed";
                                          case CoreError::version_mismatch: return "version_mismatch";
                                          case CoreError::protocol_violation: return "protocol_violation";
                                          case CoreError::timed_out: return "timed_out";
                                          case CoreError::closed: return "closed";
                                          case CoreError::wrong_code: return "wrong_code";
                                          case CoreError::invite_expired: return "invite_expired";
                                          case CoreError::invite_used: return "invite_used";
                                          case CoreError::invite_void: return "invite_void";
                                          case CoreError::invite_cancelled: return "invite_cancelled";
                                          case CoreError::invite_denied: return "invite_denied";
                                          case CoreError::state_cloned: return "state_cloned";
                                          case CoreError::corrupt_record: return "corrupt_record";
                                        }
                                        KITH_UNREACHABLE();
                                      }};
  return domain;
}

}  // namespace kith::core
