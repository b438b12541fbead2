#pragma once

#include <map>
#include <optional>
#include <vector>

#include "relay/rules/store.hpp"
#include "relay/sqlite/database.hpp"

namespace kith::relay::sqlite {

struct GroupRow {
  GroupNo group;
  wire::ChannelId channel;
  wire::LogEpoch log_epoch;
  wire::RelayCursor head, floor;
  std::uint64_t bytes = 0;
  std::uint64_t names = 0;   ///< pseudonyms that its records ever named: rows of `dev`
  std::uint64_t items = 0;   ///< rows of `log`
  std::uint64_t unused = 0;  ///< the hour in which it was made, until it gets an item; then 0
  bool changed = false;
};
struct DeviceRow {
  std::int64_t d = 0;
  bool active = false;
  wire::PushSeq last_seq;
  wire::RelayCursor acked;
  bool changed = false;
};

/// Groups and devices that transactions touch: read once and kept, written once at the end of each transaction. Nobody
/// else may write them. Pointers stay good until trim() or clear().
class Rows {
 public:
  explicit Rows(Database& database) : database_(database) {}

  [[nodiscard]] Result<GroupRow*> group(GroupNo group);                   ///< nullptr where there is none
  [[nodiscard]] Result<GroupRow*> group(wire::ChannelId const& channel);  ///< likewise
  [[nodiscard]] Result<DeviceRow*> device(GroupNo group, wire::Pseudonym const& pseudonym);  ///< likewise
  [[nodiscard]] Result<GroupRow*> make_group(wire::ChannelId const& channel, wire::LogEpoch const& epoch,
                                             std::uint64_t hour);

  void change(GroupRow& group);  ///< it was changed
  void change(DeviceRow& device);
  /// Writes what has changed.
  [[nodiscard]] Result<> flush();
  void trim();                               ///< after COMMIT: keeps what is kept, up to a bound
  void clear();                              ///< after ROLLBACK: what is kept is not what is stored
  void forget_group(GroupRow const& group);  ///< it was deleted; after flush()
  void forget_device(GroupNo group, wire::Pseudonym const& pseudonym);  ///< it was changed by other means

 private:
  static constexpr std::size_t kMostKept = 50'000;  ///< of each kind; some 10 MB
  [[nodiscard]] Result<GroupRow*> take(Query& found);

  Database& database_;
  std::map<GroupNo, GroupRow> groups_;
  std::map<wire::ChannelId, GroupNo> channels_;
  std::map<std::pair<GroupNo, wire::Pseudonym>, DeviceRow> devices_;
  std::vector<GroupRow*> changed_groups_;
  std::vector<DeviceRow*> changed_devices_;
};

}  // namespace kith::relay::sqlite
