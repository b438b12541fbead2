#pragma once

#include <algorithm>
#include <chrono>

#include "base/time.hpp"
#include "relay/rules/settings.hpp"

namespace kith::relay {

/// A token bucket. What has come is always taken, so it may be in debt; then nothing more is to be accepted before
/// ready_at().
class Bucket {
 public:
  explicit Bucket(Rate const& rate, Instant now) : level_(rate.burst), at_(now) {}

  void take(Rate const& rate, double amount, Instant now) {
    level_ = level(rate, now) - amount;
    at_ = std::max(at_, now);
  }
  [[nodiscard]] bool in_debt(Rate const& rate, Instant now) const { return level(rate, now) < 0; }
  [[nodiscard]] bool full(Rate const& rate, Instant now) const { return level(rate, now) >= rate.burst; }
  /// When the debt is paid.
  [[nodiscard]] Instant ready_at(Rate const& rate) const {
    if (level_ >= 0) return at_;
    constexpr double kLongest = 3600;  // a rate of nothing must not overflow the clock
    double const seconds = std::min(kLongest, rate.per_second > 0 ? -level_ / rate.per_second : kLongest);
    // Rounded up: at that moment nothing is owed.
    return at_ + std::chrono::ceil<std::chrono::milliseconds>(std::chrono::duration<double>(seconds));
  }

 private:
  [[nodiscard]] double level(Rate const& rate, Instant now) const {
    if (now <= at_) return level_;
    double const seconds = std::chrono::duration<double>(now - at_).count();
    return std::min(rate.burst, level_ + seconds * rate.per_second);
  }

  double level_;
  Instant at_;
};

}  // namespace kith::relay
