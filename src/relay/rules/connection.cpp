#include "relay/rules/connection.hpp"

#include <algorithm>
#include <utility>

#include "base/assert.hpp"
#include "base/limits.hpp"

namespace kith::relay {

Connection::Connection(crypto::DhKeyPair const& key, Settings const& settings, RandomSource& random,
                       std::string address, Instant now)
    : settings_(settings),
      address_(std::move(address)),
      channel_(Channel::accept(key, random)),
      opened_(now),
      moved_(now) {}

void Connection::on_bytes(ByteView bytes, Instant now) {
  if (ended() || broken_) return;
  if (state_ == State::member) {
    charge_bytes(static_cast<double>(bytes.size()), now);
    if (unread_.size() + bytes.size() > kMaxUnreadBytes) {
      return end({0, wire::RelayErrorCode::rate_limited, "too much at once", 1, 0, {}}, now);
    }
  } else {
    stranger_bytes_ += bytes.size();
    if (stranger_bytes_ > settings_.max_stranger_bytes) {
      return end({0, wire::RelayErrorCode::too_large, "too much before HELLO", 0, settings_.max_stranger_bytes, {}},
                 now);
    }
  }
  append(unread_, bytes);
}

/// Decodes one Noise message's worth at a time, so that little more is held than what was sent.
void Connection::read_on() {
  auto const size = std::min(unread_.size(), kLimits.max_noise_message_bytes);
  std::vector<wire::RelayMessage> messages;
  auto const read = channel_.on_bytes(ByteView{unread_}.first(size), messages);
  unread_.erase(unread_.begin(), unread_.begin() + static_cast<std::ptrdiff_t>(size));
  if (unread_.empty()) unread_ = {};  // an idle connection holds nothing
  if (state_ == State::handshake && channel_.open()) state_ = State::stranger;
  std::ranges::move(messages, std::back_inserter(inbox_));
  if (read) return;
  if (state_ == State::handshake) return close();
  broken_ = read.error().name();  // what came before it counts
  unread_ = {};
}

std::optional<wire::RelayMessage> Connection::next_order(Instant now) {
  while (!ended() && !waiting_ && has_room() && !in_debt(now)) {
    if (!inbox_.empty()) {
      auto order = std::move(inbox_.front());
      inbox_.pop_front();
      if (member_) charge_order(now);
      return order;
    }
    if (broken_) {
      end({0, wire::RelayErrorCode::bad_frame, *broken_, 0, 0, {}}, now);
      break;
    }
    if (unread_.empty()) break;
    read_on();
  }
  return std::nullopt;
}

void Connection::note_queued(Instant now, std::size_t before) {
  if (before == 0) moved_ = now;
  if (channel_.queued_bytes() > settings_.max_stuck_bytes) close();
}

void Connection::send(wire::RelayMessage const& message, Instant now) {
  if (ended()) return;
  auto const before = channel_.queued_bytes();
  channel_.send(message);
  note_queued(now, before);
}

void Connection::send_bulk(wire::RelayMessage const& message, Instant now) {
  if (ended()) return;
  auto const before = channel_.queued_bytes();
  channel_.send_bulk(message);
  note_queued(now, before);
}

void Connection::send_presence(SharedSlot const& slot, Instant now) {
  presence_due_[slot->pseudonym] = slot;
  flush_presence(now);
}

void Connection::flush_presence(Instant now) {
  if (ended() || presence_due_.empty() || !has_room()) return;
  wire::RelayPresence presence;
  for (auto const& [pseudonym, slot] : std::exchange(presence_due_, {})) presence.slots.push_back(*slot);
  send(presence, now);
}

void Connection::admit(Member member) {
  KITH_ASSERT(state_ == State::stranger);
  state_ = State::member;
  channel_.set_max_message_bytes(wire::kRelayLimits.max_message_bytes);
  member_ = std::move(member);
}

void Connection::end(wire::RelayFailure failure, Instant now) {
  if (ended()) return;
  if (!channel_.open()) return close();
  send_bulk(failure, now);  // behind everything that was answered
  if (ended()) return;
  state_ = State::ended;
  ended_ = now;
  inbox_.clear();
  unread_ = {};
  presence_due_.clear();
}

bool Connection::poll_transmit(Bytes& out, Instant now) {
  if (gone_ || !channel_.poll_transmit(out)) return false;
  moved_ = now;
  flush_presence(now);
  return true;
}

void Connection::on_timer(Instant now) {
  bool const stuck = channel_.queued_bytes() > 0 && now >= moved_ + settings_.stuck_time;
  if (stuck || (ended() && now >= lingers_until())) return close();
  if ((state_ == State::handshake || state_ == State::stranger) && !waiting_ &&
      now >= opened_ + settings_.stranger_time) {
    end({0, wire::RelayErrorCode::bad_frame, "no HELLO in time", 0, 0, {}}, now);
  }
}

Instant Connection::lingers_until() const {
  return std::min<Instant>(std::max(ended_, moved_) + kLingerTime, ended_ + kLongestLinger);
}

std::optional<Instant> Connection::next_deadline(Instant now) const {
  std::optional<Instant> next;
  auto const sooner = [&](Instant at) { next = next ? std::min(*next, at) : at; };
  if (done()) return next;
  if (ended()) sooner(lingers_until());
  if (channel_.queued_bytes() > 0) sooner(moved_ + settings_.stuck_time);
  if ((state_ == State::handshake || state_ == State::stranger) && !waiting_) sooner(opened_ + settings_.stranger_time);
  if (auto const until = paused_until(now)) sooner(*until);
  return next;
}

void Connection::charge_bytes(double amount, Instant now) {
  member_->device->bytes.take(settings_.device_bytes, amount, now);
  member_->rates->bytes.take(settings_.group_bytes, amount, now);
  share(member_->rates->bytes, settings_.group_bytes, amount, now);
}

void Connection::charge_order(Instant now) {
  member_->device->orders.take(settings_.device_orders, 1, now);
  member_->rates->orders.take(settings_.group_orders, 1, now);
  share(member_->rates->orders, settings_.group_orders, 1, now);
}

/// Of a group in debt each device has an equal part of the rate: it waits as long as what it sent takes at that, and no
/// longer than until the debt is paid. So all of them together are no faster than the group may be, and one that sends
/// little waits little, whatever the others do.
void Connection::share(Bucket const& bucket, Rate const& rate, double amount, Instant now) {
  if (!bucket.in_debt(rate, now)) return;
  auto& held = member_->device->held_until;
  constexpr double kLongest = 3600;  // a rate of nothing must not overflow the clock
  double const part = rate.per_second / std::max(1U, member_->rates->connections);
  std::chrono::duration<double> const wait(part > 0 ? std::min(kLongest, amount / part) : kLongest);
  auto const until = std::max(held, now) + std::chrono::ceil<Clock::duration>(wait);
  held = std::max(held, std::min(until, bucket.ready_at(rate)));
}

bool Connection::in_debt(Instant now) const {
  if (!member_) return false;
  auto& device = *member_->device;
  return now < device.held_until || device.orders.in_debt(settings_.device_orders, now) ||
         device.bytes.in_debt(settings_.device_bytes, now);
}

std::optional<Instant> Connection::paused_until(Instant now) const {
  if (ended() || !in_debt(now)) return std::nullopt;
  auto const& device = *member_->device;
  return std::max({device.held_until, device.orders.ready_at(settings_.device_orders),
                   device.bytes.ready_at(settings_.device_bytes)});
}

bool Connection::reading(Instant now) const {
  return !ended() && !broken_ && !waiting_ && has_room() && unread_.empty() && inbox_.empty() && !in_debt(now);
}

}  // namespace kith::relay
