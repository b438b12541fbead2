#pragma once

#include <string>
#include <variant>
#include <vector>

#include "crypto/hash.hpp"
#include "crypto/noise.hpp"
#include "crypto/sign.hpp"
#include "wire/ops.hpp"

/// What a device and a relay say to each other inside their Noise channel. @see docs/spec/relay.md
namespace kith::wire {

/// A number that a device gives to what it pushes to one relay, dense from 1.
struct PushSeq {
  std::uint64_t value = 0;
  friend auto operator<=>(PushSeq const&, PushSeq const&) = default;
};

using ObjectId = ByteId<struct ObjectIdTag, 32>;        ///< names a sealed container; drawn by whoever uploads it
using RecoveryLocator = ByteId<struct LocatorTag, 32>;  ///< finds recovery records; only the words lead to it

/// Message types. 0x70 FORWARD is reserved for circuits.
enum class RelayMessageType : std::uint8_t {
  hello = 0x01,
  welcome = 0x02,
  done = 0x03,
  push = 0x10,
  push_ack = 0x11,
  pull = 0x20,
  pull_response = 0x21,
  ack = 0x22,
  presence = 0x30,
  notify = 0x31,
  blob = 0x32,
  delete_items = 0x40,
  trim = 0x41,
  acl_put = 0x50,
  acl_get = 0x51,
  rec_put = 0x52,
  rec_get = 0x53,
  acl_records = 0x54,
  rec_records = 0x55,
  obj_put = 0x60,
  obj_get = 0x61,
  obj_have = 0x62,
  obj_delete = 0x63,
  obj_part = 0x64,
  obj_held = 0x65,
  error = 0xFF,
};

/// What one message may hold.
struct RelayLimits {
  std::size_t max_message_bytes = 1280 * 1024;  ///< MessagePack, without its length
  std::size_t max_stranger_bytes = 16 * 1024;   ///< the same before HELLO was accepted
  std::size_t max_push_items = 256;
  std::size_t max_push_bytes = 1024 * 1024;  ///< of all items of one PUSH
  std::size_t max_presence_bytes = 4096;
  std::size_t max_members = 254;     ///< pseudonyms in one ACL record
  std::size_t max_acl_records = 64;  ///< in one answer
  std::size_t max_recovery_bytes = 1024;
  std::size_t max_recovery_records = 16;  ///< kept for one locator
  std::size_t max_object_bytes = 1024 * 1024;
  std::size_t max_object_part_bytes = 256 * 1024;
  std::size_t max_object_ids = 256;  ///< in one message
  std::size_t max_error_detail_bytes = 12 * 1024;
};
inline constexpr RelayLimits kRelayLimits{};

/// Device -> relay, the first message of a member: what it is and how far it has come.
struct Hello {
  static constexpr RelayMessageType kType = RelayMessageType::hello;
  std::uint64_t request = 0;
  std::uint8_t min_version = 1;
  std::uint8_t max_version = 1;
  std::uint64_t features = 0;
  ChannelId channel;
  Pseudonym pseudonym;
  crypto::Signature proof;    ///< by the pseudonym, over HelloProof: label kHelloLabel
  RelayCursor last_cursor;    ///< all up to it is durably applied
  crypto::Hash128 last_item;  ///< item_hash() of the item at it; zeros at 0, or where it was gone already
  template <class Archive, class Self>
  static void fields(Archive& a, Self& s) {
    a(s.request, s.min_version, s.max_version, s.features, s.channel, s.pseudonym, s.proof, s.last_cursor, s.last_item);
  }
  friend bool operator==(Hello const&, Hello const&) = default;
};

/// What a HELLO's proof covers: this conversation, at this relay, for this mailbox.
struct HelloProof {
  RelayKey relay;
  ChannelId channel;
  crypto::noise::HandshakeHash handshake;
  RelayCursor last_cursor;
  template <class Archive, class Self>
  static void fields(Archive& a, Self& s) {
    a(s.relay, s.channel, s.handshake, s.last_cursor);
  }
};

/// Relay -> device: the mailbox as it stands. A PRESENCE with all slots follows.
struct Welcome {
  static constexpr RelayMessageType kType = RelayMessageType::welcome;
  std::uint64_t request = 0;
  std::uint8_t version = 1;
  std::uint64_t features = 0;
  LogEpoch log_epoch;
  RelayCursor head;   ///< the last cursor given out
  RelayCursor floor;  ///< items up to it are gone
  std::uint64_t acl_version = 0;
  crypto::Hash256 acl_hash;       ///< acl_record_hash() of that version
  PushSeq last_push_seq;          ///< of this device
  std::uint64_t quota_bytes = 0;  ///< that the group may store
  std::uint64_t used_bytes = 0;
  std::uint64_t credit_bytes = 0;  ///< of items sent live and not acknowledged; beyond it only NOTIFY comes
  std::uint64_t object_ttl_s = 0;  ///< objects live so long at most
  template <class Archive, class Self>
  static void fields(Archive& a, Self& s) {
    a(s.request, s.version, s.features, s.log_epoch, s.head, s.floor, s.acl_version, s.acl_hash, s.last_push_seq,
      s.quota_bytes, s.used_bytes, s.credit_bytes, s.object_ttl_s);
  }
  friend bool operator==(Welcome const&, Welcome const&) = default;
};

/// Relay -> device: the request was carried out, durably.
struct Done {
  static constexpr RelayMessageType kType = RelayMessageType::done;
  std::uint64_t request = 0;
  template <class Archive, class Self>
  static void fields(Archive& a, Self& s) {
    a(s.request);
  }
  friend bool operator==(Done const&, Done const&) = default;
};

/// Device -> relay: items, the first one numbered `first_seq`. All are stored or none.
struct Push {
  static constexpr RelayMessageType kType = RelayMessageType::push;
  struct Item {
    std::uint32_t ttl_s = 0;  ///< 0: an entry of the log, kept for good; else gone after so long
    Bytes sealed;
    template <class Archive, class Self>
    static void fields(Archive& a, Self& s) {
      a(s.ttl_s, blob(s.sealed, kLimits.max_sealed_entry_bytes));
    }
    friend bool operator==(Item const&, Item const&) = default;
  };
  std::uint64_t request = 0;
  PushSeq first_seq;
  std::vector<Item> items;
  template <class Archive, class Self>
  static void fields(Archive& a, Self& s) {
    a(s.request, s.first_seq, list(s.items, kRelayLimits.max_push_items));
  }
  friend bool operator==(Push const&, Push const&) = default;
};

/// Relay -> device: the items are on its disk, at these cursors.
struct PushAck {
  static constexpr RelayMessageType kType = RelayMessageType::push_ack;
  std::uint64_t request = 0;
  PushSeq first_seq;
  std::vector<RelayCursor> cursors;
  template <class Archive, class Self>
  static void fields(Archive& a, Self& s) {
    a(s.request, s.first_seq, list(s.cursors, kRelayLimits.max_push_items));
  }
  friend bool operator==(PushAck const&, PushAck const&) = default;
};

/// Device -> relay: items after a cursor, so many bytes of them at most, but one item at least.
struct Pull {
  static constexpr RelayMessageType kType = RelayMessageType::pull;
  std::uint64_t request = 0;
  RelayCursor after;
  std::uint32_t max_bytes = 0;
  template <class Archive, class Self>
  static void fields(Archive& a, Self& s) {
    a(s.request, s.after, s.max_bytes);
  }
  friend bool operator==(Pull const&, Pull const&) = default;
};

/// One stored item. Nothing of it but the bytes can be checked by whoever gets it.
struct RelayItem {
  RelayCursor cursor;
  Pseudonym sender;
  std::uint64_t stored_s = 0;  ///< unix time at the relay, to the hour
  std::uint32_t ttl_s = 0;     ///< as pushed
  Bytes sealed;
  template <class Archive, class Self>
  static void fields(Archive& a, Self& s) {
    a(s.cursor, s.sender, s.stored_s, s.ttl_s, blob(s.sealed, kLimits.max_sealed_entry_bytes));
  }
  friend bool operator==(RelayItem const&, RelayItem const&) = default;
};

/// Relay -> device: items in ascending order, those of the asking device too. Cursors that are missing are of items
/// that expired or were deleted.
struct PullResponse {
  static constexpr RelayMessageType kType = RelayMessageType::pull_response;
  std::uint64_t request = 0;
  std::vector<RelayItem> items;
  RelayCursor next_after;  ///< where to go on: nothing was left out up to here
  bool has_more = false;   ///< whether there is anything behind it now
  template <class Archive, class Self>
  static void fields(Archive& a, Self& s) {
    a(s.request, list(s.items, kRelayLimits.max_message_bytes / 64), s.next_after, s.has_more);
  }
  friend bool operator==(PullResponse const&, PullResponse const&) = default;
};

/// Device -> relay, unanswered: all up to the cursor is durably applied. Gives credit back.
struct RelayAck {
  static constexpr RelayMessageType kType = RelayMessageType::ack;
  std::uint64_t request = 0;
  RelayCursor cursor;
  template <class Archive, class Self>
  static void fields(Archive& a, Self& s) {
    a(s.request, s.cursor);
  }
  friend bool operator==(RelayAck const&, RelayAck const&) = default;
};

/// A device's sealed presence. Device -> relay: its own one slot, unanswered. Relay -> device: those of others, all of
/// them behind WELCOME, and each that changes from then on.
struct RelayPresence {
  static constexpr RelayMessageType kType = RelayMessageType::presence;
  struct Slot {
    Pseudonym pseudonym;
    std::uint64_t counter = 0;  ///< a slot with one that is not higher than the last is ignored
    Bytes sealed;
    template <class Archive, class Self>
    static void fields(Archive& a, Self& s) {
      a(s.pseudonym, s.counter, blob(s.sealed, kRelayLimits.max_presence_bytes));
    }
    friend bool operator==(Slot const&, Slot const&) = default;
  };
  std::uint64_t request = 0;
  std::vector<Slot> slots;
  template <class Archive, class Self>
  static void fields(Archive& a, Self& s) {
    a(s.request, list(s.slots, kRelayLimits.max_members));
  }
  friend bool operator==(RelayPresence const&, RelayPresence const&) = default;
};

/// Relay -> device: there is more than was sent live; pull.
struct Notify {
  static constexpr RelayMessageType kType = RelayMessageType::notify;
  std::uint64_t request = 0;
  RelayCursor head;
  template <class Archive, class Self>
  static void fields(Archive& a, Self& s) {
    a(s.request, s.head);
  }
  friend bool operator==(Notify const&, Notify const&) = default;
};

/// Relay -> device: new items of others, live, in ascending order. Sent only to who has been sent or has pulled all
/// before them; cursors that are missing are the device's own items.
struct LiveItems {
  static constexpr RelayMessageType kType = RelayMessageType::blob;
  std::uint64_t request = 0;
  std::vector<RelayItem> items;
  template <class Archive, class Self>
  static void fields(Archive& a, Self& s) {
    a(s.request, list(s.items, kRelayLimits.max_push_items));
  }
  friend bool operator==(LiveItems const&, LiveItems const&) = default;
};

/// Device -> relay: its own items outside the log are no longer needed.
struct DeleteItems {
  static constexpr RelayMessageType kType = RelayMessageType::delete_items;
  std::uint64_t request = 0;
  std::vector<RelayCursor> cursors;
  template <class Archive, class Self>
  static void fields(Archive& a, Self& s) {
    a(s.request, list(s.cursors, kRelayLimits.max_push_items));
  }
  friend bool operator==(DeleteItems const&, DeleteItems const&) = default;
};

/// Device -> relay: items up to the cursor may go. Answered by NO_SNAPSHOT while there are no snapshots.
struct Trim {
  static constexpr RelayMessageType kType = RelayMessageType::trim;
  std::uint64_t request = 0;
  RelayCursor upto;
  template <class Archive, class Self>
  static void fields(Archive& a, Self& s) {
    a(s.request, s.upto);
  }
  friend bool operator==(Trim const&, Trim const&) = default;
};

/// Who may use a mailbox: version 1 is signed by the channel's own key, each later one by a pseudonym of the one
/// before.
struct AclRecord {
  ChannelId channel;
  std::uint64_t version = 1;
  crypto::Hash256 prev;               ///< acl_record_hash() of the version before; zeros in version 1
  std::vector<Pseudonym> pseudonyms;  ///< ascending, each once
  crypto::SignPublicKey signer;       ///< the channel's key or a pseudonym
  crypto::Signature signature;        ///< over all before it: label kAclLabel
  template <class Archive, class Self>
  static void fields(Archive& a, Self& s) {
    a(s.channel, s.version, s.prev, list(s.pseudonyms, kRelayLimits.max_members), s.signer, s.signature);
  }
  friend bool operator==(AclRecord const&, AclRecord const&) = default;
};

/// Device -> relay: a further record, or version 1, which makes the mailbox and needs a stamp. Before HELLO or after.
struct AclPut {
  static constexpr RelayMessageType kType = RelayMessageType::acl_put;
  std::uint64_t request = 0;
  AclRecord record;
  Bytes stamp;  ///< of version 1: 8 bytes of hashcash, or the operator's token; else empty
  template <class Archive, class Self>
  static void fields(Archive& a, Self& s) {
    a(s.request, s.record, blob(s.stamp, kLimits.max_name_bytes));
  }
  friend bool operator==(AclPut const&, AclPut const&) = default;
};

/// Device -> relay: records of the chain from a version on.
struct AclGet {
  static constexpr RelayMessageType kType = RelayMessageType::acl_get;
  std::uint64_t request = 0;
  std::uint64_t from_version = 1;
  template <class Archive, class Self>
  static void fields(Archive& a, Self& s) {
    a(s.request, s.from_version);
  }
  friend bool operator==(AclGet const&, AclGet const&) = default;
};

/// Relay -> device: the next records, ascending; the answer to ACL_GET.
struct AclRecords {
  static constexpr RelayMessageType kType = RelayMessageType::acl_records;
  std::uint64_t request = 0;
  std::vector<AclRecord> records;
  bool has_more = false;
  template <class Archive, class Self>
  static void fields(Archive& a, Self& s) {
    a(s.request, list(s.records, kRelayLimits.max_acl_records), s.has_more);
  }
  friend bool operator==(AclRecords const&, AclRecords const&) = default;
};

/// Device -> relay, members only: keeps this group's recovery record.
struct RecPut {
  static constexpr RelayMessageType kType = RelayMessageType::rec_put;
  std::uint64_t request = 0;
  RecoveryLocator locator;
  Bytes sealed;
  template <class Archive, class Self>
  static void fields(Archive& a, Self& s) {
    a(s.request, s.locator, blob(s.sealed, kRelayLimits.max_recovery_bytes));
  }
  friend bool operator==(RecPut const&, RecPut const&) = default;
};

/// Anybody -> relay: the recovery records under a locator. No HELLO is needed: knowing it is the right to ask.
struct RecGet {
  static constexpr RelayMessageType kType = RelayMessageType::rec_get;
  std::uint64_t request = 0;
  RecoveryLocator locator;
  template <class Archive, class Self>
  static void fields(Archive& a, Self& s) {
    a(s.request, s.locator);
  }
  friend bool operator==(RecGet const&, RecGet const&) = default;
};

/// Relay -> anybody: all records there are; an empty list where there are none.
struct RecRecords {
  static constexpr RelayMessageType kType = RelayMessageType::rec_records;
  std::uint64_t request = 0;
  std::vector<BoundedBytes<kRelayLimits.max_recovery_bytes>> records;
  template <class Archive, class Self>
  static void fields(Archive& a, Self& s) {
    a(s.request, list(s.records, kRelayLimits.max_recovery_records));
  }
  friend bool operator==(RecRecords const&, RecRecords const&) = default;
};

/// Device -> relay: the next piece of an object, in order; answered when the whole is on the relay's disk.
struct ObjPut {
  static constexpr RelayMessageType kType = RelayMessageType::obj_put;
  std::uint64_t request = 0;
  ObjectId object;
  std::uint32_t total = 0;
  std::uint32_t offset = 0;
  std::uint32_t ttl_s = 0;  ///< the relay may keep it shorter: Welcome::object_ttl_s
  Bytes bytes;
  template <class Archive, class Self>
  static void fields(Archive& a, Self& s) {
    a(s.request, s.object, s.total, s.offset, s.ttl_s, blob(s.bytes, kRelayLimits.max_object_part_bytes));
  }
  friend bool operator==(ObjPut const&, ObjPut const&) = default;
};

/// Device -> relay: a piece of an object.
struct ObjGet {
  static constexpr RelayMessageType kType = RelayMessageType::obj_get;
  std::uint64_t request = 0;
  ObjectId object;
  std::uint32_t offset = 0;
  std::uint32_t max_bytes = 0;
  template <class Archive, class Self>
  static void fields(Archive& a, Self& s) {
    a(s.request, s.object, s.offset, s.max_bytes);
  }
  friend bool operator==(ObjGet const&, ObjGet const&) = default;
};

/// Relay -> device: the answer to OBJ_GET; NOT_FOUND where there is no such object.
struct ObjPart {
  static constexpr RelayMessageType kType = RelayMessageType::obj_part;
  std::uint64_t request = 0;
  ObjectId object;
  std::uint32_t total = 0;
  std::uint32_t offset = 0;
  Bytes bytes;
  template <class Archive, class Self>
  static void fields(Archive& a, Self& s) {
    a(s.request, s.object, s.total, s.offset, blob(s.bytes, kRelayLimits.max_object_part_bytes));
  }
  friend bool operator==(ObjPart const&, ObjPart const&) = default;
};

/// Device -> relay: which of these are there?
struct ObjHave {
  static constexpr RelayMessageType kType = RelayMessageType::obj_have;
  std::uint64_t request = 0;
  std::vector<ObjectId> objects;
  template <class Archive, class Self>
  static void fields(Archive& a, Self& s) {
    a(s.request, list(s.objects, kRelayLimits.max_object_ids));
  }
  friend bool operator==(ObjHave const&, ObjHave const&) = default;
};

/// Relay -> device: those that are, and until when.
struct ObjHeld {
  static constexpr RelayMessageType kType = RelayMessageType::obj_held;
  struct Held {
    ObjectId object;
    std::uint32_t total = 0;
    std::uint64_t expires_s = 0;
    template <class Archive, class Self>
    static void fields(Archive& a, Self& s) {
      a(s.object, s.total, s.expires_s);
    }
    friend bool operator==(Held const&, Held const&) = default;
  };
  std::uint64_t request = 0;
  std::vector<Held> objects;
  template <class Archive, class Self>
  static void fields(Archive& a, Self& s) {
    a(s.request, list(s.objects, kRelayLimits.max_object_ids));
  }
  friend bool operator==(ObjHeld const&, ObjHeld const&) = default;
};

/// Device -> relay: its own uploads are no longer needed.
struct ObjDelete {
  static constexpr RelayMessageType kType = RelayMessageType::obj_delete;
  std::uint64_t request = 0;
  std::vector<ObjectId> objects;
  template <class Archive, class Self>
  static void fields(Archive& a, Self& s) {
    a(s.request, list(s.objects, kRelayLimits.max_object_ids));
  }
  friend bool operator==(ObjDelete const&, ObjDelete const&) = default;
};

enum class RelayErrorCode : std::uint8_t {
  bad_frame = 1,            ///< does not decode, or is not due; the connection ends
  unsupported_version = 2,  ///< number: the relay's versions, min << 8 | max; the connection ends
  not_allowed = 3,    ///< no such mailbox, or not in its ACL; detail: the current AclRecord for who once was in it
  stale_acl = 4,      ///< ACL_PUT that does not follow; detail: the current AclRecord
  log_reset = 5,      ///< what HELLO says of the mailbox is not so: forget it, say HELLO from 0
  seq_gap = 6,        ///< PUSH that does not follow; number: the last push seq stored
  too_large = 7,      ///< an item, object or message; number: the limit
  quota = 8,          ///< the group stores all that it may; number: the quota in bytes
  storage_full = 9,   ///< the relay's disk, or all that it may use of it, is full
  rate_limited = 10,  ///< too much at once
  no_snapshot = 11,   ///< TRIM without a snapshot
  not_found = 12,     ///< no such object
  draining = 13,      ///< the relay is about to end; the connection ends
  internal = 14,      ///< a fault of the relay's own
  replaced = 15,      ///< a newer connection of the same pseudonym; the connection ends
  stamp_needed = 16,  ///< version 1 without a fitting stamp; number: hashcash bits, 0: the operator's token
};
constexpr bool valid(RelayErrorCode code) {
  return code >= RelayErrorCode::bad_frame && code <= RelayErrorCode::stamp_needed;
}

/// Relay -> device: why a request was not carried out, or why the connection ends (request 0).
struct RelayFailure {
  static constexpr RelayMessageType kType = RelayMessageType::error;
  std::uint64_t request = 0;
  RelayErrorCode code = RelayErrorCode::internal;
  std::string text;  ///< for logs
  std::uint32_t retry_after_s = 0;
  std::uint64_t number = 0;  ///< as the code says
  Bytes detail;              ///< as the code says
  template <class Archive, class Self>
  static void fields(Archive& a, Self& s) {
    a(s.request, s.code, wire::text(s.text, kLimits.max_name_bytes), s.retry_after_s, s.number,
      blob(s.detail, kRelayLimits.max_error_detail_bytes));
  }
  friend bool operator==(RelayFailure const&, RelayFailure const&) = default;
};

using RelayMessage = std::variant<Hello, Welcome, Done, Push, PushAck, Pull, PullResponse, RelayAck, RelayPresence,
                                  Notify, LiveItems, DeleteItems, Trim, AclPut, AclGet, RecPut, RecGet, AclRecords,
                                  RecRecords, ObjPut, ObjGet, ObjHave, ObjDelete, ObjPart, ObjHeld, RelayFailure>;

[[nodiscard]] RelayMessageType type_of(RelayMessage const& message);
[[nodiscard]] std::uint64_t request_of(RelayMessage const& message);

/// Appends [type, request, fields...] behind its length:
///
///     0               4
///     +---------------+------------------------
///     | length (u32)  | MessagePack
///     +---------------+------------------------
void encode_relay_message(Bytes& out, RelayMessage const& message);
/// Decodes one, without the length.
[[nodiscard]] Result<RelayMessage> decode_relay_message(ByteView in);

/// Cuts a stream of bytes into relay messages. Holds at most one message.
class RelaySplitter {
 public:
  void feed(ByteView bytes) { append(buffer_, bytes); }
  /// The next whole message, nullopt when more bytes are needed.
  /// @return WireError::too_large as soon as a length above `max_bytes` is seen
  [[nodiscard]] Result<std::optional<Bytes>> next(std::size_t max_bytes);

 private:
  Bytes buffer_;
  std::size_t taken_ = 0;
};

/// H16("kith/item/1", bytes): says whether a mailbox is the one that a device knows.
[[nodiscard]] crypto::Hash128 item_hash(ByteView sealed);
/// H("kith/acl-record/1", record): what the next record's `prev` names.
[[nodiscard]] crypto::Hash256 acl_record_hash(AclRecord const& record);
/// What a record's signature covers: [channel, version, prev, pseudonyms, signer].
[[nodiscard]] Bytes acl_signed_part(AclRecord const& record);
/// Signs a record; `signer` is set to the key.
void sign_acl(AclRecord& record, crypto::SigningKey const& key);
/// Whether a record is the first of its channel: version 1, signed by the channel's key, pseudonyms in order.
[[nodiscard]] bool begins_acl(AclRecord const& record);
/// How far the channel's key may jump at once: whoever has it cannot bring a chain to the last version there is, behind
/// which nobody could be removed.
inline constexpr std::uint64_t kMaxAclJump = std::uint64_t{1} << 32;
/// Whether a record follows another one: the same channel, the next version, the right `prev`, signed by one of its
/// pseudonyms, or by the channel's key, which alone may also jump versions, by kMaxAclJump at most.
[[nodiscard]] bool follows_acl(AclRecord const& before, AclRecord const& record);
/// Whether a record of the channel's key may stand behind the last one of a chain although its `prev` is not that one's
/// hash: whoever has the key is not outrun by members who put records all the time. That `prev` is the hash of any
/// record of the chain is for who holds the chain to see.
[[nodiscard]] bool overrules_acl(AclRecord const& last, AclRecord const& record);
/// Hashcash: leading zero bits of H("kith/stamp/1", relay, channel, nonce).
[[nodiscard]] unsigned stamp_bits(RelayKey const& relay, ChannelId const& channel, ByteView nonce);

inline constexpr std::string_view kHelloLabel = "kith/hello/1";
inline constexpr std::string_view kAclLabel = "kith/acl/1";
inline constexpr std::size_t kStampBytes = 8;

}  // namespace kith::wire
