#pragma once

#include "crypto/kdf.hpp"
#include "wire/device.hpp"

/// The payloads of the handshake by which somebody who has nothing but the recovery words reads a group from one of its
/// devices. @see docs/spec/recovery.md
namespace kith::wire {

/// Message 1's payload, as it is. HMAC-SHA256(psk, "kith/recovery-tag/1" 0x00 e_pk) cut to 16 bytes: this handshake's
/// ephemeral key was chosen by somebody who knows the group's locator secret.
using RecoveryTag = ByteId<struct RecoveryTagTag, 16>;

/// Message 2's payload: whose device answers, and for which group.
struct RecoveryGiving {
  Devcert cert;
  GroupId group;
  crypto::Signature signature;  ///< by cert.device: sign("kith/recovery-give/1", Noise hash just before this payload)
  template <class Archive, class Self>
  static void fields(Archive& a, Self& s) {
    a(s.cert, s.group, s.signature);
  }
  friend bool operator==(RecoveryGiving const&, RecoveryGiving const&) = default;
};

/// Message 3's payload: what nobody but the words can make.
struct RecoveryProof {
  crypto::Signature signature;  ///< by recovery_sign: sign("kith/recovery-read/1", Noise hash just before this payload)
  template <class Archive, class Self>
  static void fields(Archive& a, Self& s) {
    a(s.signature);
  }
  friend bool operator==(RecoveryProof const&, RecoveryProof const&) = default;
};

}  // namespace kith::wire
