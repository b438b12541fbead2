#include "core/group_state.hpp"

#include <algorithm>

#include "core/hybrid_clock.hpp"

namespace kith::core {
namespace {

constexpr std::string_view kPositionKey = "last_position";
constexpr std::string_view kAlarmKey = "last_alarm";
constexpr std::string_view kEarlyEpochPrefix = "early_epoch/";

}  // namespace

/// Keeps what an entry says of the roster, and whom it introduces.
void GroupState::note_roster_entry(RosterEntry entry) {
  auto const introduce = [&](DeviceId const& device) {
    auto const [first, is_new] = introductions_[device].try_emplace(entry.place.chain, entry.place.seq);
    if (!is_new) first->second = std::min(first->second, entry.place.seq);
  };
  for (auto const& [index, op] : entry.ops) {
    if (auto const* add = std::get_if<wire::DeviceAdd>(&op)) introduce(add->cert.device);
    if (auto const* founding = std::get_if<Founding>(&op)) introduce(founding->creator.device);
  }
  roster_entries_.push_back(std::move(entry));
}

Result<EntryRecord> GroupState::add(OpenedEntry const& entry, ByteView sealed, WallTime now, Vouching& vouching) {
  KITH_TRY(past, past_of_new(entry));
  if (!lets_author_in(entry, past)) return fail(CoreError::not_member);
  KITH_CHECK(check_branches(entry, past));
  KITH_TRY(place, place_for(entry, past, now, vouching));
  past.include(place);

  EntryRecord record;
  record.log = entry.body.log();
  record.seq = place.seq;
  record.chain = place.chain;
  record.epoch = entry.epoch;
  record.hlc = entry.body.hlc;
  record.roster = std::ranges::any_of(entry.ops, wire::is_roster_op);
  record.past = std::move(past);
  KITH_TRY(position, get_number(store_, kPositionKey));
  record.position = position + 1;

  auto const hash = entry.hash.view();
  KITH_CHECK(put_number(store_, kPositionKey, record.position));
  KITH_CHECK(store_.put(Table::entries, hash, encode_record(record)));
  KITH_CHECK(store_.put(Table::sealed, hash, sealed));
  KITH_CHECK(store_.put(Table::chain_entries, key_of(place), hash));
  KITH_CHECK(store_.put(Table::applied, key_of(record.position), hash));
  if (record.roster) {
    KITH_CHECK(store_.put(Table::roster_entries, key_of(record.position), hash));
    note_roster_entry(roster_entry(entry, record));
    KITH_CHECK(tell_others());
    roster_grew_ = true;
  }
  KITH_CHECK(note_used(entry.epoch));
  KITH_CHECK(note_early_epoch(entry, now));
  note_set_aside(entry, record, sealed.size());
  entries_grew_ = true;
  return record;
}

/// The union of the pasts of what the entry names, which must be what it says that it is.
Result<Past> GroupState::past_of_new(OpenedEntry const& entry) {
  Past past;
  auto const take_in = [&](LogId const& log, Seq seq, EntryHash const& hash) -> Result<> {
    KITH_TRY(named, record(hash));
    if (!named || named->log != log || named->seq != seq) return fail(CoreError::bad_entry);
    past.include(named->past);
    return {};
  };
  if (entry.body.seq.value > 1) {
    KITH_CHECK(take_in(entry.body.log(), {entry.body.seq.value - 1}, entry.body.prev));
  }
  for (auto const& tip : entry.body.tips) KITH_CHECK(take_in(tip.log, tip.seq, tip.hash));
  return past;
}

bool GroupState::lets_author_in(OpenedEntry const& entry, Past const& past) const {
  bool lets_itself_in = false;
  for (std::uint32_t index = 0; index < entry.ops.size(); ++index) {
    auto const& op = entry.ops[index];
    if (auto const* genesis = std::get_if<wire::GenesisOp>(&op)) {
      bool const founds = index == 0 && entry.body.seq.value == 1 &&
                          entry.body.author == genesis->record.creator.device && group_id(genesis->record) == group_;
      if (!founds) return false;  // whatever else lets the author in: a group is founded once, by its own record
      lets_itself_in = true;
    }
    auto const* add = std::get_if<wire::DeviceAdd>(&op);
    if (add != nullptr && add->cert.device == entry.body.author && signature_fits(add->cert) &&
        recovery_signature_fits(genesis_->recovery_sign, group_, entry.body.author, entry.body.incarnation,
                                entry.body.seq, op)) {
      lets_itself_in = true;
    }
  }
  auto const known = introductions_.find(entry.body.author);
  return lets_itself_in || (known != introductions_.end() && std::ranges::any_of(known->second, [&](auto const& first) {
                              return past.contains({first.first, first.second});
                            }));
}

/// Where the entry stands: it goes on its predecessor's chain, or begins one, for a new log or a fork.
Result<ChainPlace> GroupState::place_for(OpenedEntry const& entry, Past const& past, WallTime now, Vouching& vouching) {
  Seq const seq = entry.body.seq;
  ChainNo parent;
  if (seq.value > 1) {
    KITH_TRY(before, record(entry.body.prev));
    parent = before->chain;
    auto& chain = chains_.at(parent);
    if (chain.last == before->seq) {
      chain.last = seq;
      chain.last_hash = entry.hash;
      KITH_CHECK(put_chain(parent, chain));
      return ChainPlace{parent, seq};
    }
  }
  KITH_CHECK(check_room_for_chain(entry, past, vouching));
  bool const fork = parent.value != 0 || log_chains_.contains(entry.body.log());
  ChainNo const number{chains_.empty() ? 1 : chains_.rbegin()->first.value + 1};
  ChainRecord const chain{entry.body.log(), seq, parent, seq, entry.hash, {seq.value - 1}};
  chains_.emplace(number, chain);
  log_chains_[chain.log].push_back(number);
  device_chains_[chain.log.device].push_back(number);
  KITH_CHECK(put_chain(number, chain));
  if (fork) KITH_CHECK(raise_alarm({AlarmKind::fork, chain.log, seq, now.ms}));
  return ChainPlace{number, seq};
}

/// An epoch's age counts from its rotate's date. One that lies in the future must not put off the next rotation for
/// good.
Result<> GroupState::note_early_epoch(OpenedEntry const& entry, WallTime now) {
  bool const early = HybridClock::wall_of(entry.body.hlc).ms > now.ms + HybridClock::kMaxAheadMs;
  auto const starts_epoch = [](wire::Op const& op) { return std::holds_alternative<wire::Rotate>(op); };
  if (!early || std::ranges::none_of(entry.ops, starts_epoch) || came_early(entry.epoch)) return {};
  return store_.put(Table::meta, key_of(bytes_of(kEarlyEpochPrefix), entry.epoch.view()),
                    key_of(static_cast<std::uint64_t>(std::max<std::int64_t>(now.ms, 0))));
}

std::optional<WallTime> GroupState::came_early(EpochId const& epoch) const {
  auto const row = store_.get(Table::meta, key_of(bytes_of(kEarlyEpochPrefix), epoch.view()));
  if (!row || !*row || (*row)->size() != sizeof(std::uint64_t)) return std::nullopt;
  return WallTime{static_cast<std::int64_t>(load_be<std::uint64_t>((*row)->data()))};
}

Result<> GroupState::put_chain(ChainNo number, ChainRecord const& chain) {
  return store_.put(Table::chains, key_of(number.value), encode_record(chain));
}

Result<> GroupState::raise_alarm(Alarm const& alarm) {
  KITH_TRY(last, get_number(store_, kAlarmKey));
  KITH_CHECK(put_number(store_, kAlarmKey, last + 1));
  return store_.put(Table::alarms, key_of(last + 1), encode_record(alarm));
}

RosterEntry GroupState::roster_entry(OpenedEntry const& entry, EntryRecord const& record) const {
  RosterEntry out;
  out.hash = entry.hash;
  out.author = entry.body.author;
  out.place = record.place();
  out.past = record.past;
  out.hlc = record.hlc;
  out.sealed_under = entry.epoch;
  for (std::uint32_t index = 0; index < entry.ops.size(); ++index) {
    auto const& op = entry.ops[index];
    auto fact = roster_op(group_, op);
    if (!fact) continue;
    if (recovery_signature_fits(genesis_->recovery_sign, group_, entry.body.author, entry.body.incarnation,
                                entry.body.seq, op)) {
      out.recovery_signed.insert(index);
    }
    out.ops.emplace_back(index, std::move(*fact));
  }
  return out;
}

Result<> GroupState::settle() {
  if (!entries_grew_) return {};
  if (roster_grew_) {
    roster_ = compute_roster(roster_entries_);
    share_out();
  }
  std::map<ChainNo, CountedChain> counted;
  for (auto const& [number, chain] : chains_) counted[number] = {chain.log.device, chain.first, chain.last};
  KITH_TRY(counting, compute_counting(roster_, counted, [this](ChainPlace place) { return past_at(place); }));
  bool const doubts =
      std::ranges::any_of(roster_.members(), [](auto const& known) { return !known.second.removes.empty(); });
  bool const heads_may_differ_in_kind = doubts && counting.heads != counting_.heads;  // entries set aside come and go
  counting_ = std::move(counting);
  if (roster_grew_ || heads_may_differ_in_kind) book_ = EpochBook(roster_entries_, roster_, counting_.heads);
  if (set_aside_) set_aside_->settled = false;
  roster_grew_ = entries_grew_ = false;
  return {};
}

Result<std::optional<EntryRecord>> GroupState::record(EntryHash const& hash) const {
  return get_record<EntryRecord>(store_, Table::entries, hash.view());
}

Result<EntryHash> GroupState::hash_at(ChainPlace place) const {
  KITH_TRY(row, store_.get(Table::chain_entries, key_of(place)));
  auto const hash = row ? EntryHash::from(*row) : std::nullopt;
  if (!hash) return fail(CoreError::corrupt_record);
  return *hash;
}

Result<Past> GroupState::past_at(ChainPlace place) const {
  KITH_TRY(hash, hash_at(place));
  KITH_TRY(found, record(hash));
  if (!found) return fail(CoreError::corrupt_record);
  return std::move(found->past);
}

Result<std::optional<Bytes>> GroupState::sealed(EntryHash const& hash) const {
  return store_.get(Table::sealed, hash.view());
}

Result<OpenedEntry> GroupState::open_stored(EntryHash const& hash) const {
  KITH_TRY(bytes, sealed(hash));
  if (!bytes) return fail(CoreError::corrupt_record);
  // It opened before it was stored: what does not now is the database's fault, and not an author's.
  auto const parts = wire::decode_sealed(*bytes);
  auto const* known = parts ? secret(parts->header.epoch) : nullptr;
  if (known == nullptr) return fail(CoreError::corrupt_record);
  auto opened = open(*parts, group_, *known, Check::own_storage);
  if (!opened || opened->hash != hash) return fail(CoreError::corrupt_record);
  return opened;
}

Result<> GroupState::set_viewed(ChainNo number, Seq seq) {
  auto& chain = chains_.at(number);
  if (chain.viewed == seq) return {};
  chain.viewed = seq;
  return put_chain(number, chain);
}

}  // namespace kith::core
