#include <algorithm>

#include "core/group_state.hpp"
#include "core/vault.hpp"

/// What a group's state reads from the database, and the secrets that it keeps. @see docs/spec/home.md
namespace kith::core {
namespace {

constexpr std::string_view kGenerationKey = "generation";
constexpr std::string_view kUsedEpochPrefix = "used_epoch/";
constexpr std::string_view kTaughtByPrefix = "taught_by/";
constexpr std::string_view kInDoubtPrefix = "in_doubt/";
constexpr std::string_view kOfferedPrefix = "offered/";

Bytes taught_by_key(EpochId const& epoch) { return key_of(bytes_of(kTaughtByPrefix), epoch.view()); }
Bytes in_doubt_key(EpochId const& epoch) { return key_of(bytes_of(kInDoubtPrefix), epoch.view()); }
Bytes offered_key(EpochId const& epoch) { return key_of(bytes_of(kOfferedPrefix), epoch.view()); }

std::string secret_row_name(EpochId const& epoch) { return "epoch/" + std::string(text_of(epoch.view())); }

}  // namespace

Result<> GroupState::load() {
  loaded_ = false;
  KITH_TRY(changes, store_.outside_changes());
  seen_changes_ = changes;
  KITH_TRY(generation, get_number(store_, kGenerationKey));
  seen_generation_ = generation;
  KITH_CHECK(load_genesis());
  KITH_CHECK(load_secrets());
  KITH_CHECK(load_chains());
  KITH_CHECK(load_roster_entries());
  roster_grew_ = entries_grew_ = true;
  loaded_ = true;
  return settle();
}

Result<> GroupState::refresh() {
  if (!loaded_) return load();
  KITH_TRY(changes, store_.outside_changes());
  if (changes == seen_changes_) return {};
  KITH_TRY(generation, get_number(store_, kGenerationKey));
  if (generation != seen_generation_) return load();
  seen_changes_ = changes;
  KITH_CHECK(load_chains());
  entries_grew_ = true;
  return settle();
}

Result<> GroupState::load_genesis() {
  KITH_TRY(row, store_.get(Table::meta, bytes_of(kGenesisKey)));
  if (!row) return fail(CoreError::no_group);
  KITH_TRY(plain, open_at_rest(identity_.storage, kGenesisKey, *row));
  KITH_TRY(genesis, wire::decode<wire::Genesis>(plain.view()));
  group_ = group_id(genesis);
  genesis_ = std::move(genesis);
  return {};
}

Result<> GroupState::load_secrets() {
  secrets_.clear();
  std::optional<Error> error;
  KITH_CHECK(store_.scan(Table::epochs, {}, {}, [&](ByteView key, ByteView value) {
    auto const epoch = EpochId::from(key);
    auto plain = epoch ? open_at_rest(identity_.storage, secret_row_name(*epoch), value)
                       : Result<SecretBytes>(fail(CoreError::corrupt_record));
    auto secret = plain ? EpochSecret::from(plain->view()) : std::nullopt;
    if (!secret) {
      error = plain ? Error(CoreError::corrupt_record) : plain.error();
      return Store::Next::stop;
    }
    secrets_.emplace(*epoch, std::move(*secret));
    return Store::Next::go_on;
  }));
  if (error) return fail(*error);
  used_epochs_.clear();
  taught_by_.clear();
  in_doubt_.clear();
  KITH_CHECK(store_.scan(Table::meta, bytes_of(kTaughtByPrefix), {}, [&](ByteView key, ByteView value) {
    auto const epoch = EpochId::from(key.subspan(kTaughtByPrefix.size()));
    auto const teacher = DeviceId::from(value);
    if (epoch && teacher) taught_by_.emplace(*epoch, *teacher);
    return Store::Next::go_on;
  }));
  KITH_CHECK(store_.scan(Table::meta, bytes_of(kInDoubtPrefix), {}, [&](ByteView key, ByteView value) {
    auto const epoch = EpochId::from(key.subspan(kInDoubtPrefix.size()));
    if (epoch) in_doubt_.emplace(*epoch, DeviceId::from(value).value_or(DeviceId{}));
    return Store::Next::go_on;
  }));
  return store_.scan(Table::meta, bytes_of(kUsedEpochPrefix), {}, [&](ByteView key, ByteView) {
    if (auto const epoch = EpochId::from(key.subspan(kUsedEpochPrefix.size()))) used_epochs_.insert(*epoch);
    return Store::Next::go_on;
  });
}

Result<> GroupState::load_chains() {
  chains_.clear();
  log_chains_.clear();
  device_chains_.clear();
  set_aside_.reset();
  bool damaged = false;
  KITH_CHECK(store_.scan(Table::chains, {}, {}, [&](ByteView key, ByteView value) {
    auto record = decode_record<ChainRecord>(value);
    damaged = key.size() != sizeof(std::uint32_t) || !record;
    if (damaged) return Store::Next::stop;
    ChainNo const number{load_be<std::uint32_t>(key.data())};
    log_chains_[record->log].push_back(number);
    device_chains_[record->log.device].push_back(number);
    chains_.emplace(number, std::move(*record));
    return Store::Next::go_on;
  }));
  if (damaged) return fail(CoreError::corrupt_record);
  return {};
}

Result<> GroupState::load_roster_entries() {
  roster_entries_.clear();
  introductions_.clear();
  std::vector<EntryHash> hashes;
  KITH_CHECK(store_.scan(Table::roster_entries, {}, {}, [&](ByteView, ByteView value) {
    hashes.push_back(EntryHash::from(value).value_or(EntryHash{}));
    return Store::Next::go_on;
  }));
  for (auto const& hash : hashes) {
    KITH_TRY(found, record(hash));
    if (!found) return fail(CoreError::corrupt_record);
    KITH_TRY(opened, open_stored(hash));
    note_roster_entry(roster_entry(opened, *found));
  }
  return {};
}

std::set<EpochId> GroupState::known_epochs() const {
  std::set<EpochId> known;
  for (auto const& [epoch, secret] : secrets_) known.insert(epoch);
  return known;
}

EpochSecret const* GroupState::secret(EpochId const& epoch) const {
  auto const found = secrets_.find(epoch);
  return found == secrets_.end() ? nullptr : &found->second;
}

Result<bool> GroupState::learn(EpochSecret const& secret, RandomSource& random, std::optional<DeviceId> const& teacher,
                               Keep keep, DeviceId const& from) {
  EpochId const epoch = epoch_id(group_, secret);
  bool const is_new = !secrets_.contains(epoch);
  bool const confirms = in_doubt_.contains(epoch) && keep == Keep::for_good;
  if (!is_new && !confirms) return false;
  if (is_new) {
    KITH_CHECK(store_.put(Table::epochs, epoch.view(),
                          seal_at_rest(identity_.storage, secret_row_name(epoch), secret.view(), random)));
    secrets_.emplace(epoch, secret.clone());
    if (keep == Keep::in_doubt) {
      in_doubt_.emplace(epoch, from);
      KITH_CHECK(store_.put(Table::meta, in_doubt_key(epoch), from.view()));
    }
  } else {
    KITH_CHECK(forget_origin(epoch));
  }
  if (keep == Keep::for_good) KITH_CHECK(store_.erase(Table::meta, offered_key(epoch)));
  if (teacher && !used_epochs_.contains(epoch)) {
    taught_by_[epoch] = *teacher;
    KITH_CHECK(store_.put(Table::meta, taught_by_key(epoch), teacher->view()));
  }
  KITH_CHECK(tell_others());
  return is_new;
}

/// Something applied is sealed under the epoch: its secret stays for good, whoever brought it.
Result<> GroupState::note_used(EpochId const& epoch) {
  if (!used_epochs_.insert(epoch).second) return {};
  KITH_CHECK(store_.put(Table::meta, key_of(bytes_of(kUsedEpochPrefix), epoch.view()), {}));
  if (in_doubt(epoch)) KITH_CHECK(store_.erase(Table::meta, offered_key(epoch)));
  KITH_CHECK(forget_origin(epoch));
  return tell_others();
}

/// Drops what is noted of where a secret came from: whose entry brought it, and who handed that over while in doubt.
Result<> GroupState::forget_origin(EpochId const& epoch) {
  if (taught_by_.erase(epoch) > 0) KITH_CHECK(store_.erase(Table::meta, taught_by_key(epoch)));
  if (in_doubt_.erase(epoch) > 0) KITH_CHECK(store_.erase(Table::meta, in_doubt_key(epoch)));
  return {};
}

/// Makes other processes load roster and epochs again.
Result<> GroupState::tell_others() { return put_number(store_, kGenerationKey, ++seen_generation_); }

Result<> GroupState::forget(EpochId const& epoch) {
  if (!in_doubt(epoch)) return {};
  secrets_.erase(epoch);
  KITH_CHECK(forget_origin(epoch));
  KITH_CHECK(store_.erase(Table::epochs, epoch.view()));
  return tell_others();
}

Result<> GroupState::offer(EpochId const& epoch, EntryHash const& entry) {
  KITH_TRY(noted, offered_in(epoch));
  KITH_TRY(still_here, noted ? record(*noted) : Result<std::optional<EntryRecord>>{});
  return still_here ? Result<>{} : store_.put(Table::meta, offered_key(epoch), entry.view());
}

Result<std::optional<EntryHash>> GroupState::offered_in(EpochId const& epoch) const {
  KITH_TRY(row, store_.get(Table::meta, offered_key(epoch)));
  return row ? EntryHash::from(*row) : std::nullopt;
}

std::map<DeviceId, std::size_t> GroupState::doubts_of_each() const {
  std::map<DeviceId, std::size_t> counts;
  for (auto const& [epoch, from] : in_doubt_) ++counts[from];
  return counts;
}

Result<> GroupState::drop_doubts_of(DeviceId const& from, std::size_t count) {
  std::vector<EpochId> dropped;
  for (auto const& [epoch, source] : in_doubt_) {
    if (dropped.size() == count) break;
    if (source == from) dropped.push_back(epoch);
  }
  for (auto const& epoch : dropped) KITH_CHECK(forget(epoch));
  return {};
}

Result<> GroupState::drop_excess_doubts() {
  if (in_doubt_.size() <= kLimits.max_doubtful_secrets || roster_.find(identity_.device()) == nullptr) return {};
  std::vector<EpochId> of_strangers;
  for (auto const& [epoch, from] : in_doubt_) {
    auto const teacher = teacher_of(epoch);
    if (!teacher || !roster_.active(*teacher)) of_strangers.push_back(epoch);
  }
  for (std::size_t i = kLimits.max_doubtful_secrets; i < of_strangers.size(); ++i) KITH_CHECK(forget(of_strangers[i]));
  return {};
}

std::optional<DeviceId> GroupState::teacher_of(EpochId const& epoch) const {
  auto const found = taught_by_.find(epoch);
  return found == taught_by_.end() ? std::nullopt : std::optional(found->second);
}

std::size_t GroupState::unused_secrets() const {
  return static_cast<std::size_t>(
      std::ranges::count_if(secrets_, [&](auto const& known) { return !used_epochs_.contains(known.first); }));
}

std::size_t GroupState::unused_secrets_of(DeviceId const& teacher) const {
  return static_cast<std::size_t>(
      std::ranges::count_if(taught_by_, [&](auto const& taught) { return taught.second == teacher; }));
}

}  // namespace kith::core
