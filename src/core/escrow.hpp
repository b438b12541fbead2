#pragma once

#include "core/identity.hpp"
#include "wire/relay.hpp"

/// What a group leaves at a relay for the day when all its devices are lost. @see docs/spec/objects.md, "Recovery
/// records"
namespace kith::core {

/// Finds the group's mailbox again, and lets whoever has the recovery words into it.
struct Escrow {
  wire::ChannelId channel;
  crypto::SignSeed channel_key;  ///< the channel's own signing key: it alone may jump in the chain of access records
  GroupId group;
  std::string name;  ///< of the group
  template <class Archive, class Self>
  static void fields(Archive& a, Self& s) {
    a(s.channel, s.channel_key, s.group, wire::text(s.name, kLimits.max_name_bytes));
  }
};

/// Where a relay keeps it: HKDF(locator secret, salt = relay key, info = "kith/rec-locator/1"). Only members and the
/// words lead there, and relays cannot compare.
[[nodiscard]] wire::RecoveryLocator recovery_locator(wire::LocatorSecret const& locator, wire::RelayKey const& relay);

/// Sealed to the recovery key, for one relay; all records have one length.
[[nodiscard]] Bytes seal_escrow(Escrow const& escrow, crypto::DhPublicKey const& recovery, wire::RelayKey const& relay,
                                RandomSource& random);
/// @return CryptoError::not_authentic for a record that was not made for these words and this relay
[[nodiscard]] Result<Escrow> open_escrow(ByteView sealed, RecoveryKeys const& recovery, wire::RelayKey const& relay);

}  // namespace kith::core
