#pragma once

#include <array>
#include <concepts>
#include <cstdint>
#include <cstring>
#include <span>
#include <string_view>
#include <vector>

namespace kith {

using Bytes = std::vector<std::uint8_t>;
using ByteView = std::span<std::uint8_t const>;  ///< used inside the call, never stored

/// The bytes of a text, without a terminating zero.
[[nodiscard]] inline ByteView bytes_of(std::string_view text) {
  return {reinterpret_cast<std::uint8_t const*>(text.data()), text.size()};
}

/// The bytes seen as text; the caller knows that they are text.
[[nodiscard]] inline std::string_view text_of(ByteView bytes) {
  return {reinterpret_cast<char const*>(bytes.data()), bytes.size()};
}

inline void append(Bytes& out, ByteView bytes) { out.insert(out.end(), bytes.begin(), bytes.end()); }

/// Stores an unsigned integer big-endian at `out`, which has room for it.
template <std::unsigned_integral T>
void store_be(std::uint8_t* out, T value) {
  for (std::size_t i = 0; i < sizeof(T); ++i) out[i] = static_cast<std::uint8_t>(value >> (8 * (sizeof(T) - 1 - i)));
}

/// Loads a big-endian unsigned integer from sizeof(T) bytes at `in`.
template <std::unsigned_integral T>
[[nodiscard]] T load_be(std::uint8_t const* in) {
  T value = 0;
  for (std::size_t i = 0; i < sizeof(T); ++i) value = static_cast<T>((value << 8) | in[i]);
  return value;
}

/// Appends an unsigned integer big-endian.
template <std::unsigned_integral T>
void append_be(Bytes& out, T value) {
  std::array<std::uint8_t, sizeof(T)> bytes;
  store_be(bytes.data(), value);
  append(out, bytes);
}

[[nodiscard]] inline bool equal(ByteView a, ByteView b) {
  return a.size() == b.size() && (a.empty() || std::memcmp(a.data(), b.data(), a.size()) == 0);
}

}  // namespace kith
