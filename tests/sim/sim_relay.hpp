#pragma once

#include <deque>
#include <map>
#include <optional>
#include <set>
#include <string>

#include "relay/rules/memory_store.hpp"
#include "relay/rules/relay.hpp"
#include "support/must.hpp"
#include "support/seeded_random.hpp"
#include "wire/relay.hpp"

namespace kith::sim {

/// How a relay that does not keep to the rules treats what it has to say: parts of all messages or items.
struct Habits {
  double drops = 0;     ///< items, and now and then a whole message
  double replays = 0;   ///< items in the place of others
  double reorders = 0;  ///< items within a message; messages, which come later than they should
  double doubles = 0;
  double forges = 0;      ///< items and presences that somebody made up, in the place of others
  double lies = 0;        ///< about senders, times, numbers, and whom it serves
  double false_acks = 0;  ///< of what it does not store
  double withholds = 0;   ///< of devices: those that are shown nothing of another one, and those with another history
  [[nodiscard]] bool any() const {
    return drops + replays + reorders + doubles + forges + lies + false_acks + withholds > 0;
  }
};

/// One relay: the rules that ship, a disk that takes its time, and what is known about its past.
class SimRelay {
 public:
  SimRelay(std::size_t number, std::uint64_t seed);

  [[nodiscard]] wire::RelayKey relay_key() const { return {key.public_key.bytes}; }
  [[nodiscard]] std::string url() const;

  // The process.
  [[nodiscard]] bool up() const { return rules != nullptr; }
  void start();
  void stop();                 ///< what is not on the disk yet is gone
  void work(Now now);          ///< brings what the rules want of the store to the disk, and what is synced back
  void work_at_once(Now now);  ///< the same, and the disk takes no time
  [[nodiscard]] std::optional<Instant> next_deadline() const;

  // The disk.
  void take_backup() { backup_ = {store, passing_}; }
  [[nodiscard]] bool has_backup() const { return backup_.has_value(); }
  void restore_backup() { go_back_to(*backup_); }
  void wipe() { go_back_to({{settings.store, random}, {}}); }
  /// The current access record of a mailbox.
  [[nodiscard]] std::optional<wire::AclRecord> acl(wire::ChannelId const& channel);
  /// A mailbox as it stands; nullopt where there is none.
  [[nodiscard]] std::optional<relay::Mailbox> mailbox(wire::ChannelId const& channel);
  /// Whether what was given a cursor in a mailbox may be gone: it is outside the log.
  [[nodiscard]] bool passes(relay::GroupNo group, wire::RelayCursor cursor) const;
  /// The last cursor that who was shut out may have been given, as long as the store is the same.
  [[nodiscard]] std::optional<wire::RelayCursor> shut_out_at(wire::ChannelId const& channel,
                                                             wire::Pseudonym const& pseudonym) const;

  std::size_t index;
  testing::SeededRandom random;
  crypto::DhKeyPair key;
  relay::Settings settings;
  relay::MemoryRelayStore store;
  std::unique_ptr<relay::Relay> rules;
  std::uint64_t run = 0;  ///< how often it was started
  std::chrono::milliseconds slowest_sync{10};
  Habits habits;

  std::optional<Instant> starts_at;    ///< where it is down
  std::optional<Instant> stops_at;     ///< it drains
  std::optional<Instant> has_room_at;  ///< its disk is full until then
  bool lost = false;                   ///< for good
  bool set_back = false;               ///< what it had acknowledged is or was gone
  bool was_full = false;
  std::deque<Bytes> made_up;  ///< entries that it was given by forgers
  std::deque<wire::RelayPresence::Slot> false_slots;
  std::set<crypto::Hash256> false_records;           ///< of access records that it showed and nobody signed
  std::map<std::size_t, wire::Pseudonym> kept_from;  ///< of whom a device is shown nothing; nobody: all
  std::set<std::size_t> other_history;               ///< devices that it calls the mailbox another one
  std::uint64_t kept_back = 0;                       ///< how often somebody was not shown what lay there
  std::uint64_t tampered_with = 0;                   ///< how often it has not kept to the rules

 private:
  using Passing = std::map<relay::GroupNo, std::set<wire::RelayCursor>>;
  struct Disk {
    relay::MemoryRelayStore store;
    Passing passing;
  };
  struct Access {
    std::set<wire::Pseudonym> known;                        ///< all that were ever served
    std::map<wire::Pseudonym, wire::RelayCursor> shut_out;  ///< those of them that are not, and the head then
  };
  void go_back_to(Disk older);
  void take_requests(Now now);
  void sync_one(Now now);
  void note_passing(relay::StoreRequest const& request, relay::StoreReply const& reply);
  void note_shut_out(relay::StoreRequest const& request, relay::StoreReply const& reply);

  std::deque<std::pair<Instant, relay::StoreRequest>> at_disk_;  ///< and when each is synced
  Passing passing_;  ///< cursors of items with a time to live, in the store as it is
  std::optional<Disk> backup_;
  std::map<wire::ChannelId, Access> access_;  ///< since the store was last exchanged
};

}  // namespace kith::sim
