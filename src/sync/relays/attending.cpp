#include "sync/relays/attending.hpp"

#include <algorithm>

#include "sync/relays/relay_record.hpp"

namespace kith::sync {
namespace {

Result<bool> was_ever_let_in(std::vector<core::Roster::Relay> const& relays, store::Store& store) {
  for (auto const& each : relays) {
    KITH_TRY(record, RelayRecord::load(store, each.relay, each.channel));
    if (!record.log_epoch.is_zero()) return true;
  }
  return false;
}

}  // namespace

Result<std::vector<core::Roster::Relay>> attended_relays(core::Roster const& roster, DeviceId const& self,
                                                         store::Store& store) {
  std::vector<core::Roster::Relay> attended;
  auto const* own = roster.find(self);
  if (own == nullptr || own->state != core::MemberState::active || roster.relays().empty()) return attended;
  auto const is_found_at_none = [&](core::Member const& member) {
    return std::ranges::none_of(roster.relays(),
                                [&](auto const& used) { return member.pseudonyms.contains(used.relay); });
  };
  auto former = roster.former_relays();
  if (former.empty()) return attended;
  KITH_TRY(is_in, was_ever_let_in(roster.relays(), store));
  std::ranges::sort(former, [](auto const& a, auto const& b) { return a.removed_at.ms > b.removed_at.ms; });
  for (auto const& each : former) {
    auto const& key = each.relay.relay;
    if (attended.size() == kMostAttended || !own->pseudonyms.contains(key)) continue;
    bool const known_there_alone = std::ranges::any_of(roster.members(), [&](auto const& of) {
      auto const& member = of.second;
      if (member.state != core::MemberState::active || !member.pseudonyms.contains(key)) return false;
      return of.first == self ? !is_in : is_found_at_none(member);
    });
    if (known_there_alone) attended.push_back(each.relay);
  }
  return attended;
}

}  // namespace kith::sync
