#pragma once

#include <deque>
#include <map>

#include "core/replica.hpp"

namespace kith::core {

/// Takes sealed items into one replica, inside one transaction: opens what can be opened, puts into the graph what has
/// its whole past here, keeps the rest waiting, and goes on with whatever the new arrivals make possible.
class Ingest {
 public:
  Ingest(Store& store, Identity const& identity, RandomSource& random, GroupState& state, Now now)
      : store_(store), identity_(identity), random_(random), state_(state), now_(now) {}

  /// Only a fault of our own store is an error; what is wrong with an item is counted in result().
  [[nodiscard]] Result<> take(ByteView sealed);
  /// Puts in an entry of our own, just sealed.
  [[nodiscard]] Result<> take_own(ByteView sealed);
  [[nodiscard]] Received const& result() const { return result_; }
  /// Whether an entry of this device's current log came from outside and was not here. Only this device's key can have
  /// signed it: this database is older than what was once written, or another copy of it is writing.
  [[nodiscard]] bool own_log_came() const { return own_log_came_; }

 private:
  struct Item {
    Bytes sealed;
    bool from_outside = true;
  };
  [[nodiscard]] Result<> work_off();
  [[nodiscard]] Result<> take_one(Item const& item);
  [[nodiscard]] Result<> keep_unopened(wire::SealedParts const& parts, ItemDigest const& digest, ByteView sealed);
  [[nodiscard]] Result<> keep_pending(OpenedEntry const& entry, std::vector<Tip> needs, std::vector<Tip> const& missing,
                                      ByteView sealed);
  [[nodiscard]] Result<> put_in(OpenedEntry const& entry, ItemDigest const& digest, ByteView sealed);
  [[nodiscard]] bool may_teach(OpenedEntry const& entry) const;
  [[nodiscard]] Result<> learn(EpochSecret const& secret);
  [[nodiscard]] Result<> learn_from(OpenedEntry const& entry, EpochSecret const* unwrapped);
  [[nodiscard]] Result<> wake_waiting(EntryHash const& arrived);
  [[nodiscard]] Result<> wake_unopened(EpochId const& epoch);
  [[nodiscard]] Result<bool> room_for_doubtful(OpenedEntry const& entry, std::size_t bytes);
  [[nodiscard]] Result<bool> reserve(std::string_view counter, std::size_t bytes, std::size_t limit);
  [[nodiscard]] Result<> release(std::string_view counter, std::size_t bytes);
  [[nodiscard]] Result<> refuse(Error reason);

  Store& store_;
  Identity const& identity_;
  RandomSource& random_;
  GroupState& state_;
  Now now_;
  std::deque<Item> queue_;
  Received result_;
  bool own_log_came_ = false;
};

}  // namespace kith::core
