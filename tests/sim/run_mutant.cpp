#include <algorithm>
#include <cstdio>
#include <cstdlib>

#include "crypto/system_random.hpp"
#include "sim/mutant.hpp"
#include "sim/world.hpp"

/// Plays worlds with one bug planted until an oracle notices: `kith_mutants NAME WORLDS SEED`. Exit code 0 where one
/// does, 1 where none did in so many worlds.
int main(int argc, char** argv) {
  using kith::sim::kBugs;
  auto const bug = argc == 4 ? std::ranges::find(kBugs, std::string_view(argv[1])) : kBugs.end();
  if (bug == kBugs.end()) {
    std::fprintf(stderr, "kith_mutants NAME WORLDS SEED; names: tests/sim/planted.py names\n");
    return 2;
  }
  kith::crypto::initialise();
  kith::sim::planted = static_cast<int>(bug - kBugs.begin()) + 1;
  std::uint64_t const worlds = std::strtoull(argv[2], nullptr, 10), first = std::strtoull(argv[3], nullptr, 10);
  for (std::uint64_t i = 0; i < worlds; ++i) {
    auto const outcome = kith::sim::World(first + i, nullptr).run();
    if (!outcome.failure) continue;
    std::printf("%llu\t%s\t%s\n", static_cast<unsigned long long>(i + 1), outcome.oracle.c_str(),
                outcome.failure->c_str());
    return 0;
  }
  return 1;
}
