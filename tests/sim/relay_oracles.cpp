#include <algorithm>

#include "base/encoding.hpp"
#include "sim/world.hpp"
#include "sync/relays/acl_chain.hpp"
#include "sync/relays/relay_record.hpp"

/// What must be true of the relays of a World once it is calm, and of what devices say of them at any time.
namespace kith::sim {
namespace {

/// Whether a relay serves none of those who are active as far as a device knows.
bool serves_none_of(Device const& device, SimRelay& relay, core::Roster::Relay const& used) {
  auto const acl = relay.acl(used.channel);
  if (!acl) return false;
  auto const& members = device.program->replica.state().roster().members();
  return std::ranges::none_of(members, [&](auto const& each) {
    auto const name = each.second.pseudonyms.find(used.relay);
    return each.second.state == core::MemberState::active && name != each.second.pseudonyms.end() &&
           std::ranges::binary_search(acl->pseudonyms, name->second);
  });
}

/// Whether a relay serves a device, by what the device is called there.
bool serves(Device const& device, SimRelay& relay, core::Roster::Relay const& used) {
  auto const acl = relay.acl(used.channel);
  auto const& group = device.program->replica.state().group();
  auto const name = core::relay_face(device.identity.root, used.relay, group).pseudonym();
  return acl && std::ranges::binary_search(acl->pseudonyms, name);
}

std::string short_hex(ByteView bytes) { return to_hex(bytes.first(4)); }

}  // namespace

/// What a device tells its user of a relay has happened.
void World::judge_trouble(Device& device, RelayLink const& link, sync::RelayTroubled const& troubled) {
  using enum sync::RelayTrouble;
  auto& relay = *relay_of(link.mailbox.relay().relay);
  bool const caused = [&] {
    switch (troubled.trouble) {
      case none:
      case not_allowed: return true;  // looked at when all is calm
      case lost_data: return relay.set_back || relay.tampered_with > 0;
      case storage_full: return relay.was_full;
      case replaced: return device.overtook || relay.tampered_with > 0;
      case off_chain:  // or one that was put back is told again that it does not serve this device
        return relay.tampered_with > 0 || serves_none_of(device, relay, link.mailbox.relay()) ||
               (relay.set_back && !serves(device, relay, link.mailbox.relay()));
      case withholds: return relay.kept_back > 0 || relay.set_back;  // what was lost was shown to somebody once
      case quota:
      case misbehaves:
      case needs_token: return relay.tampered_with > 0;
      case unreadable: return false;  // no world has so many entries
    }
    return false;
  }();
  note(fmt::format("{} has trouble {} with relay {}", device.index, static_cast<int>(troubled.trouble), relay.index));
  if (troubled.trouble == lost_data) count("losses told");
  if (troubled.trouble == lost_data) fooled_.erase({device.index, relay.index});
  if (troubled.trouble == withholds) count("alarms that a relay withholds");
  if (troubled.trouble == withholds) alarmed_[{device.index, relay.index}] = runs_[device.index];
  if (troubled.trouble == none) alarmed_.erase({device.index, relay.index});
  if (!caused) {
    fail(fmt::format("{} says without cause that relay {} is in trouble {}", device.index, relay.index,
                     static_cast<int>(troubled.trouble)));
  }
}

void World::check_relays(std::vector<Device*> const& active) {
  for (auto const& used : active[0]->program->replica.state().roster().relays()) {
    auto& relay = *relay_of(used.relay);
    if (relay.lost) continue;
    if (!relay.up()) return fail(fmt::format("relay {} is not up", relay.index));
    if (taken_over(relay, used, active)) {
      count("mailboxes taken over by removed devices");
      continue;
    }
    if (nobody_knows(relay, used, active)) {
      count("wiped mailboxes that only removed devices knew");
      continue;
    }
    check_access(relay, used, active);
    check_mailbox(relay, used, active);
    check_shut_out(relay, used);
    auto const figures = relay.rules->figures();
    auto const pipes = std::ranges::count_if(
        relay_pipes_, [&](auto const& each) { return each.second.relay == &relay && !each.second.relay_closed; });
    if (figures.connections > static_cast<std::uint64_t>(pipes) || figures.waiting_requests > 1)
      fail(fmt::format("relay {} remembers {} connections and {} requests", relay.index, figures.connections,
                       figures.waiting_requests));
  }
}

/// Whether devices that have no other way to each other have lost it to a removed one, at each of their relays.
bool World::parted_by_removed(std::vector<Device*> const& active) {
  auto const& used = active[0]->program->replica.state().roster().relays();
  return !direct_ && std::ranges::all_of(used, [&](core::Roster::Relay const& each) {
    auto& relay = *relay_of(each.relay);
    return relay.lost || taken_over(relay, each, active);
  });
}

/// A device that was removed, and did not know, may have shut out all others first: then nobody is left who could sign.
bool World::taken_over(SimRelay& relay, core::Roster::Relay const& used, std::vector<Device*> const& active) {
  auto const acl = relay.acl(used.channel);
  if (!acl) return false;
  return std::ranges::none_of(active, [&](Device* device) {
    auto const& group = device->program->replica.state().group();
    auto const face = core::relay_face(device->identity.root, used.relay, group);
    return std::ranges::binary_search(acl->pseudonyms, face.pseudonym());
  });
}

/// A relay that forgot the group is told again by who has the access records: a device that was removed may have been
/// the only one.
bool World::nobody_knows(SimRelay& relay, core::Roster::Relay const& used, std::vector<Device*> const& active) {
  if (!relay.set_back || relay.acl(used.channel)) return false;
  return std::ranges::none_of(active, [&](Device* device) {
    sync::AclChain chain(used.channel);
    check(*device, chain.load(device->program->store));
    return chain.version() > 0;
  });
}

/// It serves exactly the active devices that are not paused. Who is gone without that anybody could hear of it may have
/// taken itself from the list, or be on it.
void World::check_access(SimRelay& relay, core::Roster::Relay const& used, std::vector<Device*> const& active) {
  auto const acl = relay.acl(used.channel);
  if (!acl) return fail(fmt::format("relay {} does not know the group", relay.index));
  auto const& state = active[0]->program->replica.state();
  auto const name_of = [&](Device const& device) {
    return core::relay_face(device.identity.root, used.relay, state.group()).pseudonym();
  };
  std::set<wire::Pseudonym> wanted, served(acl->pseudonyms.begin(), acl->pseudonyms.end());
  for (auto* device : active) {
    auto const* member = state.roster().find(device->identity.device());
    if (member != nullptr && !member->paused) wanted.insert(name_of(*device));
  }
  for (auto const& device : devices_) {
    if (gone_unheard(*device)) served.erase(name_of(*device));
  }
  if (served == wanted || wanted.empty()) return;  // where all are paused, a record would have to name nobody
  std::string text;
  for (auto const& device : devices_) {
    bool const is_served = served.contains(name_of(*device));
    if (is_served != wanted.contains(name_of(*device)))
      text += fmt::format(" {} {}", device->index, is_served ? "is served" : "is not");
  }
  fail(fmt::format("relay {} serves others than it should:{}", relay.index, text));
}

/// It holds every entry, each device that it serves knows so, and its cursors are dense but for what was outside the
/// log.
void World::check_mailbox(SimRelay& relay, core::Roster::Relay const& used, std::vector<Device*> const& active) {
  auto const mailbox_there = relay.mailbox(used.channel);
  if (!mailbox_there) return fail(fmt::format("relay {} has no mailbox", relay.index));
  std::set<crypto::Hash128> hashes;
  wire::RelayCursor next{1};
  auto const skip_to = [&](wire::RelayCursor end) {
    while (next < end && relay.passes(mailbox_there->group, next)) ++next.value;
    if (next == end) return true;
    fail(fmt::format("relay {} has no item {} before {}", relay.index, next.value, end.value));
    return false;
  };
  for (auto const& item : relay.store.items(used.channel)) {
    hashes.insert(wire::item_hash(item.sealed));
    if (!skip_to(item.cursor)) return;
    ++next.value;
  }
  if (!skip_to({mailbox_there->head.value + 1})) return;
  auto& replica = active[0]->program->replica;
  std::size_t lacking = 0;
  check(*active[0], replica.scan_applied(0, [&](std::uint64_t, EntryHash const& hash) {
    auto const record = must(replica.state().record(hash));
    if (!replica.state().counting().heads.contains(record->place())) return;
    if (!hashes.contains(wire::item_hash(*must(replica.state().sealed(hash))))) ++lacking;
  }));
  if (lacking > 0) fail(fmt::format("relay {} lacks {} entries", relay.index, lacking));
  for (auto* device : active) {
    auto const* member = replica.state().roster().find(device->identity.device());
    if (member == nullptr || member->paused) continue;
    auto const found = device->program->relays.find(used.relay);
    if (found == device->program->relays.end() || found->second->mailbox.relay().channel != used.channel)
      return fail(fmt::format("{} does not use relay {}", device->index, relay.index));
    auto const& mailbox = found->second->mailbox;
    if (device->online && !mailbox.live()) fail(fmt::format("{} is not at relay {}", device->index, relay.index));
    auto const& record = mailbox.record();
    if (record.log_epoch != mailbox_there->log_epoch || record.position > mailbox_there->head)
      fail(fmt::format("{} knows another mailbox than that of relay {}", device->index, relay.index));
    if (!mailbox.holds_all())
      fail(fmt::format("{} does not know that relay {} holds everything", device->index, relay.index));
    // Until it is compared again: somebody was shown something else once.
    bool const was_alarmed = mailbox.trouble() == sync::RelayTrouble::withholds;
    if (mailbox.trouble() != sync::RelayTrouble::none && !was_alarmed)
      fail(fmt::format("{} still has trouble {} with relay {}", device->index, static_cast<int>(mailbox.trouble()),
                       relay.index));
  }
}

/// Who is not served any more has been given nothing that came there later.
void World::check_shut_out(SimRelay& relay, core::Roster::Relay const& used) {
  for (auto& device : devices_) {
    if (!device->program || relay.set_back || relay.tampered_with > 0) continue;
    auto const& group = device->program->replica.state().group();
    auto const name = core::relay_face(device->identity.root, used.relay, group).pseudonym();
    auto const last = relay.shut_out_at(used.channel, name);
    if (!last) continue;
    count("devices shut out of a mailbox");
    auto const record = must(sync::RelayRecord::load(device->program->store, used.relay, used.channel));
    if (record.position > *last) {
      fail(fmt::format("{}, which relay {} does not serve since item {}, was given item {} ({})", device->index,
                       relay.index, last->value, record.position.value, short_hex(name.view())));
    }
  }
}

}  // namespace kith::sim
