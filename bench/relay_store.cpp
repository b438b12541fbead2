/// How fast a relay's database takes pushes: rows a second, and how long a batch takes until it is on the disk.
///
///     bench_relay_store FOLDER [SECONDS]      a folder on the disk to be measured; it is filled and emptied
#include <atomic>
#include <cstdio>
#include <filesystem>
#include <thread>

#include "crypto/system_random.hpp"
#include "relay/sqlite/sqlite_relay_store.hpp"

namespace {

using namespace kith;
using namespace kith::relay;

constexpr std::size_t kGroups = 1000;
constexpr std::size_t kItemBytes = 1024;

struct Device {
  crypto::SigningKey key;
  GroupNo group;
  std::uint64_t seq = 0;
};

std::vector<Device> make_groups(RelayStore& store, RandomSource& random) {
  std::vector<Device> devices;
  std::vector<StoreRequest> batch;
  for (std::size_t i = 0; i < kGroups; ++i) {
    devices.push_back({crypto::SigningKey::generate(random), {}, 0});
    auto const channel = crypto::SigningKey::generate(random);
    wire::AclRecord record;
    record.channel = {channel.public_key().bytes};
    record.pseudonyms = {{devices.back().key.public_key().bytes}};
    wire::sign_acl(record, channel);
    batch.push_back({{i}, {}, PutAcl{std::move(record)}});
  }
  auto const replies = store.work(batch);
  for (std::size_t i = 0; i < kGroups; ++i) devices[i].group = std::get<AclStored>(replies[i].answer).mailbox.group;
  return devices;
}

void measure(std::filesystem::path const& folder, std::size_t per_batch, std::chrono::seconds time) {
  crypto::SystemRandom random;
  std::filesystem::remove_all(folder);
  std::filesystem::create_directories(folder);
  StoreLimits limits;
  limits.max_bytes = std::uint64_t{100} << 30;
  auto opened = SqliteRelayStore::open(folder / "relay.db", limits, random);
  if (!opened) {
    std::fprintf(stderr, "cannot open: %s\n", opened.error().name().c_str());
    return;
  }
  auto& store = **opened;
  auto devices = make_groups(store, random);
  std::atomic<bool> ended = false;
  std::thread checkpointer([&] {
    while (!ended) {
      static_cast<void>(store.checkpoint());
      std::this_thread::sleep_for(std::chrono::milliseconds{100});
    }
  });
  Bytes const sealed(kItemBytes, 7);
  std::vector<double> took_ms;
  std::size_t rows = 0;
  auto const begin = Clock::now();
  while (Clock::now() - begin < time) {
    std::vector<StoreRequest> batch;
    for (std::size_t i = 0; i < per_batch; ++i) {
      auto& device = devices[random.below(kGroups)];
      batch.push_back(
          {{i}, {}, PushItems{device.group, {device.key.public_key().bytes}, {++device.seq}, {{0, sealed}}}});
    }
    auto const from = Clock::now();
    for (auto const& reply : store.work(batch)) rows += std::holds_alternative<ItemsPushed>(reply.answer) ? 1 : 0;
    took_ms.push_back(std::chrono::duration<double, std::milli>(Clock::now() - from).count());
  }
  auto const seconds = std::chrono::duration<double>(Clock::now() - begin).count();
  ended = true;
  checkpointer.join();
  std::ranges::sort(took_ms);
  auto const at = [&](double part) {
    return took_ms[static_cast<std::size_t>(part * static_cast<double>(took_ms.size() - 1))];
  };
  static_cast<void>(store.checkpoint());
  auto const bytes = std::filesystem::file_size(folder / "relay.db");
  std::printf(
      "%4zu requests a batch: %8.0f rows/s, batch p50 %6.2f ms, p99 %6.2f ms, most %6.2f ms, %.2f bytes a byte\n",
      per_batch, static_cast<double>(rows) / seconds, at(0.5), at(0.99), at(1),
      static_cast<double>(bytes) / static_cast<double>(std::max<std::size_t>(rows, 1) * kItemBytes));
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 2) {
    std::fprintf(stderr, "usage: bench_relay_store FOLDER [SECONDS]\n");
    return 2;
  }
  crypto::initialise();
  auto const time = std::chrono::seconds{argc > 2 ? std::atoi(argv[2]) : 5};
  auto const folder = std::filesystem::path(argv[1]) / "bench-relay-store";
  for (std::size_t const per_batch : {1, 64, 256}) measure(folder, per_batch, time);
  std::filesystem::remove_all(folder);
  return 0;
}
