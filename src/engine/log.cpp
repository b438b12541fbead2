#include "engine/log.hpp"

#include <atomic>
#include <memory>
#include <mutex>

#include <fmt/format.h>
#include <spdlog/logger.h>
#include <spdlog/pattern_formatter.h>
#include <spdlog/sinks/base_sink.h>
#include <unistd.h>

#include "base/assert.hpp"
#include "base/encoding.hpp"
#include "base/text.hpp"

namespace kith::engine::log {
namespace {

constexpr std::size_t kShortIdDigits = 7;

spdlog::level::level_enum level_of(LogLevel level) {
  switch (level) {
    case LogLevel::error: return spdlog::level::err;
    case LogLevel::warn: return spdlog::level::warn;
    case LogLevel::info: return spdlog::level::info;
    case LogLevel::debug: return spdlog::level::debug;
  }
  KITH_UNREACHABLE();
}

class LineSink final : public spdlog::sinks::base_sink<std::mutex> {
 public:
  explicit LineSink(Writer write) : write_(std::move(write)) {
    set_formatter_(
        std::make_unique<spdlog::pattern_formatter>("%Y-%m-%dT%H:%M:%S.%eZ %v", spdlog::pattern_time_type::utc, ""));
  }

 private:
  void sink_it_(spdlog::details::log_msg const& message) override {
    spdlog::memory_buf_t line;
    formatter_->format(message, line);
    write_({line.data(), line.size()});
  }
  void flush_() override {}
  Writer write_;
};

/// One write per line: lines of several threads and processes do not mix.
void write_to_stderr(std::string_view line) {
  std::string whole(line);
  whole += '\n';
  [[maybe_unused]] auto const ignored = ::write(STDERR_FILENO, whole.data(), whole.size());
}

std::mutex& logger_mutex() {
  static std::mutex mutex;
  return mutex;
}
std::shared_ptr<spdlog::logger>& logger_slot() {
  static std::shared_ptr<spdlog::logger> logger;
  return logger;
}
/// spdlog's number of the least level that is written; `off` before start(). Read without the lock.
std::atomic<int> least_level = spdlog::level::off;

std::string value_text(Field::Value const& value) {
  struct {
    std::string operator()(std::int64_t number) const { return fmt::format("{}", number); }
    std::string operator()(std::uint64_t number) const { return fmt::format("{}", number); }
    std::string operator()(bool truth) const { return truth ? "true" : "false"; }
    std::string operator()(std::string_view text) const { return std::string(text); }
    std::string operator()(ShortId const& id) const { return id.digits; }
    std::string operator()(Endpoint const& endpoint) const { return printable(endpoint.text); }
    std::string operator()(std::string const& text) const { return text; }
    std::string operator()(std::chrono::milliseconds time) const {
      return fmt::format("{:.3f}s", static_cast<double>(time.count()) / 1000);
    }
  } const text;
  return std::visit(text, value);
}

void write(LogLevel level, Literal event, Fields fields) {
  if (!enabled(level)) return;
  std::string line = fmt::format("{} {}", log_level_name(level), event.text());
  for (auto const& field : fields) {
    if (level != LogLevel::debug && std::holds_alternative<Endpoint>(field.value())) continue;
    line += fmt::format(" {}={}", field.name(), value_text(field.value()));
  }
  std::shared_ptr<spdlog::logger> logger;
  {
    std::lock_guard const lock(logger_mutex());
    logger = logger_slot();
  }
  if (logger) logger->log(level_of(level), spdlog::string_view_t(line.data(), line.size()));
}

}  // namespace

ShortId short_id(ByteView id) { return {to_hex(id).substr(0, kShortIdDigits)}; }

void start(LogLevel level, Writer writer) {
  auto sink = std::make_shared<LineSink>(writer ? std::move(writer) : write_to_stderr);
  auto logger = std::make_shared<spdlog::logger>("kith", std::move(sink));
  logger->set_level(level_of(level));
  std::lock_guard const lock(logger_mutex());
  logger_slot() = std::move(logger);
  least_level = level_of(level);
}

void stop() {
  std::lock_guard const lock(logger_mutex());
  least_level = spdlog::level::off;
  logger_slot().reset();
}

bool enabled(LogLevel level) { return level_of(level) >= least_level; }

void error(Literal event, Fields fields) { write(LogLevel::error, event, fields); }
void warn(Literal event, Fields fields) { write(LogLevel::warn, event, fields); }
void info(Literal event, Fields fields) { write(LogLevel::info, event, fields); }
void debug(Literal event, Fields fields) { write(LogLevel::debug, event, fields); }

}  // namespace kith::engine::log
