#pragma once

#include <algorithm>
#include <chrono>
#include <string>

#include "base/assert.hpp"
#include "base/encoding.hpp"
#include "link/ws/relay_address.hpp"

/// Where a relay's mailboxes are, and how both sides ask for what is in them.
namespace kith::link {

/// Below the relay's own path.
inline std::string invites_path(RelayAddress const& address) {
  return (address.path == "/" ? "" : address.path) + "/invite";
}
/// @param key  8 symbols in normal form
inline std::string invite_path(RelayAddress const& address, std::string const& key) {
  KITH_ASSERT(key.size() == 8 && normal_crockford(key) == key);
  return invites_path(address) + "/" + key;
}

/// The relay waits this long for a box, if there is none, and the answer has its time to come.
inline constexpr auto kWaitTime = std::chrono::seconds{20};
inline constexpr auto kPollTime = kWaitTime + std::chrono::seconds{10};
/// A relay that does not wait is not asked more often than this.
inline constexpr auto kShortestPoll = std::chrono::milliseconds{500};

/// For the word that this side has ended.
inline constexpr auto kGoodbyeTime = std::chrono::seconds{2};

inline std::string poll_query(std::uint64_t after) {
  return "?after=" + std::to_string(after) + "&wait_s=" + std::to_string(kWaitTime.count());
}

}  // namespace kith::link
