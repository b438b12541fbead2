#include <algorithm>

#include "sim/world.hpp"

/// The network of a World: pipes, partitions, and bytes on their way.
namespace kith::sim {
namespace {

std::string address_of(std::size_t device) { return fmt::format("sim{}:1", device); }

}  // namespace

bool World::reachable(std::size_t a, std::size_t b) const {
  if (!direct_ || !devices_[a]->online || !devices_[b]->online) return false;
  return devices_[b]->program && !partitions_.contains({std::min(a, b), std::max(a, b)});
}

void World::dial(Device& device) {
  auto& exchange = device.program->exchange;
  exchange.set_addresses({address_of(device.index)}, now_at(device));
  while (auto const wanted = exchange.poll_dial(now_at(device))) {
    std::optional<std::size_t> target;
    for (auto const& address : wanted->addresses) {
      for (auto const& other : devices_) {
        if (address == address_of(other->index) && other->index != device.index) target = other->index;
      }
    }
    if (!target || !reachable(device.index, *target)) {
      exchange.dial_failed(wanted->device, now_at(device));
      continue;
    }
    Pipe pipe;
    bool const slow = !calm_ && chance(weather_.slow);
    pipe.delay = std::chrono::milliseconds{1 + random_.below(slow ? 3000 : 40)};
    if (!calm_ && chance(weather_.breaks)) pipe.breaks_at = clock_ + std::chrono::milliseconds{random_.below(4000)};
    pipe.ends[0] = {device.index, runs_[device.index],
                    exchange.dialled(wanted->device, address_of(*target), now_at(device))};
    pipe.ends[1] = {*target, runs_[*target], std::nullopt};
    note(fmt::format("{} dials {}", device.index, *target));
    pipes_.emplace(next_pipe_++, std::move(pipe));
    pump_links(device);
  }
}

/// Takes what a device's links have to send, and closes those that are done.
void World::pump_links(Device& device) {
  for (auto& [index, pipe] : pipes_) {
    for (std::size_t end = 0; end < 2; ++end) {
      auto& side = pipe.ends[end];
      if (side.device != device.index || side.run != runs_[device.index] || !side.link || pipe.closed[end]) continue;
      Bytes out;
      for (;;) {
        auto const sent = device.program->exchange.poll_transmit(*side.link, out, now_at(device));
        if (!sent) return check(device, kith::fail(sent.error()));
        if (!*sent) break;
      }
      overhear(out);
      if (!out.empty()) pipe.flights[1 - end].push_back({clock_ + pipe.delay, std::move(out)});
      if (!device.program->exchange.link_done(*side.link)) continue;
      end_pipe_side(pipe, end);
    }
  }
  static_cast<void>(device.program->exchange.take_woken());
}

void World::end_pipe_side(Pipe& pipe, std::size_t end) {
  if (pipe.closed[end]) return;
  pipe.closed[end] = true;
  auto& side = pipe.ends[end];
  auto& device = *devices_[side.device];
  if (side.link && device.program && side.run == runs_[side.device]) {
    check(device, device.program->exchange.on_link_closed(*side.link, now_at(device)));
  }
  pipe.flights[1 - end].push_back({clock_ + pipe.delay, {}});  // nothing: the end of the stream
}

void World::deliver(Pipe& pipe, std::size_t end) {
  auto& flights = pipe.flights[end];
  while (!flights.empty() && flights.front().at <= clock_) {
    auto flight = std::move(flights.front());
    flights.pop_front();
    auto& side = pipe.ends[end];
    auto& device = *devices_[side.device];
    if (pipe.closed[end]) continue;
    bool const gone = !device.program || side.run != runs_[side.device];
    if (gone || flight.bytes.empty()) {
      end_pipe_side(pipe, end);
      if (!gone) serve(device);
      continue;
    }
    ByteView bytes = flight.bytes;
    if (!side.link) {  // the dialled side: the opening comes first
      append(pipe.opening, bytes);
      if (pipe.opening.size() < wire::Opening::kBytes) continue;
      auto const opening = wire::decode_opening(ByteView{pipe.opening}.first(wire::Opening::kBytes));
      if (!opening) {
        end_pipe_side(pipe, end);
        continue;
      }
      side.link =
          device.program->exchange.accepted(*opening, fmt::format("from sim{}", pipe.ends[0].device), now_at(device));
      bytes = ByteView{pipe.opening}.subspan(wire::Opening::kBytes);
    }
    // In pieces of any size, as TCP does.
    while (!bytes.empty()) {
      std::size_t const piece = 1 + random_.below(bytes.size());
      check(device, device.program->exchange.on_bytes(*side.link, bytes.first(piece), now_at(device)));
      bytes = bytes.subspan(piece);
      if (!device.program || outcome_.failure) return;
    }
    serve(device);
  }
}

void World::break_pipe(std::size_t index) {
  auto node = pipes_.extract(index);
  auto& pipe = node.mapped();
  count("links broken");
  note(fmt::format("link {}-{} breaks", pipe.ends[0].device, pipe.ends[1].device));
  for (auto const& side : pipe.ends) {
    auto& device = *devices_[side.device];
    if (!side.link || !device.program || side.run != runs_[side.device]) continue;
    check(device, device.program->exchange.on_link_closed(*side.link, now_at(device)));
    serve(device);
  }
}

}  // namespace kith::sim
