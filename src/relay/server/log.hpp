#pragma once

#include <chrono>
#include <concepts>
#include <functional>
#include <initializer_list>
#include <string>
#include <string_view>

#include "base/error.hpp"
#include "relay/server/config.hpp"

/// The log: an event's name and fields, one line each. Never payload or keys; clients' addresses only where the
/// operator asked for them. Any thread may log. An event that strangers can cause again and again is written a few
/// times, then counted: the next line of it says how many were left out.
///
///     log::info("relay.started", {{"port", 8080}});
///     2026-11-21T14:03:12Z info relay.started port=8080
namespace kith::relay::server::log {

/// A text that stands in the program, so that it holds nothing of a client's.
class Literal {
 public:
  template <std::size_t N>
  consteval Literal(char const (&text)[N]) : text_(text, N - 1) {}  // NOLINT(google-explicit-constructor)
  [[nodiscard]] std::string_view text() const { return text_; }

 private:
  std::string_view text_;
};

/// A client's address or network: written only with log.addresses.
struct Client {
  std::string_view text;
};
/// A path, address or setting that the operator chose.
struct Chosen {
  std::string text;
};

class Field {
 public:
  template <std::same_as<bool> T>
  Field(Literal name, T value) : name_(name), value_(value ? "true" : "false") {}
  template <std::integral T>
  requires(!std::same_as<T, bool>) Field(Literal name, T value) : name_(name), value_(std::to_string(value)) {}
  Field(Literal name, Literal value) : name_(name), value_(value.text()) {}
  Field(Literal name, Client value) : name_(name), value_(value.text), client_(true) {}
  Field(Literal name, Chosen value) : name_(name), value_(std::move(value.text)) {}
  Field(Literal name, Error const& value) : name_(name), value_(value.name()) {}
  Field(Literal name, std::chrono::milliseconds value);

  [[nodiscard]] std::string_view name() const { return name_.text(); }
  [[nodiscard]] std::string_view value() const { return value_; }
  [[nodiscard]] bool is_client() const { return client_; }

 private:
  Literal name_;
  std::string value_;
  bool client_ = false;
};
using Fields = std::initializer_list<Field>;

/// Takes one line without its end; called by one thread at a time.
using Writer = std::function<void(std::string_view line)>;

/// Begins to log, to standard error where no writer is given; until then nothing is. May be called again.
void start(LogLevel level, bool addresses, Writer write = {});
void stop();

void error(Literal event, Fields fields = {});
void warn(Literal event, Fields fields = {});
void info(Literal event, Fields fields = {});
void debug(Literal event, Fields fields = {});

/// Lines of one event in kWindow; debug lines are not counted.
inline constexpr unsigned kLinesPerWindow = 20;
inline constexpr auto kWindow = std::chrono::seconds{60};

}  // namespace kith::relay::server::log
