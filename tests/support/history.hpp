#pragma once

#include <bitset>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "core/roster.hpp"

/// Histories of a group as plain values: entries without keys, seals and signatures, thousands of them in a second.
namespace kith::testing {

inline constexpr std::size_t kMaxEvents = 128;
using EventNo = std::size_t;  ///< place in the history; causes have smaller numbers
using EventSet = std::bitset<kMaxEvents>;

/// One entry, with its place in the graph said by naming other entries.
struct Event {
  DeviceId author;
  std::uint64_t incarnation = 1;
  std::optional<EventNo> prev;  ///< the one before it in its log; none at the log's start
  std::vector<EventNo> tips;    ///< entries of other logs
  EntryHash hash;
  std::uint64_t hlc = 0;
  EpochId sealed_under;
  std::vector<core::RosterOp> ops;          ///< none: an entry of messages only
  std::set<std::uint32_t> recovery_signed;  ///< indices of ops
  bool marked = false;                      ///< what a property says of it: an attack, say
};

/// Entries in an order in which causes stand before effects, with the set of each one's ancestors.
class History {
 public:
  /// Whether replicas would take the event in: its past holds a device_add of its author, or it founds the group, or it
  /// adds its own author by recovery signature.
  [[nodiscard]] bool lets_in(Event const& event) const;
  EventNo add(Event event);  ///< lets_in() is true

  [[nodiscard]] std::size_t size() const { return events_.size(); }
  [[nodiscard]] Event const& at(EventNo number) const { return events_[number]; }
  [[nodiscard]] std::vector<Event> const& events() const { return events_; }
  [[nodiscard]] EventSet const& past(EventNo number) const { return pasts_[number]; }  ///< with the event itself
  [[nodiscard]] Seq seq(EventNo number) const { return seqs_[number]; }
  [[nodiscard]] EventSet everything() const;
  /// Whether `earlier` is another event in the past of `later`.
  [[nodiscard]] bool before(EventNo earlier, EventNo later) const {
    return earlier != later && pasts_[later].test(earlier);
  }
  /// The events of `set` that are in no other one's past.
  [[nodiscard]] std::vector<EventNo> ends_of(EventSet const& set) const;

  /// One line for each event of `shown`.
  [[nodiscard]] std::string describe(EventSet const& shown) const;
  [[nodiscard]] std::string describe() const { return describe(everything()); }

 private:
  std::vector<Event> events_;
  std::vector<EventSet> pasts_;
  std::vector<Seq> seqs_;
};

/// The id of a history's n-th device: random-looking, so that it says nothing about rank, and printable as D<n>.
[[nodiscard]] DeviceId numbered_device(std::uint64_t seed, std::uint8_t number);
[[nodiscard]] std::string name_of(DeviceId const& device);

/// Leaves out events, tips and ops as long as `fails` stays true: what a failing test shows.
[[nodiscard]] History shrunk(History history, std::function<bool(History const&)> const& fails);

}  // namespace kith::testing
