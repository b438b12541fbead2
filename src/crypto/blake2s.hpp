#pragma once

#include <array>
#include <initializer_list>

#include "base/bytes.hpp"
#include "base/secret.hpp"

/// BLAKE2s-256 (RFC 7693) and the HMAC over it: what Noise hashes with, and nothing else.
namespace kith::crypto {

inline constexpr std::size_t kBlake2sBytes = 32;

/// The hash of the parts one after another.
[[nodiscard]] std::array<std::uint8_t, kBlake2sBytes> blake2s(std::initializer_list<ByteView> parts);

/// HMAC-BLAKE2s-256 (RFC 2104; Noise specification, section 4.3) of the parts one after another.
void hmac_blake2s(ByteView key, std::initializer_list<ByteView> parts, std::span<std::uint8_t, kBlake2sBytes> out);

}  // namespace kith::crypto
