#include <algorithm>

#include "sync/relays/mailbox.hpp"

/// What comes out of a mailbox, and how this device knows what is in it.
namespace kith::sync {

void Mailbox::pull(Now now) {
  if (pull_request_ != 0) return;
  pull_request_ = ++last_request_;
  pulled_at_ = now.mono;
  channel_->send(wire::Pull{pull_request_, record_.position, kPullBytes});
}

Result<> Mailbox::on_pulled(wire::PullResponse response, Now now) {
  auto const answered = std::exchange(pull_request_, 0);
  if (response.next_after < record_.position || (response.has_more && response.next_after == record_.position)) {
    misbehaved(relay::ChannelError::out_of_place, now);
    return {};
  }
  KITH_CHECK(take_items(response.items, response.next_after, now));
  if (state_ == State::ending) return {};
  if (!response.has_more) all_shown_ = answered;
  // What it gave notice of while it answered is asked for once: it may be making that up.
  bool const more = std::exchange(notified_, {}) > record_.position;
  if (response.has_more || more) {
    pull(now);
    return judge(now);
  }
  KITH_TRY(again, pull_what_was_passed_over(now));
  if (again) return {};
  bool const first = state_ == State::catching_up;
  state_ = State::live;
  if (first) {
    events_.emplace_back(RelayMoved{});
    KITH_CHECK(look_after_record());
  }
  KITH_CHECK(judge(now));
  KITH_CHECK(settle_acl(now));
  KITH_CHECK(work_objects(now));
  return push(now);
}

/// Takes items in and moves on, in one transaction: after a crash nothing is skipped.
Result<> Mailbox::take_items(std::vector<wire::RelayItem> const& items, wire::RelayCursor upto, Now now) {
  auto last = record_.position;
  std::vector<ByteView> entries;
  for (auto const& item : items) {
    if (item.cursor <= last || item.cursor > upto) {
      misbehaved(relay::ChannelError::out_of_place, now);
      return {};
    }
    last = item.cursor;
    if (item.ttl_s == 0) entries.emplace_back(item.sealed);
  }
  KITH_TRY(transaction, store::Transaction::begin(store_));
  core::Received received;
  if (!entries.empty()) {
    auto taken = replica_.receive(entries, now);
    if (!taken) return fail(taken.error());
    received = *taken;
  }
  KITH_CHECK(take_note(items, received, now));
  if (received.applied > 0) KITH_CHECK(resolve());
  if (upto != record_.position) {
    bool const seen = !items.empty() && items.back().cursor == upto;
    record_.last_item = seen ? wire::item_hash(items.back().sealed) : crypto::Hash128{};
    record_.position = upto;
  }
  KITH_CHECK(write_down());
  KITH_CHECK(transaction.commit());
  flush_due_.reset();
  if (acked_cursor_ < upto) {
    acked_cursor_ = upto;
    channel_->send(wire::RelayAck{0, upto});
  }
  if (received.applied > 0 || received.roster_changed)
    events_.emplace_back(RelayApplied{received.applied, received.roster_changed});
  if (!items.empty()) events_.emplace_back(RelayMoved{});
  return {};
}

/// What of it is known to be there now, and what cannot be said yet. Items that are no entries never can.
Result<> Mailbox::take_note(std::vector<wire::RelayItem> const& items, core::Received const& received, Now now) {
  std::set<ItemDigest> const no_entries(received.no_entries.begin(), received.no_entries.end());
  std::map<ItemDigest, EntryHash> const resealed(received.resealed.begin(), received.resealed.end());
  for (auto const& item : items) {
    if (item.ttl_s > 0) {
      KITH_CHECK(take_announcement(item, now));
      continue;
    }
    auto const digest = crypto::as_id<ItemDigest>(wire::item_hash(item.sealed));
    if (no_entries.contains(digest)) continue;
    auto const known = resealed.find(digest);
    UnresolvedItems::Item const noted{digest, known == resealed.end() ? EntryHash{} : known->second};
    KITH_TRY(there, note_there(noted));
    if (there) continue;
    if (unresolved_.full())
      unresolved_.overflowed = true;
    else
      unresolved_.items.push_back(noted);
    unresolved_moved_ = true;
  }
  return {};
}

/// All over again, where an entry that came from there waits for another one though all was pulled: the mailbox is
/// causally closed. A relay that was put back, and brought other items since, may have by chance the same one at this
/// device's position: then neither side notices that those before it are others. Likewise where there was no room to
/// note all that could not be placed, and there is now.
/// @return whether it is under way
Result<bool> Mailbox::pull_what_was_passed_over(Now now) {
  bool const lately = pull_anew_not_before_ && now.mono < *pull_anew_not_before_;
  bool const all_placed = unresolved_.items.empty() && !unresolved_.overflowed;
  if (lately || all_placed || state_ == State::ending) return false;
  KITH_CHECK(resolve());
  KITH_TRY(missing, replica_.missing(1));
  bool const waits = !unresolved_.items.empty() && !missing.empty();
  bool const has_room = unresolved_.overflowed && unresolved_.items.size() <= UnresolvedItems::kMost / 2;
  if (!waits && !has_room) return false;
  pull_anew_not_before_ = now.mono + kPullAnewEvery;
  record_.position = {};
  record_.last_item = {};
  unresolved_ = {};  // they all come again
  unresolved_moved_ = true;
  pull(now);
  return true;
}

/// The applied entry that an item is known to be.
Result<std::optional<core::EntryRecord>> Mailbox::entry_of(UnresolvedItems::Item const& item) const {
  if (!item.entry.is_zero()) return replica_.state().record(item.entry);
  KITH_TRY(hash, store_.get(store::Table::items, item.digest.view()));
  if (!hash) return std::nullopt;
  auto const entry = EntryHash::from(*hash);
  if (!entry) return fail(core::CoreError::corrupt_record);
  return replica_.state().record(*entry);
}

/// Counts an item as there if its entry is applied here and its whole past is there as well.
/// @return false where that cannot be said yet
Result<bool> Mailbox::note_there(UnresolvedItems::Item const& item) {
  KITH_TRY(record, entry_of(item));
  if (!record) return false;
  if (record_.there.contains(record->place())) return true;
  if (!in_reach(*record)) return false;
  record_.there.include(record->place());
  return true;
}

bool Mailbox::in_reach(core::EntryRecord const& record) const {
  return std::ranges::all_of(record.past.places(), [&](core::ChainPlace place) {
    if (place == record.place()) {
      auto const& chain = replica_.state().chains().at(place.chain);
      return place.seq == chain.first || record_.there.contains({place.chain, {place.seq.value - 1}});
    }
    return record_.there.contains(place);
  });
}

/// Items that could not be placed before may be now: their epochs have come, or what they stand on. They are looked at
/// in the order in which their entries were applied here, causes before effects: once each, in whichever order the
/// relay has them.
Result<> Mailbox::resolve() {
  std::vector<UnresolvedItems::Item> unknown;
  using Placed = std::pair<std::uint64_t, UnresolvedItems::Item const*>;
  std::vector<Placed> applied;
  for (auto const& item : unresolved_.items) {
    KITH_TRY(record, entry_of(item));
    if (record)
      applied.emplace_back(record->position, &item);
    else
      unknown.push_back(item);
  }
  std::ranges::sort(applied, {}, &Placed::first);
  for (auto const& [position, item] : applied) {
    KITH_TRY(noted, note_there(*item));
    if (!noted) unknown.push_back(*item);
  }
  unresolved_moved_ |= unknown.size() != unresolved_.items.size();
  unresolved_.items = std::move(unknown);
  return {};
}

}  // namespace kith::sync
