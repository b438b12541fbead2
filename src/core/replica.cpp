#include "core/replica.hpp"

#include <algorithm>

#include "base/assert.hpp"
#include "core/ingest.hpp"
#include "core/vault.hpp"
#include "core/waiting_room.hpp"

namespace kith::core {
namespace {

constexpr std::string_view kIncarnationKey = "incarnation";
constexpr std::string_view kOldTipKey = "old_tip";
constexpr std::string_view kClockKey = "hlc";
/// Ops of one entry: leaves room for the body's other fields, the signature and some tips below 64 KiB.
constexpr std::size_t kOpsBytesPerEntry = 56 * 1024;
/// So many tips of at most 87 bytes fit beside them. An entry with more of them holds no ops that could do without.
constexpr std::size_t kTipsBesideOps = 80;
/// Roster ops of one entry: an incarnation op may come in front of them.
constexpr std::size_t kRosterOpsPerEntry = kLimits.max_roster_ops - 1;

}  // namespace

Result<> Replica::create_group(std::string name, std::string device_name, RecoveryKeys const& recovery, Now now) {
  wire::GenesisOp founding;
  auto& genesis = founding.record;
  genesis.creator = identity_.cert;
  genesis.recovery_sign = recovery.sign.public_key();
  genesis.recovery_dx = recovery.dx.public_key;
  genesis.locator_secret = recovery.locator.clone();
  genesis.content_secret = random_.secret<wire::ContentSecret>();
  genesis.name = std::move(name);
  genesis.random = random_.id<decltype(genesis.random)>();
  Bytes record = wire::encode(genesis);

  auto const create = [&]() -> Result<> {
    KITH_CHECK(
        store_.put(Table::meta, bytes_of(kGenesisKey), seal_at_rest(identity_.storage, kGenesisKey, record, random_)));
    KITH_CHECK(put_number(store_, kIncarnationKey, random_.u64()));
    KITH_CHECK(state_.load());
    std::vector<wire::Op> ops;
    ops.emplace_back(std::move(founding));
    KITH_CHECK(start_epoch(std::move(ops), now));
    ops.clear();
    ops.emplace_back(wire::DeviceRename{identity_.device(), std::move(device_name)});
    KITH_TRY(written, write_in_transaction(std::move(ops), now));
    static_cast<void>(written);
    return {};
  };
  auto created = in_transaction(create);
  wipe(record);
  return created;
}

Result<> Replica::adopt_group(wire::PairWelcomeBox const& welcome, Now now) {
  Bytes record = wire::encode(welcome.genesis);
  auto const adopt = [&]() -> Result<> {
    KITH_CHECK(
        store_.put(Table::meta, bytes_of(kGenesisKey), seal_at_rest(identity_.storage, kGenesisKey, record, random_)));
    KITH_CHECK(put_number(store_, kIncarnationKey, random_.u64()));
    KITH_CHECK(put_number(store_, kClockKey, HybridClock().tick(now.wall)));
    KITH_CHECK(state_.load());
    for (auto const& secret : welcome.secrets) {
      KITH_TRY(is_new, state_.learn(secret, random_));
      static_cast<void>(is_new);
    }
    return {};
  };
  auto adopted = in_transaction(adopt);
  wipe(record);
  return adopted;
}

Result<> Replica::open() { return state_.load(); }

Result<> Replica::refresh() { return state_.refresh(); }

Result<Received> Replica::receive(std::span<ByteView const> items, Now now, std::optional<DeviceId> const& from) {
  return in_transaction([&]() -> Result<Received> {
    KITH_CHECK(state_.refresh());
    Ingest ingest(store_, identity_, random_, state_, now, from.value_or(DeviceId{}));
    if (recovery_dx_) ingest.open_also_with(*recovery_dx_);
    for (auto const& item : items) KITH_CHECK(ingest.take(item));
    KITH_CHECK(state_.settle());
    KITH_CHECK(state_.drop_excess_doubts());
    KITH_CHECK(show_to_views());
    if (ingest.own_log_came()) KITH_CHECK(start_incarnation());
    return ingest.result();
  });
}

Result<std::vector<OpId>> Replica::write(std::vector<wire::Op> ops, Now now) {
  return in_transaction([&]() -> Result<std::vector<OpId>> {
    KITH_CHECK(state_.refresh());
    return write_in_transaction(std::move(ops), now);
  });
}

Result<std::vector<OpId>> Replica::write_in_transaction(std::vector<wire::Op> ops, Now now) {
  KITH_CHECK(ensure_epoch(now));
  auto const epoch = sealing_epoch();
  KITH_ASSERT(epoch.has_value());
  std::vector<OpId> ids;
  std::vector<wire::Op> batch;
  std::size_t batch_bytes = 0;
  std::size_t batch_roster_ops = 0;
  std::size_t batch_secrets = 0;
  auto const flush = [&]() -> Result<> {
    if (batch.empty()) return {};
    auto const count = static_cast<std::uint32_t>(batch.size());
    KITH_TRY(sealed, append_entry(std::exchange(batch, {}), std::nullopt, *state_.secret(*epoch), now));
    // append_entry puts an incarnation op in front where one is due; ours are the last ones.
    KITH_TRY(opened, state_.open_stored(sealed.hash));
    auto const first = static_cast<std::uint32_t>(opened.ops.size()) - count;
    for (std::uint32_t i = 0; i < count; ++i) ids.push_back({sealed.hash, first + i});
    batch_bytes = batch_roster_ops = batch_secrets = 0;
    return {};
  };
  for (auto& op : ops) {
    Bytes encoded;
    wire::encode_op(encoded, op);
    std::size_t const roster_ops = wire::is_roster_op(op) ? 1 : 0;
    std::size_t const secrets = secrets_in(op).size();
    if (batch_bytes + encoded.size() > kOpsBytesPerEntry || batch_roster_ops + roster_ops > kRosterOpsPerEntry ||
        batch_secrets + secrets > kLimits.max_entry_secrets) {
      KITH_CHECK(flush());
    }
    batch_bytes += encoded.size();
    batch_roster_ops += roster_ops;
    batch_secrets += secrets;
    batch.push_back(std::move(op));
  }
  KITH_CHECK(flush());
  KITH_CHECK(state_.settle());
  KITH_CHECK(show_to_views());
  return ids;
}

/// The tips that the next entry of a log names: what is not in the past of its last one, by others. Where these are
/// many, only those that say all.
Result<std::vector<Tip>> Replica::news_for(LogId const& log, std::optional<ChainNo> chain) const {
  std::optional<Past> known;
  if (chain) {
    KITH_TRY(past, state_.past_at({*chain, state_.chains().at(*chain).last}));
    known = std::move(past);
  }
  KITH_TRY(news, state_.tips(known ? &*known : nullptr));
  std::erase_if(news, [&](Tip const& tip) { return tip.log == log; });
  if (news.size() <= kTipsBesideOps) return news;
  return state_.leading(std::move(news));
}

/// Names tips in entries without ops, until those that are left take no room from ops. The epoch is one to write under.
Result<> Replica::gather_tips(Now now) {
  KITH_TRY(current, incarnation());
  LogId const log{self(), current};
  while (true) {
    KITH_TRY(news, news_for(log, state_.last_chain(log)));
    if (news.size() <= kTipsBesideOps) return {};
    KITH_TRY(sealed, append_entry({}, std::nullopt, *state_.secret(*sealing_epoch()), now));
    static_cast<void>(sealed);
  }
}

/// Seals ops on top of everything that is known here, and puts the entry in.
Result<SealedEntry> Replica::append_entry(std::vector<wire::Op> ops, std::optional<wire::EpochPrefix> prefix,
                                          EpochSecret const& epoch, Now now) {
  KITH_TRY(current, incarnation());
  Draft draft;
  draft.body.author = self();
  draft.body.incarnation = current;
  draft.body.seq = {1};
  draft.prefix = std::move(prefix);
  auto const chain = state_.last_chain(draft.body.log());
  KITH_TRY(tips, news_for(draft.body.log(), chain));
  if (tips.size() > kLimits.max_tips) tips.resize(kLimits.max_tips);  // the next entry names the others
  draft.body.tips = std::move(tips);
  if (chain) {
    auto const& record = state_.chains().at(*chain);
    draft.body.seq = {record.last.value + 1};
    draft.body.prev = record.last_hash;
  } else {
    KITH_TRY(old_tip, store_.get(Table::meta, bytes_of(kOldTipKey)));
    if (old_tip) {
      wire::IncarnationOp op{identity_.cert, {}};
      wire::Reader reader(*old_tip);
      wire::Decoder{reader}(op.old_tip.log.device, op.old_tip.log.incarnation, op.old_tip.seq, op.old_tip.hash);
      if (!reader.finish()) return fail(CoreError::corrupt_record);
      ops.emplace(ops.begin(), std::move(op));
    }
  }
  draft.ops = std::move(ops);

  KITH_TRY(last, get_number(store_, kClockKey));
  HybridClock clock(last);
  draft.body.hlc = clock.tick(now.wall);
  KITH_CHECK(put_number(store_, kClockKey, clock.last()));
  KITH_TRY(sealed, seal(std::move(draft), state_.group(), epoch, identity_.sign, random_));
  Ingest ingest(store_, identity_, random_, state_, now);
  KITH_CHECK(ingest.take_own(sealed.bytes));
  KITH_CHECK(state_.settle());
  return std::move(sealed);
}

Result<OpId> Replica::remove_device(DeviceId const& device, wire::RemoveReason reason, RecoveryKeys const* recovery,
                                    Now now) {
  return in_transaction([&]() -> Result<OpId> {
    KITH_CHECK(state_.refresh());
    auto const* member = state_.roster().find(device);
    bool const removable = member != nullptr &&
                           (member->state == MemberState::active || (recovery != nullptr && !removed_for_good(device)));
    if (!removable) return fail(CoreError::unknown_device);
    if (recovery != nullptr && recovery->sign.public_key() != state_.genesis().recovery_sign) {
      return fail(CoreError::wrong_recovery);
    }
    KITH_CHECK(ensure_epoch(now));
    wire::DeviceRemove remove{device, reason, std::nullopt};
    if (recovery != nullptr) {
      KITH_TRY(current, incarnation());
      auto const chain = state_.last_chain({self(), current});
      Seq const seq{chain ? state_.chains().at(*chain).last.value + 1 : 1};
      remove.recovery =
          recovery->sign.sign(kRecoveryLabel, recovery_message(state_.group(), self(), current, seq, wire::Op{remove}));
    }
    std::vector<wire::Op> ops;
    ops.emplace_back(std::move(remove));
    KITH_TRY(ids, write_in_transaction(std::move(ops), now));
    if (self_active()) KITH_CHECK(ensure_epoch(now));  // the removed device reads nothing from here on
    KITH_CHECK(show_to_views());
    return ids.front();
  });
}

bool Replica::removed_for_good(DeviceId const& device) const {
  return std::ranges::any_of(state_.roster_entries(), [&](RosterEntry const& entry) {
    return std::ranges::any_of(entry.ops, [&](auto const& indexed) {
      auto const* remove = std::get_if<wire::DeviceRemove>(&indexed.second);
      return remove != nullptr && remove->device == device && entry.recovery_signed.contains(indexed.first);
    });
  });
}

Result<crypto::Hash256> Replica::heads() {
  KITH_TRY(all, state_.tips());
  Bytes encoded;
  wire::Encoder{encoded}(wire::list(all, all.size()));
  return crypto::hash256("kith/heads/1", {encoded});
}

Result<std::vector<Tip>> Replica::tips() {
  KITH_TRY(all, state_.tips());
  if (all.size() <= kLimits.max_tips) return all;
  KITH_TRY(said, state_.leading(all));
  std::vector<Tip> others;
  std::ranges::set_difference(all, said, std::back_inserter(others));
  if (said.size() < kLimits.max_tips) others.resize(std::min(others.size(), kLimits.max_tips - said.size()));
  if (said.size() >= kLimits.max_tips) others.clear(), said.resize(kLimits.max_tips);
  said.insert(said.end(), others.begin(), others.end());
  std::ranges::sort(said);
  return said;
}

Result<std::vector<Tip>> Replica::missing(std::size_t most, std::set<EntryHash> const& except) {
  return WaitingRoom(store_).missing(most, except);
}

Result<> Replica::scan_applied(std::uint64_t position,
                               std::function<void(std::uint64_t, EntryHash const&)> const& visit) {
  return store_.scan(Table::applied, {}, key_of(position + 1), [&](ByteView key, ByteView value) {
    auto const hash = EntryHash::from(value);
    if (key.size() == sizeof(std::uint64_t) && hash) visit(load_be<std::uint64_t>(key.data()), *hash);
    return Store::Next::go_on;
  });
}

Result<bool> Replica::has(EntryHash const& hash) {
  KITH_TRY(found, store_.get(Table::entries, hash.view()));
  return found.has_value();
}

Result<bool> Replica::holds(EntryHash const& hash) {
  KITH_TRY(applied, has(hash));
  if (applied) return true;
  KITH_TRY(waiting, store_.get(Table::pending, hash.view()));
  return waiting.has_value();
}

}  // namespace kith::core
