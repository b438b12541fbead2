#include <algorithm>
#include <utility>

#include "base/assert.hpp"
#include "relay/rules/relay_impl.hpp"

namespace kith::relay {
namespace {

using wire::RelayErrorCode;
using wire::RelayFailure;

constexpr std::uint32_t kRetryWhenFull = 60, kRetryNewGroup = 3600, kRetryFault = 5;

Bytes encoded(std::optional<wire::AclRecord> const& record) { return record ? wire::encode(*record) : Bytes{}; }

RelayFailure failure_of(std::uint64_t request, Refused const& refused) {
  auto const said = [&](RelayErrorCode code, std::uint32_t retry_s = 0) {
    return RelayFailure{request, code, "", retry_s, 0, encoded(refused.current)};
  };
  auto const numbered = [&](RelayErrorCode code) { return RelayFailure{request, code, "", 0, refused.number, {}}; };
  switch (refused.why) {
    case Refusal::unknown_channel:
    case Refusal::not_a_member:
    case Refusal::taken: return said(RelayErrorCode::not_allowed);
    case Refusal::stale_acl: return said(RelayErrorCode::stale_acl);
    case Refusal::seq_gap: return numbered(RelayErrorCode::seq_gap);
    case Refusal::too_many_groups: return said(RelayErrorCode::storage_full, kRetryNewGroup);
    case Refusal::quota: return numbered(RelayErrorCode::quota);
    case Refusal::storage_full: return said(RelayErrorCode::storage_full, kRetryWhenFull);
    case Refusal::not_found: return said(RelayErrorCode::not_found);
    case Refusal::old_presence:
    case Refusal::internal: return said(RelayErrorCode::internal, kRetryFault);
  }
  KITH_UNREACHABLE();
}

/// What HELLO says of the mailbox is not so: it is another one than the device knows, or an older state of it.
bool was_reset(wire::Hello const& hello, MemberOpened const& opened) {
  if (hello.last_cursor.value == 0) return false;
  if (hello.last_cursor > opened.mailbox.head || hello.last_cursor < opened.mailbox.floor) return true;
  return opened.item_at_cursor && *opened.item_at_cursor != hello.last_item;
}

}  // namespace

void Relay::Impl::refuse(Asked const& asked, StoreAnswer const& answer, Now now) {
  auto* const to = find(asked.connection);
  if (to == nullptr) return;
  auto const* const told = std::get_if<Refused>(&answer);
  // An answer of another kind than was asked for is a fault of the store's.
  Refused const refused = told == nullptr ? Refused{Refusal::internal, 0, std::nullopt} : *told;
  if (refused.why == Refusal::quota || refused.why == Refusal::storage_full ||
      refused.why == Refusal::too_many_groups) {
    ++figures.quota_refusals;
  }
  bool const dismissed = refused.why == Refusal::not_a_member || refused.why == Refusal::unknown_channel;
  if (to->member() && dismissed && !std::holds_alternative<AboutAclPut>(asked.about)) {
    return end(asked.connection, *to, failure_of(0, refused), now);
  }
  to->send(failure_of(asked.request, refused), now.mono);
}

void Relay::Impl::on(AboutHello const& about, Asked const& asked, StoreAnswer answer, Now now) {
  auto* const to = find(asked.connection);
  if (to == nullptr) return;
  auto* const opened = std::get_if<MemberOpened>(&answer);
  if (opened == nullptr) {
    ++figures.hellos_refused;
    auto const* const refused = std::get_if<Refused>(&answer);
    if (refused != nullptr && refused->current) to->shown_channel = about.hello.channel;
    return refuse(asked, answer, now);
  }
  if (was_reset(about.hello, *opened)) {
    to->shown_channel = about.hello.channel;
    return to->send(RelayFailure{asked.request, RelayErrorCode::log_reset, "", 0, 0, {}}, now.mono);
  }
  welcome(asked.connection, *to, about.hello, std::move(*opened), now);
}

void Relay::Impl::welcome(ConnectionId id, Connection& to, wire::Hello const& hello, MemberOpened opened, Now now) {
  auto const& mailbox = opened.mailbox;
  auto& group = groups[mailbox.group];
  if (auto const older = group.members.find(hello.pseudonym); older != group.members.end()) {
    auto const older_id = older->second;
    end(older_id, connections.at(older_id).connection, {0, RelayErrorCode::replaced, "", 0, 0, {}}, now);
    settle(older_id, now);
  }
  auto& online = groups[mailbox.group];  // it may have gone with its last member
  online.head = std::max(online.head, mailbox.head);
  online.members[hello.pseudonym] = id;
  Device const fresh{Bucket(settings.device_orders, now.mono), Bucket(settings.device_bytes, now.mono)};
  GroupRates const untouched{Bucket(settings.group_orders, now.mono), Bucket(settings.group_bytes, now.mono)};
  auto& device = devices.try_emplace({mailbox.group, hello.pseudonym}, fresh).first->second;
  auto& rates = group_rates.try_emplace(mailbox.group, untouched).first->second;
  ++device.connections;
  ++rates.connections;
  Feed const feed(hello.last_cursor, mailbox.head);
  to.admit(Member{mailbox.group, hello.channel, hello.pseudonym, &device, &rates, feed, {}, {}, {}});
  wire::Welcome welcome;
  welcome.request = hello.request;
  welcome.log_epoch = mailbox.log_epoch;
  welcome.head = mailbox.head;
  welcome.floor = mailbox.floor;
  welcome.acl_version = mailbox.acl.version;
  welcome.acl_hash = wire::acl_record_hash(mailbox.acl);
  welcome.last_push_seq = opened.last_push_seq;
  welcome.quota_bytes = mailbox.quota_bytes;
  welcome.used_bytes = mailbox.used_bytes;
  welcome.credit_bytes = settings.credit_bytes;
  welcome.object_ttl_s = static_cast<std::uint64_t>(settings.store.max_object_ttl.count());
  to.send(welcome, now.mono);
  to.send(wire::RelayPresence{0, std::move(opened.presence)}, now.mono);
}

void Relay::Impl::on(AboutAclPut const& about, Asked const& asked, StoreAnswer answer, Now now) {
  auto* const to = find(asked.connection);
  auto const* const refused = std::get_if<Refused>(&answer);
  bool const shown = refused == nullptr || refused->why == Refusal::stale_acl;
  if (to != nullptr && shown) to->shown_channel = about.channel;
  auto const* const stored = std::get_if<AclStored>(&answer);
  if (stored == nullptr) return refuse(asked, answer, now);
  if (to != nullptr) to->send(wire::Done{asked.request}, now.mono);
  dismiss(stored->mailbox.group, stored->mailbox.acl, now);
}

void Relay::Impl::dismiss(GroupNo group, wire::AclRecord const& record, Now now) {
  auto const online = groups.find(group);
  if (online == groups.end()) return;
  for (auto const& [pseudonym, id] : std::map(online->second.members)) {
    if (std::ranges::binary_search(record.pseudonyms, pseudonym)) continue;
    end(id, connections.at(id).connection, {0, RelayErrorCode::not_allowed, "", 0, 0, wire::encode(record)}, now);
    settle(id, now);
  }
}

void Relay::Impl::dismiss_all(GroupNo group, Now now) {
  auto const online = groups.find(group);
  if (online == groups.end()) return;
  for (auto const& [pseudonym, id] : std::map(online->second.members)) {
    end(id, connections.at(id).connection, {0, RelayErrorCode::not_allowed, "", 0, 0, {}}, now);
    settle(id, now);
  }
}

void Relay::Impl::on(AboutPush const& about, Asked const& asked, StoreAnswer answer, Now now) {
  auto* const pushed = std::get_if<ItemsPushed>(&answer);
  if (pushed == nullptr) return refuse(asked, answer, now);
  figures.items_pushed += pushed->fresh.size();
  if (auto* const to = find(asked.connection)) {
    to->send(wire::PushAck{asked.request, about.first_seq, std::move(pushed->cursors)}, now.mono);
  }
  spread(about.group, std::move(pushed->fresh), now);
}

/// Sends new items on to all who are online.
void Relay::Impl::spread(GroupNo group, std::vector<wire::RelayItem> fresh, Now now) {
  auto const online = groups.find(group);
  if (online == groups.end() || fresh.empty()) return;
  auto& [head, members] = online->second;
  wire::LiveItems const all{0, std::move(fresh)};
  auto const sender = all.items.front().sender;
  head = std::max(head, all.items.back().cursor);
  for (auto const& [pseudonym, id] : members) {
    auto& connection = connections.at(id).connection;
    auto& feed = connection.member()->feed;
    bool const was_live = feed.live();
    auto const range = feed.offer(all.items, pseudonym == sender, connection.has_room(), settings.credit_bytes);
    if (auto const count = range.to - range.from; count == all.items.size()) {
      connection.send(all, now.mono);
    } else if (count > 0) {
      auto const first = all.items.begin() + static_cast<std::ptrdiff_t>(range.from);
      connection.send(wire::LiveItems{0, {first, first + static_cast<std::ptrdiff_t>(count)}}, now.mono);
    }
    figures.items_delivered += range.to - range.from;
    if (was_live && !feed.live()) ++figures.dropped_to_pull;
  }
  // A copy: a connection that is stuck leaves the group.
  for (auto const& [pseudonym, id] : std::map(members)) settle(id, now);
}

void Relay::Impl::on(AboutPull const& about, Asked const& asked, StoreAnswer answer, Now now) {
  auto* const to = find(asked.connection);
  if (to == nullptr) return;
  auto* const pulled = std::get_if<ItemsPulled>(&answer);
  if (pulled == nullptr) {
    to->member()->feed.pull_refused();
    return refuse(asked, answer, now);
  }
  // The reader may be behind the pushes that are known here, or ahead of them.
  auto const head = groups.at(about.group).head;
  bool const more = pulled->has_more || pulled->next_after < head;
  to->member()->feed.pull_answered(pulled->next_after, more, head);
  figures.items_pulled += pulled->items.size();
  to->send(wire::PullResponse{asked.request, std::move(pulled->items), pulled->next_after, more}, now.mono);
}

void Relay::Impl::on(AboutAck const&, Asked const& asked, StoreAnswer answer, Now now) {
  auto* const to = find(asked.connection);
  if (to == nullptr) return;
  auto const* const refused = std::get_if<Refused>(&answer);
  if (refused != nullptr && refused->why == Refusal::not_a_member) return refuse(asked, answer, now);
  auto& acks = to->member()->acks;
  acks.at_store = acks.waiting.has_value() && !draining;
  if (acks.at_store) ask(asked.connection, 0, *std::exchange(acks.waiting, std::nullopt), AboutAck{}, now);
}

void Relay::Impl::on(AboutPresence const& about, Asked const& asked, StoreAnswer answer, Now now) {
  if (auto const online = groups.find(about.group); online != groups.end() && std::holds_alternative<Stored>(answer)) {
    auto const slot = std::make_shared<wire::RelayPresence::Slot const>(about.slot);
    for (auto const& [pseudonym, id] : std::map(online->second.members)) {
      if (pseudonym == slot->pseudonym) continue;
      connections.at(id).connection.send_presence(slot, now.mono);
      settle(id, now);
    }
  }
  auto* const to = find(asked.connection);
  if (to == nullptr) return;
  auto const* const refused = std::get_if<Refused>(&answer);
  if (refused != nullptr && refused->why == Refusal::not_a_member) return refuse(asked, answer, now);
  auto& presence = to->member()->presence;
  presence.at_store = presence.waiting.has_value() && !draining;
  if (!presence.at_store) return;
  auto task = *std::exchange(presence.waiting, std::nullopt);
  AboutPresence next{task.group, task.slot};
  ask(asked.connection, 0, std::move(task), std::move(next), now);
}

void Relay::Impl::on(AboutAclGet const&, Asked const& asked, StoreAnswer answer, Now now) {
  auto* const read = std::get_if<AclRead>(&answer);
  if (read == nullptr) return refuse(asked, answer, now);
  if (auto* const to = find(asked.connection)) {
    to->send(wire::AclRecords{asked.request, std::move(read->records), read->has_more}, now.mono);
  }
}

void Relay::Impl::on(AboutRecGet const&, Asked const& asked, StoreAnswer answer, Now now) {
  auto* const read = std::get_if<RecoveryRead>(&answer);
  if (read == nullptr) return refuse(asked, answer, now);
  wire::RecRecords records{asked.request, {}};
  for (auto& record : read->records) records.records.push_back({std::move(record)});
  if (auto* const to = find(asked.connection)) to->send(records, now.mono);
}

void Relay::Impl::on(AboutObjGet const& about, Asked const& asked, StoreAnswer answer, Now now) {
  auto* const read = std::get_if<ObjectRead>(&answer);
  if (read == nullptr) return refuse(asked, answer, now);
  if (auto* const to = find(asked.connection)) {
    to->send_bulk(wire::ObjPart{asked.request, about.object, read->total, about.offset, std::move(read->bytes)},
                  now.mono);
  }
}

void Relay::Impl::on(AboutObjHave const&, Asked const& asked, StoreAnswer answer, Now now) {
  auto* const found = std::get_if<ObjectsFound>(&answer);
  if (found == nullptr) return refuse(asked, answer, now);
  if (auto* const to = find(asked.connection)) {
    to->send(wire::ObjHeld{asked.request, std::move(found->objects)}, now.mono);
  }
}

void Relay::Impl::on(AboutChange const&, Asked const& asked, StoreAnswer answer, Now now) {
  if (!std::holds_alternative<Stored>(answer)) return refuse(asked, answer, now);
  if (auto* const to = find(asked.connection)) to->send(wire::Done{asked.request}, now.mono);
}

void Relay::Impl::on(AboutSweep const&, Asked const&, StoreAnswer answer, Now now) {
  // Slices with a pause between them: what devices wait for goes first.
  constexpr auto kPause = std::chrono::milliseconds{50};
  auto const* const swept = std::get_if<Swept>(&answer);
  sweeping = false;
  if (swept != nullptr) {
    for (auto const& group : swept->removed) dismiss_all(group, now);
  }
  sweep_at = now.mono + (swept != nullptr && swept->more ? kPause : settings.sweep_interval);
}

}  // namespace kith::relay
