#pragma once

#include <deque>
#include <map>
#include <set>

#include "core/replica.hpp"
#include "core/vouching.hpp"

namespace kith::core {

/// Takes sealed items into one replica, inside one transaction: opens what can be opened, puts into the graph what has
/// its whole past here, keeps the rest waiting, and goes on with whatever the new arrivals make possible.
class Ingest {
 public:
  /// @param from  who hands the items over; zeros where nobody does
  Ingest(Store& store, Identity const& identity, RandomSource& random, GroupState& state, Now now,
         DeviceId const& from = {})
      : store_(store),
        identity_(identity),
        random_(random),
        state_(state),
        waiting_(store),
        vouching_(waiting_, state.roster()),
        now_(now),
        from_(from) {}

  /// Only a fault of our own store is an error; what is wrong with an item is counted in result().
  [[nodiscard]] Result<> take(ByteView sealed);
  /// A second key that prefixes are opened with; it must outlive this.
  void open_also_with(crypto::DhKeyPair const& key) { also_opens_ = &key; }
  /// Puts in an entry of our own, just sealed.
  [[nodiscard]] Result<> take_own(ByteView sealed);
  [[nodiscard]] Received const& result() const { return result_; }
  /// Whether an entry of this device's current log came from outside and was not here. Only this device's key can have
  /// signed it: this database is older than what was once written, or another copy of it is writing.
  [[nodiscard]] bool own_log_came() const { return own_log_came_; }

 private:
  struct Item {
    Bytes sealed;
    DeviceId from;
    bool from_outside = true;
    bool waited = false;  ///< to be opened
  };
  /// The secret that opens an item: one that is kept, or another one, not kept before it is clear who made it.
  struct Found {
    EpochSecret const* kept = nullptr;
    std::optional<EpochSecret> unwrapped;  ///< of the item's own prefix
    std::optional<EpochSecret> looked_up;  ///< in an entry here
    [[nodiscard]] EpochSecret const* get() const {
      return kept != nullptr ? kept : unwrapped ? &*unwrapped : looked_up ? &*looked_up : nullptr;
    }
  };
  /// What became of an entry.
  enum class Fate { applied, waits, refused };
  [[nodiscard]] Result<> work_off();
  [[nodiscard]] Result<> drop_unheld();
  [[nodiscard]] Result<> take_one(Item const& item);
  [[nodiscard]] Result<> keep_unopened(wire::SealedParts const& parts, ItemDigest const& digest, Item const& item);
  [[nodiscard]] Result<Fate> keep_pending(OpenedEntry const& entry, Found const& own, std::vector<Tip> needs,
                                          std::vector<Tip> const& missing, Item const& item);
  [[nodiscard]] std::vector<EpochId> doubtful_in(OpenedEntry const& entry, Found const& own) const;
  [[nodiscard]] std::optional<EpochSecret> unwrapped_from(wire::EpochPrefix const& prefix) const;
  [[nodiscard]] Result<Found> secret_for(wire::SealedParts const& parts) const;
  [[nodiscard]] Result<std::optional<EpochSecret>> look_up(EpochId const& epoch, int depth, int& tries) const;
  [[nodiscard]] Result<std::optional<EpochSecret>> secret_in(EntryHash const& entry, EpochId const& epoch, int depth,
                                                             int& tries) const;
  [[nodiscard]] Result<> put_in(OpenedEntry const& entry, ItemDigest const& digest, ByteView sealed);
  [[nodiscard]] Result<std::size_t> room_to_teach(DeviceId const& author, DeviceId const& from, Fate fate,
                                                  std::size_t wanted);
  [[nodiscard]] Result<std::size_t> room_of_newcomer(DeviceId const& from, std::size_t wanted);
  [[nodiscard]] Result<> learn(EpochSecret const& secret, DeviceId const& teacher, GroupState::Keep keep,
                               DeviceId const& from);
  [[nodiscard]] Result<> learn_from(OpenedEntry const& entry, DeviceId const& from, Found const& own, Fate fate);
  [[nodiscard]] Result<> wake_waiting(Tip const& arrived);
  [[nodiscard]] Result<> wake_unopened(EpochId const& epoch);
  [[nodiscard]] Result<bool> room_for_doubtful(OpenedEntry const& entry, std::size_t bytes);
  [[nodiscard]] Result<> take_resealed(ItemDigest const& digest, EntryHash const& entry, Item const& item);
  [[nodiscard]] Result<> refuse_for_good(ItemDigest const& digest, Error const& reason);
  [[nodiscard]] Result<> refuse(Error reason);

  Store& store_;
  Identity const& identity_;
  RandomSource& random_;
  GroupState& state_;
  WaitingRoom waiting_;
  Vouching vouching_;
  Now now_;
  DeviceId from_;
  crypto::DhKeyPair const* also_opens_ = nullptr;
  std::deque<Item> queue_;
  std::set<EpochId> of_refused_;  ///< secrets taken from entries that did not even come to wait
  Received result_;
  bool own_log_came_ = false;
};

}  // namespace kith::core
