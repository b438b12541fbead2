#include "sync/relays/taken.hpp"

#include <algorithm>
#include <numeric>

namespace kith::sync {
namespace {

Bytes bits_of(std::vector<bool> const& stored) {
  Bytes bits((stored.size() + 7) / 8, 0);
  for (std::size_t i = 0; i < stored.size(); ++i) {
    if (stored[i]) bits[i / 8] = static_cast<std::uint8_t>(bits[i / 8] | 1U << i % 8);
  }
  while (!bits.empty() && bits.back() == 0) bits.pop_back();
  return bits;
}

/// So many spans as may be told, in one go: a hostile member can announce any number of objects. No bits are kept then,
/// and the widest gaps stay.
void merge_nearest(std::vector<Taken::Open>& open) {
  if (open.size() <= Taken::kMostOpen) return;
  std::vector<std::size_t> ends(open.size() - 1);  // the spans before gaps
  std::iota(ends.begin(), ends.end(), std::size_t{0});
  auto const gap = [&](std::size_t at) { return open[at + 1].first.value - open[at].last.value; };
  auto const kept = ends.begin() + static_cast<std::ptrdiff_t>(Taken::kMostOpen - 1);
  std::nth_element(ends.begin(), kept, ends.end(), [&](std::size_t a, std::size_t b) { return gap(a) > gap(b); });
  ends.erase(kept, ends.end());
  ends.push_back(open.size() - 1);
  std::sort(ends.begin(), ends.end());
  std::vector<Taken::Open> merged;
  std::size_t begin = 0;
  for (auto const end : ends) {
    merged.push_back({open[begin].first, open[end].last, {}});
    begin = end + 1;
  }
  open = std::move(merged);
}

}  // namespace

bool Taken::valid() const {
  std::uint64_t before = 0;
  for (auto const& span : open) {
    bool const fits = span.first.value > before && span.last >= span.first && span.last <= upto &&
                      (span.bits.empty() || (span.first == span.last && span.bits.back() != 0));
    if (!fits) return false;
    before = span.last.value;
  }
  return true;
}

Taken::Open const* Taken::find_open(wire::RelayCursor cursor) const {
  auto const span = std::ranges::lower_bound(open, cursor, {}, &Open::last);
  return span != open.end() && span->first <= cursor ? &*span : nullptr;
}

std::uint64_t Taken::mark_of(ChunkId const& chunk) { return load_be<std::uint64_t>(chunk.bytes.data()); }

/// The longest bits go first, then the two spans with the least between them become one.
bool Taken::shorten() {
  auto const longest = std::ranges::max_element(open, {}, [](Open const& span) { return span.bits.size(); });
  if (longest != open.end() && !longest->bits.empty()) {
    longest->bits.clear();
    return true;
  }
  if (open.size() < 2) return false;
  std::size_t best = 0;
  for (std::size_t i = 1; i + 1 < open.size(); ++i) {
    auto const between = [&](std::size_t at) { return open[at + 1].first.value - open[at].last.value; };
    if (between(i) < between(best)) best = i;
  }
  open[best].last = open[best + 1].last;
  open.erase(open.begin() + static_cast<std::ptrdiff_t>(best) + 1);
  return true;
}

Taken taken_of(ObjectBook const& book, DeviceId const& self, wire::LogEpoch const& log_epoch, wire::RelayCursor upto) {
  Taken taken;
  taken.log_epoch = log_epoch;
  taken.upto = upto;
  std::map<wire::RelayCursor, ObjectBook::Known const*> announced;  // null: could not be opened
  for (auto const& [object, known] : book.objects()) {
    if (known.device != self) announced.emplace(known.cursor, &known);
  }
  for (auto const& [cursor, bytes] : book.kept_places()) announced.emplace(cursor, nullptr);
  // Beyond as many as are remembered, nothing is known of what could not be opened.
  if (book.kept_places().size() >= ObjectBook::kMostKeptPlaces) {
    auto const last = book.kept_places().rbegin()->first;
    announced.erase(announced.upper_bound(last), announced.end());
    if (last < upto) announced.emplace(upto, nullptr);
  }
  bool joins = false;  // nothing that was taken lies between this one and the one before
  for (auto const& [cursor, known] : announced) {
    if (cursor.value == 0 || cursor > upto) continue;
    if (known != nullptr && known->missing == 0) {
      joins = false;
      continue;
    }
    Bytes bits = known == nullptr ? Bytes{} : bits_of(known->stored);
    if (joins && bits.empty() && taken.open.back().bits.empty()) {
      taken.open.back().last = cursor;
    } else {
      taken.open.push_back({cursor, cursor, std::move(bits)});
    }
    joins = true;
  }
  merge_nearest(taken.open);
  return taken;
}

}  // namespace kith::sync
