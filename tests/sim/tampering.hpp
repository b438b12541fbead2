#pragma once

#include <deque>
#include <functional>

#include "core/identity.hpp"
#include "relay/channel/channel.hpp"
#include "sim/sim_relay.hpp"

namespace kith::sim {

/// What stands between one device and the rules of a relay that does not keep to them: ends the device's channel with
/// the relay's own key, and speaks to the rules in the device's name. What goes to the rules goes as it came, but for
/// the proof of the HELLO, which names its channel; what comes back is treated as the relay's Habits say.
class Tampering {
 public:
  /// @param relay   outlives this
  /// @param device  its number
  Tampering(SimRelay& relay, std::size_t device, core::RelayFace face);

  /// Bytes of the device's. @return false where it has to be cut off
  [[nodiscard]] bool on_device_bytes(ByteView bytes);
  [[nodiscard]] bool on_rules_bytes(ByteView bytes, bool calm);
  void take_for_rules(Bytes& out);
  void take_for_device(Bytes& out);
  /// Hears each message of the device's as it is inside the channel.
  void set_ear(std::function<void(ByteView)> ear) { ear_ = std::move(ear); }
  /// Whether something was acknowledged that went nowhere, since this was last asked.
  [[nodiscard]] bool take_false_ack() { return std::exchange(acked_falsely_, false); }

 private:
  void acknowledge_falsely(wire::Push const& push);
  void keep_back(std::vector<wire::RelayItem>& items);
  void lie_about(wire::Welcome& welcome);
  void lie_about(std::vector<wire::RelayItem>& items);
  void lie_about(wire::AclRecords& answer);
  void treat(wire::RelayMessage message);
  void treat_items(std::vector<wire::RelayItem>& items);
  void treat_slots(std::vector<wire::RelayPresence::Slot>& slots);
  [[nodiscard]] bool chance(double probability);

  SimRelay& relay_;
  std::function<void(ByteView)> ear_;
  std::size_t index_;
  core::RelayFace face_;
  relay::Channel device_;
  relay::Channel rules_;
  std::deque<wire::RelayMessage> early_;  ///< of the device's, before the channel to the rules is open
  std::deque<wire::RelayMessage> held_;   ///< for the device, until the next one
  std::deque<Bytes> seen_;                ///< items that were given out
  std::deque<wire::RelayPresence::Slot> seen_slots_;
  wire::RelayCursor head_;  ///< as far as the device was told
  std::optional<std::pair<std::uint64_t, crypto::Hash256>> first_acl_;
  bool acked_falsely_ = false;
};

}  // namespace kith::sim
