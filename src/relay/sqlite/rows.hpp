#pragma once

#include <map>
#include <optional>

#include "relay/rules/store.hpp"
#include "relay/sqlite/database.hpp"

namespace kith::relay::sqlite {

struct GroupRow {
  GroupNo group;
  wire::ChannelId channel;
  wire::LogEpoch log_epoch;
  wire::RelayCursor head, floor;
  std::uint64_t bytes = 0;
  bool changed = false;
};
struct DeviceRow {
  std::int64_t d = 0;
  bool active = false;
  wire::PushSeq last_seq;
  wire::RelayCursor acked;
  bool changed = false;
};

/// The groups and devices that one transaction touches: read once, written once at its end. Pointers stay good until
/// clear().
class Rows {
 public:
  explicit Rows(Database& database) : database_(database) {}

  [[nodiscard]] Result<GroupRow*> group(GroupNo group);                   ///< nullptr where there is none
  [[nodiscard]] Result<GroupRow*> group(wire::ChannelId const& channel);  ///< likewise
  [[nodiscard]] Result<DeviceRow*> device(GroupNo group, wire::Pseudonym const& pseudonym);  ///< likewise
  [[nodiscard]] Result<GroupRow*> make_group(wire::ChannelId const& channel, wire::LogEpoch const& epoch);
  [[nodiscard]] Result<DeviceRow*> make_device(GroupNo group, wire::Pseudonym const& pseudonym);

  /// Writes what has changed.
  [[nodiscard]] Result<> flush();
  void clear();
  void forget_devices(GroupNo group);  ///< they were changed by other means

 private:
  [[nodiscard]] Result<GroupRow*> take(Query& found);

  Database& database_;
  std::map<GroupNo, GroupRow> groups_;
  std::map<wire::ChannelId, GroupNo> channels_;
  std::map<std::pair<GroupNo, wire::Pseudonym>, DeviceRow> devices_;
};

}  // namespace kith::relay::sqlite
