#include "relay/server/service.hpp"

#include "base/version.hpp"
#include "relay/server/json_http.hpp"
#include "relay/server/log.hpp"
#include "relay/server/pages.hpp"

namespace kith::relay::server {
namespace {

/// Tells our own requests from the rules', which count theirs from 1.
constexpr Ticket kProbeTicket{kForeignTickets};

WallTime wall_now() {
  return {std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::system_clock::now().time_since_epoch())
              .count()};
}
Now now() { return {Clock::now(), wall_now()}; }

Settings with_registration(Settings settings, Registration registration) {
  settings.registration = std::move(registration);
  return settings;
}

}  // namespace

Result<std::unique_ptr<Service>> Service::open(link::Loop& loop, RandomSource& random, crypto::DhKeyPair const& key,
                                               Config const& config, Registration registration, Storage storage) {
  std::unique_ptr<Service> service(new Service(loop, random, key, config, std::move(registration), std::move(storage)));
  auto* const self = service.get();
  KITH_TRY(open_to_all, WebSocketServer::open(
                            loop, config.server,
                            [self](HttpRequest request, Respond respond) {
                              self->answer_public(std::move(request), std::move(respond));
                            },
                            self));
  service->public_ = std::move(open_to_all);
  if (config.monitoring) {
    ServerSettings settings;
    settings.listen = *config.monitoring;
    auto const answer = [self](HttpRequest request, Respond respond) {
      self->answer_monitoring(std::move(request), std::move(respond));
    };
    auto monitoring = WebSocketServer::open(loop, settings, answer, nullptr);
    if (!monitoring && !config.monitoring_named && monitoring.error().is(ServerError::address_in_use)) {
      settings.listen.port = 0;  // several relays on one machine, none of them told where
      monitoring = WebSocketServer::open(loop, settings, answer, nullptr);
    }
    if (!monitoring) return fail(monitoring.error());
    service->monitoring_ = std::move(*monitoring);
  }
  service->turn_soon();
  return service;
}

Service::Service(link::Loop& loop, RandomSource& random, crypto::DhKeyPair const& key, Config const& config,
                 Registration registration, Storage storage)
    : loop_(loop),
      storage_(std::move(storage)),
      max_bytes_(config.rules.store.max_bytes),
      relay_(key.clone(), with_registration(config.rules, std::move(registration)), random),
      invites_(config.invites, config.invite_rates, random),
      alarm_(loop.make_alarm([this] { ring(); })) {
  threads_.emplace(storage_.parts, [this, alive = std::weak_ptr(alive_)](std::vector<StoreReply> replies) {
    auto shared = std::make_shared<std::vector<StoreReply>>(std::move(replies));  // a posted function must be copyable
    loop_.post([this, alive, shared] {
      if (alive.lock()) take_replies(std::move(*shared));
    });
  });
}

Service::~Service() {
  threads_.reset();
  public_.reset();
  monitoring_.reset();
}

Result<> Service::reload(Config const& config, Registration registration) {
  KITH_CHECK(public_->reload(config.server));
  relay_.change(with_registration(config.rules, std::move(registration)));
  threads_->change(config.rules.store);
  invites_.change(config.invites, config.invite_rates);
  max_bytes_ = config.rules.store.max_bytes;
  turn_soon();
  return {};
}

void Service::drain(std::function<void()> drained) {
  if (draining_) return;
  draining_ = true;
  drained_ = std::move(drained);
  drain_until_ = Clock::now() + kDrainPatience;
  public_->stop_listening();
  relay_.drain(now());
  invites_.drain();
  turn_soon();
}

void Service::look_whether_drained() {
  if (!drained_ || (!relay_.drained() && Clock::now() < drain_until_)) return;
  std::exchange(drained_, nullptr)();
}

void Service::on_open(SocketId socket, std::string const& client) {
  auto const connection = relay_.open(client, now());
  connection_of_.emplace(socket.value, connection);
  socket_of_.emplace(connection, socket);
  log::debug("socket.open", {{"socket", socket.value}, {"client", log::Client{client}}});
  turn_soon();
}

void Service::on_bytes(SocketId socket, ByteView bytes) {
  relay_.on_bytes(connection_of_.at(socket.value), bytes, now());
  turn_soon();
}

void Service::on_closed(SocketId socket) {
  auto const found = connection_of_.find(socket.value);
  if (found == connection_of_.end()) return;
  auto const connection = found->second;
  connection_of_.erase(found);
  socket_of_.erase(connection);
  relay_.on_closed(connection, now());
  log::debug("socket.closed", {{"socket", socket.value}});
  turn_soon();
}

bool Service::poll_transmit(SocketId socket, Bytes& out) {
  return relay_.poll_transmit(connection_of_.at(socket.value), out, now());
}
bool Service::reading(SocketId socket) const { return relay_.reading(connection_of_.at(socket.value)); }
bool Service::done(SocketId socket) const { return relay_.done(connection_of_.at(socket.value)); }

/// Once for all that happens in one round of the loop: what many connections cause goes to the storage together.
void Service::turn_soon() {
  if (std::exchange(turn_posted_, true)) return;
  loop_.post([this, alive = std::weak_ptr(alive_)] {
    if (alive.lock()) turn();
  });
}

void Service::turn() {
  turn_posted_ = false;
  while (threads_->has_room()) {
    auto request = relay_.poll_request();
    if (!request) break;
    threads_->submit(std::move(*request));
  }
  for (auto const connection : relay_.take_woken()) {
    auto const found = socket_of_.find(connection);
    if (found != socket_of_.end()) public_->wake(found->second);
  }
  look_whether_drained();
  auto next = relay_.next_deadline();
  auto const take = [&](std::optional<Instant> when) {
    if (when) next = std::min(next.value_or(*when), *when);
  };
  take(invites_.next_deadline());
  take(probe_until_);
  if (drained_) take(drain_until_);
  if (next) alarm_->set(*next);
}

void Service::ring() {
  auto const time = now();
  if (relay_.next_deadline() <= time.mono) relay_.on_timer(time);
  if (invites_.next_deadline() <= time.mono) invites_.on_timer(time.mono);
  if (probe_until_ && *probe_until_ <= time.mono) probe_ended(false);
  turn_soon();
}

void Service::take_replies(std::vector<StoreReply> replies) {
  for (auto& reply : replies) {
    if (reply.ticket == kProbeTicket) {
      probe_ended(std::holds_alternative<Stored>(reply.answer));
    } else if (auto const waiting = waiting_for_store_.extract(reply.ticket)) {
      waiting.mapped()(std::move(reply.answer));
    } else {
      relay_.on_reply(std::move(reply), now());
    }
  }
  turn_soon();
}

void Service::check_health(std::function<void(bool)> answer) {
  if (Clock::now() < probed_at_ + kProbeFresh) return answer(healthy_);
  waiting_for_probe_.push_back(std::move(answer));
  if (probe_until_) return;
  if (!threads_->has_room()) return probe_ended(false);
  probe_until_ = Clock::now() + kProbePatience;
  threads_->submit({kProbeTicket, wall_now(), Probe{}});
  turn_soon();
}

void Service::probe_ended(bool healthy) {
  if (healthy != healthy_) {
    healthy ? log::info("storage.works_again") : log::error("storage.cannot_be_written");
  }
  healthy_ = healthy;
  probed_at_ = Clock::now();
  probe_until_.reset();
  for (auto const& answer : std::exchange(waiting_for_probe_, {})) answer(healthy);
}

void Service::ask_store(StoreTask task, std::function<void(StoreAnswer)> answer) {
  if (!threads_->has_room()) return answer(Refused{});
  ++last_ticket_.value;
  waiting_for_store_.emplace(last_ticket_, std::move(answer));
  threads_->submit({last_ticket_, wall_now(), std::move(task)});
}

void Service::list_mailboxes(std::function<void(std::optional<std::vector<GroupFigures>>)> answer) {
  ask_store(ListGroups{}, [answer = std::move(answer)](StoreAnswer const& told) {
    auto const* const listed = std::get_if<GroupsListed>(&told);
    answer(listed == nullptr ? std::nullopt : std::optional(listed->groups));
  });
}

void Service::remove_mailbox(GroupNo group, std::function<void(bool)> answer) {
  // In the order of the storage's replies: who was let in before is sent away, and nobody is let in behind it.
  ask_store(RemoveGroup{group}, [this, group, answer = std::move(answer)](StoreAnswer const& told) {
    bool const removed = std::holds_alternative<Stored>(told);
    if (removed) relay_.forget(group, now());
    answer(removed);
  });
}

void Service::take_snapshot(std::function<void(Snapshot const&)> answer) {
  threads_->on_writer([this, alive = std::weak_ptr(alive_), answer = std::move(answer)](RelayStore&) {
    auto const storage = storage_.figures();
    loop_.post([this, alive, answer, storage] {
      if (!alive.lock()) return;
      auto const uptime = std::chrono::duration_cast<std::chrono::seconds>(Clock::now() - started_);
      answer({relay_.figures(), public_->counts(), threads_->figures(), storage, max_bytes_, invites_.open_count(),
              invites_.waiting_count(), uptime, healthy_, draining_});
    });
  });
}

void Service::back_up(std::filesystem::path const& to, std::function<void(Result<>)> answer) {
  threads_->on_writer([this, alive = std::weak_ptr(alive_), to, answer = std::move(answer)](RelayStore&) {
    auto const done = storage_.backup(to);
    loop_.post([alive, answer, done] {
      if (alive.lock()) answer(done);
    });
  });
}

std::optional<std::uint16_t> Service::monitoring_port() const {
  return monitoring_ ? std::optional(monitoring_->port()) : std::nullopt;
}

}  // namespace kith::relay::server
