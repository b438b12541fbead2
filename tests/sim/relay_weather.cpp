#include <algorithm>

#include "sim/world.hpp"

/// What happens to the relays of a World, and to its devices' ways to them.
namespace kith::sim {
namespace {

using std::chrono::milliseconds;

}  // namespace

/// None in some worlds; in some there is no other way from device to device, and in some of these the devices are never
/// online together. The first relay keeps to the rules, and is never lost where nothing else would be left.
void World::draw_relays() {
  std::uint64_t const relays = random_.below(4);
  for (std::uint64_t i = 0; i < relays; ++i) {
    auto& relay = *relays_.emplace_back(std::make_unique<SimRelay>(i, random_.u64()));
    if (random_.below(4) == 0) relay.slowest_sync = milliseconds{1 + random_.below(3000)};
    if (i == 0 || weather_.relay_habits == 0 || chance(0.5)) continue;
    auto const rate = [&] {
      return random_.below(2) == 0 ? 0.0 : weather_.relay_habits * static_cast<double>(random_.below(1000)) / 1000;
    };
    relay.habits = {rate(), rate(), rate(), rate()};
  }
  if (relays == 0) return;
  direct_ = random_.below(2) == 0;
  apart_ = !direct_ && random_.below(2) == 0;
  count(direct_ ? "worlds with relays" : apart_ ? "worlds of devices apart" : "worlds with nothing but relays");
}

void World::relays_step() {
  if (relays_.empty()) return;
  for (auto& device : devices_) {
    if (apart_ || !chance(weather_.away)) continue;
    if (device->online) {
      go_offline(*device);
    } else {
      go_online(*device);
    }
  }
  for (auto& each : relays_) {
    auto& relay = *each;
    if (relay.lost) continue;
    if (chance(weather_.relay_restores / 2)) relay.take_backup();
    if (chance(weather_.relay_losses) && everybody_uses_another(relay)) {
      lose_relay(relay);
      continue;
    }
    if (relay.has_backup() && chance(weather_.relay_restores)) {
      note(fmt::format("relay {} is restored from its backup", relay.index));
      count("relays restored");
      stop_relay(relay);
      relay.restore_backup();
      restart_in(relay, milliseconds{random_.below(5000)});
    } else if (chance(weather_.relay_wipes)) {
      note(fmt::format("relay {} is wiped", relay.index));
      count("relays wiped");
      stop_relay(relay);
      relay.wipe();
      restart_in(relay, milliseconds{random_.below(5000)});
    } else if (relay.up() && !relay.stops_at && chance(weather_.relay_stops)) {
      if (random_.below(2) == 0) {
        note(fmt::format("relay {} crashes", relay.index));
        count("relays crashed");
        stop_relay(relay);
      } else {
        note(fmt::format("relay {} drains", relay.index));
        count("relays restarted");
        relay.rules->drain(relay_now());
        serve_relay(relay);
        relay.stops_at = clock_ + milliseconds{1000};
      }
      restart_in(relay, milliseconds{random_.below(random_.below(3) == 0 ? 180'000 : 3000)});
    } else if (!relay.has_room_at && chance(weather_.relay_full)) {
      note(fmt::format("the disk of relay {} is full", relay.index));
      count("relays full");
      relay.was_full = true;
      relay.store.fail_writes(relay::Refusal::storage_full);
      relay.has_room_at = clock_ + milliseconds{random_.below(90'000)};
    }
  }
}

/// Its process ends, by its own will or not: what is not on its disk is gone, and so are the connections.
void World::stop_relay(SimRelay& relay) {
  relay.stop();
  for (auto& [index, pipe] : relay_pipes_) {
    if (pipe.relay == &relay) close_at_relay(pipe);
  }
}

void World::restart_in(SimRelay& relay, milliseconds time) { relay.starts_at = clock_ + milliseconds{1001} + time; }

void World::lose_relay(SimRelay& relay) {
  note(fmt::format("relay {} is lost", relay.index));
  count("relays lost");
  stop_relay(relay);
  relay.lost = true;
  relay.starts_at.reset();
  relay.has_room_at.reset();
}

/// Whether no device would be parted from the others if a relay were no more.
bool World::everybody_uses_another(SimRelay const& relay) {
  if (direct_) return true;
  // A relay that a device knows of does not serve it before others have heard of its name there.
  auto const serves = [&](Device const& device, core::Roster::Relay const& used) {
    auto* other = relay_of(used.relay);
    if (other == &relay || other->lost || other->habits.any()) return false;
    auto const acl = other->acl(used.channel);
    auto const face = core::relay_face(device.identity.root, used.relay, device.program->replica.state().group());
    return acl && std::ranges::binary_search(acl->pseudonyms, face.pseudonym());
  };
  // The same one for all of them, in the same mailbox.
  std::optional<std::set<wire::ChannelId>> common;
  for (auto const& device : devices_) {
    if (!device->program) return false;
    auto const& roster = device->program->replica.state().roster();
    auto const newcomer = roster.find(device->program->replica.self()) == nullptr;
    std::set<wire::ChannelId> channels;
    for (auto const& used : newcomer ? device->offered : roster.relays()) {
      if (serves(*device, used) && (!common || common->contains(used.channel))) channels.insert(used.channel);
    }
    common = std::move(channels);
  }
  return common && !common->empty();
}

void World::go_online(Device& device) {
  if (device.online) return;
  note(fmt::format("{} is online", device.index));
  device.online = true;
  if (!device.program) return;
  for (auto const& [key, link] : device.program->relays) link->mailbox.hurry(now_at(device));
  device.program->exchange.hurry(now_at(device));
  serve(device);
}

void World::go_offline(Device& device) {
  if (!device.online) return;
  note(fmt::format("{} is offline", device.index));
  count("times offline");
  device.online = false;
  for (auto& [index, pipe] : relay_pipes_) {
    if (pipe.device == device.index && !pipe.device_closed) break_relay_pipe(pipe);
  }
  std::vector<std::size_t> cut;
  for (auto const& [index, pipe] : pipes_) {
    if (pipe.ends[0].device == device.index || pipe.ends[1].device == device.index) cut.push_back(index);
  }
  for (auto const index : cut) {
    if (pipes_.contains(index)) break_pipe(index);
  }
  if (device.program) serve(device);
}

/// From now on this device is online, and no other one.
void World::take_turns(Device& device) {
  for (auto& other : devices_) {
    if (other.get() != &device) go_offline(*other);
  }
  go_online(device);
}

/// A device tells the group of a relay that the group does not use yet, as far as it knows.
void World::use_relay(Device& device) {
  auto& relay = *relays_[random_.below(relays_.size())];
  auto const& used = device.program->replica.state().roster().relays();
  bool const known =
      std::ranges::any_of(used, [&](core::Roster::Relay const& each) { return each.relay == relay.relay_key(); });
  if (known || relay.lost || !relay.up() || relay.stops_at || !device.online) return;
  auto const& former = device.program->replica.state().roster().former_relays();
  auto const before = std::ranges::find(former, relay.relay_key(), [](auto const& each) { return each.relay.relay; });
  if (before == former.end()) return enlist(device, relay);
  std::vector<wire::Op> ops;
  ops.emplace_back(wire::RelaySet{before->relay.url, before->relay.relay, before->relay.channel});
  auto const written = device.program->replica.write(std::move(ops), now_at(device));
  if (!written) return check(device, kith::fail(written.error()));
  note(fmt::format("{} takes up relay {} again", device.index, relay.index));
  count("relays taken up again");
  changed(device);
  serve(device);
}

/// Whether a device that gives this relay up can take along those who know no other: where two give up the other's
/// relay at the same time, neither hears of it.
bool World::can_be_followed_from(Device const& device, core::Roster::Relay const& left) {
  auto const stays = [&](core::Roster::Relay const& relay) {
    auto const* other = relay_of(relay.relay);
    if (other->lost || other->habits.any()) return false;
    return std::ranges::all_of(devices_, [&](auto const& each) {
      if (!each->program) return false;
      auto const& former = each->program->replica.state().roster().former_relays();
      return std::ranges::none_of(former, [&](auto const& gone) { return gone.relay.relay == relay.relay; });
    });
  };
  auto const& used = device.program->replica.state().roster().relays();
  return stays(left) && std::ranges::any_of(used, [&](core::Roster::Relay const& other) {
           return other.relay != left.relay && stays(other);
         });
}

void World::leave_relay(Device& device) {
  auto const used = device.program->replica.state().roster().relays();
  if (used.empty()) return;
  auto const& relay = used[random_.below(used.size())];
  if (!everybody_uses_another(*relay_of(relay.relay)) && !can_be_followed_from(device, relay)) return;
  std::vector<wire::Op> ops;
  ops.emplace_back(wire::RelayRemove{relay.relay, relay.channel});
  auto const written = device.program->replica.write(std::move(ops), now_at(device));
  if (!written) return check(device, kith::fail(written.error()));
  note(fmt::format("{} lets go of relay {}", device.index, relay_of(relay.relay)->index));
  count("relays let go");
  changed(device);
  serve(device);
}

/// Whether a device can tell the others that it removes itself.
bool World::can_say_farewell(Device& device) {
  return direct_ || std::ranges::any_of(device.program->relays, [&](auto const& each) {
           auto const* relay = relay_of(each.first);
           return each.second->mailbox.live() && each.second->mailbox.holds_all() && !relay->lost &&
                  !relay->habits.any();
         });
}

void World::pause_or_resume(Device& by) {
  auto const& roster = by.program->replica.state().roster();
  auto const active = roster.active_by_rank();
  auto const target = active[random_.below(active.size())];
  if (!direct_ && target == by.identity.device()) return;  // nobody could hear that it is to be served again
  bool const pause = !roster.find(target)->paused;
  std::vector<wire::Op> ops;
  ops.emplace_back(wire::DevicePause{target, pause});
  auto const written = by.program->replica.write(std::move(ops), now_at(by));
  if (!written) return check(by, kith::fail(written.error()));
  note(fmt::format("{} {} a device", by.index, pause ? "pauses" : "resumes"));
  count(pause ? "devices paused" : "devices resumed");
  changed(by);
  serve(by);
}

/// Relays that are there keep to the rules from now on, and everybody is online or takes turns.
void World::calm_relays() {
  for (auto& relay : relays_) {
    relay->habits = {};
    relay->slowest_sync = milliseconds{10};
    if (relay->has_room_at) relay->has_room_at = clock_;
    if (relay->starts_at) relay->starts_at = clock_ + milliseconds{1001};
  }
  for (auto& [index, pipe] : relay_pipes_) {
    pipe.breaks_at.reset();
    pipe.delay = std::min(pipe.delay, milliseconds{40});  // else small answers take hours to bring much
    // What was acknowledged and not stored shows with the next connection.
    if (pipe.between && !pipe.device_closed) break_relay_pipe(pipe);
  }
  if (relays_.empty()) return;
  for (auto& device : devices_) {
    if (!apart_) go_online(*device);
  }
}

/// Where a device hears of the group by relays alone, it is let in there again.
void World::resume_all() {
  if (direct_) return;
  for (auto& device : devices_) {
    if (!device->online || !running_member(*device)) continue;
    std::vector<wire::Op> ops;
    for (auto const& [id, member] : device->program->replica.state().roster().members()) {
      if (member.state == core::MemberState::active && member.paused) ops.emplace_back(wire::DevicePause{id, false});
    }
    if (ops.empty()) continue;
    auto const written = device->program->replica.write(std::move(ops), now_at(*device));
    if (!written) return check(*device, kith::fail(written.error()));
    changed(*device);
    serve(*device);
  }
}

}  // namespace kith::sim
