#pragma once

#include <cstdint>

#include "base/ids.hpp"
#include "crypto/dh.hpp"
#include "crypto/sign.hpp"
#include "wire/codec.hpp"

namespace kith::wire {

inline constexpr std::string_view kDevcertLabel = "kith/devcert/1";

/// Joins a device's two public keys. @see docs/spec/devices.md
///
///     devcert = [1, device_id, dx, created_s, caps, signature]
///
/// The signature is sign("kith/devcert/1", [1, device_id, dx, created_s, caps]) by device_id.
struct Devcert {
  std::uint8_t format = 1;
  DeviceId device;
  crypto::DhPublicKey dx;       ///< X25519 key for wraps and for Noise between devices; constant
  std::uint64_t created_s = 0;  ///< by the device's own clock; shown to people, decides nothing
  std::uint64_t caps = 0;       ///< feature bits; none is defined
  crypto::Signature signature;

  template <class Archive, class Self>
  static void fields(Archive& a, Self& s) {
    a(version(s.format, 1), s.device, s.dx, s.created_s, s.caps, s.signature);
  }
  /// The array of the first five fields: what the signature covers.
  [[nodiscard]] Bytes signed_part() const;
  friend bool operator==(Devcert const&, Devcert const&) = default;
};

}  // namespace kith::wire
