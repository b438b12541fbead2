#include "cli/signals.hpp"

#include <atomic>
#include <cerrno>
#include <csignal>

#include <fcntl.h>
#include <termios.h>
#include <unistd.h>

#include "base/assert.hpp"

namespace kith::cli::signals {
namespace {

// A handler may touch lock-free atomics only.
std::atomic<int> stopped_by = 0;
std::atomic<bool> progress_wanted = false;
std::atomic<int> silent_terminal = -1;
std::atomic<int> wake_reader = -1, wake_writer = -1;
static_assert(std::atomic<int>::is_always_lock_free && std::atomic<bool>::is_always_lock_free);

void wake() {
  char const byte = 0;
  [[maybe_unused]] auto const ignored = ::write(wake_writer, &byte, 1);  // a full pipe is awake enough
}

void give_echo_back() {
  int const terminal = silent_terminal;
  termios settings{};
  if (terminal < 0 || ::tcgetattr(terminal, &settings) != 0) return;
  settings.c_lflag |= ECHO;
  ::tcsetattr(terminal, TCSANOW, &settings);
}

void on_stop(int number) {
  int const before = errno;
  int none = 0;
  if (!stopped_by.compare_exchange_strong(none, number)) {
    give_echo_back();
    ::_exit(128 + number);
  }
  wake();
  errno = before;
}

void on_progress(int) {
  int const before = errno;
  progress_wanted = true;
  wake();
  errno = before;
}

/// Without SA_RESTART: a read that waits for the user returns.
void handle(int number, void (*handler)(int)) {
  struct sigaction action {};
  action.sa_handler = handler;
  sigemptyset(&action.sa_mask);
  KITH_ASSERT(::sigaction(number, &action, nullptr) == 0);
}

bool is_ignored(int number) {
  struct sigaction action {};
  return ::sigaction(number, nullptr, &action) == 0 && action.sa_handler == SIG_IGN;
}

}  // namespace

void install() {
  int ends[2];
  KITH_ASSERT(::pipe2(ends, O_CLOEXEC | O_NONBLOCK) == 0);
  wake_reader = ends[0];
  wake_writer = ends[1];
  handle(SIGPIPE, SIG_IGN);
  if (!is_ignored(SIGINT)) handle(SIGINT, on_stop);  // a shell starts background jobs that ignore it
  handle(SIGTERM, on_stop);
  handle(SIGUSR1, on_progress);
}

int stop_signal() { return stopped_by; }
void forget_stop() { stopped_by = 0; }

int wake_descriptor() { return wake_reader; }

void drain() {
  char bytes[64];
  while (::read(wake_reader, bytes, sizeof bytes) > 0) {
  }
}

bool take_progress_request() { return progress_wanted.exchange(false); }

void echo_is_off(int terminal) { silent_terminal = terminal; }
void echo_is_on() { silent_terminal = -1; }

}  // namespace kith::cli::signals
