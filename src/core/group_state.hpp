#pragma once

#include <map>
#include <optional>
#include <vector>

#include "core/counting.hpp"
#include "core/entry.hpp"
#include "core/epoch_book.hpp"
#include "core/records.hpp"
#include "core/roster.hpp"

namespace kith::core {

class Vouching;

/// What entries of devices against whom a remove counts take up outside the heads.
struct SetAsideUse {
  std::uint64_t bytes = 0;       ///< sealed
  std::uint64_t roster_ops = 0;  ///< in them
  std::uint64_t chains = 0;      ///< of which nothing is in the heads
};
/// Room for all of them together. Roster ops are kept in memory and weighed with each change.
inline constexpr SetAsideUse kMostSetAside{kLimits.max_set_aside_bytes, 4096, 4096};
/// Room besides for each of the removed devices that are most senior, and how many have it.
inline constexpr SetAsideUse kSetAsideShare{1024 * 1024, 128, 16};
inline constexpr std::size_t kSetAsideShares = 64;

[[nodiscard]] std::size_t roster_ops_in(OpenedEntry const& entry);

/// What the replica keeps in memory of the database: the group's secrets, chains and roster entries, and what follows
/// from them. Loaded from the store and brought up to date when another process has written.
class GroupState {
 public:
  GroupState(Store& store, Identity const& identity) : store_(store), identity_(identity) {}

  /// Reads everything anew. @return CoreError::no_group where the home has none
  [[nodiscard]] Result<> load();
  /// Does so only where another connection has written since; inside a transaction, so that nothing changes meanwhile.
  [[nodiscard]] Result<> refresh();
  /// Forgets, so that the next refresh() loads: after a rollback.
  void invalidate() { loaded_ = false; }

  [[nodiscard]] GroupId const& group() const { return group_; }
  [[nodiscard]] wire::Genesis const& genesis() const { return *genesis_; }
  [[nodiscard]] Roster const& roster() const { return roster_; }
  [[nodiscard]] Counting const& counting() const { return counting_; }
  [[nodiscard]] EpochBook const& book() const { return book_; }
  [[nodiscard]] std::map<ChainNo, ChainRecord> const& chains() const { return chains_; }
  [[nodiscard]] std::vector<RosterEntry> const& roster_entries() const { return roster_entries_; }
  [[nodiscard]] std::map<EpochId, EpochSecret> const& secrets() const { return secrets_; }
  [[nodiscard]] std::set<EpochId> known_epochs() const;
  [[nodiscard]] EpochSecret const* secret(EpochId const& epoch) const;
  /// Epochs that applied entries are sealed under.
  [[nodiscard]] std::set<EpochId> const& used_epochs() const { return used_epochs_; }

  /// How long a secret is kept: with `in_doubt` until forget(), unless it is learnt for good or something sealed under
  /// it is applied before.
  enum class Keep { for_good, in_doubt };
  /// Keeps an epoch secret. @param teacher  whose entry held it @param from  who handed that over, for one in doubt
  /// @return whether it is a new one
  [[nodiscard]] Result<bool> learn(EpochSecret const& secret, RandomSource& random,
                                   std::optional<DeviceId> const& teacher = std::nullopt, Keep keep = Keep::for_good,
                                   DeviceId const& from = {});
  [[nodiscard]] bool in_doubt(EpochId const& epoch) const { return in_doubt_.contains(epoch); }
  [[nodiscard]] std::size_t doubts() const { return in_doubt_.size(); }
  /// How many secrets in doubt there are for each device that handed them over.
  [[nodiscard]] std::map<DeviceId, std::size_t> doubts_of_each() const;
  /// Drops so many of those that a device handed over.
  [[nodiscard]] Result<> drop_doubts_of(DeviceId const& from, std::size_t count);
  /// Drops what is in doubt of devices that are no active members, beyond what is taken of such devices: they were
  /// members before, or this device was not known to be one.
  [[nodiscard]] Result<> drop_excess_doubts();
  /// Notes in which applied entry a secret is that there is no room to keep. The note is dropped when the secret is
  /// kept for good.
  [[nodiscard]] Result<> offer(EpochId const& epoch, EntryHash const& entry);
  /// That entry.
  [[nodiscard]] Result<std::optional<EntryHash>> offered_in(EpochId const& epoch) const;
  /// Drops a secret that is in doubt.
  [[nodiscard]] Result<> forget(EpochId const& epoch);

  /// Puts a verified entry, whose whole past is applied, into the graph: gives it a chain, a past and a position.
  /// @param vouching  what is taken in although its author has no room for another log or branch
  /// @return its record; CoreError::not_member where its past does not let its author in, bad_entry where prev or tips
  ///         name entries that are not what they are said to be
  [[nodiscard]] Result<EntryRecord> add(OpenedEntry const& entry, ByteView sealed, WallTime now, Vouching& vouching);

  /// Computes roster, counting and epochs again, as far as entries were added since.
  [[nodiscard]] Result<> settle();

  [[nodiscard]] Result<std::optional<EntryRecord>> record(EntryHash const& hash) const;
  [[nodiscard]] Result<EntryHash> hash_at(ChainPlace place) const;
  [[nodiscard]] Result<Past> past_at(ChainPlace place) const;
  [[nodiscard]] Result<std::optional<Bytes>> sealed(EntryHash const& hash) const;
  /// Opens an entry that is applied here.
  [[nodiscard]] Result<OpenedEntry> open_stored(EntryHash const& hash) const;

  /// Ends of all branches in the heads, ascending; with `beyond`, only those that are not in that past.
  [[nodiscard]] Result<std::vector<Tip>> tips(Past const* beyond = nullptr) const;
  /// Those of `tips` that are in the past of no other one: they say the same with fewer.
  [[nodiscard]] Result<std::vector<Tip>> leading(std::vector<Tip> tips) const;
  /// Whether the heads hold logs of a device that has begun so many that others may refuse to take one in before
  /// somebody names it, and nobody does.
  [[nodiscard]] Result<bool> crowd_unnamed() const;
  /// Logs and branches of a device that are here.
  [[nodiscard]] std::size_t chains_of(DeviceId const& device) const;
  /// The chain that ends furthest in a log, and where; nullopt for a log that is not known.
  [[nodiscard]] std::optional<ChainNo> last_chain(LogId const& log) const;
  /// When an epoch came whose rotate was dated ahead of our clock, further than clocks may differ; nullopt for others.
  [[nodiscard]] std::optional<WallTime> came_early(EpochId const& epoch) const;
  /// Secrets held under which nothing applied is sealed.
  [[nodiscard]] std::size_t unused_secrets() const;
  /// Those of them that entries of this device brought.
  [[nodiscard]] std::size_t unused_secrets_of(DeviceId const& teacher) const;
  /// Whose entries brought those of them that came with one.
  [[nodiscard]] std::map<EpochId, DeviceId> const& taught() const { return taught_by_; }
  /// Whose entry brought a secret that nothing applied is sealed under.
  [[nodiscard]] std::optional<DeviceId> teacher_of(EpochId const& epoch) const;
  [[nodiscard]] Result<> set_viewed(ChainNo chain, Seq seq);

  /// Whether a remove counts against a device: its entries need a reason to count.
  [[nodiscard]] bool doubted(DeviceId const& author) const;
  /// What applied entries by such devices take up outside the heads. Those added since the last settle() are among
  /// them.
  [[nodiscard]] Result<SetAsideUse> set_aside();
  /// Whether there is room for so much more of such a device's: in a share of its own, or in what all have together.
  [[nodiscard]] Result<bool> room_to_set_aside(DeviceId const& author, SetAsideUse const& more);

 private:
  [[nodiscard]] Result<> load_genesis();
  [[nodiscard]] Result<> load_secrets();
  [[nodiscard]] Result<> load_chains();
  [[nodiscard]] Result<> load_roster_entries();
  [[nodiscard]] Result<Past> past_of_new(OpenedEntry const& entry);
  [[nodiscard]] bool lets_author_in(OpenedEntry const& entry, Past const& past) const;
  [[nodiscard]] Result<> check_branches(OpenedEntry const& entry, Past const& past) const;
  [[nodiscard]] Result<> check_room_for_chain(OpenedEntry const& entry, Past const& past, Vouching& vouching);
  [[nodiscard]] Result<ChainPlace> place_for(OpenedEntry const& entry, Past const& past, WallTime now,
                                             Vouching& vouching);
  [[nodiscard]] Result<> put_chain(ChainNo number, ChainRecord const& chain);
  [[nodiscard]] Result<> note_early_epoch(OpenedEntry const& entry, WallTime now);
  [[nodiscard]] RosterEntry roster_entry(OpenedEntry const& entry, EntryRecord const& record) const;
  void note_roster_entry(RosterEntry entry);
  [[nodiscard]] Result<> raise_alarm(Alarm const& alarm);
  [[nodiscard]] Result<> note_used(EpochId const& epoch);
  [[nodiscard]] Result<> forget_origin(EpochId const& epoch);
  [[nodiscard]] Result<> tell_others();
  struct SetAside;
  void share_out();
  [[nodiscard]] Result<SetAside*> count_set_aside();
  void note_set_aside(OpenedEntry const& entry, EntryRecord const& record, std::size_t bytes);

  Store& store_;
  Identity const& identity_;
  bool loaded_ = false;
  std::uint64_t seen_changes_ = 0;     ///< Store::outside_changes() at the last load
  std::uint64_t seen_generation_ = 0;  ///< meta "generation" then
  GroupId group_;
  std::optional<wire::Genesis> genesis_;
  std::map<EpochId, EpochSecret> secrets_;
  std::set<EpochId> used_epochs_;
  std::map<EpochId, DeviceId> taught_by_;  ///< of secrets that are not in use yet
  /// Of those, what only entries brought that are not applied, and who handed these over.
  std::map<EpochId, DeviceId> in_doubt_;
  std::map<ChainNo, ChainRecord> chains_;
  std::map<LogId, std::vector<ChainNo>> log_chains_;
  std::map<DeviceId, std::vector<ChainNo>> device_chains_;
  std::map<DeviceId, std::map<ChainNo, Seq>> introductions_;  ///< the first in each chain that lets a device in
  std::vector<RosterEntry> roster_entries_;
  Roster roster_;
  Counting counting_;
  EpochBook book_;
  /// What count_set_aside() found, and how far the heads reached into the chains of doubted devices then.
  struct SetAside {
    std::map<ChainNo, Seq> covered;  ///< 0 where nothing of a chain is in the heads
    std::map<DeviceId, SetAsideUse> of_each;
    bool settled = false;  ///< counted since the last settle()
  };
  std::optional<SetAside> set_aside_;
  std::set<DeviceId> has_share_;  ///< removed devices with room of their own
  bool roster_grew_ = false;
  bool entries_grew_ = false;
};

}  // namespace kith::core
