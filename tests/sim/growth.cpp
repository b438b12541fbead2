#include "sim/heap.hpp"
#include "sim/world.hpp"

/// What a world holds in memory: never much, and not more and more of it while connections break and are made again.
namespace kith::sim {
namespace {

/// All devices with their databases and disks, and all relays: nine megabytes in the largest of a thousand worlds.
constexpr std::int64_t kMostBytes = std::int64_t{64} * 1024 * 1024;
constexpr std::uint64_t kOneIn = 16;  ///< worlds
constexpr int kSettling = 3, kRounds = 40;
constexpr auto kReconnecting = std::chrono::seconds{20};
constexpr auto kResting = std::chrono::seconds{90};  // relays hear by then that a connection broke
/// Containers that are a little larger by chance, and what each connection may leave of that kind.
constexpr std::int64_t kSlack = std::int64_t{16} * 1024, kSlackEach = 96;

}  // namespace

/// @return how many connections there were
std::size_t World::break_everything() {
  std::size_t broken = 0;
  std::vector<std::size_t> indices;
  for (auto const& [index, pipe] : pipes_) indices.push_back(index);
  for (auto const index : indices) {
    if (!pipes_.contains(index)) continue;
    break_pipe(index);
    ++broken;
  }
  for (auto& [index, pipe] : relay_pipes_) {
    if (pipe.device_closed) continue;
    break_relay_pipe(pipe);
    ++broken;
  }
  for (auto& device : devices_) {
    if (device->program) device->program->exchange.hurry(now_at(*device));
  }
  return broken;
}

void World::check_memory(std::vector<Device*> const&) {
  if (heard_) return;  // what is listened to is kept
  auto const most = take_heap_peak();
  if (most > kMostBytes) fail(fmt::format("the world held {} bytes of memory at a time", most));
  outcome_.most_memory = most;
  if (seed_ % kOneIn != 1 || apart_) return;
  std::int64_t before = 0;
  std::size_t broken = 0;
  for (int round = 0; round < kSettling + kRounds && !outcome_.failure; ++round) {
    if (round == kSettling) {
      wait_calmly(kResting);
      before = heap_bytes();
      broken = 0;
    }
    broken += break_everything();
    wait_calmly(kReconnecting);
  }
  wait_calmly(kResting);
  auto const grown = heap_bytes() - before;
  outcome_.counts["connections that left nothing behind"] += broken;
  if (grown > kSlack + kSlackEach * static_cast<std::int64_t>(broken))
    fail(fmt::format("{} connections that broke left {} bytes behind", broken, grown));
}

}  // namespace kith::sim
