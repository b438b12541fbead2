#include "relay/server/invites.hpp"

#include <algorithm>

#include "base/assert.hpp"

namespace kith::relay::server {
namespace {

constexpr std::size_t kKeySymbols = 8;
constexpr std::string_view kCrockford = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";
constexpr auto kFullWait = std::chrono::seconds{60};

std::string_view describe(int value) {
  switch (static_cast<InviteError>(value)) {
    case InviteError::taken: return "taken";
    case InviteError::not_found: return "not_found";
    case InviteError::too_large: return "too_large";
    case InviteError::full: return "full";
    case InviteError::ended: return "ended";
    case InviteError::rate_limited: return "rate_limited";
  }
  KITH_UNREACHABLE();
}

tl::unexpected<Error> come_later(std::chrono::seconds wait) {
  return fail(InviteError::rate_limited, CountDetail{static_cast<std::uint64_t>(wait.count()), 0});
}

}  // namespace

ErrorDomain const& error_domain(InviteError) {
  static constexpr ErrorDomain domain{"invite", describe};
  return domain;
}

bool is_invite_key(std::string_view text) {
  return text.size() == kKeySymbols && text.find_first_not_of(kCrockford) == std::string_view::npos;
}

Result<Invites::Created> Invites::create(std::string const& client, std::string const& key,
                                         std::chrono::seconds expires, Instant now) {
  on_timer(now);
  KITH_CHECK(rates_.create(client, now));
  if (invites_.contains(key)) return fail(InviteError::taken);
  if (open_count() >= limits_.max_open) return come_later(kFullWait);
  expires = std::min(expires, limits_.longest);
  Created created{random_.secret<InviteOwner>(), expires};
  auto& mailbox = invites_[key];
  mailbox.owner = created.owner.clone();
  mailbox.claims_until = now + expires;
  mailbox.forgotten_at = mailbox.claims_until + limits_.conversation;
  return created;
}

Result<InviteClaim> Invites::claim(std::string const& client, std::string const& key, Instant now) {
  on_timer(now);
  KITH_CHECK(rates_.claim(client, now));
  auto const found = invites_.find(key);
  bool const open = found != invites_.end() && found->second.takes_claims(now);
  if (!open) rates_.missed(client, now);
  auto& mailbox = open ? found->second : void_mailbox(key, now);
  if (mailbox.conversations.size() >= limits_.claims_per_invite) return come_later(kFullWait);
  auto const claim = random_.id<InviteClaim>();
  mailbox.conversations[claim];
  return claim;
}

Invites::Mailbox& Invites::void_mailbox(std::string const& key, Instant now) {
  if (auto const found = voids_.find(key); found != voids_.end()) return found->second;
  if (voids_.size() >= limits_.max_void)
    voids_.erase(std::ranges::min_element(voids_, {}, [](auto const& each) { return each.second.forgotten_at; }));
  auto& mailbox = voids_[key];
  mailbox.claims_until = now + limits_.longest;
  mailbox.forgotten_at = mailbox.claims_until + limits_.conversation;
  return mailbox;
}

std::optional<Invites::Place> Invites::find(std::string const& key, InviteClaim const& claim) {
  for (auto* mailboxes : {&invites_, &voids_}) {
    auto const mailbox = mailboxes->find(key);
    if (mailbox == mailboxes->end()) continue;
    auto const found = mailbox->second.conversations.find(claim);
    if (found != mailbox->second.conversations.end()) return Place{mailbox->second, found->second};
  }
  return std::nullopt;
}

Result<> Invites::make_room(Mailbox& mailbox, std::size_t bytes) const {
  std::size_t held = bytes;
  for (auto const& [key, each] : invites_) held += each.held_bytes;
  if (held > limits_.max_held_bytes) return come_later(kFullWait);
  mailbox.held_bytes += bytes;
  return {};
}

Invites::Mailbox* Invites::owned(std::string const& key, InviteOwner const& owner) {
  auto const found = invites_.find(key);
  bool const right = found != invites_.end() && !found->second.revoked && *found->second.owner == owner;
  return right ? &found->second : nullptr;
}

Result<std::size_t> Invites::post(std::string const& key, InviteClaim const& claim, Bytes box) {
  auto const place = find(key, claim);
  if (!place) return fail(InviteError::not_found);
  auto& [mailbox, conversation] = *place;
  if (conversation.joiner_ended) return fail(InviteError::ended);
  if (box.size() > limits_.max_box_bytes) return fail(InviteError::too_large);
  if (conversation.sent >= limits_.boxes_per_direction) return fail(InviteError::full);
  if (mailbox.owner && !conversation.inviter_ended) {
    KITH_CHECK(make_room(mailbox, box.size()));
    mailbox.events.push_back({claim, std::move(box)});
  }
  ++conversation.sent;
  return conversation.sent;
}

Result<Invites::Boxes> Invites::read(std::string const& key, InviteClaim const& claim, std::size_t after) {
  auto const place = find(key, claim);
  if (!place) return fail(InviteError::not_found);
  auto const& answers = place->conversation.answers;
  Boxes boxes{{}, answers.size(), false};
  for (std::size_t i = std::min(after, answers.size()); i < answers.size(); ++i) boxes.boxes.emplace_back(answers[i]);
  boxes.end = boxes.boxes.empty() && place->conversation.inviter_ended;
  return boxes;
}

Result<> Invites::end(std::string const& key, InviteClaim const& claim) {
  auto const place = find(key, claim);
  if (!place) return fail(InviteError::not_found);
  auto& [mailbox, conversation] = *place;
  if (!std::exchange(conversation.joiner_ended, true) && mailbox.owner && !mailbox.revoked)
    mailbox.events.push_back({claim, std::nullopt});
  return {};
}

Result<Invites::Events> Invites::read_all(std::string const& key, InviteOwner const& owner, std::size_t after) {
  auto const* mailbox = owned(key, owner);
  if (mailbox == nullptr) return fail(InviteError::not_found);
  Events events{{}, mailbox->events.size()};
  for (std::size_t i = std::min(after, mailbox->events.size()); i < mailbox->events.size(); ++i)
    events.events.push_back(&mailbox->events[i]);
  return events;
}

Result<std::size_t> Invites::answer(std::string const& key, InviteOwner const& owner, InviteClaim const& claim,
                                    Bytes box) {
  auto* const mailbox = owned(key, owner);
  if (mailbox == nullptr) return fail(InviteError::not_found);
  auto const found = mailbox->conversations.find(claim);
  if (found == mailbox->conversations.end()) return fail(InviteError::not_found);
  auto& conversation = found->second;
  if (conversation.inviter_ended) return fail(InviteError::ended);
  if (box.size() > limits_.max_box_bytes) return fail(InviteError::too_large);
  if (conversation.answers.size() >= limits_.boxes_per_direction) return fail(InviteError::full);
  KITH_CHECK(make_room(*mailbox, box.size()));
  conversation.answers.push_back(std::move(box));
  return conversation.answers.size();
}

Result<> Invites::dismiss(std::string const& key, InviteOwner const& owner, InviteClaim const& claim) {
  auto* const mailbox = owned(key, owner);
  if (mailbox == nullptr) return fail(InviteError::not_found);
  auto const found = mailbox->conversations.find(claim);
  if (found == mailbox->conversations.end()) return fail(InviteError::not_found);
  found->second.inviter_ended = true;
  return {};
}

Result<> Invites::revoke(std::string const& key, InviteOwner const& owner) {
  auto* const mailbox = owned(key, owner);
  if (mailbox == nullptr) return fail(InviteError::not_found);
  mailbox->revoked = true;
  mailbox->events = {};
  for (auto& [claim, conversation] : mailbox->conversations) conversation.inviter_ended = true;
  if (mailbox->conversations.empty()) invites_.erase(key);
  return {};
}

void Invites::on_timer(Instant now) {
  now_ = std::max(now_, now);
  std::erase_if(voids_, [&](auto const& each) { return each.second.forgotten_at <= now; });
  std::erase_if(invites_, [&](auto const& each) {
    auto const& [key, mailbox] = each;
    return mailbox.forgotten_at <= now || (mailbox.claims_until <= now && mailbox.conversations.empty());
  });
}

std::optional<Instant> Invites::next_deadline() const {
  std::optional<Instant> next;
  auto const take = [&](Instant when) { next = std::min(next.value_or(when), when); };
  for (auto const& [key, mailbox] : voids_) take(mailbox.forgotten_at);
  for (auto const& [key, mailbox] : invites_)
    take(mailbox.conversations.empty() ? mailbox.claims_until : mailbox.forgotten_at);
  return next;
}

void Invites::change(InviteLimits limits, InviteRateLimits rates) {
  limits_ = limits;
  rates_.change(rates);
}

std::size_t Invites::open_count() const {
  return static_cast<std::size_t>(
      std::ranges::count_if(invites_, [&](auto const& each) { return each.second.takes_claims(now_); }));
}

}  // namespace kith::relay::server
