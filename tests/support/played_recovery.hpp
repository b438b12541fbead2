#pragma once

#include "core/recovery_stream.hpp"
#include "support/must.hpp"
#include "support/played_session.hpp"

namespace kith::testing {

/// One side of a recovery's handshake played by hand over HandshakeState: what somebody with a program of their own
/// could do, lies included. It refuses nothing by itself. @see docs/spec/recovery.md
class PlayedRecovery {
 public:
  using Role = crypto::noise::Role;

  /// @param static_key  copied
  PlayedRecovery(Role role, crypto::DhKeyPair const& static_key, RandomSource& random,
                 wire::Opening const& opening = {.purpose = wire::Purpose::recovery})
      : opening_(opening),
        state_(crypto::noise::Pattern::xx_psk3, role, core::recovery_prologue(opening), static_key, random) {}

  /// The tokens of a message that is due; its payload follows.
  void begin() { must(state_.write_tokens(message_ = {})); }
  [[nodiscard]] Bytes end(ByteView payload) {
    must(state_.write_payload(payload, message_));
    return prefixed(message_);
  }
  [[nodiscard]] Bytes say(ByteView payload) {
    begin();
    return end(payload);
  }

  /// What the side that has the words sends first: the opening and message 1.
  [[nodiscard]] Bytes hello(wire::LocatorSecret const& locator) {
    begin();
    auto psk = core::recovery_psk(locator);
    Bytes out = wire::encode(opening_);
    append(out, end(core::recovery_tag(psk, state_.ephemeral_public()).view()));
    state_.set_psk(std::move(psk));
    return out;
  }
  /// Message 3 with what this key signs.
  [[nodiscard]] Bytes proof(crypto::SigningKey const& key) {
    begin();
    return end(wire::encode(wire::RecoveryProof{key.sign(core::kRecoveryReadLabel, state_.hash().view())}));
  }
  /// Message 2 as a device says it. @param locator  of the psk that it answers under
  [[nodiscard]] Bytes giving(core::Identity const& identity, GroupId const& group, wire::LocatorSecret const& locator) {
    state_.set_psk(core::recovery_psk(locator));
    begin();
    return end(wire::encode(wire::RecoveryGiving{identity.cert, group,
                                                 identity.sign.sign(core::kRecoveryGiveLabel, state_.hash().view())}));
  }

  /// Reads a message behind its length. @return its payload
  [[nodiscard]] Result<Bytes> read(ByteView prefixed_message) {
    Bytes payload;
    KITH_CHECK(state_.read_message(prefixed_message.subspan(2), payload));
    return payload;
  }
  [[nodiscard]] crypto::noise::HandshakeState& state() { return state_; }
  [[nodiscard]] crypto::noise::Transport split() { return state_.split(); }

 private:
  wire::Opening opening_;
  crypto::noise::HandshakeState state_;
  Bytes message_;
};

/// Frames as one Noise message in the stream.
[[nodiscard]] inline Bytes spoken(crypto::noise::CipherState& send, ByteView frames) {
  Bytes message;
  must(send.encrypt_with_ad({}, frames, message));
  return prefixed(message);
}
[[nodiscard]] inline Bytes spoken(crypto::noise::CipherState& send, wire::Frame const& frame) {
  Bytes bytes;
  wire::encode_frame(bytes, frame);
  return spoken(send, bytes);
}

/// Entries in memory.
struct ListedEntries final : core::SealedSource {
  Result<std::vector<Bytes>> next(std::size_t) override {
    if (at == entries.size()) return std::vector<Bytes>{};
    return std::vector<Bytes>{entries[at++]};
  }
  Result<std::vector<Tip>> tips() override { return told; }
  std::vector<Bytes> entries;
  std::vector<Tip> told;
  std::size_t at = 0;
};

}  // namespace kith::testing
