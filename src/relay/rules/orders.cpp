#include <algorithm>

#include "base/assert.hpp"
#include "relay/rules/keeping.hpp"
#include "relay/rules/relay_impl.hpp"

namespace kith::relay {
namespace {

using wire::RelayErrorCode;
using wire::RelayFailure;
using wire::RelayMessageType;

constexpr std::uint8_t kVersion = 1;

/// What only members may say.
bool for_members(RelayMessageType type) {
  switch (type) {
    case RelayMessageType::push:
    case RelayMessageType::pull:
    case RelayMessageType::ack:
    case RelayMessageType::presence:
    case RelayMessageType::delete_items:
    case RelayMessageType::trim:
    case RelayMessageType::rec_put:
    case RelayMessageType::obj_put:
    case RelayMessageType::obj_get:
    case RelayMessageType::obj_have:
    case RelayMessageType::obj_delete: return true;
    case RelayMessageType::hello:
    case RelayMessageType::acl_put:
    case RelayMessageType::acl_get:
    case RelayMessageType::rec_get: return false;
    case RelayMessageType::welcome:
    case RelayMessageType::done:
    case RelayMessageType::push_ack:
    case RelayMessageType::pull_response:
    case RelayMessageType::notify:
    case RelayMessageType::blob:
    case RelayMessageType::acl_records:
    case RelayMessageType::rec_records:
    case RelayMessageType::obj_part:
    case RelayMessageType::obj_held:
    case RelayMessageType::error: return false;
  }
  KITH_UNREACHABLE();
}

crypto::Hash256 token_hash(ByteView token) { return crypto::hash256("kith/token/1", {token}); }

}  // namespace

void Relay::Impl::pump(ConnectionId id, Now now) {
  auto const found = connections.find(id);
  if (found == connections.end()) return;
  auto& connection = found->second.connection;
  while (!draining) {
    auto order = connection.next_order(now.mono);
    if (!order) break;
    act(id, connection, std::move(*order), now);
  }
  if (draining && !connection.waiting() && !connection.ended()) {
    auto const retry = static_cast<std::uint32_t>(1 + random.below(10));  // not everybody at once
    end(id, connection, {0, RelayErrorCode::draining, "the relay is about to end", retry, 0, {}}, now);
  }
  settle(id, now);
}

void Relay::Impl::act(ConnectionId id, Connection& from, wire::RelayMessage order, Now now) {
  bool const member = from.state() == Connection::State::member;
  if (!member && for_members(wire::type_of(order))) return not_due(id, from, now);
  if (!member && at_store.size() >= settings.max_waiting_requests) {
    ++figures.rate_limited;
    return from.send(RelayFailure{wire::request_of(order), RelayErrorCode::rate_limited, "the relay is busy", 5, 0, {}},
                     now.mono);
  }
  std::visit([&](auto& message) { on(id, from, std::move(message), now); }, order);
}

void Relay::Impl::not_due(ConnectionId id, Connection& from, Now now) {
  end(id, from, {0, RelayErrorCode::bad_frame, "not due", 0, 0, {}}, now);
}

void Relay::Impl::on(ConnectionId id, Connection& from, wire::Hello hello, Now now) {
  if (from.member()) return not_due(id, from, now);
  if (hello.min_version > kVersion || hello.max_version < kVersion) {
    constexpr std::uint64_t kRange = kVersion << 8 | kVersion;
    return end(id, from, {hello.request, RelayErrorCode::unsupported_version, "", 0, kRange, {}}, now);
  }
  wire::HelloProof const proof{name, hello.channel, from.channel().handshake_hash(), hello.last_cursor};
  if (!crypto::verify({hello.pseudonym.bytes}, wire::kHelloLabel, wire::encode(proof), hello.proof)) {
    ++figures.hellos_refused;
    return from.send(RelayFailure{hello.request, RelayErrorCode::not_allowed, "", 0, 0, {}}, now.mono);
  }
  OpenMember task{hello.channel, hello.pseudonym, hello.last_cursor};
  auto const request = hello.request;
  ask_and_wait(id, from, request, std::move(task), AboutHello{std::move(hello)}, now);
}

void Relay::Impl::on(ConnectionId id, Connection& from, wire::Push push, Now now) {
  if (push.items.empty()) return not_due(id, from, now);
  std::size_t bytes = 0;
  for (auto const& item : push.items) bytes += item.sealed.size();
  if (bytes > wire::kRelayLimits.max_push_bytes) {
    constexpr auto kLimit = wire::kRelayLimits.max_push_bytes;
    return from.send(RelayFailure{push.request, RelayErrorCode::too_large, "", 0, kLimit, {}}, now.mono);
  }
  auto const& member = *from.member();
  PushItems task{member.group, member.pseudonym, push.first_seq, std::move(push.items)};
  ask_and_wait(id, from, push.request, std::move(task), AboutPush{member.group, push.first_seq}, now);
}

void Relay::Impl::on(ConnectionId id, Connection& from, wire::Pull pull, Now now) {
  auto& member = *from.member();
  member.feed.pull_started();
  PullItems const task{member.group, pull.after, std::min<std::size_t>(pull.max_bytes, settings.max_pull_bytes)};
  ask_and_wait(id, from, pull.request, task, AboutPull{member.group}, now);
}

void Relay::Impl::on(ConnectionId id, Connection& from, wire::RelayAck ack, Now now) {
  auto& member = *from.member();
  member.feed.acknowledged(ack.cursor);
  AckItems const task{member.group, member.pseudonym, ack.cursor};
  if (member.acks.at_store) {
    member.acks.waiting = task;
    return;
  }
  member.acks.at_store = true;
  ask(id, ack.request, task, AboutAck{}, now);
}

void Relay::Impl::on(ConnectionId id, Connection& from, wire::RelayPresence presence, Now now) {
  auto& member = *from.member();
  if (presence.slots.size() != 1 || presence.slots.front().pseudonym != member.pseudonym) {
    return not_due(id, from, now);
  }
  PutPresence task{member.group, std::move(presence.slots.front())};
  if (member.presence.at_store) {
    auto& waiting = member.presence.waiting;
    if (!waiting || waiting->slot.counter < task.slot.counter) waiting = std::move(task);
    return;
  }
  member.presence.at_store = true;
  AboutPresence about{member.group, task.slot};
  ask(id, presence.request, std::move(task), std::move(about), now);
}

void Relay::Impl::on(ConnectionId id, Connection& from, wire::DeleteItems drop, Now now) {
  auto const& member = *from.member();
  DropItems task{member.group, member.pseudonym, std::move(drop.cursors)};
  ask_and_wait(id, from, drop.request, std::move(task), AboutChange{}, now);
}

void Relay::Impl::on(ConnectionId, Connection& from, wire::Trim trim, Now now) {
  from.send(RelayFailure{trim.request, RelayErrorCode::no_snapshot, "", 0, 0, {}}, now.mono);
}

/// What is missing for a new mailbox, if anything is.
std::optional<RelayFailure> Relay::Impl::unpaid(wire::AclPut const& put) const {
  RelayFailure failure{put.request, RelayErrorCode::stamp_needed, "", 0, 0, {}};
  if (auto const* const open = std::get_if<OpenRegistration>(&settings.registration)) {
    failure.number = open->hashcash_bits;
    if (open->hashcash_bits == 0) return std::nullopt;  // number 0 would ask for a token
    bool const paid = put.stamp.size() == wire::kStampBytes &&
                      wire::stamp_bits(name, put.record.channel, put.stamp) >= open->hashcash_bits;
    if (paid) return std::nullopt;
    return failure;
  }
  // Hashes are compared: how far a guess was right cannot be timed.
  auto const given = token_hash(put.stamp);
  for (auto const& token : std::get<TokenRegistration>(settings.registration).tokens) {
    if (token_hash(bytes_of(token)) == given) return std::nullopt;
  }
  return failure;
}

bool Relay::Impl::may_register(Connection const& from, wire::AclPut const& put, Now now) {
  if (put.record.version != 1) return true;
  auto const found = registrations.try_emplace(from.address(), settings.registrations, now.mono).first;
  if (found->second.in_debt(settings.registrations, now.mono)) return false;
  found->second.take(settings.registrations, 1, now.mono);
  return true;
}

void Relay::Impl::on(ConnectionId id, Connection& from, wire::AclPut put, Now now) {
  if (put.record.version == 1) {
    if (auto failure = unpaid(put)) return from.send(*failure, now.mono);
    if (!wire::begins_acl(put.record)) {
      return from.send(RelayFailure{put.request, RelayErrorCode::not_allowed, "", 0, 0, {}}, now.mono);
    }
    if (!may_register(from, put, now)) {
      ++figures.rate_limited;
      return from.send(RelayFailure{put.request, RelayErrorCode::rate_limited, "", 10, 0, {}}, now.mono);
    }
  }
  AboutAclPut const about{put.record.channel};
  ask_and_wait(id, from, put.request, PutAcl{std::move(put.record)}, about, now);
}

void Relay::Impl::on(ConnectionId id, Connection& from, wire::AclGet get, Now now) {
  auto const channel = from.member() ? std::optional(from.member()->channel) : from.shown_channel;
  if (!channel) {
    return from.send(RelayFailure{get.request, RelayErrorCode::not_allowed, "", 0, 0, {}}, now.mono);
  }
  ask_and_wait(id, from, get.request, ReadAcl{*channel, get.from_version}, AboutAclGet{}, now);
}

void Relay::Impl::on(ConnectionId id, Connection& from, wire::RecPut put, Now now) {
  auto const& member = *from.member();
  PutRecovery task{member.group, member.pseudonym, put.locator, std::move(put.sealed)};
  ask_and_wait(id, from, put.request, std::move(task), AboutChange{}, now);
}

void Relay::Impl::on(ConnectionId id, Connection& from, wire::RecGet get, Now now) {
  ask_and_wait(id, from, get.request, ReadRecovery{get.locator}, AboutRecGet{}, now);
}

void Relay::Impl::on(ConnectionId id, Connection& from, wire::ObjPut put, Now now) {
  auto& member = *from.member();
  switch (member.upload.add(put)) {
    case Upload::Step::more: return;
    case Upload::Step::too_large: {
      constexpr auto kLimit = wire::kRelayLimits.max_object_bytes;
      return from.send(RelayFailure{put.request, RelayErrorCode::too_large, "", 0, kLimit, {}}, now.mono);
    }
    case Upload::Step::not_due: return not_due(id, from, now);
    case Upload::Step::whole: {
      PutObject task{member.group, member.pseudonym, put.object, put.ttl_s, member.upload.take()};
      return ask_and_wait(id, from, put.request, std::move(task), AboutChange{}, now);
    }
  }
  KITH_UNREACHABLE();
}

void Relay::Impl::on(ConnectionId id, Connection& from, wire::ObjGet get, Now now) {
  constexpr auto kMost = static_cast<std::uint32_t>(wire::kRelayLimits.max_object_part_bytes);
  ReadObject const task{from.member()->group, get.object, get.offset, std::min(get.max_bytes, kMost)};
  ask_and_wait(id, from, get.request, task, AboutObjGet{get.object, get.offset}, now);
}

void Relay::Impl::on(ConnectionId id, Connection& from, wire::ObjHave have, Now now) {
  ask_and_wait(id, from, have.request, FindObjects{from.member()->group, std::move(have.objects)}, AboutObjHave{}, now);
}

void Relay::Impl::on(ConnectionId id, Connection& from, wire::ObjDelete drop, Now now) {
  auto const& member = *from.member();
  DropObjects task{member.group, member.pseudonym, std::move(drop.objects)};
  ask_and_wait(id, from, drop.request, std::move(task), AboutChange{}, now);
}

}  // namespace kith::relay
