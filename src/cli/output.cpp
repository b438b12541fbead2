#include "cli/output.hpp"

#include <algorithm>
#include <cerrno>

#include <fmt/format.h>
#include <poll.h>
#include <unistd.h>

#include "base/assert.hpp"
#include "base/text.hpp"
#include "engine/error.hpp"

namespace kith::cli {
namespace {

constexpr std::size_t kBufferBytes = std::size_t{64} * 1024;
constexpr std::string_view kClearLine = "\r\x1b[K";

/// @return 0 or an errno
int write_all(int descriptor, std::string_view text) {
  while (!text.empty()) {
    auto const written = ::write(descriptor, text.data(), text.size());
    if (written >= 0) {
      text.remove_prefix(static_cast<std::size_t>(written));
    } else if (errno == EAGAIN) {  // whoever made the pipe may have made it non-blocking
      pollfd wait{descriptor, POLLOUT, 0};
      ::poll(&wait, 1, -1);
    } else if (errno != EINTR) {
      return errno;
    }
  }
  return 0;
}

std::string colored(std::string_view code, std::string_view text, bool color) {
  return color ? fmt::format("\x1b[{}m{}\x1b[0m", code, text) : std::string(text);
}

}  // namespace

Output::Output(GlobalOptions const& global, engine::Environment const& environment)
    : json_(global.json),
      quiet_(global.quiet),
      environment_(environment),
      out_style_(style_of(STDOUT_FILENO, environment, global.no_color)),
      err_style_(style_of(STDERR_FILENO, environment, global.no_color)) {
  auto const add = [&](std::string_view flag, std::optional<std::string> const& value) {
    if (value) home_flags_ += fmt::format("{} {} ", flag, engine::shell_quoted(*value));
  };
  add("--home", global.home.home);
  add("--profile", global.home.profile);
  add("--config", global.home.config);
}

Output::~Output() {
  std::lock_guard const lock(mutex_);
  clear_status();
  flush_out();
}

std::size_t Output::out_columns() const { return terminal_columns(STDOUT_FILENO, environment_); }
std::size_t Output::err_columns() const { return terminal_columns(STDERR_FILENO, environment_); }

void Output::result(std::string_view line) {
  if (!json_) block(printable(line) + "\n");
}

void Output::raw(std::string_view bytes) { block(bytes); }

void Output::block(std::string_view text) {
  if (json_) return;
  std::lock_guard const lock(mutex_);
  write_out(text);
}

void Output::document(Json const& json) {
  if (!json_) return;
  KITH_ASSERT(json.is_object() && json.contains("schema"));
  std::lock_guard const lock(mutex_);
  write_out(to_line(json) + "\n");
  flush_out();  // a program that reads lines waits for them
}

void Output::note(std::string_view line) {
  if (json_ || quiet_) return;
  std::lock_guard const lock(mutex_);
  write_err(printable(line) + "\n");
}

void Output::warning(WarningId code, std::string_view line) {
  if (quiet_) return;
  std::lock_guard const lock(mutex_);
  if (json_) {
    auto object = json_line("kith.error/1", "warning");
    object["code"] = code.text();
    object["message"] = printable(line);
    write_err(to_line(object) + "\n");
  } else {
    write_err(fmt::format("{} {}\n", colored("33", "warning:", err_style_.color), printable(line)));
  }
}

int Output::failure(engine::Failure const& explained) {
  auto failure = explained;
  failure.remedies = commands(std::move(failure.remedies));
  std::lock_guard const lock(mutex_);
  flush_out();
  write_err(json_ ? to_line(failure_json(failure)) + "\n" : failure_text(failure, err_style_));
  return failure.exit;
}

void Output::log_line(std::string_view line) {
  std::lock_guard const lock(mutex_);
  write_err(printable(line) + "\n");
}

void Output::set_status(std::string line) {
  std::lock_guard const lock(mutex_);
  if (!err_style_.terminal || line == status_) return;
  clear_status();
  status_ = std::move(line);
  draw_status();
}

Result<> Output::flush() {
  std::lock_guard const lock(mutex_);
  flush_out();
  if (out_error_ == 0) return {};
  return fail(engine::EngineError::output_failed, SystemDetail{out_error_, ""});
}

std::string Output::command(std::string_view line) const {
  bool const of_kith = line.starts_with("kith ");
  bool const names_home = line.find(" --home ") != std::string_view::npos;
  bool const needs_home = !line.starts_with("kith help") && !line.starts_with("kith version");
  if (!of_kith || names_home || !needs_home || home_flags_.empty()) return std::string(line);
  return fmt::format("kith {}{}", home_flags_, line.substr(std::string_view("kith ").size()));
}

std::vector<engine::Remedy> Output::commands(std::vector<engine::Remedy> remedies) const {
  for (auto& each : remedies) {
    if (!each.explanation.starts_with("on ")) each.command = command(each.command);  // "on the other device: ..."
  }
  return remedies;
}

std::string Output::bold(std::string_view text) const { return colored("1", text, out_style_.color); }
std::string Output::dim(std::string_view text) const { return colored("2", text, out_style_.color); }

void Output::write_out(std::string_view text) {
  pending_ += text;
  if (out_style_.terminal || pending_.size() >= kBufferBytes) flush_out();
}

void Output::flush_out() {
  if (pending_.empty()) return;
  std::string const status = out_style_.terminal ? status_ : "";
  if (!status.empty()) clear_status();
  if (out_error_ == 0) out_error_ = write_all(STDOUT_FILENO, pending_);
  pending_.clear();
  if (!status.empty()) {
    status_ = status;
    draw_status();
  }
}

void Output::write_err(std::string_view text) {
  std::string const status = status_;
  clear_status();
  write_all(STDERR_FILENO, text);  // nobody is left to be told of a failure
  status_ = status;
  draw_status();
}

void Output::clear_status() {
  if (status_.empty()) return;
  if (err_style_.moves) {
    write_all(STDERR_FILENO, kClearLine);
  } else {
    write_all(STDERR_FILENO, "\r" + std::string(display_width(status_), ' ') + "\r");
  }
  status_.clear();
}

void Output::draw_status() {
  if (!status_.empty()) write_all(STDERR_FILENO, status_);
}

std::string failure_text(engine::Failure const& failure, StreamStyle const& style) {
  auto const separator = Glyphs{style.utf8}.dot();
  std::string out = fmt::format("{} {}\n", colored("1;31", "error:", style.color), printable(failure.what));
  out += fmt::format("  your data: {}\n",
                     failure.safe ? failure.safe_note.empty() ? "safe" : "safe, " + printable(failure.safe_note)
                                  : "not certain: " + printable(failure.safe_note));
  if (!failure.cause.empty()) out += fmt::format("  cause: {}\n", printable(failure.cause));
  std::size_t widest = 0;
  for (auto const& each : failure.remedies) widest = std::max(widest, display_width(printable(each.command)));
  std::string_view label = "try:";
  for (auto const& each : failure.remedies) {
    out += fmt::format("  {:<6} {}  {}\n", label, padded(printable(each.command), widest), printable(each.explanation));
    label = "";
  }
  return out + fmt::format("  {} (exit {}) {} kith help {}\n", failure.code, failure.exit, separator, failure.code);
}

Json remedies_json(std::vector<engine::Remedy> const& remedies) {
  auto list = Json::array();
  for (auto const& each : remedies) list.push_back({{"command", each.command}, {"explanation", each.explanation}});
  return list;
}

Json failure_json(engine::Failure const& failure) {
  auto object = json_line("kith.error/1", "error");
  object["code"] = failure.code;
  object["exit"] = failure.exit;
  object["message"] = failure.what;
  object["cause"] = failure.cause.empty() ? Json() : Json(failure.cause);
  object["safe"] = failure.safe;
  object["remedy"] = remedies_json(failure.remedies);
  return object;
}

}  // namespace kith::cli
