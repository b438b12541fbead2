#include "core/secure_channel.hpp"

#include <algorithm>

#include "base/assert.hpp"

namespace kith::core {

void SecureChannel::send(wire::Frame const& frame) {
  Bytes encoded;
  wire::encode_frame(encoded, frame);
  queued_control_bytes_ += encoded.size();
  control_.push_back(std::move(encoded));
}

void SecureChannel::send_bulk(wire::Frame const& frame) {
  Bytes encoded;
  wire::encode_frame(encoded, frame);
  queued_bulk_bytes_ += encoded.size();
  bulk_.push_back(std::move(encoded));
}

void SecureChannel::drop_bulk() {
  bulk_.clear();
  queued_bulk_bytes_ = 0;
}

bool SecureChannel::next_frame() {
  current_sent_ = 0;
  current_.clear();
  auto& queue = control_.empty() ? bulk_ : control_;
  if (queue.empty()) return false;
  current_ = std::move(queue.front());
  (control_.empty() ? queued_bulk_bytes_ : queued_control_bytes_) -= current_.size();
  queue.pop_front();
  return true;
}

void SecureChannel::fill(Bytes& plaintext, bool finish_frame_only) {
  while (plaintext.size() < crypto::noise::kMaxPlaintextBytes) {
    if (current_sent_ == current_.size() && (finish_frame_only || !next_frame())) return;
    std::size_t const room = crypto::noise::kMaxPlaintextBytes - plaintext.size();
    auto const piece = ByteView{current_}.subspan(current_sent_, std::min(room, current_.size() - current_sent_));
    append(plaintext, piece);
    current_sent_ += piece.size();
  }
}

bool SecureChannel::poll_transmit(Bytes& out, Instant now) {
  Bytes plaintext;
  bool const rekey_due = sent_since_rekey_ >= kRekeyBytes || now >= rekey_at_;
  bool const rekey = rekey_due && current_sent_ == current_.size();
  if (rekey) {
    wire::encode_frame(plaintext, wire::Rekey{});
  } else {
    fill(plaintext, rekey_due);  // frames that never cease must not put it off: they rarely end where a message does
  }
  if (plaintext.empty() || (rekey && control_.empty() && bulk_.empty())) return false;
  Bytes message;
  message.reserve(plaintext.size() + crypto::kAeadTagBytes);
  auto const encrypted = send_.encrypt_with_ad({}, plaintext, message);
  KITH_ASSERT(encrypted.has_value());  // fails only after 2^64 messages
  wire::append_message(out, message);
  sent_since_rekey_ += message.size();
  if (rekey) {
    send_.rekey();
    sent_since_rekey_ = 0;
    rekey_at_ = now + kRekeyAfter;
  }
  return true;
}

Result<> SecureChannel::receive(ByteView message, std::vector<wire::Frame>& frames) {
  Bytes plaintext;
  KITH_CHECK(receive_.decrypt_with_ad({}, message, plaintext));
  incoming_.feed(plaintext);
  for (;;) {
    KITH_TRY(bytes, incoming_.next());
    if (!bytes) return {};
    KITH_TRY(frame, wire::decode_frame(*bytes));
    if (std::holds_alternative<wire::Rekey>(frame)) {
      if (incoming_.held_bytes() > 0) return fail(CoreError::protocol_violation);
      receive_.rekey();
    } else {
      frames.push_back(std::move(frame));
    }
  }
}

}  // namespace kith::core
