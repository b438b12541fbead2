#include "sim/world.hpp"

#include <algorithm>
#include <ostream>

#include "base/encoding.hpp"
#include "sim/heap.hpp"

namespace kith::sim {
namespace {

std::uint64_t mix(std::uint64_t hash, std::string_view text) {
  for (char c : text) hash = (hash ^ static_cast<std::uint8_t>(c)) * 1099511628211ULL;  // FNV-1a
  return hash;
}

}  // namespace

World::World(std::uint64_t seed, std::ostream* log)
    : seed_(seed),
      random_(seed),
      log_(log),
      clock_(Instant{} + std::chrono::hours{1}),
      recovery_([&] { return core::RecoveryKeys::from_entropy(random_.secret<crypto::MnemonicEntropy>()); }()),
      mischief_(seed ^ 0x6b69746820666f72ULL),
      pairing_(seed ^ 0x6b69746820706169ULL) {
  outcome_.trace = 14695981039346656037ULL;
  static_cast<void>(take_heap_peak());
  auto const rate = [&](double most) {
    return random_.below(3) == 0 ? 0.0 : most * static_cast<double>(random_.below(1000)) / 1000;
  };
  weather_ = {rate(0.5), rate(0.5),  rate(0.05), rate(0.06), rate(0.05), rate(0.02), rate(0.02), rate(0.12), rate(0.2),
              rate(0.8), rate(0.04), rate(0.02), rate(0.01), rate(0.01), rate(0.02), rate(0.2),  rate(0.1)};
  std::uint64_t const size = random_.below(10);  // mostly what a person has
  most_devices_ = size < 7 ? 2 + random_.below(3) : size < 9 ? 5 + random_.below(2) : 7 + random_.below(2);
  draw_relays();
  draw_mischief();
  draw_ears(seed);
}

World::~World() {
  for (auto& device : devices_) device->program.reset();
}

Outcome World::run() {
  found_group();
  std::uint64_t const steps = 20 + random_.below(80);
  for (std::uint64_t i = 0; i < steps && !outcome_.failure; ++i) {
    step();
    std::uint64_t const longest = apart_ ? 40'000 : 20'000;
    advance_to(clock_ + std::chrono::milliseconds{random_.below(random_.below(apart_ ? 3 : 10) == 0 ? longest : 400)});
  }
  if (!outcome_.failure) calm_down();
  if (!outcome_.failure) check_everything();
  for (auto const& relay : relays_) {
    if (relay->tampered_with > 0) outcome_.counts["times relays broke rules"] += relay->tampered_with;
  }
  return outcome_;
}

Now World::now_at(Device const& device) const {
  auto const elapsed = std::chrono::duration_cast<std::chrono::milliseconds>(clock_.time_since_epoch());
  return {clock_, {wall_ms_ + elapsed.count() + device.clock_skew_ms}};
}

/// Relays' clocks are right.
Now World::relay_now() const {
  auto const elapsed = std::chrono::duration_cast<std::chrono::milliseconds>(clock_.time_since_epoch());
  return {clock_, {wall_ms_ + elapsed.count()}};
}

void World::note(std::string const& what) {
  ++outcome_.events;
  outcome_.trace = mix(outcome_.trace, what);
  if (log_ != nullptr) {
    auto const ms =
        std::chrono::duration_cast<std::chrono::milliseconds>(clock_.time_since_epoch()).count() - 3'600'000;
    *log_ << ms << " ms  " << what << '\n';
  }
}

bool World::chance(double probability) {
  return static_cast<double>(random_.below(1'000'000)) < probability * 1'000'000;
}

void World::fail(std::string what) {
  if (outcome_.failure) return;
  note("FAILURE " + what);
  outcome_.failure = std::move(what);
  outcome_.oracle = judging_;
}

void World::check(Device& device, Result<> result) {
  if (!result) fail(fmt::format("device {}: {} {}", device.index, result.error().name(), result.error().subject()));
}

std::optional<Instant> World::next_event() const {
  std::optional<Instant> next;
  auto const consider = [&](std::optional<Instant> const& when) {
    if (when && (!next || *when < *next)) next = when;
  };
  for (auto const& [index, pipe] : pipes_) {
    consider(pipe.breaks_at);
    for (auto const& flights : pipe.flights) {
      if (!flights.empty()) consider(flights.front().at);
    }
  }
  for (auto const& [index, pipe] : relay_pipes_) consider(next_of(pipe));
  for (auto const& relay : relays_) consider(relay->next_deadline());
  for (auto const& watch : watches_) consider(watch.until);
  for (auto const& device : devices_) {
    if (!device->program) continue;
    consider(device->timer);
    consider(device->scan_at);
  }
  return next;
}

void World::advance_to(Instant when) {
  while (!outcome_.failure) {
    auto const next = next_event();
    if (!next || *next > when) break;
    clock_ = std::max(clock_, *next);
    handle_due();
  }
  clock_ = std::max(clock_, when);
}

void World::handle_due() {
  std::vector<std::size_t> indices;
  for (auto const& [index, pipe] : pipes_) indices.push_back(index);
  for (auto const index : indices) {
    auto const found = pipes_.find(index);
    if (found == pipes_.end()) continue;
    if (found->second.breaks_at && *found->second.breaks_at <= clock_) {
      break_pipe(index);
      continue;
    }
    for (std::size_t end = 0; end < 2; ++end) deliver(found->second, end);
    if (found->second.closed[0] && found->second.closed[1]) pipes_.erase(found);
  }
  for (auto& relay : relays_) handle_relay(*relay);
  handle_relay_pipes();
  look_at_watches();
  for (auto& device : devices_) {
    if (!device->program) continue;
    if (device->timer && *device->timer <= clock_) {
      device->timer.reset();
      check(*device, device->program->exchange.on_timer(now_at(*device)));
      relays_timer(*device);
      serve(*device);
    }
    if (device->scan_at && *device->scan_at <= clock_) {
      device->scan_at.reset();
      device->disk.set_time(now_at(*device).wall);
      auto scanned = device->program->scan(now_at(*device));
      bool const removed = !scanned && (scanned.error().is(core::CoreError::removed_self) ||
                                        scanned.error().is(core::CoreError::not_member));
      if (!removed) check(*device, std::move(scanned));
      relays_look(*device);
      device->apply_due = true;
      serve(*device);
    }
  }
}

/// After anything was done with a device's program: takes its events, carries its bytes, and sets its timer.
void World::serve(Device& device) {
  for (int rounds = 0; rounds < 64 && device.program; ++rounds) {
    auto& program = *device.program;
    bool quiet = true;
    while (auto const event = program.exchange.poll_event()) {
      quiet = false;
      if (std::holds_alternative<sync::EntriesApplied>(*event)) {
        device.apply_due = true;
        relays_look(device);
      }
      if (std::holds_alternative<sync::PeerDown>(*event)) uploads_soon(device);
      if (auto const* up = std::get_if<sync::PeerUp>(&*event)) watch_contact(device, up->device);
      if (auto const* digest = std::get_if<sync::DigestArrived>(&*event)) compare_relays(device, *digest);
      if (auto const* chunk = std::get_if<sync::ChunkArrived>(&*event)) {
        auto const taken = program.folder->on_chunk(chunk->id, chunk->bytes);
        if (!taken) check(device, kith::fail(taken.error()));
        device.apply_due = true;
      }
      if (auto const* missing = std::get_if<sync::ChunkMissing>(&*event)) {
        device.apply_due |= program.folder->on_missing(missing->id);
      }
      if (std::holds_alternative<sync::ContentsMoved>(*event) || std::holds_alternative<sync::PeerUp>(*event)) {
        program.folder->contents_moved();
        program.folder->try_again();
        device.apply_due = true;
      }
    }
    if (std::exchange(device.apply_due, false)) {
      quiet = false;
      device.disk.set_time(now_at(device).wall);
      auto applied = program.apply(now_at(device));
      bool const removed = !applied && applied.error().is(core::CoreError::removed_self);
      if (!removed) check(device, std::move(applied));
      relays_look(device);
    }
    if (settle_relays(device)) quiet = false;
    pump_links(device);
    dial(device);
    if (quiet) break;
  }
  if (!device.program) return;
  auto due = device.program->exchange.next_deadline();
  if (auto const relays = relays_deadline(device); relays && (!due || *relays < *due)) due = relays;
  if (due) device.timer = std::max(*due, clock_ + std::chrono::milliseconds{1});
}

}  // namespace kith::sim
