#include "relay/server/log.hpp"

#include <atomic>
#include <map>
#include <mutex>

#include <fmt/format.h>
#include <unistd.h>

#include "base/assert.hpp"
#include "base/text.hpp"
#include "base/time.hpp"

namespace kith::relay::server::log {
namespace {

std::string_view name_of(LogLevel level) {
  switch (level) {
    case LogLevel::error: return "error";
    case LogLevel::warn: return "warn";
    case LogLevel::info: return "info";
    case LogLevel::debug: return "debug";
  }
  KITH_UNREACHABLE();
}

/// One write per line, so that lines of several threads do not mix.
void write_to_stderr(std::string_view line) {
  std::string whole(line);
  whole += '\n';
  [[maybe_unused]] auto const ignored = ::write(STDERR_FILENO, whole.data(), whole.size());
}

struct Window {
  Instant begin;
  unsigned lines = 0;
  std::uint64_t left_out = 0;
};
struct State {
  std::mutex mutex;
  Writer write;
  bool addresses = false;
  std::map<std::string_view, Window> windows;  ///< by event: a literal
};
State& state() {
  static State only;
  return only;
}
std::atomic<int> most_verbose = -1;

/// How many lines of the event were left out before this one; nullopt where this one is left out too.
std::optional<std::uint64_t> admit(State& log, LogLevel level, std::string_view event) {
  if (level == LogLevel::debug) return 0;
  auto const now = Clock::now();
  auto& window = log.windows[event];
  if (window.lines == 0 || window.begin + kWindow <= now) {
    window.begin = now;
    window.lines = 0;
  }
  if (++window.lines > kLinesPerWindow) {
    ++window.left_out;
    return std::nullopt;
  }
  return std::exchange(window.left_out, 0);
}

void write(LogLevel level, Literal event, Fields fields) {
  if (static_cast<int>(level) > most_verbose.load(std::memory_order_relaxed)) return;
  auto& log = state();
  std::lock_guard const lock(log.mutex);
  if (!log.write) return;
  auto const left_out = admit(log, level, event.text());
  if (!left_out) return;
  auto const wall =
      std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::system_clock::now().time_since_epoch());
  auto line = fmt::format("{} {} {}", rfc3339({wall.count()}), name_of(level), event.text());
  for (auto const& field : fields)
    if (!field.is_client() || log.addresses) line += fmt::format(" {}={}", field.name(), printable(field.value()));
  if (*left_out > 0) line += fmt::format(" left_out={}", *left_out);
  log.write(line);
}

}  // namespace

Field::Field(Literal name, std::chrono::milliseconds value)
    : name_(name), value_(fmt::format("{:.3f}s", static_cast<double>(value.count()) / 1000)) {}

void start(LogLevel level, bool addresses, Writer writer) {
  auto& log = state();
  std::lock_guard const lock(log.mutex);
  log.write = writer ? std::move(writer) : write_to_stderr;
  log.addresses = addresses;
  most_verbose = static_cast<int>(level);
}

void stop() {
  auto& log = state();
  std::lock_guard const lock(log.mutex);
  most_verbose = -1;
  log.write = nullptr;
  log.windows.clear();
}

void error(Literal event, Fields fields) { write(LogLevel::error, event, fields); }
void warn(Literal event, Fields fields) { write(LogLevel::warn, event, fields); }
void info(Literal event, Fields fields) { write(LogLevel::info, event, fields); }
void debug(Literal event, Fields fields) { write(LogLevel::debug, event, fields); }

}  // namespace kith::relay::server::log
