#include <algorithm>

#include "base/assert.hpp"
#include "core/entry.hpp"
#include "core/replica.hpp"

/// Which epochs a replica starts, seals under and hands on, and the upkeep that the group is due.
/// @see docs/spec/epochs.md
namespace kith::core {
namespace {

/// What a rotate carries at most: 34 bytes each, they fit beside its recipients and max_tips tips.
constexpr std::size_t kMaxReplaced = 256;
/// More ends of logs than this, and an idle device gathers them: as many again can come before frames leave some out.
constexpr std::size_t kMaxLeadingTips = kLimits.max_tips / 2;

std::chrono::milliseconds wait_of(std::size_t place, std::chrono::milliseconds each) {
  return each * static_cast<std::int64_t>(place);
}

}  // namespace

Result<> Replica::start_epoch(std::vector<wire::Op> first_ops, Now now) {
  auto const fresh = random_.secret<EpochSecret>();
  auto recipients = state_.roster().epoch_recipients();
  if (recipients.empty()) recipients.push_back(self());  // the founding entry: there is no roster yet
  std::vector<crypto::DhPublicKey> keys{state_.genesis().recovery_dx};
  for (auto const& device : recipients) {
    auto const* member = state_.roster().find(device);
    keys.push_back(member != nullptr ? member->cert.dx : identity_.cert.dx);
  }
  auto prefix = make_prefix(state_.group(), fresh, keys, random_);

  wire::Rotate rotate;
  rotate.epoch_no = state_.book().next_number(state_.counting().heads);
  rotate.recipients = std::move(recipients);
  rotate.prefix_hash = prefix_hash(prefix);
  for (auto const& epoch : uncarried_by({})) {
    if (rotate.replaced.size() == kMaxReplaced) break;  // the others are handed on
    rotate.replaced.push_back(state_.secret(epoch)->clone());
  }
  KITH_TRY(is_new, state_.learn(fresh, random_, self()));
  static_cast<void>(is_new);
  first_ops.emplace_back(std::move(rotate));
  KITH_TRY(sealed, append_entry(std::move(first_ops), std::move(prefix), fresh, now));
  static_cast<void>(sealed);
  return {};
}

Result<> Replica::ensure_epoch(Now now) {
  auto const* member = state_.roster().find(self());
  if (member == nullptr) return fail(CoreError::not_member);
  if (member->state != MemberState::active) return fail(CoreError::removed_self);
  KITH_CHECK(leave_forked_log());
  if (!box_epoch()) KITH_CHECK(start_epoch({}, now));
  return gather_tips(now);
}

Result<> Replica::rotate(Now now) {
  return in_transaction([&]() -> Result<> {
    KITH_CHECK(state_.refresh());
    if (!self_active()) return fail(CoreError::removed_self);
    KITH_CHECK(leave_forked_log());
    KITH_CHECK(start_epoch({}, now));
    return show_to_views();
  });
}

std::optional<Upkeep> Replica::upkeep_due(WallTime wall) const {
  auto const active = state_.roster().active_by_rank();
  auto const self_place = std::ranges::find(active, self());
  if (self_place == active.end()) return std::nullopt;
  auto const place = static_cast<std::size_t>(self_place - active.begin());
  auto const largest = state_.book().largest(state_.known_epochs());
  if (!largest || !state_.book().recipients_are(largest->id, state_.roster().epoch_recipients())) {
    return Upkeep{Upkeep::Kind::rotate, wait_of(place, kRankDelay)};
  }
  if (!uncarried_by(state_.book().carried_by(largest->id)).empty()) {
    return Upkeep{Upkeep::Kind::hand_on, wait_of(place, kRankDelay)};
  }
  if (state_.chains().size() > kMaxLeadingTips) {
    auto ends = state_.tips();
    if (ends) ends = state_.leading(std::move(*ends));
    if (ends && ends->size() > kMaxLeadingTips) return Upkeep{Upkeep::Kind::gather, wait_of(place, kRankDelay)};
  }
  if (auto const unnamed = state_.crowd_unnamed(); unnamed && *unnamed) {
    return Upkeep{Upkeep::Kind::gather, wait_of(place, kRankDelay)};
  }
  // Whoever started it may have dated it far ahead: it has begun by the time at which it came.
  auto const dated = HybridClock::wall_of(largest->hlc);
  std::chrono::milliseconds const started{std::min(dated, state_.came_early(largest->id).value_or(dated)).ms};
  auto const due = started + kEpochLifetime + wait_of(place, kRankDelayForAge) - std::chrono::milliseconds{wall.ms};
  return Upkeep{Upkeep::Kind::rotate, std::max(due, std::chrono::milliseconds{0}), true};
}

Result<> Replica::do_upkeep(Upkeep::Kind kind, Now now) {
  if (kind == Upkeep::Kind::rotate) return rotate(now);
  return in_transaction([&]() -> Result<> {
    KITH_CHECK(state_.refresh());
    KITH_CHECK(ensure_epoch(now));  // which gathers tips as well, where they are many
    if (kind == Upkeep::Kind::gather) {
      KITH_TRY(unnamed, state_.crowd_unnamed());
      if (unnamed) {
        KITH_TRY(sealed, append_entry({}, std::nullopt, *state_.secret(*sealing_epoch()), now));
        static_cast<void>(sealed);
      }
    }
    if (kind == Upkeep::Kind::hand_on) KITH_CHECK(hand_on(now));
    return show_to_views();
  });
}

/// Writes the secrets that the largest epoch does not carry under it.
Result<> Replica::hand_on(Now now) {
  std::vector<wire::Op> ops;
  for (auto const& epoch : uncarried_by(state_.book().carried_by(*sealing_epoch()))) {
    bool const full =
        ops.empty() || std::get<wire::EpochSecrets>(ops.back()).secrets.size() == kLimits.max_entry_secrets;
    if (full) ops.emplace_back(wire::EpochSecrets{});
    std::get<wire::EpochSecrets>(ops.back()).secrets.push_back(state_.secret(epoch)->clone());
  }
  if (ops.empty()) return {};
  KITH_TRY(written, write_in_transaction(std::move(ops), now));
  static_cast<void>(written);
  return {};
}

std::optional<EpochId> Replica::box_epoch() const {
  auto const epoch = sealing_epoch();
  bool const fits = epoch && state_.book().recipients_are(*epoch, state_.roster().epoch_recipients());
  return fits ? epoch : std::nullopt;
}

std::optional<EpochId> Replica::sealing_epoch() const {
  auto const largest = state_.book().largest(state_.known_epochs());
  return largest ? std::optional(largest->id) : std::nullopt;
}

Result<EpochId> Replica::usable_epoch(Now now) {
  return in_transaction([&]() -> Result<EpochId> {
    KITH_CHECK(state_.refresh());
    KITH_CHECK(ensure_epoch(now));
    KITH_CHECK(hand_on(now));
    KITH_CHECK(show_to_views());
    auto const epoch = sealing_epoch();
    KITH_ASSERT(epoch.has_value());
    return *epoch;
  });
}

std::optional<EpochId> Replica::latest_epoch_of(DeviceId const& device) const {
  std::optional<EntryRecord> latest;
  for (auto const& [number, chain] : state_.chains()) {
    if (chain.log.device != device) continue;
    auto const found = get_record<EntryRecord>(store_, Table::entries, chain.last_hash.view());
    if (found && *found && (!latest || latest->position < (*found)->position)) latest = **found;
  }
  return latest ? std::optional(latest->epoch) : std::nullopt;
}

std::vector<EpochId> Replica::epochs_newest_first(std::size_t most) const {
  std::vector<EpochId> epochs;
  std::set<EpochId> named;
  auto const take = [&](EpochId const& epoch) {
    if (epochs.size() < most && state_.secret(epoch) != nullptr && named.insert(epoch).second) epochs.push_back(epoch);
    return epochs.size() < most;
  };
  for (auto const& epoch : state_.book().valid()) {
    if (!take(epoch.id)) return epochs;
  }
  for (auto const& epoch : state_.used_epochs()) {
    if (!take(epoch)) return epochs;
  }
  auto const& taught = state_.taught();
  for (auto const& [epoch, secret] : state_.secrets()) {
    if (!taught.contains(epoch) && !take(epoch)) return epochs;
  }
  for (bool const in_doubt : {false, true}) {
    for (auto const& [epoch, teacher] : taught) {
      if (state_.in_doubt(epoch) == in_doubt && !take(epoch)) return epochs;
    }
  }
  return epochs;
}

/// The fewest epochs whose secrets, handed on, open what `covered` does not: newest first, each with all it carries.
/// Only those of applied entries: the secret of an entry that waits may be kept from a device whose removal waits as
/// well.
std::vector<EpochId> Replica::uncarried_by(std::set<EpochId> covered) const {
  std::vector<EpochId> chosen;
  for (auto const& epoch : epochs_newest_first(state_.secrets().size())) {
    if (covered.contains(epoch) || !state_.used_epochs().contains(epoch)) continue;
    chosen.push_back(epoch);
    covered.merge(state_.book().carried_by(epoch));
  }
  return chosen;
}

std::vector<EpochSecret> Replica::secrets_for_newcomer() const {
  std::vector<EpochSecret> secrets;
  auto const largest = sealing_epoch();
  KITH_ASSERT(largest.has_value());
  secrets.push_back(state_.secret(*largest)->clone());
  for (auto const& epoch : uncarried_by(state_.book().carried_by(*largest))) {
    if (secrets.size() == kMaxNewcomerSecrets) break;
    secrets.push_back(state_.secret(epoch)->clone());
  }
  return secrets;
}

}  // namespace kith::core
