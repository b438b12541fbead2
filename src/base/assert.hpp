#pragma once

#include <cstdio>
#include <cstdlib>

/// Stops the program on a bug of our own. Always on; never for input: what a peer, disk or user can cause is a Result.
#define KITH_ASSERT(condition)                                                          \
  do {                                                                                  \
    if (!(condition)) {                                                                 \
      std::fprintf(stderr, "kith: bug at %s:%d: %s\n", __FILE__, __LINE__, #condition); \
      std::abort();                                                                     \
    }                                                                                   \
  } while (false)

/// After a switch that names every enumerator.
#define KITH_UNREACHABLE()                                                         \
  do {                                                                             \
    std::fprintf(stderr, "kith: bug at %s:%d: unreachable\n", __FILE__, __LINE__); \
    std::abort();                                                                  \
  } while (false)
