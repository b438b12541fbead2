#include "engine/join.hpp"

#include <algorithm>

#include "core/pair_joiner.hpp"
#include "engine/offered_relays.hpp"
#include "link/tcp/tcp.hpp"
#include "link/ws/invite_mailbox.hpp"
#include "sync/exchange/exchange.hpp"

namespace kith::engine {
namespace {

constexpr auto kDialTime = std::chrono::seconds{5};
constexpr auto kClaimTime = std::chrono::seconds{10};
/// Addresses of the same network answer in much less.
constexpr auto kHeadStart = std::chrono::seconds{1};
constexpr std::chrono::milliseconds kGoodbyeTime{100};
constexpr std::chrono::milliseconds kRelayedGoodbyeTime{5000};
constexpr std::chrono::milliseconds kRelayedCancelTime{1000};  ///< somebody waits for the prompt
constexpr std::uint16_t kFirstPort = 7427;

/// What became of asking a relay.
Error of_relay(Error const& error, std::string const& where) {
  using enum link::LinkError;
  bool const away = error.is(unknown_host) || error.is(refused) || error.is(unreachable) || error.is(timed_out);
  if (!away) return error;
  auto const* system = std::get_if<SystemDetail>(&error.detail());
  return {EngineError::relay_unreachable, SystemDetail{system == nullptr ? 0 : system->number, where}};
}

/// Runs a PairJoiner over one connection, and keeps what it hands over.
class JoinMachine final : public link::StreamMachine {
 public:
  struct Told {
    std::function<void()> heard;  ///< the other side says something
    std::function<void(core::JoinerEvent const&)> event;
    std::function<void()> closed;
  };
  JoinMachine(core::PairJoiner joiner, Told told) : joiner_(std::move(joiner)), told_(std::move(told)) {}
  void on_bytes(ByteView bytes) override {
    if (dropped_) return;
    told_.heard();
    joiner_.on_bytes(bytes, current_time());
    work();
  }
  void on_closed() override {
    joiner_.on_closed(current_time());
    work();
    told_.closed();
  }
  void on_timer() override {
    joiner_.on_timer(current_time());
    work();
  }
  [[nodiscard]] bool poll_transmit(Bytes& out) override { return !dropped_ && joiner_.poll_transmit(out); }
  [[nodiscard]] std::optional<Instant> next_deadline() override { return joiner_.next_deadline(); }
  [[nodiscard]] bool done() const override { return dropped_ || joiner_.done(); }
  void stored() {
    joiner_.stored();
    work();
    wake();
  }
  void cancel() {
    joiner_.cancel();
    work();
    wake();
  }
  /// Ends the connection without a word.
  void drop() {
    dropped_ = true;
    wake();
  }

 private:
  void work() {
    while (auto const event = joiner_.poll_event()) told_.event(*event);
  }
  core::PairJoiner joiner_;
  Told told_;
  bool dropped_ = false;
};

/// One way that is being tried: to addresses, or through a relay.
struct Way {
  bool relayed = false;
  std::string endpoint;                  ///< that answered
  std::shared_ptr<JoinMachine> machine;  ///< once there is a connection
};

/// Tries one address after the other, and after a while relays as well, until one of them knows the invite. There is
/// never more than one address and one relay at work, and from the first word of one on only that one: each
/// conversation that is begun and left costs the invite a try.
class Joining {
 public:
  Joining(Instance& instance, core::Identity const& identity, JoinRequest const& request, JoinWatcher const& watcher)
      : instance_(instance),
        identity_(identity),
        request_(request),
        watcher_(watcher),
        left_(request.addresses),
        relays_left_(request.relays) {
    if (left_.empty() && relays_left_.empty()) left_ = local_candidates();
  }

  Result<Joined> run() {
    std::unique_ptr<link::Loop::Watch> cancel;
    if (watcher_.cancelled) {
      cancel = loop_.watch(watcher_.cancel_descriptor, [this] {
        if (failure_ || !watcher_.cancelled()) return;
        failure_ = EngineError::interrupted;
        after_goodbye(lead_ && lead_->relayed ? kRelayedCancelTime : kGoodbyeTime);
        for (auto const& way : {direct_, relayed_}) {
          if (way && way->machine) way->machine->cancel();
        }
      });
    }
    head_start_ = loop_.make_alarm([this] {
      relays_may_go_ = true;
      advance();
    });
    if (!left_.empty() && !relays_left_.empty()) head_start_->set(Clock::now() + kHeadStart);
    advance();
    loop_.run();
    if (joined_) return *joined_;
    return fail(failure_ ? *failure_ : nobody());
  }

 private:
  void advance() {
    if (failure_ || joined_ || lead_) return;
    if (!direct_ && !left_.empty()) try_addresses();
    if (!relayed_ && !relays_left_.empty() && (relays_may_go_ || !direct_)) try_relay();
    if (!direct_ && !relayed_) loop_.stop();
  }

  void try_addresses() {
    direct_ = std::make_shared<Way>();
    link::dial(
        loop_, left_, kDialTime, [this, way = direct_](std::string const& reached) { return connected(way, reached); },
        [this, way = direct_](Error const&) {
          if (way != direct_) return;
          left_.clear();
          direct_.reset();
          advance();
        });
  }

  void try_relay() {
    relayed_ = std::make_shared<Way>();
    relayed_->relayed = true;
    auto const address = relays_left_.front();
    link::dial_invite(
        loop_, address, request_.code.lookup.symbols, kClaimTime,
        [this, way = relayed_](std::string const& reached) { return connected(way, reached); },
        [this, way = relayed_, address](Error const& error) {
          if (way != relayed_) return;
          relay_failure_ = of_relay(error, link::host_port(address));
          relays_left_.erase(relays_left_.begin());
          relayed_.reset();
          advance();
        });
  }

  [[nodiscard]] bool is_tried(std::shared_ptr<Way> const& way) const { return way == direct_ || way == relayed_; }

  std::shared_ptr<link::StreamMachine> connected(std::shared_ptr<Way> const& way, std::string const& reached) {
    if (!is_tried(way) || failure_) return nullptr;
    way->endpoint = reached;
    answered_ = answered_ || !way->relayed;
    core::PairJoiner joiner(identity_, request_.device_name, request_.code.clone(), instance_.random, current_time());
    // The way has the machine, so the machine knows the way only as long as somebody else has it.
    std::weak_ptr<Way> const weak = way;
    auto const with_way = [weak](auto&& act) {
      if (auto const known = weak.lock()) act(known);
    };
    way->machine = std::make_shared<JoinMachine>(
        std::move(joiner), JoinMachine::Told{[this, with_way] { with_way([this](auto const& known) { lead(known); }); },
                                             [this, with_way](core::JoinerEvent const& event) {
                                               with_way([&](auto const& known) { on_event(known, event); });
                                             },
                                             [this, with_way] {
                                               with_way([this](auto const& known) {
                                                 if (goodbye_ && known->relayed && is_tried(known)) loop_.stop();
                                               });
                                             }});
    return way->machine;
  }

  /// From here on there is one way.
  void lead(std::shared_ptr<Way> const& way) {
    if (lead_ || !is_tried(way)) return;
    lead_ = way;
    auto& other = way->relayed ? direct_ : relayed_;
    if (other && other->machine) other->machine->drop();
    other.reset();
  }

  void on_event(std::shared_ptr<Way> const& way, core::JoinerEvent const& event) {
    if (!is_tried(way)) return;
    if (auto const* waiting = std::get_if<core::PairWaiting>(&event)) {
      known_ = true;
      if (watcher_.waiting) watcher_.waiting(waiting->inviter.cert.device, waiting->inviter.name);
    } else if (auto const* welcomed = std::get_if<core::PairWelcomed>(&event)) {
      if (auto kept = keep(*way, *welcomed); !kept) {
        failure_ = kept.error();
        return loop_.stop();
      }
      joined_ = Joined{welcomed->inviter.cert.device, welcomed->inviter.name, way->endpoint};
      // Asked for after this event has been dealt with: the machine is in the middle of telling it.
      loop_.post([this, way] {
        if (is_tried(way)) way->machine->stored();
      });
    } else if (std::holds_alternative<core::JoinDone>(event)) {
      after_goodbye(way->relayed ? kRelayedGoodbyeTime : kGoodbyeTime);
    } else if (auto const* failed = std::get_if<core::JoinFailed>(&event)) {
      on_failed(way, failed->reason);
    }
  }

  void on_failed(std::shared_ptr<Way> const& way, Error const& reason) {
    if (goodbye_) return;  // what was said last may still go out
    if (joined_ || failure_) return loop_.stop();
    // Whoever does not know the invite hangs up without a word: the invite may be at another address.
    bool const silent = !known_ && (reason.is(core::CoreError::closed) || reason.is(core::CoreError::timed_out) ||
                                    reason.holds<wire::WireError>());
    if (!silent) {
      failure_ = reason;
      return loop_.stop();
    }
    if (way->relayed) {
      relay_failure_ = Error(EngineError::invite_unanswered, SubjectDetail{way->endpoint});
      relays_left_.erase(relays_left_.begin());
      relayed_.reset();
    } else {
      std::erase(left_, way->endpoint);
      direct_.reset();
    }
    lead_.reset();
    advance();
  }

  /// What is queued for the other side goes out before the loop ends. A relay says when it has taken it.
  void after_goodbye(std::chrono::milliseconds most) {
    goodbye_ = loop_.make_alarm([this] { loop_.stop(); });
    goodbye_->set(Clock::now() + most);
  }

  Result<> keep(Way const& way, core::PairWelcomed const& welcomed) {
    auto& store = instance_.store();
    auto const now = current_time();
    sync::PeerRecord inviter;
    if (!way.relayed) {
      inviter.addresses.push_back(way.endpoint);
      inviter.endpoint = way.endpoint;
    }
    for (auto const& address : welcomed.welcome.addresses) {
      if (address.text != way.endpoint && inviter.addresses.size() < kLimits.max_addresses)
        inviter.addresses.push_back(address.text);
    }
    inviter.last_seen_ms = now.wall.ms;
    auto const device = welcomed.inviter.cert.device;
    KITH_TRY(transaction, store::Transaction::begin(store));
    KITH_CHECK(instance_.replica.adopt_group(welcomed.welcome, now));
    KITH_CHECK(store.put(store::Table::meta, bytes_of(sync::kInviterKey), device.view()));
    KITH_CHECK(store.put(store::Table::peers, device.view(), core::encode_record(inviter)));
    KITH_CHECK(put_offered_relays(store, welcomed.offer.relays));
    return transaction.commit();
  }

  /// Why there was nobody to join.
  [[nodiscard]] Error nobody() const {
    if (relay_failure_) return *relay_failure_;
    auto const all = request_.addresses.empty() ? local_candidates() : request_.addresses;
    SubjectDetail detail{fmt::format("{}", fmt::join(all, ", "))};
    return {answered_ ? EngineError::invite_unknown : EngineError::address_unreachable, std::move(detail)};
  }

  Instance& instance_;
  core::Identity const& identity_;
  JoinRequest const& request_;
  JoinWatcher const& watcher_;
  link::Loop loop_;
  std::unique_ptr<link::Loop::Alarm> goodbye_;
  std::unique_ptr<link::Loop::Alarm> head_start_;
  std::vector<std::string> left_;
  std::vector<link::RelayAddress> relays_left_;
  std::shared_ptr<Way> direct_;   ///< being tried
  std::shared_ptr<Way> relayed_;  ///< likewise
  std::shared_ptr<Way> lead_;     ///< one of them, from its first word on
  std::optional<Joined> joined_;
  std::optional<Error> failure_;
  std::optional<Error> relay_failure_;  ///< the last relay's
  bool relays_may_go_ = false;
  bool answered_ = false;  ///< something accepted a connection
  bool known_ = false;     ///< the invite was found there
};

}  // namespace

std::vector<std::string> local_candidates() {
  std::vector<std::string> addresses;
  for (std::uint16_t i = 0; i < kLocalPorts; ++i) addresses.push_back(fmt::format("127.0.0.1:{}", kFirstPort + i));
  return addresses;
}

Result<ParsedInvite> parse_invite(std::string_view text) {
  auto parsed = core::parse_link(text);
  if (!parsed && parsed.error().is(wire::WireError::unknown_version)) return fail(parsed.error());
  if (!parsed) return fail(EngineError::bad_link);
  if (auto& found = *parsed) {
    ParsedInvite invite{{found->lookup, std::move(found->secret)}, std::move(found->addresses), {}};
    for (auto const& relay : found->relays) {
      auto address = link::parse_relay_address(relay);
      if (!address) return fail(EngineError::bad_link);
      invite.relays.push_back(std::move(*address));
    }
    return invite;
  }
  auto code = core::parse_code(text);
  if (!code) return fail(EngineError::no_code);
  return ParsedInvite{std::move(*code), {}, {}};
}

Result<Joined> join_group(Instance& instance, core::Identity const& identity, HomePaths const& paths,
                          JoinRequest const& request, JoinWatcher const& watcher, FileLock const* held) {
  std::optional<FileLock> taken;
  if (held == nullptr) {
    KITH_TRY(lock, FileLock::try_take(paths.network_lock));
    if (!lock) return fail(EngineError::owner_busy);
    taken.emplace(std::move(*lock));
  }
  auto const loaded = instance.replica.open();
  if (loaded) return fail(EngineError::already_initialised);
  if (!loaded.error().is(core::CoreError::no_group)) return fail(loaded.error());
  return Joining(instance, identity, request, watcher).run();
}

}  // namespace kith::engine
