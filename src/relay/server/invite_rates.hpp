#pragma once

#include <deque>
#include <string>
#include <unordered_map>

#include "base/result.hpp"
#include "base/time.hpp"

namespace kith::relay::server {

struct InviteRateLimits {
  unsigned creates_per_minute = 5;
  unsigned claims_per_minute = 10;
  unsigned misses_per_minute = 3;  ///< claims of keys that name nothing; then the client waits, longer each time
};

/// How often one client may make and claim invites. Guessing a key is what the misses are about: three wrong ones cost
/// a minute, each further one twice as long as the one before, up to an hour.
class InviteRates {
 public:
  explicit InviteRates(InviteRateLimits limits) : limits_(limits) {}

  /// @return InviteError::rate_limited with the seconds to wait, or the try is counted
  [[nodiscard]] Result<> create(std::string const& client, Instant now);
  [[nodiscard]] Result<> claim(std::string const& client, Instant now);
  void missed(std::string const& client, Instant now);

  void change(InviteRateLimits limits) { limits_ = limits; }
  void forget_idle(Instant now);
  [[nodiscard]] std::size_t clients() const { return clients_.size(); }

  static constexpr auto kWindow = std::chrono::seconds{60};
  static constexpr auto kLongestWait = std::chrono::seconds{3600};
  static constexpr std::size_t kMaxClients = 16384;  ///< beyond it the one that was quiet for longest is forgotten

 private:
  struct Client {
    std::deque<Instant> creates, claims, misses;  ///< of the last minute, oldest first
    unsigned strikes = 0;                         ///< misses since there were too many
    Instant blocked_until{};
    Instant last_seen{};
  };
  [[nodiscard]] Client& seen(std::string const& client, Instant now);

  InviteRateLimits limits_;
  std::unordered_map<std::string, Client> clients_;
};

}  // namespace kith::relay::server
