#pragma once

#include <deque>
#include <list>

#include "support/seeds.hpp"
#include "support/test_device.hpp"
#include "sync/log/log_exchange.hpp"

namespace kith::testing {

/// How much one end of a link has said, by kind of frame.
struct LogTraffic {
  std::size_t tips = 0;
  std::size_t acks = 0;
  std::size_t wants = 0;
  std::size_t ranges = 0;       ///< in all WANTs
  std::size_t most_ranges = 0;  ///< in one
  std::size_t data = 0;         ///< DATA with entries
  std::size_t ends = 0;         ///< empty DATA
  std::size_t entries = 0;
  std::size_t entry_bytes = 0;
  std::size_t largest_frame = 0;  ///< bytes
};

/// One device's end of a session: its exchange, and the frames on their way to it.
struct LogEnd {
  explicit LogEnd(TestDevice& owner) : device(owner), log(owner.replica) { log.start(); }

  /// The exchange's next frame, counted; as the other side decodes it.
  std::optional<wire::Frame> next() {
    auto const frame = must(log.next_frame());
    if (!frame) return std::nullopt;
    Bytes bytes;
    wire::encode_frame(bytes, *frame);
    sent.largest_frame = std::max(sent.largest_frame, bytes.size());
    count(*frame);
    return must(wire::decode_frame(ByteView{bytes}.subspan(sizeof(std::uint32_t))));
  }

  /// Takes one frame. @return whether other links of the device should hear of what came
  bool take(wire::Frame const& frame) {
    if (auto const* data = std::get_if<wire::Data>(&frame)) {
      auto const result = must(log.on_data(*data, device.now()));
      received.applied += result.applied;
      received.pending += result.pending;
      received.unopened += result.unopened;
      received.duplicates += result.duplicates;
      received.refused += result.refused;
      return result.applied > 0 || result.roster_changed;
    }
    if (auto const* said = std::get_if<wire::Tips>(&frame)) own_was_beyond |= must(log.on_peer_tips(said->tips));
    if (auto const* ack = std::get_if<wire::Ack>(&frame)) own_was_beyond |= must(log.on_peer_tips(ack->tips));
    if (auto const* want = std::get_if<wire::Want>(&frame)) must(log.on_want(*want));
    return false;
  }

  TestDevice& device;
  sync::LogExchange log;
  std::deque<wire::Frame> inbox;
  LogTraffic sent;
  core::Received received;      ///< sums
  bool own_was_beyond = false;  ///< the other side named a tip of ours that we do not have

 private:
  void count(wire::Frame const& frame) {
    sent.tips += std::holds_alternative<wire::Tips>(frame) ? 1 : 0;
    sent.acks += std::holds_alternative<wire::Ack>(frame) ? 1 : 0;
    if (auto const* want = std::get_if<wire::Want>(&frame)) {
      ++sent.wants;
      sent.ranges += want->ranges.size();
      sent.most_ranges = std::max(sent.most_ranges, want->ranges.size());
    }
    if (auto const* data = std::get_if<wire::Data>(&frame)) {
      ++(data->entries.empty() ? sent.ends : sent.data);
      sent.entries += data->entries.size();
      for (auto const& entry : data->entries) sent.entry_bytes += entry.bytes.size();
    }
  }
};

struct LogLink {
  LogLink(TestDevice& one, TestDevice& other) : a(one), b(other) {}
  LogEnd a;
  LogEnd b;
};

/// Devices and the sessions between them, frame by frame. A link keeps the order of frames, as a session does; `dice`
/// makes the links take turns at random, repeats TIPS, ACK and DATA, and lets DATA overtake DATA.
class LogNetwork {
 public:
  /// Frames that wait on one link in one direction at most: what is beyond stays in the store.
  static constexpr std::size_t kWindow = 4;
  static constexpr std::size_t kMostSteps = 200'000;

  explicit LogNetwork(Dice* dice = nullptr) : dice_(dice) {}

  LogLink& join(TestDevice& one, TestDevice& other) { return links_.emplace_back(one, other); }
  /// The session ends, and what was on its way is lost.
  void cut(LogLink const& link) {
    links_.remove_if([&](LogLink const& other) { return &other == &link; });
  }
  void cut_all() { links_.clear(); }
  [[nodiscard]] std::list<LogLink>& links() { return links_; }

  /// The device holds more than before: its links hear of it, but for the one that it came by.
  void changed(TestDevice& device, LogEnd const* from = nullptr) {
    for (auto& link : links_) {
      for (auto* end : {&link.a, &link.b}) {
        if (&end->device == &device && end != from) must(end->log.on_local_change());
      }
    }
  }

  /// Goes on until nobody has anything to say, or for so many frames. @return false where it would go on for ever
  [[nodiscard]] bool run(std::size_t steps = kMostSteps) {
    bool const limited = steps < kMostSteps;
    for (; steps > 0; --steps) {
      if (!step()) return true;
    }
    return limited;
  }

 private:
  struct Direction {
    LogEnd* from;
    LogEnd* to;
  };

  /// Moves one frame onto a link or off it. @return false where there is none
  bool step() {
    std::vector<Direction> directions;
    for (auto& link : links_) {
      directions.push_back({&link.a, &link.b});
      directions.push_back({&link.b, &link.a});
    }
    if (dice_ != nullptr) dice_->shuffle(directions);
    for (auto const& [from, to] : directions) {
      bool const deliver_first = dice_ == nullptr || dice_->chance(50);
      if (deliver_first && deliver(*to)) return true;
      if (to->inbox.size() < kWindow && send(*from, *to)) return true;
      if (deliver(*to)) return true;
    }
    return false;
  }

  bool send(LogEnd& from, LogEnd& to) {
    auto frame = from.next();
    if (!frame) return false;
    auto const* data = std::get_if<wire::Data>(&*frame);
    bool const end = data != nullptr && data->entries.empty();
    bool const repeats = dice_ != nullptr && !end && !std::holds_alternative<wire::Want>(*frame) && dice_->chance(10);
    if (repeats) to.inbox.push_back(*frame);
    to.inbox.push_back(std::move(*frame));
    return true;
  }

  bool deliver(LogEnd& to) {
    if (to.inbox.empty()) return false;
    auto const entries_at = [&](std::size_t place) {
      auto const* data = std::get_if<wire::Data>(&to.inbox[place]);
      return data != nullptr && !data->entries.empty();
    };
    bool const overtakes =
        dice_ != nullptr && to.inbox.size() > 1 && entries_at(0) && entries_at(1) && dice_->chance(20);
    if (overtakes) std::swap(to.inbox[0], to.inbox[1]);
    auto const frame = std::move(to.inbox.front());
    to.inbox.pop_front();
    if (to.take(frame)) changed(to.device, &to);
    return true;
  }

  Dice* dice_;
  std::list<LogLink> links_;
};

}  // namespace kith::testing
