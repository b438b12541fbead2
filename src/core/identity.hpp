#pragma once

#include <string_view>

#include "base/random.hpp"
#include "base/time.hpp"
#include "core/error.hpp"
#include "crypto/mnemonic.hpp"
#include "wire/ops.hpp"

/// The keys of a device and of a group's recovery. @see docs/spec/devices.md
namespace kith::core {

using DeviceRoot = Secret<32, struct DeviceRootTag>;  ///< pseudonyms towards relays come from it
using StorageKey = Secret<32, struct StorageKeyTag>;  ///< seals the secrets that the database holds

/// All long-lived secrets of one device, drawn once by `init`.
struct Identity {
  crypto::SigningKey sign;
  crypto::DhKeyPair dx;
  DeviceRoot root;
  StorageKey storage;
  wire::Devcert cert;

  [[nodiscard]] static Identity generate(RandomSource& random, WallTime now);
  /// Puts a stored device together again and signs its devcert anew (Ed25519 is deterministic: it is the same one).
  [[nodiscard]] static Identity restore(crypto::SignSeed const& seed, crypto::DhSecretKey dx, DeviceRoot root,
                                        StorageKey storage, std::uint64_t created_s);
  [[nodiscard]] Identity clone() const;
  [[nodiscard]] DeviceId device() const { return cert.device; }
};

[[nodiscard]] bool signature_fits(wire::Devcert const& cert);

/// What one relay sees of a device in one group: a signing key and a Noise static key that lead back to nothing.
struct RelayFace {
  crypto::SigningKey sign;
  crypto::DhKeyPair dx;
  [[nodiscard]] wire::Pseudonym pseudonym() const { return {sign.public_key().bytes}; }
};
[[nodiscard]] RelayFace relay_face(DeviceRoot const& root, wire::RelayKey const& relay, GroupId const& group);

/// The keys that 24 words stand for: senior to every device, and the way back when all are lost.
struct RecoveryKeys {
  crypto::SigningKey sign;
  crypto::DhKeyPair dx;
  wire::LocatorSecret locator;

  [[nodiscard]] static RecoveryKeys from_entropy(crypto::MnemonicEntropy const& entropy);
};

/// What a recovery signature covers: the op without it, bound to the place it was written at.
[[nodiscard]] Bytes recovery_message(GroupId const& group, DeviceId const& author, Incarnation incarnation, Seq seq,
                                     wire::Op const& op_without_signature);
/// Whether `op` (a device_add or device_remove) carries a signature of `recovery_sign` for this place.
[[nodiscard]] bool recovery_signature_fits(crypto::SignPublicKey const& recovery_sign, GroupId const& group,
                                           DeviceId const& author, Incarnation incarnation, Seq seq,
                                           wire::Op const& op);

inline constexpr std::string_view kDevcertLabel = "kith/devcert/1";
inline constexpr std::string_view kRecoveryLabel = "kith/recovery/1";

}  // namespace kith::core
