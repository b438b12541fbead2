#include "sync/log/entry_stream.hpp"

#include <algorithm>

namespace kith::sync {

Result<EntryStream> EntryStream::start(core::Replica& replica, std::vector<wire::Want::Range> const& ranges) {
  EntryStream stream;
  for (auto const& range : ranges) KITH_CHECK(stream.add_range(replica, range));
  auto const& roster_entries = replica.state().roster_entries();
  for (auto entry = roster_entries.rbegin(); entry != roster_entries.rend(); ++entry) {
    bool const starts_epoch =
        std::ranges::any_of(entry->ops, [](auto const& op) { return std::holds_alternative<core::Rotation>(op.second); });
    bool const asked = std::ranges::any_of(stream.runs_, [&](Run const& run) {
      return run.chain == entry->place.chain && run.next <= entry->place.seq && entry->place.seq <= run.last;
    });
    if (!starts_epoch || !asked) continue;
    stream.epochs_first_.push_back(entry->hash);
    stream.sent_early_.insert(entry->hash);
  }
  return stream;
}

/// Walks from the range's end towards its beginning, through the chains that its branch grew from. An end that is not here,
/// or that was set aside, gives nothing.
Result<> EntryStream::add_range(core::Replica& replica, wire::Want::Range const& range) {
  KITH_TRY(last, replica.state().record(range.hash));
  if (!last || last->log != range.log || last->seq != range.to || range.from > range.to) return {};
  if (!replica.state().counting().heads.contains(last->place())) return {};
  Run run{last->chain, {}, range.to, 0};
  while (true) {
    auto const& chain = replica.state().chains().at(run.chain);
    run.next = std::max({range.from, chain.first, Seq{1}});
    if (run.next <= run.last) {
      KITH_CHECK(look_at(replica, run));
      runs_.push_back(run);
    }
    if (chain.parent.value == 0 || range.from >= chain.first) return {};
    run = {chain.parent, {}, {chain.first.value - 1}, 0};
  }
}

Result<> EntryStream::look_at(core::Replica& replica, Run& run) {
  KITH_TRY(hash, replica.state().hash_at({run.chain, run.next}));
  KITH_TRY(record, replica.state().record(hash));
  if (!record) return fail(core::CoreError::corrupt_record);
  run.position = record->position;
  return {};
}

Result<std::optional<EntryHash>> EntryStream::take_next(core::Replica& replica) {
  if (!epochs_first_.empty()) {
    auto const hash = epochs_first_.front();
    epochs_first_.pop_front();
    return std::optional(hash);
  }
  while (!runs_.empty()) {
    auto const run = std::ranges::min_element(runs_, {}, &Run::position);
    KITH_TRY(hash, replica.state().hash_at({run->chain, run->next}));
    ++run->next.value;
    if (run->next > run->last) {
      runs_.erase(run);
    } else {
      KITH_CHECK(look_at(replica, *run));
    }
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
