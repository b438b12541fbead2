#pragma once

#include <charconv>
#include <initializer_list>
#include <stdexcept>
#include <string>
#include <string_view>

#include <gtest/gtest.h>

#include "base/encoding.hpp"
#include "wire/msgpack.hpp"

/// Bytes written so that people can read them, and tables of bytes that a decoder must refuse.
namespace kith::testing {

namespace spelling {

inline std::uint64_t number(std::string_view text) {
  std::uint64_t value = 0;
  auto const end = text.data() + text.size();
  if (text.empty() || std::from_chars(text.data(), end, value).ptr != end)
    throw std::invalid_argument(std::string(text));
  return value;
}

/// `N` or `N=HH`: N times the byte HH, else the one given.
inline Bytes repeated(std::string_view text, std::uint8_t fill) {
  auto const at = text.find('=');
  if (at == text.npos) return Bytes(number(text), fill);
  return Bytes(number(text.substr(0, at)), from_hex(text.substr(at + 1)).value().at(0));
}

inline void add_token(Bytes& out, std::string_view token) {
  wire::Writer writer(out);
  auto const after = [&](std::string_view prefix) { return token.substr(prefix.size()); };
  if (token == "t" || token == "f") {
    writer.boolean(token == "t");
  } else if (token.starts_with("[")) {
    writer.array(number(after("[")));
  } else if (token.starts_with("u:")) {
    writer.unsigned_integer(number(after("u:")));
  } else if (token.starts_with("i:-")) {
    writer.integer(-static_cast<std::int64_t>(number(after("i:-"))));
  } else if (token.starts_with("b:")) {
    writer.bin(repeated(after("b:"), 0x11));
  } else if (token.starts_with("s:")) {
    writer.str(text_of(repeated(after("s:"), 'a')));
  } else if (token.starts_with("'")) {
    writer.str(token.substr(1, token.size() - 2));
  } else if (token.starts_with("x:")) {
    append(out, repeated(after("x:"), 0));
  } else {
    append(out, from_hex(token).value());
  }
}

}  // namespace spelling

/// Joins the tokens of `text`, which are separated by spaces:
///
///     92 c4       bytes in hexadecimal          [3          the header of an array of 3
///     u:300       an unsigned integer           i:-5        a negative one
///     b:32        bin of 32 bytes 11            b:32=00     of 32 bytes 00
///     s:8         str of 8 letters a            'abc'       this str (no spaces inside)
///     x:16=ff     16 bytes ff, no header        t, f        booleans
///
/// All but raw bytes are canonical.
[[nodiscard]] inline Bytes spell(std::string_view text) {
  Bytes out;
  while (!text.empty()) {
    auto const end = std::min(text.find(' '), text.size());
    if (end > 0) {
      try {
        spelling::add_token(out, text.substr(0, end));
      } catch (std::exception const&) {
        throw std::invalid_argument("not a token: " + std::string(text.substr(0, end)));
      }
    }
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return out;
}

/// One row of a table of bad input.
struct Refusal {
  std::string spelled;
  wire::WireError expected;
  std::string why = {};
};

/// Decodes every row and expects its error. `decode` takes a ByteView and returns some Result.
template <class Decode>
void expect_refusals(std::initializer_list<Refusal> rows, Decode decode) {
  EXPECT_GE(rows.size(), 10U) << "a table that says little";
  for (auto const& row : rows) {
    auto const result = decode(ByteView{spell(row.spelled)});
    auto const got = result ? "accepted" : result.error().name();
    EXPECT_EQ(got, Error(row.expected).name()) << row.spelled << " " << row.why;
  }
}

}  // namespace kith::testing
