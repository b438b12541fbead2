#include "sync/relays/attending.hpp"

#include <algorithm>

namespace kith::sync {

std::vector<core::Roster::Relay> attended_relays(core::Roster const& roster, DeviceId const& self, WallTime now) {
  std::vector<core::Roster::Relay> attended;
  auto const* own = roster.find(self);
  if (own == nullptr || own->state != core::MemberState::active || roster.relays().empty()) return attended;
  auto const is_found_at_none = [&](core::Member const& member) {
    return std::ranges::none_of(roster.relays(),
                                [&](auto const& used) { return member.pseudonyms.contains(used.relay); });
  };
  auto former = roster.former_relays();
  std::ranges::sort(former, [](auto const& a, auto const& b) { return a.removed_at.ms > b.removed_at.ms; });
  for (auto const& each : former) {
    auto const& key = each.relay.relay;
    if (attended.size() == kMostAttended || !own->pseudonyms.contains(key)) continue;
    auto const age = std::chrono::milliseconds{now.ms - each.removed_at.ms};
    if (age > kAttendingTime || age < -kMostAhead) continue;
    bool const known_there_alone = std::ranges::any_of(roster.members(), [&](auto const& of) {
      auto const& member = of.second;
      return member.state == core::MemberState::active && member.pseudonyms.contains(key) && is_found_at_none(member);
    });
    if (known_there_alone) attended.push_back(each.relay);
  }
  return attended;
}

}  // namespace kith::sync
