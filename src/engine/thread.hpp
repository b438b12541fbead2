#pragma once

#include <csignal>
#include <thread>
#include <utility>

namespace kith::engine {

/// Starts a thread that leaves signals to the others: the program's own thread handles them, one after the other.
/// Signals for what a thread does itself, such as SIGSEGV, still reach it.
template <class Run>
[[nodiscard]] std::thread start_thread(Run run) {
  sigset_t blocked, before;
  sigfillset(&blocked);
  for (int const own : {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT, SIGTRAP, SIGSYS}) sigdelset(&blocked, own);
  pthread_sigmask(SIG_SETMASK, &blocked, &before);  // a new thread begins with the mask of the one that makes it
  std::thread thread(std::move(run));
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
  return thread;
}

}  // namespace kith::engine
