#pragma once

#include <optional>
#include <string>

#include "core/entry.hpp"
#include "core/identity.hpp"
#include "core/secure_channel.hpp"
#include "crypto/kdf.hpp"
#include "crypto/noise.hpp"
#include "support/must.hpp"
#include "wire/handshake.hpp"
#include "wire/opening.hpp"

namespace kith::testing {

/// One side of a session's handshake played by hand over HandshakeState: what a device with a program of its own could
/// do, lies included. It refuses nothing by itself. @see docs/spec/session.md
class PlayedSession {
 public:
  using Role = crypto::noise::Role;

  PlayedSession(Role role, core::Identity const& identity, GroupId const& group, wire::Opening const& opening,
                RandomSource& random)
      : identity_(identity),
        group_(group),
        random_(random),
        state_(crypto::noise::Pattern::xx_psk3, role, prologue(opening), identity.dx, random) {}

  [[nodiscard]] static Bytes prologue(wire::Opening const& opening) {
    Bytes out;
    append(out, bytes_of("kith/session/1"));
    out.push_back(0);
    append(out, wire::encode(opening));
    return out;
  }
  [[nodiscard]] static crypto::noise::Psk psk(GroupId const& group, core::EpochSecret const& secret) {
    return crypto::noise::Psk(core::epoch_subkey(group, secret, "noise-psk").view());
  }

  /// HMAC-SHA256(psk, "kith/tag/1" 0x00 e_pk) cut to 16 bytes, for this side's ephemeral key.
  [[nodiscard]] wire::EpochTag tag(core::EpochSecret const& secret) const {
    Bytes message;
    append(message, bytes_of("kith/tag/1"));
    message.push_back(0);
    append(message, state_.ephemeral_public().view());
    return *wire::EpochTag::from(
        crypto::hmac_sha256(psk(group_, secret).view(), message).view().first(wire::EpochTag::kBytes));
  }
  [[nodiscard]] wire::EpochTag random_tag() { return random_.id<wire::EpochTag>(); }

  void prove(core::EpochSecret const& secret) { state_.set_psk(psk(group_, secret)); }

  /// The tokens of a message that is due; its payload follows.
  void begin() { must(state_.write_tokens(message_ = {})); }
  /// What an honest device says in message 2 or 3, signed over the transcript as it stands: after begin().
  [[nodiscard]] wire::HandshakePayload honest(std::string version, std::uint64_t timestamp_s, Incarnation incarnation) {
    wire::HandshakePayload payload;
    payload.cert = identity_.cert;
    payload.handshake.version = std::move(version);
    payload.handshake.device = identity_.device();
    payload.handshake.workspace = group_;
    payload.handshake.timestamp_s = timestamp_s;
    payload.handshake.nonce = random_.id<decltype(payload.handshake.nonce)>();
    payload.handshake.capability.supported_formats = {{"lz4"}, {"zstd"}};
    payload.handshake.incarnation = incarnation;
    payload.handshake.signature = identity_.sign.sign("kith/handshake/1", state_.hash().view());
    return payload;
  }
  [[nodiscard]] Bytes end(ByteView payload) {
    must(state_.write_payload(payload, message_));
    return message_;
  }

  /// Reads a message of the other side. @return its payload
  [[nodiscard]] Result<Bytes> read(ByteView message) {
    KITH_CHECK(state_.read_tokens(message));
    signed_hash_ = state_.hash();
    Bytes payload;
    KITH_CHECK(state_.read_payload(message, payload));
    return payload;
  }
  /// Whether the payload last read was signed by the device that it names, over the transcript before it.
  [[nodiscard]] bool signature_fits(wire::HandshakePayload const& payload) const {
    return crypto::verify(crypto::SignPublicKey{payload.cert.device.bytes}, "kith/handshake/1", signed_hash_.view(),
                          payload.handshake.signature);
  }

  [[nodiscard]] crypto::noise::HandshakeState& state() { return state_; }
  [[nodiscard]] crypto::noise::Transport split() { return state_.split(); }

 private:
  core::Identity const& identity_;
  GroupId group_;
  RandomSource& random_;
  crypto::noise::HandshakeState state_;
  crypto::noise::HandshakeHash signed_hash_;
  Bytes message_;
};

/// A message as it stands in the stream: behind its length.
[[nodiscard]] inline Bytes prefixed(ByteView message) {
  Bytes out;
  wire::append_message(out, message);
  return out;
}

}  // namespace kith::testing
