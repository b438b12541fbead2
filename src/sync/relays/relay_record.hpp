#pragma once

#include <vector>

#include "core/records.hpp"
#include "wire/relay.hpp"

namespace kith::sync {

/// One numbered push: an entry, which the store has, or something outside the log.
struct OutboxItem {
  EntryHash entry;          ///< zeros for what is outside the log
  std::uint32_t ttl_s = 0;  ///< of that
  Bytes sealed;             ///< likewise
  template <class Archive, class Self>
  static void fields(Archive& a, Self& s) {
    a(s.entry, s.ttl_s, wire::blob(s.sealed, kLimits.max_sealed_entry_bytes));
  }
};

/// How far this device has come with one mailbox: what outlives a connection. A row of Table::relays.
struct RelayRecord {
  /// The highest counter of another device's presences: a relay could show an older one again.
  struct Heard {
    wire::Pseudonym pseudonym;
    std::uint64_t counter = 0;
    template <class Archive, class Self>
    static void fields(Archive& a, Self& s) {
      a(s.pseudonym, s.counter);
    }
  };
  wire::LogEpoch log_epoch;            ///< zeros before the first WELCOME
  wire::RelayCursor position;          ///< all up to it was taken in
  crypto::Hash128 last_item;           ///< item_hash() of the item there; zeros where it was gone
  wire::PushSeq acked;                 ///< the last that is known to be on the relay's disk
  std::vector<OutboxItem> outbox;      ///< pushed behind it, numbered on from there
  core::Past there;                    ///< entries that are known to be at the relay
  core::Past left;                     ///< entries whose contents lie there, as far as devices that are away lack them
  std::int64_t left_until_ms = 0;      ///< when the first of these expires
  std::uint64_t presence_counter = 0;  ///< of the last slot that was sent
  std::vector<Heard> heard;            ///< of the others' slots

  void write(wire::Writer& writer) const;
  void read(wire::Reader& reader);

  [[nodiscard]] static Bytes key(wire::RelayKey const& relay, wire::ChannelId const& channel);
  [[nodiscard]] static Result<RelayRecord> load(store::Store& store, wire::RelayKey const& relay,
                                                wire::ChannelId const& channel);
  /// In the caller's transaction.
  [[nodiscard]] Result<> put(store::Store& store, wire::RelayKey const& relay, wire::ChannelId const& channel) const;
};

/// Items of a mailbox that were pulled and cannot be said to be there: what is known of their entries, or of the past
/// of these, is not enough. So many at most are looked at again when more is known.
struct UnresolvedItems {
  static constexpr std::size_t kMost = 4096;
  struct Item {
    ItemDigest digest;
    EntryHash entry;  ///< zeros where the item could not be opened, or where Table::items has it
    template <class Archive, class Self>
    static void fields(Archive& a, Self& s) {
      a(s.digest, s.entry);
    }
  };
  std::vector<Item> items;
  bool overflowed = false;  ///< there were more

  void write(wire::Writer& writer) const;
  void read(wire::Reader& reader);

  [[nodiscard]] bool full() const { return items.size() >= kMost; }
  [[nodiscard]] static Result<UnresolvedItems> load(store::Store& store, wire::RelayKey const& relay,
                                                    wire::ChannelId const& channel);
  /// In the caller's transaction.
  [[nodiscard]] Result<> put(store::Store& store, wire::RelayKey const& relay, wire::ChannelId const& channel) const;
};

/// The recovery record that this device made for a mailbox, as it lies at the relay; empty where another device did.
/// What it holds opens with the recovery words alone. put_ is in the caller's transaction.
[[nodiscard]] Result<Bytes> recovery_record(store::Store& store, wire::RelayKey const& relay,
                                            wire::ChannelId const& channel);
[[nodiscard]] Result<> put_recovery_record(store::Store& store, wire::RelayKey const& relay,
                                           wire::ChannelId const& channel, ByteView sealed);

}  // namespace kith::sync
