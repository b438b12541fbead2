#include "core/pair_joiner.hpp"

#include <algorithm>

#include "base/assert.hpp"
#include "core/entry.hpp"

namespace kith::core {

PairJoiner::PairJoiner(Identity const& identity, std::string own_name, PairingCode code, RandomSource& random, Now now)
    : identity_(identity),
      own_name_(std::move(own_name)),
      code_(std::move(code)),
      nonce_(random.id<wire::PairNonce>()) {
  share_ = crypto::cpace::make_share(pair_generator(code_.password.view(), code_.lookup, nonce_), random);
  transcript_ = wire::encode(wire::Opening{.purpose = wire::Purpose::pairing});
  out_ = transcript_;
  wire::PairHello const hello{code_.lookup, share_.share, nonce_};
  append(transcript_, wire::encode_pair_message(hello));
  send(hello);
  expect(State::await_share, now);
}

void PairJoiner::on_bytes(ByteView bytes, Now now) {
  // Only as the first thing that is said: later it would be part of a message.
  bool const first = !std::exchange(heard_, true);
  if (first && bytes.size() >= 4 && text_of(bytes.first(4)) == "KITH") {
    auto const theirs = wire::decode_opening(bytes.first(std::min(bytes.size(), wire::Opening::kBytes)));
    if (theirs && theirs->purpose == wire::Purpose::refusal) {
      return end({CoreError::version_mismatch,
                  VersionsDetail{wire::kProtocolMin, wire::kProtocolMax, theirs->version_min, theirs->version_max}});
    }
  }
  incoming_.feed(bytes);
  while (state_ != State::done) {
    auto message = incoming_.next(kMaxPairMessageBytes);
    if (!message) return end(message.error());
    if (!*message) return;
    if (auto taken = on_message(**message, now); !taken) end(taken.error());
  }
}

Result<> PairJoiner::on_message(ByteView bytes, Now now) {
  KITH_TRY(message, wire::decode_pair_message(bytes));
  if (auto const* ended = std::get_if<wire::PairEnd>(&message)) return fail(error_for(*ended));
  switch (state_) {
    case State::await_share:
      if (auto const* share = std::get_if<wire::PairShare>(&message)) return on_share(*share, bytes, now);
      break;
    case State::await_identity:
      if (auto const* identity = std::get_if<wire::PairIdentity>(&message)) {
        KITH_TRY(plain, keys_->from_inviter.open(wire::PairMessageType::identity, identity->box));
        KITH_TRY(box, wire::decode<wire::PairIdentityBox>(plain));
        KITH_CHECK(check_identity(box, wire::PairMessageType::identity, transcript_));
        inviter_ = std::move(box);
        events_.emplace_back(PairWaiting{inviter_});
        expect(State::await_offer, now, kUserTime);
        return {};
      }
      break;
    case State::await_offer:
      if (auto const* offer = std::get_if<wire::PairOffer>(&message)) return on_offer(*offer, now);
      break;
    case State::await_welcome:
      if (auto const* welcome = std::get_if<wire::PairWelcome>(&message)) return on_welcome(*welcome);
      break;
    case State::await_tries:
    case State::await_stored:
    case State::done: break;
  }
  return fail(CoreError::protocol_violation);
}

Result<> PairJoiner::on_share(wire::PairShare const& share, ByteView bytes, Now now) {
  auto const isk =
      crypto::cpace::derive(share_.scalar, share.share, nonce_.view(), {share_.share, {}, share.share, {}});
  if (!isk) return fail(isk.error());
  Bytes before_tag = transcript_;
  append(before_tag, share.share.view());
  append(before_tag, share.nonce.view());
  keys_ = PairKeys::derive(*isk, nonce_, share.nonce, before_tag);
  if (!crypto::same_mac(keys_->inviter_tag.view(), share.tag.view())) {
    // The password differs. Saying so costs nothing (the other side counted a try already) and brings the tries left.
    send(wire::PairEnd{wire::PairEndCode::wrong_code, 0});
    expect(State::await_tries, now, kTriesTime);
    return {};
  }
  append(transcript_, bytes);
  auto const tag = keys_->joiner_tag(transcript_);
  append(transcript_, tag.view());
  wire::PairIdentityBox const own{identity_.cert, own_name_,
                                  pair_proof(identity_.sign, wire::PairMessageType::confirm, transcript_)};
  send(wire::PairConfirm{tag, keys_->from_joiner.seal(wire::PairMessageType::confirm, wire::encode(own))});
  expect(State::await_identity, now);
  return {};
}

Result<> PairJoiner::on_offer(wire::PairOffer const& message, Now now) {
  KITH_TRY(plain, keys_->from_inviter.open(wire::PairMessageType::offer, message.box));
  KITH_TRY(box, wire::decode<wire::PairOfferBox>(plain));
  offer_ = std::move(box);
  wire::PairPseudonymsBox own;
  for (auto const& relay : offer_.relays) {
    own.pseudonyms.push_back(relay_face(identity_.root, relay.relay, offer_.group).pseudonym());
  }
  send(wire::PairPseudonyms{keys_->from_joiner.seal(wire::PairMessageType::pseudonyms, wire::encode(own))});
  expect(State::await_welcome, now);
  return {};
}

Result<> PairJoiner::on_welcome(wire::PairWelcome const& message) {
  KITH_TRY(plain, keys_->from_inviter.open(wire::PairMessageType::welcome, message.box));
  auto welcome = wire::decode<wire::PairWelcomeBox>(plain);
  wipe(plain);
  if (!welcome) return fail(welcome.error());
  if (group_id(welcome->genesis) != offer_.group || welcome->secrets.empty())
    return fail(CoreError::protocol_violation);
  events_.emplace_back(PairWelcomed{inviter_, offer_, std::move(*welcome)});
  state_ = State::await_stored;
  return {};
}

void PairJoiner::stored() {
  if (state_ != State::await_stored) return;
  send(wire::PairJoined{keys_->from_joiner.seal(wire::PairMessageType::joined, wire::encode(wire::PairJoinedBox{}))});
  state_ = State::done;
  events_.emplace_back(JoinDone{});
}

Error PairJoiner::error_for(wire::PairEnd const& ended) const {
  switch (ended.code) {
    case wire::PairEndCode::wrong_code: return {CoreError::wrong_code, CountDetail{ended.tries_left, 0}};
    case wire::PairEndCode::expired: return CoreError::invite_expired;
    case wire::PairEndCode::used: return CoreError::invite_used;
    case wire::PairEndCode::voided: return CoreError::invite_void;
    case wire::PairEndCode::cancelled: return CoreError::invite_cancelled;
    case wire::PairEndCode::denied: return CoreError::invite_denied;
    case wire::PairEndCode::failed: return CoreError::closed;
  }
  KITH_UNREACHABLE();
}

void PairJoiner::cancel() {
  if (state_ == State::done) return;
  send(wire::PairEnd{wire::PairEndCode::cancelled, 0});
  end(CoreError::invite_cancelled);
}

void PairJoiner::on_timer(Now now) {
  if (state_ == State::done || state_ == State::await_stored || now.mono < deadline_) return;
  end(state_ == State::await_tries ? Error(CoreError::wrong_code) : Error(CoreError::timed_out));
}

void PairJoiner::on_closed(Now) {
  link_gone_ = true;
  end(state_ == State::await_tries ? Error(CoreError::wrong_code) : Error(CoreError::closed));
}

bool PairJoiner::poll_transmit(Bytes& out) {
  if (out_.empty() || link_gone_) return false;
  append(out, out_);
  out_.clear();
  return true;
}

std::optional<JoinerEvent> PairJoiner::poll_event() {
  if (events_.empty()) return std::nullopt;
  auto event = std::move(events_.front());
  events_.pop_front();
  return event;
}

std::optional<Instant> PairJoiner::next_deadline() const {
  if (state_ == State::done || state_ == State::await_stored) return std::nullopt;
  return deadline_;
}

void PairJoiner::send(wire::PairMessage const& message) {
  wire::append_message(out_, wire::encode_pair_message(message));
}

void PairJoiner::expect(State state, Now now, std::chrono::seconds within) {
  state_ = state;
  deadline_ = now.mono + within;
}

void PairJoiner::end(Error reason) {
  if (state_ == State::done) return;
  state_ = State::done;
  events_.emplace_back(JoinFailed{std::move(reason)});
}

}  // namespace kith::core
