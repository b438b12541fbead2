#pragma once

#include <cstdint>

namespace kith::sim {

/// How much of the heap this thread holds: what it took less what it gave back, as malloc rounds it. A world is played
/// by one thread. Counted by the operators new and delete of the programs that link heap.cpp; always 0 under
/// sanitizers, which bring their own.
[[nodiscard]] std::int64_t heap_bytes();
/// The most that it held since this was last called.
[[nodiscard]] std::int64_t take_heap_peak();

}  // namespace kith::sim
