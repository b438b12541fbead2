#include "support/history.hpp"

#include <algorithm>

#include "base/assert.hpp"
#include "support/seeds.hpp"

namespace kith::testing {
namespace {

/// The history without some of it; nullopt where what is left cannot stand.
std::optional<History> rebuilt(std::vector<Event> const& events, std::optional<EventNo> without) {
  History history;
  std::vector<std::vector<EventNo>> stand_in(events.size());  // where links to an event lead now
  for (EventNo i = 0; i < events.size(); ++i) {
    Event event = events[i];
    std::vector<EventNo> tips;
    for (EventNo const tip : event.tips) tips.insert(tips.end(), stand_in[tip].begin(), stand_in[tip].end());
    if (event.prev) {
      auto const& before = stand_in[*event.prev];
      auto const same_log = std::ranges::find_if(before, [&](EventNo other) {
        return history.at(other).author == event.author && history.at(other).incarnation == event.incarnation;
      });
      event.prev = same_log == before.end() ? std::nullopt : std::optional(*same_log);
      for (EventNo const other : before) {
        if (other != event.prev) tips.push_back(other);
      }
    }
    std::erase_if(tips, [&](EventNo tip) {
      return history.at(tip).author == event.author && history.at(tip).incarnation == event.incarnation;
    });
    std::ranges::sort(tips);
    tips.erase(std::unique(tips.begin(), tips.end()), tips.end());
    event.tips = tips;
    if (without == i) {
      stand_in[i] = tips;
      if (event.prev) stand_in[i].push_back(*event.prev);
      continue;
    }
    if (!history.lets_in(event)) return std::nullopt;
    stand_in[i] = {history.add(std::move(event))};
  }
  return history;
}

std::vector<std::vector<Event>> smaller_by_one_link_or_op(History const& history) {
  std::vector<std::vector<Event>> smaller;
  for (EventNo i = 0; i < history.size(); ++i) {
    for (std::size_t tip = 0; tip < history.at(i).tips.size(); ++tip) {
      auto events = history.events();
      events[i].tips.erase(events[i].tips.begin() + static_cast<std::ptrdiff_t>(tip));
      smaller.push_back(std::move(events));
    }
    for (std::size_t op = 0; op < history.at(i).ops.size(); ++op) {
      auto events = history.events();
      std::set<std::uint32_t> signed_ops;
      for (auto const index : events[i].recovery_signed) {
        if (index != op) signed_ops.insert(index > op ? index - 1 : index);
      }
      events[i].ops.erase(events[i].ops.begin() + static_cast<std::ptrdiff_t>(op));
      events[i].recovery_signed = signed_ops;
      smaller.push_back(std::move(events));
    }
  }
  return smaller;
}

std::string describe_op(core::RosterOp const& op) {
  return std::visit(
      []<class T>(T const& known) -> std::string {
        if constexpr (std::is_same_v<T, core::Founding>)
          return "found";
        else if constexpr (std::is_same_v<T, wire::DeviceAdd>)
          return "add " + name_of(known.cert.device);
        else if constexpr (std::is_same_v<T, wire::DeviceRemove>)
          return "remove " + name_of(known.device);
        else if constexpr (std::is_same_v<T, wire::DeviceRename>)
          return "rename " + name_of(known.device);
        else if constexpr (std::is_same_v<T, wire::DevicePause>)
          return "pause " + name_of(known.device);
        else if constexpr (std::is_same_v<T, core::Rotation>)
          return fmt::format("rotate {}", known.epoch_no);
        else if constexpr (std::is_same_v<T, core::HandedOn>)
          return "hand on";
        else if constexpr (std::is_same_v<T, wire::RelaySet>)
          return "relay_set";
        else if constexpr (std::is_same_v<T, wire::RelayRemove>)
          return "relay_remove";
        else
          return "other";
      },
      op);
}

}  // namespace

bool History::lets_in(Event const& event) const {
  EventSet past;
  if (event.prev) past |= pasts_[*event.prev];
  for (EventNo const tip : event.tips) past |= pasts_[tip];
  for (std::uint32_t i = 0; i < event.ops.size(); ++i) {
    if (std::holds_alternative<core::Founding>(event.ops[i])) return events_.empty() && i == 0;
    auto const* add = std::get_if<wire::DeviceAdd>(&event.ops[i]);
    if (add != nullptr && add->cert.device == event.author && event.recovery_signed.contains(i)) return true;
  }
  for (EventNo i = 0; i < events_.size(); ++i) {
    if (!past.test(i)) continue;
    for (auto const& op : events_[i].ops) {
      auto const* add = std::get_if<wire::DeviceAdd>(&op);
      if (add != nullptr && add->cert.device == event.author) return true;
      auto const* founding = std::get_if<core::Founding>(&op);
      if (founding != nullptr && founding->creator.device == event.author) return true;
    }
  }
  return false;
}

EventNo History::add(Event event) {
  KITH_ASSERT(lets_in(event) && events_.size() < kMaxEvents);
  EventNo const number = events_.size();
  EventSet past;
  past.set(number);
  if (event.prev) past |= pasts_[*event.prev];
  for (EventNo const tip : event.tips) past |= pasts_[tip];
  pasts_.push_back(past);
  seqs_.push_back(event.prev ? Seq{seqs_[*event.prev].value + 1} : Seq{1});
  events_.push_back(std::move(event));
  return number;
}

EventSet History::everything() const {
  EventSet all;
  for (EventNo i = 0; i < events_.size(); ++i) all.set(i);
  return all;
}

std::vector<EventNo> History::ends_of(EventSet const& set) const {
  std::vector<EventNo> ends;
  EventSet covered;
  for (EventNo i = events_.size(); i-- > 0;) {
    if (!set.test(i) || covered.test(i)) continue;
    ends.push_back(i);
    covered |= pasts_[i];
  }
  std::ranges::reverse(ends);
  return ends;
}

std::string History::describe(EventSet const& shown) const {
  std::string out;
  for (EventNo i = 0; i < events_.size(); ++i) {
    if (!shown.test(i)) continue;
    auto const& event = events_[i];
    out += fmt::format("#{}{} {}/{}:{} hash {:02x}..", i, event.marked ? "*" : "", name_of(event.author),
                       event.incarnation, seqs_[i].value, event.hash.bytes[0]);
    if (event.prev) out += fmt::format(" prev #{}", *event.prev);
    for (EventNo const tip : event.tips) out += fmt::format(" tip #{}", tip);
    for (std::uint32_t op = 0; op < event.ops.size(); ++op) {
      out +=
          fmt::format("; {}{}", describe_op(event.ops[op]), event.recovery_signed.contains(op) ? " BY RECOVERY" : "");
    }
    out += '\n';
  }
  return out;
}

DeviceId numbered_device(std::uint64_t seed, std::uint8_t number) {
  auto device = Dice(seed * 256 + number).id<DeviceId>();
  device.bytes.back() = number;
  return device;
}

std::string name_of(DeviceId const& device) { return fmt::format("D{}", device.bytes.back()); }

History shrunk(History history, std::function<bool(History const&)> const& fails) {
  for (bool smaller = true; smaller;) {
    smaller = false;
    for (EventNo i = history.size(); i-- > 1;) {
      auto candidate = rebuilt(history.events(), i);
      if (!candidate || !fails(*candidate)) continue;
      history = std::move(*candidate);
      smaller = true;
    }
    for (auto const& events : smaller_by_one_link_or_op(history)) {
      auto candidate = rebuilt(events, std::nullopt);
      if (!candidate || !fails(*candidate)) continue;
      history = std::move(*candidate);
      smaller = true;
      break;
    }
  }
  return history;
}

}  // namespace kith::testing
