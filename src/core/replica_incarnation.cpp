#include "core/replica.hpp"

/// When a device goes on in a new log. @see docs/spec/forks.md
namespace kith::core {
namespace {

constexpr std::string_view kIncarnationKey = "incarnation";
constexpr std::string_view kOldTipKey = "old_tip";
constexpr std::string_view kClockKey = "hlc";
constexpr std::string_view kClaimDayKey = "claim_day";
constexpr std::string_view kClaimCountKey = "claim_count";
constexpr std::string_view kAllClaimsKey = "claims_in_all";
constexpr std::int64_t kMsPerDay = 24 * 60 * 60 * 1000;

}  // namespace

Result<Incarnation> Replica::incarnation() {
  KITH_TRY(value, get_number(store_, kIncarnationKey));
  return Incarnation{value};
}

Result<bool> Replica::note_foreign_tips(std::span<Tip const> tips) {
  KITH_CHECK(state_.refresh());
  KITH_TRY(current, incarnation());
  LogId const own{self(), current};
  for (auto const& tip : tips) {
    if (tip.log != own) continue;
    KITH_TRY(known, holds(tip.hash));
    if (known) continue;
    return in_transaction([&]() -> Result<bool> {
      KITH_CHECK(state_.refresh());
      // A log that nothing was written to leaves nothing behind: to draw another one costs nobody anything.
      bool believed = !state_.last_chain(own).has_value();
      if (!believed) {
        KITH_TRY(again, believe_claim());
        believed = again;
      }
      if (believed) KITH_CHECK(start_incarnation());
      return believed;
    });
  }
  return false;
}

/// Counts one more claim of today. The day is that of our last entry or of the last one that came, so that it needs no
/// clock, and nobody moves it on by claims alone.
Result<bool> Replica::believe_claim() {
  KITH_TRY(clock, get_number(store_, kClockKey));
  KITH_TRY(counted_on, get_number(store_, kClaimDayKey));
  KITH_TRY(counted, get_number(store_, kClaimCountKey));
  auto const day = static_cast<std::uint64_t>(HybridClock::wall_of(clock).ms / kMsPerDay);
  std::uint64_t const before = counted_on == day ? counted : 0;
  KITH_TRY(in_all, get_number(store_, kAllClaimsKey));
  if (before >= kBelievedClaimsPerDay || in_all >= kBelievedClaims) return false;
  KITH_CHECK(put_number(store_, kAllClaimsKey, in_all + 1));
  KITH_CHECK(put_number(store_, kClaimDayKey, day));
  KITH_CHECK(put_number(store_, kClaimCountKey, before + 1));
  return true;
}

Result<> Replica::start_incarnation() {
  return in_transaction([&]() -> Result<> {
    KITH_CHECK(state_.refresh());
    KITH_TRY(current, incarnation());
    auto const chain = state_.last_chain({self(), current});
    // Nobody would take in the first entry of one log more.
    if (chain && state_.chains_of(self()) >= kLimits.max_author_branches) return {};
    if (chain) {  // a log that was never written to leaves nothing to say
      auto const& record = state_.chains().at(*chain);
      Bytes old_tip;
      wire::Encoder{old_tip}(record.log.device, record.log.incarnation, record.last, record.last_hash);
      KITH_CHECK(store_.put(Table::meta, bytes_of(kOldTipKey), old_tip));
    }
    return put_number(store_, kIncarnationKey, random_.u64());
  });
}

/// Where our log forked (two copies of this home wrote into it), goes on in a new one: that can name both branches,
/// while an entry on top of one does not know what the other one said, its epochs among it.
Result<> Replica::leave_forked_log() {
  KITH_TRY(current, incarnation());
  std::size_t own_chains = 0;
  for (auto const& [number, chain] : state_.chains()) own_chains += chain.log == LogId{self(), current} ? 1 : 0;
  if (own_chains > 1) KITH_CHECK(start_incarnation());
  return {};
}

}  // namespace kith::core
