#include "relay/server/invite_rates.hpp"

#include <algorithm>

#include "relay/server/invites.hpp"

namespace kith::relay::server {
namespace {

void drop_old(std::deque<Instant>& times, Instant now) {
  while (!times.empty() && times.front() + InviteRates::kWindow <= now) times.pop_front();
}

tl::unexpected<Error> wait_until(Instant until, Instant now) {
  auto const seconds = std::chrono::ceil<std::chrono::seconds>(until - now).count();
  return fail(InviteError::rate_limited,
              CountDetail{static_cast<std::uint64_t>(std::max<std::int64_t>(seconds, 1)), 0});
}

Result<> count(std::deque<Instant>& times, unsigned most, Instant now) {
  drop_old(times, now);
  if (times.size() >= most) return wait_until((times.empty() ? now : times.front()) + InviteRates::kWindow, now);
  times.push_back(now);
  return {};
}

}  // namespace

InviteRates::Client& InviteRates::seen(std::string const& client, Instant now) {
  if (clients_.size() >= kMaxClients && !clients_.contains(client)) {
    forget_idle(now);
    if (clients_.size() >= kMaxClients)
      clients_.erase(std::ranges::min_element(clients_, {}, [](auto const& each) { return each.second.last_seen; }));
  }
  auto& found = clients_[client];
  found.last_seen = now;
  return found;
}

Result<> InviteRates::create(std::string const& client, Instant now) {
  return count(seen(client, now).creates, limits_.creates_per_minute, now);
}

Result<> InviteRates::claim(std::string const& client, Instant now) {
  auto& who = seen(client, now);
  if (now < who.blocked_until) return wait_until(who.blocked_until, now);
  return count(who.claims, limits_.claims_per_minute, now);
}

void InviteRates::missed(std::string const& client, Instant now) {
  auto& who = seen(client, now);
  drop_old(who.misses, now);
  who.misses.push_back(now);
  // Whoever was blocked before has had its three.
  if (who.strikes == 0 && who.misses.size() < limits_.misses_per_minute) return;
  auto const doublings = std::min(who.strikes, 6U);  // 2^6 minutes is beyond the longest wait
  who.blocked_until = now + std::min(kWindow * (1U << doublings), kLongestWait);
  ++who.strikes;
}

void InviteRates::forget_idle(Instant now) {
  std::erase_if(clients_, [&](auto const& each) { return each.second.last_seen + 2 * kLongestWait <= now; });
}

}  // namespace kith::relay::server
