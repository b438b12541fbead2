#pragma once

#include <chrono>
#include <cstdint>
#include <set>
#include <string>
#include <variant>

#include "relay/rules/store.hpp"

namespace kith::relay {

/// Anybody may make a mailbox who has paid for it in hashing.
struct OpenRegistration {
  unsigned hashcash_bits = 20;  ///< about a second of one core
};
/// Only who has one of the operator's tokens may make a mailbox.
struct TokenRegistration {
  std::set<std::string> tokens;
};
using Registration = std::variant<OpenRegistration, TokenRegistration>;

/// A token bucket: so much at once, and so much a second in the long run.
struct Rate {
  double per_second = 0;
  double burst = 0;
};

/// What an operator decides. The defaults serve a household and let a first sync run at the speed of its line.
struct Settings {
  Registration registration = OpenRegistration{};
  StoreLimits store;

  std::uint64_t credit_bytes = 256 * 1024;   ///< of items sent live and not acknowledged: WELCOME tells it
  std::size_t max_pull_bytes = 1024 * 1024;  ///< of items in one answer to a PULL
  Rate device_orders{50, 1000};              ///< of one pseudonym; beyond it the relay reads on later
  Rate device_bytes{4e6, 32e6};              ///< likewise
  Rate group_orders{200, 4000};              ///< of all of a group together; beyond it each device has its share
  Rate group_bytes{16e6, 128e6};             ///< likewise
  Rate registrations{0.5, 100};              ///< of new mailboxes, from one address

  /// That a connection may send before its HELLO fits, and the time it has for that.
  std::size_t max_stranger_bytes = wire::kRelayLimits.max_stranger_bytes;
  std::chrono::milliseconds stranger_time = std::chrono::seconds{10};

  std::size_t max_queued_bytes = 1024 * 1024;     ///< waiting for one connection; beyond it only NOTIFY comes
  std::size_t max_stuck_bytes = 8 * 1024 * 1024;  ///< beyond it the connection is closed
  std::chrono::milliseconds stuck_time = std::chrono::seconds{60};  ///< for who does not read what waits
  std::chrono::milliseconds notify_interval = std::chrono::milliseconds{100};
  std::chrono::milliseconds sweep_interval = std::chrono::seconds{60};
  std::size_t max_waiting_requests = 20'000;  ///< for the store; beyond it strangers are told to come back later
};

}  // namespace kith::relay
