#include "sync/relays/mailbox.hpp"

#include <algorithm>

/// One relay's connection: when to make it, who speaks first, and what comes.
namespace kith::sync {

Mailbox::Mailbox(core::Replica& replica, store::Store& store, core::Roster::Relay relay, RandomSource& random)
    : replica_(replica),
      store_(store),
      relay_(std::move(relay)),
      random_(random),
      face_(core::relay_face(replica.identity().root, relay_.relay, replica.state().group())),
      chain_(relay_.channel),
      book_(relay_.relay, replica.self()) {}

Result<> Mailbox::start(Now now) {
  KITH_TRY(record, RelayRecord::load(store_, relay_.relay, relay_.channel));
  record_ = std::move(record);
  KITH_TRY(unresolved, UnresolvedItems::load(store_, relay_.relay, relay_.channel));
  unresolved_ = std::move(unresolved);
  KITH_CHECK(chain_.load(store_));
  {
    KITH_TRY(transaction, store::Transaction::begin(store_));
    KITH_CHECK(book_.load(store_, now.wall));
    KITH_CHECK(transaction.commit());
  }
  sweep_due_ = now.mono + kSweepEvery;
  dial_at_ = now.mono;
  return name_ourselves(now);
}

// The connection.

bool Mailbox::wants_link(Now now) const { return state_ == State::idle && dial_at_ <= now.mono; }

void Mailbox::dialling(Now now) {
  state_ = State::dialling;
  since_ = now.mono;
}

void Mailbox::set_attended(bool attended, Now now) {
  if (attended_ == attended) return;
  attended_ = attended;
  if (!attended) return hurry(now);
  presence_.reset();
  presence_due_ = false;
}

/// Waits 1, 2, 4... seconds, each time between half of it and all, so that devices that lost one relay do not all come
/// back at once.
void Mailbox::dial_failed(Error reason, Now now) {
  state_ = State::idle;
  channel_.reset();
  answer_due_.reset();
  std::chrono::milliseconds const most = attended_ ? std::chrono::seconds{kLongestAttendedWait} : kLongestWait;
  auto const longest = std::min<std::chrono::milliseconds>(kFirstWait * (1U << std::min(failures_, 10U)), most);
  ++failures_;
  dial_at_ = now.mono + longest / 2 +
             std::chrono::milliseconds{random_.u64() % static_cast<std::uint64_t>(longest.count() / 2 + 1)};
  events_.emplace_back(RelayDown{std::move(reason)});
}

void Mailbox::hurry(Now now) {
  failures_ = 0;
  if (state_ == State::idle) dial_at_ = now.mono;
}

void Mailbox::on_connected(Now now) {
  channel_ = relay::Channel::initiate(relay_.relay, face_.dx, random_);
  state_ = State::handshake;
  since_ = now.mono;
  answer_due_ = now.mono + kHandshakeTime;
  asked_at_.reset();
  reset_once_ = showed_chain_ = branched_ = false;
  pull_request_ = push_request_ = acl_request_ = record_request_ = 0;
  acl_step_ = AclStep::none;
  put_.reset();
  stamp_.reset();
  acked_cursor_ = notified_ = pushed_upto_ = {};
  std::erase_if(told_, [](auto const& each) { return each.first.second == Way::met; });
  compares_ = false;
  drop_requests_ = {};
  drop_again_ = true;
  relied_.clear();
  doubted_.clear();
  have_request_ = 0;
  ask_again_.reset();
  acl_not_before_.reset();
  push_not_before_.reset();
  record_due_.reset();
  upload_not_before_.reset();
  // What was half uploaded begins anew; what was half downloaded too.
  if (object_) {
    auto const& chunks = object_->announcement.chunks;
    uploads_.insert(uploads_.begin(), chunks.begin(), chunks.end());
    object_.reset();
  }
  download_.reset();
  heard_presence_.clear();
  unheard_.clear();
  presence_due_ = presence_.has_value();
}

Result<> Mailbox::on_closed(Now now) {
  bool const was_up = state_ == State::catching_up || state_ == State::live;
  if (was_up) failures_ = 0;
  if (state_ == State::ending) {
    state_ = State::idle;  // what ended it was told, and says when to dial again
  } else if (state_ != State::idle) {
    dial_failed(core::CoreError::closed, now);
  }
  return flush();
}

bool Mailbox::poll_transmit(Bytes& out) { return channel_ && state_ != State::ending && channel_->poll_transmit(out); }

/// The conversation is over for a reason of ours or the relay's: the caller closes the link, and is told then.
void Mailbox::end(Error reason, Now now) {
  if (state_ == State::idle || state_ == State::ending) return;
  if (state_ == State::live || state_ == State::catching_up) failures_ = 0;
  dial_failed(std::move(reason), now);
  state_ = State::ending;
}

void Mailbox::misbehaved(Error reason, Now now) {
  set_trouble(RelayTrouble::misbehaves);
  failures_ = std::max(failures_, 5U);
  end(std::move(reason), now);
  dial_at_ = now.mono + kLongestWait;
}

/// It shows access records that the group did not make.
void Mailbox::off_chain(Now now) {
  set_trouble(RelayTrouble::off_chain);
  end(core::CoreError::bad_signature, now);
  dial_at_ = now.mono + kLongestWait;
}

void Mailbox::set_trouble(RelayTrouble trouble, std::uint64_t number) {
  if (trouble_ == trouble) return;
  trouble_ = trouble;
  events_.emplace_back(RelayTroubled{trouble, number});
}

/// The relay has stored something. Where contents are still to be left there, an entry that found room is no news.
void Mailbox::note_room() {
  if (uploading()) return;
  if (trouble_ == RelayTrouble::quota || trouble_ == RelayTrouble::storage_full) set_trouble(RelayTrouble::none);
}

template <class Message>
void Mailbox::send(Message message) {
  channel_->send(wire::RelayMessage{std::move(message)});
}

Result<> Mailbox::on_bytes(ByteView bytes, Now now) {
  if (!channel_ || state_ == State::ending) return {};
  heard_ = now.mono;
  std::vector<wire::RelayMessage> messages;
  bool const was_open = channel_->open();
  auto taken = channel_->on_bytes(bytes, messages);
  if (!taken && !was_open) {
    end(taken.error(), now);
    return {};
  }
  if (!was_open && channel_->open()) {
    channel_->set_max_message_bytes(wire::kRelayLimits.max_message_bytes);
    say_hello();
    state_ = State::hello;
    answer_due_ = now.mono + kAnswerTime;
  }
  for (auto& message : messages) {
    KITH_CHECK(on_message(std::move(message), now));
    if (state_ == State::ending) return {};
  }
  if (!answer_owed()) asked_at_.reset();
  if (!taken) misbehaved(taken.error(), now);
  return {};
}

void Mailbox::say_hello() {
  wire::Hello hello;
  hello.request = hello_request_ = ++last_request_;
  hello.channel = relay_.channel;
  hello.pseudonym = face_.pseudonym();
  hello.last_cursor = record_.position;
  hello.last_item = record_.last_item;
  wire::HelloProof const proof{relay_.relay, relay_.channel, channel_->handshake_hash(), record_.position};
  hello.proof = face_.sign.sign(wire::kHelloLabel, wire::encode(proof));
  send(std::move(hello));
}

Result<> Mailbox::on_message(wire::RelayMessage message, Now now) {
  bool const member = state_ == State::catching_up || state_ == State::live;
  auto const request = wire::request_of(message);
  if (auto* failure = std::get_if<wire::RelayFailure>(&message)) return on_failure(*failure, now);
  bool const reads_acl = acl_step_ == AclStep::reading || acl_step_ == AclStep::branching;
  if (auto* acl = std::get_if<wire::AclRecords>(&message); acl != nullptr && reads_acl && request == acl_request_)
    return on_acl(*acl, now);
  if (std::holds_alternative<wire::Done>(message) && acl_request_ != 0 && request == acl_request_)
    return on_acl_put(now);
  if (auto* welcome = std::get_if<wire::Welcome>(&message);
      welcome != nullptr && state_ == State::hello && request == hello_request_) {
    return on_welcome(*welcome, now);
  }
  if (member) {
    if (auto* pulled = std::get_if<wire::PullResponse>(&message);
        pulled != nullptr && pull_request_ != 0 && request == pull_request_) {
      return on_pulled(std::move(*pulled), now);
    }
    if (auto* ack = std::get_if<wire::PushAck>(&message);
        ack != nullptr && push_request_ != 0 && request == push_request_) {
      return on_pushed(*ack, now);
    }
    if (auto* live = std::get_if<wire::LiveItems>(&message)) {
      if (live->items.empty()) return {};
      // What comes while older items are still being pulled will come again with them.
      if (pull_request_ != 0) return {};
      KITH_CHECK(take_items(live->items, live->items.back().cursor, now));
      KITH_TRY(again, pull_what_was_passed_over(now));
      static_cast<void>(again);
      return {};
    }
    if (auto* notice = std::get_if<wire::Notify>(&message)) {
      notified_ = std::max(notified_, notice->head);
      if (notified_ > record_.position) pull(now);
      return {};
    }
    if (auto* presence = std::get_if<wire::RelayPresence>(&message)) {
      return hear_presence(*presence, now);
    }
    if (auto* part = std::get_if<wire::ObjPart>(&message);
        part != nullptr && download_ && request == download_->request) {
      return on_part(std::move(*part), now);
    }
    if (auto const* records = std::get_if<wire::RecRecords>(&message);
        records != nullptr && record_request_ != 0 && request == record_request_) {
      return on_records(*records);
    }
    if (std::holds_alternative<wire::Done>(message) && record_request_ != 0 && request == record_request_) {
      record_request_ = 0;
      return {};
    }
    if (auto* held = std::get_if<wire::ObjHeld>(&message);
        held != nullptr && have_request_ != 0 && request == have_request_) {
      return on_held(*held, now);
    }
    if (std::holds_alternative<wire::Done>(message) && drop_requests_[1] != 0 && request == drop_requests_[1])
      return on_dropped(now);
    if (std::holds_alternative<wire::Done>(message))
      return object_ && request == object_->request ? on_uploaded(now) : Result<>{};
  }
  misbehaved(relay::ChannelError::out_of_place, now);
  return {};
}

Result<> Mailbox::on_welcome(wire::Welcome const& welcome, Now now) {
  state_ = State::catching_up;
  since_ = now.mono;
  answer_due_.reset();
  object_ttl_ = std::chrono::seconds{std::min<std::uint64_t>(welcome.object_ttl_s, 1U << 30)};
  KITH_CHECK(reconcile(welcome));
  if (trouble_ != RelayTrouble::lost_data) set_trouble(RelayTrouble::none);  // that is over once it has all again
  events_.emplace_back(RelayUp{});
  known_at_welcome_ = replica_.state().counting().heads;
  KITH_TRY(known, chain_.holds(store_, welcome.acl_version, welcome.acl_hash));
  if (!known && welcome.acl_version <= chain_.version()) {
    ask_branch();
  } else if (!known) {
    ask_acl();
  } else if (welcome.acl_version < chain_.version()) {
    KITH_CHECK(show_chain(welcome.acl_version + 1));  // it was put back to an older state
  }
  pull(now);
  return {};
}

// Time.

Result<> Mailbox::on_timer(Now now) {
  if (flush_due_ && *flush_due_ <= now.mono) KITH_CHECK(flush());
  if (sweep_due_ <= now.mono) KITH_CHECK(sweep(now));
  if (state_ == State::idle || state_ == State::ending || state_ == State::dialling) return {};
  if (answer_due_ && *answer_due_ <= now.mono) {
    end(core::CoreError::timed_out, now);
    return {};
  }
  if (answer_owed() && !asked_at_) asked_at_ = now.mono;
  if (auto const due = silence_ends(); due && *due <= now.mono) {
    end(core::CoreError::timed_out, now);
    return {};
  }
  bool const member = state_ == State::catching_up || state_ == State::live;
  if (member && since_ + kLifetime <= now.mono) {
    end(core::CoreError::closed, now);
    dial_at_ = now.mono;
    return {};
  }
  if (stamp_ && put_) stamp_more();
  if (state_ != State::live) return {};
  if (compare_again_ && *compare_again_ <= now.mono) {
    compare_again_.reset();
    events_.emplace_back(RelayCompareAgain{});
    KITH_CHECK(judge(now));
  }
  if (record_due_ && *record_due_ <= now.mono) {
    record_due_.reset();
    KITH_CHECK(look_after_record());
  }
  KITH_CHECK(settle_acl(now));
  KITH_CHECK(work_objects(now));
  return push(now);
}

bool Mailbox::answer_owed() const {
  return pull_request_ != 0 || push_request_ != 0 || acl_request_ != 0 || record_request_ != 0 || have_request_ != 0 ||
         download_;
}

/// A relay that owes an answer and says nothing is gone, however long nothing was asked before. An object takes its
/// time to get there on a slow line.
std::optional<Instant> Mailbox::silence_ends() const {
  if (answer_owed()) {
    auto const due = asked_at_ ? std::max(heard_, *asked_at_) + kAnswerTime : Instant{};
    return pull_request_ == 0 ? due : std::min(due, pulled_at_ + kPullTime);
  }
  if (!object_) return std::nullopt;
  // Whatever else the relay says meanwhile: what nobody answers would keep all that is to be left there waiting.
  return object_->since + kAnswerTime + std::chrono::seconds(object_->announcement.size_bytes / kSlowestBytesPerSecond);
}

std::optional<Instant> Mailbox::next_deadline() const {
  std::optional<Instant> next;
  auto const consider = [&](std::optional<Instant> const& instant) {
    if (instant && (!next || *instant < *next)) next = instant;
  };
  consider(flush_due_);
  consider(sweep_due_);
  switch (state_) {
    case State::idle: consider(dial_at_); break;
    case State::dialling:
    case State::ending: break;
    case State::live:
      consider(others_due_);
      consider(push_not_before_);
      consider(acl_not_before_);
      if (presence_due_) consider(presence_not_before_);
      consider(ask_again_);
      consider(given_due_);
      consider(record_due_);
      consider(compare_again_);
      if (holds_chunk_ && !book_.objects().empty()) consider(stored_due_);
      if (!doubted_.empty() && have_request_ == 0) consider(Instant{});
      if (!uploads_.empty() && !object_) consider(upload_not_before_);
      [[fallthrough]];
    case State::catching_up:
      consider(since_ + kLifetime);
      consider(silence_ends());
      [[fallthrough]];
    case State::handshake:
    case State::hello: consider(answer_due_); break;
  }
  if (stamp_ && put_) consider(Instant{});
  return next;
}

std::optional<MailboxEvent> Mailbox::poll_event() {
  if (events_.empty()) return std::nullopt;
  auto event = std::move(events_.front());
  events_.pop_front();
  return event;
}

Result<> Mailbox::on_local_change(Now now) {
  KITH_CHECK(resolve());
  KITH_CHECK(retry_kept(now));
  KITH_CHECK(name_ourselves(now));
  if (state_ != State::live) return {};
  KITH_CHECK(judge(now));
  KITH_CHECK(settle_acl(now));
  KITH_CHECK(work_objects(now));
  return push(now);
}

}  // namespace kith::sync
