#include "core/waiting_room.hpp"

#include <algorithm>

namespace kith::core {
namespace {

constexpr std::string_view kPendingBytes = "pending_bytes/";
constexpr std::string_view kUnopenedBytes = "unopened_bytes/";
constexpr std::string_view kMissing = "missing/";
constexpr std::string_view kNamed = "named/";
/// To make room at least so much is dropped at once: finding it means to look at everything that waits.
constexpr std::size_t kLeastEvicted = kLimits.max_unopened_bytes / 16;

Bytes encode_tip(Tip const& tip) {
  Bytes out;
  wire::Encoder{out}(tip.log.device, tip.log.incarnation, tip.seq, tip.hash);
  return out;
}

Bytes missing_key(DeviceId const& from, ByteView need) { return key_of(key_of(bytes_of(kMissing), from.view()), need); }

Bytes named_prefix(LogId const& log) {
  return key_of(key_of(bytes_of(kNamed), log.device.view()), key_of(log.incarnation.value));
}

Bytes named_key(Tip const& need, EntryHash const& waiter) {
  return key_of(key_of(named_prefix(need.log), need.hash.view()), waiter.view());
}

}  // namespace

Result<bool> WaitingRoom::keep_unopened(EpochId const& epoch, ItemDigest const& digest, DeviceId const& from,
                                        ByteView sealed) {
  KITH_TRY(room, reserve(Kind::unopened, from, sealed.size()));
  if (!room) return false;
  KITH_CHECK(store_.put(Table::unopened, key_of(epoch.view(), digest.view()), key_of(from.view(), sealed)));
  return true;
}

Result<bool> WaitingRoom::holds_unopened(EpochId const& epoch, ItemDigest const& digest) const {
  KITH_TRY(row, store_.get(Table::unopened, key_of(epoch.view(), digest.view())));
  return row.has_value();
}

Result<std::vector<WaitingRoom::Unopened>> WaitingRoom::take_unopened(EpochId const& epoch) {
  std::vector<Unopened> taken;
  std::vector<Bytes> keys;
  bool damaged = false;
  KITH_CHECK(store_.scan(Table::unopened, epoch.view(), {}, [&](ByteView key, ByteView value) {
    damaged |= value.size() < DeviceId::kBytes;
    if (damaged) return Store::Next::stop;
    auto const sealed = value.subspan(DeviceId::kBytes);
    keys.emplace_back(key.begin(), key.end());
    taken.push_back({*DeviceId::from(value.first(DeviceId::kBytes)), Bytes(sealed.begin(), sealed.end())});
    return Store::Next::go_on;
  }));
  if (damaged) return fail(CoreError::corrupt_record);
  for (auto const& key : keys) KITH_CHECK(store_.erase(Table::unopened, key));
  for (auto const& item : taken) KITH_CHECK(release(Kind::unopened, item.from, item.sealed.size()));
  return taken;
}

Result<bool> WaitingRoom::keep_pending(PendingRecord const& entry, std::vector<Tip> const& missing,
                                       std::span<EpochId const> secrets) {
  std::size_t const bytes = entry.sealed.size() + secrets.size() * WaitingSecrets::kBytesEach;
  KITH_TRY(room, reserve(Kind::pending, entry.from, bytes));
  if (!room) return false;
  auto const& self = entry.self;
  KITH_CHECK(secrets_.note(self.hash, secrets));
  KITH_CHECK(store_.put(Table::pending, self.hash.view(), encode_record(entry)));
  for (auto const& need : missing) {
    KITH_CHECK(store_.put(Table::waiting, key_of(need.hash.view(), self.hash.view()), encode_tip(need)));
    KITH_CHECK(store_.put(Table::meta, missing_key(entry.from, need.hash.view()), encode_tip(need)));
    if (need.log.device != self.log.device) {
      KITH_CHECK(store_.put(Table::meta, named_key(need, self.hash), self.log.device.view()));
    }
  }
  return true;
}

Result<std::optional<PendingRecord>> WaitingRoom::pending(ByteView hash) const {
  return get_record<PendingRecord>(store_, Table::pending, hash);
}

/// What an entry counts for on the account of who handed it over.
Result<std::size_t> WaitingRoom::weight(PendingRecord const& entry) const {
  KITH_TRY(rows, secrets_.bytes_of_rows(entry.self.hash));
  return entry.sealed.size() + rows;
}

Result<> WaitingRoom::drop_pending(PendingRecord const& entry) {
  auto const& self = entry.self.hash;
  KITH_TRY(bytes, weight(entry));
  KITH_CHECK(secrets_.forget(self));
  for (auto const& need : entry.needs) {
    KITH_CHECK(store_.erase(Table::waiting, key_of(need.hash.view(), self.view())));
    KITH_CHECK(store_.erase(Table::meta, named_key(need, self)));
    KITH_TRY(others, needed_by_others_of(entry.from, need.hash, self));
    if (!others) KITH_CHECK(store_.erase(Table::meta, missing_key(entry.from, need.hash.view())));
  }
  KITH_CHECK(store_.erase(Table::pending, self.view()));
  return release(Kind::pending, entry.from, bytes);
}

Result<bool> WaitingRoom::needed_by_others_of(DeviceId const& from, EntryHash const& need,
                                              EntryHash const& except) const {
  bool found = false;
  std::optional<Error> error;
  KITH_CHECK(store_.scan(Table::waiting, need.view(), {}, [&](ByteView key, ByteView) {
    auto const waiter = key.subspan(EntryHash::kBytes);
    if (std::ranges::equal(waiter, except.view())) return Store::Next::go_on;
    auto const record = pending(waiter);
    if (!record) error = record.error();
    found = record && *record && (*record)->from == from;
    return found || error ? Store::Next::stop : Store::Next::go_on;
  }));
  if (error) return fail(*error);
  return found;
}

Result<std::vector<PendingRecord>> WaitingRoom::arrived(Tip const& tip) {
  std::vector<Bytes> keys;
  KITH_CHECK(store_.scan(Table::waiting, tip.hash.view(), {}, [&](ByteView key, ByteView) {
    keys.emplace_back(key.begin(), key.end());
    return Store::Next::go_on;
  }));
  std::vector<PendingRecord> waiters;
  for (auto const& key : keys) {
    KITH_CHECK(store_.erase(Table::waiting, key));
    KITH_TRY(record, pending(ByteView{key}.subspan(EntryHash::kBytes)));
    if (!record) continue;
    for (auto const& need : record->needs) {  // the same entry may be named under a false log or seq
      if (need.hash == tip.hash) KITH_CHECK(store_.erase(Table::meta, named_key(need, record->self.hash)));
    }
    KITH_CHECK(store_.erase(Table::meta, missing_key(record->from, tip.hash.view())));
    waiters.push_back(std::move(*record));
  }
  return waiters;
}

/// Who wrote an entry is kept with what it names of others' logs; all else that it needs is of its author's own.
Result<std::vector<WaitingRoom::Waiter>> WaitingRoom::waiters(EntryHash const& need) const {
  std::vector<Waiter> found;
  std::optional<Error> error;
  KITH_CHECK(store_.scan(Table::waiting, need.view(), {}, [&](ByteView key, ByteView value) {
    wire::Reader reader(value);
    Tip tip;
    wire::Decoder{reader}(tip.log.device, tip.log.incarnation, tip.seq, tip.hash);
    auto const waiter = EntryHash::from(key.subspan(EntryHash::kBytes));
    if (!waiter || !reader.finish()) error = Error(CoreError::corrupt_record);
    if (error) return Store::Next::stop;
    auto const named = store_.get(Table::meta, named_key(tip, *waiter));
    if (!named) error = named.error();
    if (error) return Store::Next::stop;
    found.push_back({*waiter, *named ? DeviceId::from(**named).value_or(DeviceId{}) : tip.log.device});
    return Store::Next::go_on;
  }));
  if (error) return fail(*error);
  return found;
}

Result<bool> WaitingRoom::named_by_another(LogId const& log, std::function<bool(Waiter const&)> const& vouches) const {
  bool found = false;
  KITH_CHECK(store_.scan(Table::meta, named_prefix(log), {}, [&](ByteView key, ByteView value) {
    auto const author = DeviceId::from(value);
    auto const waiter = EntryHash::from(key.last(EntryHash::kBytes));
    found = author && waiter && vouches({*waiter, *author});
    return found ? Store::Next::stop : Store::Next::go_on;
  }));
  return found;
}

Result<std::vector<Tip>> WaitingRoom::missing(std::size_t most, std::set<EntryHash> const& except) const {
  std::vector<std::vector<Tip>> of_each;
  std::optional<Error> error;
  std::optional<DeviceId> current;
  Bytes from_key;
  constexpr std::size_t kAt = kMissing.size();
  auto const look = [&](ByteView key, ByteView value) {
    auto const account = key.size() == kAt + DeviceId::kBytes + EntryHash::kBytes
                             ? DeviceId::from(key.subspan(kAt, DeviceId::kBytes))
                             : std::nullopt;
    if (!account) return Store::Next::go_on;
    if (account != current) {
      current = account;
      of_each.emplace_back();
    }
    if (of_each.back().size() >= most) {  // on to the next account
      from_key = missing_key(*account, Bytes(EntryHash::kBytes + 1, 0xff));
      return Store::Next::stop;
    }
    auto const hash = *EntryHash::from(key.subspan(kAt + DeviceId::kBytes));
    if (except.contains(hash)) return Store::Next::go_on;
    auto const here = store_.get(Table::pending, hash.view());
    if (!here) error = here.error();
    if (here && !*here) {
      wire::Reader reader(value);
      auto& tip = of_each.back().emplace_back();
      wire::Decoder{reader}(tip.log.device, tip.log.incarnation, tip.seq, tip.hash);
    }
    return error ? Store::Next::stop : Store::Next::go_on;
  };
  do {
    Bytes const begin = std::exchange(from_key, {});
    KITH_CHECK(store_.scan(Table::meta, bytes_of(kMissing), begin, look));
    if (error) return fail(*error);
  } while (!from_key.empty());

  std::vector<Tip> in_turn;
  std::set<EntryHash> named;
  for (std::size_t i = 0; i < most; ++i) {
    for (auto const& tips : of_each) {
      if (i < tips.size() && in_turn.size() < most && named.insert(tips[i].hash).second) in_turn.push_back(tips[i]);
    }
  }
  return in_turn;
}

// Accounts.

Result<std::map<DeviceId, std::uint64_t>> WaitingRoom::accounts(Kind kind) const {
  std::map<DeviceId, std::uint64_t> bytes;
  auto const prefix = kind == Kind::pending ? kPendingBytes : kUnopenedBytes;
  KITH_CHECK(store_.scan(Table::meta, bytes_of(prefix), {}, [&](ByteView key, ByteView value) {
    auto const device = DeviceId::from(key.subspan(prefix.size()));
    if (device && value.size() == sizeof(std::uint64_t)) bytes[*device] = load_be<std::uint64_t>(value.data());
    return Store::Next::go_on;
  }));
  return bytes;
}

Result<bool> WaitingRoom::reserve(Kind kind, DeviceId const& from, std::size_t bytes) {
  for (;;) {
    KITH_TRY(held, accounts(kind));
    std::uint64_t total = 0;
    auto largest = held.begin();
    for (auto account = held.begin(); account != held.end(); ++account) {
      total += account->second;
      if (account->second > largest->second) largest = account;
    }
    std::uint64_t const mine = held[from] + bytes;
    if (total + bytes <= kLimits.max_unopened_bytes) {
      auto const prefix = kind == Kind::pending ? kPendingBytes : kUnopenedBytes;
      KITH_CHECK(store_.put(Table::meta, key_of(bytes_of(prefix), from.view()), key_of(mine)));
      return true;
    }
    if (largest == held.end() || largest->first == from || largest->second <= mine) return false;
    KITH_CHECK(evict(kind, largest->first, std::min<std::size_t>(largest->second, std::max(bytes, kLeastEvicted))));
  }
}

Result<> WaitingRoom::release(Kind kind, DeviceId const& from, std::size_t bytes) {
  Bytes const key = key_of(bytes_of(kind == Kind::pending ? kPendingBytes : kUnopenedBytes), from.view());
  KITH_TRY(row, store_.get(Table::meta, key));
  std::uint64_t const held = row && row->size() == sizeof(std::uint64_t) ? load_be<std::uint64_t>(row->data()) : 0;
  if (held <= bytes) return store_.erase(Table::meta, key);
  return store_.put(Table::meta, key, key_of(held - bytes));
}

Result<> WaitingRoom::evict(Kind kind, DeviceId const& from, std::size_t bytes) {
  return kind == Kind::pending ? evict_pending(from, bytes) : evict_unopened(from, bytes);
}

Result<> WaitingRoom::evict_pending(DeviceId const& from, std::size_t bytes) {
  std::vector<PendingRecord> chosen;
  std::size_t freed = 0;
  bool damaged = false;
  KITH_CHECK(store_.scan(Table::pending, {}, {}, [&](ByteView, ByteView value) {
    auto record = decode_record<PendingRecord>(value);
    damaged |= !record;
    if (record && record->from == from) {
      auto const bytes_of_it = weight(*record);
      damaged |= !bytes_of_it;
      freed += bytes_of_it.value_or(0);
      chosen.push_back(std::move(*record));
    }
    return damaged || freed >= bytes ? Store::Next::stop : Store::Next::go_on;
  }));
  if (damaged) return fail(CoreError::corrupt_record);
  for (auto const& record : chosen) KITH_CHECK(drop_pending(record));
  // What the counter says beyond what is there would never be freed.
  return freed >= bytes ? Result<>{} : release(Kind::pending, from, kLimits.max_unopened_bytes);
}

Result<> WaitingRoom::evict_unopened(DeviceId const& from, std::size_t bytes) {
  std::vector<Bytes> keys;
  std::size_t freed = 0;
  KITH_CHECK(store_.scan(Table::unopened, {}, {}, [&](ByteView key, ByteView value) {
    if (value.size() >= DeviceId::kBytes && std::ranges::equal(value.first(DeviceId::kBytes), from.view())) {
      keys.emplace_back(key.begin(), key.end());
      freed += value.size() - DeviceId::kBytes;
    }
    return freed >= bytes ? Store::Next::stop : Store::Next::go_on;
  }));
  for (auto const& key : keys) KITH_CHECK(store_.erase(Table::unopened, key));
  return release(Kind::unopened, from, freed >= bytes ? freed : kLimits.max_unopened_bytes);
}

}  // namespace kith::core
