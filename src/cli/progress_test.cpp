#include "cli/progress.hpp"

#include <csignal>

#include <gtest/gtest.h>

#include "cli/pty_testing.hpp"
#include "cli/signals.hpp"
#include "engine/error.hpp"

namespace kith::cli {
namespace {

using namespace std::chrono_literals;
using testing::AtTerminal;

/// A transfer of 1000 bytes in ten steps of 50 ms of made-up time.
int transfer(GlobalOptions const& global, engine::Environment const& environment, bool request = false) {
  signals::install();
  Output output(global, environment);
  Instant now{};
  auto const interval = progress_interval(environment);
  if (!interval) return 3;
  Progress progress(output, "photos: sending 1000 B", *interval, now);
  for (std::uint64_t done = 0; done <= 1000; done += 100, now += 50ms) {
    if (request && done == 500) ::raise(SIGUSR1);
    if (done == 600) output.note("a note between");
    progress.update({"photos", done, 1000, 0, 0, "direct"}, now);
  }
  progress.finish("Sent 1000 B");
  return 0;
}

/// What a transfer prints to a pipe.
std::string piped(GlobalOptions const& global, engine::Environment::Variables variables, bool request = false) {
  int ends[2];
  if (::pipe(ends) != 0) return "no pipe";
  pid_t const child = ::fork();
  if (child == 0) {
    ::dup2(ends[1], STDERR_FILENO);
    ::dup2(ends[1], STDOUT_FILENO);
    ::_exit(transfer(global, engine::Environment::of(std::move(variables)), request));
  }
  ::close(ends[1]);
  std::string text;
  char bytes[4096];
  for (ssize_t got = 0; (got = ::read(ends[0], bytes, sizeof bytes)) > 0;)
    text.append(bytes, static_cast<std::size_t>(got));
  ::close(ends[0]);
  int status = 0;
  ::waitpid(child, &status, 0);
  return WEXITSTATUS(status) == 0 ? text : "failed";
}

TEST(Progress, ElsewhereThanAtATerminalTwoLines) {
  EXPECT_EQ(piped({}, {}), "photos: sending 1000 B\na note between\nSent 1000 B\n");
}

TEST(Progress, LinesEachInterval) {
  EXPECT_EQ(piped({}, {{"KITH_PROGRESS_INTERVAL", "200ms"}}),
            "photos: sending 1000 B\n"
            "photos 40%  400/1000 B  2.0 KiB/s  0:01 left  direct\n"
            "a note between\n"
            "photos 80%  800/1000 B  2.0 KiB/s  0:01 left  direct\n"
            "Sent 1000 B\n");
  EXPECT_EQ(piped({}, {{"KITH_PROGRESS_INTERVAL", "often"}}), "failed");
}

TEST(Progress, ASignalGetsALine) {
  EXPECT_EQ(piped({}, {}, true),
            "photos: sending 1000 B\n"
            "photos 50%  500/1000 B  2.0 KiB/s  0:01 left  direct\n"
            "a note between\n"
            "Sent 1000 B\n");
}

TEST(Progress, NothingWhenQuietOrForPrograms) {
  GlobalOptions quiet, json;
  quiet.quiet = true;
  json.json = true;
  EXPECT_EQ(piped(quiet, {{"KITH_PROGRESS_INTERVAL", "50ms"}}, true), "");
  EXPECT_EQ(piped(json, {{"KITH_PROGRESS_INTERVAL", "50ms"}}, true), "");
}

TEST(Progress, ABarAtATerminal) {
  auto const environment = engine::Environment::of({{"TERM", "xterm"}, {"LANG", "C.UTF-8"}});
  AtTerminal terminal(60, [&] { return transfer({}, environment); });
  EXPECT_EQ(terminal.wait(), 0);
  auto const& shown = terminal.shown();
  EXPECT_EQ(shown.find("sending"), std::string::npos);  // the bar stands for it
  EXPECT_NE(shown.find("photos    0%  ╸"), std::string::npos);
  EXPECT_NE(shown.find("photos   40%  ━"), std::string::npos);
  EXPECT_EQ(shown.find(" 50%"), std::string::npos);  // not redrawn more often than ten times a second
  EXPECT_NE(shown.find("\r\x1b[Ka note between\r\n"), std::string::npos);  // the bar makes room for a line
  EXPECT_TRUE(shown.ends_with("\r\x1b[KSent 1000 B\r\n")) << shown;
}

TEST(Progress, OnADumbTerminalPlainCharacters) {
  auto const environment = engine::Environment::of({{"TERM", "dumb"}, {"LANG", "C.UTF-8"}});
  AtTerminal terminal(60, [&] { return transfer({}, environment); });
  EXPECT_EQ(terminal.wait(), 0);
  EXPECT_EQ(terminal.shown().find('\x1b'), std::string::npos);
  EXPECT_NE(terminal.shown().find("[######"), std::string::npos);
  EXPECT_EQ(std::ranges::count_if(terminal.shown(), [](char c) { return (c & 0x80) != 0; }), 0);
  EXPECT_TRUE(terminal.shown().ends_with(" \rSent 1000 B\r\n"));
}

TEST(Signals, TheFirstAsksAndTheSecondEnds) {
  AtTerminal terminal(80, [] {
    signals::install();
    [[maybe_unused]] auto const ready = ::write(1, "ready\n", 6);
    for (int i = 0; signals::stop_signal() == 0 && i < 1000; ++i) ::usleep(10'000);
    [[maybe_unused]] auto const asked = ::write(1, "asked\n", 6);
    for (int i = 0; i < 1000; ++i) ::usleep(10'000);
    return 1;
  });
  ASSERT_TRUE(terminal.sees("ready"));
  terminal.type("\x03");
  ASSERT_TRUE(terminal.sees("asked"));
  terminal.signal(SIGTERM);
  EXPECT_EQ(terminal.wait(), 128 + SIGTERM);
}

TEST(Signals, WakeWhoPolls) {
  AtTerminal terminal(80, [] {
    signals::install();
    ::raise(SIGUSR1);
    pollfd wait{signals::wake_descriptor(), POLLIN, 0};
    bool const woken =
        ::poll(&wait, 1, 5000) == 1 && signals::take_progress_request() && !signals::take_progress_request();
    signals::drain();
    bool const calm = ::poll(&wait, 1, 0) == 0 && signals::stop_signal() == 0;
    ::raise(SIGINT);
    bool const again = ::poll(&wait, 1, 5000) == 1 && signals::stop_signal() == SIGINT;
    return woken && calm && again ? 0 : 1;
  });
  EXPECT_EQ(terminal.wait(), 0);
}

}  // namespace
}  // namespace kith::cli
