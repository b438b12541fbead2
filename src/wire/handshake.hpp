#pragma once

#include <string>
#include <vector>

#include "crypto/kdf.hpp"
#include "wire/device.hpp"

/// The payloads of the session handshake's three Noise messages. @see docs/spec/session.md
namespace kith::wire {

/// Proof of knowing an epoch: HMAC-SHA256(noise-psk of the epoch, "kith/tag/1" e_pk) cut to 16 bytes.
using EpochTag = ByteId<struct EpochTagTag, 16>;
inline constexpr std::size_t kEpochTags = 4;
using EpochTags = std::array<EpochTag, kEpochTags>;  ///< message 1's payload is these 64 bytes

struct SyncCapability {
  bool supports_crdt = false;
  std::uint64_t max_file_size = 0;  ///< bytes; 0: no limit
  using Format = BoundedText<32>;   ///< "lz4", "zstd"
  std::vector<Format> supported_formats;
  bool bandwidth_optimization = false;
  template <class Archive, class Self>
  static void fields(Archive& a, Self& s) {
    a(s.supports_crdt, s.max_file_size, list(s.supported_formats, 16), s.bandwidth_optimization);
  }
  friend bool operator==(SyncCapability const&, SyncCapability const&) = default;
};

/// The founding protocol's SyncHandshake, with the incarnation behind it.
struct SyncHandshake {
  std::string version;  ///< "MIN-MAX" of the protocol and the program's version: "1-1 kith/0.1.0"
  DeviceId device;
  GroupId workspace;
  std::uint64_t timestamp_s = 0;
  ByteId<struct HandshakeNonceTag, 32> nonce;
  SyncCapability capability;
  crypto::Signature signature;  ///< sign("kith/handshake/1", Noise hash just before this payload is encrypted)
  Incarnation incarnation;
  template <class Archive, class Self>
  static void fields(Archive& a, Self& s) {
    a(text(s.version, 64), s.device, s.workspace, s.timestamp_s, s.nonce, s.capability, s.signature, s.incarnation);
  }
  friend bool operator==(SyncHandshake const&, SyncHandshake const&) = default;
};

/// [devcert, SyncHandshake]: message 3's payload, and message 2's behind one byte that says which tag was known.
struct HandshakePayload {
  Devcert cert;
  SyncHandshake handshake;
  template <class Archive, class Self>
  static void fields(Archive& a, Self& s) {
    a(s.cert, s.handshake);
  }
  friend bool operator==(HandshakePayload const&, HandshakePayload const&) = default;
};

}  // namespace kith::wire
