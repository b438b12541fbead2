#pragma once

#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <functional>
#include <string>

#include <poll.h>
#include <pty.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/time.hpp"

/// Runs a piece of the program at a terminal of its own.
namespace kith::cli::testing {

class AtTerminal {
 public:
  /// @param work  runs in a child process whose standard streams and /dev/tty are the terminal; returns its exit code
  AtTerminal(unsigned short columns, std::function<int()> const& work) {
    winsize const size{24, columns, 0, 0};
    child_ = ::forkpty(&master_, nullptr, nullptr, &size);
    if (child_ < 0) std::abort();
    if (child_ == 0) ::_exit(work());
  }
  AtTerminal(AtTerminal const&) = delete;
  ~AtTerminal() {
    if (child_ > 0) {
      ::kill(child_, SIGKILL);
      ::waitpid(child_, nullptr, 0);
    }
    ::close(master_);
  }

  /// Waits until what was shown holds `text`. @return false after ten seconds, or when the program ended without it
  bool sees(std::string_view text) {
    auto const until = Clock::now() + std::chrono::seconds{10};
    while (shown_.find(text) == std::string::npos) {
      if (Clock::now() > until || !read_some()) return false;
    }
    return true;
  }
  void type(std::string_view text) { [[maybe_unused]] auto const ignored = ::write(master_, text.data(), text.size()); }
  void signal(int number) { ::kill(child_, number); }
  void forget() { shown_.clear(); }

  /// Waits for the end. @return the exit code, or 1000 + the number of the signal that ended it
  int wait() {
    while (read_some()) {
    }
    int status = 0;
    ::waitpid(child_, &status, 0);
    child_ = 0;
    return WIFEXITED(status) ? WEXITSTATUS(status) : 1000 + WTERMSIG(status);
  }
  [[nodiscard]] std::string const& shown() const { return shown_; }

 private:
  bool read_some() {
    pollfd wait{master_, POLLIN, 0};
    if (::poll(&wait, 1, 10'000) <= 0) return false;
    char bytes[4096];
    auto const got = ::read(master_, bytes, sizeof bytes);  // EIO: the child has closed the terminal
    if (got <= 0) return false;
    shown_.append(bytes, static_cast<std::size_t>(got));
    return true;
  }
  int master_ = -1;
  pid_t child_ = 0;
  std::string shown_;
};

}  // namespace kith::cli::testing
