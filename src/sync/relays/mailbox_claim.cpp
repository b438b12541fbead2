#include "sync/relays/mailbox_claim.hpp"

#include <algorithm>
#include <limits>

#include "base/assert.hpp"
#include "core/recovery.hpp"

namespace kith::sync {
namespace {

constexpr std::uint32_t kPullBytes = 512 * 1024;
constexpr std::chrono::milliseconds kShortestPause{5};
constexpr std::chrono::milliseconds kPauseSpread{45};

std::string_view describe(int value) {
  switch (static_cast<RecoveryError>(value)) {
    case RecoveryError::no_record: return "no_record";
    case RecoveryError::none_opens: return "none_opens";
    case RecoveryError::mailbox_gone: return "mailbox_gone";
    case RecoveryError::off_chain: return "off_chain";
    case RecoveryError::contested: return "contested";
    case RecoveryError::no_beginning: return "no_beginning";
    case RecoveryError::no_room: return "no_room";
    case RecoveryError::refused: return "refused";
  }
  KITH_UNREACHABLE();
}

tl::unexpected<Error> refusal(wire::RelayFailure const& failure) {
  return fail(RecoveryError::refused, SubjectDetail{failure.text});
}

bool is_about_room(wire::RelayFailure const& failure) {
  using enum wire::RelayErrorCode;
  return failure.code == quota || failure.code == storage_full || failure.code == rate_limited;
}

}  // namespace

ErrorDomain const& error_domain(RecoveryError) {
  static constexpr ErrorDomain domain{"recovery", describe};
  return domain;
}

// The records.

RecordFetch::RecordFetch(wire::LocatorSecret const& locator, wire::RelayKey const& relay, RandomSource& random)
    : locator_(core::recovery_locator(locator, relay)),
      channel_(relay::Channel::initiate(relay, crypto::DhKeyPair::generate(random), random)) {}

Result<> RecordFetch::on_bytes(ByteView bytes) {
  constexpr std::uint64_t kRequest = 1;  // the only one
  std::vector<wire::RelayMessage> messages;
  KITH_CHECK(channel_.on_bytes(bytes, messages));
  if (!asked_ && channel_.open()) {
    asked_ = true;
    channel_.set_max_message_bytes(wire::kRelayLimits.max_message_bytes);
    channel_.send(wire::RecGet{kRequest, locator_});
  }
  for (auto const& message : messages) {
    if (auto const* failure = std::get_if<wire::RelayFailure>(&message)) return refusal(*failure);
    auto const* answer = std::get_if<wire::RecRecords>(&message);
    if (answer == nullptr || answer->request != kRequest || done_) return fail(relay::ChannelError::out_of_place);
    for (auto const& each : answer->records) records_.push_back(each.bytes);
    done_ = true;
  }
  return {};
}

RecordLookup::RecordLookup(core::RecoveryKeys const& words, wire::RelayKey const& relay, RandomSource& random)
    : words_(words), relay_(relay), fetch_(words.locator, relay, random) {}

Result<> RecordLookup::on_bytes(ByteView bytes) {
  KITH_CHECK(fetch_.on_bytes(bytes));
  if (!fetch_.done()) return {};
  for (auto const& record : fetch_.records()) {
    auto escrow = core::open_escrow(record, words_, relay_);
    if (!escrow) continue;
    // The key has to be the channel's: another one could sign nothing.
    auto const key = crypto::SigningKey(escrow->channel_key).public_key();
    bool const known = std::ranges::any_of(
        opened_, [&](auto const& each) { return each.channel == escrow->channel && each.group == escrow->group; });
    if (key.bytes == escrow->channel.bytes && !known) opened_.push_back(std::move(*escrow));
  }
  if (fetch_.records().empty()) return fail(RecoveryError::no_record);
  if (opened_.empty()) return fail(RecoveryError::none_opens);
  return {};
}

// The mailbox.

MailboxClaim::MailboxClaim(core::RecoveryKeys const& words, core::Escrow const& escrow, wire::RelayKey const& relay,
                           core::RelayFace face, RandomSource& random)
    : words_(words),
      escrow_(escrow),
      relay_(relay),
      face_(std::move(face)),
      random_(random),
      channel_key_(escrow.channel_key),
      record_(core::seal_escrow(escrow, words.dx.public_key, relay, random)),
      channel_(relay::Channel::initiate(relay, face_.dx, random)) {}

template <class Message>
void MailboxClaim::ask(Step step, Message message) {
  step_ = step;
  message.request = ++request_;
  channel_.send(wire::RelayMessage{std::move(message)});
}

Result<> MailboxClaim::on_bytes(ByteView bytes, Instant now) {
  now_ = now;
  std::vector<wire::RelayMessage> messages;
  KITH_CHECK(channel_.on_bytes(bytes, messages));
  if (step_ == Step::handshake && channel_.open()) {
    channel_.set_max_message_bytes(wire::kRelayLimits.max_message_bytes);
    probe();
  }
  for (auto const& message : messages) {
    if (done()) break;  // what comes unasked behind the last answer is nobody's any more
    KITH_CHECK(on_message(message));
  }
  return {};
}

/// A record that cannot follow, signed by the channel's key: whoever can sign that belongs there, and may read the
/// chain.
void MailboxClaim::probe() {
  wire::AclRecord record;
  record.channel = escrow_.channel;
  record.version = 2;
  record.pseudonyms = {face_.pseudonym()};
  wire::sign_acl(record, channel_key_);
  ask(Step::probing, wire::AclPut{0, std::move(record), {}});
}

void MailboxClaim::read_chain() { ask(Step::reading, wire::AclGet{0, last_ ? last_->version + 1 : 1}); }

Result<> MailboxClaim::on_chain(wire::AclRecords const& answer) {
  for (auto const& record : answer.records) {
    // One of the channel's key counts whatever it names: it was made with what is used here.
    bool const fits =
        record.channel == escrow_.channel &&
        (last_ ? wire::follows_acl(*last_, record) || wire::overrules_acl(*last_, record) : wire::begins_acl(record));
    if (!fits) return fail(RecoveryError::off_chain);
    if (!last_) first_hash_ = wire::acl_record_hash(record);
    bool const names_self = std::ranges::binary_search(record.pseudonyms, face_.pseudonym());
    if (!names_self) others_ = record.pseudonyms;
    came_ = came_ || names_self;
    if (!came_) former_ = record.pseudonyms;
    last_ = record;
  }
  if (answer.has_more && !answer.records.empty()) {
    read_chain();
    return {};
  }
  return put();
}

/// Whom the next record is to name, ascending.
std::vector<wire::Pseudonym> MailboxClaim::list() const {
  auto const self = face_.pseudonym();
  if (wanted_) return *wanted_;
  if (gives_back_) return std::ranges::binary_search(last_->pseudonyms, self) ? former_ : last_->pseudonyms;
  if (shut_out_ >= kTriesBesideOthers) return {self};
  auto pseudonyms = last_->pseudonyms;
  if (std::ranges::binary_search(pseudonyms, self)) return pseudonyms;
  // Whoever has to give way in a full list is put back by the next member that comes, or by the last word here.
  if (pseudonyms.size() >= wire::kRelayLimits.max_members) pseudonyms.resize(wire::kRelayLimits.max_members - 1);
  pseudonyms.push_back(self);
  std::ranges::sort(pseudonyms);
  return pseudonyms;
}

/// The next record by the channel's key, unless the last one says what is wanted.
Result<> MailboxClaim::put() {
  if (!last_ || last_->version == std::numeric_limits<std::uint64_t>::max()) return fail(RecoveryError::off_chain);
  auto pseudonyms = list();
  shuts_others_out_ = !std::ranges::includes(pseudonyms, others_);
  if (pseudonyms == last_->pseudonyms) {
    if (gives_back_)
      step_ = Step::done;
    else
      greet();
    return {};
  }
  wire::AclRecord record;
  record.channel = escrow_.channel;
  auto const room = std::numeric_limits<std::uint64_t>::max() - last_->version;
  bool const contested = tries_ >= kTriesByOne;
  record.version = last_->version + (contested ? std::min(kJump, room) : 1);
  record.prev = contested ? first_hash_ : wire::acl_record_hash(*last_);
  record.pseudonyms = std::move(pseudonyms);
  wire::sign_acl(record, channel_key_);
  ask(Step::putting, wire::AclPut{0, std::move(record), {}});
  return {};
}

/// Somebody else was quicker; the channel's key has the last word, but not for ever. Pauses of no fixed length keep
/// whoever counts on the moment from meeting it each time.
Result<> MailboxClaim::again() {
  if (!contested_since_) contested_since_ = now_;
  if (now_ - *contested_since_ >= kContestedTime) return fail(RecoveryError::contested);
  if (++tries_ < kTriesByOne) {
    read_chain();
    return {};
  }
  step_ = Step::pausing;
  ready_at_ = now_ + kShortestPause + std::chrono::milliseconds(random_.below(kPauseSpread.count()));
  return {};
}

void MailboxClaim::on_timer(Instant now) {
  now_ = now;
  if (!ready_at_ || now < *ready_at_) return;
  ready_at_.reset();
  read_chain();
}

void MailboxClaim::greet() {
  wire::Hello hello;
  hello.channel = escrow_.channel;
  hello.pseudonym = face_.pseudonym();
  wire::HelloProof const proof{relay_, escrow_.channel, channel_.handshake_hash(), {}};
  hello.proof = face_.sign.sign(wire::kHelloLabel, wire::encode(proof));
  ask(Step::greeting, std::move(hello));
}

Result<> MailboxClaim::on_welcome(wire::Welcome const& welcome) {
  if (wanted_) {
    ask(Step::leaving_record, wire::RecPut{0, core::recovery_locator(words_.locator, relay_), record_});
    return {};
  }
  if (welcome.floor.value > 0) return fail(RecoveryError::no_beginning);
  ask(Step::searching, wire::Pull{0, position_, kPullBytes});
  return {};
}

Result<> MailboxClaim::on_items(wire::PullResponse const& answer) {
  searched_bytes_ += kAnswerBytes;
  for (auto const& item : answer.items) {
    searched_bytes_ += kItemBytes + item.sealed.size();
    if (item.ttl_s != 0) continue;
    genesis_ = core::genesis_in(item.sealed, escrow_.group, words_);
    if (!genesis_) continue;
    step_ = Step::done;
    return {};
  }
  bool const stuck = answer.next_after <= position_;
  if (!answer.has_more || stuck || searched_bytes_ > kMostSearchedBytes) return fail(RecoveryError::no_beginning);
  position_ = answer.next_after;
  ask(Step::searching, wire::Pull{0, position_, kPullBytes});
  return {};
}

Result<> MailboxClaim::on_message(wire::RelayMessage const& message) {
  if (auto const* failure = std::get_if<wire::RelayFailure>(&message)) return on_failure(*failure);
  // What a relay tells its members unasked.
  bool const unasked = std::holds_alternative<wire::RelayPresence>(message) ||
                       std::holds_alternative<wire::Notify>(message) ||
                       std::holds_alternative<wire::LiveItems>(message);
  if (unasked && step_ > Step::greeting) return {};
  if (wire::request_of(message) == request_) {
    bool const done = std::holds_alternative<wire::Done>(message);
    if (auto const* chain = std::get_if<wire::AclRecords>(&message); chain != nullptr && step_ == Step::reading)
      return on_chain(*chain);
    if (auto const* welcome = std::get_if<wire::Welcome>(&message); welcome != nullptr && step_ == Step::greeting)
      return on_welcome(*welcome);
    if (auto const* items = std::get_if<wire::PullResponse>(&message); items != nullptr && step_ == Step::searching)
      return on_items(*items);
    if (done && step_ == Step::putting && !gives_back_) {
      greet();
      return {};
    }
    if (done && (step_ == Step::putting || step_ == Step::leaving_record)) {
      step_ = Step::done;
      return {};
    }
  }
  return fail(relay::ChannelError::out_of_place);
}

Result<> MailboxClaim::on_failure(wire::RelayFailure const& failure) {
  using enum wire::RelayErrorCode;
  bool const asked = failure.request == request_;
  if (failure.code == stale_acl && asked && step_ == Step::probing) {
    read_chain();
    return {};
  }
  if (failure.code == stale_acl && asked && step_ == Step::putting) return again();
  if (failure.code == not_allowed && asked && step_ == Step::greeting) {
    ++shut_out_;
    return again();
  }
  bool const said_too_much = failure.request == 0 && (failure.code == too_large || failure.code == bad_frame);
  if (contested_since_ && said_too_much) return fail(RecoveryError::contested);  // on this connection
  if (failure.code == not_allowed && failure.request == 0) return fail(RecoveryError::contested);
  if (failure.code == not_allowed && asked && (step_ == Step::probing || step_ == Step::putting))
    return fail(RecoveryError::mailbox_gone);
  if (asked && step_ == Step::leaving_record && is_about_room(failure)) {
    step_ = Step::done;  // the record that led here is still there
    return {};
  }
  if (is_about_room(failure)) return fail(RecoveryError::no_room);
  return refusal(failure);
}

}  // namespace kith::sync
