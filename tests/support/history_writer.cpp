#include "support/history_writer.hpp"

#include <algorithm>

#include "base/assert.hpp"

namespace kith::testing {
namespace {

constexpr std::uint64_t kFirstHlc = std::uint64_t{1'800'000'000'000} << 16;

}  // namespace

HistoryWriter::HistoryWriter(std::uint64_t seed) : seed_(seed), dice_(seed), wanted_devices_(dice_.between(2, 6)) {
  DeviceId const creator = new_device();
  Event event;
  event.author = creator;
  event.hash = dice_.id<EntryHash>();
  event.hlc = kFirstHlc;
  event.sealed_under = dice_.id<EpochId>();
  wire::Devcert cert;
  cert.device = creator;
  event.ops.emplace_back(core::Founding{cert, "group"});
  event.ops.emplace_back(core::Rotation{1, {creator}, {}});
  fitting_[0] = 1;
  known_[creator].set(history_.add(std::move(event)));
}

DeviceId HistoryWriter::new_device() {
  devices_.push_back(numbered_device(seed_, static_cast<std::uint8_t>(devices_.size() + 1)));
  return devices_.back();
}

core::RosterOp HistoryWriter::add_of(DeviceId const& device, EventSet const& past) {
  wire::DeviceAdd add;
  add.cert.device = device;
  add.name = fmt::format("{} v{}", name_of(device), dice_.below(10));
  add.epoch = any_epoch(past);
  return add;
}

core::RosterOp HistoryWriter::remove_of(DeviceId const& device) {
  return wire::DeviceRemove{device, wire::RemoveReason::lost, std::nullopt};
}

core::RosterOp HistoryWriter::rotation(EventSet const& past, unsigned wrong_percent) {
  core::Rotation rotation;
  for (auto const& [event, number] : fitting_) {
    if (past.test(event)) rotation.epoch_no = std::max(rotation.epoch_no, number);
  }
  ++rotation.epoch_no;
  if (dice_.chance(wrong_percent)) rotation.epoch_no = dice_.between(0, 5);
  for (auto const& device : devices_) {
    if (dice_.chance(70)) rotation.recipients.push_back(device);
  }
  if (dice_.chance(60)) rotation.carries.push_back(any_epoch(past));
  return rotation;
}

EpochId HistoryWriter::any_epoch(EventSet const& past) {
  std::vector<EpochId> epochs{history_.at(0).sealed_under};
  for (EventNo i = 0; i < history_.size(); ++i) {
    if (past.test(i)) epochs.push_back(history_.at(i).sealed_under);
  }
  return dice_.pick(epochs);
}

/// Where the event goes on: the end of its author's last log as a rule; an older entry of it (a fork), or a new log.
void HistoryWriter::place_in_log(Event& event, EventSet const& known) {
  std::vector<EventNo> own;
  for (EventNo i = 0; i < history_.size(); ++i) {
    if (known.test(i) && history_.at(i).author == event.author) own.push_back(i);
  }
  if (own.empty() || known_to_all_.any() || dice_.chance(5)) {
    event.incarnation = own.empty() ? 1 : 100 + history_.size();  // a new log may name all that there was
  } else {
    event.prev = dice_.chance(6) ? dice_.pick(own) : own.back();
    event.incarnation = history_.at(*event.prev).incarnation;
  }
  EventSet others = known;
  for (EventNo const i : own) {
    bool const same_log = history_.at(i).incarnation == event.incarnation;
    if (same_log) others.reset(i);  // tips name other logs only
  }
  bool const forked = event.prev && event.prev != own.back();
  if (forked && dice_.chance(70)) {  // what names the other branch is left out as well
    for (EventNo i = 0; i < history_.size(); ++i) {
      bool const knows_other_branch = std::ranges::any_of(own, [&](EventNo mine) {
        return history_.past(i).test(mine) && !history_.past(*event.prev).test(mine) &&
               history_.at(mine).incarnation == event.incarnation;
      });
      if (knows_other_branch) others.reset(i);
    }
  }
  if (event.prev) others &= ~history_.past(*event.prev);
  event.tips = history_.ends_of(others);
}

std::optional<EventNo> HistoryWriter::write(DeviceId const& author, EventSet const& known,
                                            std::vector<core::RosterOp> ops, std::set<std::uint32_t> recovery_signed) {
  Event event;
  event.author = author;
  event.hash = dice_.id<EntryHash>();
  event.hlc = kFirstHlc + dice_.below(40);
  event.sealed_under = any_epoch(known);
  event.ops = std::move(ops);
  event.recovery_signed = std::move(recovery_signed);
  event.marked = marking_;
  place_in_log(event, known);
  auto const rotate =
      std::ranges::find_if(event.ops, [](auto const& op) { return std::holds_alternative<core::Rotation>(op); });
  if (rotate != event.ops.end() && !dice_.chance(3)) event.sealed_under = dice_.id<EpochId>();
  if (!history_.lets_in(event)) return std::nullopt;

  EventNo const number = history_.add(std::move(event));
  known_[author] |= history_.past(number);
  auto const& added = history_.at(number);
  for (auto const& op : added.ops) {
    auto const* rotation = std::get_if<core::Rotation>(&op);
    if (rotation == nullptr) continue;
    std::uint64_t largest = 0;
    for (auto const& [other, fits] : fitting_) {
      if (history_.before(other, number)) largest = std::max(largest, fits);
    }
    if (rotation->epoch_no == largest + 1) fitting_[number] = rotation->epoch_no;
  }
  return number;
}

EventSet HistoryWriter::any_basis(DeviceId const& author) {
  if (dice_.chance(15)) return history_.everything();
  if (dice_.chance(12)) return history_.past(dice_.below(history_.size())) | known_to_all_;  // as if it knew no more
  return known_[author] | known_to_all_;
}

core::RosterOp HistoryWriter::any_op(DeviceId const& author, EventSet const& past) {
  if (devices_.size() < wanted_devices_ && dice_.chance(60)) return add_of(new_device(), past);
  switch (dice_.below(20)) {
    case 0:
    case 1:
      if (devices_.size() < kMaxDevices) return add_of(new_device(), past);
      [[fallthrough]];
    case 2:
    case 3: return add_of(dice_.pick(devices_), past);
    case 4:
    case 5:
    case 6:
    case 7:
    case 8:
    case 9: {
      auto const& target = dice_.pick(devices_);
      return remove_of(target != author || dice_.chance(15) ? target : dice_.pick(devices_));
    }
    case 10:
    case 11: return wire::DeviceRename{dice_.pick(devices_), fmt::format("name {}", dice_.below(10))};
    case 12: return wire::DevicePause{dice_.pick(devices_), dice_.chance(50)};
    case 13:
    case 14: return core::HandedOn{{any_epoch(past), any_epoch(past)}};
    case 15: {
      wire::RelaySet set{fmt::format("ws://relay{}", dice_.below(3)), {}, {}};
      set.relay.bytes[0] = static_cast<std::uint8_t>(dice_.below(2));
      set.channel.bytes[0] = static_cast<std::uint8_t>(dice_.below(2));
      return set;
    }
    case 16: {
      wire::RelayRemove remove;
      remove.relay.bytes[0] = static_cast<std::uint8_t>(dice_.below(2));
      remove.channel.bytes[0] = static_cast<std::uint8_t>(dice_.below(2));
      return remove;
    }
    default: return rotation(past, 15);
  }
}

HistoryWriter::Plan HistoryWriter::any_ops(DeviceId const& author, EventSet const& past) {
  Plan plan;
  if (dice_.chance(35)) return plan;
  for (std::size_t left = dice_.chance(20) ? 3 : 1; left > 0; --left) {
    auto op = any_op(author, past);
    bool const alone = std::holds_alternative<core::Rotation>(op);
    if (alone && !plan.ops.empty()) continue;
    bool const signable = std::holds_alternative<wire::DeviceAdd>(op) || std::holds_alternative<wire::DeviceRemove>(op);
    if (signable && dice_.chance(8)) plan.recovery_signed.insert(static_cast<std::uint32_t>(plan.ops.size()));
    plan.ops.push_back(std::move(op));
    if (alone) break;
  }
  return plan;
}

void HistoryWriter::live(std::size_t events) {
  for (std::size_t const wanted = history_.size() + events; history_.size() < wanted;) {
    DeviceId const author = dice_.pick(devices_);
    if (dice_.chance(35)) {
      auto const& other = dice_.pick(devices_);
      known_[author] |= known_[other];
      continue;
    }
    auto const basis = any_basis(author);
    std::size_t const devices_before = devices_.size();
    auto plan = any_ops(author, basis);
    if (!write(author, basis, std::move(plan.ops), std::move(plan.recovery_signed))) devices_.resize(devices_before);
  }
}

HistoryWriter::Plan HistoryWriter::hostile_ops(std::vector<DeviceId> const& gang, EventSet const& past) {
  Plan plan;
  for (std::size_t left = dice_.between(0, 3); left > 0; --left) {
    switch (dice_.below(6)) {
      case 0: plan.ops.push_back(add_of(dice_.pick(gang), past)); break;
      case 1: plan.ops.push_back(add_of(dice_.pick(devices_), past)); break;
      case 2:
      case 3: plan.ops.push_back(remove_of(dice_.pick(devices_))); break;
      case 4: plan.ops.push_back(wire::DeviceRename{dice_.pick(devices_), "hijacked"}); break;
      default:
        if (plan.ops.empty()) {
          plan.ops.push_back(rotation(past, 30));
          return plan;
        }
    }
  }
  return plan;
}

void HistoryWriter::attack(DeviceId const& thief, std::size_t events, EventSet const& unknowable) {
  std::vector<DeviceId> gang{thief};
  marking_ = true;
  for (; events > 0; --events) {
    DeviceId const author = dice_.pick(gang);
    EventSet known;
    EventSet const start = dice_.chance(50) ? history_.everything() : history_.past(dice_.below(history_.size()));
    for (EventNo i = 0; i < history_.size(); ++i) {
      if (start.test(i) && (history_.past(i) & unknowable).none()) known.set(i);
    }
    auto plan = hostile_ops(gang, known);
    bool const straw = dice_.chance(40) && gang.size() < 4 && devices_.size() < 250;
    if (straw && (plan.ops.empty() || !std::holds_alternative<core::Rotation>(plan.ops.front()))) {
      gang.push_back(new_device());
      plan.ops.push_back(add_of(gang.back(), known));
    }
    write(author, known, std::move(plan.ops));
  }
  marking_ = false;
}

History random_history(std::uint64_t seed) {
  HistoryWriter writer(seed);
  writer.live(writer.dice().between(7, 39));
  return writer.history();
}

}  // namespace kith::testing
