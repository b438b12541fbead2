#pragma once

#include <set>
#include <span>
#include <vector>

#include "core/group_state.hpp"
#include "core/hybrid_clock.hpp"
#include "core/view.hpp"
#include "wire/pairing.hpp"

namespace kith::core {

/// One operation's id.
struct OpId {
  EntryHash entry;
  std::uint32_t index = 0;
  friend auto operator<=>(OpId const&, OpId const&) = default;
};

/// What became of sealed items that came from outside.
struct Received {
  std::size_t applied = 0;   ///< entries put into the graph, those included that waited for these
  std::size_t pending = 0;   ///< verified, and waiting for some of their past
  std::size_t unopened = 0;  ///< of an epoch that is not known here
  std::size_t duplicates = 0;
  std::size_t still_unopened = 0;      ///< of the duplicates
  std::size_t refused = 0;             ///< damaged, forged, by a stranger, or beyond a limit
  std::optional<Error> refusal;        ///< the first one's reason
  std::vector<ItemDigest> no_entries;  ///< of the refused: no entries of the group, whatever may come yet
  /// Further seals of entries that are here, applied or waiting: nothing is kept of these.
  std::vector<std::pair<ItemDigest, EntryHash>> resealed;
  bool roster_changed = false;  ///< active devices, epochs or relays may differ now
};

/// Work that the group is due, and when.
struct Upkeep {
  enum class Kind {
    rotate,   ///< the epoch's recipients are not the active devices, or it is 30 days old
    hand_on,  ///< entries are sealed under epochs that the largest does not carry
    gather,   ///< so many logs have an end of their own that frames would run out of room, or a device has so many that
              ///< others take further ones in only when somebody names them: an entry that names them all
  };
  Kind kind;
  std::chrono::milliseconds after;  ///< wait this long, in case a device of higher rank does it
  bool by_age = false;              ///< nothing is wrong: an epoch will be old by then
};

/// One device's copy of the group: receives, opens, orders and stores entries, writes its own, and shows those that
/// count to the views. Pure: bytes, time and randomness come in; the store is the only thing that changes.
///
/// Several replicas may work on one database, each with a connection of its own (two threads, two processes): every
/// change is one transaction that begins by looking at what the others wrote. Each method joins the caller's
/// transaction where one is open, and is a transaction of its own otherwise; after rolling back, the caller calls
/// invalidate().
class Replica {
 public:
  /// How long an epoch lasts at most.
  static constexpr auto kEpochLifetime = std::chrono::hours{30 * 24};
  /// Rank decides who goes first: so long after each device of higher rank.
  static constexpr auto kRankDelay = std::chrono::seconds{2};
  static constexpr auto kRankDelayForAge = std::chrono::hours{1};
  /// How often a day this device goes on in a new log because somebody says that it wrote more than is here.
  static constexpr std::uint64_t kBelievedClaimsPerDay = 4;
  /// How often in all: a device has so many logs and no more (Limits::max_author_branches).
  static constexpr std::uint64_t kBelievedClaims = 256;
  /// Secrets that a newcomer is given at most: with the rest of the welcome they fit into one pairing message.
  static constexpr std::size_t kMaxNewcomerSecrets = 32;

  Replica(Store& store, Identity const& identity, RandomSource& random)
      : store_(store), identity_(identity), random_(random), state_(store, identity) {}

  /// Views are shown entries from then on; they must outlive the replica.
  void add_view(View& view) { views_.push_back(&view); }

  /// Founds a group of this device alone. @param recovery  public parts go into the genesis record
  [[nodiscard]] Result<> create_group(std::string name, std::string device_name, RecoveryKeys const& recovery, Now now);
  /// Takes over what an inviter handed out. The log itself comes by replication.
  [[nodiscard]] Result<> adopt_group(wire::PairWelcomeBox const& welcome, Now now);
  /// Takes over a group that is known by its recovery key alone: its log comes by receive(), and that key opens what it
  /// is sealed under until come_back() or the end of this replica. This device is no member yet.
  /// @param genesis  what genesis_in() found for these keys
  [[nodiscard]] Result<> adopt_recovered(wire::Genesis const& genesis, RecoveryKeys const& recovery, Now now);
  /// Makes this device a member by the recovery key, once the log is here: its first entry adds it, and gives its
  /// pseudonyms at the group's relays; every other device but those of `keep` is removed for good, also those that were
  /// removed without that key, or that only a void add brought; then a new epoch begins for exactly the active devices.
  /// @return how many active devices were removed; CoreError::wrong_recovery, unknown_device where one to keep is no
  ///         active device, unknown_epoch where nothing of the log could be opened
  [[nodiscard]] Result<std::size_t> come_back(RecoveryKeys const& recovery, std::string device_name,
                                              std::set<DeviceId> const& keep, Now now);
  /// Loads the group that the store holds. @return CoreError::no_group
  [[nodiscard]] Result<> open();

  /// Looks at what other connections have committed.
  [[nodiscard]] Result<> refresh();
  void invalidate() { state_.invalidate(); }

  [[nodiscard]] GroupState const& state() const { return state_; }
  [[nodiscard]] GroupState& state() { return state_; }
  [[nodiscard]] DeviceId self() const { return identity_.device(); }
  [[nodiscard]] Identity const& identity() const { return identity_; }
  /// Whether this device's device_add is here and was not undone.
  [[nodiscard]] bool self_active() const { return state_.roster().active(self()); }
  [[nodiscard]] Result<Incarnation> incarnation();

  /// Takes sealed items in any order, with duplicates and gaps. Only a fault of our own store is an error.
  /// @param from  who hands them over: what has to wait is held on its account
  [[nodiscard]] Result<Received> receive(std::span<ByteView const> items, Now now,
                                         std::optional<DeviceId> const& from = std::nullopt);

  /// Writes ops into this device's log: durable when it returns (or when the caller's transaction commits). Rotates
  /// first where the epoch's recipients are not exactly the active devices.
  /// @return each op's id; CoreError::removed_self, entry_too_large for a single op that does not fit
  [[nodiscard]] Result<std::vector<OpId>> write(std::vector<wire::Op> ops, Now now);

  /// Removes a device. With `recovery` for good, whatever its rank, also where it was removed without; without, one
  /// that stands above this device could undo it. @return CoreError::unknown_device, wrong_recovery
  [[nodiscard]] Result<OpId> remove_device(DeviceId const& device, wire::RemoveReason reason,
                                           RecoveryKeys const* recovery, Now now);
  /// Whether a removal counts against a device that nothing can undo: one by the recovery key.
  [[nodiscard]] bool removed_for_good(DeviceId const& device) const;
  /// Whether a device is of higher rank: it could answer its removal by this one with a remove that counts first.
  [[nodiscard]] bool stands_above_us(DeviceId const& device) const { return state_.roster().above(device, self()); }
  [[nodiscard]] Result<> rotate(Now now);
  [[nodiscard]] std::optional<Upkeep> upkeep_due(WallTime wall) const;
  [[nodiscard]] Result<> do_upkeep(Upkeep::Kind kind, Now now);

  /// Tips that another device or a relay says it holds. One of ours beyond what is here may mean that this database is
  /// older than what it once wrote: it goes on in a new incarnation. Anybody can say so; that is believed a few times a
  /// day, so that nobody makes us begin log after log. The entry itself, when it comes, is proof and always believed.
  /// @return whether a new incarnation was started
  [[nodiscard]] Result<bool> note_foreign_tips(std::span<Tip const> tips);
  /// Starts a new incarnation with the next entry: for a home that was restored or copied.
  [[nodiscard]] Result<> start_incarnation();

  /// hash of all tips, sorted: H("kith/heads/1", tips).
  [[nodiscard]] Result<crypto::Hash256> heads();
  /// What to say that is here: all tips, sorted. Of more than Limits::max_tips those first that are in no other one's
  /// past, which say the same as all.
  [[nodiscard]] Result<std::vector<Tip>> tips();
  /// Entries that others name and that are not here: what to ask for, in turn for each device that handed over entries
  /// which wait. At most `most`, none of `except`.
  [[nodiscard]] Result<std::vector<Tip>> missing(std::size_t most, std::set<EntryHash> const& except = {});
  /// Whether an entry is applied here.
  [[nodiscard]] Result<bool> has(EntryHash const& hash);
  /// Whether an entry is here, applied or waiting.
  [[nodiscard]] Result<bool> holds(EntryHash const& hash);

  /// Visits entries in the order in which this database applied them, from the one behind `position` on.
  [[nodiscard]] Result<> scan_applied(std::uint64_t position,
                                      std::function<void(std::uint64_t, EntryHash const&)> const& visit);

  /// What a new device is given besides the log: secrets of the largest epoch, and of those that it does not carry.
  /// Behind usable_epoch() it carries all; what is beyond kMaxNewcomerSecrets otherwise is handed on by upkeep.
  [[nodiscard]] std::vector<EpochSecret> secrets_for_newcomer() const;
  /// Epochs whose secrets are held, at most so many: first the valid ones, the newest first, then others that are in
  /// use, then those that no entry brought, and of the rest those in doubt last.
  [[nodiscard]] std::vector<EpochId> epochs_newest_first(std::size_t most) const;
  [[nodiscard]] std::optional<EpochId> sealing_epoch() const;
  /// The epoch for what is sealed without being an entry: nullopt while the largest one's recipients are not exactly
  /// the active devices, until somebody has rotated (Upkeep).
  [[nodiscard]] std::optional<EpochId> box_epoch() const;
  /// The epoch that the next entry will be sealed under, after a rotation where one is due: what a device_add names. It
  /// carries all others then.
  [[nodiscard]] Result<EpochId> usable_epoch(Now now);
  /// What the latest entry of a device was sealed under: it knows that epoch.
  [[nodiscard]] std::optional<EpochId> latest_epoch_of(DeviceId const& device) const;

  /// Drops all views and builds them again from the entries.
  [[nodiscard]] Result<> rebuild_views();
  [[nodiscard]] std::span<View* const> views() const { return views_; }

 private:
  /// Runs `change` inside a transaction: the caller's, or one of its own.
  template <class F>
  [[nodiscard]] auto in_transaction(F&& change) -> decltype(change());
  [[nodiscard]] Result<> show_to_views();
  [[nodiscard]] Result<Past> shown_past() const;
  [[nodiscard]] Result<SealedEntry> append_entry(std::vector<wire::Op> ops, std::optional<wire::EpochPrefix> prefix,
                                                 EpochSecret const& epoch, Now now);
  [[nodiscard]] Result<> start_epoch(std::vector<wire::Op> first_ops, Now now);
  [[nodiscard]] Result<> append_signed(std::vector<wire::Op> ops, RecoveryKeys const& recovery,
                                       EpochSecret const& epoch, Now now);
  [[nodiscard]] std::vector<wire::Op> removals_but(std::set<DeviceId> const& keep) const;
  [[nodiscard]] Result<> leave_forked_log();
  [[nodiscard]] Result<> ensure_epoch(Now now);
  [[nodiscard]] Result<> hand_on(Now now);
  [[nodiscard]] Result<std::vector<Tip>> news_for(LogId const& log, std::optional<ChainNo> chain) const;
  [[nodiscard]] Result<> gather_tips(Now now);
  [[nodiscard]] Result<bool> believe_claim();
  [[nodiscard]] Result<std::vector<OpId>> write_in_transaction(std::vector<wire::Op> ops, Now now);
  [[nodiscard]] std::vector<EpochId> uncarried_by(std::set<EpochId> covered) const;

  Store& store_;
  Identity const& identity_;
  RandomSource& random_;
  GroupState state_;
  std::vector<View*> views_;
  std::optional<crypto::DhKeyPair> recovery_dx_;  ///< opens prefixes as well
};

template <class F>
auto Replica::in_transaction(F&& change) -> decltype(change()) {
  if (store_.in_transaction()) return change();
  KITH_TRY(transaction, store::Transaction::begin(store_));
  auto result = change();
  if (!result) {
    state_.invalidate();
    return result;
  }
  if (auto committed = transaction.commit(); !committed) {
    state_.invalidate();
    return fail(committed.error());
  }
  return result;
}

}  // namespace kith::core
