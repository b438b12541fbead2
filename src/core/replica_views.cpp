#include <algorithm>

#include "core/replica.hpp"

/// What a replica shows to its views. @see docs/spec/views.md
namespace kith::core {
namespace {

constexpr std::string_view kPositionKey = "last_position";

}  // namespace

/// Brings the views up to what counts now. Entries that counted and do so no longer cannot be taken out of a view: then
/// all views are built again, which only a removal can cause. So they are where an entry comes to count of which the
/// views have taken in an effect: they would not be what they are for those who knew it in its time.
Result<> Replica::show_to_views() {
  struct Due {
    std::uint64_t position;
    EntryHash hash;
    EntryRecord record;
  };
  std::vector<Due> due;
  for (auto const& [number, chain] : state_.chains()) {
    Seq const counted = state_.counting().counted.at(number);
    if (counted < chain.viewed) return rebuild_views();
    for (Seq seq{chain.viewed.value + 1}; seq <= counted; ++seq.value) {
      KITH_TRY(hash, state_.hash_at({number, seq}));
      KITH_TRY(record, state_.record(hash));
      if (!record) return fail(CoreError::corrupt_record);
      due.push_back({record->position, hash, std::move(*record)});
    }
  }
  if (due.empty()) return {};
  std::ranges::sort(due, {}, &Due::position);
  // Entries come to count late when a witness vouches for them. A view must not be shown one behind what it caused.
  KITH_TRY(last_position, get_number(store_, kPositionKey));
  bool const all_new = due.front().position + due.size() == last_position + 1;
  if (!all_new) {
    KITH_TRY(shown, shown_past());
    if (std::ranges::any_of(due, [&](Due const& entry) { return shown.contains(entry.record.place()); }))
      return rebuild_views();
  }
  for (auto const& entry : due) {
    KITH_TRY(opened, state_.open_stored(entry.hash));
    for (auto* view : views_) KITH_CHECK(view->apply(opened, entry.record));
  }
  for (auto const& entry : due) {
    if (state_.chains().at(entry.record.chain).viewed < entry.record.seq) {
      KITH_CHECK(state_.set_viewed(entry.record.chain, entry.record.seq));
    }
  }
  return {};
}

/// Everything that is in the past of an entry that the views have taken in. Pasts grow along a chain: its last one says
/// all.
Result<Past> Replica::shown_past() const {
  Past shown;
  for (auto const& [number, chain] : state_.chains()) {
    if (chain.viewed < chain.first) continue;
    KITH_TRY(past, state_.past_at({number, chain.viewed}));
    shown.include(past);
  }
  return shown;
}

Result<> Replica::rebuild_views() {
  return in_transaction([&]() -> Result<> {
    KITH_CHECK(state_.refresh());
    for (auto* view : views_) KITH_CHECK(view->clear());
    std::vector<EntryHash> order;
    KITH_CHECK(store_.scan(Table::applied, {}, {}, [&](ByteView, ByteView value) {
      order.push_back(EntryHash::from(value).value_or(EntryHash{}));
      return Store::Next::go_on;
    }));
    for (auto const& hash : order) {
      KITH_TRY(record, state_.record(hash));
      if (!record) return fail(CoreError::corrupt_record);
      if (record->seq > state_.counting().counted.at(record->chain)) continue;
      KITH_TRY(opened, state_.open_stored(hash));
      for (auto* view : views_) KITH_CHECK(view->apply(opened, *record));
    }
    std::vector<std::pair<ChainNo, Seq>> viewed;
    for (auto const& [number, seq] : state_.counting().counted) viewed.emplace_back(number, seq);
    for (auto const& [number, seq] : viewed) KITH_CHECK(state_.set_viewed(number, seq));
    return {};
  });
}

}  // namespace kith::core
