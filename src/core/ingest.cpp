#include "core/ingest.hpp"

#include <algorithm>

#include "wire/relay.hpp"

namespace kith::core {
namespace {

constexpr std::string_view kIncarnationKey = "incarnation";
constexpr std::string_view kClockKey = "hlc";
/// Entries that hold a secret may themselves be sealed under one that is looked up.
constexpr int kMostLookups = 4;
/// Entries opened at most to find one secret.
constexpr int kMostTries = 32;

ItemDigest digest_of(ByteView sealed) { return crypto::as_id<ItemDigest>(wire::item_hash(sealed)); }

std::vector<Tip> needs_of(OpenedEntry const& entry) {
  std::vector<Tip> needs = entry.body.tips;
  if (entry.body.seq.value > 1) needs.push_back({entry.body.log(), {entry.body.seq.value - 1}, entry.body.prev});
  return needs;
}

/// Faults of our own store; everything else is the item's.
bool is_ours(Error const& error) { return error.holds<store::StoreError>() || error.is(CoreError::corrupt_record); }

}  // namespace

Result<> Ingest::take(ByteView sealed) {
  queue_.push_back({Bytes(sealed.begin(), sealed.end()), from_, true});
  return work_off();
}

Result<> Ingest::take_own(ByteView sealed) {
  queue_.push_back({Bytes(sealed.begin(), sealed.end()), {}, false});
  KITH_CHECK(work_off());
  if (result_.applied > 0) return {};
  // What was just made of the records here contradicts them, unless a limit is the matter.
  bool const torn = !result_.refusal || (result_.refusal->is(CoreError::bad_entry) &&
                                         !std::holds_alternative<CountDetail>(result_.refusal->detail()));
  return fail(torn ? Error(CoreError::corrupt_record) : *result_.refusal);
}

Result<> Ingest::work_off() {
  while (!queue_.empty()) {
    Item const item = std::move(queue_.front());
    queue_.pop_front();
    if (auto taken = take_one(item); !taken) {
      if (is_ours(taken.error())) return taken;
      KITH_CHECK(refuse(taken.error()));
    }
  }
  return drop_unheld();
}

/// Secrets that were taken from entries which were refused since, or gave way, and that nothing else holds, go again.
/// Not before all that came with them had its turn: what they opened may have been applied.
Result<> Ingest::drop_unheld() {
  auto epochs = waiting_.secrets().take_forgotten();
  epochs.merge(of_refused_);
  of_refused_.clear();
  for (auto const& epoch : epochs) {
    if (!state_.in_doubt(epoch)) continue;
    KITH_TRY(holders, waiting_.secrets().holders(epoch, 1));
    if (!holders.empty()) continue;
    KITH_CHECK(state_.forget(epoch));
    result_.roster_changed = true;
  }
  return {};
}

Result<> Ingest::take_one(Item const& item) {
  ItemDigest const digest = digest_of(item.sealed);
  KITH_TRY(known, store_.get(Table::items, digest.view()));
  if (known) {
    ++result_.duplicates;
    return {};
  }
  auto const parts = wire::decode_sealed(item.sealed);
  if (!parts) return refuse_for_good(digest, parts.error());
  KITH_TRY(found, secret_for(*parts));
  auto const* secret = found.get();
  if (secret == nullptr) return keep_unopened(*parts, digest, item);

  auto const check = item.from_outside ? Check::everything : Check::own_storage;
  auto const opened = open(*parts, state_.group(), *secret, check);
  if (!opened) return refuse_for_good(digest, opened.error());
  auto const& entry = *opened;
  if (entry.body.seq.value == 0) return refuse_for_good(digest, CoreError::bad_entry);  // an item outside the log
  KITH_TRY(applied, state_.record(entry.hash));
  KITH_TRY(waiting, waiting_.pending(entry.hash.view()));
  if (applied) return take_resealed(digest, entry.hash, item);
  if (item.from_outside && entry.body.author == identity_.device()) {
    KITH_TRY(current, get_number(store_, kIncarnationKey));
    own_log_came_ |= entry.body.incarnation.value == current;
  }

  auto needs = needs_of(entry);
  std::vector<Tip> missing;
  for (auto const& need : needs) {
    KITH_TRY(here, state_.record(need.hash));
    if (!here) missing.push_back(need);
  }
  if (!missing.empty()) {
    if (waiting) {
      ++result_.duplicates;
      result_.resealed.emplace_back(digest, entry.hash);
      return {};
    }
    KITH_TRY(fate, keep_pending(entry, found, std::move(needs), missing, item));
    return learn_from(entry, item.from, found, fate);
  }
  auto const applied_before = result_.applied;
  KITH_CHECK(put_in(entry, digest, item.sealed));
  return result_.applied > applied_before ? learn_from(entry, item.from, found, Fate::applied) : Result<>{};
}

/// An entry that is applied came in another seal, of which anybody who could read it can make any number: there is no
/// row for each. What waited to be opened was counted while it did, and nobody else is told what became of it.
Result<> Ingest::take_resealed(ItemDigest const& digest, EntryHash const& entry, Item const& item) {
  ++result_.duplicates;
  result_.resealed.emplace_back(digest, entry);
  return item.waited ? store_.put(Table::items, digest.view(), entry.view()) : Result<>{};
}

Result<> Ingest::keep_unopened(wire::SealedParts const& parts, ItemDigest const& digest, Item const& item) {
  KITH_TRY(known, waiting_.holds_unopened(parts.header.epoch, digest));
  if (known) {
    ++result_.duplicates;
    ++result_.still_unopened;
    return {};
  }
  KITH_TRY(room, waiting_.keep_unopened(parts.header.epoch, digest, item.from, item.sealed));
  if (!room) return refuse({CoreError::unknown_epoch, CountDetail{item.sealed.size(), kLimits.max_unopened_bytes}});
  ++result_.unopened;
  return {};
}

Result<Ingest::Fate> Ingest::keep_pending(OpenedEntry const& entry, Found const& own, std::vector<Tip> needs,
                                          std::vector<Tip> const& missing, Item const& item) {
  PendingRecord const record{entry.body.tip(entry.hash), std::move(needs), item.from, item.sealed};
  KITH_TRY(room, waiting_.keep_pending(record, missing, doubtful_in(entry, own)));
  if (!room) {
    KITH_CHECK(refuse({CoreError::bad_entry, CountDetail{item.sealed.size(), kLimits.max_unopened_bytes}}));
    return Fate::refused;
  }
  KITH_CHECK(vouching_.waits(record.self));
  ++result_.pending;
  return Fate::waits;
}

Result<> Ingest::put_in(OpenedEntry const& entry, ItemDigest const& digest, ByteView sealed) {
  KITH_TRY(room, room_for_doubtful(entry, sealed.size()));
  if (!room) return refuse({CoreError::removed_peer, CountDetail{sealed.size(), kLimits.max_set_aside_bytes}});
  KITH_TRY(record, state_.add(entry, sealed, now_.wall, vouching_));
  KITH_CHECK(store_.put(Table::items, digest.view(), entry.hash.view()));
  ++result_.applied;
  result_.roster_changed |= record.roster;

  KITH_TRY(last, get_number(store_, kClockKey));
  HybridClock clock(last);
  clock.observe(entry.body.hlc, now_.wall);
  if (clock.last() != last) KITH_CHECK(put_number(store_, kClockKey, clock.last()));
  return wake_waiting(entry.body.tip(entry.hash));
}

std::optional<EpochSecret> Ingest::unwrapped_from(wire::EpochPrefix const& prefix) const {
  auto unwrapped = unwrap(state_.group(), prefix, identity_.dx);
  if (!unwrapped && also_opens_ != nullptr) unwrapped = unwrap(state_.group(), prefix, *also_opens_);
  return unwrapped ? std::optional(std::move(*unwrapped)) : std::nullopt;
}

/// The secret of an item's epoch: one that is kept, one that the item's own prefix hands out, or one that an entry here
/// holds.
Result<Ingest::Found> Ingest::secret_for(wire::SealedParts const& parts) const {
  Found found;
  found.kept = state_.secret(parts.header.epoch);
  if (found.kept != nullptr) return found;
  if (parts.prefix) {
    found.unwrapped = unwrapped_from(*parts.prefix);
    if (found.unwrapped) return found;
  }
  int tries = kMostTries;
  KITH_TRY(held, look_up(parts.header.epoch, kMostLookups, tries));
  found.looked_up = std::move(held);
  return found;
}

/// Looks for a secret that was not kept, for want of room, in the entries that hold it, applied or waiting.
Result<std::optional<EpochSecret>> Ingest::look_up(EpochId const& epoch, int depth, int& tries) const {
  if (depth == 0) return std::nullopt;
  KITH_TRY(applied, state_.offered_in(epoch));
  KITH_TRY(holders, waiting_.secrets().holders(epoch, kMostTries));
  if (applied) holders.insert(holders.begin(), *applied);
  for (auto const& holder : holders) {
    if (tries-- <= 0) break;
    KITH_TRY(secret, secret_in(holder, epoch, depth, tries));
    if (secret) return std::move(secret);
  }
  return std::nullopt;
}

Result<std::optional<EpochSecret>> Ingest::secret_in(EntryHash const& hash, EpochId const& epoch, int depth,
                                                     int& tries) const {
  KITH_TRY(sealed, state_.sealed(hash));
  if (!sealed) {
    KITH_TRY(record, waiting_.pending(hash.view()));
    if (!record) return std::nullopt;
    sealed = std::move(record->sealed);
  }
  KITH_TRY(parts, wire::decode_sealed(*sealed));
  if (parts.header.epoch == epoch) {
    if (!parts.prefix) return std::nullopt;
    return unwrapped_from(*parts.prefix);
  }
  auto const* kept = state_.secret(parts.header.epoch);
  std::optional<EpochSecret> looked_up;
  if (kept == nullptr) {
    KITH_TRY(held, look_up(parts.header.epoch, depth - 1, tries));
    looked_up = std::move(held);
    if (!looked_up) return std::nullopt;
    kept = &*looked_up;
  }
  KITH_TRY(entry, open(parts, state_.group(), *kept, Check::own_storage));
  for (auto const& op : entry.ops) {
    for (auto const& secret : secrets_in(op)) {
      if (epoch_id(state_.group(), secret) == epoch) return secret.clone();
    }
  }
  return std::nullopt;
}

Result<> Ingest::learn(EpochSecret const& secret, DeviceId const& teacher, GroupState::Keep keep,
                       DeviceId const& from) {
  KITH_TRY(is_new, state_.learn(secret, random_, teacher, keep, from));
  if (!is_new) return {};
  result_.roster_changed = true;
  return wake_unopened(epoch_id(state_.group(), secret));
}

/// Epochs of which an entry that has to wait holds the secret, or under which it is sealed, and whose secret is not
/// kept for good: what is to be noted with it.
std::vector<EpochId> Ingest::doubtful_in(OpenedEntry const& entry, Found const& own) const {
  std::set<EpochId> epochs;
  auto const note = [&](EpochId const& epoch) {
    if (state_.secret(epoch) == nullptr || state_.in_doubt(epoch)) epochs.insert(epoch);
  };
  if (own.kept != nullptr || own.unwrapped) note(entry.epoch);
  for (auto const& op : entry.ops) {
    for (auto const& secret : secrets_in(op)) note(epoch_id(state_.group(), secret));
  }
  return {epochs.begin(), epochs.end()};
}

/// How many secrets of an entry are kept. What is kept costs with every stranger's hello, so nobody teaches without
/// bound what nothing is sealed under. Of an entry that has to wait they are kept before it is known whether its author
/// is let in, since what lets the author in may be sealed under one of them; and only as long as it waits.
Result<std::size_t> Ingest::room_to_teach(DeviceId const& author, DeviceId const& from, Fate fate, std::size_t wanted) {
  auto const& roster = state_.roster();
  bool const applied = fate == Fate::applied;
  bool const newcomer = roster.find(identity_.device()) == nullptr;
  bool const trusted = applied || newcomer || roster.active(author);
  std::size_t const held = trusted ? state_.unused_secrets_of(author) : state_.unused_secrets();
  std::size_t const most = trusted ? kLimits.max_taught_secrets : kLimits.max_doubtful_secrets;
  std::size_t const room = most - std::min(most, held);
  if (applied || !newcomer) return room;
  KITH_TRY(of_newcomer, room_of_newcomer(from, wanted));
  return std::min(room, of_newcomer);
}

/// Before it finds itself in the roster a device cannot tell members from authors that somebody made up. So what it
/// keeps in doubt is bounded over all of them. Where room is short, whoever handed over most gives way: a flood keeps
/// nobody's history from being opened.
Result<std::size_t> Ingest::room_of_newcomer(DeviceId const& from, std::size_t wanted) {
  for (;;) {
    std::size_t const room = kLimits.max_newcomer_secrets - std::min(kLimits.max_newcomer_secrets, state_.doubts());
    if (room >= wanted) return room;
    auto const held = state_.doubts_of_each();
    auto const largest = std::ranges::max_element(held, {}, [](auto const& account) { return account.second; });
    auto const own = held.find(from);
    std::size_t const more = (largest->second - (own == held.end() ? 0 : own->second)) / 2;  // until both have as many
    if (more == 0) return room;
    KITH_CHECK(state_.drop_doubts_of(largest->first, std::min(more, wanted - room)));
  }
}

/// Takes the secret of the entry's own epoch, where it is not kept yet, and those in its ops: as many as there is room
/// for are kept, of the others it is noted where they are. Whether an epoch is valid is another question. Those of an
/// entry that is not applied are in doubt; one that finds no room to wait may still open what it would have waited for.
Result<> Ingest::learn_from(OpenedEntry const& entry, DeviceId const& from, Found const& own, Fate fate) {
  using Keep = GroupState::Keep;
  auto const& author = entry.body.author;
  bool const applied = fate == Fate::applied;
  if (applied && own.kept == nullptr) KITH_CHECK(learn(*own.get(), author, Keep::for_good, from));
  std::size_t wanted = own.unwrapped ? 1 : 0;
  for (auto const& op : entry.ops) wanted += secrets_in(op).size();
  if (wanted == 0) return {};
  KITH_TRY(room, room_to_teach(author, from, fate, wanted));
  auto const take = [&](EpochSecret const& secret) -> Result<> {
    EpochId const epoch = epoch_id(state_.group(), secret);
    bool const in_doubt = state_.in_doubt(epoch);
    if (in_doubt ? !applied : state_.secret(epoch) != nullptr) return {};
    bool const has_its_room = in_doubt && state_.teacher_of(epoch) == author;
    if (room == 0 && !has_its_room) {
      if (applied) KITH_CHECK(state_.offer(epoch, entry.hash));
      return fate == Fate::refused ? Result<>{} : wake_unopened(epoch);
    }
    if (!has_its_room) --room;
    if (fate == Fate::refused) of_refused_.insert(epoch);
    return learn(secret, author, applied ? Keep::for_good : Keep::in_doubt, from);
  };
  if (own.unwrapped) KITH_CHECK(take(*own.unwrapped));
  for (auto const& op : entry.ops) {
    for (auto const& secret : secrets_in(op)) KITH_CHECK(take(secret));
  }
  return {};
}

/// What has its whole past here now waits no longer: it may not open any more, and is then kept as unopened alone.
Result<> Ingest::wake_waiting(Tip const& arrived) {
  KITH_TRY(waiters, waiting_.arrived(arrived));
  for (auto& waiter : waiters) {
    bool complete = true;
    for (auto const& need : waiter.needs) {
      if (!complete) break;
      KITH_TRY(here, state_.record(need.hash));
      complete = here.has_value();
    }
    if (!complete) continue;
    KITH_CHECK(waiting_.drop_pending(waiter));
    queue_.push_back({std::move(waiter.sealed), waiter.from, true});
  }
  return {};
}

Result<> Ingest::wake_unopened(EpochId const& epoch) {
  KITH_TRY(items, waiting_.take_unopened(epoch));
  for (auto& item : items) queue_.push_back({std::move(item.sealed), item.from, true, true});
  return {};
}

/// Entries of removed devices that no active device has built upon may fill so much of the disk and of the memory, and
/// no more.
Result<bool> Ingest::room_for_doubtful(OpenedEntry const& entry, std::size_t bytes) {
  if (!state_.doubted(entry.body.author)) return true;
  KITH_TRY(room, state_.room_to_set_aside(entry.body.author, {bytes, roster_ops_in(entry)}));
  return room ? Result<bool>(true) : vouching_.needs(entry.hash);
}

/// What can never become an entry here, unless it is of a later version of this program.
Result<> Ingest::refuse_for_good(ItemDigest const& digest, Error const& reason) {
  if (is_ours(reason)) return fail(reason);
  bool const later = reason.is(wire::WireError::unknown_suite) || reason.is(wire::WireError::unknown_version);
  if (!later) result_.no_entries.push_back(digest);
  return refuse(reason);
}

Result<> Ingest::refuse(Error reason) {
  ++result_.refused;
  if (!result_.refusal) result_.refusal = std::move(reason);
  return {};
}

}  // namespace kith::core
