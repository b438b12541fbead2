#pragma once

#include <chrono>
#include <concepts>
#include <cstdint>
#include <functional>
#include <initializer_list>
#include <string>
#include <string_view>
#include <variant>

#include "base/error.hpp"
#include "base/ids.hpp"
#include "engine/config.hpp"

/// The log: an event's name and fields, on one line. Never payload, names, paths or keys: the fields' types leave no
/// way to write one by accident. Any thread may log.
///
///     log::info("session.open", {{"device", log::short_id(device)}, {"clock_ahead", 2s}});
///     2026-11-21T14:03:12Z info session.open device=1a2b3c4 clock_ahead=2.000s
namespace kith::engine::log {

/// A text that stands in the program, so that it holds nothing of a user's.
class Literal {
 public:
  template <std::size_t N>
  consteval Literal(char const (&text)[N]) : text_(text, N - 1) {}  // NOLINT(google-explicit-constructor)
  [[nodiscard]] std::string_view text() const { return text_; }

 private:
  std::string_view text_;
};

/// The first seven hex digits of an id: enough to tell devices apart, too little to name one elsewhere.
struct ShortId {
  std::string digits;
};
[[nodiscard]] ShortId short_id(ByteView id);
template <class Tag, std::size_t N>
[[nodiscard]] ShortId short_id(ByteId<Tag, N> const& id) {
  return short_id(id.view());
}

/// HOST:PORT, where an operator looks for a network fault. It is shown at debug level only, and left out above.
struct Endpoint {
  std::string text;
};

class Field {
 public:
  using Value = std::variant<std::int64_t, std::uint64_t, bool, std::string_view, ShortId, Endpoint, std::string,
                             std::chrono::milliseconds>;

  template <std::same_as<bool> T>  // and not what converts to it, as a text's address does
  Field(Literal name, T value) : name_(name), value_(value) {}
  template <std::unsigned_integral T>
  requires(!std::same_as<T, bool>) Field(Literal name, T value) : name_(name), value_(std::uint64_t{value}) {}
  template <std::signed_integral T>
  Field(Literal name, T value) : name_(name), value_(std::int64_t{value}) {}
  Field(Literal name, Literal value) : name_(name), value_(value.text()) {}
  Field(Literal name, ShortId value) : name_(name), value_(std::move(value)) {}
  Field(Literal name, Endpoint value) : name_(name), value_(std::move(value)) {}
  /// The error's name, without its detail: that may hold a path.
  Field(Literal name, Error const& value) : name_(name), value_(value.name()) {}
  template <class Rep, class Period>
  Field(Literal name, std::chrono::duration<Rep, Period> value)
      : name_(name), value_(std::chrono::duration_cast<std::chrono::milliseconds>(value)) {}

  [[nodiscard]] std::string_view name() const { return name_.text(); }
  [[nodiscard]] Value const& value() const { return value_; }

 private:
  Literal name_;
  Value value_;
};
using Fields = std::initializer_list<Field>;

/// Takes one line, without its end. Called by one thread at a time.
using Writer = std::function<void(std::string_view line)>;

/// Begins to log; until then nothing is. May be called again.
/// @param write  standard error where it is empty
void start(LogLevel level, Writer write = {});
void stop();
[[nodiscard]] bool enabled(LogLevel level);

void error(Literal event, Fields fields = {});
void warn(Literal event, Fields fields = {});
void info(Literal event, Fields fields = {});
void debug(Literal event, Fields fields = {});

}  // namespace kith::engine::log
