#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <iostream>
#include <mutex>
#include <string_view>
#include <thread>

#include "crypto/system_random.hpp"
#include "sim/world.hpp"
#include "support/proof.hpp"

/// Runs simulated worlds: `kith_sim --worlds 300 --seed 1`, and one of them again with everything that happens in it:
/// `kith_sim --seed 42 --worlds 1 --log`. Each failure prints that command.
namespace {

std::uint64_t number_after(int argc, char** argv, char const* flag, std::uint64_t fallback) {
  for (int i = 1; i + 1 < argc; ++i) {
    if (std::strcmp(argv[i], flag) == 0) return std::strtoull(argv[i + 1], nullptr, 10);
  }
  return fallback;
}

bool has_flag(int argc, char** argv, char const* flag) {
  for (int i = 1; i < argc; ++i) {
    if (std::strcmp(argv[i], flag) == 0) return true;
  }
  return false;
}

}  // namespace

int main(int argc, char** argv) {
  kith::crypto::initialise();
  std::uint64_t const worlds = number_after(argc, argv, "--worlds", 300);
  std::uint64_t const first = number_after(argc, argv, "--seed", 1);
  std::uint64_t const threads = number_after(argc, argv, "--threads", std::thread::hardware_concurrency());
  bool const log = has_flag(argc, argv, "--log");
  bool const twice = has_flag(argc, argv, "--twice");  // each world twice: the traces must be the same

  std::atomic<std::uint64_t> next{0}, failed{0}, events{0};
  std::map<std::string, std::uint64_t> counts;
  std::int64_t most_memory = 0;
  std::mutex mutex;
  auto const started = std::chrono::steady_clock::now();
  auto const work = [&] {
    for (std::uint64_t i = next++; i < worlds; i = next++) {
      std::uint64_t const seed = first + i;
      auto const outcome = kith::sim::World(seed, log ? &std::cout : nullptr).run();
      events += outcome.events;
      auto failure = outcome.failure;
      if (twice && !failure && kith::sim::World(seed, nullptr).run().trace != outcome.trace)
        failure = "the trace differs the second time";
      std::lock_guard const guard(mutex);
      for (auto const& [what, count] : outcome.counts) counts[what] += count;
      most_memory = std::max(most_memory, outcome.most_memory);
      if (!failure) continue;
      ++failed;
      std::printf("FAIL seed %llu: %s\n  again: %s --worlds 1 --log --seed %llu\n",
                  static_cast<unsigned long long>(seed), failure->c_str(), argv[0],
                  static_cast<unsigned long long>(seed));
      std::fflush(stdout);
    }
  };
  std::vector<std::thread> pool;
  for (std::uint64_t i = 0; i < (log ? 1 : std::max<std::uint64_t>(threads, 1)); ++i) pool.emplace_back(work);
  for (auto& thread : pool) thread.join();
  kith::testing::count_proof("worlds", worlds - failed);
  kith::testing::count_proof("canaries", counts["canaries"]);
  auto const seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - started).count();
  std::printf("%llu worlds, %llu events, %.1f s:", static_cast<unsigned long long>(worlds),
              static_cast<unsigned long long>(events.load()), seconds);
  for (auto const& [what, count] : counts)
    std::printf(" %llu %s,", static_cast<unsigned long long>(count), what.c_str());
  std::printf(" %lld KiB of memory in the largest,", static_cast<long long>(most_memory / 1024));
  std::printf(" %llu failed\n", static_cast<unsigned long long>(failed.load()));
  return failed > 0 ? 1 : 0;
}
