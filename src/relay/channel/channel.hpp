#pragma once

#include <deque>
#include <optional>
#include <vector>

#include "crypto/noise.hpp"
#include "relay/channel/error.hpp"
#include "wire/noise_stream.hpp"
#include "wire/relay.hpp"

namespace kith::relay {

/// One side of the encrypted conversation of a device and a relay: Noise_XX_25519_ChaChaPoly_BLAKE2s to the relay's
/// pinned key, then messages. Bytes in, bytes out; no sockets, clock or threads. The link may cut the bytes anywhere.
///
///     device:  -> e            <- e, ee, s, es            -> s, se | messages...
///     relay:                                                        messages...
///
/// After an error the channel is of no use: nothing more is read or sent. @see docs/spec/relay.md, "The channel"
class Channel {
 public:
  /// Dials. @param pinned  the relay's key; nullopt takes any, which remote_static() then tells
  /// @param face  this device's Noise static key at this relay
  [[nodiscard]] static Channel initiate(std::optional<wire::RelayKey> pinned, crypto::DhKeyPair const& face,
                                        RandomSource& random);
  /// Answers. @param relay  the relay's static key
  [[nodiscard]] static Channel accept(crypto::DhKeyPair const& relay, RandomSource& random);

  /// Takes bytes of the link and appends the messages that they complete.
  /// @return a ChannelError; WireError for what does not decode; CryptoError::not_authentic for a forged message
  [[nodiscard]] Result<> on_bytes(ByteView bytes, std::vector<wire::RelayMessage>& messages);
  /// What one message may hold from now on; at first what a stranger's may.
  void set_max_message_bytes(std::size_t bytes) { max_message_bytes_ = bytes; }

  void send(wire::RelayMessage const& message);       ///< in order, before all bulk
  void send_bulk(wire::RelayMessage const& message);  ///< in order, when no other message waits
  /// Appends at most one length-prefixed Noise message. @return false where there is nothing to send now
  [[nodiscard]] bool poll_transmit(Bytes& out);
  /// Bytes of messages that wait to be sent.
  [[nodiscard]] std::size_t queued_bytes() const { return queued_bytes_; }
  [[nodiscard]] std::size_t queued_bulk_bytes() const { return queued_bulk_bytes_; }

  /// The handshake is over: who speaks is known, messages flow.
  [[nodiscard]] bool open() const { return transport_.has_value(); }
  /// Names the conversation, alike on both sides; only when open.
  [[nodiscard]] crypto::noise::HandshakeHash const& handshake_hash() const { return transport_->hash; }
  [[nodiscard]] crypto::DhPublicKey const& remote_static() const { return transport_->remote_static; }

 private:
  Channel(crypto::noise::Role role, std::optional<wire::RelayKey> pinned, crypto::DhKeyPair const& key,
          RandomSource& random);
  [[nodiscard]] Result<> on_handshake(ByteView message);
  void queue(std::deque<Bytes>& queue, std::size_t& bytes, wire::RelayMessage const& message);

  crypto::noise::Role role_;
  std::optional<wire::RelayKey> pinned_;
  std::optional<crypto::noise::HandshakeState> handshake_;
  std::optional<crypto::noise::Transport> transport_;
  wire::MessageSplitter noise_in_;
  wire::RelaySplitter messages_in_;
  std::size_t max_message_bytes_ = wire::kRelayLimits.max_stranger_bytes;
  Bytes handshake_out_;
  std::deque<Bytes> control_;
  std::deque<Bytes> bulk_;
  Bytes current_;  ///< the message that is being sent
  std::size_t current_sent_ = 0;
  bool current_is_bulk_ = false;
  std::size_t queued_bytes_ = 0;
  std::size_t queued_bulk_bytes_ = 0;
  bool failed_ = false;
};

}  // namespace kith::relay
