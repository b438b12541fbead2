#include "crypto/system_random.hpp"

#include <cstdio>
#include <cstdlib>

#include <sodium/core.h>
#include <sodium/randombytes.h>

namespace kith::crypto {

void SystemRandom::fill(std::span<std::uint8_t> out) {
  if (!out.empty()) randombytes_buf(out.data(), out.size());
}

void initialise() {
  if (sodium_init() < 0) {  // 1 means that it was done before
    std::fputs("kith: this system has no source of randomness\n", stderr);
    std::abort();
  }
}

}  // namespace kith::crypto
