#include <algorithm>

#include "core/group_state.hpp"
#include "core/vouching.hpp"

/// Logs and branches: how many each device may have, and where they end. @see docs/spec/entries.md, "Branches"
namespace kith::core {
namespace {

/// A device with so many logs is looked after: half of what others take in unasked.
constexpr std::size_t kCrowd = kLimits.max_apart_chains / 2;

}  // namespace

/// A function of the entry's past alone, so that all who hold that agree.
Result<> GroupState::check_branches(OpenedEntry const& entry, Past const& past) const {
  auto const found = device_chains_.find(entry.body.author);
  if (found == device_chains_.end() || found->second.size() < kLimits.max_author_branches) return {};
  std::set<ChainNo> ended;  // chains whose last entry in the past no entry of the past goes on from
  for (auto const number : found->second) {
    if (past.last(number).value > 0) ended.insert(number);
  }
  for (auto const number : found->second) {
    auto const& chain = chains_.at(number);
    bool const goes_on = chain.parent.value != 0 && past.last(number).value > 0 &&
                         past.last(chain.parent).value + 1 == chain.first.value;
    if (goes_on) ended.erase(chain.parent);
  }
  std::size_t branches = ended.size() + 1;
  if (entry.body.seq.value > 1) {  // it goes on from one of them, unless that went on already
    KITH_TRY(before, record(entry.body.prev));
    if (before && ended.contains(before->chain) && past.last(before->chain) == before->seq) --branches;
  }
  if (branches <= kLimits.max_author_branches) return {};
  return fail(CoreError::bad_entry, CountDetail{branches, kLimits.max_author_branches});
}

/// A log or branch is taken in by itself as long as its author has few that it does not know of, and one that will be
/// set aside as long as there is room for that. Beyond it is taken in when an entry by somebody else waits for it: so
/// all come to hold what any honest device has built upon, and one that floods gives each of them a limited number.
Result<> GroupState::check_room_for_chain(OpenedEntry const& entry, Past const& past, Vouching& vouching) {
  auto const& author = entry.body.author;
  if (author == identity_.device()) return {};
  if (chains_.size() >= kLimits.max_chains) {  // a past, which names all that count, must stay a row that can be read
    KITH_TRY(aside, set_aside());
    std::size_t const counting = chains_.size() - std::min<std::size_t>(chains_.size(), aside.chains);
    if (counting >= kLimits.max_chains) {
      return fail(CoreError::bad_entry, CountDetail{counting, kLimits.max_chains});
    }
  }
  std::optional<CountDetail> full;
  auto const found = device_chains_.find(author);
  auto const apart = found == device_chains_.end()
                         ? std::size_t{0}
                         : static_cast<std::size_t>(std::ranges::count_if(
                               found->second, [&](ChainNo number) { return past.last(number).value == 0; }));
  if (apart >= kLimits.max_apart_chains) full = CountDetail{apart, kLimits.max_apart_chains};
  if (!full && doubted(author)) {
    KITH_TRY(room, room_to_set_aside(author, {.chains = 1}));
    if (!room) full = CountDetail{kMostSetAside.chains, kMostSetAside.chains};
  }
  if (!full) return {};
  KITH_TRY(needed, vouching.needs(entry.hash));
  if (needed) return {};
  KITH_TRY(named, vouching.names(entry.body.log()));
  if (named) return {};
  return fail(CoreError::bad_entry, *full);
}

std::size_t GroupState::chains_of(DeviceId const& device) const {
  auto const found = device_chains_.find(device);
  return found == device_chains_.end() ? 0 : found->second.size();
}

Result<bool> GroupState::crowd_unnamed() const {
  auto const crowded = [](auto const& device) { return device.second.size() >= kCrowd; };
  if (std::ranges::none_of(device_chains_, crowded)) return false;
  Past named;
  for (auto const& [device, numbers] : device_chains_) {
    if (device != identity_.device() && numbers.size() >= kCrowd) continue;
    for (auto const number : numbers) {
      Seq const end = counting_.heads.last(number);
      if (end < chains_.at(number).first) continue;
      KITH_TRY(past, past_at({number, end}));
      named.include(past);
    }
  }
  return std::ranges::any_of(device_chains_, [&](auto const& device) {
    return device.first != identity_.device() && crowded(device) &&
           std::ranges::any_of(device.second, [&](ChainNo number) {
             return counting_.heads.last(number).value > 0 && named.last(number).value == 0;
           });
  });
}

Result<std::vector<Tip>> GroupState::tips(Past const* beyond) const {
  std::vector<Tip> tips;
  for (auto const& place : counting_.heads.places()) {
    if (beyond != nullptr && beyond->contains(place)) continue;
    bool const goes_on = std::ranges::any_of(chains_, [&](auto const& numbered) {
      auto const& [number, chain] = numbered;
      return chain.parent == place.chain && chain.first.value == place.seq.value + 1 &&
             counting_.heads.contains({number, chain.first});
    });
    if (goes_on) continue;
    auto const& chain = chains_.at(place.chain);
    EntryHash hash = chain.last_hash;
    if (chain.last != place.seq) {
      KITH_TRY(found, hash_at(place));
      hash = found;
    }
    tips.push_back({chain.log, place.seq, hash});
  }
  std::ranges::sort(tips);
  return tips;
}

Result<std::vector<Tip>> GroupState::leading(std::vector<Tip> tips) const {
  Past behind;  // everything that is in the past of one of them, and not just that one itself
  std::vector<std::pair<Tip, ChainPlace>> placed;
  for (auto const& tip : tips) {
    KITH_TRY(found, record(tip.hash));
    if (!found) return fail(CoreError::corrupt_record);
    placed.emplace_back(tip, found->place());
    for (auto place : found->past.places()) {
      if (place == found->place()) --place.seq.value;
      if (place.seq.value > 0) behind.include(place);
    }
  }
  tips.clear();
  for (auto const& [tip, place] : placed) {
    if (!behind.contains(place)) tips.push_back(tip);
  }
  return tips;
}

std::optional<ChainNo> GroupState::last_chain(LogId const& log) const {
  auto const found = log_chains_.find(log);
  if (found == log_chains_.end()) return std::nullopt;
  return *std::ranges::max_element(found->second, {}, [&](ChainNo number) { return chains_.at(number).last; });
}

}  // namespace kith::core
