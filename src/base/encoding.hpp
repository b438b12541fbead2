#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/bytes.hpp"

namespace kith {

/// Lowercase hexadecimal (RFC 4648, section 8).
[[nodiscard]] std::string to_hex(ByteView bytes);
/// Accepts both cases; nullopt for odd length or another character.
[[nodiscard]] std::optional<Bytes> from_hex(std::string_view text);

/// base64url without padding (RFC 4648, section 5).
[[nodiscard]] std::string to_base64url(ByteView bytes);
/// Refuses padding, foreign characters and trailing bits that are not zero, so each value has one spelling.
[[nodiscard]] std::optional<Bytes> from_base64url(std::string_view text);

/// base64 with padding (RFC 4648, section 4): what JSON readers expect of binary data.
[[nodiscard]] std::string to_base64(ByteView bytes);

/// Crockford base32, upper case, most significant bit first; the bits are padded with zeros to a multiple of five.
[[nodiscard]] std::string to_crockford(ByteView bytes);

/// Reads what people type: either case, O for 0, I and L for 1, spaces and dashes anywhere. Returns the symbols in
/// normal form (upper case, no separators), nullopt for a character that is none.
[[nodiscard]] std::optional<std::string> normal_crockford(std::string_view typed);

}  // namespace kith
