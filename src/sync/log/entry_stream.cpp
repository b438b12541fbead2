#include "sync/log/entry_stream.hpp"

#include <algorithm>
#include <functional>

namespace kith::sync {

/// Ranges that reach down furthest are walked first: add_range() relies on it.
Result<EntryStream> EntryStream::start(core::Replica& replica, std::vector<wire::Want::Range> ranges) {
  EntryStream stream;
  Asked asked;
  std::ranges::sort(ranges, {}, &wire::Want::Range::from);
  for (auto const& range : ranges) KITH_CHECK(add_range(replica, range, asked));
  stream.take_epochs_first(replica, asked);
  for (auto const& [chain, runs] : asked) {
    for (auto const& run : runs) KITH_CHECK(stream.put_run(replica, run));
  }
  return stream;
}

/// Walks from the range's end towards its beginning, through the chains that its branch grew from, as far as no earlier
/// range went. An end that is not here, or that was set aside, gives nothing.
///
/// All earlier ranges began at the same seq or below. So of each chain the last run is the only one that this range can
/// touch; and where one of them came through a chain, it took all that is asked for of those below. A WANT costs one
/// walk over each chain, and not one for each range.
Result<> EntryStream::add_range(core::Replica& replica, wire::Want::Range const& range, Asked& asked) {
  KITH_TRY(end, replica.state().record(range.hash));
  if (!end || end->log != range.log || end->seq != range.to || range.from > range.to) return {};
  if (!replica.state().counting().heads.contains(end->place())) return {};
  core::ChainNo number = end->chain;
  Seq last = range.to;
  while (true) {
    auto const& chain = replica.state().chains().at(number);
    Seq const first = std::max(range.from, chain.first);
    auto& runs = asked[number];
    bool const came_through = !runs.empty();
    if (runs.empty() || first.value > runs.back().last.value + 1) {
      runs.push_back({number, first, last});
    } else {
      runs.back().last = std::max(runs.back().last, last);
    }
    if (came_through || chain.parent.value == 0 || range.from >= chain.first) return {};
    number = chain.parent;
    last = {chain.first.value - 1};
  }
}

void EntryStream::take_epochs_first(core::Replica& replica, Asked const& asked) {
  auto const& roster_entries = replica.state().roster_entries();
  for (auto entry = roster_entries.rbegin(); entry != roster_entries.rend(); ++entry) {
    bool const starts_epoch = std::ranges::any_of(
        entry->ops, [](auto const& op) { return std::holds_alternative<core::Rotation>(op.second); });
    auto const chain = asked.find(entry->place.chain);
    if (!starts_epoch || chain == asked.end()) continue;
    bool const is_asked = std::ranges::any_of(
        chain->second, [&](Run const& run) { return run.next <= entry->place.seq && entry->place.seq <= run.last; });
    if (!is_asked) continue;
    epochs_first_.push_back(entry->hash);
    sent_early_.insert(entry->hash);
  }
}

Result<> EntryStream::put_run(core::Replica& replica, Run run) {
  KITH_TRY(hash, replica.state().hash_at({run.chain, run.next}));
  KITH_TRY(record, replica.state().record(hash));
  if (!record) return fail(core::CoreError::corrupt_record);
  run.position = record->position;
  runs_.push_back(run);
  std::ranges::push_heap(runs_, std::greater{}, &Run::position);
  return {};
}

Result<std::optional<EntryHash>> EntryStream::take_next(core::Replica& replica) {
  if (!epochs_first_.empty()) {
    auto const hash = epochs_first_.front();
    epochs_first_.pop_front();
    return std::optional(hash);
  }
  while (!runs_.empty()) {
    std::ranges::pop_heap(runs_, std::greater{}, &Run::position);
    Run run = runs_.back();
    runs_.pop_back();
    KITH_TRY(hash, replica.state().hash_at({run.chain, run.next}));
    ++run.next.value;
    if (run.next <= run.last) KITH_CHECK(put_run(replica, run));
    if (!sent_early_.contains(hash)) return std::optional(hash);
  }
  return std::nullopt;
}

Result<wire::Data> EntryStream::next(core::Replica& replica) {
  wire::Data data;
  std::size_t bytes = 0;
  while (bytes < kFrameBytes) {
    KITH_TRY(hash, take_next(replica));
    if (!hash) break;
    KITH_TRY(sealed, replica.state().sealed(*hash));
    if (!sealed) return fail(core::CoreError::corrupt_record);
    if (bytes > 0 && bytes + sealed->size() > kLimits.max_sealed_entry_bytes) {
      epochs_first_.push_front(*hash);  // back to where the next frame begins
      break;
    }
    bytes += sealed->size();
    data.entries.push_back({std::move(*sealed)});
  }
  ended_ = data.entries.empty();
  return data;
}

}  // namespace kith::sync
