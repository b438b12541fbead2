#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <cstring>
#include <functional>
#include <optional>
#include <string>

#include "base/bytes.hpp"

namespace kith {

/// N bytes that name one kind of thing. Two kinds never convert into each other.
template <class Tag, std::size_t N>
struct ByteId {
  static constexpr std::size_t kBytes = N;
  std::array<std::uint8_t, N> bytes{};

  /// The id in `view`, if that has exactly N bytes.
  [[nodiscard]] static std::optional<ByteId> from(ByteView view) {
    if (view.size() != N) return std::nullopt;
    ByteId id;
    std::memcpy(id.bytes.data(), view.data(), N);
    return id;
  }
  [[nodiscard]] ByteView view() const { return bytes; }
  [[nodiscard]] bool is_zero() const { return *this == ByteId{}; }
  friend auto operator<=>(ByteId const&, ByteId const&) = default;
};

using DeviceId = ByteId<struct DeviceIdTag, 32>;      ///< device's Ed25519 public key (RFC 8032)
using GroupId = ByteId<struct GroupIdTag, 32>;        ///< BLAKE2b-256 of the group's genesis record
using EntryHash = ByteId<struct EntryHashTag, 32>;    ///< names one entry: what prev_hash, tips and signatures cover
using EntryId = ByteId<struct EntryIdTag, 16>;        ///< random, in the clear header of a sealed entry
using EpochId = ByteId<struct EpochIdTag, 16>;        ///< BLAKE2b-128 of an epoch secret
using FolderId = ByteId<struct FolderIdTag, 16>;      ///< keyed hash of a folder's name
using VersionId = ByteId<struct VersionIdTag, 16>;    ///< one file_set or file_remove
using ChunkId = ByteId<struct ChunkIdTag, 32>;        ///< keyed BLAKE2b-256 of a chunk's plain bytes
using ItemDigest = ByteId<struct ItemDigestTag, 16>;  ///< BLAKE2b-128 of sealed bytes: recognises an item seen before

/// One database instance of a device; a restored or copied home gets another.
struct Incarnation {
  std::uint64_t value = 0;
  friend auto operator<=>(Incarnation const&, Incarnation const&) = default;
};

/// An entry's number in its log; the first is 1, 0 marks an item outside the log.
struct Seq {
  std::uint64_t value = 0;
  friend auto operator<=>(Seq const&, Seq const&) = default;
};

/// The number under which this device holds a message; the first is 1. Numbers differ between devices.
struct MessageNumber {
  std::uint64_t value = 0;
  friend auto operator<=>(MessageNumber const&, MessageNumber const&) = default;
};

/// Names one log: a device's entries are chained per incarnation.
struct LogId {
  DeviceId device;
  Incarnation incarnation;
  friend auto operator<=>(LogId const&, LogId const&) = default;
};

/// The last entry of one log, or of one branch of it.
struct Tip {
  LogId log;
  Seq seq;
  EntryHash hash;
  friend auto operator<=>(Tip const&, Tip const&) = default;
};

}  // namespace kith

template <class Tag, std::size_t N>
struct std::hash<kith::ByteId<Tag, N>> {
  std::size_t operator()(kith::ByteId<Tag, N> const& id) const noexcept {
    std::size_t value;  // ids are hashes, keys or random: any eight bytes are spread well enough
    std::memcpy(&value, id.bytes.data(), sizeof value);
    return value;
  }
};
