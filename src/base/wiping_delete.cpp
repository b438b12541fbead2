#include <cstdlib>
#include <new>

#include <malloc.h>
#include <sodium/utils.h>

/// Memory that the programs give back is wiped, whatever was in it. Types that hold secrets do that themselves; what is
/// made of secrets on the way in and out (a code in a line of JSON, words in a file's buffer, a string that grew) comes
/// from everywhere, and so it is done here, for all.
///
/// Larger blocks are left alone: they are contents of files, and bytes on their way to and from a disk or a network,
/// which would take as long again to wipe as to copy.
///
/// Part of a program that links kith_wiping_delete, and of the shared libraries that it uses. The default operator new
/// stays: it takes memory from malloc, also where it is aligned. Blocks of C libraries are theirs to wipe.
namespace {

constexpr std::size_t kMostBytes =
    std::size_t{16} * 1024;  // a pairing link, the longest of such texts, has 4 KiB at most

void wipe_and_free(void* block) noexcept {
  if (block == nullptr) return;
  if (auto const size = ::malloc_usable_size(block); size <= kMostBytes) sodium_memzero(block, size);
  std::free(block);
}

}  // namespace

// NOLINTBEGIN(misc-new-delete-overloads): see above
void operator delete(void* block) noexcept { wipe_and_free(block); }
void operator delete[](void* block) noexcept { wipe_and_free(block); }
void operator delete(void* block, std::size_t) noexcept { wipe_and_free(block); }
void operator delete[](void* block, std::size_t) noexcept { wipe_and_free(block); }
void operator delete(void* block, std::align_val_t) noexcept { wipe_and_free(block); }
void operator delete[](void* block, std::align_val_t) noexcept { wipe_and_free(block); }
void operator delete(void* block, std::size_t, std::align_val_t) noexcept { wipe_and_free(block); }
void operator delete[](void* block, std::size_t, std::align_val_t) noexcept { wipe_and_free(block); }
void operator delete(void* block, std::nothrow_t const&) noexcept { wipe_and_free(block); }
void operator delete[](void* block, std::nothrow_t const&) noexcept { wipe_and_free(block); }
void operator delete(void* block, std::align_val_t, std::nothrow_t const&) noexcept { wipe_and_free(block); }
void operator delete[](void* block, std::align_val_t, std::nothrow_t const&) noexcept { wipe_and_free(block); }
// NOLINTEND(misc-new-delete-overloads)
