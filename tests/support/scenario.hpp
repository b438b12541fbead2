#pragma once

#include "support/history.hpp"
#include "support/local_graph.hpp"

namespace kith::testing {

/// A history told line by line: each event goes on its author's log and names what else its author knows.
class Scenario {
 public:
  Scenario() { found(); }

  DeviceId device(std::uint8_t number) const { return numbered_device(1, number); }

  /// @param knows  events of other devices, with their pasts
  EventNo write(std::uint8_t author, std::vector<EventNo> knows, std::vector<core::RosterOp> ops,
                std::set<std::uint32_t> recovery_signed = {}) {
    Event event;
    event.author = device(author);
    if (auto const last = last_of_.find(author); last != last_of_.end()) event.prev = last->second;
    event.tips = std::move(knows);
    event.hash.bytes[0] = static_cast<std::uint8_t>(history.size());  // ascending as written
    event.hlc = history.size();
    event.sealed_under = epoch;
    for (auto const& op : ops) {
      if (std::holds_alternative<core::Rotation>(op)) event.sealed_under = epoch_of(history.size());
    }
    event.ops = std::move(ops);
    event.recovery_signed = std::move(recovery_signed);
    return last_of_[author] = history.add(std::move(event));
  }
  /// A second branch: the author's next event goes on from there.
  void go_on_from(std::uint8_t author, EventNo event) { last_of_[author] = event; }

  core::RosterOp add(std::uint8_t number, std::string name = "new") const {
    wire::DeviceAdd add;
    add.cert.device = device(number);
    add.name = std::move(name);
    add.epoch = epoch;
    return add;
  }
  core::RosterOp remove(std::uint8_t number) const {
    return wire::DeviceRemove{device(number), wire::RemoveReason::lost, std::nullopt};
  }
  core::RosterOp rename(std::uint8_t number, std::string name) const {
    return wire::DeviceRename{device(number), std::move(name)};
  }

  /// The epoch that a rotate in an event starts.
  static EpochId epoch_of(EventNo event) {
    EpochId id;
    id.bytes[0] = static_cast<std::uint8_t>(event + 1);
    return id;
  }
  LocalGraph graph() const { return {history, history.everything()}; }

  History history;
  EpochId epoch = epoch_of(0);  ///< what entries are sealed under, and device_adds name

 private:
  void found() {
    wire::Devcert cert;
    cert.device = device(1);
    write(1, {}, {core::Founding{cert, "group"}, core::Rotation{1, {device(1)}, {}}});
  }
  std::map<std::uint8_t, EventNo> last_of_;
};

}  // namespace kith::testing
