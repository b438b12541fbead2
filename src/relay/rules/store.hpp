#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <variant>
#include <vector>

#include "base/time.hpp"
#include "wire/relay.hpp"

/// What a relay keeps, and the only way to it: requests, worked off in order, many in one transaction.
namespace kith::relay {

/// A group's number in this relay's database; never leaves it, and never becomes another group's.
struct GroupNo {
  std::uint64_t value = 0;
  friend auto operator<=>(GroupNo const&, GroupNo const&) = default;
};

/// Ties a reply to its request. A Relay counts from 1; who else asks its store takes numbers from kForeignTickets on.
struct Ticket {
  std::uint64_t value = 0;
  friend auto operator<=>(Ticket const&, Ticket const&) = default;
};

inline constexpr std::uint64_t kForeignTickets = std::uint64_t{1} << 63;

/// Why the store would not do what was asked: nothing was changed.
enum class Refusal : std::uint8_t {
  unknown_channel,  ///< no such mailbox
  not_a_member,     ///< the pseudonym is not in the mailbox's ACL now
  stale_acl,        ///< a record that does not follow the current one
  seq_gap,          ///< number: the last push seq
  too_many_groups,  ///< the relay takes no further mailbox
  quota,            ///< number: the group's quota in bytes
  storage_full,     ///< all that the relay may store, or its disk, is full
  not_found,        ///< no such object
  taken,            ///< another device's object has this id and other bytes
  old_presence,     ///< a slot whose counter is not higher than the last one's
  internal,         ///< a fault of the database
};

/// Makes a mailbox, or adds a record to its chain; whether it fits is checked by the store, in the transaction.
struct PutAcl {
  wire::AclRecord record;
};
/// What a HELLO asks for.
struct OpenMember {
  wire::ChannelId channel;
  wire::Pseudonym pseudonym;
  wire::RelayCursor last_cursor;
};
struct PushItems {
  GroupNo group;
  wire::Pseudonym pseudonym;
  wire::PushSeq first_seq;
  std::vector<wire::Push::Item> items;
};
struct PullItems {
  GroupNo group;
  wire::RelayCursor after;
  std::size_t max_bytes = 0;
};
struct AckItems {
  GroupNo group;
  wire::Pseudonym pseudonym;
  wire::RelayCursor cursor;
};
struct PutPresence {
  GroupNo group;
  wire::RelayPresence::Slot slot;
};
struct DropItems {
  GroupNo group;
  wire::Pseudonym pseudonym;  ///< only its own, and only those outside the log, go
  std::vector<wire::RelayCursor> cursors;
};
struct ReadAcl {
  wire::ChannelId channel;
  std::uint64_t from_version = 1;
};
/// Takes the place of the group's record under the same locator.
struct PutRecovery {
  GroupNo group;
  wire::Pseudonym pseudonym;
  wire::RecoveryLocator locator;
  Bytes sealed;
};
struct ReadRecovery {
  wire::RecoveryLocator locator;
};
struct PutObject {
  GroupNo group;
  wire::Pseudonym pseudonym;
  wire::ObjectId object;
  std::uint32_t ttl_s = 0;
  Bytes bytes;
};
struct ReadObject {
  GroupNo group;
  wire::ObjectId object;
  std::uint32_t offset = 0;
  std::uint32_t max_bytes = 0;
};
struct FindObjects {
  GroupNo group;
  std::vector<wire::ObjectId> objects;
};
struct DropObjects {
  GroupNo group;
  wire::Pseudonym pseudonym;  ///< only its own go
  std::vector<wire::ObjectId> objects;
};
/// Deletes what has expired, what is left of removed mailboxes, and mailboxes into which nobody has pushed anything for
/// kUnusedTime since they were made; a small slice at a time; Swept::more says that there is more.
struct Sweep {};
/// Removes a mailbox with all that belongs to it. From then on it is unknown; its rows and files go with Sweep.
struct RemoveGroup {
  GroupNo group;
};
struct ListGroups {};
/// Writes a row and takes it back: whether the database can be written.
struct Probe {};

using StoreTask =
    std::variant<PutAcl, OpenMember, PushItems, PullItems, AckItems, PutPresence, DropItems, ReadAcl, PutRecovery,
                 ReadRecovery, PutObject, ReadObject, FindObjects, DropObjects, Sweep, RemoveGroup, ListGroups, Probe>;

struct StoreRequest {
  Ticket ticket;
  WallTime wall;
  StoreTask task;
};

/// A mailbox as it stands.
struct Mailbox {
  GroupNo group;
  wire::LogEpoch log_epoch;
  wire::RelayCursor head;
  wire::RelayCursor floor;
  wire::AclRecord acl;
  std::uint64_t used_bytes = 0;
  std::uint64_t quota_bytes = 0;
};
struct MemberOpened {
  Mailbox mailbox;
  wire::PushSeq last_push_seq;
  /// item_hash() of the item at the asked cursor; nullopt where that is 0, is gone or expired, or is beyond the head.
  std::optional<crypto::Hash128> item_at_cursor;
  std::vector<wire::RelayPresence::Slot> presence;  ///< of the other members
};
struct AclStored {
  Mailbox mailbox;
};
struct ItemsPushed {
  std::vector<wire::RelayCursor> cursors;
  std::vector<wire::RelayItem> fresh;  ///< those that were not stored before, to be sent on to the others
};
struct ItemsPulled {
  std::vector<wire::RelayItem> items;
  wire::RelayCursor next_after;
  bool has_more = false;
};
struct AclRead {
  std::vector<wire::AclRecord> records;
  bool has_more = false;
};
struct RecoveryRead {
  std::vector<Bytes> records;
};
struct ObjectRead {
  std::uint32_t total = 0;
  Bytes bytes;
};
struct ObjectsFound {
  std::vector<wire::ObjHeld::Held> objects;
};
struct Swept {
  bool more = false;
  std::vector<GroupNo> removed;  ///< mailboxes that are unknown from now on
};
/// What an operator sees of a mailbox.
struct GroupFigures {
  GroupNo group;
  wire::ChannelId channel;
  std::uint64_t members = 0;  ///< whom it is open to now
  std::uint64_t items = 0;
  std::uint64_t bytes = 0;          ///< as its quota counts
  std::uint64_t last_stored_s = 0;  ///< RelayItem::stored_s of the newest item that is there; 0: there is none
};
struct GroupsListed {
  std::vector<GroupFigures> groups;  ///< the fullest first
};
struct Stored {};  ///< done, with nothing to tell
struct Refused {
  Refusal why = Refusal::internal;
  std::uint64_t number = 0;  ///< as Refusal says
  std::optional<wire::AclRecord>
      current;  ///< the current record, with not_a_member (of one that once was one) and stale_acl
};

using StoreAnswer = std::variant<Stored, Refused, MemberOpened, AclStored, ItemsPushed, ItemsPulled, AclRead,
                                 RecoveryRead, ObjectRead, ObjectsFound, Swept, GroupsListed>;

struct StoreReply {
  Ticket ticket;
  StoreAnswer answer;
};

/// What may be stored.
struct StoreLimits {
  std::uint64_t max_groups = 1000;
  std::uint64_t group_quota_bytes = std::uint64_t{1}
                                    << 30;  ///< of one group, items with 64 bytes each for their row, and objects
  std::uint64_t max_bytes = std::uint64_t{10} << 30;  ///< of all
  std::chrono::seconds max_item_ttl = std::chrono::hours{30 * 24};
  std::chrono::seconds max_object_ttl = std::chrono::hours{7 * 24};
};

/// Where a relay's mailboxes live. One thread at a time.
class RelayStore {
 public:
  virtual ~RelayStore() = default;
  /// Works the requests off in order, in one transaction that is durable when this returns. A request that is refused
  /// changes nothing and does not hinder the others. Where the transaction itself fails (disk full), every request that
  /// would have changed something is answered by Refusal::storage_full or internal, and nothing has changed.
  [[nodiscard]] virtual std::vector<StoreReply> work(std::span<StoreRequest const> requests) = 0;
  virtual void change(StoreLimits const& limits) = 0;  ///< for what comes from now on
};

/// Whether a request only reads, and may be worked off by another connection than the writer's, in any order with what
/// that one does. OpenMember is none of them: what it finds must be as new as all replies before its own.
[[nodiscard]] bool only_reads(StoreTask const& task);

}  // namespace kith::relay
