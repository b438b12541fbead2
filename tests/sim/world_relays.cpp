#include <algorithm>

#include "sim/world.hpp"
#include "sync/relays/acl_chain.hpp"
#include "sync/relays/registration.hpp"

/// The connections of a World's devices to its relays, and the relays' own work.
namespace kith::sim {

SimRelay* World::relay_of(wire::RelayKey const& key) {
  auto const found = std::ranges::find_if(relays_, [&](auto const& relay) { return relay->relay_key() == key; });
  return found == relays_.end() ? nullptr : found->get();
}

void World::dial_relay(Device& device, std::shared_ptr<RelayLink> const& link) {
  auto& mailbox = link->mailbox;
  auto* relay = relay_of(mailbox.relay().relay);
  mailbox.dialling(now_at(device));
  bool const reached = relay != nullptr && relay->up() && !relay->lost && device.online;
  if (!reached) return mailbox.dial_failed(core::CoreError::timed_out, now_at(device));
  device.overtook |= std::ranges::any_of(relay_pipes_, [&](auto const& each) {
    auto const& older = each.second;
    return older.device == device.index && older.relay == relay && !older.relay_closed && !older.to_relay.empty();
  });
  RelayPipe pipe;
  pipe.device = device.index;
  pipe.run = runs_[device.index];
  pipe.link = link;
  pipe.relay = relay;
  pipe.relay_run = relay->run;
  pipe.connection = relay->rules->open(fmt::format("sim{}", device.index), relay_now());
  if (relay->habits.any() || heard_) {
    auto const& group = device.program->replica.state().group();
    pipe.between = std::make_unique<Tampering>(*relay, device.index,
                                               core::relay_face(device.identity.root, relay->relay_key(), group));
    pipe.between->set_ear([this](ByteView bytes) { overhear(bytes); });
  }
  bool const slow = !calm_ && chance(weather_.slow);
  pipe.delay = std::chrono::milliseconds{1 + random_.below(slow ? 3000 : 40)};
  if (!calm_ && chance(weather_.breaks)) pipe.breaks_at = clock_ + std::chrono::milliseconds{random_.below(8000)};
  note(fmt::format("{} dials relay {}", device.index, relay->index));
  mailbox.on_connected(now_at(device));
  relay_pipes_.emplace(next_pipe_++, std::move(pipe));
}

bool World::lives(RelayPipe const& pipe) const {
  auto const& device = *devices_[pipe.device];
  return device.program && pipe.run == runs_[pipe.device] && !pipe.link.expired();
}

bool World::lives_at_relay(RelayPipe const& pipe) const {
  return pipe.relay->up() && pipe.relay_run == pipe.relay->run;
}

/// Takes what a device's mailboxes have to send, and closes those that are done.
void World::pump_mailboxes(Device& device) {
  for (auto& [index, pipe] : relay_pipes_) {
    if (pipe.device != device.index || pipe.device_closed) continue;
    if (!lives(pipe)) {
      close_at_device(pipe);
      continue;
    }
    auto const link = pipe.link.lock();
    Bytes out;
    while (link->mailbox.poll_transmit(out)) {
    }
    overhear(out);
    if (!out.empty()) pipe.to_relay.push_back({clock_ + pipe.delay, std::move(out)});
    if (link->mailbox.link_done()) close_at_device(pipe);
  }
}

void World::close_at_device(RelayPipe& pipe) {
  if (pipe.device_closed) return;
  pipe.device_closed = true;
  auto const fooled = fooled_.find({pipe.device, pipe.relay->index});
  if (fooled != fooled_.end() && clock_ <= fooled->second.from) fooled_.erase(fooled);
  pipe.to_relay.push_back({clock_ + pipe.delay, {}});
  auto& device = *devices_[pipe.device];
  if (lives(pipe)) check(device, pipe.link.lock()->mailbox.on_closed(now_at(device)));
}

void World::close_at_relay(RelayPipe& pipe) {
  if (pipe.relay_closed) return;
  pipe.relay_closed = true;
  pipe.to_device.push_back({clock_ + pipe.delay, {}});
  if (lives_at_relay(pipe)) pipe.relay->rules->on_closed(pipe.connection, relay_now());
}

/// It breaks with bytes on their way. The device knows at once; the relay, now and then, only after a while.
void World::break_relay_pipe(RelayPipe& pipe) {
  count("relay links broken");
  note(fmt::format("link {}-relay {} breaks", pipe.device, pipe.relay->index));
  pipe.breaks_at.reset();
  pipe.to_relay.clear();
  close_at_device(pipe);
  pipe.to_relay.clear();
  pipe.to_device.clear();
  pipe.relay_hears_at = clock_ + std::chrono::milliseconds{random_.below(3) == 0 ? random_.below(60'000) : 0};
}

void World::handle_relay_pipes() {
  std::vector<std::size_t> indices;
  for (auto const& [index, pipe] : relay_pipes_) indices.push_back(index);
  for (auto const index : indices) {
    auto const found = relay_pipes_.find(index);
    if (found == relay_pipes_.end()) continue;
    auto& pipe = found->second;
    auto& device = *devices_[pipe.device];
    if (pipe.breaks_at && *pipe.breaks_at <= clock_) {
      break_relay_pipe(pipe);
      if (device.program) serve(device);
    }
    if (pipe.relay_hears_at && *pipe.relay_hears_at <= clock_) {
      pipe.relay_hears_at.reset();
      close_at_relay(pipe);
    }
    if (!lives_at_relay(pipe)) close_at_relay(pipe);
    if (!lives(pipe)) close_at_device(pipe);
    deliver_to_relay(pipe);
    if (deliver_to_device(pipe)) serve(device);
    if (pipe.device_closed && pipe.relay_closed) relay_pipes_.erase(index);
  }
}

std::optional<Instant> World::next_of(RelayPipe const& pipe) const {
  std::optional<Instant> next;
  auto const consider = [&](std::optional<Instant> const& when) {
    if (when && (!next || *when < *next)) next = when;
  };
  consider(pipe.breaks_at);
  consider(pipe.relay_hears_at);
  if ((!pipe.device_closed && !lives(pipe)) || (!pipe.relay_closed && !lives_at_relay(pipe))) consider(clock_);
  if (!pipe.to_device.empty() && !pipe.device_closed) consider(pipe.to_device.front().at);
  if (!pipe.to_relay.empty() && !pipe.relay_closed && takes(pipe)) consider(pipe.to_relay.front().at);
  return next;
}

/// Whether the relay reads on: it does not while something of the connection's waits for the disk.
bool World::takes(RelayPipe const& pipe) const {
  return !lives_at_relay(pipe) || pipe.to_relay.front().bytes.empty() || pipe.relay->rules->reading(pipe.connection) ||
         pipe.relay->rules->done(pipe.connection);
}

void World::deliver_to_relay(RelayPipe& pipe) {
  bool moved = false;
  while (!pipe.relay_closed && !pipe.to_relay.empty() && pipe.to_relay.front().at <= clock_ && takes(pipe)) {
    auto const flight = std::move(pipe.to_relay.front());
    pipe.to_relay.pop_front();
    if (flight.bytes.empty() || !lives_at_relay(pipe)) {
      close_at_relay(pipe);
      break;
    }
    moved = true;
    auto& rules = *pipe.relay->rules;
    if (!pipe.between) {
      rules.on_bytes(pipe.connection, flight.bytes, relay_now());
    } else if (!pipe.between->on_device_bytes(flight.bytes)) {
      close_at_relay(pipe);
    } else if (pipe.between->take_false_ack()) {
      note_false_ack(pipe);
    }
    work_between(pipe);
  }
  if (moved) serve_relay(*pipe.relay);
}

/// Between one that tampers and the rules nothing takes time.
void World::work_between(RelayPipe& pipe) {
  if (!pipe.between || pipe.relay_closed) return;
  auto& rules = *pipe.relay->rules;
  for (bool moved = true; moved;) {
    Bytes there, back;
    pipe.between->take_for_rules(there);
    if (!there.empty()) rules.on_bytes(pipe.connection, there, relay_now());
    while (rules.poll_transmit(pipe.connection, back, relay_now())) {
    }
    if (!back.empty() && !pipe.between->on_rules_bytes(back, calm_)) return close_at_relay(pipe);
    moved = !there.empty() || !back.empty();
  }
}

/// @return whether the device's program has to be served
bool World::deliver_to_device(RelayPipe& pipe) {
  bool moved = false;
  while (!pipe.device_closed && !pipe.to_device.empty() && pipe.to_device.front().at <= clock_) {
    auto const flight = std::move(pipe.to_device.front());
    pipe.to_device.pop_front();
    auto const link = pipe.link.lock();
    if (!lives(pipe) || flight.bytes.empty()) {
      close_at_device(pipe);
      return lives(pipe);
    }
    moved = true;
    auto& device = *devices_[pipe.device];
    for (ByteView bytes = flight.bytes; !bytes.empty() && !outcome_.failure;) {
      std::size_t const piece = 1 + random_.below(bytes.size());
      check(device, link->mailbox.on_bytes(bytes.first(piece), now_at(device)));
      bytes = bytes.subspan(piece);
    }
    if (lives(pipe)) check_list(device, *link);
  }
  return moved;
}

/// After anything was done with a relay: its disk, and what it has to say.
void World::serve_relay(SimRelay& relay) {
  if (!relay.up()) return;
  relay.work(relay_now());
  for (auto& [index, pipe] : relay_pipes_) {
    if (pipe.relay != &relay || pipe.relay_closed || !lives_at_relay(pipe)) continue;
    Bytes out;
    if (pipe.between) {
      work_between(pipe);
      pipe.between->take_for_device(out);
    } else {
      while (relay.rules->poll_transmit(pipe.connection, out, relay_now())) {
      }
    }
    // A link that broke takes it, and it is gone.
    if (!out.empty() && !pipe.device_closed) pipe.to_device.push_back({clock_ + pipe.delay, std::move(out)});
    if (relay.rules->done(pipe.connection)) close_at_relay(pipe);
  }
  relay.work(relay_now());
  static_cast<void>(relay.rules->take_woken());
  constexpr std::uint64_t kMostWaiting = 64;
  auto const waiting = relay.rules->figures().waiting_requests;
  if (waiting > kMostWaiting) fail(fmt::format("{} requests wait at relay {}", waiting, relay.index));
}

void World::handle_relay(SimRelay& relay) {
  if (relay.has_room_at && *relay.has_room_at <= clock_) {
    relay.has_room_at.reset();
    relay.store.fail_writes(std::nullopt);
    note(fmt::format("relay {} has room again", relay.index));
  }
  if (relay.stops_at && *relay.stops_at <= clock_) stop_relay(relay);
  if (!relay.up() && relay.starts_at && *relay.starts_at <= clock_ && !relay.lost) {
    note(fmt::format("relay {} starts", relay.index));
    relay.start();
  }
  if (!relay.up()) return;
  auto const due = relay.next_deadline();
  if (!due || *due > clock_) return;
  relay.rules->on_timer(relay_now());
  serve_relay(relay);
}

/// What `kith relay add` does: registers the group with a relay, and tells the group.
void World::enlist(Device& device, SimRelay& relay) {
  auto& program = *device.program;
  auto& replica = program.replica;
  sync::Registration registration(device.identity, replica.state().genesis(), replica.state().group(),
                                  relay.relay_key(), {}, device.random);
  auto const connection = relay.rules->open(fmt::format("sim{}", device.index), relay_now());
  for (bool moved = true; moved && !registration.done();) {
    Bytes out, back;
    while (registration.poll_transmit(out)) {
    }
    if (!out.empty()) relay.rules->on_bytes(connection, out, relay_now());
    relay.work_at_once(relay_now());
    while (relay.rules->poll_transmit(connection, back, relay_now())) {
    }
    moved = !out.empty() || !back.empty();
    if (!back.empty() && !registration.on_bytes(back)) break;  // it is full, or about to end
  }
  relay.rules->on_closed(connection, relay_now());
  serve_relay(relay);
  if (!registration.done()) return;
  auto const& registered = registration.result();
  auto transaction = must(store::Transaction::begin(program.store));
  sync::AclChain chain(registered.channel);
  check(device, chain.load(program.store));
  must(chain.extend(program.store, registered.first));
  std::vector<wire::Op> ops;
  ops.emplace_back(wire::RelaySet{relay.url(), relay.relay_key(), registered.channel});
  auto const face = core::relay_face(device.identity.root, relay.relay_key(), replica.state().group());
  ops.emplace_back(wire::DeviceRelay{device.identity.device(), relay.relay_key(), face.pseudonym()});
  auto const written = replica.write(std::move(ops), now_at(device));
  if (!written) return check(device, kith::fail(written.error()));
  check(device, transaction.commit());
  note(fmt::format("{} tells of relay {}", device.index, relay.index));
  count("relays told of");
  changed(device);
  serve(device);
}

}  // namespace kith::sim
