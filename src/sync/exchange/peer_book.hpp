#pragma once

#include <map>
#include <string>
#include <vector>

#include "base/time.hpp"
#include "core/records.hpp"

namespace kith::sync {

/// What this device knows of another: where to dial it, and how far it has come. Kept in the database, so that every
/// process of the home can say what is safe and who has seen it.
struct PeerRecord {
  std::vector<std::string> addresses;
  std::vector<Tip> acked;         ///< tips that it said it has durably applied
  std::vector<Tip> seen;          ///< tips of its last presence
  std::vector<Tip> content;       ///< tips whose contents it holds, by its last presence, but for `held` paths
  std::uint16_t held = 0;         ///< paths that it leaves alone
  std::vector<FolderId> folders;  ///< folders that it keeps a copy of
  std::int64_t last_seen_ms = 0;
  std::string endpoint;  ///< where it was last reached
  std::int64_t clock_ahead_s = 0;

  void write(wire::Writer& writer) const;
  void read(wire::Reader& reader);
};

/// The records of all peers, read once and written back at times, not with every acknowledgement.
class PeerBook {
 public:
  /// A changed record reaches the database after at most so long.
  static constexpr auto kFlushAfter = std::chrono::milliseconds{50};

  explicit PeerBook(store::Store& store) : store_(store) {}
  [[nodiscard]] Result<> load();
  [[nodiscard]] PeerRecord const* find(DeviceId const& device) const;
  [[nodiscard]] std::map<DeviceId, PeerRecord> const& all() const { return peers_; }
  /// The record to change; it is written by the next flush.
  [[nodiscard]] PeerRecord& change(DeviceId const& device, Instant now);
  [[nodiscard]] std::optional<Instant> flush_due() const { return flush_due_; }
  [[nodiscard]] Result<> flush();

 private:
  store::Store& store_;
  std::map<DeviceId, PeerRecord> peers_;
  std::vector<DeviceId> changed_;
  std::optional<Instant> flush_due_;
};

}  // namespace kith::sync
