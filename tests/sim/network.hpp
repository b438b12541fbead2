#pragma once

#include <deque>
#include <map>

#include "sim/sim_device.hpp"

namespace kith::sim {

/// A reliable, ordered pipe between two devices, like TCP: it delays, and it breaks, losing what is on the way.
struct Pipe {
  struct End {
    std::size_t device = 0;
    std::uint64_t run = 0;  ///< the program's run that the link belongs to; another run knows nothing of it
    std::optional<sync::LinkId> link;
  };
  struct Flight {
    Instant at;
    Bytes bytes;
  };
  std::array<End, 2> ends;                    ///< [0] dialled
  std::array<std::deque<Flight>, 2> flights;  ///< towards ends[i]
  Bytes opening;                              ///< the first bytes towards ends[1], until the opening is whole
  std::chrono::milliseconds delay{1};
  std::optional<Instant> breaks_at;
  std::array<bool, 2> closed{};  ///< ends[i] has closed: what flies towards the other still arrives
};

}  // namespace kith::sim
