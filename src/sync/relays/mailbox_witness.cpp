#include <algorithm>

#include "sync/relays/mailbox.hpp"

/// What a relay has shown one device it must show all: devices that meet compare. @see docs/spec/relay.md, "Comparing"
namespace kith::sync {

Result<std::optional<wire::RelayWitness>> Mailbox::witness() {
  if (state_ != State::live || pull_request_ != 0) return std::nullopt;
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
  if (tips.size() > wire::RelayWitness::kMostTips) return std::nullopt;
  wire::RelayWitness witness{relay_.relay, relay_.channel, record_.log_epoch, {}, std::move(tips)};
  witness.cursor = std::max(record_.position, pushed_upto_);
  return std::optional(std::move(witness));
}

Result<std::optional<wire::RelayWitness>> Mailbox::last_witness() {
  KITH_TRY(certain, witness());
  if (certain) last_witness_ = std::move(certain);
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
  told_.insert_or_assign({other, Way::met}, Told{std::move(theirs)});
  compares_ = true;
  if (behind) pull();
  return judge();
}

Result<> Mailbox::compare_left(DeviceId const& other, wire::RelayWitness theirs) {
  bool const ours = theirs.relay == relay_.relay && theirs.channel == relay_.channel;
  if (!ours || replica_.state().roster().removed(other)) return {};
  auto const known = told_.find({other, Way::left});
  if (known == told_.end() && told_.size() >= 2 * wire::kRelayLimits.max_members) return {};
  // The answer to the PULL that is under way may be older than what is to be compared.
  bool const pulls = state_ == State::live || state_ == State::catching_up;
  bool const behind = pulls && theirs.log_epoch == record_.log_epoch && theirs.cursor > record_.position;
  if (behind) notified_ = std::max(notified_, theirs.cursor);
  bool const alarmed = known != told_.end() && known->second.alarmed;
  told_.insert_or_assign({other, Way::left}, Told{std::move(theirs), alarmed});
  if (behind) pull();
  return judge();
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

/// Once everything that the relay has for this device is here, by the relay's own word. What another device was shown
/// and this one was not stays an alarm until it is there, whatever a third one was shown; and where the entry has not
/// come yet more can be said when it has.
Result<> Mailbox::judge() {
  if (told_.empty() || state_ != State::live || pull_request_ != 0) return {};
  KITH_CHECK(resolve());
  bool withheld = false;
  bool news = trouble_ == RelayTrouble::none;  // else what else is the matter with it is shown, once this has been
  for (auto it = told_.begin(); it != told_.end();) {
    auto const [device, way] = it->first;
    KITH_TRY(shown, was_shown(it->second.witness, way));
    bool const over = shown == Shown::yes || replica_.state().roster().removed(device);
    if (!over && shown == Shown::no) {
      withheld = true;
      news = !std::exchange(it->second.alarmed, true) || news;
    }
    it = over ? told_.erase(it) : std::next(it);
  }
  bool const fresh = std::exchange(compares_, false);
  if (withheld && news) set_trouble(RelayTrouble::withholds);
  if (!withheld && trouble_ == RelayTrouble::withholds) set_trouble(RelayTrouble::none);
  if (fresh) events_.emplace_back(RelayMoved{});
  return {};
}

Result<Mailbox::Shown> Mailbox::was_shown(wire::RelayWitness const& theirs, Way way) {
  bool const same = theirs.log_epoch == record_.log_epoch;
  if (way == Way::left && !same) return Shown::yes;  // it may be of before the relay was wiped
  // A relay that was put back since counts anew: what was left for others goes by the entries alone.
  if (way == Way::met && (!same || theirs.cursor > record_.position)) return Shown::no;
  auto shown = Shown::yes;
  for (auto const& tip : theirs.tips) {
    KITH_TRY(record, replica_.state().record(tip.hash));
    if (record && record_.there.contains(record->place())) continue;
    // With all that it builds upon it is here by another way, and each of their items that came was known by that:
    // whatever else came and cannot be read, maybe never, it is none of these.
    if (record && unresolved_.size() < kMostUnresolved) return Shown::no;
    // What came and cannot be read yet may be that one, or lead to it.
    KITH_TRY(placed, all_placed());
    if (placed) return Shown::no;
    shown = Shown::unknown;
  }
  return shown;
}

/// Whether every item that was shown is an entry which is known here.
Result<bool> Mailbox::all_placed() {
  if (unresolved_.size() >= kMostUnresolved) return false;
  for (auto const& digest : unresolved_) {
    KITH_TRY(hash, store_.get(store::Table::items, digest.view()));
    if (!hash) return false;
  }
  return true;
}

}  // namespace kith::sync
