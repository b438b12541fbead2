#include <algorithm>

#include "sim/world.hpp"

/// Who really belongs to the group of a World, whatever its devices believe.
namespace kith::sim {
namespace {

/// Whether two devices would hold a session: each is in the other's roster.
bool recognise(Device const& a, Device const& b) {
  return a.program->replica.state().roster().active(b.identity.device()) &&
         b.program->replica.state().roster().active(a.identity.device());
}

}  // namespace

/// All others, if nobody of them could vouch for what it writes; else nobody. Not where it says the same of them: who
/// is right is found when they hear of each other.
std::vector<std::size_t> World::all_who_know_to_be_removed(Device const& device) const {
  auto const id = device.identity.device();
  std::vector<std::size_t> knew;
  for (auto const& other : devices_) {
    if (other.get() == &device || !other->member) continue;
    if (!other->program) return {};
    auto const& replica = other->program->replica;
    if (replica.state().roster().removed(other->identity.device())) continue;
    if (!replica.state().roster().removed(id)) return {};  // nor one that has only just been let in, and knows nothing
    if (device.program->replica.state().roster().removed(other->identity.device())) return {};
    knew.push_back(other->index);
  }
  return knew;
}

/// Where devices meet at relays only: one that was removed and knows it dials no more, so that others may have to go on
/// without what it alone knows, its removal too.
bool World::gone_unheard(Device const& device) const {
  return !direct_ && device.program && !device.program->replica.self_active();
}

/// Companies of devices that can talk to each other, directly or through others of it.
std::vector<std::vector<Device*>> World::companies() {
  std::vector<std::vector<Device*>> companies;
  std::set<Device*> placed;
  for (auto& first : devices_) {
    if (!first->program || !first->program->replica.self_active() || !placed.insert(first.get()).second) continue;
    auto& company = companies.emplace_back(std::vector{first.get()});
    for (std::size_t i = 0; i < company.size(); ++i) {
      for (auto& other : devices_) {
        if (!other->program || placed.contains(other.get()) || gone_unheard(*other)) continue;
        if (!recognise(*company[i], *other)) continue;
        placed.insert(other.get());
        company.push_back(other.get());
      }
    }
  }
  return companies;
}

/// The roster by all that these devices hold, as one would compute it who has every secret of theirs.
core::Roster World::roster_of(std::vector<Device*> const& holders) {
  files::MemoryDisk no_disk;
  SeededRandom random(0);
  auto& first = *holders.front();
  Program observer(first.database->clone(), no_disk, first.identity, random);
  check(first, observer.replica.open());
  for (auto* device : holders) {
    auto& replica = device->program->replica;
    auto transaction = must(store::Transaction::begin(observer.store));
    for (auto const& [epoch, secret] : replica.state().secrets()) must(observer.replica.state().learn(secret, random));
    must(transaction.commit());
    std::vector<Bytes> all;
    check(*device, replica.scan_applied(0, [&](std::uint64_t, EntryHash const& hash) {
      all.push_back(*must(replica.state().sealed(hash)));
    }));
    std::vector<ByteView> const views(all.begin(), all.end());
    must(observer.replica.receive(views, now_at(first)));
  }
  return observer.replica.state().roster();
}

/// Who belongs to the group by all entries that exist, but for those that only removed devices have: what such a device
/// did before it heard of its removal is not taken from it. Others may believe that they do, because they were removed
/// and have not heard of it. Where a device was restored, all that the largest company holds decides: those that were
/// let in by a device that was restored before it could tell anybody have to be let in again, and so has that device
/// where they are the larger company.
std::vector<Device*> World::truly_active() {
  std::vector<Device*> running;
  for (auto& device : devices_) {
    if (device->program) running.push_back(device.get());
  }
  auto truth = roster_of(running);
  auto const by_all = truth;
  auto const belongs = [&](Device* device) { return truth.active(device->identity.device()); };
  bool const any_restored = std::ranges::any_of(running, [](Device* device) { return device->restored; });
  bool const may_be_parted = any_restored || !direct_;
  std::vector<Device*> company = running;
  if (may_be_parted) {
    // Of two that have each shut out the other one, that which relays serve.
    auto const served = [](Device* device) {
      return std::ranges::any_of(device->program->relays, [](auto const& each) {
        return each.second->mailbox.trouble() != sync::RelayTrouble::not_allowed;
      });
    };
    auto const weight = [&](std::vector<Device*> const& members) {
      return std::tuple(std::ranges::count_if(members, belongs), members.size(),
                        std::ranges::count_if(members, served));
    };
    auto const all = companies();
    if (all.empty()) return {};
    company = *std::ranges::max_element(all, {}, weight);
    truth = roster_of(company);
  }
  // What only removed devices hold is heard of them as far as it brings them back, and not else.
  for (std::size_t rounds = 0; !may_be_parted && rounds < devices_.size(); ++rounds) {
    std::vector<Device*> holders;
    std::ranges::copy_if(running, std::back_inserter(holders), belongs);
    if (holders.empty()) return {};
    if (holders == company) break;
    company = std::move(holders);
    truth = roster_of(company);
  }
  auto const forgot = [&](Device* device) {
    auto const& roster = device->program->replica.state().roster();
    return device->restored && std::ranges::none_of(company, [&](Device* member) {
             return roster.find(member->identity.device()) != nullptr;
           });
  };
  // One that was removed has not heard so, nor has the company, and it has shut the company out.
  auto const parted = [&](Device* device) {
    return !by_all.active(device->identity.device()) && std::ranges::find(company, device) == company.end();
  };
  std::vector<Device*> active;
  for (auto* device : running) {
    bool const known = truth.find(device->identity.device()) != nullptr;
    if (!known || (any_restored && forgot(device)) || (!direct_ && parted(device))) {
      count(any_restored ? "devices parted by a restore" : "devices parted by a relay's list");
    } else if (belongs(device) && gone_unheard(*device)) {
      count("devices gone of which nobody heard");
    } else if (belongs(device)) {
      active.push_back(device);
    }
  }
  return active;
}

}  // namespace kith::sim
