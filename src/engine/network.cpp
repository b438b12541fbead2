#include "engine/network.hpp"

#include <algorithm>

#include "engine/folder_looks.hpp"
#include "engine/folder_service.hpp"
#include "engine/join.hpp"
#include "engine/joining_database.hpp"
#include "engine/network_machines.hpp"
#include "engine/relay_status.hpp"
#include "engine/thread.hpp"

/// The thread of a Network, and how it comes to own the home's network.
namespace kith::engine {
namespace {

constexpr std::string_view kPortKey = "listen_port";

}  // namespace

Network::Network(core::Identity const& identity, NetworkOptions options)
    : identity_(identity), options_(std::move(options)) {}

Network::~Network() { stop(std::chrono::milliseconds{0}); }

void Network::start() {
  thread_ = start_thread([this] { run(); });
}

void Network::stop(std::chrono::milliseconds grace) {
  if (!thread_.joinable()) return;
  loop_.post([this, grace] {
    // An invite that was taken back just now: whoever waits for its answer is told before the line goes dead.
    if (owner_) check(look_at_requests());
    stopping_ = true;
    if (folders_) folders_->stop();
    if (exchange_) exchange_->leave(current_time());
    settle();
    check(look_at_invites());
    // Links that are done end by themselves; what is left after the grace is cut.
    auto const until = Clock::now() + grace;
    lock_alarm_ = loop_.make_alarm([this, until] {
      bool const quiet = std::ranges::all_of(machines_, [](auto const& each) { return each.second.expired(); });
      bool const answering = std::ranges::any_of(pairings_, [](auto const* each) { return each->answered; });
      check(look_at_invites());
      bool const revoking = Clock::now() < revoked_at_ + kRevokeTime;
      if ((quiet && !answering && !revoking && !relays_busy()) || Clock::now() >= until) return loop_.stop();
      lock_alarm_->set(Clock::now() + std::chrono::milliseconds{10});
    });
    lock_alarm_->set(Clock::now());
  });
  thread_.join();
}

std::optional<Error> Network::failure() const {
  std::lock_guard const guard(failure_mutex_);
  return failure_;
}

void Network::fail_with(Error error) {
  {
    std::lock_guard const guard(failure_mutex_);
    if (failure_) return;
    failure_ = std::move(error);
  }
  if (bell_) bell_->ring();
  loop_.stop();
}

void Network::run() {
  try {
    if (auto worked = work(); !worked) fail_with(worked.error());
  } catch (std::bad_alloc const&) {
    fail_with(crypto::CryptoError::out_of_memory);
  }
  if (folders_) folders_->stop();
  folders_.reset();
  if (looks_) looks_->end();  // a folder service that was left behind may still ask it
  give_up_ownership();
  listener_.reset();
  alarm_.reset();
  lock_alarm_.reset();
  bell_watch_.reset();
  if (bell_) bell_->ring();
}

Result<> Network::work() {
  KITH_TRY(instance, Instance::open(options_.paths, identity_));
  instance_ = std::move(instance);
  KITH_TRY(bell, Doorbell::open(options_.paths.bell_dir));
  bell_ = std::move(bell);
  alarm_ = loop_.make_alarm([this] { on_alarm(); });
  lock_alarm_ = loop_.make_alarm([this] { try_to_own(); });
  bell_watch_ = loop_.watch(bell_->descriptor(), [this] { on_bell(); });
  loop_.post([this] { try_to_own(); });
  loop_.run();
  return {};
}

void Network::try_to_own() {
  if (owner_ || stopping_) return;
  auto taken = FileLock::try_take(options_.paths.network_lock);
  if (!taken) return fail_with(taken.error());
  if (!*taken) {
    lock_alarm_->set(Clock::now() + kLockRetry);
    return;
  }
  lock_.emplace(std::move(**taken));
  if (auto over = take_over(); !over) return fail_with(over.error());
  settle();
}

Result<> Network::take_over() {
  JoiningDatabase::forget_broken_off(options_.paths, *lock_);
  auto& store = instance_->store();
  KITH_TRY(sessions, all_control<SessionRow>(store));
  for (auto const& [id, row] : sessions) KITH_CHECK(erase_control<SessionRow>(store, id));
  since_ms_ = current_time().wall.ms;
  invites_ = std::make_unique<StoredInvites>(store, identity_.storage, [] { return current_time().wall; });
  KITH_CHECK(invites_->tidy());
  // What was found before may be over; what is not will be found again.
  KITH_CHECK(erase_control<ProblemRow>(store, bytes_of("state-cloned")));
  source_ = std::make_unique<Source>(*instance_->chunks);
  exchange_ = std::make_unique<sync::Exchange>(instance_->replica, store, *source_, instance_->messages,
                                               instance_->folders, instance_->random);
  exchange_->set_witnesses([this] { return witnesses(); });
  KITH_CHECK(exchange_->start(current_time()));
  KITH_TRY(relay_rows, all_control<RelayRow>(store));
  for (auto const& [id, row] : relay_rows) KITH_CHECK(erase_control<RelayRow>(store, id));
  KITH_TRY(invite_rows, all_control<InviteRelayRow>(store));
  for (auto const& [id, row] : invite_rows) KITH_CHECK(erase_control<InviteRelayRow>(store, id));
  KITH_CHECK(listen());
  KITH_CHECK(look_at_relays());
  owner_ = true;
  KITH_CHECK(beat());
  KITH_CHECK(begin_looks());
  KITH_CHECK(look_at_contents());
  KITH_CHECK(look_at_requests());
  if (options_.folders) {
    folders_ = std::make_shared<FolderService>(*this, identity_, options_, looks_);
    folders_->start();
  }
  bell_->ring();
  return {};
}

/// A busy port is no error: one of the next, or any free one, is taken, kept, and told to the others.
Result<> Network::listen() {
  if (!options_.listen) return {};
  auto const& wanted = *options_.listen;
  auto& store = instance_->store();
  KITH_TRY(kept, core::get_number(store, kPortKey));
  auto const factory = [this](std::string const& remote) { return accept(remote); };
  std::vector<link::HostPort> candidates{wanted};
  if (kept != 0 && kept <= 0xFFFF)
    candidates.insert(candidates.begin(), {wanted.host, static_cast<std::uint16_t>(kept)});
  for (std::uint16_t i = 1; i < kLocalPorts && wanted.port != 0 && wanted.port + i <= 0xFFFF; ++i) {
    candidates.push_back({wanted.host, static_cast<std::uint16_t>(wanted.port + i)});
  }
  candidates.push_back({wanted.host, 0});
  if (wanted.host == "::") {  // a machine without IPv6
    for (auto const& each : std::vector(candidates)) candidates.push_back({"0.0.0.0", each.port});
  }
  std::optional<Error> last;
  for (auto const& candidate : candidates) {
    auto opened = link::TcpListener::open(loop_, candidate, factory);
    if (!opened) {
      last = opened.error();
      continue;
    }
    listener_ = std::move(*opened);
    listen_host_ = candidate.host;
    if (listener_->port() != kept) {
      KITH_TRY(transaction, store::Transaction::begin(store));
      KITH_CHECK(core::put_number(store, kPortKey, listener_->port()));
      KITH_CHECK(transaction.commit());
    }
    exchange_->set_addresses(own_addresses(), current_time());
    return {};
  }
  return fail(*last);
}

/// A listener on one address can be dialled there and nowhere else.
std::vector<std::string> Network::own_addresses() const {
  if (listen_host_ == "::" || listen_host_ == "0.0.0.0") return link::own_addresses(listener_->port());
  return {link::to_text({listen_host_, listener_->port()})};
}

void Network::give_up_ownership() {
  if (!owner_) return;
  owner_ = false;
  auto& store = instance_->store();
  // Whether these rows go or not, the next owner clears them; a failing disk is no news now. Who was ended by one may
  // be about to come back, and is running still.
  if (!failure()) static_cast<void>(erase_control<OwnerRow>(store));
  if (auto sessions = all_control<SessionRow>(store)) {
    for (auto const& [id, row] : *sessions) static_cast<void>(erase_control<SessionRow>(store, id));
  }
  leave_relays();
  leave_invites();
  exchange_.reset();
  coming_.clear();
  lock_.reset();
}

Result<> Network::beat() {
  next_beat_ = Clock::now() + kBeat;
  OwnerRow row;
  row.process = ProcessId::self();
  row.command = options_.command;
  row.since_ms = since_ms_;
  row.beat_ms = current_time().wall.ms;
  if (listener_) {
    row.port = listener_->port();
    row.addresses = own_addresses();
    exchange_->set_addresses(row.addresses, current_time());
  }
  // A piece that came damaged is not wanted any more; asking again costs nothing for those that are.
  exchange_->want_chunks({message_chunks_.begin(), message_chunks_.end()});
  return put_control(instance_->store(), row);
}

void Network::on_bell() {
  bell_->take();
  if (!owner_) return try_to_own();
  if (stopping_) return;
  check(exchange_->on_local_change(current_time()));
  check(relays_look());
  check(look_at_requests());
  check(look_at_contents());
  if (folders_) folders_->look();
  settle();
}

void Network::on_alarm() {
  if (!exchange_ || stopping_) return;
  check(exchange_->on_timer(current_time()));
  check(relays_timer());
  if (Clock::now() >= next_beat_) {
    check(beat());
    check(look_at_requests());
    check(look_at_contents());  // a disk comes and goes without ringing
  }
  settle();
}

void Network::settle() {
  if (!exchange_ || settling_) return;
  settling_ = true;
  while (auto const event = exchange_->poll_event()) {
    check(tell(*event));
    tell_relays_soon();
  }
  check(settle_relays());
  while (auto const event = exchange_->poll_event()) check(tell(*event));  // of what relays brought
  for (auto const id : exchange_->take_woken()) {
    auto const found = machines_.find(id);
    auto const machine = found == machines_.end() ? nullptr : found->second.lock();
    if (machine) machine->wake();
  }
  if (!stopping_) {
    while (auto next = exchange_->poll_dial(current_time())) dial(std::move(*next));
    auto due = next_beat_;
    for (auto const& next : {exchange_->next_deadline(), relays_deadline()}) due = std::min(due, next.value_or(due));
    alarm_->set(due);
  }
  if (std::exchange(ring_due_, false)) bell_->ring();
  settling_ = false;
}

void Network::end_with(Error error) {
  loop_.post([this, error = std::move(error)] { fail_with(error); });
}

void Network::unwant_chunks(std::vector<ChunkId> chunks) {
  loop_.post([this, chunks = std::move(chunks)]() mutable {
    if (!exchange_ || stopping_) return;
    std::erase_if(chunks, [&](ChunkId const& id) { return message_chunks_.contains(id); });
    exchange_->unwant_chunks(chunks);
  });
}

void Network::want_chunks(std::vector<std::pair<ChunkId, std::uint64_t>> chunks) {
  loop_.post([this, chunks = std::move(chunks)] {
    if (!exchange_ || stopping_) return;
    exchange_->want_chunks(chunks);
    tell_relays_soon();
    check(exchange_->on_timer(current_time()));
    settle();
  });
}

}  // namespace kith::engine
