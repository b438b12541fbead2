#pragma once

#include <span>
#include <vector>

#include "base/random.hpp"
#include "core/error.hpp"
#include "core/identity.hpp"
#include "wire/entry.hpp"
#include "wire/ops.hpp"

/// Sealing and opening entries, and wrapping epoch secrets. @see docs/spec/entries.md, docs/spec/epochs.md
namespace kith::core {

using wire::EpochSecret;
using EpochSubkey = Secret<32, struct EpochSubkeyTag>;

/// epoch_id = H16("kith/epoch/1", group_id, secret).
[[nodiscard]] EpochId epoch_id(GroupId const& group, EpochSecret const& secret);
/// HKDF(secret, salt = group_id, info = "kith/sub/1" 0x00 name); names: entry, object, presence, noise-psk, mdns,
/// signal.
[[nodiscard]] EpochSubkey epoch_subkey(GroupId const& group, EpochSecret const& secret, std::string_view name);

/// group_id = H("kith/group/1", genesis record).
[[nodiscard]] GroupId group_id(wire::Genesis const& genesis);

/// A K2 prefix that carries `secret` to each of `recipients` in random order.
[[nodiscard]] wire::EpochPrefix make_prefix(GroupId const& group, EpochSecret const& secret,
                                            std::span<crypto::DhPublicKey const> recipients, RandomSource& random);
/// Tries every wrap with our key. @return CoreError::unknown_epoch where none is ours
[[nodiscard]] Result<EpochSecret> unwrap(GroupId const& group, wire::EpochPrefix const& prefix,
                                         crypto::DhKeyPair const& ours);
/// What the rotate op says of its prefix: H("kith/prefix/1", prefix).
[[nodiscard]] crypto::Hash256 prefix_hash(wire::EpochPrefix const& prefix);

/// An entry on its way to being sealed: everything but signature and ciphertext.
struct Draft {
  wire::EntryBody body;  ///< `compression` and `ops` are filled in by seal()
  std::vector<wire::Op> ops;
  std::optional<wire::EpochPrefix> prefix;  ///< for an entry with a rotate
};

struct SealedEntry {
  Bytes bytes;
  EntryHash hash;
};

/// Signs and seals. Ops are compressed where that saves bytes, never where they hold secrets.
/// @return CoreError::entry_too_large where they do not fit into Limits::max_ops_bytes, max_roster_ops or
/// max_entry_secrets,
///         or packed and padded into Limits::max_entry_plaintext_bytes
[[nodiscard]] Result<SealedEntry> seal(Draft draft, GroupId const& group, EpochSecret const& epoch,
                                       crypto::SigningKey const& author, RandomSource& random);

/// Epoch secrets that an op hands on; at most max_entry_secrets of them stand in one entry.
[[nodiscard]] std::span<EpochSecret const> secrets_in(wire::Op const& op);

/// An entry whose seal, signature and form have been checked. Whether it counts is the roster's to say.
struct OpenedEntry {
  EntryHash hash;
  EpochId epoch;
  wire::EntryBody body;
  std::vector<wire::Op> ops;
};

enum class Check {
  everything,   ///< what comes from outside
  own_storage,  ///< what this device verified before it stored it: the signature is not checked again
};

/// Opens sealed bytes with their epoch's secret.
/// @return a WireError for the form, CoreError::bad_seal, bad_signature, bad_prefix or bad_entry
[[nodiscard]] Result<OpenedEntry> open(wire::SealedParts const& parts, GroupId const& group, EpochSecret const& epoch,
                                       Check check);

}  // namespace kith::core
