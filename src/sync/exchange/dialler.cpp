#include "sync/exchange/dialler.hpp"

#include <algorithm>

namespace kith::sync {

void Dialler::add(DeviceId const& device, Instant now) { devices_.try_emplace(device, State{0, false, now}); }

void Dialler::remove(DeviceId const& device) { devices_.erase(device); }

void Dialler::connected(DeviceId const& device) {
  if (auto const found = devices_.find(device); found != devices_.end()) found->second = {0, true, {}};
}

void Dialler::lost(DeviceId const& device, Instant now) {
  auto const found = devices_.find(device);
  if (found == devices_.end()) return;
  found->second.connected = false;
  wait(found->second, now);
}

void Dialler::failed(DeviceId const& device, Instant now) {
  auto const found = devices_.find(device);
  if (found == devices_.end() || found->second.connected) return;
  wait(found->second, now);
}

void Dialler::hurry(DeviceId const& device, Instant now) {
  auto const found = devices_.find(device);
  if (found != devices_.end() && !found->second.connected) found->second = {0, false, now};
}

void Dialler::hurry_all(Instant now) {
  for (auto& [device, state] : devices_) {
    if (!state.connected) state = {0, false, now};
  }
}

/// Doubles, up to the longest, and up to a quarter more or less, so that devices that lost each other do not meet in
/// step.
void Dialler::wait(State& state, Instant now) {
  using std::chrono::milliseconds;
  milliseconds const plain = std::min<milliseconds>(kLongestWait, kFirstWait * (1U << std::min(state.failures, 8U)));
  auto const quarter = static_cast<std::uint64_t>(plain.count() / 4);
  state.due = now + plain - milliseconds{quarter} + milliseconds{random_.below(2 * quarter + 1)};
  ++state.failures;
}

std::optional<DeviceId> Dialler::next(Instant now) {
  for (auto& [device, state] : devices_) {
    if (state.connected || state.due > now) continue;
    state.due = now + kAttemptTime;
    return device;
  }
  return std::nullopt;
}

std::optional<Instant> Dialler::next_due() const {
  std::optional<Instant> due;
  for (auto const& [device, state] : devices_) {
    if (!state.connected && (!due || state.due < *due)) due = state.due;
  }
  return due;
}

}  // namespace kith::sync
