#pragma once

#include <optional>
#include <string_view>

#include "base/bytes.hpp"
#include "base/limits.hpp"
#include "wire/error.hpp"

/// Canonical MessagePack: every value has exactly one spelling. Shortest integers and lengths; `bin` for bytes, `str`
/// for UTF-8 text, booleans, arrays; no maps, floats, extensions or nil. @see docs/spec/conventions.md
namespace kith::wire {

/// Appends values to a buffer.
class Writer {
 public:
  explicit Writer(Bytes& out) : out_(out) {}

  void array(std::size_t count);  ///< `count` values follow
  void unsigned_integer(std::uint64_t value);
  void integer(std::int64_t value);
  void boolean(bool value) { out_.push_back(value ? 0xC3 : 0xC2); }
  void bin(ByteView bytes);
  void str(std::string_view text);
  void raw(ByteView encoded) { append(out_, encoded); }  ///< a value that is encoded already

 private:
  Bytes& out_;
};

/// Takes values from the front of a buffer. The first error sticks: later reads give empty values, and `error()` or
/// `finish()` reports it, so a decoder reads all its fields and checks once. Never allocates. Views point into the
/// input.
class Reader {
 public:
  explicit Reader(ByteView in) : in_(in) {}

  [[nodiscard]] std::size_t array();  ///< how many values follow; never more than bytes are left
  [[nodiscard]] std::uint64_t unsigned_integer();
  [[nodiscard]] std::int64_t integer();
  [[nodiscard]] bool boolean();
  [[nodiscard]] ByteView bin(std::size_t max_bytes);
  [[nodiscard]] std::string_view str(std::size_t max_bytes);
  [[nodiscard]] ByteView value();  ///< any one value with all that is nested in it, checked to be canonical

  enum class Kind { none, integer, boolean, bin, str, array };
  [[nodiscard]] Kind next_kind() const;  ///< what the next value is, `none` at the end or for a foreign type

  void fail(Error error);
  [[nodiscard]] bool ok() const { return !error_.has_value(); }
  [[nodiscard]] bool at_end() const { return in_.empty(); }
  [[nodiscard]] ByteView rest() const { return in_; }
  /// The first error, or WireError::trailing_bytes where bytes are left.
  [[nodiscard]] Result<> finish();

 private:
  [[nodiscard]] std::uint8_t byte();
  template <class T>
  [[nodiscard]] std::uint64_t big_endian();
  [[nodiscard]] std::size_t length(std::uint8_t tag8, std::uint8_t first_tag, std::uint64_t smallest_for_8);
  [[nodiscard]] ByteView take(std::size_t count, std::size_t max_bytes);
  void skip_value(std::size_t depth);

  ByteView in_;
  std::optional<Error> error_;
};

}  // namespace kith::wire
