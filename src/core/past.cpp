#include "core/past.hpp"

#include <algorithm>

namespace kith::core {
namespace {

constexpr std::size_t kPlaceBytes = 12;

template <class Places>
auto find_chain(Places& places, ChainNo chain) {
  return std::ranges::lower_bound(places, chain, {}, &ChainPlace::chain);
}

}  // namespace

Seq Past::last(ChainNo chain) const {
  auto const found = find_chain(places_, chain);
  return found != places_.end() && found->chain == chain ? found->seq : Seq{};
}

void Past::include(ChainPlace place) {
  auto const found = find_chain(places_, place.chain);
  if (found != places_.end() && found->chain == place.chain) {
    found->seq = std::max(found->seq, place.seq);
  } else {
    places_.insert(found, place);
  }
}

void Past::include(Past const& other) {
  std::vector<ChainPlace> merged;
  merged.reserve(places_.size() + other.places_.size());
  auto mine = places_.begin();
  for (auto const& theirs : other.places_) {
    while (mine != places_.end() && mine->chain < theirs.chain) merged.push_back(*mine++);
    bool const both = mine != places_.end() && mine->chain == theirs.chain;
    merged.push_back(both ? std::max(theirs, *mine++) : theirs);
  }
  merged.insert(merged.end(), mine, places_.end());
  places_ = std::move(merged);
}

bool Past::includes(Past const& other) const {
  return std::ranges::all_of(other.places_, [&](ChainPlace place) { return contains(place); });
}

Bytes Past::encode() const {
  Bytes out;
  out.reserve(places_.size() * kPlaceBytes);
  for (auto const& place : places_) {
    append_be(out, place.chain.value);
    append_be(out, place.seq.value);
  }
  return out;
}

Result<Past> Past::decode(ByteView in) {
  if (in.size() % kPlaceBytes != 0) return fail(CoreError::corrupt_record);
  Past past;
  past.places_.reserve(in.size() / kPlaceBytes);
  for (; !in.empty(); in = in.subspan(kPlaceBytes)) {
    ChainPlace const place{{load_be<std::uint32_t>(in.data())}, {load_be<std::uint64_t>(in.data() + 4)}};
    if (!past.places_.empty() && past.places_.back().chain >= place.chain) return fail(CoreError::corrupt_record);
    past.places_.push_back(place);
  }
  return past;
}

}  // namespace kith::core
