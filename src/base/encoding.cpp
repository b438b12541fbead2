#include "base/encoding.hpp"

#include <array>

#include <sodium/utils.h>

namespace kith {
namespace {

constexpr std::string_view kHexDigits = "0123456789abcdef";
constexpr std::string_view kBase64Digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
constexpr std::string_view kCrockfordDigits = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";

constexpr std::int8_t kNone = -1;

constexpr std::array<std::int8_t, 256> reverse_table(std::string_view digits) {
  std::array<std::int8_t, 256> table{};
  table.fill(kNone);
  for (std::size_t i = 0; i < digits.size(); ++i) {
    table[static_cast<std::uint8_t>(digits[i])] = static_cast<std::int8_t>(i);
  }
  return table;
}

constexpr auto kBase64Values = reverse_table(kBase64Digits);

int hex_value(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return kNone;
}

}  // namespace

std::string to_hex(ByteView bytes) {
  std::string out;
  out.reserve(bytes.size() * 2);
  for (auto byte : bytes) {
    out += kHexDigits[byte >> 4];
    out += kHexDigits[byte & 15];
  }
  return out;
}

std::optional<Bytes> from_hex(std::string_view text) {
  if (text.size() % 2 != 0) return std::nullopt;
  Bytes out;
  out.reserve(text.size() / 2);
  for (std::size_t i = 0; i < text.size(); i += 2) {
    int const high = hex_value(text[i]);
    int const low = hex_value(text[i + 1]);
    if (high == kNone || low == kNone) return std::nullopt;
    out.push_back(static_cast<std::uint8_t>(high << 4 | low));
  }
  return out;
}

std::string to_base64url(ByteView bytes) {
  std::string out;
  out.reserve((bytes.size() * 4 + 2) / 3);
  std::uint32_t bits = 0;
  int count = 0;
  for (auto byte : bytes) {
    bits = bits << 8 | byte;
    for (count += 8; count >= 6;) {
      count -= 6;
      out += kBase64Digits[bits >> count & 63];
    }
  }
  if (count > 0) out += kBase64Digits[bits << (6 - count) & 63];
  return out;
}

std::optional<Bytes> from_base64url(std::string_view text) {
  if (text.size() % 4 == 1) return std::nullopt;
  Bytes out;
  out.reserve(text.size() * 3 / 4);
  std::uint32_t bits = 0;
  int count = 0;
  for (char c : text) {
    int const value = kBase64Values[static_cast<std::uint8_t>(c)];
    if (value == kNone) return std::nullopt;
    bits = bits << 6 | static_cast<std::uint32_t>(value);
    if (count += 6; count >= 8) {
      count -= 8;
      out.push_back(static_cast<std::uint8_t>(bits >> count));
    }
  }
  if ((bits & ((1U << count) - 1)) != 0) return std::nullopt;
  return out;
}

std::string to_base64(ByteView bytes) {
  std::string text(sodium_base64_ENCODED_LEN(bytes.size(), sodium_base64_VARIANT_ORIGINAL), '\0');
  sodium_bin2base64(text.data(), text.size(), bytes.data(), bytes.size(), sodium_base64_VARIANT_ORIGINAL);
  text.pop_back();  // the terminating zero
  return text;
}

std::string to_crockford(ByteView bytes) {
  std::string out;
  std::uint32_t bits = 0;
  int count = 0;
  for (auto byte : bytes) {
    bits = bits << 8 | byte;
    for (count += 8; count >= 5;) {
      count -= 5;
      out += kCrockfordDigits[bits >> count & 31];
    }
  }
  if (count > 0) out += kCrockfordDigits[bits << (5 - count) & 31];
  return out;
}

std::optional<std::string> normal_crockford(std::string_view typed) {
  std::string out;
  for (char c : typed) {
    if (c == ' ' || c == '-') continue;
    if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 'a' + 'A');
    if (c == 'O') c = '0';
    if (c == 'I' || c == 'L') c = '1';
    if (kCrockfordDigits.find(c) == std::string_view::npos) return std::nullopt;
    out += c;
  }
  return out;
}

}  // namespace kith
