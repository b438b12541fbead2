#include "sync/relays/mailbox.hpp"

/// What is said to lie at a relay: announcements as they come, now or later, and this device's own.
namespace kith::sync {
namespace {

/// Whether an announcement that could not be opened may be one day: it may come before its author's place in the
/// roster, or before its epoch.
bool may_open_later(Result<OpenedAnnouncement> const& opened) {
  return !opened &&
         (opened.error().is(core::CoreError::unknown_epoch) || opened.error().is(core::CoreError::unknown_device));
}

}  // namespace

/// In the transaction that takes the items in. The position in the mailbox goes on: what cannot be opened yet is kept.
Result<> Mailbox::take_announcement(wire::RelayItem const& item, Now now) {
  auto opened = open_announcement(replica_.state(), {relay_.relay, item.sender}, item.sealed);
  if (may_open_later(opened)) return book_.keep(store_, item, now.wall);
  return note_announcement(item, std::move(opened), now);
}

/// @param opened  from the item, or why it never will be
Result<> Mailbox::note_announcement(wire::RelayItem const& item, Result<OpenedAnnouncement> opened, Now now) {
  KITH_CHECK(book_.unkeep(store_, item.cursor));
  if (!opened) return {};  // of a device that was removed, or made up
  auto const longest = std::min<std::chrono::seconds>(kObjectTime, std::chrono::seconds{item.ttl_s});
  auto const most = now.wall.ms + std::chrono::milliseconds(longest).count();
  auto const said = static_cast<std::int64_t>(std::min<std::uint64_t>(item.stored_s, 1ULL << 40) + item.ttl_s) * 1000;
  // The relay still has it: where it is over by this device's clock, that one is wrong, or the relay's.
  auto const expires = said <= now.wall.ms ? most : std::min(said, most);
  auto& announcement = opened->announcement;
  auto const object = announcement.object;
  KITH_TRY(noted, book_.note(store_, object, {opened->device, expires, item.cursor, std::move(announcement.chunks)}));
  if (!noted) {
    auto passed_over = item;
    passed_over.sealed.clear();  // it has not been taken
    KITH_CHECK(book_.keep(store_, passed_over, now.wall));
  } else if (holds_chunk_) {
    KITH_TRY(any, book_.look(store_, object, holds_chunk_));
    static_cast<void>(any);
    taken_moved_ = true;
  }
  events_.emplace_back(RelayObjectsMoved{});
  return {};
}

/// What can be opened depends on who is in the group, under which name here, and on the epochs that are known.
Result<> Mailbox::retry_kept(Now now) {
  if (book_.kept_places().empty() && unheard_.empty()) return {};
  KeptTried tried{{}, replica_.state().known_epochs()};
  for (auto const& [device, member] : replica_.state().roster().members()) {
    auto const name = member.pseudonyms.find(relay_.relay);
    tried.members[device] = {member.state, name == member.pseudonyms.end() ? wire::Pseudonym{} : name->second};
  }
  if (kept_tried_ == tried) return {};
  kept_tried_ = std::move(tried);
  for (auto const& [pseudonym, slot] : std::exchange(unheard_, {})) KITH_CHECK(hear_presence({0, {slot}}, now));
  KITH_TRY(items, book_.kept(store_));
  std::vector<std::pair<wire::RelayItem, Result<OpenedAnnouncement>>> ready;
  for (auto& item : items) {
    auto opened = open_announcement(replica_.state(), {relay_.relay, item.sender}, item.sealed);
    if (!may_open_later(opened)) ready.emplace_back(std::move(item), std::move(opened));
  }
  if (ready.empty()) return {};
  KITH_TRY(transaction, store::Transaction::begin(store_));
  for (auto& [item, opened] : ready) KITH_CHECK(note_announcement(item, std::move(opened), now));
  return transaction.commit();
}

/// An announcement is on the relay's disk.
Result<> Mailbox::note_announced(OutboxItem const& item, wire::RelayCursor cursor, Now now) {
  auto opened = open_announcement(replica_.state(), {relay_.relay, face_.pseudonym()}, item.sealed);
  if (!opened) return {};
  auto& announcement = opened->announcement;
  // The announcement may have waited for a connection; the object's time began when it was uploaded.
  auto const known = book_.objects().find(announcement.object);
  bool const begun = known != book_.objects().end() && known->second.kind == ObjectBook::Kind::uploading_object;
  auto const since =
      begun ? known->second.expires_ms - std::chrono::milliseconds(ObjectBook::kGoneTime).count() : now.wall.ms;
  auto const expires =
      std::min(since, now.wall.ms) + std::chrono::milliseconds(std::chrono::seconds{item.ttl_s}).count();
  KITH_TRY(transaction, store::Transaction::begin(store_));
  KITH_TRY(noted,
           book_.note(store_, announcement.object, {opened->device, expires, cursor, std::move(announcement.chunks)}));
  static_cast<void>(noted);  // there is always room for what this device left
  return transaction.commit();
}

}  // namespace kith::sync
