#pragma once

#include <optional>
#include <vector>

#include "relay/rules/store.hpp"

/// What every RelayStore decides in the same way, whatever it keeps its rows in.
namespace kith::relay {

/// What a stored thing counts beside its bytes: its row and the index of that.
inline constexpr std::uint64_t kRowBytes = 64;
/// A full mailbox takes so much of ACL records still: who fills it must not keep others from removing them.
inline constexpr std::uint64_t kAclAllowanceBytes = std::uint64_t{16} << 20;
/// The channel's key has as much again for itself: members cannot keep it from bringing the group back.
inline constexpr std::uint64_t kChannelKeyAllowanceBytes = kAclAllowanceBytes;
/// Pseudonyms that a group's records may ever name: each is a row that is kept for good. The channel's key, which
/// brings a group back, may name as many again.
inline constexpr std::uint64_t kMaxNames = 4096;
/// A push that was stored already is recognised among so many of the group's last items.
inline constexpr std::uint64_t kLookBack = 4096;
/// Expired rows that one Sweep deletes: a few milliseconds between two commits.
inline constexpr std::size_t kSweepRows = 256;
/// A mailbox that never got an item goes after that: somebody registered and left.
inline constexpr std::chrono::hours kUnusedTime{24};
/// Bytes of items in one answer to a PULL, with kRowBytes for each item: fits into a message.
inline constexpr std::size_t kMaxPullBytes = 1024 * 1024;

[[nodiscard]] constexpr std::uint64_t weight(std::size_t bytes) { return bytes + kRowBytes; }
[[nodiscard]] std::uint64_t weight(wire::AclRecord const& record);
/// What an object counts: the blocks of its file, the file's name and inode, and its row. A file of one byte takes as
/// much of a disk as one of 4096.
[[nodiscard]] constexpr std::uint64_t object_weight(std::uint64_t bytes) {
  constexpr std::uint64_t kBlock = 4096, kFile = 512;
  return (bytes + kBlock - 1) / kBlock * kBlock + kFile;
}

/// All that is stored, `adding` included, is more than pushes, objects and records may fill: 95 % of the limit.
[[nodiscard]] constexpr bool too_full(std::uint64_t stored, std::uint64_t adding, StoreLimits const& limits) {
  return stored + adding > limits.max_bytes / 100 * 95;
}
/// New mailboxes are refused earlier, at 90 %, so that those there are can be used on for a while.
[[nodiscard]] constexpr bool too_full_for_groups(std::uint64_t stored, StoreLimits const& limits) {
  return stored > limits.max_bytes / 100 * 90;
}

/// What RelayItem::stored_s tells: more would show operators' clients when a device is used.
[[nodiscard]] std::uint64_t hour_of(WallTime wall);
/// Whether a mailbox that never got an item has had its time.
[[nodiscard]] bool unused_for_long(std::uint64_t made_s, WallTime wall);
/// When something goes, in unix seconds: at most `longest` from now.
[[nodiscard]] std::uint64_t expiry(WallTime wall, std::uint32_t ttl_s, std::chrono::seconds longest);
[[nodiscard]] std::uint64_t unix_seconds(WallTime wall);

/// What becomes of a record that is put on a mailbox that there is.
enum class AclVerdict {
  follows,  ///< it is the next one
  known,    ///< it is there already
  stale,    ///< it does not follow; its signer is or was one of the mailbox, and is told the current record
  foreign,  ///< its signer has nothing to do with the mailbox, or did not sign it
};
/// @param same_version  the record that is stored with its version, if one is
/// @param signer_known  its signer is or was in the ACL
/// @param prev_known  its `prev` is the hash of a record of the chain; looked at only where it is by_channel_key()
[[nodiscard]] AclVerdict judge_acl(wire::AclRecord const& current, wire::AclRecord const* same_version,
                                   bool signer_known, bool prev_known, wire::AclRecord const& record);

/// Whether it is to be the channel's key that signs it.
[[nodiscard]] bool by_channel_key(wire::AclRecord const& record);
/// What is stored of one group, and of all.
struct StoredBytes {
  std::uint64_t group = 0, all = 0;
};
/// Why there is no room for a record that follows. There always is for one that only removes: no two of those bring a
/// list back to what it was, so there is an end to them, and nobody can make a list that cannot be shortened.
[[nodiscard]] std::optional<Refusal> no_room_for_acl(wire::AclRecord const& current, wire::AclRecord const& record,
                                                     StoredBytes const& stored, StoreLimits const& limits);
/// How many names a group may ever have, for a record that brings new ones.
[[nodiscard]] std::uint64_t most_names(wire::AclRecord const& record);
[[nodiscard]] bool contains(wire::AclRecord const& record, wire::Pseudonym const& pseudonym);

}  // namespace kith::relay
