#include "core/recovery_stream.hpp"

#include "base/assert.hpp"
#include "core/entry.hpp"
#include "crypto/kdf.hpp"

namespace kith::core {
namespace {

namespace noise = crypto::noise;

/// Reads a message's payload. @param before  the transcript just before it, which its signature covers
Result<Bytes> read_payload(noise::HandshakeState& handshake, ByteView message, noise::HandshakeHash& before) {
  KITH_CHECK(handshake.read_tokens(message));
  before = handshake.hash();
  Bytes payload;
  KITH_CHECK(handshake.read_payload(message, payload));
  return payload;
}

}  // namespace

noise::Psk recovery_psk(wire::LocatorSecret const& locator) {
  return crypto::hkdf<noise::Psk>({}, locator.view(), bytes_of("kith/recovery-psk/1"));
}

wire::RecoveryTag recovery_tag(noise::Psk const& psk, crypto::DhPublicKey const& ephemeral) {
  Bytes message;
  append(message, bytes_of("kith/recovery-tag/1"));
  message.push_back(0);
  append(message, ephemeral.view());
  auto const mac = crypto::hmac_sha256(psk.view(), message);
  return *wire::RecoveryTag::from(mac.view().first(wire::RecoveryTag::kBytes));
}

Bytes recovery_prologue(wire::Opening const& opening) {
  Bytes out;
  append(out, bytes_of("kith/recovery-stream/1"));
  out.push_back(0);
  append(out, wire::encode(opening));
  return out;
}

// The side that has the words.

RecoveryReader::RecoveryReader(RecoveryKeys const& words, RandomSource& random) : words_(words) {
  wire::Opening const opening{.purpose = wire::Purpose::recovery};
  // Whoever answers may be a device that is lost: it learns no key that this one keeps.
  handshake_.emplace(noise::Pattern::xx_psk3, noise::Role::initiator, recovery_prologue(opening),
                     crypto::DhKeyPair::generate(random), random);
  Bytes message;
  auto psk = recovery_psk(words.locator);
  auto started = handshake_->write_tokens(message);
  if (started) started = handshake_->write_payload(recovery_tag(psk, handshake_->ephemeral_public()).view(), message);
  KITH_ASSERT(started.has_value());
  handshake_->set_psk(std::move(psk));
  out_ = wire::encode(opening);
  wire::append_message(out_, message);
}

bool RecoveryReader::poll_transmit(Bytes& out) {
  if (out_.empty()) return false;
  append(out, out_);
  out_.clear();
  return true;
}

Result<> RecoveryReader::on_bytes(ByteView bytes, Instant now) {
  if (state_ == State::done) return {};
  if (state_ == State::await_reply && bytes.size() >= 4 && text_of(bytes.first(4)) == "KITH") {
    // In place of message 2: a refusal, as of a session. It is not authenticated, and can end this attempt only.
    auto const theirs = wire::decode_opening(bytes.first(std::min(bytes.size(), wire::Opening::kBytes)));
    if (theirs && theirs->purpose == wire::Purpose::refusal) {
      return fail(CoreError::version_mismatch,
                  VersionsDetail{wire::kProtocolMin, wire::kProtocolMax, theirs->version_min, theirs->version_max});
    }
  }
  incoming_.feed(bytes);
  while (state_ != State::done) {
    KITH_TRY(message, incoming_.next(channel_ ? noise::kMaxMessageBytes : kMaxRecoveryMessageBytes));
    if (!message) return {};
    if (!channel_) {
      KITH_CHECK(on_reply(*message, now));
      continue;
    }
    std::vector<wire::Frame> frames;
    KITH_CHECK(channel_->receive(*message, frames));
    for (auto& frame : frames) {
      if (state_ != State::done) KITH_CHECK(on_frame(std::move(frame)));
    }
  }
  return {};
}

/// A message 2 can be read by anybody who holds the ephemeral key, and made by anybody: but only those who know the
/// psk can read what follows, and this side shows its proof under it.
Result<> RecoveryReader::on_reply(ByteView message, Instant now) {
  noise::HandshakeHash before;
  KITH_TRY(payload, read_payload(*handshake_, message, before));
  KITH_TRY(giving, wire::decode<wire::RecoveryGiving>(payload));
  bool const proves = giving.cert.dx == *handshake_->remote_static() && signature_fits(giving.cert) &&
                      crypto::verify({giving.cert.device.bytes}, kRecoveryGiveLabel, before.view(), giving.signature);
  if (!proves) return fail(CoreError::handshake_failed);
  Bytes reply;
  KITH_CHECK(handshake_->write_tokens(reply));
  wire::RecoveryProof const proof{words_.sign.sign(kRecoveryReadLabel, handshake_->hash().view())};
  KITH_CHECK(handshake_->write_payload(wire::encode(proof), reply));
  wire::append_message(out_, reply);
  channel_.emplace(handshake_->split(), now);
  handshake_.reset();
  giver_ = giving;
  state_ = State::await_beginning;
  return {};
}

Result<> RecoveryReader::on_frame(wire::Frame frame) {
  if (auto* data = std::get_if<wire::Data>(&frame); data != nullptr) {
    if (data->entries.empty()) return fail(CoreError::protocol_violation);
    if (state_ == State::await_beginning) {
      genesis_ = genesis_in(data->entries.front().bytes, giver_->group, words_);
      if (!genesis_) return fail(CoreError::wrong_recovery);
      state_ = State::reading;
    }
    for (auto& entry : data->entries) entries_.push_back(std::move(entry.bytes));
    return {};
  }
  auto* tips = std::get_if<wire::Tips>(&frame);
  if (tips == nullptr || state_ != State::reading) return fail(CoreError::protocol_violation);
  tips_ = std::move(tips->tips);
  state_ = State::done;
  return {};
}

// The side that has the group.

RecoveryGiver::RecoveryGiver(Identity const& identity, wire::Genesis const& genesis, SealedSource& source,
                             wire::Opening const& opening, RandomSource& random, Instant now)
    : identity_(identity),
      group_(group_id(genesis)),
      recovery_sign_(genesis.recovery_sign),
      psk_(recovery_psk(genesis.locator_secret)),
      source_(source),
      opening_(opening),
      deadline_(now + kHandshakeTime) {
  handshake_.emplace(noise::Pattern::xx_psk3, noise::Role::responder, recovery_prologue(opening), identity.dx, random);
}

void RecoveryGiver::end() {
  state_ = State::done;
  out_.clear();
  channel_.reset();
  handshake_.reset();
}

void RecoveryGiver::on_bytes(ByteView bytes, Instant now) {
  if (state_ == State::done) return;
  incoming_.feed(bytes);
  for (;;) {
    auto const message = incoming_.next(kMaxRecoveryMessageBytes);
    if (message && !*message) return;
    if (message && state_ == State::await_hello) {
      if (on_hello(**message)) {
        if (state_ == State::done) return;  // with a refusal still to be said
        continue;
      }
    } else if (message && state_ == State::await_proof) {
      if (on_proof(**message, now)) continue;
      failed_proof_ = true;
    }
    return end();  // what does not fit, and whatever is said behind the proof
  }
}

Result<> RecoveryGiver::on_hello(ByteView message) {
  Bytes payload;
  KITH_CHECK(handshake_->read_message(message, payload));
  auto const ours = recovery_tag(*psk_, *handshake_->remote_ephemeral());
  if (!crypto::same_mac(ours.view(), payload)) return fail(CoreError::handshake_failed);
  if (!opening_.common_version()) {
    out_ = wire::encode(wire::Opening{.purpose = wire::Purpose::refusal});
    state_ = State::done;
    return {};
  }
  handshake_->set_psk(std::move(*psk_));
  psk_.reset();
  Bytes reply;
  KITH_CHECK(handshake_->write_tokens(reply));
  wire::RecoveryGiving const giving{identity_.cert, group_,
                                    identity_.sign.sign(kRecoveryGiveLabel, handshake_->hash().view())};
  KITH_CHECK(handshake_->write_payload(wire::encode(giving), reply));
  wire::append_message(out_, reply);
  state_ = State::await_proof;
  return {};
}

Result<> RecoveryGiver::on_proof(ByteView message, Instant now) {
  noise::HandshakeHash before;
  KITH_TRY(payload, read_payload(*handshake_, message, before));
  KITH_TRY(proof, wire::decode<wire::RecoveryProof>(payload));
  if (!crypto::verify(recovery_sign_, kRecoveryReadLabel, before.view(), proof.signature))
    return fail(CoreError::wrong_recovery);
  channel_.emplace(handshake_->split(), now);
  handshake_.reset();
  proved_ = true;
  state_ = State::giving;
  deadline_ = now + kStallTime;
  return {};
}

Result<> RecoveryGiver::say_next() {
  KITH_TRY(entries, source_.next(kFrameBytes));
  if (entries.empty()) {
    KITH_TRY(tips, source_.tips());
    channel_->send(wire::Tips{std::move(tips)});
    state_ = State::said_all;
    return {};
  }
  wire::Data data;
  for (auto& entry : entries) data.entries.push_back({std::move(entry)});
  channel_->send(data);
  return {};
}

Result<bool> RecoveryGiver::poll_transmit(Bytes& out, Instant now) {
  if (!out_.empty()) {
    append(out, out_);
    out_.clear();
    return true;
  }
  if (!channel_) return false;
  if (state_ == State::giving && channel_->queued_bytes() == 0) {
    if (auto said = say_next(); !said) {
      end();
      return fail(said.error());
    }
  }
  bool const sent = channel_->poll_transmit(out, now);
  if (sent) deadline_ = now + kStallTime;
  if (!sent && state_ == State::said_all) end();
  return sent;
}

void RecoveryGiver::on_timer(Instant now) {
  if (now >= deadline_) end();
}

std::optional<Instant> RecoveryGiver::next_deadline() const { return done() ? std::nullopt : std::optional(deadline_); }

}  // namespace kith::core
