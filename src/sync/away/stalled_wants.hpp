#pragma once

#include <chrono>
#include <optional>
#include <vector>

#include "sync/exchange/exchange.hpp"
#include "sync/relays/mailbox.hpp"

namespace kith::sync {

/// Notices that nothing of what is asked for lies at a relay while something else that is lacking does. Then the latter
/// is to be asked for: what is asked for may wait for the room that the other takes.
class StalledWants {
 public:
  static constexpr auto kStallTime = std::chrono::seconds{3};

  /// To be called when anything of this has moved, and at the deadline.
  /// @param mailboxes  of relays @param wanted  chunks that no device that is connected was asked for
  /// @return whether it has been so for kStallTime: what is wanted is to be passed over
  [[nodiscard]] Result<bool> give_way(std::vector<Mailbox*> const& mailboxes, std::vector<ChunkId> const& wanted,
                                      Exchange const& exchange, Now now);
  [[nodiscard]] std::optional<Instant> next_deadline() const {
    return since_ ? std::optional(*since_ + kStallTime) : std::nullopt;
  }

 private:
  std::optional<Instant> since_;
};

}  // namespace kith::sync
