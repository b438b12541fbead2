#include "cli/prompt.hpp"

#include <array>
#include <cerrno>
#include <climits>

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <termios.h>
#include <unistd.h>

#include "base/text.hpp"
#include "cli/signals.hpp"
#include "disk/fd.hpp"
#include "engine/error.hpp"

namespace kith::cli {
namespace {

using engine::EngineError;

constexpr int kLookAgainMs = 200;
constexpr std::size_t kMostLine = 4095;  // of a terminal in line mode (termios(3))

disk::Fd open_terminal() { return disk::Fd(::open("/dev/tty", O_RDWR | O_NOCTTY | O_CLOEXEC)); }

tl::unexpected<Error> interrupted() {
  return fail(EngineError::interrupted, CountDetail{static_cast<std::uint64_t>(signals::stop_signal()), 0});
}

/// Echo off while it lives, also for whoever ends the program at once.
class Silence {
 public:
  explicit Silence(int terminal) : terminal_(terminal) {
    if (::tcgetattr(terminal_, &before_) != 0) return;
    auto silent = before_;
    silent.c_lflag &= ~static_cast<tcflag_t>(ECHO);
    signals::echo_is_off(terminal_);
    on_ = ::tcsetattr(terminal_, TCSAFLUSH, &silent) == 0;
  }
  Silence(Silence const&) = delete;
  ~Silence() {
    if (on_) ::tcsetattr(terminal_, TCSAFLUSH, &before_);
    signals::echo_is_on();
  }
  [[nodiscard]] bool on() const { return on_; }

 private:
  int terminal_;
  termios before_{};
  bool on_ = false;
};

/// @return nothing once the terminal has a line; EngineError::declined once the question is not meant any more
Result<> wait_for_line(int terminal, std::optional<Instant> until, std::function<bool()> const& meant) {
  while (true) {
    if (signals::stop_signal() != 0) return interrupted();
    if (meant && !meant()) return fail(EngineError::declined);
    int wait_ms = meant ? kLookAgainMs : -1;
    if (until) {
      auto const left = std::chrono::ceil<std::chrono::milliseconds>(*until - Clock::now()).count();
      if (left <= 0) return fail(EngineError::timed_out);
      wait_ms = static_cast<int>(std::min<std::int64_t>(left, meant ? kLookAgainMs : INT_MAX));
    }
    std::array<pollfd, 2> waits{{{terminal, POLLIN, 0}, {signals::wake_descriptor(), POLLIN, 0}}};
    int const ready = ::poll(waits.data(), waits.size(), wait_ms);
    if (ready < 0 && errno != EINTR) return fail(EngineError::no_terminal);
    if (ready <= 0) continue;
    if (waits[0].revents != 0) return {};
    if (signals::stop_signal() == 0) signals::drain();  // SIGUSR1: nothing to say here
  }
}

/// One line, without its end. The buffer never grows, so that nothing of it stays in memory.
Result<SecretBytes> read_line(int terminal, std::optional<Instant> until, std::function<bool()> const& meant = {}) {
  Bytes line(kMostLine + 1);
  while (true) {
    if (auto waited = wait_for_line(terminal, until, meant); !waited) return fail(waited.error());
    auto const got = ::read(terminal, line.data(), line.size());
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return fail(EngineError::no_terminal);
    if (got == 0) return fail(EngineError::no_answer);  // Ctrl-D
    line.resize(static_cast<std::size_t>(got));
    if (line.back() == '\n') line.pop_back();
    return SecretBytes(std::move(line));
  }
}

void say(int terminal, std::string_view text) {
  [[maybe_unused]] auto const ignored = ::write(terminal, text.data(), text.size());
}

std::string_view trimmed(std::string_view text) {
  auto const first = text.find_first_not_of(" \t\r");
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(" \t\r") - first + 1);
}

}  // namespace

bool Prompt::possible() const { return open_terminal().valid(); }

Result<std::string> Prompt::text(std::string_view question, std::optional<Instant> until) {
  return ask(question, until, {}, TypedBefore::counts);
}

Result<std::string> Prompt::ask(std::string_view question, std::optional<Instant> until,
                                std::function<bool()> const& meant, TypedBefore typed_before) {
  auto const terminal = open_terminal();
  if (!terminal.valid()) return fail(EngineError::no_terminal, SubjectDetail{std::string(question)});
  output_.set_status("");
  if (typed_before == TypedBefore::dropped) ::tcflush(terminal.get(), TCIFLUSH);
  say(terminal.get(), printable(question) + " ");
  auto line = read_line(terminal.get(), until, meant);
  if (!line) {
    ::tcflush(terminal.get(), TCIFLUSH);  // half an answer to this is none to the next question
    say(terminal.get(), "\n");
    return fail(std::move(line).error());
  }
  return std::string(trimmed(line->text()));
}

namespace {

/// Yes or no; nothing for any other word.
std::optional<bool> meaning_of(std::string answer) {
  for (auto& c : answer) c = ascii_lower(c);
  if (answer == "y" || answer == "yes") return true;
  if (answer.empty() || answer == "n" || answer == "no") return false;
  return std::nullopt;
}

}  // namespace

Result<bool> Prompt::confirm(std::string_view question, std::optional<Instant> until) {
  if (yes_) return true;
  while (true) {
    auto const answer = ask(fmt::format("{} [y/N]", question), until, {}, TypedBefore::dropped);
    if (!answer && answer.error().is(EngineError::no_answer)) return false;
    if (!answer) return fail(answer.error());
    if (auto const yes = meaning_of(*answer)) return *yes;
    question = "Please answer y or n:";
  }
}

Result<std::optional<bool>> Prompt::confirm_while(std::string_view question, std::function<bool()> const& meant) {
  if (yes_) return std::optional(true);
  while (true) {
    auto const answer = ask(fmt::format("{} [y/N]", question), std::nullopt, meant, TypedBefore::dropped);
    if (!answer && answer.error().is(EngineError::declined)) return std::optional<bool>();
    if (!answer && answer.error().is(EngineError::no_answer)) return std::optional(false);
    if (!answer) return fail(answer.error());
    if (auto const yes = meaning_of(*answer)) return yes;
    question = "Please answer y or n:";
  }
}

Result<SecretBytes> Prompt::hidden(std::string_view question, std::optional<Instant> until) {
  auto const terminal = open_terminal();
  if (!terminal.valid()) return fail(EngineError::no_terminal, SubjectDetail{std::string(question)});
  output_.set_status("");
  Silence const silence(terminal.get());
  if (!silence.on()) return fail(EngineError::no_terminal, SubjectDetail{std::string(question)});
  say(terminal.get(), printable(question) + ": ");
  auto line = read_line(terminal.get(), until);
  say(terminal.get(), "\n");  // the user's own line end was not shown
  return line;
}

}  // namespace kith::cli
