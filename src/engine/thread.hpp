#pragma once

#include <atomic>
#include <csignal>
#include <thread>
#include <utility>

namespace kith::engine {

/// Whether a thread was left behind that hangs in the system: the program then ends without taking down what that one
/// may still use.
inline std::atomic<bool> a_thread_was_left_behind{false};

/// Starts a thread that leaves signals to the others: the program's own thread handles them, one after the other.
/// Signals for what a thread does itself, such as SIGSEGV, still reach it.
/// @throws std::system_error where the system has no thread to give
template <class Run>
[[nodiscard]] std::thread start_thread(Run run) {
  // A new thread begins with the mask of the one that makes it, which gets its own back even where none can be made.
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

}  // namespace kith::engine
