#pragma once

#include <map>

#include "support/history.hpp"
#include "support/seeds.hpp"

namespace kith::testing {

/// Makes up the history of one group: devices write concurrently with partial knowledge, learn from each other, add,
/// remove, rename and pause, rotate epochs; some fork or restart their logs, leave out what they know, add devices that
/// were removed, remove their seniors and themselves; the recovery key signs some of it. Everything that replicas would
/// take in can happen, whether a program of ours would write it or not.
class HistoryWriter {
 public:
  static constexpr std::size_t kMaxDevices = 7;

  explicit HistoryWriter(std::uint64_t seed);  ///< founds the group

  /// Writes so many further events, with devices learning from each other in between.
  void live(std::size_t events);

  /// Everything written so far is in the past of all that live() writes from now on, and that is marked.
  void tell_everybody() { known_to_all_ = history_.everything(), marking_ = true; }

  /// Writes up to so many events by `thief` and by devices that only these events bring in, its straws. They may name
  /// anything, their own old tips among it, but none of `unknowable`, and everything is marked. They add each other,
  /// add straws, and remove whom they can.
  void attack(DeviceId const& thief, std::size_t events, EventSet const& unknowable);

  /// One event on top of what is in `known` (which is causally closed).
  /// @return nullopt where the author is not let in by it
  std::optional<EventNo> write(DeviceId const& author, EventSet const& known, std::vector<core::RosterOp> ops,
                               std::set<std::uint32_t> recovery_signed = {});

  [[nodiscard]] core::RosterOp add_of(DeviceId const& device, EventSet const& past);
  [[nodiscard]] static core::RosterOp remove_of(DeviceId const& device);
  /// A rotate whose number fits its past, or (so often in percent) any small number.
  [[nodiscard]] core::RosterOp rotation(EventSet const& past, unsigned wrong_percent);
  [[nodiscard]] DeviceId new_device();

  [[nodiscard]] History const& history() const { return history_; }
  [[nodiscard]] std::vector<DeviceId> const& devices() const { return devices_; }
  [[nodiscard]] Dice& dice() { return dice_; }

 private:
  struct Plan {
    std::vector<core::RosterOp> ops;
    std::set<std::uint32_t> recovery_signed;
  };
  [[nodiscard]] Plan any_ops(DeviceId const& author, EventSet const& past);
  [[nodiscard]] core::RosterOp any_op(DeviceId const& author, EventSet const& past);
  [[nodiscard]] Plan hostile_ops(std::vector<DeviceId> const& gang, EventSet const& past);
  [[nodiscard]] EventSet any_basis(DeviceId const& author);
  void place_in_log(Event& event, EventSet const& known);
  [[nodiscard]] EpochId any_epoch(EventSet const& past);

  std::uint64_t seed_;
  Dice dice_;
  std::size_t wanted_devices_;  ///< added early, so that there is a group to speak of
  History history_;
  std::vector<DeviceId> devices_;
  std::map<DeviceId, EventSet> known_;
  EventSet known_to_all_;
  std::map<EventNo, std::uint64_t> fitting_;  ///< numbers of the rotates that fit their past
  bool marking_ = false;
};

/// A history of a group of 2 to 7 devices and 8 to 40 events.
[[nodiscard]] History random_history(std::uint64_t seed);

}  // namespace kith::testing
