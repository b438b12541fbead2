#pragma once

#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "crypto/hash.hpp"
#include "wire/content.hpp"
#include "wire/device.hpp"
#include "wire/relay_ids.hpp"

/// The operations that entries carry. An op is [kind, fields...]; its id is (entry hash, index in the entry).
/// @see docs/spec/entries.md, docs/spec/roster.md, docs/spec/views.md
namespace kith::wire {

enum class OpKind : std::uint16_t {
  genesis = 1,
  device_add = 2,
  device_remove = 3,
  device_rename = 4,
  device_pause = 5,
  rotate = 6,
  epoch_secrets = 7,
  incarnation = 8,
  relay_set = 9,
  relay_remove = 10,
  device_relay = 11,
  message = 32,
  folder_add = 64,
  file_set = 65,
  file_remove = 66,
};

using EpochSecret = Secret<32, struct EpochSecretTag>;      ///< one epoch's key material; its hash is the EpochId
using LocatorSecret = Secret<32, struct LocatorSecretTag>;  ///< finds recovery records at a relay
using ContentSecret = Secret<32, struct ContentSecretTag>;  ///< keys chunk ids and the chunker, for good
using Pseudonym = ByteId<struct PseudonymTag, 32>;          ///< a relay's name for a device: an Ed25519 public key

/// Begins a group. group_id = H("kith/group/1", this record's encoding).
struct Genesis {
  static constexpr OpKind kKind = OpKind::genesis;
  std::uint8_t format = 1;
  Devcert creator;
  crypto::SignPublicKey recovery_sign;
  crypto::DhPublicKey recovery_dx;
  LocatorSecret locator_secret;
  ContentSecret content_secret;
  std::string name;
  ByteId<struct GenesisRandomTag, 16> random;
  template <class Archive, class Self>
  static void fields(Archive& a, Self& s) {
    a(version(s.format, 1), s.creator, s.recovery_sign, s.recovery_dx, s.locator_secret, s.content_secret,
      text(s.name, kLimits.max_name_bytes), s.random);
  }
};

/// The op that carries the genesis record: [1, record].
struct GenesisOp {
  static constexpr OpKind kKind = OpKind::genesis;
  Genesis record;
  template <class Archive, class Self>
  static void fields(Archive& a, Self& s) {
    a(s.record);
  }
};

/// Lets a device into the group. `epoch` is the one whose secrets its inviter hands over.
struct DeviceAdd {
  static constexpr OpKind kKind = OpKind::device_add;
  Devcert cert;
  std::string name;
  EpochId epoch;
  std::optional<crypto::Signature> recovery;  ///< by the recovery key, over recovery_message()
  template <class Archive, class Self>
  static void fields(Archive& a, Self& s) {
    a(s.cert, text(s.name, kLimits.max_name_bytes), s.epoch, optional_last(s.recovery));
  }
};

enum class RemoveReason : std::uint8_t { retired = 0, lost = 1, compromised = 2 };
constexpr bool valid(RemoveReason reason) { return reason <= RemoveReason::compromised; }

struct DeviceRemove {
  static constexpr OpKind kKind = OpKind::device_remove;
  DeviceId device;
  RemoveReason reason = RemoveReason::retired;
  std::optional<crypto::Signature> recovery;
  template <class Archive, class Self>
  static void fields(Archive& a, Self& s) {
    a(s.device, s.reason, optional_last(s.recovery));
  }
};

struct DeviceRename {
  static constexpr OpKind kKind = OpKind::device_rename;
  DeviceId device;
  std::string name;
  template <class Archive, class Self>
  static void fields(Archive& a, Self& s) {
    a(s.device, text(s.name, kLimits.max_name_bytes));
  }
};

struct DevicePause {
  static constexpr OpKind kKind = OpKind::device_pause;
  DeviceId device;
  bool on = false;
  template <class Archive, class Self>
  static void fields(Archive& a, Self& s) {
    a(s.device, s.on);
  }
};

/// Starts an epoch. Its entry is the K2 that carries the new secret to the recipients; the secrets it replaces ride
/// inside.
struct Rotate {
  static constexpr OpKind kKind = OpKind::rotate;
  std::uint64_t epoch_no = 0;
  std::vector<DeviceId> recipients;
  crypto::Hash256 prefix_hash;  ///< H("kith/prefix/1", the entry's clear prefix)
  std::vector<EpochSecret> replaced;
  template <class Archive, class Self>
  static void fields(Archive& a, Self& s) {
    a(s.epoch_no, list(s.recipients, kLimits.max_recipients), s.prefix_hash, list(s.replaced, kLimits.max_secrets));
  }
};

/// Hands on secrets that the largest epoch does not carry.
struct EpochSecrets {
  static constexpr OpKind kKind = OpKind::epoch_secrets;
  std::vector<EpochSecret> secrets;
  template <class Archive, class Self>
  static void fields(Archive& a, Self& s) {
    a(list(s.secrets, kLimits.max_secrets));
  }
};

/// Begins a further log of a device, after a restore or a copy of its database. `old_tip` is where its log before ended
/// as far as this database knows.
struct IncarnationOp {
  static constexpr OpKind kKind = OpKind::incarnation;
  Devcert cert;
  Tip old_tip;
  template <class Archive, class Self>
  static void fields(Archive& a, Self& s) {
    a(s.cert, s.old_tip);
  }
};

struct RelaySet {
  static constexpr OpKind kKind = OpKind::relay_set;
  std::string url;
  RelayKey relay;
  ChannelId channel;
  template <class Archive, class Self>
  static void fields(Archive& a, Self& s) {
    a(text(s.url, kLimits.max_name_bytes), s.relay, s.channel);
  }
};

struct RelayRemove {
  static constexpr OpKind kKind = OpKind::relay_remove;
  RelayKey relay;
  ChannelId channel;
  template <class Archive, class Self>
  static void fields(Archive& a, Self& s) {
    a(s.relay, s.channel);
  }
};

struct DeviceRelay {
  static constexpr OpKind kKind = OpKind::device_relay;
  DeviceId device;
  RelayKey relay;
  Pseudonym pseudonym;
  template <class Archive, class Self>
  static void fields(Archive& a, Self& s) {
    a(s.device, s.relay, s.pseudonym);
  }
};

/// A message's content: the bytes themselves up to 32 KiB, or references to chunks.
struct MessageContent {
  std::variant<Bytes, Content> value;
  void write(Writer& writer) const;
  void read(Reader& reader);
  friend bool operator==(MessageContent const&, MessageContent const&) = default;
};

struct Message {
  static constexpr OpKind kKind = OpKind::message;
  std::string topic;
  std::uint64_t ttl_s = 0;  ///< hidden from the view this long after it was written; 0: never
  MessageContent content;
  template <class Archive, class Self>
  static void fields(Archive& a, Self& s) {
    a(text(s.topic, kLimits.max_name_bytes), s.ttl_s, s.content);
  }
};

struct FolderAdd {
  static constexpr OpKind kKind = OpKind::folder_add;
  FolderId folder;
  std::string name;
  template <class Archive, class Self>
  static void fields(Archive& a, Self& s) {
    a(s.folder, text(s.name, kLimits.max_name_bytes));
  }
};

enum class FileKind : std::uint8_t { file = 0, directory = 1 };
constexpr bool valid(FileKind kind) { return kind <= FileKind::directory; }

/// A version of what is at a path. `parents` are the versions of that path that it replaces.
struct FileSet {
  static constexpr OpKind kKind = OpKind::file_set;
  FolderId folder;
  std::string path;
  FileKind kind = FileKind::file;
  std::uint64_t size = 0;
  std::int64_t mtime_ns = 0;
  std::uint16_t mode = 0;  ///< permission bits, at most 0777
  Content content;
  std::vector<VersionId> parents;
  template <class Archive, class Self>
  static void fields(Archive& a, Self& s) {
    a(s.folder, text(s.path, kLimits.max_path_bytes), s.kind, s.size, s.mtime_ns, s.mode, s.content,
      list(s.parents, kLimits.max_parents));
  }
};

struct FileRemove {
  static constexpr OpKind kKind = OpKind::file_remove;
  FolderId folder;
  std::string path;
  std::vector<VersionId> parents;
  template <class Archive, class Self>
  static void fields(Archive& a, Self& s) {
    a(s.folder, text(s.path, kLimits.max_path_bytes), list(s.parents, kLimits.max_parents));
  }
};

/// An op of a later version: kept as it came, so that this program still replicates it.
struct UnknownOp {
  std::uint16_t kind = 0;
  Bytes encoding;  ///< the whole op
};

using Op =
    std::variant<GenesisOp, DeviceAdd, DeviceRemove, DeviceRename, DevicePause, Rotate, EpochSecrets, IncarnationOp,
                 RelaySet, RelayRemove, DeviceRelay, Message, FolderAdd, FileSet, FileRemove, UnknownOp>;

void encode_op(Bytes& out, Op const& op);
[[nodiscard]] Bytes encode_ops(std::vector<Op> const& ops);  ///< the array that an entry carries
/// @return the ops; an unknown kind is no error, a known kind that does not fit its fields is
[[nodiscard]] Result<std::vector<Op>> decode_ops(ByteView in);

/// Whether the roster is a function of this op (docs/spec/roster.md counts these).
[[nodiscard]] bool is_roster_op(Op const& op);

}  // namespace kith::wire
