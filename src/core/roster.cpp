#include "core/roster.hpp"

#include <algorithm>
#include <tuple>

#include "core/entry.hpp"
#include "core/identity.hpp"
#include "core/roster_ops.hpp"
#include "crypto/hash.hpp"

namespace kith::core {
Member const* Roster::find(DeviceId const& device) const {
  auto const found = members_.find(device);
  return found == members_.end() ? nullptr : &found->second;
}

bool Roster::active(DeviceId const& device) const {
  auto const* member = find(device);
  return member != nullptr && member->state == MemberState::active;
}

bool Roster::removed(DeviceId const& device) const {
  auto const* member = find(device);
  return member != nullptr && member->state != MemberState::active;
}

bool Roster::above(DeviceId const& senior, DeviceId const& junior) const {
  auto const* one = find(senior);
  auto const* other = find(junior);
  if (one == nullptr || other == nullptr || one->rank.empty() || other->rank.empty()) return false;
  return std::tie(one->rank, senior) < std::tie(other->rank, junior);
}

std::vector<DeviceId> Roster::epoch_recipients() const {
  auto recipients = active_by_rank();
  if (recipients.size() > kLimits.max_recipients) recipients.resize(kLimits.max_recipients);
  return recipients;
}

std::vector<DeviceId> Roster::active_by_rank() const {
  std::vector<DeviceId> devices;
  for (auto const& [device, member] : members_) {
    if (member.state == MemberState::active) devices.push_back(device);
  }
  std::ranges::sort(devices, [&](DeviceId const& a, DeviceId const& b) {
    return std::tie(members_.at(a).rank, a) < std::tie(members_.at(b).rank, b);
  });
  return devices;
}

bool Roster::stands(RosterEntry const& entry, std::uint32_t index) const {
  if (entry.recovery_signed.contains(index)) return true;
  auto const* author = find(entry.author);
  return author != nullptr && std::ranges::all_of(author->removes, [&](CountedRemove const& remove) {
           bool const concerns_entry = !remove.through || entry.past.contains(*remove.through);
           return !concerns_entry || op_in_past(entry, index, remove);
         });
}

std::set<DeviceId> Roster::founded_without(DeviceId const& device) const {
  std::set<DeviceId> founded;
  for (auto const& [id, member] : members_) {
    if (member.rooted && id != device) founded.insert(id);
  }
  for (bool grown = true; grown;) {
    grown = false;
    for (auto const& [id, member] : members_) {
      bool const brought =
          std::ranges::any_of(member.adders, [&](DeviceId const& adder) { return founded.contains(adder); });
      if (id != device && brought && founded.insert(id).second) grown = true;
    }
  }
  return founded;
}

crypto::Hash256 Roster::digest() const {
  crypto::Hasher hasher("kith/roster-view/1");
  hasher.part(bytes_of(group_name_));
  for (auto const& [device, member] : members_) {
    if (member.state == MemberState::unfounded) continue;  // may be known from entries that others need not hold
    std::uint8_t const state[] = {static_cast<std::uint8_t>(member.state), static_cast<std::uint8_t>(member.paused)};
    hasher.part(device.view()).part(member.cert.dx.view()).part(state).part(bytes_of(member.name));
  }
  for (auto const& relay : relays_)
    hasher.part(relay.relay.view()).part(relay.channel.view()).part(bytes_of(relay.url));
  return hasher.finish();
}

std::optional<RosterOp> roster_op(GroupId const& group, wire::Op const& op) {
  auto const epochs = [&](std::vector<wire::EpochSecret> const& secrets) {
    std::vector<EpochId> ids;
    ids.reserve(secrets.size());
    for (auto const& secret : secrets) ids.push_back(epoch_id(group, secret));
    return ids;
  };
  return std::visit(
      [&]<class T>(T const& known) -> std::optional<RosterOp> {
        if constexpr (std::is_same_v<T, wire::GenesisOp>) {
          return Founding{known.record.creator, known.record.name};
        } else if constexpr (std::is_same_v<T, wire::Rotate>) {
          return Rotation{known.epoch_no, known.recipients, epochs(known.replaced)};
        } else if constexpr (std::is_same_v<T, wire::EpochSecrets>) {
          return HandedOn{epochs(known.secrets)};
        } else if constexpr (std::is_same_v<T, wire::DeviceAdd>) {
          return signature_fits(known.cert) ? std::optional<RosterOp>(known) : std::nullopt;
        } else if constexpr (std::is_constructible_v<RosterOp, T>) {
          return known;
        } else {
          return std::nullopt;
        }
      },
      op);
}

std::optional<std::size_t> winner(std::span<Rival const> rivals) {
  // Whatever is not the last of its chain is in the past of what is.
  std::map<ChainNo, std::size_t> last;
  for (std::size_t i = 0; i < rivals.size(); ++i) {
    auto const place = [&](std::size_t at) { return std::pair(rivals[at].entry->place.seq, rivals[at].index); };
    auto const [found, is_new] = last.try_emplace(rivals[i].entry->place.chain, i);
    if (!is_new && place(found->second) < place(i)) found->second = i;
  }
  std::optional<std::size_t> best;
  for (auto const& ends : last) {
    std::size_t const i = ends.second;
    bool const superseded = std::ranges::any_of(
        last, [&](auto const& other) { return rivals[i].entry->in_past_of(*rivals[other.second].entry); });
    if (superseded) continue;
    auto const key = [](Rival const& rival) { return std::tie(rival.entry->hlc, rival.entry->hash, rival.index); };
    if (!best || key(rivals[*best]) < key(rivals[i])) best = i;
  }
  return best;
}

}  // namespace kith::core
