#pragma once

#include <cstdint>
#include <cstdlib>
#include <string>

#include <gtest/gtest.h>

namespace kith::testing {

/// Random choices that a seed decides, cheap enough for millions of them (SplitMix64: Steele et al., "Fast splittable
/// pseudorandom number generators", OOPSLA 2014). Keys come from SeededRandom.
class Dice {
 public:
  explicit Dice(std::uint64_t seed) : state_(seed) {}

  std::uint64_t next() {
    std::uint64_t z = (state_ += 0x9E3779B97F4A7C15);
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EB;
    return z ^ (z >> 31);
  }
  std::size_t below(std::size_t bound) { return static_cast<std::size_t>(next() % bound); }
  std::size_t between(std::size_t least, std::size_t most) { return least + below(most - least + 1); }
  bool chance(unsigned percent) { return below(100) < percent; }
  template <class Range>
  auto const& pick(Range const& range) {
    return *std::next(range.begin(), static_cast<std::ptrdiff_t>(below(range.size())));
  }
  template <class Id>
  Id id() {
    Id out;
    for (auto& byte : out.bytes) byte = static_cast<std::uint8_t>(next());
    return out;
  }
  template <class T>
  void shuffle(std::vector<T>& items) {
    for (std::size_t i = items.size(); i > 1; --i) std::swap(items[i - 1], items[below(i)]);
  }

 private:
  std::uint64_t state_;
};

/// How many cases of each property run, in percent of what the test says: KITH_CASES=1000 runs ten times as many.
inline std::uint64_t case_percent() {
  if (char const* text = std::getenv("KITH_CASES")) return std::strtoull(text, nullptr, 10);
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
  return 20;
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
  return 20;
#endif
#endif
  return 100;
}

/// Tries a property with the seeds 1 to `cases`, up to the first that fails; with KITH_SEED only with that one. A
/// failure prints the line that replays it.
/// @param holds  std::uint64_t seed -> ::testing::AssertionResult
template <class Property>
void for_each_seed(std::uint64_t cases, Property const& holds) {
  std::uint64_t first = 1;
  std::uint64_t last = std::max<std::uint64_t>(1, cases * case_percent() / 100);
  if (char const* text = std::getenv("KITH_SEED")) first = last = std::strtoull(text, nullptr, 10);
  auto const* test = ::testing::UnitTest::GetInstance()->current_test_info();
  for (std::uint64_t seed = first; seed <= last; ++seed) {
    ::testing::AssertionResult const result = holds(seed);
    if (result) continue;
    ADD_FAILURE() << result.message() << "\nreplay: KITH_SEED=" << seed
                  << " THIS_PROGRAM --gtest_filter=" << test->test_suite_name() << '.' << test->name();
    return;
  }
}

}  // namespace kith::testing
