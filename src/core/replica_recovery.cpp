#include <algorithm>

#include "core/recovery.hpp"
#include "core/replica.hpp"
#include "core/vault.hpp"

/// How a device that has nothing but the recovery key comes into its group. @see docs/spec/objects.md, "Recovery"
namespace kith::core {
namespace {

constexpr std::string_view kIncarnationKey = "incarnation";
constexpr std::string_view kClockKey = "hlc";
/// With as many tips as an entry may name, they fit into one.
constexpr std::size_t kOpsPerEntry = kLimits.max_roster_ops - 1;

/// The place where the op keeps its recovery signature; null for kinds that have none.
std::optional<crypto::Signature>* signature_of(wire::Op& op) {
  if (auto* add = std::get_if<wire::DeviceAdd>(&op)) return &add->recovery;
  if (auto* remove = std::get_if<wire::DeviceRemove>(&op)) return &remove->recovery;
  return nullptr;
}

}  // namespace

Result<> Replica::adopt_recovered(wire::Genesis const& genesis, RecoveryKeys const& recovery, Now now) {
  Bytes record = wire::encode(genesis);
  auto adopted = in_transaction([&]() -> Result<> {
    KITH_CHECK(
        store_.put(Table::meta, bytes_of(kGenesisKey), seal_at_rest(identity_.storage, kGenesisKey, record, random_)));
    KITH_CHECK(put_number(store_, kIncarnationKey, random_.u64()));
    KITH_CHECK(put_number(store_, kClockKey, HybridClock().tick(now.wall)));
    return state_.load();
  });
  wipe(record);
  if (adopted) recovery_dx_ = recovery.dx.clone();
  return adopted;
}

/// Every device that could still speak for the group, or could come to, if a removal that rank decides fell.
std::vector<wire::Op> Replica::removals_but(std::set<DeviceId> const& keep) const {
  std::vector<wire::Op> ops;
  for (auto const& [device, member] : state_.roster().members()) {
    if (device == self() || keep.contains(device) || removed_for_good(device)) continue;
    ops.emplace_back(wire::DeviceRemove{device, wire::RemoveReason::lost, std::nullopt});
  }
  return ops;
}

/// Writes one entry, with recovery signatures for the place that it will have.
Result<> Replica::append_signed(std::vector<wire::Op> ops, RecoveryKeys const& recovery, EpochSecret const& epoch,
                                Now now) {
  KITH_TRY(current, incarnation());
  auto const chain = state_.last_chain({self(), current});
  Seq const seq{chain ? state_.chains().at(*chain).last.value + 1 : 1};
  for (auto& op : ops) {
    auto* signature = signature_of(op);
    if (signature == nullptr) continue;
    *signature = recovery.sign.sign(kRecoveryLabel, recovery_message(state_.group(), self(), current, seq, op));
  }
  KITH_TRY(sealed, append_entry(std::move(ops), std::nullopt, epoch, now));
  static_cast<void>(sealed);
  return {};
}

Result<std::size_t> Replica::come_back(RecoveryKeys const& recovery, std::string device_name,
                                       std::set<DeviceId> const& keep, Now now) {
  return in_transaction([&]() -> Result<std::size_t> {
    KITH_CHECK(state_.refresh());
    auto const& roster = state_.roster();
    if (recovery.sign.public_key() != state_.genesis().recovery_sign) return fail(CoreError::wrong_recovery);
    for (auto const& device : keep) {
      if (!roster.active(device)) return fail(CoreError::unknown_device);
    }
    auto const epoch = sealing_epoch();
    if (!epoch) return fail(CoreError::unknown_epoch);
    auto const removed = roster.active_by_rank().size() - keep.size();

    std::vector<wire::Op> ops;
    ops.emplace_back(wire::DeviceAdd{identity_.cert, std::move(device_name), *epoch, std::nullopt});
    for (auto const& relay : roster.relays()) {
      auto const face = relay_face(identity_.root, relay.relay, state_.group());
      ops.emplace_back(wire::DeviceRelay{self(), relay.relay, face.pseudonym()});
    }
    for (auto& removal : removals_but(keep)) ops.push_back(std::move(removal));
    // Under the epoch that the others know: they are to read it.
    while (!ops.empty()) {
      std::vector<wire::Op> rest;
      if (ops.size() > kOpsPerEntry) {
        auto const end = ops.begin() + static_cast<std::ptrdiff_t>(kOpsPerEntry);
        rest.assign(std::make_move_iterator(end), std::make_move_iterator(ops.end()));
        ops.erase(end, ops.end());
      }
      KITH_CHECK(append_signed(std::move(ops), recovery, *state_.secret(*epoch), now));
      ops = std::move(rest);
    }
    KITH_CHECK(start_epoch({}, now));
    KITH_CHECK(show_to_views());
    recovery_dx_.reset();
    return removed;
  });
}

}  // namespace kith::core
