/// Makes calls of a program to its disk fail: a library that LD_PRELOAD puts in front of the system's.
///
/// The test and the program share a file, KITH_FAULTS_STATE, that both map: the program counts its calls in it, the
/// test says there, also while the program runs, which one is to fail. Only calls below the directories in
/// KITH_FAULTS_BELOW (separated by colons) count, on files and directories: no sockets, pipes, or what belongs to the
/// system.
///
/// Nothing here allocates, locks or calls what it stands in front of: any thread may be anywhere when it comes here.
#include <atomic>
#include <cerrno>
#include <climits>
#include <cstdarg>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <optional>

#include <dlfcn.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <unistd.h>

namespace {

enum Kind : std::uint64_t { kOpen, kWrite, kTruncate, kSync, kRename, kUnlink, kMake, kKinds };

enum Mode : std::uint64_t {
  kOnceBroken,  ///< one call: EIO
  kOnceNoRoom,  ///< one call: EMFILE where it opens something, else ENOSPC
  kFull,        ///< from that call on, all that take room: ENOSPC, until `fail_at` is 0 again
  kShort,       ///< from that call on, writes take half of what they are given, until `fail_at` is 0 again
  kShortFull,   ///< the same for the first of them, and from there on as kFull: how a disk fills up
  kBroken,      ///< from that call on, all: EIO, until `fail_at` is 0 again
};

/// As tests/e2e/io_faults.py packs it: 64-bit numbers, then the path of the last call that failed.
struct State {
  std::atomic<std::uint64_t> calls;    ///< since the test set it to 0
  std::atomic<std::uint64_t> fail_at;  ///< the first call is 1; 0: none fails
  std::atomic<std::uint64_t> mode;
  std::atomic<std::uint64_t> hits;      ///< calls that failed
  std::atomic<std::uint64_t> hit_kind;  ///< of the first of them
  std::atomic<std::uint64_t> of_kind[kKinds];
  char hit_path[512];
};
static_assert(std::atomic<std::uint64_t>::is_always_lock_free);
static_assert(sizeof(State) == 12 * 8 + 512);

/// Room for a path and one more below it.
using Path = char[2 * PATH_MAX];

State* map_state() {
  auto const* const name = std::getenv("KITH_FAULTS_STATE");
  if (name == nullptr) return nullptr;
  auto const fd = ::open(name, O_RDWR | O_CLOEXEC);
  if (fd < 0) return nullptr;
  void* const at = ::mmap(nullptr, sizeof(State), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  ::close(fd);
  return at == MAP_FAILED ? nullptr : static_cast<State*>(at);
}

std::atomic<State*> shared = nullptr;
char const* below = nullptr;

/// Before main() there is one thread; calls that come before this go through unseen.
__attribute__((constructor)) void begin() {
  below = std::getenv("KITH_FAULTS_BELOW");
  if (below != nullptr) shared = map_state();
}

/// The function that this library stands in front of.
template <class Function>
Function* real(char const* name, std::atomic<void*>& kept) {
  void* found = kept.load(std::memory_order_acquire);
  if (found == nullptr) {
    found = ::dlsym(RTLD_NEXT, name);
    kept.store(found, std::memory_order_release);
  }
  Function* function = nullptr;
  std::memcpy(&function, &found, sizeof function);
  return function;
}

#define KITH_REAL(name)                         \
  ([]() -> decltype(&::name) {                  \
    static std::atomic<void*> kept = nullptr;   \
    return real<decltype(::name)>(#name, kept); \
  }())

/// The path that a descriptor was opened at, as the kernel knows it. @return false where it has none
bool path_of(int fd, Path& path) {
  char link[32];
  std::snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
  auto const size = ::readlink(link, path, PATH_MAX - 1);
  path[size > 0 ? size : 0] = 0;
  return size > 0 && path[0] == '/';
}

bool path_at(int directory, char const* name, Path& path) {
  std::size_t size = 0;
  if (name == nullptr) return false;
  if (name[0] != '/') {
    if (directory == AT_FDCWD) {
      auto const length = ::readlink("/proc/self/cwd", path, PATH_MAX - 1);
      if (length <= 0) return false;
      path[length] = 0;
    } else if (!path_of(directory, path)) {
      return false;
    }
    size = std::strlen(path);
    path[size++] = '/';
  }
  auto const more = ::strnlen(name, PATH_MAX - 1);
  std::memcpy(path + size, name, more);
  path[size + more] = 0;
  return true;
}

bool is_below(char const* path) {
  for (char const* at = below; at != nullptr && *at != 0;) {
    auto const* const end = std::strchr(at, ':');
    auto const size = end == nullptr ? std::strlen(at) : static_cast<std::size_t>(end - at);
    if (size > 0 && std::strncmp(path, at, size) == 0 && (path[size] == '/' || path[size] == 0)) return true;
    at = end == nullptr ? nullptr : end + 1;
  }
  return false;
}

/// Instead of an error: the write is to take half.
constexpr int kHalf = -1;

/// What is to become of a call from `fail_at` on. @return an error, kHalf, or 0
int verdict(std::uint64_t mode, Kind kind, bool first, bool takes_room, bool can_be_short, bool at_once) {
  switch (mode) {
    case kOnceBroken: return at_once ? EIO : 0;
    case kOnceNoRoom: return !at_once ? 0 : kind == kOpen ? EMFILE : ENOSPC;
    case kShort: return can_be_short ? kHalf : 0;
    case kShortFull: return first && can_be_short ? kHalf : first ? 0 : takes_room ? ENOSPC : 0;
    case kBroken: return EIO;
    default: return takes_room ? ENOSPC : 0;
  }
}

/// Counts a call. @return the error that it is to fail with, kHalf, or 0
int counted(Kind kind, char const* path, bool takes_room, bool can_be_short) {
  auto* const state = shared.load(std::memory_order_relaxed);
  if (state == nullptr || !is_below(path)) return 0;
  auto const number = state->calls.fetch_add(1) + 1;
  state->of_kind[kind].fetch_add(1);
  auto const fail_at = state->fail_at.load();
  auto const mode = state->mode.load();
  if (fail_at == 0 || number < fail_at) return 0;
  auto const found = verdict(mode, kind, state->hits.load() == 0, takes_room, can_be_short, number == fail_at);
  if (found != 0 && state->hits.fetch_add(1) == 0) {
    state->hit_kind = kind;
    std::snprintf(state->hit_path, sizeof state->hit_path, "%s", path);
  }
  return found;
}

int refused_at(Kind kind, int directory, char const* name, bool takes_room) {
  if (shared.load(std::memory_order_relaxed) == nullptr) return 0;
  auto const before = errno;
  Path path;
  auto const found = path_at(directory, name, path) ? counted(kind, path, takes_room, false) : 0;
  errno = found == 0 ? before : found;
  return found;
}

int judged(Kind kind, int fd, bool takes_room, std::size_t size) {
  if (shared.load(std::memory_order_relaxed) == nullptr) return 0;
  auto const before = errno;
  struct stat facts {};
  Path path;
  int found = 0;
  if (::fstat(fd, &facts) == 0 && (S_ISREG(facts.st_mode) || S_ISDIR(facts.st_mode)) && path_of(fd, path))
    found = counted(kind, path, takes_room, size > 1);
  errno = found <= 0 ? before : found;
  return found;
}
int refused(Kind kind, int fd, bool takes_room) { return judged(kind, fd, takes_room, 0); }

/// @return how much of a write of this size goes through; nothing: it fails
std::optional<std::size_t> let_through(int fd, std::size_t size) {
  auto const found = judged(kWrite, fd, true, size);
  if (found > 0) return std::nullopt;
  return found == kHalf ? size / 2 : size;
}

bool creates(int flags) { return (flags & O_CREAT) != 0; }

}  // namespace

#define KITH_MODE_OF(flags)                                 \
  mode_t mode = 0;                                          \
  if (creates(flags) || (flags & O_TMPFILE) == O_TMPFILE) { \
    va_list more;                                           \
    va_start(more, flags);                                  \
    mode = static_cast<mode_t>(va_arg(more, unsigned));     \
    va_end(more);                                           \
  }

extern "C" {

int open(char const* path, int flags, ...) {
  KITH_MODE_OF(flags)
  return refused_at(kOpen, AT_FDCWD, path, creates(flags)) ? -1 : KITH_REAL(open)(path, flags, mode);
}
int open64(char const* path, int flags, ...) {
  KITH_MODE_OF(flags)
  return refused_at(kOpen, AT_FDCWD, path, creates(flags)) ? -1 : KITH_REAL(open64)(path, flags, mode);
}
int openat(int at, char const* path, int flags, ...) {
  KITH_MODE_OF(flags)
  return refused_at(kOpen, at, path, creates(flags)) ? -1 : KITH_REAL(openat)(at, path, flags, mode);
}
int openat64(int at, char const* path, int flags, ...) {
  KITH_MODE_OF(flags)
  return refused_at(kOpen, at, path, creates(flags)) ? -1 : KITH_REAL(openat64)(at, path, flags, mode);
}
int creat(char const* path, mode_t mode) {
  return refused_at(kOpen, AT_FDCWD, path, true) ? -1 : KITH_REAL(creat)(path, mode);
}
FILE* fopen(char const* path, char const* mode) {
  return refused_at(kOpen, AT_FDCWD, path, mode[0] != 'r') ? nullptr : KITH_REAL(fopen)(path, mode);
}
FILE* fopen64(char const* path, char const* mode) {
  return refused_at(kOpen, AT_FDCWD, path, mode[0] != 'r') ? nullptr : KITH_REAL(fopen64)(path, mode);
}

ssize_t write(int fd, void const* data, size_t size) {
  auto const most = let_through(fd, size);
  return most ? KITH_REAL(write)(fd, data, *most) : -1;
}
ssize_t writev(int fd, iovec const* pieces, int count) {
  return refused(kWrite, fd, true) ? -1 : KITH_REAL(writev)(fd, pieces, count);
}
ssize_t pwrite(int fd, void const* data, size_t size, off_t at) {
  auto const most = let_through(fd, size);
  return most ? KITH_REAL(pwrite)(fd, data, *most, at) : -1;
}
ssize_t pwrite64(int fd, void const* data, size_t size, off64_t at) {
  auto const most = let_through(fd, size);
  return most ? KITH_REAL(pwrite64)(fd, data, *most, at) : -1;
}

int ftruncate(int fd, off_t size) noexcept {
  return refused(kTruncate, fd, size > 0) ? -1 : KITH_REAL(ftruncate)(fd, size);
}
int ftruncate64(int fd, off64_t size) noexcept {
  return refused(kTruncate, fd, size > 0) ? -1 : KITH_REAL(ftruncate64)(fd, size);
}

int fsync(int fd) { return refused(kSync, fd, false) ? -1 : KITH_REAL(fsync)(fd); }
int fdatasync(int fd) { return refused(kSync, fd, false) ? -1 : KITH_REAL(fdatasync)(fd); }
int syncfs(int fd) noexcept { return refused(kSync, fd, false) ? -1 : KITH_REAL(syncfs)(fd); }

int rename(char const* from, char const* to) noexcept {
  return refused_at(kRename, AT_FDCWD, from, true) ? -1 : KITH_REAL(rename)(from, to);
}
int renameat(int from_at, char const* from, int to_at, char const* to) noexcept {
  return refused_at(kRename, from_at, from, true) ? -1 : KITH_REAL(renameat)(from_at, from, to_at, to);
}
int renameat2(int from_at, char const* from, int to_at, char const* to, unsigned flags) noexcept {
  return refused_at(kRename, from_at, from, true) ? -1 : KITH_REAL(renameat2)(from_at, from, to_at, to, flags);
}
int linkat(int from_at, char const* from, int to_at, char const* to, int flags) noexcept {
  return refused_at(kRename, from_at, from, true) ? -1 : KITH_REAL(linkat)(from_at, from, to_at, to, flags);
}

int unlink(char const* path) noexcept {
  return refused_at(kUnlink, AT_FDCWD, path, false) ? -1 : KITH_REAL(unlink)(path);
}
int unlinkat(int at, char const* path, int flags) noexcept {
  return refused_at(kUnlink, at, path, false) ? -1 : KITH_REAL(unlinkat)(at, path, flags);
}

int mkdir(char const* path, mode_t mode) noexcept {
  return refused_at(kMake, AT_FDCWD, path, true) ? -1 : KITH_REAL(mkdir)(path, mode);
}
int mkdirat(int at, char const* path, mode_t mode) noexcept {
  return refused_at(kMake, at, path, true) ? -1 : KITH_REAL(mkdirat)(at, path, mode);
}

/// What has no function of its own in older libraries comes by its number.
long syscall(long number, ...) noexcept {
  long a[6];
  va_list more;
  va_start(more, number);
  for (auto& each : a) each = va_arg(more, long);
  va_end(more);
  auto const text = [](long value) { return reinterpret_cast<char const*>(value); };
  if (number == SYS_renameat2 && refused_at(kRename, static_cast<int>(a[0]), text(a[1]), true)) return -1;
  if (number == SYS_openat2 && refused_at(kOpen, static_cast<int>(a[0]), text(a[1]), false)) return -1;
  return KITH_REAL(syscall)(number, a[0], a[1], a[2], a[3], a[4], a[5]);
}

}  // extern "C"
