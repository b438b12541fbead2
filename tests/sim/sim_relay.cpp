#include "sim/sim_relay.hpp"

#include <algorithm>

#include <fmt/format.h>

namespace kith::sim {
namespace {

/// Hashcash that costs a world nothing. Of some relays answers are so small that little fits into one.
relay::Settings cheap_settings(RandomSource& random) {
  relay::Settings settings;
  settings.registration = relay::OpenRegistration{4};
  if (random.below(3) == 0) settings.max_pull_bytes = 500 + random.below(4000);
  if (random.below(3) == 0) settings.credit_bytes = 1000 + random.below(4000);
  return settings;
}

}  // namespace

SimRelay::SimRelay(std::size_t number, std::uint64_t seed)
    : index(number),
      random(seed),
      key(crypto::DhKeyPair::generate(random)),
      settings(cheap_settings(random)),
      store(settings.store, random) {
  start();
}

std::string SimRelay::url() const { return fmt::format("ws://relay{}", index); }

void SimRelay::start() {
  ++run;
  starts_at.reset();
  rules = std::make_unique<relay::Relay>(key.clone(), settings, random);
}

void SimRelay::stop() {
  rules.reset();
  at_disk_.clear();
  stops_at.reset();
}

void SimRelay::go_back_to(Disk older) {
  store = std::move(older.store);
  passing_ = std::move(older.passing);
  store.fail_writes(std::nullopt);
  has_room_at.reset();
  set_back = true;
  access_.clear();
}

void SimRelay::take_requests(Now now) {
  while (auto request = rules->poll_request()) {
    Instant at = now.mono + std::chrono::milliseconds{random.below(static_cast<std::uint64_t>(slowest_sync.count()))};
    if (!at_disk_.empty()) at = std::max(at, at_disk_.back().first);
    at_disk_.emplace_back(at, std::move(*request));
  }
}

void SimRelay::sync_one(Now now) {
  auto const request = std::move(at_disk_.front().second);
  at_disk_.pop_front();
  for (auto& reply : store.work(std::span(&request, 1))) {
    note_shut_out(request, reply);
    note_passing(request, reply);
    rules->on_reply(std::move(reply), now);
  }
  take_requests(now);
}

void SimRelay::work(Now now) {
  take_requests(now);
  while (!at_disk_.empty() && at_disk_.front().first <= now.mono) sync_one(now);
}

void SimRelay::work_at_once(Now now) {
  take_requests(now);
  while (!at_disk_.empty()) sync_one(now);
}

std::optional<Instant> SimRelay::next_deadline() const {
  std::optional<Instant> next = starts_at;
  auto const consider = [&](std::optional<Instant> const& when) {
    if (when && (!next || *when < *next)) next = when;
  };
  consider(stops_at);
  consider(has_room_at);
  if (!up()) return next;
  consider(rules->next_deadline());
  if (!at_disk_.empty()) consider(at_disk_.front().first);
  return next;
}

std::optional<wire::AclRecord> SimRelay::acl(wire::ChannelId const& channel) {
  std::optional<wire::AclRecord> last;
  for (bool more = true; more;) {
    relay::StoreRequest const request{
        {relay::kForeignTickets}, {0}, relay::ReadAcl{channel, last ? last->version + 1 : 1}};
    auto const replies = store.work(std::span(&request, 1));
    auto const* read = std::get_if<relay::AclRead>(&replies.at(0).answer);
    more = read != nullptr && read->has_more;
    if (read != nullptr && !read->records.empty()) last = read->records.back();
  }
  return last;
}

std::optional<relay::Mailbox> SimRelay::mailbox(wire::ChannelId const& channel) {
  auto const served = acl(channel);
  if (!served) return std::nullopt;
  relay::StoreRequest const request{
      {relay::kForeignTickets}, {0}, relay::OpenMember{channel, served->pseudonyms.at(0), {}}};
  auto const replies = store.work(std::span(&request, 1));
  return std::get<relay::MemberOpened>(replies.at(0).answer).mailbox;
}

bool SimRelay::passes(relay::GroupNo group, wire::RelayCursor cursor) const {
  auto const found = passing_.find(group);
  return found != passing_.end() && found->second.contains(cursor);
}

void SimRelay::note_passing(relay::StoreRequest const& request, relay::StoreReply const& reply) {
  auto const* push = std::get_if<relay::PushItems>(&request.task);
  auto const* pushed = std::get_if<relay::ItemsPushed>(&reply.answer);
  if (push == nullptr || pushed == nullptr) return;
  for (std::size_t i = 0; i < push->items.size(); ++i) {
    if (push->items[i].ttl_s > 0) passing_[push->group].insert(pushed->cursors.at(i));
  }
}

/// Who is in no access record from now on is given nothing that is stored from now on.
void SimRelay::note_shut_out(relay::StoreRequest const& request, relay::StoreReply const& reply) {
  auto const* put = std::get_if<relay::PutAcl>(&request.task);
  auto const* stored = std::get_if<relay::AclStored>(&reply.answer);
  if (put == nullptr || stored == nullptr) return;
  auto const& served = stored->mailbox.acl.pseudonyms;
  auto& [known, shut] = access_[put->record.channel];
  std::erase_if(shut, [&](auto const& each) { return std::ranges::binary_search(served, each.first); });
  for (auto const& pseudonym : known) {
    if (!std::ranges::binary_search(served, pseudonym)) shut.emplace(pseudonym, stored->mailbox.head);
  }
  known.insert(served.begin(), served.end());
}

std::optional<wire::RelayCursor> SimRelay::shut_out_at(wire::ChannelId const& channel,
                                                       wire::Pseudonym const& pseudonym) const {
  auto const mailbox = access_.find(channel);
  if (mailbox == access_.end()) return std::nullopt;
  auto const found = mailbox->second.shut_out.find(pseudonym);
  return found == mailbox->second.shut_out.end() ? std::nullopt : std::optional(found->second);
}

}  // namespace kith::sim
