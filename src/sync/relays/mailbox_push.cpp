#include <algorithm>
#include <functional>

#include "sync/relays/mailbox.hpp"

/// What goes into a mailbox, in which order, and when.
namespace kith::sync {
namespace {

/// In one PUSH: each is up to the size of a large entry, and is written into this device's database before.
constexpr std::size_t kMostAnnouncements = 4;

/// The entries of one chain that are still to go, and the position of the first.
struct Run {
  std::uint64_t position = 0;
  core::ChainNo chain;
  Seq next;
  Seq last;
  EntryHash hash;
};

}  // namespace

Result<> Mailbox::push(Now now) {
  bool const busy = push_request_ != 0 || acl_request_ != 0 || acl_not_before_ || state_ != State::live;
  if (busy || (push_not_before_ && *push_not_before_ > now.mono)) return {};
  push_not_before_.reset();
  if (trouble_ == RelayTrouble::lost_data && holds_all()) set_trouble(RelayTrouble::none);
  if (record_.outbox.empty()) {
    KITH_TRY(target, due(now));
    KITH_TRY(chosen, choose(target));
    // Entries first: what an announcement is for they name.
    while (chosen.size() < wire::kRelayLimits.max_push_items && !announcements_.empty() &&
           chosen.size() < kMostAnnouncements + 1) {
      chosen.push_back(std::move(announcements_.front()));
      announcements_.pop_front();
    }
    if (chosen.empty()) {
      if (!uploading()) note_room();  // what wanted some is there by others, or not wanted any more
      return {};
    }
    // A number belongs to its item from before it is sent: a crash must not give it to another one.
    record_.outbox = std::move(chosen);
    KITH_TRY(transaction, store::Transaction::begin(store_));
    KITH_CHECK(record_.put(store_, relay_.relay, relay_.channel));
    KITH_CHECK(transaction.commit());
    flush_due_.reset();
  }
  KITH_CHECK(send_outbox());
  return {};
}

/// What should be there by now: this device's own entries with their pasts, and after a while all that it holds.
Result<core::Past> Mailbox::due(Now now) {
  auto const& heads = replica_.state().counting().heads;
  core::Past own;
  bool others = false;
  for (auto const& place : heads.places()) {
    if (record_.there.contains(place)) continue;
    if (replica_.state().chains().at(place.chain).log.device != replica_.self()) {
      others = true;
      continue;
    }
    KITH_TRY(past, replica_.state().past_at(place));
    own.include(past);
  }
  if (!others) {
    others_due_.reset();
    return own;
  }
  if (!others_due_) {
    auto const spread = std::chrono::milliseconds(kOthersLast - kOthersFirst).count();
    others_due_ =
        now.mono + kOthersFirst + std::chrono::milliseconds{random_.u64() % static_cast<std::uint64_t>(spread)};
  }
  if (*others_due_ > now.mono) return own;
  others_due_.reset();
  return heads;
}

/// The first entries of `target` that are not there, causes before effects, as many as one PUSH holds.
Result<std::vector<OutboxItem>> Mailbox::choose(core::Past const& target) {
  auto& state = replica_.state();
  std::vector<Run> runs;
  auto const later = [](Run const& a, Run const& b) { return a.position > b.position; };
  auto const put = [&](Run run) -> Result<> {
    KITH_TRY(hash, state.hash_at({run.chain, run.next}));
    KITH_TRY(record, state.record(hash));
    if (!record) return fail(core::CoreError::corrupt_record);
    run.hash = hash;
    run.position = record->position;
    runs.push_back(run);
    std::ranges::push_heap(runs, later);
    return {};
  };
  for (auto const& place : target.places()) {
    if (record_.there.contains(place)) continue;
    Seq const there = record_.there.last(place.chain);
    Seq const first = std::max(state.chains().at(place.chain).first, Seq{there.value + 1});
    KITH_CHECK(put({0, place.chain, first, place.seq, {}}));
  }
  std::vector<OutboxItem> chosen;
  std::size_t bytes = 0;
  while (!runs.empty() && chosen.size() < wire::kRelayLimits.max_push_items) {
    std::ranges::pop_heap(runs, later);
    Run run = runs.back();
    runs.pop_back();
    KITH_TRY(sealed, state.sealed(run.hash));
    if (!sealed) return fail(core::CoreError::corrupt_record);
    if (!chosen.empty() && bytes + sealed->size() > wire::kRelayLimits.max_push_bytes) break;
    bytes += sealed->size();
    chosen.push_back({run.hash, 0, {}});
    ++run.next.value;
    if (run.next <= run.last) KITH_CHECK(put(run));
  }
  return chosen;
}

Result<Bytes> Mailbox::bytes_of_item(OutboxItem const& item) const {
  if (item.entry.is_zero()) return item.sealed;
  KITH_TRY(sealed, replica_.state().sealed(item.entry));
  if (!sealed) return fail(core::CoreError::corrupt_record);
  return std::move(*sealed);
}

Result<> Mailbox::send_outbox() {
  wire::Push push;
  push.request = push_request_ = ++last_request_;
  push.first_seq = {record_.acked.value + 1};
  for (auto const& item : record_.outbox) {
    KITH_TRY(sealed, bytes_of_item(item));
    push.items.push_back({item.ttl_s, std::move(sealed)});
  }
  pushed_items_ = push.items.size();
  channel_->send(std::move(push));
  return {};
}

Result<> Mailbox::on_pushed(wire::PushAck const& ack, Now now) {
  bool const fits = ack.first_seq.value == record_.acked.value + 1 && ack.cursors.size() == pushed_items_ &&
                    pushed_items_ <= record_.outbox.size();
  if (!fits) {
    misbehaved(relay::ChannelError::out_of_place, now);
    return {};
  }
  push_request_ = 0;
  for (auto const cursor : ack.cursors) pushed_upto_ = std::max(pushed_upto_, cursor);
  // Where nobody else's items lie between, what was pushed need not be pulled.
  for (std::size_t i = 0; i < ack.cursors.size(); ++i) {
    if (ack.cursors[i].value != record_.position.value + 1 || pull_request_ != 0) continue;
    KITH_TRY(sealed, bytes_of_item(record_.outbox[i]));
    record_.position = ack.cursors[i];
    record_.last_item = wire::item_hash(sealed);
  }
  KITH_CHECK(acknowledge(ack.cursors, now));
  KITH_CHECK(judge(now));
  note_room();
  if (!flush_due_) flush_due_ = now.mono + kFlushAfter;
  if (acked_cursor_ < record_.position) {
    acked_cursor_ = record_.position;
    channel_->send(wire::RelayAck{0, acked_cursor_});
  }
  events_.emplace_back(RelayMoved{});
  KITH_CHECK(push(now));
  return push_request_ == 0 ? settle_acl(now) : Result<>{};
}

/// So many of the outbox are on the relay's disk.
/// @param cursors  theirs
Result<> Mailbox::acknowledge(std::vector<wire::RelayCursor> const& cursors, Now now) {
  auto const count = cursors.size();
  for (std::size_t i = 0; i < count; ++i) {
    if (record_.outbox[i].entry.is_zero()) {
      KITH_CHECK(note_announced(record_.outbox[i], cursors[i], now));
      continue;
    }
    KITH_TRY(record, replica_.state().record(record_.outbox[i].entry));
    if (!record) return fail(core::CoreError::corrupt_record);
    if (in_reach(*record)) record_.there.include(record->place());
  }
  record_.outbox.erase(record_.outbox.begin(), record_.outbox.begin() + static_cast<std::ptrdiff_t>(count));
  record_.acked.value += count;
  return {};
}

}  // namespace kith::sync
