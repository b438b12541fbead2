#include "core/pair_inviter.hpp"

#include "base/assert.hpp"

namespace kith::core {
namespace {

wire::PairEnd end_for(InviteState state) {
  switch (state) {
    case InviteState::open:
    case InviteState::used: return {wire::PairEndCode::used, 0};
    case InviteState::expired: return {wire::PairEndCode::expired, 0};
    case InviteState::voided: return {wire::PairEndCode::voided, 0};
    case InviteState::cancelled: return {wire::PairEndCode::cancelled, 0};
  }
  KITH_UNREACHABLE();
}

Error error_for(InviteState state) {
  switch (state) {
    case InviteState::open:
    case InviteState::used: return CoreError::invite_used;
    case InviteState::expired: return CoreError::invite_expired;
    case InviteState::voided: return CoreError::invite_void;
    case InviteState::cancelled: return CoreError::invite_cancelled;
  }
  KITH_UNREACHABLE();
}

}  // namespace

PairInviter::PairInviter(Identity const& identity, std::string own_name, InviteBook& invites,
                         wire::Opening const& opening, RandomSource& random, Now now)
    : identity_(identity), own_name_(std::move(own_name)), invites_(invites), opening_(opening), random_(random) {
  transcript_ = wire::encode(opening);
  expect(State::await_hello, now);
}

void PairInviter::on_bytes(ByteView bytes, Now now) {
  incoming_.feed(bytes);
  while (state_ != State::done) {
    auto message = incoming_.next(kMaxPairMessageBytes);
    if (!message) return end(message.error());
    if (!*message) return;
    if (auto taken = on_message(**message, now); !taken) end(taken.error());
  }
}

Result<> PairInviter::on_message(ByteView bytes, Now now) {
  KITH_TRY(message, wire::decode_pair_message(bytes));
  if (auto const* ended = std::get_if<wire::PairEnd>(&message)) {
    bool const wrong = ended->code == wire::PairEndCode::wrong_code && state_ == State::await_confirm;
    if (wrong) send(wire::PairEnd{wire::PairEndCode::wrong_code, tries_left_});
    return fail(wrong ? Error{CoreError::wrong_code, CountDetail{tries_left_, InviteBook::kMaxTries}}
                      : CoreError::closed);
  }
  switch (state_) {
    case State::await_hello:
      if (auto const* hello = std::get_if<wire::PairHello>(&message)) return on_hello(*hello, bytes, now);
      break;
    case State::await_confirm:
      if (auto const* confirm = std::get_if<wire::PairConfirm>(&message)) return on_confirm(*confirm, now);
      break;
    case State::await_pseudonyms:
      if (auto const* pseudonyms = std::get_if<wire::PairPseudonyms>(&message)) return on_pseudonyms(*pseudonyms, now);
      break;
    case State::await_joined:
      if (auto const* joined = std::get_if<wire::PairJoined>(&message)) {
        KITH_TRY(plain, keys_->from_joiner.open(wire::PairMessageType::joined, joined->box));
        KITH_TRY(box, wire::decode<wire::PairJoinedBox>(plain));
        static_cast<void>(box);
        events_.emplace_back(PairDone{lookup_, joiner_.cert.device});
        state_ = State::done;
        return {};
      }
      break;
    case State::await_user:
    case State::await_commit:
    case State::done: break;
  }
  return fail(CoreError::protocol_violation);
}

Result<> PairInviter::on_hello(wire::PairHello const& hello, ByteView bytes, Now now) {
  auto invite = invites_.find(hello.lookup);
  if (!invite) return fail(CoreError::closed);  // not ours: not a try, and not a word
  lookup_ = hello.lookup;
  if (!opening_.common_version()) {
    append(out_, wire::encode(wire::Opening{.purpose = wire::Purpose::refusal}));
    return fail(CoreError::version_mismatch,
                VersionsDetail{wire::kProtocolMin, wire::kProtocolMax, opening_.version_min, opening_.version_max});
  }
  used_ = invite->state == InviteState::used;
  used_by_ = invite->used_by;
  if (invite->state != InviteState::open && !used_) {
    send(end_for(invite->state));
    return fail(error_for(invite->state));
  }

  append(transcript_, bytes);
  auto const generator = pair_generator(invite->password.view(), lookup_, hello.nonce);
  auto const own = crypto::cpace::make_share(generator, random_);
  auto const isk = crypto::cpace::derive(own.scalar, hello.share, hello.nonce.view(), {hello.share, {}, own.share, {}});
  if (!isk) return fail(isk.error());
  wire::PairShare share{own.share, random_.id<wire::PairNonce>(), {}};
  Bytes before_tag = transcript_;
  append(before_tag, share.share.view());
  append(before_tag, share.nonce.view());
  keys_ = PairKeys::derive(*isk, hello.nonce, share.nonce, before_tag);
  share.tag = keys_->inviter_tag;
  // Before our tag is out: neither a crash nor a full disk may give a guess away for nothing.
  auto const left = invites_.begin_try(lookup_);
  if (!left) return fail(CoreError::closed);
  tries_left_ = *left;
  append(transcript_, wire::encode_pair_message(share));
  send(share);
  expect(State::await_confirm, now);
  return {};
}

Result<> PairInviter::on_confirm(wire::PairConfirm const& confirm, Now now) {
  if (!crypto::same_mac(keys_->joiner_tag(transcript_).view(), confirm.tag.view())) {
    send(wire::PairEnd{wire::PairEndCode::wrong_code, tries_left_});
    return fail(CoreError::wrong_code, CountDetail{tries_left_, InviteBook::kMaxTries});
  }
  invites_.try_succeeded(lookup_);
  append(transcript_, confirm.tag.view());
  KITH_TRY(plain, keys_->from_joiner.open(wire::PairMessageType::confirm, confirm.box));
  KITH_TRY(box, wire::decode<wire::PairIdentityBox>(plain));
  KITH_CHECK(check_identity(box, wire::PairMessageType::confirm, transcript_));
  if (box.cert.device == identity_.device()) return fail(CoreError::bad_signature);
  joiner_ = std::move(box);
  if (used_ && used_by_ != joiner_.cert.device) {
    send(wire::PairEnd{wire::PairEndCode::used, 0});
    return fail(CoreError::invite_used);
  }
  wire::PairIdentityBox const own{identity_.cert, own_name_,
                                  pair_proof(identity_.sign, wire::PairMessageType::identity, transcript_)};
  send(wire::PairIdentity{keys_->from_inviter.seal(wire::PairMessageType::identity, wire::encode(own))});
  expect(State::await_user, now, kUserTime);
  events_.emplace_back(PairRequested{lookup_, joiner_.cert, joiner_.name, used_});
  return {};
}

void PairInviter::approve(wire::PairOfferBox const& offer, Now now) {
  if (state_ != State::await_user) return;
  offered_relays_ = offer.relays.size();
  send(wire::PairOffer{keys_->from_inviter.seal(wire::PairMessageType::offer, wire::encode(offer))});
  expect(State::await_pseudonyms, now);
}

Result<> PairInviter::on_pseudonyms(wire::PairPseudonyms const& message, Now now) {
  KITH_TRY(plain, keys_->from_joiner.open(wire::PairMessageType::pseudonyms, message.box));
  KITH_TRY(box, wire::decode<wire::PairPseudonymsBox>(plain));
  if (box.pseudonyms.size() != offered_relays_) return fail(CoreError::protocol_violation);
  expect(State::await_commit, now);
  events_.emplace_back(PairCommit{lookup_, joiner_.cert, joiner_.name, std::move(box.pseudonyms)});
  return {};
}

void PairInviter::welcome(wire::PairWelcomeBox const& box, Now now) {
  if (state_ != State::await_commit) return;
  Bytes plain = wire::encode(box);
  send(wire::PairWelcome{keys_->from_inviter.seal(wire::PairMessageType::welcome, plain)});
  wipe(plain);
  expect(State::await_joined, now);
}

void PairInviter::deny() {
  if (state_ == State::await_user) end(CoreError::invite_denied, wire::PairEnd{wire::PairEndCode::denied, 0});
}

void PairInviter::refuse_as_used() {
  if (state_ == State::await_user) end(CoreError::invite_used, wire::PairEnd{wire::PairEndCode::used, 0});
}

void PairInviter::cancel() { end(CoreError::invite_cancelled, wire::PairEnd{wire::PairEndCode::cancelled, 0}); }

void PairInviter::fail_internally(Error reason) { end(std::move(reason), wire::PairEnd{wire::PairEndCode::failed, 0}); }

void PairInviter::on_timer(Now now) {
  if (state_ != State::done && now.mono >= deadline_) end(CoreError::timed_out);
}

void PairInviter::on_closed(Now) {
  link_gone_ = true;
  end(CoreError::closed);
}

bool PairInviter::poll_transmit(Bytes& out) {
  if (out_.empty() || link_gone_) return false;
  append(out, out_);
  out_.clear();
  return true;
}

std::optional<InviterEvent> PairInviter::poll_event() {
  if (events_.empty()) return std::nullopt;
  auto event = std::move(events_.front());
  events_.pop_front();
  return event;
}

std::optional<Instant> PairInviter::next_deadline() const {
  return state_ == State::done ? std::nullopt : std::optional(deadline_);
}

void PairInviter::send(wire::PairMessage const& message) {
  wire::append_message(out_, wire::encode_pair_message(message));
}

void PairInviter::expect(State state, Now now, std::chrono::seconds within) {
  state_ = state;
  deadline_ = now.mono + within;
}

void PairInviter::end(Error reason, std::optional<wire::PairEnd> say) {
  if (state_ == State::done) return;
  if (say) send(*say);
  state_ = State::done;
  bool const named = !lookup_.symbols.empty();
  events_.emplace_back(PairFailed{std::move(reason), named ? std::optional(lookup_) : std::nullopt});
}

}  // namespace kith::core
