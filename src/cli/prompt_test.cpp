#include "cli/prompt.hpp"

#include <csignal>

#include <gtest/gtest.h>
#include <termios.h>

#include "cli/pty_testing.hpp"
#include "cli/signals.hpp"
#include "engine/error.hpp"

namespace kith::cli {
namespace {

using namespace std::chrono_literals;
using engine::EngineError;
using testing::AtTerminal;

/// Exit codes by which the child tells what came out.
constexpr int kYes = 10, kNo = 11, kInterrupted = 12, kNoTerminal = 13, kTimedOut = 14, kText = 15, kOther = 16,
              kNoAnswer = 17;

int code_of(Error const& error) {
  if (error.is(EngineError::interrupted)) return kInterrupted;
  if (error.is(EngineError::no_terminal)) return kNoTerminal;
  if (error.is(EngineError::timed_out)) return kTimedOut;
  if (error.is(EngineError::no_answer)) return kNoAnswer;
  return kOther;
}

int with_prompt(bool yes, std::function<int(Prompt&)> const& ask) {
  signals::install();
  GlobalOptions const global;
  auto const environment = engine::Environment::of({{"TERM", "xterm"}, {"LANG", "C.UTF-8"}});
  Output output(global, environment);
  Prompt prompt(output, yes);
  return ask(prompt);
}
int confirm(bool yes, std::optional<std::chrono::milliseconds> within = {}) {
  return with_prompt(yes, [&](Prompt& prompt) {
    auto const until = within ? std::optional(Clock::now() + *within) : std::nullopt;
    auto const answer = prompt.confirm("Is \"a\x1b[2J\" yours?", until);
    return answer ? (*answer ? kYes : kNo) : code_of(answer.error());
  });
}
int text_is(std::string_view expected) {
  return with_prompt(false, [&](Prompt& prompt) {
    auto const answer = prompt.text("Name?");
    return answer ? (*answer == expected ? kText : kOther) : code_of(answer.error());
  });
}
int secret_is(std::string_view expected) {
  return with_prompt(false, [&](Prompt& prompt) {
    auto const answer = prompt.hidden("Passphrase");
    return answer ? (answer->text() == expected ? kText : kOther) : code_of(answer.error());
  });
}

TEST(Prompt, YesAndNo) {
  for (auto const& [typed, expected] : std::vector<std::pair<std::string, int>>{
           {"y\n", kYes}, {"YES\n", kYes}, {" y \n", kYes}, {"n\n", kNo}, {"No\n", kNo}, {"\n", kNo}}) {
    AtTerminal terminal(80, [] { return confirm(false); });
    ASSERT_TRUE(terminal.sees("Is \"a\\x1b[2J\" yours? [y/N] "));
    terminal.type(typed);
    EXPECT_EQ(terminal.wait(), expected) << typed;
  }
}

TEST(Prompt, AsksAgainWhereTheAnswerIsNeither) {
  AtTerminal terminal(80, [] { return confirm(false); });
  ASSERT_TRUE(terminal.sees("[y/N] "));
  terminal.type("maybe\n");
  ASSERT_TRUE(terminal.sees("Please answer y or n: [y/N] "));
  terminal.type("y\n");
  EXPECT_EQ(terminal.wait(), kYes);
}

TEST(Prompt, WhatWasTypedBeforeTheQuestionIsNoAnswer) {
  AtTerminal terminal(80, [] {
    [[maybe_unused]] auto const ignored = ::write(1, "waiting", 7);
    pollfd typed{0, POLLIN, 0};
    if (::poll(&typed, 1, 10'000) != 1) return kOther;
    return confirm(false);
  });
  ASSERT_TRUE(terminal.sees("waiting"));
  terminal.type("y\ny");
  ASSERT_TRUE(terminal.sees("[y/N] "));
  terminal.type("n\n");
  EXPECT_EQ(terminal.wait(), kNo);
}

TEST(Prompt, DoesNotAskWithYes) {
  AtTerminal terminal(80, [] { return confirm(true); });
  EXPECT_EQ(terminal.wait(), kYes);
  EXPECT_EQ(terminal.shown(), "");
}

TEST(Prompt, AnswersThatNeverComeEndWithTheTime) {
  AtTerminal terminal(80, [] { return confirm(false, 50ms); });
  EXPECT_EQ(terminal.wait(), kTimedOut);
}

TEST(Prompt, CtrlDIsNoAndNoAnswer) {
  AtTerminal confirming(80, [] { return confirm(false); });
  ASSERT_TRUE(confirming.sees("[y/N] "));
  confirming.type("\x04");
  EXPECT_EQ(confirming.wait(), kNo);
  AtTerminal typing(80, [] { return text_is(""); });
  ASSERT_TRUE(typing.sees("Name? "));
  typing.type("\x04");
  EXPECT_EQ(typing.wait(), kNoAnswer);
}

TEST(Prompt, AQuestionThatIsOverTakesNoAnswer) {
  AtTerminal terminal(80, [] {
    return with_prompt(false, [](Prompt& prompt) {
      auto const until = Clock::now() + 400ms;
      auto const first = prompt.confirm_while("Is it the first?", [&] { return Clock::now() < until; });
      if (!first || first->has_value()) return kOther;
      auto const second = prompt.confirm_while("Is it the second?", [] { return true; });
      return second && *second ? (**second ? kYes : kNo) : kOther;
    });
  });
  ASSERT_TRUE(terminal.sees("Is it the first? [y/N] "));
  terminal.type("y");  // and no line end in time
  ASSERT_TRUE(terminal.sees("Is it the second? [y/N] "));
  terminal.type("n\n");
  EXPECT_EQ(terminal.wait(), kNo);
}

TEST(Prompt, SignalsEndIt) {
  AtTerminal stopped(80, [] { return confirm(false); });
  ASSERT_TRUE(stopped.sees("[y/N] "));
  stopped.type("\x03");
  EXPECT_EQ(stopped.wait(), kInterrupted);
  AtTerminal terminal(80, [] { return secret_is("x"); });
  ASSERT_TRUE(terminal.sees("Passphrase: "));
  terminal.signal(SIGUSR1);  // asks for progress: no reason to stop
  terminal.type("x");
  terminal.signal(SIGTERM);
  EXPECT_EQ(terminal.wait(), kInterrupted);
}

TEST(Prompt, TakesALine) {
  AtTerminal terminal(80, [] { return text_is("two words"); });
  ASSERT_TRUE(terminal.sees("Name? "));
  terminal.type("  two words \t\nmore\n");
  EXPECT_EQ(terminal.wait(), kText);
}

TEST(Prompt, ASecretIsNotShownAndEchoComesBack) {
  AtTerminal terminal(80, [] {
    int const code = secret_is("  sec ret");
    termios settings{};
    return ::tcgetattr(0, &settings) == 0 && (settings.c_lflag & ECHO) != 0 ? code : kOther;
  });
  ASSERT_TRUE(terminal.sees("Passphrase: "));
  terminal.type("  sec ret\n");
  EXPECT_EQ(terminal.wait(), kText);
  EXPECT_EQ(terminal.shown().find("sec"), std::string::npos);
}

TEST(Prompt, EchoComesBackWhenASecondSignalEndsTheProgram) {
  AtTerminal terminal(80, [] {
    pid_t const child = ::fork();
    if (child == 0) {
      ::signal(SIGALRM, [](int) { ::raise(SIGTERM), ::raise(SIGTERM); });
      ::alarm(1);
      ::_exit(secret_is("never"));
    }
    int status = 0;
    ::waitpid(child, &status, 0);
    termios settings{};
    ::tcgetattr(0, &settings);
    bool const echo = (settings.c_lflag & ECHO) != 0;
    return WIFEXITED(status) && WEXITSTATUS(status) == 128 + SIGTERM && echo ? kText : kOther;
  });
  EXPECT_EQ(terminal.wait(), kText);
}

TEST(Prompt, RefusesWithoutATerminal) {
  pid_t const child = ::fork();
  if (child == 0) {
    ::setsid();  // leaves the terminal behind
    ::_exit(with_prompt(false, [](Prompt& prompt) {
      bool const all = !prompt.possible() && code_of(prompt.text("?").error()) == kNoTerminal &&
                       code_of(prompt.hidden("?").error()) == kNoTerminal &&
                       code_of(prompt.confirm("?").error()) == kNoTerminal;
      return all ? kNoTerminal : kOther;
    }));
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  EXPECT_EQ(WEXITSTATUS(status), kNoTerminal);
}

}  // namespace
}  // namespace kith::cli
