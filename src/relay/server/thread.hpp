#pragma once

#include <csignal>
#include <thread>

namespace kith::relay::server {

/// Starts a thread that leaves signals to the program's own, which handles them one after the other. Signals for what a
/// thread does itself, such as SIGSEGV, still reach it.
/// @throws std::system_error where the system has no thread to give
template <class Run>
[[nodiscard]] std::thread start_thread(Run run) {
  struct Mask {
    Mask() {
      sigset_t blocked;
      sigfillset(&blocked);
      for (int const own : {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT, SIGTRAP, SIGSYS}) sigdelset(&blocked, own);
      pthread_sigmask(SIG_SETMASK, &blocked, &before);
    }
    ~Mask() { pthread_sigmask(SIG_SETMASK, &before, nullptr); }
    sigset_t before;
  } const mask;
  return std::thread(std::move(run));
}

}  // namespace kith::relay::server
