#pragma once

#include <optional>

#include "base/bytes.hpp"
#include "wire/error.hpp"

namespace kith::wire {

inline constexpr std::uint8_t kProtocolMin = 1;  ///< oldest protocol version that this program speaks
inline constexpr std::uint8_t kProtocolMax = 1;  ///< newest

enum class Purpose : std::uint8_t {
  refusal = 0,  ///< the answer to an opening whose versions do not meet ours; the connection ends
  session = 1,  ///< device to device
  pairing = 2,
  recovery = 3,  ///< somebody who has the recovery words reads the group
};

/// The first bytes of a TCP connection, from the side that dialled. They never change between versions, and are part of
/// what the handshake authenticates, so that nobody on the path can talk two programs into an older version.
///
///     0        4         5     6     7              11
///     +--------+---------+-----+-----+--------------+
///     | "KITH" | purpose | min | max | features u32 |
///     +--------+---------+-----+-----+--------------+
struct Opening {
  static constexpr std::size_t kBytes = 11;
  Purpose purpose = Purpose::session;
  std::uint8_t version_min = kProtocolMin;
  std::uint8_t version_max = kProtocolMax;
  std::uint32_t features = 0;  ///< none is defined
  friend bool operator==(Opening const&, Opening const&) = default;

  /// The newest version that both sides speak.
  [[nodiscard]] std::optional<std::uint8_t> common_version() const;
};

[[nodiscard]] Bytes encode(Opening const& opening);

/// @return WireError::truncated, unknown_magic, unknown_type for another purpose, bad_value where min > max. Versions
/// that
///         do not meet ours are no error here: whoever proves to be a member is told.
[[nodiscard]] Result<Opening> decode_opening(ByteView in);

}  // namespace kith::wire
