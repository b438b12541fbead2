#include "core/ingest.hpp"

#include <algorithm>

#include "crypto/hash.hpp"

namespace kith::core {
namespace {

constexpr std::string_view kPendingBytes = "pending_bytes";
constexpr std::string_view kUnopenedBytes = "unopened_bytes";
constexpr std::string_view kIncarnationKey = "incarnation";
constexpr std::string_view kClockKey = "hlc";

ItemDigest digest_of(ByteView sealed) { return crypto::as_id<ItemDigest>(crypto::hash128("kith/item/1", {sealed})); }

std::vector<Tip> needs_of(OpenedEntry const& entry) {
  std::vector<Tip> needs = entry.body.tips;
  if (entry.body.seq.value > 1) needs.push_back({entry.body.log(), {entry.body.seq.value - 1}, entry.body.prev});
  return needs;
}

Bytes encode_tip(Tip const& tip) {
  Bytes out;
  wire::Encoder{out}(tip.log.device, tip.log.incarnation, tip.seq, tip.hash);
  return out;
}

/// Faults of our own store; everything else is the item's.
bool is_ours(Error const& error) { return error.holds<store::StoreError>() || error.is(CoreError::corrupt_record); }

}  // namespace

Result<> Ingest::take(ByteView sealed) {
  queue_.push_back({Bytes(sealed.begin(), sealed.end()), true});
  return work_off();
}

Result<> Ingest::take_own(ByteView sealed) {
  queue_.push_back({Bytes(sealed.begin(), sealed.end()), false});
  KITH_CHECK(work_off());
  if (result_.applied == 0) return fail(result_.refusal.value_or(Error(CoreError::corrupt_record)));
  return {};
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
  return {};
}

Result<> Ingest::take_one(Item const& item) {
  ItemDigest const digest = digest_of(item.sealed);
  KITH_TRY(known, store_.get(Table::items, digest.view()));
  if (known) {
    ++result_.duplicates;
    return {};
  }
  KITH_TRY(parts, wire::decode_sealed(item.sealed));
  auto const* secret = state_.secret(parts.header.epoch);
  std::optional<EpochSecret> unwrapped;  // not kept before it is clear who made it
  if (parts.prefix && secret == nullptr) {
    if (auto found = unwrap(state_.group(), *parts.prefix, identity_.dx)) {
      unwrapped = std::move(*found);
      secret = &*unwrapped;
    }
  }
  if (secret == nullptr) return keep_unopened(parts, digest, item.sealed);

  KITH_TRY(entry, open(parts, state_.group(), *secret, item.from_outside ? Check::everything : Check::own_storage));
  if (entry.body.seq.value == 0) return fail(CoreError::bad_entry);  // an item outside the log
  KITH_TRY(applied, state_.record(entry.hash));
  KITH_TRY(waiting, store_.get(Table::pending, entry.hash.view()));
  if (applied) {
    ++result_.duplicates;
    return store_.put(Table::items, digest.view(), entry.hash.view());
  }
  if (item.from_outside && entry.body.author == identity_.device()) {
    KITH_TRY(current, get_number(store_, kIncarnationKey));
    own_log_came_ |= entry.body.incarnation.value == current;
  }

  auto const* const handed_out = unwrapped ? &*unwrapped : nullptr;
  auto needs = needs_of(entry);
  std::vector<Tip> missing;
  for (auto const& need : needs) {
    KITH_TRY(here, state_.record(need.hash));
    if (!here) missing.push_back(need);
  }
  if (!missing.empty()) {
    if (may_teach(entry)) KITH_CHECK(learn_from(entry, handed_out));
    if (!waiting) return keep_pending(entry, std::move(needs), missing, item.sealed);
    ++result_.duplicates;
    return {};
  }
  if (waiting) {
    KITH_CHECK(store_.erase(Table::pending, entry.hash.view()));
    KITH_CHECK(release(kPendingBytes, item.sealed.size()));
  }
  auto const applied_before = result_.applied;
  KITH_CHECK(put_in(entry, digest, item.sealed));
  return result_.applied > applied_before ? learn_from(entry, handed_out) : Result<>{};
}

Result<> Ingest::keep_unopened(wire::SealedParts const& parts, ItemDigest const& digest, ByteView sealed) {
  Bytes const key = key_of(parts.header.epoch.view(), digest.view());
  KITH_TRY(known, store_.get(Table::unopened, key));
  if (known) {
    ++result_.duplicates;
    return {};
  }
  KITH_TRY(room, reserve(kUnopenedBytes, sealed.size(), kLimits.max_unopened_bytes));
  if (!room) return refuse({CoreError::unknown_epoch, CountDetail{sealed.size(), kLimits.max_unopened_bytes}});
  ++result_.unopened;
  return store_.put(Table::unopened, key, sealed);
}

Result<> Ingest::keep_pending(OpenedEntry const& entry, std::vector<Tip> needs, std::vector<Tip> const& missing,
                              ByteView sealed) {
  KITH_TRY(room, reserve(kPendingBytes, sealed.size(), kLimits.max_unopened_bytes));
  if (!room) return refuse({CoreError::bad_entry, CountDetail{sealed.size(), kLimits.max_unopened_bytes}});
  PendingRecord const record{entry.body.tip(entry.hash), std::move(needs), Bytes(sealed.begin(), sealed.end())};
  KITH_CHECK(store_.put(Table::pending, entry.hash.view(), encode_record(record)));
  for (auto const& need : missing) {
    KITH_CHECK(store_.put(Table::waiting, key_of(need.hash.view(), entry.hash.view()), encode_tip(need)));
  }
  ++result_.pending;
  return {};
}

Result<> Ingest::put_in(OpenedEntry const& entry, ItemDigest const& digest, ByteView sealed) {
  KITH_TRY(room, room_for_doubtful(entry, sealed.size()));
  if (!room) return refuse({CoreError::removed_peer, CountDetail{sealed.size(), kLimits.max_set_aside_bytes}});
  KITH_TRY(record, state_.add(entry, sealed, now_.wall));
  KITH_CHECK(store_.put(Table::items, digest.view(), entry.hash.view()));
  ++result_.applied;
  result_.roster_changed |= record.roster;

  KITH_TRY(last, get_number(store_, kClockKey));
  HybridClock clock(last);
  clock.observe(entry.body.hlc, now_.wall);
  if (clock.last() != last) KITH_CHECK(put_number(store_, kClockKey, clock.last()));
  return wake_waiting(entry.hash);
}

Result<> Ingest::learn(EpochSecret const& secret) {
  KITH_TRY(is_new, state_.learn(secret, random_));
  if (!is_new) return {};
  result_.roster_changed = true;
  return wake_unopened(epoch_id(state_.group(), secret));
}

/// Whether secrets of an entry that has to wait are taken before it is known whether its author is let in. They must
/// be: what lets the author in may be sealed under one of them. A secret is there for good, so whoever may be a
/// stranger does not teach without bound; but a device that joins does not know anybody yet.
bool Ingest::may_teach(OpenedEntry const& entry) const {
  auto const& roster = state_.roster();
  return roster.active(entry.body.author) || roster.find(identity_.device()) == nullptr ||
         state_.unused_secrets() < kLimits.max_doubtful_secrets;
}

/// Takes the secret of the entry's own epoch, where a wrap held it, and those in its ops. Whether an epoch is valid is
/// another question.
Result<> Ingest::learn_from(OpenedEntry const& entry, EpochSecret const* unwrapped) {
  if (unwrapped != nullptr) KITH_CHECK(learn(*unwrapped));
  for (auto const& op : entry.ops) {
    for (auto const& secret : secrets_in(op)) KITH_CHECK(learn(secret));
  }
  return {};
}

Result<> Ingest::wake_waiting(EntryHash const& arrived) {
  std::vector<Bytes> keys;
  KITH_CHECK(store_.scan(Table::waiting, arrived.view(), {}, [&](ByteView key, ByteView) {
    keys.emplace_back(key.begin(), key.end());
    return Store::Next::go_on;
  }));
  for (auto const& key : keys) {
    KITH_CHECK(store_.erase(Table::waiting, key));
    auto const waiter = ByteView{key}.subspan(EntryHash::kBytes);
    KITH_TRY(record, get_record<PendingRecord>(store_, Table::pending, waiter));
    if (!record) continue;
    bool complete = true;
    for (auto const& need : record->needs) {
      KITH_TRY(here, state_.record(need.hash));
      complete = complete && here.has_value();
    }
    if (complete) queue_.push_back({std::move(record->sealed), true});
  }
  return {};
}

Result<> Ingest::wake_unopened(EpochId const& epoch) {
  std::vector<Bytes> keys;
  KITH_CHECK(store_.scan(Table::unopened, epoch.view(), {}, [&](ByteView key, ByteView value) {
    keys.emplace_back(key.begin(), key.end());
    queue_.push_back({Bytes(value.begin(), value.end()), true});
    return Store::Next::go_on;
  }));
  for (std::size_t i = 0; i < keys.size(); ++i) {
    KITH_CHECK(store_.erase(Table::unopened, keys[i]));
    KITH_CHECK(release(kUnopenedBytes, queue_[queue_.size() - keys.size() + i].sealed.size()));
  }
  return {};
}

/// Entries of removed devices that nothing here needs may fill so much of the disk, and no more.
Result<bool> Ingest::room_for_doubtful(OpenedEntry const& entry, std::size_t bytes) {
  if (!state_.doubted(entry.body.author)) return true;
  bool needed = false;
  KITH_CHECK(store_.scan(Table::waiting, entry.hash.view(), {}, [&](ByteView, ByteView) {
    needed = true;
    return Store::Next::stop;
  }));
  if (needed) return true;
  KITH_TRY(used, state_.set_aside_bytes());
  return used + bytes <= kLimits.max_set_aside_bytes;
}

Result<bool> Ingest::reserve(std::string_view counter, std::size_t bytes, std::size_t limit) {
  KITH_TRY(used, get_number(store_, counter));
  if (used + bytes > limit) return false;
  KITH_CHECK(put_number(store_, counter, used + bytes));
  return true;
}

Result<> Ingest::release(std::string_view counter, std::size_t bytes) {
  KITH_TRY(used, get_number(store_, counter));
  return put_number(store_, counter, used - std::min<std::uint64_t>(used, bytes));
}

Result<> Ingest::refuse(Error reason) {
  ++result_.refused;
  if (!result_.refusal) result_.refusal = std::move(reason);
  return {};
}

}  // namespace kith::core
