#pragma once

#include <map>
#include <optional>

#include "base/random.hpp"
#include "base/time.hpp"

namespace kith::sync {

/// When to dial whom: each device that should be connected and is not, after 1, 2, 4, 8, 16, 30, 30... seconds with
/// jitter, and at once when something suggests that it is there.
class Dialler {
 public:
  static constexpr auto kFirstWait = std::chrono::seconds{1};
  static constexpr auto kLongestWait = std::chrono::seconds{30};
  /// A dial that has not been reported on after this long counts as failed.
  static constexpr auto kAttemptTime = std::chrono::seconds{20};

  explicit Dialler(RandomSource& random) : random_(random) {}

  void add(DeviceId const& device, Instant now);  ///< wanted from now on, first at once
  void remove(DeviceId const& device);
  void connected(DeviceId const& device);            ///< no dialling until lost()
  void lost(DeviceId const& device, Instant now);    ///< the session ended: soon again
  void failed(DeviceId const& device, Instant now);  ///< the dial came to nothing: later again
  void hurry(DeviceId const& device, Instant now);   ///< forget the wait
  void hurry_all(Instant now);

  /// The next device to dial now; it counts as being dialled until one of the above is said of it.
  [[nodiscard]] std::optional<DeviceId> next(Instant now);
  [[nodiscard]] std::optional<Instant> next_due() const;

 private:
  struct State {
    unsigned failures = 0;
    bool connected = false;
    Instant due;
  };
  void wait(State& state, Instant now);
  RandomSource& random_;
  std::map<DeviceId, State> devices_;
};

}  // namespace kith::sync
