#include "sync/log/log_exchange.hpp"

#include <algorithm>
#include <bit>

namespace kith::sync {
namespace {

/// More own entries than this at once are announced by TIPS and fetched, not pushed.
constexpr std::size_t kMaxPushed = 64;
/// A device asks again when its WANT was answered. Some slack; each answer holds memory until it is sent.
constexpr std::size_t kMaxAnswers = 8;
constexpr unsigned kMaxAttempts = 22;  // 8^22 is beyond any seq
/// So many asked for in vain, and nothing more is asked for that waiting entries name until something changes.
constexpr std::size_t kMaxInVain = 4096;

std::set<Tip> as_set(std::vector<Tip> const& tips) { return {tips.begin(), tips.end()}; }

}  // namespace

Seq first_wanted(core::GroupState const& state, Tip const& tip, unsigned attempts) {
  auto const chain = state.last_chain(tip.log);
  std::uint64_t const end = chain ? state.chains().at(*chain).last.value : 0;
  std::uint64_t const held = std::min(end, tip.seq.value - 1);
  std::uint64_t const back = (std::uint64_t{1} << std::min(3 * attempts, 63U)) - 1;
  return {held + 1 - std::min(held, back)};
}

/// Whether more is asked for with the next attempt.
bool LogExchange::reaches_back(Tip const& tip, unsigned attempts) const {
  return first_wanted(replica_.state(), tip, attempts).value > 1;
}

/// Something changed, so that what was asked for in vain may come now. A whole log that cannot be opened is asked for
/// ever more seldom as long as no further epoch is known: what of it was kept here opens by itself then.
void LogExchange::try_again() {
  auto const secrets = replica_.state().secrets().size();
  if (std::exchange(secrets_, secrets) != secrets || closed_.size() > kMaxInVain) closed_.clear();
  std::erase_if(in_vain_, [&](EntryHash const& hash) {
    auto const closed = closed_.find(hash);
    return closed == closed_.end() || std::has_single_bit(++closed->second);
  });
}

Result<bool> LogExchange::on_peer_tips(std::vector<Tip> const& tips) {
  auto const before = std::exchange(peer_tips_, as_set(tips));
  peer_spoke_ = true;
  for (auto const& tip : peer_tips_) {
    // It may not have had this one when it was asked for.
    if (before.contains(tip)) continue;
    closed_.erase(tip.hash);
    in_vain_.erase(tip.hash);
  }
  try_again();
  KITH_TRY(beyond_own, replica_.note_foreign_tips(tips));
  KITH_CHECK(plan_wants());
  return beyond_own;
}

Result<> LogExchange::on_want(wire::Want const& want) {
  if (answers_.size() >= kMaxAnswers) return fail(core::CoreError::protocol_violation);
  KITH_TRY(answer, EntryStream::start(replica_, want.ranges));
  answers_.push_back(std::move(answer));
  return {};
}

Result<core::Received> LogExchange::on_data(wire::Data const& data, Now now) {
  if (data.entries.empty()) {
    KITH_CHECK(on_answer_end());
    return core::Received{};
  }
  std::vector<ByteView> items;
  for (auto const& entry : data.entries) items.emplace_back(entry.bytes);
  KITH_TRY(received, replica_.receive(items, now, peer_));
  answer_helped_ |= received.applied + received.pending + received.unopened > 0 || received.roster_changed;
  // Other sessions may have brought these first: what opens them can still be further back.
  came_unopened_ |= received.still_unopened > 0;
  ack_due_ |= received.applied > 0;
  if (received.applied > 0 || received.roster_changed) try_again();
  if (!want_open_) KITH_CHECK(plan_wants());
  return received;
}

/// An entry that came and waits for its log tells no more of where its branch left ours than one that did not come:
/// what it needs is asked for further back, or a fork would cost a WANT for each entry of the branch.
Result<> LogExchange::on_answer_end() {
  if (!want_open_) return fail(core::CoreError::protocol_violation);
  want_open_ = false;
  Attempts next;
  for (auto const& [tip, attempts] : asked_) {
    KITH_TRY(applied, replica_.has(tip.hash));
    if (applied) continue;
    KITH_TRY(here, replica_.holds(tip.hash));
    if (here) {
      auto& most = next.brought_to_wait[tip.log];
      most = std::max(most, std::min(attempts + 1, kMaxAttempts));
    } else if ((answer_helped_ || (came_unopened_ && reaches_back(tip, attempts))) && attempts < kMaxAttempts) {
      next.not_brought[tip.hash] = attempts + 1;
    } else {
      in_vain_.insert(tip.hash);
      if (came_unopened_) closed_.try_emplace(tip.hash);
    }
  }
  return plan_wants(next);
}

unsigned LogExchange::Attempts::of(Tip const& tip) const {
  auto const itself = not_brought.find(tip.hash);
  auto const log = brought_to_wait.find(tip.log);
  return std::max(itself == not_brought.end() ? 0U : itself->second, log == brought_to_wait.end() ? 0U : log->second);
}

/// What the peer has and we do not, and what entries that wait here need. Where these are more than fit, each kind has
/// half of the room: neither keeps the other from being asked for.
Result<std::vector<Tip>> LogExchange::wanted() {
  std::vector<Tip> wanted;
  for (auto const& tip : peer_tips_) {
    KITH_TRY(here, replica_.holds(tip.hash));
    if (!here && !in_vain_.contains(tip.hash)) wanted.push_back(tip);
  }
  std::vector<Tip> missing;
  if (in_vain_.size() < kMaxInVain) {
    KITH_TRY(named, replica_.missing(kLimits.max_wants, in_vain_));
    missing = std::move(named);
  }
  std::erase_if(missing, [&](Tip const& tip) { return std::ranges::find(wanted, tip) != wanted.end(); });
  std::size_t const half = kLimits.max_wants / 2;
  std::size_t const of_missing = std::min(missing.size(), kLimits.max_wants - std::min(wanted.size(), half));
  wanted.resize(std::min(wanted.size(), kLimits.max_wants - of_missing));
  wanted.insert(wanted.end(), missing.begin(), missing.begin() + static_cast<std::ptrdiff_t>(of_missing));
  std::ranges::sort(wanted);
  wanted.erase(std::unique(wanted.begin(), wanted.end()), wanted.end());
  return wanted;
}

Result<> LogExchange::plan_wants(Attempts const& attempts) {
  if (want_open_ || !peer_spoke_) return {};
  asked_.clear();
  KITH_TRY(targets, wanted());
  if (targets.empty()) return {};
  wire::Want want;
  for (auto const& tip : targets) {
    asked_.push_back({tip, attempts.of(tip)});
    want.ranges.push_back({tip.log, first_wanted(replica_.state(), tip, asked_.back().attempts), tip.seq, tip.hash});
  }
  want_due_ = std::move(want);
  want_open_ = true;
  answer_helped_ = came_unopened_ = false;
  return {};
}

/// The first TIPS speaks for everything up to now; what comes later is pushed or announced.
Result<> LogExchange::skip_to_end() {
  return replica_.scan_applied(seen_position_,
                               [&](std::uint64_t position, EntryHash const&) { seen_position_ = position; });
}

Result<> LogExchange::on_local_change() {
  if (!peer_spoke_ || !said_once_) return {};
  std::vector<EntryHash> own;
  bool others = false;
  std::optional<Error> error;
  KITH_CHECK(replica_.scan_applied(seen_position_, [&](std::uint64_t position, EntryHash const& hash) {
    seen_position_ = position;
    auto const record = replica_.state().record(hash);
    if (!record) error = record.error();
    if (!record || !*record) return;
    if ((*record)->log.device == replica_.self()) {
      own.push_back(hash);
    } else {
      others = true;
    }
  }));
  if (error) return fail(*error);
  KITH_TRY(tips, replica_.tips());
  if (as_set(tips) == peer_tips_) return {};
  if (own.size() <= kMaxPushed) {
    push_.insert(push_.end(), own.begin(), own.end());
  } else {
    others = true;
  }
  tips_due_ = tips_due_ || others;
  return plan_wants();
}

Result<std::optional<wire::Frame>> LogExchange::next_frame() {
  if (ack_due_ || tips_due_) {
    KITH_TRY(tips, replica_.tips());
    bool const news = as_set(tips) != said_tips_;
    bool const first = !std::exchange(said_once_, true);
    if (first) KITH_CHECK(skip_to_end());
    said_tips_ = as_set(tips);
    bool const acknowledge = std::exchange(ack_due_, false);
    tips_due_ = false;
    if (acknowledge && !first) return std::optional<wire::Frame>(wire::Ack{std::move(tips)});
    if (news || first) return std::optional<wire::Frame>(wire::Tips{std::move(tips)});
  }
  if (want_due_) return std::optional<wire::Frame>(*std::exchange(want_due_, std::nullopt));
  if (!push_.empty()) {
    wire::Data data;
    for (std::size_t bytes = 0; !push_.empty() && bytes < EntryStream::kFrameBytes; push_.pop_front()) {
      KITH_TRY(sealed, replica_.state().sealed(push_.front()));
      if (!sealed) return fail(core::CoreError::corrupt_record);
      if (bytes > 0 && bytes + sealed->size() > kLimits.max_sealed_entry_bytes) break;
      bytes += sealed->size();
      data.entries.push_back({std::move(*sealed)});
    }
    return std::optional<wire::Frame>(std::move(data));
  }
  if (!answers_.empty()) {
    KITH_TRY(data, answers_.front().next(replica_));
    if (answers_.front().ended()) answers_.pop_front();
    return std::optional<wire::Frame>(std::move(data));
  }
  return std::nullopt;
}

Result<bool> LogExchange::equal() {
  if (!peer_spoke_) return false;
  KITH_TRY(tips, replica_.tips());
  return as_set(tips) == peer_tips_;
}

}  // namespace kith::sync
