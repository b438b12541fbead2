#pragma once

#include <array>
#include <deque>
#include <memory>

#include "sim/sim_device.hpp"
#include "sim/tampering.hpp"

namespace kith::sim {

/// The connection of one device to one relay: like a Pipe, but a relay may find out late that it broke.
struct RelayPipe {
  struct Flight {
    Instant at;
    Bytes bytes;  ///< none: the end of the stream
  };
  std::size_t device = 0;
  std::uint64_t run = 0;          ///< of the device's program
  std::weak_ptr<RelayLink> link;  ///< gone with the mailbox
  SimRelay* relay = nullptr;
  std::uint64_t relay_run = 0;
  relay::ConnectionId connection;
  std::unique_ptr<Tampering> between;  ///< where the relay does not keep to the rules
  std::deque<Flight> to_relay, to_device;
  std::chrono::milliseconds delay{1};
  std::optional<Instant> breaks_at;
  std::optional<Instant> relay_hears_at;  ///< it broke, and the relay does not know yet
  bool device_closed = false;
  bool relay_closed = false;
};

}  // namespace kith::sim
