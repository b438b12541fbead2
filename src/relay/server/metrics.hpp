#pragma once

#include <span>
#include <string>
#include <string_view>

#include "relay/rules/relay.hpp"
#include "relay/server/store_threads.hpp"
#include "relay/server/websocket_server.hpp"

/// All figures that a relay publishes, each with its name, type and meaning, in Prometheus' text format (version
/// 0.0.4). Names begin with kith_relay_ and end in the unit, counters in _total; none has a label that names a client
/// or a group.
namespace kith::relay::server {

/// What the storage holds.
struct StorageFigures {
  std::uint64_t groups = 0;
  std::uint64_t items = 0;
  std::uint64_t stored_bytes = 0;  ///< as quotas count
  std::uint64_t objects = 0;
  std::uint64_t object_bytes = 0;
  std::uint64_t wal_bytes = 0;
  std::uint64_t disk_bytes = 0;
};

/// One moment of a relay.
struct Snapshot {
  Figures rules;
  ServerCounts server;
  ThreadFigures threads;
  StorageFigures storage;
  std::uint64_t max_bytes = 0;
  std::uint64_t open_invites = 0;
  std::uint64_t waiting_polls = 0;
  std::chrono::seconds uptime{0};
  bool healthy = true;
  bool draining = false;
};

struct Metric {
  enum class Type : std::uint8_t { counter, gauge };
  std::string_view name;
  Type type;
  std::string_view help;
  double (*value)(Snapshot const&);
};
[[nodiscard]] std::span<Metric const> metrics();

[[nodiscard]] std::string metrics_text(Snapshot const& snapshot);

}  // namespace kith::relay::server
