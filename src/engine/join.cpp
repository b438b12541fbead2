#include "engine/join.hpp"

#include <algorithm>

#include "core/pair_joiner.hpp"
#include "link/tcp/tcp.hpp"
#include "sync/exchange/exchange.hpp"

namespace kith::engine {
namespace {

constexpr auto kDialTime = std::chrono::seconds{5};
constexpr std::uint16_t kFirstPort = 7427;

/// Runs a PairJoiner over one connection, and keeps what it hands over.
class JoinMachine final : public link::StreamMachine {
 public:
  JoinMachine(core::PairJoiner joiner, std::function<void(core::JoinerEvent const&)> tell)
      : joiner_(std::move(joiner)), tell_(std::move(tell)) {}
  void on_bytes(ByteView bytes) override {
    joiner_.on_bytes(bytes, current_time());
    work();
  }
  void on_closed() override {
    joiner_.on_closed(current_time());
    work();
  }
  void on_timer() override {
    joiner_.on_timer(current_time());
    work();
  }
  [[nodiscard]] bool poll_transmit(Bytes& out) override { return joiner_.poll_transmit(out); }
  [[nodiscard]] std::optional<Instant> next_deadline() override { return joiner_.next_deadline(); }
  [[nodiscard]] bool done() const override { return joiner_.done(); }
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

 private:
  void work() {
    while (auto const event = joiner_.poll_event()) tell_(*event);
  }
  core::PairJoiner joiner_;
  std::function<void(core::JoinerEvent const&)> tell_;
};

/// One way to the inviter after the other, until one of them knows the invite.
class Joining {
 public:
  Joining(Instance& instance, core::Identity const& identity, JoinRequest const& request, JoinWatcher const& watcher)
      : instance_(instance), identity_(identity), request_(request), watcher_(watcher), left_(request.addresses) {
    if (left_.empty()) left_ = local_candidates();
  }

  Result<Joined> run() {
    std::unique_ptr<link::Loop::Watch> cancel;
    if (watcher_.cancelled) {
      cancel = loop_.watch(watcher_.cancel_descriptor, [this] {
        if (failure_ || !watcher_.cancelled()) return;
        failure_ = EngineError::interrupted;
        if (machine_) machine_->cancel();
        after_goodbye();
      });
    }
    while (!left_.empty() && !failure_) {
      attempt();
      loop_.run();
      if (joined_) return *joined_;
      if (failure_ || !retry_) break;
    }
    if (failure_) return fail(*failure_);
    if (answered_) return fail(EngineError::invite_unknown, SubjectDetail{addresses_text()});
    return fail(EngineError::address_unreachable, SubjectDetail{addresses_text()});
  }

 private:
  void attempt() {
    retry_ = false;
    link::dial(
        loop_, left_, kDialTime,
        [this](std::string const& reached) -> std::shared_ptr<link::StreamMachine> {
          endpoint_ = reached;
          answered_ = true;
          core::PairJoiner joiner(identity_, request_.device_name, request_.code.clone(), instance_.random,
                                  current_time());
          machine_ = std::make_shared<JoinMachine>(std::move(joiner), [this](auto const& event) { on_event(event); });
          return machine_;
        },
        [this](Error const&) { loop_.stop(); });
  }

  void on_event(core::JoinerEvent const& event) {
    if (auto const* waiting = std::get_if<core::PairWaiting>(&event)) {
      known_ = true;
      if (watcher_.waiting) watcher_.waiting(waiting->inviter.cert.device, waiting->inviter.name);
    } else if (auto const* welcomed = std::get_if<core::PairWelcomed>(&event)) {
      if (auto kept = keep(*welcomed); !kept) {
        failure_ = kept.error();
        return loop_.stop();
      }
      joined_ = Joined{welcomed->inviter.cert.device, welcomed->inviter.name, endpoint_};
      // Asked for after this event has been dealt with: the machine is in the middle of telling it.
      loop_.post([this] {
        if (machine_) machine_->stored();
      });
    } else if (std::holds_alternative<core::JoinDone>(event)) {
      after_goodbye();
    } else if (auto const* failed = std::get_if<core::JoinFailed>(&event)) {
      on_failed(failed->reason);
    }
  }

  void on_failed(Error const& reason) {
    machine_.reset();
    if (joined_ || failure_) return loop_.stop();
    // Whoever does not know the invite hangs up without a word: the invite may be at another address.
    bool const silent = !known_ && (reason.is(core::CoreError::closed) || reason.is(core::CoreError::timed_out) ||
                                    reason.holds<wire::WireError>());
    if (!silent) {
      failure_ = reason;
    } else {
      std::erase(left_, endpoint_);
      retry_ = !left_.empty();
    }
    loop_.stop();
  }

  /// What is queued for the other side goes out before the loop ends.
  void after_goodbye() {
    goodbye_ = loop_.make_alarm([this] { loop_.stop(); });
    goodbye_->set(Clock::now() + std::chrono::milliseconds{100});
  }

  Result<> keep(core::PairWelcomed const& welcomed) {
    auto& store = instance_.store();
    auto const now = current_time();
    sync::PeerRecord inviter;
    inviter.addresses.push_back(endpoint_);
    for (auto const& address : welcomed.welcome.addresses) {
      if (address.text != endpoint_ && inviter.addresses.size() < kLimits.max_addresses)
        inviter.addresses.push_back(address.text);
    }
    inviter.endpoint = endpoint_;
    inviter.last_seen_ms = now.wall.ms;
    auto const device = welcomed.inviter.cert.device;
    KITH_TRY(transaction, store::Transaction::begin(store));
    KITH_CHECK(instance_.replica.adopt_group(welcomed.welcome, now));
    KITH_CHECK(store.put(store::Table::meta, bytes_of(sync::kInviterKey), device.view()));
    KITH_CHECK(store.put(store::Table::peers, device.view(), core::encode_record(inviter)));
    return transaction.commit();
  }

  [[nodiscard]] std::string addresses_text() const {
    auto const all = request_.addresses.empty() ? local_candidates() : request_.addresses;
    return fmt::format("{}", fmt::join(all, ", "));
  }

  Instance& instance_;
  core::Identity const& identity_;
  JoinRequest const& request_;
  JoinWatcher const& watcher_;
  link::Loop loop_;
  std::unique_ptr<link::Loop::Alarm> goodbye_;
  std::vector<std::string> left_;
  std::shared_ptr<JoinMachine> machine_;
  std::string endpoint_;
  std::optional<Joined> joined_;
  std::optional<Error> failure_;
  bool answered_ = false;  ///< something accepted a connection
  bool known_ = false;     ///< the invite was found there
  bool retry_ = false;
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
  if (auto& link = *parsed) return ParsedInvite{{link->lookup, std::move(link->secret)}, std::move(link->addresses)};
  auto code = core::parse_code(text);
  if (!code) return fail(EngineError::no_code);
  return ParsedInvite{std::move(*code), {}};
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
