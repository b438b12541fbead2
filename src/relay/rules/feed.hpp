#pragma once

#include <deque>
#include <optional>
#include <span>

#include "base/time.hpp"
#include "wire/relay.hpp"

namespace kith::relay {

/// What one member has been given of its mailbox, and whether new items go to it live or it is told to pull.
///
///     Live --item without room or credit--> Behind --PULL--> Pulling --answered to the head--> Live
///     Live --PULL--> Pulling                                 Pulling --answered, more behind--> Behind
///
/// Nothing goes live but to who is Live: what others are missing comes with their next PULL, which would bring what was
/// sent meanwhile again.
class Feed {
 public:
  /// @param position  all up to it the device has
  /// @param head  that WELCOME tells: no notice is needed for what lies before it
  Feed(wire::RelayCursor position, wire::RelayCursor head)
      : state_(position < head ? State::behind : State::live), sent_(position), noticed_(head) {}

  /// Some of the offered items, by index, to be sent now.
  struct Range {
    std::size_t from = 0, to = 0;
  };
  /// @param items  one PUSH's, dense and ascending
  /// @param room  whether the connection's queue takes more
  [[nodiscard]] Range offer(std::span<wire::RelayItem const> items, bool own, bool room, std::uint64_t credit_bytes);

  void pull_started() { state_ = State::pulling; }
  /// @param next_after  nothing up to it was left out of the answer
  /// @param more  whether the answer says that there is more behind it
  void pull_answered(wire::RelayCursor next_after, bool more, wire::RelayCursor head);
  void pull_refused() { state_ = State::behind; }
  void acknowledged(wire::RelayCursor cursor);

  [[nodiscard]] bool live() const { return state_ == State::live; }
  /// When the next NOTIFY is due; nullopt where there is nothing to tell.
  [[nodiscard]] std::optional<Instant> notice_at(wire::RelayCursor head) const;
  void noticed(wire::RelayCursor head, Instant next);

 private:
  enum class State { live, behind, pulling };
  struct Unacknowledged {
    wire::RelayCursor cursor;
    std::uint64_t bytes = 0;
  };
  State state_;
  wire::RelayCursor sent_;     ///< all up to it the device was sent, has pulled or has pushed itself
  wire::RelayCursor noticed_;  ///< the head that it was last told
  Instant next_notice_{};
  std::deque<Unacknowledged> unacknowledged_;
  std::uint64_t unacknowledged_bytes_ = 0;
};

}  // namespace kith::relay
