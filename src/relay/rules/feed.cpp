#include "relay/rules/feed.hpp"

#include <algorithm>

#include "relay/rules/keeping.hpp"

namespace kith::relay {

Feed::Range Feed::offer(std::span<wire::RelayItem const> items, bool own, bool room, std::uint64_t credit_bytes) {
  Range range;
  if (!live()) return range;
  while (range.from < items.size() && items[range.from].cursor <= sent_) ++range.from;
  range.to = range.from;
  for (; range.to < items.size(); ++range.to) {
    auto const& item = items[range.to];
    if (item.cursor.value != sent_.value + 1) break;
    if (!own) {
      auto const bytes = weight(item.sealed.size());
      if (!room || unacknowledged_bytes_ + bytes > credit_bytes) break;
      unacknowledged_.push_back({item.cursor, bytes});
      unacknowledged_bytes_ += bytes;
    }
    sent_ = item.cursor;
  }
  if (range.to < items.size()) state_ = State::behind;
  if (own) range.from = range.to;
  return range;
}

void Feed::pull_answered(wire::RelayCursor next_after, bool more, wire::RelayCursor head) {
  state_ = more ? State::behind : State::live;
  sent_ = std::max(sent_, next_after);
  noticed_ = std::max(noticed_, head);  // the answer told it
}

void Feed::acknowledged(wire::RelayCursor cursor) {
  while (!unacknowledged_.empty() && unacknowledged_.front().cursor <= cursor) {
    unacknowledged_bytes_ -= unacknowledged_.front().bytes;
    unacknowledged_.pop_front();
  }
}

std::optional<Instant> Feed::notice_at(wire::RelayCursor head) const {
  if (state_ != State::behind || noticed_ >= head) return std::nullopt;
  return next_notice_;
}

void Feed::noticed(wire::RelayCursor head, Instant next) {
  noticed_ = head;
  next_notice_ = next;
}

}  // namespace kith::relay
