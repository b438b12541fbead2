#pragma once

#include "base/result.hpp"

namespace kith::core {

enum class CoreError {
  unknown_epoch,    ///< sealed under an epoch whose secret is not here (yet)
  bad_seal,         ///< commitment, ciphertext or padding do not fit: altered, or sealed for another group
  bad_signature,    ///< an entry, devcert or recovery signature that its key did not make
  bad_prefix,       ///< a K2 prefix that is not the one its rotate op signed, or a rotate without prefix
  bad_entry,        ///< an entry whose ops may not stand together or are too many, or whose compression does not decode
  entry_too_large,  ///< ops that do not fit into one entry
  no_group,         ///< the home belongs to no group yet
  not_member,       ///< an entry whose whole past is here and does not let its author in
  removed_self,     ///< this device was removed from the group
  removed_peer,     ///< the device at the other end was removed, or is none of the group
  unknown_device,   ///< no device of the group has this id
  wrong_recovery,   ///< recovery words of another group
  handshake_failed,    ///< the other side could not prove what a session demands
  version_mismatch,    ///< no protocol version in common; the detail names both ranges
  protocol_violation,  ///< a frame or message that is not due, or breaks its own rules
  timed_out,           ///< the other side did not answer in time
  closed,              ///< the other side ended the conversation
  wrong_code,          ///< the pairing code's secret half does not fit; the detail has the tries left
  invite_expired,      ///< the pairing code's time is over
  invite_used,         ///< a device has joined with this code
  invite_void,         ///< three wrong tries burnt this code
  invite_cancelled,    ///< the inviter took the code back
  invite_denied,       ///< the inviter's user said no
  state_cloned,        ///< another copy of this home is connecting under this device's name
  corrupt_record,      ///< a record of our own that does not decode
};

[[nodiscard]] ErrorDomain const& error_domain(CoreError);

}  // namespace kith::core
