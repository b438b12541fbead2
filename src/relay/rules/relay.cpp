#include "relay/rules/relay.hpp"

#include <algorithm>
#include <utility>

#include "relay/rules/relay_impl.hpp"

namespace kith::relay {

using wire::RelayErrorCode;

Relay::Impl::Impl(crypto::DhKeyPair relay_key, Settings chosen, RandomSource& source)
    : key(std::move(relay_key)), name{key.public_key.bytes}, settings(std::move(chosen)), random(source) {}

Relay::Relay(crypto::DhKeyPair key, Settings settings, RandomSource& random)
    : impl_(std::make_unique<Impl>(std::move(key), std::move(settings), random)) {}

Relay::~Relay() = default;

Connection* Relay::Impl::find(ConnectionId id) {
  auto const found = connections.find(id);
  return found == connections.end() || found->second.connection.ended() ? nullptr : &found->second.connection;
}

void Relay::Impl::ask(ConnectionId id, std::uint64_t request, StoreTask task, About about, Now now) {
  Ticket const ticket{next_ticket++};
  at_store.emplace(ticket.value, Asked{id, request, std::move(about)});
  requests.push_back({ticket, now.wall, std::move(task)});
}

void Relay::Impl::ask_and_wait(ConnectionId id, Connection& from, std::uint64_t request, StoreTask task, About about,
                               Now now) {
  from.wait();
  ask(id, request, std::move(task), std::move(about), now);
}

void Relay::Impl::end(ConnectionId id, Connection& which, wire::RelayFailure failure, Now now) {
  which.end(std::move(failure), now.mono);
  leave(id, which);
}

void Relay::Impl::leave(ConnectionId id, Connection& which) {
  auto& member = which.member();
  if (!member) return;
  --member->device->connections;
  --member->rates->connections;
  if (auto const group = groups.find(member->group); group != groups.end()) {
    auto& members = group->second.members;
    if (auto const mine = members.find(member->pseudonym); mine != members.end() && mine->second == id) {
      members.erase(mine);
    }
    if (members.empty()) groups.erase(group);
  }
  member.reset();
}

std::optional<Instant> Relay::Impl::deadline_of(Connection const& which, Instant now) const {
  auto next = which.next_deadline(now);
  if (which.ended() || !which.member()) return next;
  auto const& member = *which.member();
  auto const notice = member.feed.notice_at(groups.at(member.group).head);
  if (notice) next = next ? std::min(*next, *notice) : *notice;
  return next;
}

/// Tells a member that there is more than it was sent, where that is due.
void Relay::Impl::notice(Connection& which, Now now) {
  auto& member = *which.member();
  auto const head = groups.at(member.group).head;
  auto const due = member.feed.notice_at(head);
  if (!due || *due > now.mono) return;
  member.feed.noticed(head, now.mono + settings.notify_interval);
  ++figures.notices;
  which.send(wire::Notify{0, head}, now.mono);
}

void Relay::Impl::settle(ConnectionId id, Now now) {
  auto const found = connections.find(id);
  if (found == connections.end()) return;
  auto& [connection, deadline] = found->second;
  if (!connection.ended() && connection.member()) notice(connection, now);
  if (connection.ended()) leave(id, connection);
  woken.insert(id);
  auto const next = deadline_of(connection, now.mono);
  if (next == deadline) return;
  if (deadline) deadlines.erase({*deadline, id});
  if (next) deadlines.insert({*next, id});
  deadline = next;
}

/// Drops the rates of who is not there and has none of them used up: being forgotten gains nothing.
void Relay::Impl::forget_idle_rates(Instant now) {
  std::erase_if(devices, [&](auto const& entry) {
    auto const& device = entry.second;
    return device.connections == 0 && device.held_until <= now && device.orders.full(settings.device_orders, now) &&
           device.bytes.full(settings.device_bytes, now);
  });
  std::erase_if(group_rates, [&](auto const& entry) {
    auto const& rates = entry.second;
    return rates.connections == 0 && rates.orders.full(settings.group_orders, now) &&
           rates.bytes.full(settings.group_bytes, now);
  });
  std::erase_if(registrations, [&](auto const& entry) { return entry.second.full(settings.registrations, now); });
}

ConnectionId Relay::open(std::string address, Now now) {
  ConnectionId const id{impl_->next_connection++};
  impl_->last_now = now.mono;
  auto& entry =
      impl_->connections
          .emplace(id, Impl::Entry{Connection(impl_->key, impl_->settings, impl_->random, std::move(address), now.mono),
                                   std::nullopt})
          .first->second;
  if (impl_->draining) entry.connection.close();
  impl_->settle(id, now);
  return id;
}

void Relay::on_bytes(ConnectionId id, ByteView bytes, Now now) {
  impl_->last_now = now.mono;
  auto* const connection = impl_->find(id);
  if (connection == nullptr) return;
  impl_->figures.bytes_in += bytes.size();
  bool const in_handshake = connection->state() == Connection::State::handshake;
  bool const was_reading = connection->reading(now.mono);
  connection->on_bytes(bytes, now.mono);
  impl_->pump(id, now);
  if (in_handshake && connection->ended()) ++impl_->figures.handshakes_failed;
  bool const paused = !connection->ended() && !connection->waiting() && !connection->reading(now.mono);
  if (was_reading && paused) ++impl_->figures.rate_limited;
}

void Relay::on_closed(ConnectionId id, Now now) {
  impl_->last_now = now.mono;
  auto const found = impl_->connections.find(id);
  if (found == impl_->connections.end()) return;
  auto& [connection, deadline] = found->second;
  if (connection.state() == Connection::State::handshake) ++impl_->figures.handshakes_failed;
  impl_->leave(id, connection);
  if (deadline) impl_->deadlines.erase({*deadline, id});
  impl_->woken.erase(id);
  impl_->connections.erase(found);
}

bool Relay::poll_transmit(ConnectionId id, Bytes& out, Now now) {
  impl_->last_now = now.mono;
  auto const found = impl_->connections.find(id);
  if (found == impl_->connections.end()) return false;
  auto& connection = found->second.connection;
  bool const had_room = connection.has_room();
  auto const before = out.size();
  if (!connection.poll_transmit(out, now.mono)) return false;
  impl_->figures.bytes_out += out.size() - before;
  if (!had_room && connection.has_room()) {
    impl_->pump(id, now);  // it may be read on
  } else {
    impl_->settle(id, now);
  }
  return true;
}

bool Relay::done(ConnectionId id) const {
  auto const found = impl_->connections.find(id);
  return found == impl_->connections.end() || found->second.connection.done();
}

bool Relay::reading(ConnectionId id) const {
  auto const found = impl_->connections.find(id);
  if (found == impl_->connections.end() || impl_->draining) return false;
  return found->second.connection.reading(impl_->last_now);
}

std::set<ConnectionId> Relay::take_woken() { return std::exchange(impl_->woken, {}); }

std::optional<StoreRequest> Relay::poll_request() {
  if (impl_->requests.empty()) return std::nullopt;
  auto request = std::move(impl_->requests.front());
  impl_->requests.pop_front();
  return request;
}

void Relay::on_reply(StoreReply reply, Now now) {
  impl_->last_now = now.mono;
  auto const found = impl_->at_store.find(reply.ticket.value);
  if (found == impl_->at_store.end()) return;
  auto const asked = std::move(found->second);
  impl_->at_store.erase(found);
  bool const unanswered =
      std::holds_alternative<AboutAck>(asked.about) || std::holds_alternative<AboutPresence>(asked.about);
  if (auto* const connection = impl_->find(asked.connection); connection != nullptr && !unanswered) {
    connection->resume();
  }
  std::visit([&](auto const& about) { impl_->on(about, asked, std::move(reply.answer), now); }, asked.about);
  impl_->pump(asked.connection, now);
}

void Relay::on_timer(Now now) {
  impl_->last_now = now.mono;
  while (!impl_->deadlines.empty() && impl_->deadlines.begin()->first <= now.mono) {
    auto const id = impl_->deadlines.begin()->second;
    auto& entry = impl_->connections.at(id);
    bool const in_handshake = entry.connection.state() == Connection::State::handshake;
    impl_->deadlines.erase(impl_->deadlines.begin());
    entry.deadline.reset();
    entry.connection.on_timer(now.mono);
    if (in_handshake && entry.connection.ended()) ++impl_->figures.handshakes_failed;
    impl_->pump(id, now);  // a pause may be over
  }
  if (now.mono < impl_->sweep_at || impl_->sweeping || impl_->draining) return;
  impl_->sweeping = true;
  impl_->forget_idle_rates(now.mono);
  impl_->ask({}, 0, Sweep{}, AboutSweep{}, now);
}

std::optional<Instant> Relay::next_deadline() const {
  std::optional<Instant> next;
  if (!impl_->deadlines.empty()) next = impl_->deadlines.begin()->first;
  if (impl_->sweeping || impl_->draining) return next;
  return next ? std::min(*next, impl_->sweep_at) : impl_->sweep_at;
}

void Relay::forget(GroupNo group, Now now) {
  impl_->last_now = now.mono;
  impl_->dismiss_all(group, now);
}

void Relay::change(Settings settings) { impl_->settings = std::move(settings); }

void Relay::drain(Now now) {
  impl_->last_now = now.mono;
  impl_->draining = true;
  std::vector<ConnectionId> ids;
  for (auto const& [id, entry] : impl_->connections) ids.push_back(id);
  for (auto const id : ids) impl_->pump(id, now);
}

bool Relay::drained() const {
  return impl_->draining && impl_->at_store.empty() &&
         std::ranges::all_of(impl_->connections, [](auto const& entry) { return entry.second.connection.done(); });
}

Figures Relay::figures() const {
  auto figures = impl_->figures;
  figures.connections = impl_->connections.size();
  for (auto const& [group, online] : impl_->groups) figures.members += online.members.size();
  figures.groups_online = impl_->groups.size();
  figures.waiting_requests = impl_->at_store.size();
  return figures;
}

}  // namespace kith::relay
