#include "sync/exchange/hearing.hpp"

#include <algorithm>

#include "sync/log/log_exchange.hpp"

namespace kith::sync {

Result<Hearing::Outcome> Hearing::on_tips(std::vector<Tip> const& tips) {
  if (asked_) return Outcome::goes_on;
  std::vector<Tip> news;
  for (auto const& tip : tips) {
    KITH_TRY(here, replica_.has(tip.hash));
    if (!here) news.push_back(tip);
  }
  return ask(news);
}

Hearing::Outcome Hearing::ask(std::vector<Tip> const& targets) {
  if (targets.empty() || rounds_ == kMostRounds) return Outcome::in_vain;
  wire::Want want;
  for (auto const& tip : targets) {
    if (want.ranges.size() == kLimits.max_wants) break;
    // Rounds are few, so each goes back as far as two attempts do.
    want.ranges.push_back({tip.log, first_wanted(replica_.state(), tip, 2 * rounds_), tip.seq, tip.hash});
  }
  ++rounds_;
  asked_ = true;
  want_ = std::move(want);
  return Outcome::goes_on;
}

Result<Hearing::Outcome> Hearing::on_data(wire::Data const& data, Now now) {
  if (!asked_ || want_) return fail(core::CoreError::protocol_violation);
  if (data.entries.empty()) return try_entries(now);
  for (auto const& entry : data.entries) {
    bytes_ += entry.bytes.size();
    entries_.push_back(entry.bytes);
  }
  return bytes_ > kMostBytes || entries_.size() > kMostEntries ? Outcome::in_vain : Outcome::goes_on;
}

Result<Hearing::Outcome> Hearing::try_entries(Now now) {
  std::vector<ByteView> const items(entries_.begin(), entries_.end());
  std::vector<Tip> missing;
  {
    KITH_CHECK(replica_.refresh());
    KITH_TRY(before, replica_.missing(kLimits.max_wants, {}));
    KITH_TRY(transaction, store::Transaction::begin(store_));
    auto const received = replica_.receive(items, now);
    if (!received) {
      replica_.invalidate();
      return fail(received.error());
    }
    if (received->applied > 0 && judge_()) {
      KITH_CHECK(transaction.commit());
      return Outcome::welcome;
    }
    auto named = replica_.missing(kLimits.max_wants, {});
    replica_.invalidate();
    if (!named) return fail(named.error());
    missing = std::move(*named);
    std::erase_if(missing, [&](Tip const& tip) { return std::ranges::find(before, tip) != before.end(); });
  }
  KITH_CHECK(replica_.refresh());
  return ask(missing);
}

}  // namespace kith::sync
