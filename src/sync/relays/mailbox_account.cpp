#include <algorithm>

#include "sync/relays/mailbox.hpp"

/// What is known to be at a relay, kept on disk, and what becomes of it where the relay says otherwise.
namespace kith::sync {

/// Holds what the relay says of this device's pushes against what is known here. It may have lost some, it may be
/// another mailbox altogether, or this home may be older than what it once pushed.
Result<> Mailbox::reconcile(wire::Welcome const& welcome) {
  bool const same = record_.log_epoch == welcome.log_epoch;
  auto const first = record_.acked.value, last = first + record_.outbox.size();
  auto const theirs = welcome.last_push_seq.value;
  if (same && theirs == first) return {};
  if (same && theirs > first && theirs <= last) {
    // How many are there, not which: what this home pushed before it was put back to an older state may have come in
    // the meantime under these numbers. All that is there is pulled, and what is not proves to be missing then.
    for (auto item = record_.outbox.begin() + static_cast<std::ptrdiff_t>(theirs - first); item != record_.outbox.end();
         ++item) {
      if (item->entry.is_zero()) announcements_.push_back(std::move(*item));
    }
    record_.outbox.clear();
    record_.acked = welcome.last_push_seq;
    flush_due_ = since_;
    return {};
  }
  bool const known_before = !record_.log_epoch.is_zero();
  if (known_before) KITH_CHECK(forget());
  if (known_before && theirs < first) set_trouble(RelayTrouble::lost_data);
  record_.log_epoch = welcome.log_epoch;
  record_.acked = welcome.last_push_seq;
  flush_due_ = since_;
  return {};
}

/// What was seen there is not there any more, or not for sure: all of it is pulled again, and what is missing pushed.
Result<> Mailbox::forget() {
  record_.position = {};
  record_.last_item = {};
  record_.there = {};
  record_.left = {};
  record_.outbox.clear();
  unresolved_ = {};
  unresolved_moved_ = true;
  last_witness_.reset();
  announcements_.clear();
  taken_by_.clear();
  KITH_TRY(transaction, store::Transaction::begin(store_));
  KITH_CHECK(book_.forget_all(store_));
  return transaction.commit();
}

Result<> Mailbox::flush() {
  if (!flush_due_) return {};
  flush_due_.reset();
  KITH_TRY(transaction, store::Transaction::begin(store_));
  KITH_CHECK(write_down());
  return transaction.commit();
}

/// In a transaction: what is not there for sure is on the disk whenever the position behind it is.
Result<> Mailbox::write_down() {
  if (std::exchange(unresolved_moved_, false)) KITH_CHECK(unresolved_.put(store_, relay_.relay, relay_.channel));
  return record_.put(store_, relay_.relay, relay_.channel);
}

bool Mailbox::holds_all() const { return record_.there.includes(replica_.state().counting().heads); }

bool Mailbox::holds_own() const {
  auto const& state = replica_.state();
  return std::ranges::all_of(state.counting().heads.places(), [&](core::ChainPlace const& place) {
    return state.chains().at(place.chain).log.device != replica_.self() || record_.there.contains(place);
  });
}

}  // namespace kith::sync
