#include "core/session.hpp"

#include <algorithm>
#include <set>

#include "base/assert.hpp"
#include "base/version.hpp"
#include "crypto/kdf.hpp"

namespace kith::core {
namespace {

namespace noise = crypto::noise;

constexpr std::string_view kHandshakeLabel = "kith/handshake/1";

Bytes prologue(wire::Opening const& opening, ByteView link_binding) {
  Bytes out;
  append(out, bytes_of("kith/session/1"));
  out.push_back(0);
  append(out, wire::encode(opening));
  append(out, link_binding);
  return out;
}

/// Proves that this handshake's ephemeral key was chosen by somebody who knows the epoch.
wire::EpochTag epoch_tag(noise::Psk const& psk, crypto::DhPublicKey const& ephemeral) {
  Bytes message;
  append(message, bytes_of("kith/tag/1"));
  message.push_back(0);
  append(message, ephemeral.view());
  auto const mac = crypto::hmac_sha256(psk.view(), message);
  return *wire::EpochTag::from(mac.view().first(wire::EpochTag::kBytes));
}

}  // namespace

noise::Psk const& Membership::kept_psk(EpochId const& epoch) const {
  auto const found = psks_.find(epoch);
  return found != psks_.end() ? found->second : psks_.emplace(epoch, psk(epoch)).first->second;
}

void Membership::keep_no_psks_but(std::span<EpochId const> epochs) const {
  if (psks_.size() <= epochs.size()) return;
  std::set<EpochId> const held(epochs.begin(), epochs.end());
  std::erase_if(psks_, [&](auto const& kept) { return !held.contains(kept.first); });
}

Session::Session(Identity const& identity, Membership const& membership, std::optional<DeviceId> dialled,
                 wire::Opening const& opening, ByteView link_binding, noise::Role role, RandomSource& random, Now now)
    : identity_(identity),
      membership_(membership),
      random_(random),
      role_(role),
      dialled_(dialled),
      opening_(opening),
      state_(role == noise::Role::initiator ? State::await_reply : State::await_hello),
      started_(now.mono),
      heard_(now.mono) {
  handshake_.emplace(noise::Pattern::xx_psk3, role, prologue(opening, link_binding), identity.dx, random);
}

Session Session::initiate(Identity const& identity, Membership const& membership, std::optional<DeviceId> dialled,
                          ByteView link_binding, RandomSource& random, Now now) {
  wire::Opening const opening{};
  Session session(identity, membership, dialled, opening, link_binding, noise::Role::initiator, random, now);
  auto epochs = membership.epochs_for(dialled);
  epochs.resize(std::min(epochs.size(), wire::kEpochTags));
  for (auto const& epoch : epochs) session.offered_.push_back(membership.psk(epoch));
  Bytes message;
  auto started = session.handshake_->write_tokens(message);
  Bytes tags;
  for (std::size_t i = 0; i < wire::kEpochTags; ++i) {
    auto const tag = i < session.offered_.size()
                         ? epoch_tag(session.offered_[i], session.handshake_->ephemeral_public())
                         : random.id<wire::EpochTag>();
    append(tags, tag.view());
  }
  if (started) started = session.handshake_->write_payload(tags, message);
  KITH_ASSERT(started.has_value());
  session.out_ = wire::encode(opening);
  wire::append_message(session.out_, message);
  return session;
}

Session Session::accept(Identity const& identity, Membership const& membership, wire::Opening const& opening,
                        ByteView link_binding, RandomSource& random, Now now) {
  return {identity, membership, std::nullopt, opening, link_binding, noise::Role::responder, random, now};
}

void Session::on_bytes(ByteView bytes, Now now) {
  if (state_ == State::closed) return;
  if (state_ == State::await_reply && bytes.size() >= 4 && text_of(bytes.first(4)) == "KITH") {
    // In place of message 2: a refusal. It is not authenticated, and all it can do is end this attempt.
    auto const theirs = wire::decode_opening(bytes.first(std::min(bytes.size(), wire::Opening::kBytes)));
    if (theirs && theirs->purpose == wire::Purpose::refusal) {
      return end({CoreError::version_mismatch,
                  VersionsDetail{wire::kProtocolMin, wire::kProtocolMax, theirs->version_min, theirs->version_max}});
    }
  }
  incoming_.feed(bytes);
  while (state_ != State::closed) {
    bool const opened = transporting();
    auto message = incoming_.next(opened ? noise::kMaxMessageBytes : kMaxHandshakeMessageBytes);
    if (!message) return end(message.error());
    if (!*message) return;
    heard_ = now.mono;
    auto const taken = opened ? on_transport_message(**message, now) : on_handshake_message(**message, now);
    if (!taken) {
      if (opened) send(wire::Close{wire::CloseCode::bad_frame, taken.error().name()});
      return end(taken.error());
    }
  }
}

Result<> Session::on_handshake_message(ByteView message, Now now) {
  switch (state_) {
    case State::await_hello: return read_hello(message, now);
    case State::await_reply: return read_reply(message, now);
    case State::await_proof: return read_proof(message, now);
    case State::open:
    case State::hearing:
    case State::closed: break;
  }
  KITH_UNREACHABLE();
}

Result<> Session::read_hello(ByteView message, Now now) {
  Bytes tags;
  KITH_CHECK(handshake_->read_message(message, tags));
  if (tags.size() != wire::kEpochTags * wire::EpochTag::kBytes) return fail(CoreError::handshake_failed);
  auto const epochs = membership_.epochs_for_hello();
  membership_.keep_no_psks_but(epochs);
  for (auto const& epoch : epochs) {
    auto const& psk = membership_.kept_psk(epoch);
    auto const ours = epoch_tag(psk, *handshake_->remote_ephemeral());
    for (std::uint8_t i = 0; i < wire::kEpochTags; ++i) {
      if (!crypto::same_mac(ours.view(), ByteView{tags}.subspan(i * wire::EpochTag::kBytes, wire::EpochTag::kBytes)))
        continue;
      if (!opening_.common_version()) {
        out_ = wire::encode(wire::Opening{.purpose = wire::Purpose::refusal});
        return fail(CoreError::version_mismatch,
                    VersionsDetail{wire::kProtocolMin, wire::kProtocolMax, opening_.version_min, opening_.version_max});
      }
      handshake_->set_psk(psk.clone());
      KITH_CHECK(write_payload_message(i, now));
      state_ = State::await_proof;
      return {};
    }
  }
  return fail(CoreError::handshake_failed);  // a stranger: not a word
}

Result<> Session::read_reply(ByteView message, Now now) {
  noise::HandshakeHash signed_hash;
  KITH_TRY(payload, read_tokens(message, signed_hash));
  if (payload.empty() || payload.front() >= offered_.size()) return fail(CoreError::handshake_failed);
  KITH_TRY(peer, check_payload(ByteView{payload}.subspan(1), signed_hash, now));
  if (dialled_ && peer.cert.device != *dialled_) return fail(CoreError::handshake_failed);
  switch (membership_.judge(peer.cert)) {
    case Membership::Verdict::welcome: break;
    case Membership::Verdict::removed: return fail(CoreError::removed_peer);
    case Membership::Verdict::unknown: return fail(CoreError::unknown_device);
  }
  handshake_->set_psk(std::move(offered_[payload.front()]));
  offered_.clear();
  KITH_CHECK(write_payload_message(std::nullopt, now));
  become_open(std::move(peer), now);
  return {};
}

Result<> Session::read_proof(ByteView message, Now now) {
  noise::HandshakeHash signed_hash;
  KITH_TRY(payload, read_tokens(message, signed_hash));
  KITH_TRY(peer, check_payload(payload, signed_hash, now));
  auto const verdict = membership_.judge(peer.cert);
  if (verdict == Membership::Verdict::welcome) {
    become_open(std::move(peer), now);
  } else {
    hear(std::move(peer), verdict, now);
  }
  return {};
}

Result<> Session::write_payload_message(std::optional<std::uint8_t> tag_index, Now now) {
  Bytes message;
  KITH_CHECK(handshake_->write_tokens(message));
  wire::HandshakePayload own;
  own.cert = identity_.cert;
  own.handshake.version = fmt::format("{}-{} kith/{}", wire::kProtocolMin, wire::kProtocolMax, kVersion);
  own.handshake.device = identity_.device();
  own.handshake.workspace = membership_.group();
  own.handshake.timestamp_s = static_cast<std::uint64_t>(std::max<std::int64_t>(now.wall.seconds(), 0));
  own.handshake.nonce = random_.id<decltype(own.handshake.nonce)>();
  own.handshake.capability.supported_formats = {{"lz4"}, {"zstd"}};
  own.handshake.incarnation = membership_.incarnation();
  own.handshake.signature = identity_.sign.sign(kHandshakeLabel, handshake_->hash().view());
  Bytes payload;
  if (tag_index) payload.push_back(*tag_index);
  wire::encode_to(payload, own);
  KITH_CHECK(handshake_->write_payload(payload, message));
  wire::append_message(out_, message);
  return {};
}

Result<Bytes> Session::read_tokens(ByteView message, noise::HandshakeHash& before) {
  KITH_CHECK(handshake_->read_tokens(message));
  before = handshake_->hash();
  Bytes payload;
  KITH_CHECK(handshake_->read_payload(message, payload));
  return payload;
}

Result<SessionPeer> Session::check_payload(ByteView payload, noise::HandshakeHash const& signed_hash, Now now) {
  KITH_TRY(decoded, wire::decode<wire::HandshakePayload>(payload));
  auto const& [cert, handshake] = decoded;
  bool const one_device = cert.dx == *handshake_->remote_static() && handshake.device == cert.device &&
                          handshake.workspace == membership_.group();
  crypto::SignPublicKey const key{cert.device.bytes};
  if (!one_device || !signature_fits(cert) ||
      !crypto::verify(key, kHandshakeLabel, signed_hash.view(), handshake.signature)) {
    return fail(CoreError::handshake_failed);
  }
  constexpr std::uint64_t kLatest = 1'000'000'000'000;  // beyond any clock; keeps the subtraction in range
  auto const theirs = static_cast<std::int64_t>(std::min(handshake.timestamp_s, kLatest));
  return SessionPeer{cert, handshake.incarnation, handshake.version, std::chrono::seconds{theirs - now.wall.seconds()}};
}

void Session::become_open(SessionPeer peer, Now now) {
  channel_.emplace(handshake_->split(), now.mono);
  handshake_.reset();
  state_ = State::open;
  events_.emplace_back(SessionOpened{std::move(peer)});
}

/// It has proved who it is, so it may be told why it does not come in.
void Session::hear(SessionPeer peer, Membership::Verdict verdict, Now now) {
  channel_.emplace(handshake_->split(), now.mono);
  handshake_.reset();
  state_ = State::hearing;
  hearing_since_ = now.mono;
  verdict_ = verdict;
  events_.emplace_back(SessionUnwelcome{std::move(peer), verdict});
}

Result<> Session::on_transport_message(ByteView message, Now now) {
  std::vector<wire::Frame> frames;
  KITH_CHECK(channel_->receive(message, frames));
  for (auto& frame : frames) {
    if (transporting()) on_frame(std::move(frame), now);
  }
  return {};
}

void Session::on_frame(wire::Frame frame, Now now) {
  if (auto const* ping = std::get_if<wire::Ping>(&frame)) {
    if (channel_->queued_bytes() < kMostQueuedForPong) send(wire::Pong{ping->token});
    return;
  }
  if (auto const* pong = std::get_if<wire::Pong>(&frame)) {
    if (ping_ && ping_->first == pong->token) {
      round_trip_ = std::chrono::duration_cast<std::chrono::microseconds>(now.mono - ping_->second);
      ping_.reset();
    }
    return;
  }
  if (auto* close = std::get_if<wire::Close>(&frame)) {
    bool const removed = close->code == wire::CloseCode::removed;
    return end(removed ? CoreError::removed_self : CoreError::closed, std::move(*close));
  }
  bool const heard = std::holds_alternative<wire::Tips>(frame) || std::holds_alternative<wire::Data>(frame);
  if (state_ == State::hearing && !heard) return;
  events_.emplace_back(SessionFrame{std::move(frame)});
}

void Session::on_timer(Now now) {
  if (state_ == State::closed) {
    link_gone_ = link_gone_ || now.mono >= heard_ + kDeadAfter;  // the other side does not take our last words
    return;
  }
  if (state_ == State::hearing) {
    if (now.mono >= hearing_since_ + kHearingTime) close(refusal());
    return;
  }
  if (state_ != State::open) {
    if (now.mono >= started_ + kHandshakeTime) end(CoreError::timed_out);
    return;
  }
  if (now.mono >= heard_ + kDeadAfter) return end(CoreError::timed_out);
  if (now.mono >= started_ + kLifetime) return close(wire::CloseCode::renew);
  if (now.mono >= heard_ + kPingAfter && !ping_) ping(now);
}

void Session::ping(Now now) {
  ping_ = {random_.u64(), now.mono};
  send(wire::Ping{ping_->first});
}

void Session::on_closed(Now) {
  link_gone_ = true;
  out_.clear();
  end(CoreError::closed);
}

std::optional<Instant> Session::next_deadline() const {
  switch (state_) {
    case State::await_hello:
    case State::await_reply:
    case State::await_proof: return started_ + kHandshakeTime;
    case State::hearing: return hearing_since_ + kHearingTime;
    case State::open: return std::min(started_ + kLifetime, ping_ ? heard_ + kDeadAfter : heard_ + kPingAfter);
    case State::closed: return done() ? std::nullopt : std::optional(heard_ + kDeadAfter);
  }
  KITH_UNREACHABLE();
}

bool Session::poll_transmit(Bytes& out, Now now) {
  if (link_gone_) return false;
  if (!out_.empty()) {
    append(out, out_);
    out_.clear();
    return true;
  }
  return channel_ && channel_->poll_transmit(out, now.mono);
}

std::optional<SessionEvent> Session::poll_event() {
  if (events_.empty()) return std::nullopt;
  auto event = std::move(events_.front());
  events_.pop_front();
  return event;
}

void Session::send(wire::Frame const& frame) {
  if (transporting()) channel_->send(frame);
}

void Session::send_bulk(wire::Frame const& frame) {
  if (state_ == State::open) channel_->send_bulk(frame);
}

void Session::close(wire::CloseCode code, std::string text) {
  send(wire::Close{code, std::move(text)});
  if (code == wire::CloseCode::removed) return end(CoreError::removed_peer);
  if (code == wire::CloseCode::unknown_device) return end(CoreError::unknown_device);
  end(CoreError::closed);
}

wire::CloseCode Session::refusal() const {
  return verdict_ == Membership::Verdict::removed ? wire::CloseCode::removed : wire::CloseCode::unknown_device;
}

void Session::end(Error reason, std::optional<wire::Close> close) {
  if (state_ == State::closed) return;
  state_ = State::closed;
  handshake_.reset();
  if (channel_) channel_->drop_bulk();
  events_.emplace_back(SessionClosed{std::move(reason), std::move(close)});
}

}  // namespace kith::core
