#include <csignal>
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
#include "crypto/system_random.hpp"
#include "relay/server/program.hpp"

int main(int argc, char** argv) {
  // Files must not take the numbers of standard streams that whoever started us has closed.
  for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; ++fd)
    if (::fcntl(fd, F_GETFD) < 0 && ::open("/dev/null", O_RDWR) < 0) std::_Exit(1);
  ::umask(077);
  rlimit const no_core{0, 0};
  ::setrlimit(RLIMIT_CORE, &no_core);  // a core file would hold the relay's key
  // Nor does another program of its user look into its memory, or one that is handed cores whatever the limit.
  if (kith::kPrivateMemory) ::prctl(PR_SET_DUMPABLE, 0);
  std::signal(SIGPIPE, SIG_IGN);
  kith::crypto::initialise();
  try {
    return kith::relay::server::run_program(argc, argv);
  } catch (std::bad_alloc const&) {
    std::fputs("error: out of memory\n", stderr);
  } catch (std::exception const& error) {
    std::fprintf(stderr, "error: kith-relay met something that should not happen: %s\n", error.what());
  }
  return 1;
}
