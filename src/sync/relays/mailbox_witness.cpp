#include <algorithm>

#include "sync/relays/mailbox.hpp"

/// What a relay has shown one device it must show all: devices that meet compare. @see docs/spec/relay.md, "Comparing"
namespace kith::sync {

Result<std::optional<wire::RelayWitness>> Mailbox::witness() {
  if (state_ != State::live) return std::nullopt;
  auto const cursor = std::max(record_.position, pushed_upto_);
  bool const as_before = last_witness_ && last_witness_->log_epoch == record_.log_epoch &&
                         last_witness_->cursor == cursor && last_witness_of_ == record_.there;
  if (as_before) return last_witness_;
  std::vector<Tip> tips;
  for (auto const& place : record_.there.places()) {
    KITH_TRY(hash, replica_.state().hash_at(place));
    tips.push_back({replica_.state().chains().at(place.chain).log, place.seq, hash});
  }
  std::ranges::sort(tips);
  if (tips.size() > wire::RelayWitness::kMostTips) {
    KITH_TRY(leading, replica_.state().leading(tips));
    tips = std::move(leading);
  }
  if (tips.size() > wire::RelayWitness::kMostTips) {
    // Each is good by itself; others are told of the next time.
    std::rotate(tips.begin(), tips.begin() + static_cast<std::ptrdiff_t>(cursor.value % tips.size()), tips.end());
    tips.resize(wire::RelayWitness::kMostTips);
    std::ranges::sort(tips);
  }
  last_witness_ = wire::RelayWitness{relay_.relay, relay_.channel, record_.log_epoch, cursor, std::move(tips)};
  last_witness_of_ = record_.there;
  return last_witness_;
}

Result<std::optional<wire::RelayWitness>> Mailbox::last_witness() {
  if (state_ == State::live) return witness();
  return last_witness_;
}

Result<std::vector<wire::RelayWitness>> shown_elsewhere(std::vector<Mailbox*> const& all, Mailbox const& at) {
  std::vector<wire::RelayWitness> shown;
  for (auto* mailbox : all) {
    if (mailbox == &at || mailbox->attended() || shown.size() == wire::RelayWitness::kMost) continue;
    KITH_TRY(witness, mailbox->last_witness());
    if (witness) shown.push_back(std::move(*witness));
  }
  return shown;
}

Result<> Mailbox::compare(DeviceId const& other, wire::RelayWitness theirs, Now now) {
  bool const ours = theirs.relay == relay_.relay && theirs.channel == relay_.channel;
  if (!ours || state_ != State::live || replica_.state().roster().removed(other)) return {};
  if (!told_.contains({other, Way::met}) && told_.size() >= 2 * wire::kRelayLimits.max_members) return {};
  if (theirs.log_epoch == record_.log_epoch) other_histories_.erase(other);
  if (theirs.log_epoch != record_.log_epoch && doubts_history(other, theirs.log_epoch, now)) return {};
  bool const behind = theirs.log_epoch == record_.log_epoch && theirs.cursor > record_.position;
  // Also where a PULL is under way: its answer may be older than what is to be compared.
  if (behind) notified_ = std::max(notified_, theirs.cursor);
  note_told(other, Way::met, std::move(theirs));
  compares_ = true;
  if (behind) pull(now);
  return judge(now);
}

Result<> Mailbox::compare_left(DeviceId const& other, wire::RelayWitness theirs, Now now) {
  bool const ours = theirs.relay == relay_.relay && theirs.channel == relay_.channel;
  if (!ours || replica_.state().roster().removed(other)) return {};
  auto const known = told_.find({other, Way::left});
  if (known == told_.end() && told_.size() >= 2 * wire::kRelayLimits.max_members) return {};
  // The answer to the PULL that is under way may be older than what is to be compared.
  bool const pulls = state_ == State::live || state_ == State::catching_up;
  bool const behind = pulls && theirs.log_epoch == record_.log_epoch && theirs.cursor > record_.position;
  if (behind) notified_ = std::max(notified_, theirs.cursor);
  note_told(other, Way::left, std::move(theirs));
  if (behind) pull(now);
  return judge(now);
}

/// Replaces what the device told before. An alarm about that goes on until all of the new word is there.
void Mailbox::note_told(DeviceId const& other, Way way, wire::RelayWitness theirs) {
  auto& told = told_[{other, way}];
  if (told.witness.log_epoch != theirs.log_epoch) told.built_on_since.reset();
  told.witness = std::move(theirs);
  told.last_request = last_request_;
}

/// Whether it is too early to say that the relay has two histories: who tells of another one may not have noticed yet
/// that the relay was wiped or put back. That device finds out within the time that a silent connection may last.
bool Mailbox::doubts_history(DeviceId const& teller, wire::LogEpoch const& other, Now now) {
  auto const known = other_histories_.find(teller);
  if (known != other_histories_.end() && known->second.first == other)
    return now.mono < known->second.second + kHistoryPatience;
  if (known == other_histories_.end() && other_histories_.size() >= wire::kRelayLimits.max_members) return true;
  other_histories_.insert_or_assign(teller, std::pair(other, now.mono));
  if (!compare_again_) compare_again_ = now.mono + kHistoryPatience;
  return true;
}

/// By what the relay has shown since it was told, by the relay's own word all that there was. What another device was
/// shown and this one was not stays an alarm until it is there, whatever a third one was shown; and where the entry has
/// not come yet more can be said when it has.
Result<> Mailbox::judge(Now now) {
  bool const unreadable = unresolved_.overflowed || trouble_ == RelayTrouble::unreadable;
  if (state_ != State::live || (told_.empty() && !unreadable)) return {};
  KITH_CHECK(resolve());
  bool withheld = false, waits = false;
  bool news = trouble_ == RelayTrouble::none;  // else what else is the matter with it is shown, once this has been
  for (auto it = told_.begin(); it != told_.end();) {
    auto const [device, way] = it->first;
    auto& told = it->second;
    bool const can = can_judge(told, way);
    auto shown = Shown::unknown;
    if (can) {
      KITH_TRY(judged, was_shown(told, way, now));
      shown = judged;
    }
    if (shown == Shown::yes || replica_.state().roster().removed(device)) {
      it = told_.erase(it);
      continue;
    }
    if (shown == Shown::no) {
      bool const first = !std::exchange(told.alarmed, true);
      news = news || (first && (way == Way::met || trouble_ != RelayTrouble::lost_data));
    }
    withheld = withheld || told.alarmed;
    waits = waits || (!can && way == Way::met);
    ++it;
  }
  if (withheld && news) set_trouble(RelayTrouble::withholds);
  if (!withheld && trouble_ == RelayTrouble::withholds) set_trouble(RelayTrouble::none);
  if (unresolved_.overflowed && trouble_ == RelayTrouble::none) set_trouble(RelayTrouble::unreadable);
  if (!unresolved_.overflowed && trouble_ == RelayTrouble::unreadable) set_trouble(RelayTrouble::none);
  bool const compared = std::exchange(compares_, compares_ && waits);
  if (compared && !compares_) events_.emplace_back(RelayMoved{});
  return {};
}

/// Whether all that it had has been asked for since. What is under way may go on for ever, if the relay wants it to.
bool Mailbox::can_judge(Told const& told, Way way) const {
  if (pull_request_ == 0 || told.last_request < all_shown_) return true;
  auto const& theirs = told.witness;
  return way == Way::met && theirs.log_epoch == record_.log_epoch && theirs.cursor <= record_.position;
}

Result<Mailbox::Shown> Mailbox::was_shown(Told& told, Way way, Now now) {
  auto const& theirs = told.witness;
  bool const same = theirs.log_epoch == record_.log_epoch;
  if (way == Way::left && !same) return was_shown_later(told, now);
  // A relay that was put back since counts anew: what was left for others goes by the entries alone.
  if (way == Way::met && (!same || theirs.cursor > record_.position)) return Shown::no;
  auto shown = Shown::yes;
  for (auto const& tip : theirs.tips) {
    KITH_TRY(record, replica_.state().record(tip.hash));
    if (record && record_.there.contains(record->place())) continue;
    // With all that it builds upon it is here by another way, and each of their items that came was known by that:
    // whatever else came and cannot be read, maybe never, it is none of these.
    if (record && !unresolved_.overflowed) return Shown::no;
    // What came and cannot be read yet may be that one, or lead to it.
    KITH_TRY(placed, all_placed());
    if (placed) return Shown::no;
    shown = Shown::unknown;
  }
  return shown;
}

/// What was left of another history may be of before the relay was wiped or put back, unless it builds upon what this
/// device wrote on this connection: the other device was shown that one later than this one was shown this. A
/// connection to a relay that was wiped meanwhile does not last.
Result<Mailbox::Shown> Mailbox::was_shown_later(Told& told, Now now) {
  KITH_TRY(later, builds_on_ours(told.witness));
  if (!later) return Shown::unknown;
  if (!told.built_on_since) told.built_on_since = now.mono;
  auto const certain = *told.built_on_since + kHistoryPatience;
  if (now.mono >= certain) return Shown::no;
  compare_again_ = std::min(compare_again_.value_or(certain), certain);
  return Shown::unknown;
}

/// Of this device's current log alone: what it wrote under another one may come back to it.
Result<bool> Mailbox::builds_on_ours(wire::RelayWitness const& theirs) const {
  auto const& state = replica_.state();
  KITH_TRY(incarnation, replica_.incarnation());
  auto const own = state.last_chain({replica_.self(), incarnation});
  if (!own) return false;
  for (auto const& tip : theirs.tips) {
    KITH_TRY(record, state.record(tip.hash));
    if (record && record->past.last(*own) > known_at_welcome_.last(*own)) return true;
  }
  return false;
}

/// Whether every item that was shown is an entry which is known here.
Result<bool> Mailbox::all_placed() {
  if (unresolved_.overflowed) return false;
  for (auto const& item : unresolved_.items) {
    KITH_TRY(record, entry_of(item));
    if (!record) return false;
  }
  return true;
}

}  // namespace kith::sync
