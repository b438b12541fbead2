#pragma once

#include <deque>

#include "base/time.hpp"
#include "core/error.hpp"
#include "crypto/noise.hpp"
#include "wire/frame.hpp"
#include "wire/noise_stream.hpp"

namespace kith::core {

/// The frames of a session on their way through its two Noise ciphers. Control frames go before bulk, at frame borders;
/// frames may span Noise messages and share them.
class SecureChannel {
 public:
  static constexpr std::uint64_t kRekeyBytes = std::uint64_t{1} << 30;
  static constexpr auto kRekeyAfter = std::chrono::seconds{120};

  SecureChannel(crypto::noise::Transport transport, Instant now)
      : send_(std::move(transport.send)), receive_(std::move(transport.receive)), rekey_at_(now + kRekeyAfter) {}

  void send(wire::Frame const& frame);       ///< in order, before all bulk
  void send_bulk(wire::Frame const& frame);  ///< in order, when no other frame waits
  void drop_bulk();                          ///< what has not begun to go out
  [[nodiscard]] std::size_t queued_bytes() const {
    return queued_control_bytes_ + queued_bulk_bytes_ + current_.size() - current_sent_;
  }
  [[nodiscard]] std::size_t queued_bulk_bytes() const { return queued_bulk_bytes_; }

  /// Appends one length-prefixed Noise message. @return false where there is nothing to send
  [[nodiscard]] bool poll_transmit(Bytes& out, Instant now);

  /// Decrypts one Noise message and appends the frames that it completes.
  /// @return CryptoError::not_authentic, a WireError, CoreError::protocol_violation for bytes behind a REKEY
  [[nodiscard]] Result<> receive(ByteView message, std::vector<wire::Frame>& frames);

 private:
  void fill(Bytes& plaintext, bool finish_frame_only);
  [[nodiscard]] bool next_frame();

  crypto::noise::CipherState send_;
  crypto::noise::CipherState receive_;
  std::deque<Bytes> control_;
  std::deque<Bytes> bulk_;
  std::size_t queued_control_bytes_ = 0;
  std::size_t queued_bulk_bytes_ = 0;
  Bytes current_;  ///< the frame that is being sent
  std::size_t current_sent_ = 0;
  std::uint64_t sent_since_rekey_ = 0;
  Instant rekey_at_;
  wire::FrameSplitter incoming_;
};

}  // namespace kith::core
