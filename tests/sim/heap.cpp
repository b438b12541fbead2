#include "sim/heap.hpp"

#include <algorithm>
#include <cstdlib>
#include <new>
#include <utility>

#include <malloc.h>

namespace {

thread_local std::int64_t held = 0;
thread_local std::int64_t peak = 0;

}  // namespace

namespace kith::sim {

std::int64_t heap_bytes() { return held; }
std::int64_t take_heap_peak() { return std::exchange(peak, held); }

}  // namespace kith::sim

#if !defined(KITH_SANITIZED)

namespace {

void* counted(void* block) {
  if (block == nullptr) throw std::bad_alloc();
  held += static_cast<std::int64_t>(::malloc_usable_size(block));
  peak = std::max(peak, held);
  return block;
}

void give_back(void* block) noexcept {
  if (block != nullptr) held -= static_cast<std::int64_t>(::malloc_usable_size(block));
  std::free(block);
}

void* take(std::size_t size) { return counted(std::malloc(std::max<std::size_t>(size, 1))); }
void* take(std::size_t size, std::align_val_t align) {
  auto const step = static_cast<std::size_t>(align);
  return counted(std::aligned_alloc(step, (std::max<std::size_t>(size, 1) + step - 1) / step * step));
}

}  // namespace

// NOLINTBEGIN(misc-new-delete-overloads): what is left out goes by these
void* operator new(std::size_t size) { return take(size); }
void* operator new[](std::size_t size) { return take(size); }
void* operator new(std::size_t size, std::align_val_t align) { return take(size, align); }
void* operator new[](std::size_t size, std::align_val_t align) { return take(size, align); }
void operator delete(void* block) noexcept { give_back(block); }
void operator delete[](void* block) noexcept { give_back(block); }
void operator delete(void* block, std::size_t) noexcept { give_back(block); }
void operator delete[](void* block, std::size_t) noexcept { give_back(block); }
void operator delete(void* block, std::align_val_t) noexcept { give_back(block); }
void operator delete[](void* block, std::align_val_t) noexcept { give_back(block); }
void operator delete(void* block, std::size_t, std::align_val_t) noexcept { give_back(block); }
void operator delete[](void* block, std::size_t, std::align_val_t) noexcept { give_back(block); }
// NOLINTEND(misc-new-delete-overloads)

#endif
