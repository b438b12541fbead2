#include "relay/channel/channel.hpp"

#include <algorithm>

#include "base/assert.hpp"

namespace kith::relay {
namespace {

using crypto::noise::Role;

constexpr std::string_view kPrologue = "kith/relay/1";
/// The largest handshake message is the second: two keys, two tags, no payload.
constexpr std::size_t kMaxHandshakeBytes = 128;

}  // namespace

Channel::Channel(Role role, std::optional<wire::RelayKey> pinned, crypto::DhKeyPair const& key, RandomSource& random)
    : role_(role),
      pinned_(pinned),
      handshake_(std::in_place, crypto::noise::Pattern::xx, role, bytes_of(kPrologue), key, random) {}

Channel Channel::initiate(std::optional<wire::RelayKey> pinned, crypto::DhKeyPair const& face, RandomSource& random) {
  Channel channel(Role::initiator, pinned, face, random);
  Bytes message;
  auto const written = channel.handshake_->write_message({}, message);
  KITH_ASSERT(written.has_value());
  wire::append_message(channel.handshake_out_, message);
  return channel;
}

Channel Channel::accept(crypto::DhKeyPair const& relay, RandomSource& random) {
  return Channel(Role::responder, std::nullopt, relay, random);
}

Result<> Channel::on_handshake(ByteView message) {
  Bytes payload;
  if (!handshake_->read_message(message, payload)) return fail(ChannelError::not_relay);
  if (!payload.empty()) return fail(ChannelError::not_relay);
  if (role_ == Role::initiator && pinned_ && handshake_->remote_static()->bytes != pinned_->bytes) {
    return fail(ChannelError::wrong_relay);
  }
  if (!handshake_->finished()) {
    Bytes answer;
    if (!handshake_->write_message({}, answer)) return fail(ChannelError::not_relay);
    wire::append_message(handshake_out_, answer);
  }
  if (handshake_->finished()) {
    transport_ = handshake_->split();
    handshake_.reset();
  }
  return {};
}

Result<> Channel::on_bytes(ByteView bytes, std::vector<wire::RelayMessage>& messages) {
  if (failed_) return fail(ChannelError::out_of_place);
  failed_ = true;  // until the end: every error below is the last word
  noise_in_.feed(bytes);
  for (;;) {
    KITH_TRY(noise, noise_in_.next(open() ? kLimits.max_noise_message_bytes : kMaxHandshakeBytes));
    if (!noise) break;
    if (!open()) {
      KITH_CHECK(on_handshake(*noise));
      continue;
    }
    Bytes plaintext;
    KITH_CHECK(transport_->receive.decrypt_with_ad({}, *noise, plaintext));
    messages_in_.feed(plaintext);
    for (;;) {
      KITH_TRY(whole, messages_in_.next(max_message_bytes_));
      if (!whole) break;
      KITH_TRY(message, wire::decode_relay_message(*whole));
      messages.push_back(std::move(message));
    }
  }
  failed_ = false;
  return {};
}

void Channel::queue(std::deque<Bytes>& queue, std::size_t& bytes, wire::RelayMessage const& message) {
  Bytes encoded;
  wire::encode_relay_message(encoded, message);
  bytes += encoded.size();
  queue.push_back(std::move(encoded));
}

void Channel::send(wire::RelayMessage const& message) { queue(control_, queued_bytes_, message); }

void Channel::send_bulk(wire::RelayMessage const& message) {
  queue(bulk_, queued_bulk_bytes_, message);
  queued_bytes_ += bulk_.back().size();
}

bool Channel::poll_transmit(Bytes& out) {
  if (!handshake_out_.empty()) {
    append(out, handshake_out_);
    handshake_out_.clear();
    return true;
  }
  if (!open()) return false;
  Bytes plaintext;
  while (plaintext.size() < crypto::noise::kMaxPlaintextBytes) {
    if (current_sent_ == current_.size()) {
      current_ = {};
      current_sent_ = 0;
      auto& queue = control_.empty() ? bulk_ : control_;
      if (queue.empty()) break;
      current_is_bulk_ = control_.empty();
      current_ = std::move(queue.front());
      queue.pop_front();
    }
    std::size_t const room = crypto::noise::kMaxPlaintextBytes - plaintext.size();
    auto const piece = ByteView{current_}.subspan(current_sent_, std::min(room, current_.size() - current_sent_));
    append(plaintext, piece);
    current_sent_ += piece.size();
    queued_bytes_ -= piece.size();
    if (current_is_bulk_) queued_bulk_bytes_ -= piece.size();
  }
  if (plaintext.empty()) return false;
  Bytes message;
  message.reserve(plaintext.size() + crypto::kAeadTagBytes);
  auto const encrypted = transport_->send.encrypt_with_ad({}, plaintext, message);
  KITH_ASSERT(encrypted.has_value());  // fails only after 2^64 messages
  wire::append_message(out, message);
  return true;
}

}  // namespace kith::relay
