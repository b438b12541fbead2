#include <cstdio>
#include <cstdlib>
#include <exception>
#include <new>

#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/private_memory.hpp"
#include "cli/program.hpp"
#include "cli/signals.hpp"
#include "crypto/system_random.hpp"
#include "engine/thread.hpp"

namespace {

/// Whoever started us may have closed standard streams. Then the first files that are opened would take their numbers,
/// and messages would be written into them.
void fill_standard_descriptors() {
  for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; ++fd)
    if (::fcntl(fd, F_GETFD) < 0 && ::open("/dev/null", O_RDWR) < 0) std::_Exit(1);  // takes the lowest free number: fd
}

}  // namespace

/// Answers under the names `kith` and `sync-cli` alike.
int main(int argc, char** argv) {
  fill_standard_descriptors();
  mode_t const user_umask = ::umask(077);  // whatever this program makes is its user's alone
  rlimit const no_core{0, 0};
  ::setrlimit(RLIMIT_CORE, &no_core);                     // a core file would hold the keys
  if (kith::kPrivateMemory) ::prctl(PR_SET_DUMPABLE, 0);  // nor does another program of the user look into our memory
  kith::crypto::initialise();
  kith::cli::signals::install();
  try {
    int const code = kith::cli::run_program({argv + 1, argv + (argc > 0 ? argc : 1)},
                                            kith::engine::Environment::of_process(user_umask));
    if (!kith::engine::a_thread_was_left_behind) return code;
    std::fflush(nullptr);
    std::_Exit(code);
  } catch (std::bad_alloc const&) {
    std::fputs("error: out of memory\n  your data: safe, what was acknowledged is on the disk\n", stderr);
  } catch (std::exception const& error) {
    std::fprintf(stderr, "error: kith met something that should not happen: %s\n  internal-error (exit 1)\n",
                 error.what());
  }
  return 1;
}
