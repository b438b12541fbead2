#include "engine/recovery.hpp"

#include <algorithm>

#include "base/assert.hpp"
#include "engine/delivery.hpp"
#include "sync/relays/mailbox.hpp"

namespace kith::engine {
namespace {

using sync::RecoveryError;

/// Other members may put this device off the list again before it has read all. It tries again for as long as it gets
/// further, and then so often or so long.
constexpr int kMostTries = 4;
constexpr auto kContestedTime = std::chrono::seconds{60};
/// A relay that only the log names may be a hostile member's own, which says a byte now and then. It is waited for so
/// many times as long as for a word, 2 minutes unless told otherwise, counted anew from each entry that it brings.
constexpr int kPatienceWithOthers = 6;
/// A group uses few relays; a hostile member may have named any number.
constexpr std::size_t kMostRelays = 16;

/// A claim, with the clock that it needs.
class Claiming final : public OneConversation {
 public:
  template <class... Args>
  explicit Claiming(Args&&... args) : machine(std::forward<Args>(args)...) {}
  [[nodiscard]] bool poll_transmit(Bytes& out) override { return machine.poll_transmit(out); }
  [[nodiscard]] std::optional<Instant> next_deadline() override { return machine.next_deadline(); }
  void on_timer() override {
    if (!done()) machine.on_timer(Clock::now());
  }
  sync::MailboxClaim machine;

 private:
  Result<> take(ByteView bytes) override { return machine.on_bytes(bytes, Clock::now()); }
  [[nodiscard]] bool finished() const override { return machine.done(); }
};

/// One connection of a mailbox, until all that the relay has was pulled.
class Reading final : public OneConversation {
 public:
  Reading(sync::Mailbox& mailbox, std::function<void(std::size_t)> taken)
      : mailbox_(mailbox), taken_(std::move(taken)) {}
  [[nodiscard]] bool poll_transmit(Bytes& out) override { return mailbox_.poll_transmit(out); }
  [[nodiscard]] std::optional<Instant> next_deadline() override { return mailbox_.next_deadline(); }
  void on_timer() override {
    if (done()) return;
    if (auto worked = mailbox_.on_timer(current_time()); !worked) end(worked.error());
    look();
  }

 private:
  void connected() override {
    mailbox_.dialling(current_time());
    mailbox_.on_connected(current_time());
  }
  Result<> take(ByteView bytes) override {
    KITH_CHECK(mailbox_.on_bytes(bytes, current_time()));
    look();
    return {};
  }
  [[nodiscard]] bool finished() const override { return mailbox_.live(); }

  void look() {
    while (auto const event = mailbox_.poll_event()) {
      if (auto const* applied = std::get_if<sync::RelayApplied>(&*event)) taken_(applied->count);
      if (auto const* troubled = std::get_if<sync::RelayTroubled>(&*event)) on_trouble(troubled->trouble);
      if (auto const* down = std::get_if<sync::RelayDown>(&*event)) {
        end(down->reason ? *down->reason : Error(core::CoreError::closed));
      }
    }
  }
  void on_trouble(sync::RelayTrouble trouble) {
    using enum sync::RelayTrouble;
    if (trouble == not_allowed || trouble == replaced) end(RecoveryError::contested);
    if (trouble == off_chain) end(RecoveryError::off_chain);
    if (trouble == misbehaves) end(relay::ChannelError::out_of_place);
    if (trouble == needs_token) end(RecoveryError::mailbox_gone);
  }

  sync::Mailbox& mailbox_;
  std::function<void(std::size_t)> taken_;
};

}  // namespace

Error relay_away(Error const& error, std::string const& where) {
  using enum link::LinkError;
  bool const away = error.is(unknown_host) || error.is(refused) || error.is(unreachable) || error.is(timed_out) ||
                    error.is(core::CoreError::closed) || error.is(core::CoreError::timed_out);
  if (!away) return error;
  auto const* system = std::get_if<SystemDetail>(&error.detail());
  return {EngineError::relay_unreachable, SystemDetail{system == nullptr ? 0 : system->number, where}};
}

std::vector<LastWord> last_words(std::vector<core::Roster::Relay> const& read,
                                 std::vector<core::Roster::Relay> const& used,
                                 std::optional<wire::RelayKey> const& named) {
  std::vector<LastWord> words;
  for (std::size_t mailbox = 0; mailbox < read.size(); ++mailbox) {
    for (auto const& relay : used) {
      if (relay.relay != read[mailbox].relay || relay.channel != read[mailbox].channel) continue;
      words.push_back({mailbox, relay.url, relay.relay == named});
      break;
    }
  }
  std::stable_partition(words.begin(), words.end(), [](LastWord const& word) { return word.decides; });
  return words;
}

Recovery::Recovery(core::RecoveryKeys words, core::Identity const& identity, Waiting waiting,
                   std::function<void(std::size_t)> progress, std::function<bool(std::string const&)> skips)
    : words_(std::move(words)),
      identity_(identity),
      waiting_(std::move(waiting)),
      progress_(std::move(progress)),
      skips_(std::move(skips)) {
  waiting_.while_it_talks = true;
}
Recovery::~Recovery() = default;

void Recovery::begin_other() { other_ends_at_ = Clock::now() + kPatienceWithOthers * waiting_.within; }

Waiting Recovery::waiting_for(wire::RelayKey const& relay) const {
  auto waiting = waiting_;
  if (relay != named_) waiting.latest = [this] { return other_ends_at_; };
  return waiting;
}

bool Recovery::ends_all(std::string const& url, Error const& reason) {
  return reason.is(EngineError::interrupted) && !skips_(url);
}

Result<std::vector<NamedGroup>> Recovery::look(link::RelayAddress const& address) {
  KITH_ASSERT(address.key.has_value());
  wire::RelayKey const relay{*address.key};
  if (!named_) named_ = relay;
  auto const asking = std::make_shared<Conversation<sync::RecordLookup>>(words_, relay, random_);
  KITH_CHECK(OneConversation::run(asking, address, waiting_for(relay)));
  std::vector<NamedGroup> groups;
  for (auto& escrow : asking->machine.opened()) {
    NamedGroup const group{escrow.group, escrow.name};
    if (std::ranges::find(groups, group.id, &NamedGroup::id) == groups.end()) groups.push_back(group);
    sources_.push_back({address, relay, std::move(escrow), false});
  }
  return groups;
}

/// Has the relay serve this device. @param exactly  whom alone; none: beside those who are there
/// @param contested  others are known to take this device off the list
/// @return the group's genesis record, where it was to be looked for
Result<std::optional<wire::Genesis>> Recovery::claim(Source& source,
                                                     std::optional<std::vector<wire::Pseudonym>> exactly,
                                                     bool contested) {
  bool const last = exactly.has_value();
  std::shared_ptr<Claiming> claiming;
  auto const until = Clock::now() + kContestedTime;
  for (;; contested = true) {
    claiming = std::make_shared<Claiming>(words_, source.escrow, source.relay,
                                          core::relay_face(identity_.root, source.relay, source.escrow.group), random_);
    if (exactly) claiming->machine.serve_exactly(*exactly);
    if (contested) claiming->machine.expect_contest();
    auto const said = OneConversation::run(claiming, source.address, waiting_for(source.relay));
    source.shuts_others_out |= claiming->machine.shuts_others_out();
    if (said) break;
    if (!said.error().is(RecoveryError::contested) || Clock::now() >= until) return fail(said.error());
  }
  if (last) {
    auto& store = instance_->store();
    KITH_TRY(transaction, store::Transaction::begin(store));
    KITH_CHECK(sync::put_recovery_record(store, source.relay, source.escrow.channel, claiming->machine.record()));
    KITH_CHECK(transaction.commit());
  }
  return std::move(claiming->machine.genesis());
}

/// A mailbox that is of no use here is again what it was before.
void Recovery::give_back(Source& source, Waiting waiting) {
  if (!std::exchange(source.shuts_others_out, false)) return;
  auto const giving =
      std::make_shared<Claiming>(words_, source.escrow, source.relay,
                                 core::relay_face(identity_.root, source.relay, source.escrow.group), random_);
  giving->machine.give_back();
  auto const ends_at = Clock::now() + waiting.within;
  waiting.latest = [ends_at] { return ends_at; };
  auto const given = OneConversation::run(giving, source.address, waiting);
  if (given) return;
  auto const where = without_key(link::to_text(source.address));
  shut_out_.push_back({where, relay_away(given.error(), where)});
}

void Recovery::drop_unread() {
  for (auto& source : sources_) {
    if (!source.read) give_back(source, waiting_);
  }
  std::erase_if(sources_, [](Source const& source) { return !source.read; });
}

void Recovery::give_up(Waiting waiting) {
  for (auto& source : sources_) give_back(source, waiting);
}

Result<std::vector<NamedGroup>> Recovery::without_false_ones(std::vector<NamedGroup> groups) {
  std::vector<NamedGroup> real;
  std::optional<Error> last;
  for (auto const& group : groups) {
    for (auto& source : sources_) {
      if (source.escrow.group != group.id) continue;
      auto const found = claim(source, std::nullopt);
      if (found) {
        real.push_back(group);
        break;
      }
      if (!found.error().holds<RecoveryError>()) return fail(found.error());
      last = found.error();
    }
  }
  if (real.empty() && last) return fail(*last);
  return real;
}

/// The database is the group's from then on.
Result<> Recovery::begin_with(wire::Genesis const& genesis) {
  auto& replica = instance_->replica;
  auto const loaded = replica.open();
  if (loaded || !loaded.error().is(core::CoreError::no_group)) return loaded;
  KITH_CHECK(replica.adopt_recovered(genesis, words_, current_time()));
  instance_->prepare_folders();
  return {};
}

Result<> Recovery::take_in_once(Source& source, bool contested) {
  KITH_TRY(genesis, claim(source, std::nullopt, contested));
  auto& replica = instance_->replica;
  KITH_CHECK(begin_with(*genesis));
  sync::Mailbox mailbox(replica, instance_->store(),
                        {link::to_text(source.address), source.relay, source.escrow.channel}, instance_->random);
  KITH_CHECK(mailbox.start(current_time()));
  auto const reading = std::make_shared<Reading>(mailbox, [this](std::size_t count) {
    taken_in_ += count;
    if (count > 0) begin_other();
    if (progress_) progress_(taken_in_);
  });
  auto read = OneConversation::run(reading, source.address, waiting_for(source.relay));
  auto const written = mailbox.on_closed(current_time());
  return read ? written : read;
}

Result<> Recovery::take_in(Source& source) {
  auto since = Clock::now();
  int tries = 0;
  bool contested = false;
  for (auto before = taken_in_;; contested = true) {
    auto const taken = take_in_once(source, contested);
    if (taken) source.read = true;
    if (taken || !taken.error().is(RecoveryError::contested)) return taken;
    if (std::exchange(before, taken_in_) != taken_in_) {
      since = Clock::now();
      tries = 0;
    }
    if (++tries >= kMostTries && Clock::now() - since >= kContestedTime) return taken;
  }
}

Result<> Recovery::read(Instance& instance, GroupId const& group) {
  instance_ = &instance;
  group_ = group;
  for (auto& source : sources_) {
    if (source.escrow.group != group) give_back(source, waiting_);
  }
  std::erase_if(sources_, [&](Source const& source) { return source.escrow.group != group; });
  std::optional<Error> last;
  for (auto& source : sources_) {
    auto const taken = take_in(source);
    if (taken) continue;
    // What a relay says of one mailbox is no reason not to read another one; the rest of the world's faults are.
    if (!taken.error().holds<RecoveryError>()) return taken;
    last = taken.error();
  }
  drop_unread();
  if (sources_.empty()) return fail(last ? *last : Error(RecoveryError::none_opens));
  return read_other_relays();
}

/// The log names relays; what was left there and nowhere else comes from them, and the removed are shut out there too.
Result<> Recovery::read_other_relays() {
  std::set<wire::RelayKey> asked;
  for (auto const& source : sources_) asked.insert(source.relay);
  for (bool more = true; more && asked.size() < kMostRelays;) {
    more = false;
    auto const relays = instance_->replica.state().roster().relays();
    for (auto const& relay : relays) {
      if (asked.size() >= kMostRelays || !asked.insert(relay.relay).second) continue;
      more = true;
      auto const address = link::parse_relay_address(relay.url);
      if (!address || address->key != relay.relay.bytes) {
        leave_out(relay.url, link::LinkError::bad_relay_address);
        continue;
      }
      if (auto const end = read_other(relay.url, *address)) return fail(*end);
    }
  }
  // Of a relay that was read, another mailbox may be the one that the group uses.
  for (auto const& relay : instance_->replica.state().roster().relays()) {
    bool const told = std::ranges::find(left_out_, relay.url, &RelayLeftOut::url) != left_out_.end();
    bool const ours = std::ranges::any_of(sources_, [&](Source const& source) {
      return source.relay == relay.relay && source.escrow.channel == relay.channel;
    });
    if (!ours && !told) leave_out(relay.url, RecoveryError::mailbox_gone);
  }
  return {};
}

/// @return what ends the whole recovery
std::optional<Error> Recovery::read_other(std::string const& url, link::RelayAddress const& address) {
  begin_other();
  auto const before = sources_.size();
  auto const found = look(address);
  std::optional<Error> reason;
  if (!found) reason = found.error();
  for (auto at = before; at < sources_.size(); ++at) {
    if (sources_[at].escrow.group != group_) continue;
    auto const taken = take_in(sources_[at]);
    if (!taken) reason = taken.error();
    if (!taken && taken.error().is(EngineError::interrupted)) break;
  }
  if (reason && ends_all(url, *reason)) return reason;
  drop_unread();
  if (sources_.size() == before) leave_out(url, reason.value_or(RecoveryError::no_record));
  return std::nullopt;
}

void Recovery::leave_out(std::string const& url, Error const& reason) {
  left_out_.push_back({url, relay_away(reason, without_key(url))});
}

Result<std::size_t> Recovery::come_back(std::string name, std::set<DeviceId> const& keep) {
  auto& replica = instance_->replica;
  KITH_TRY(removed, replica.come_back(words_, std::move(name), keep, current_time()));
  std::vector<core::Roster::Relay> read;
  for (auto const& source : sources_) read.push_back({{}, source.relay, source.escrow.channel});
  for (auto const& word : last_words(read, replica.state().roster().relays(), named_)) {
    auto& source = sources_[word.mailbox];
    begin_other();
    auto const put = claim(source, sync::wanted_pseudonyms(replica.state().roster(), source.relay));
    if (put) continue;
    // Where the group was found it has to be so: else whoever has a lost device could shut this one out.
    if (word.decides || ends_all(word.url, put.error())) return fail(put.error());
    leave_out(word.url, put.error());  // and whom it served before it is not told: some of them were just removed
  }
  KITH_CHECK(keep_address());
  return removed;
}

}  // namespace kith::engine
