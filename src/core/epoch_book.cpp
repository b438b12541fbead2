#include "core/epoch_book.hpp"

#include <algorithm>

namespace kith::core {

EpochBook::EpochBook(std::span<RosterEntry const> entries, Roster const& roster, Past const& heads) {
  // A number fits by what is in its own past only, so whether it does never changes when more entries arrive.
  std::vector<Numbered> rotates;
  for (auto const& entry : entries) {
    for (auto const& [index, op] : entry.ops) {
      if (auto const* rotate = std::get_if<Rotation>(&op)) rotates.push_back({&entry, rotate->epoch_no, false});
    }
  }
  auto const past_size = [](Numbered const& numbered) {
    std::uint64_t size = 0;
    for (auto const& place : numbered.entry->past.places()) size += place.seq.value;
    return size;
  };
  std::ranges::sort(rotates, {}, past_size);  // whatever is in the past of an entry has a smaller past
  for (auto& rotate : rotates) {
    auto const& place = rotate.entry->place;
    rotate.fits = rotate.number == largest_number(rotate.entry->past, place) + 1;
    if (rotate.fits) fitting_[place.chain].push_back({place.seq, rotate.number});
  }

  for (auto const& rotate : rotates) {
    for (auto const& [index, op] : rotate.entry->ops) {
      auto const* fields = std::get_if<Rotation>(&op);
      if (fields == nullptr) continue;
      EpochId const& epoch = rotate.entry->sealed_under;
      recipients_[epoch].insert(fields->recipients.begin(), fields->recipients.end());
      if (rotate.fits && roster.stands(*rotate.entry, index))
        valid_.push_back({rotate.number, epoch, rotate.entry->hlc});
    }
  }
  std::ranges::sort(valid_, std::greater{});

  for (auto const& entry : entries) {
    for (auto const& [index, op] : entry.ops) {
      if (auto const* add = std::get_if<wire::DeviceAdd>(&op)) recipients_[add->epoch].insert(add->cert.device);
      if (!heads.contains(entry.place)) continue;
      auto const carry = [&](std::vector<EpochId> const& epochs) {
        carries_[entry.sealed_under].insert(epochs.begin(), epochs.end());
      };
      if (auto const* rotation = std::get_if<Rotation>(&op)) carry(rotation->carries);
      if (auto const* handed_on = std::get_if<HandedOn>(&op)) carry(handed_on->carries);
    }
  }
}

std::optional<EpochBook::Epoch> EpochBook::largest(std::set<EpochId> const& known) const {
  auto const found = std::ranges::find_if(valid_, [&](Epoch const& epoch) { return known.contains(epoch.id); });
  return found == valid_.end() ? std::nullopt : std::optional(*found);
}

bool EpochBook::recipients_are(EpochId const& epoch, std::vector<DeviceId> const& active) const {
  auto const found = recipients_.find(epoch);
  return found != recipients_.end() && found->second == std::set<DeviceId>(active.begin(), active.end());
}

std::uint64_t EpochBook::next_number(Past const& past) const { return largest_number(past, std::nullopt) + 1; }

std::uint64_t EpochBook::largest_number(Past const& past, std::optional<ChainPlace> self) const {
  std::uint64_t largest = 0;
  for (auto const& [chain, numbers] : fitting_) {
    Seq last = past.last(chain);
    if (self && self->chain == chain) last = Seq{self->seq.value - 1};
    auto const behind = std::ranges::upper_bound(numbers, last, {}, &NumberAt::seq);
    if (behind != numbers.begin()) largest = std::max(largest, std::prev(behind)->number);
  }
  return largest;
}

std::set<EpochId> EpochBook::carried_by(EpochId const& epoch) const {
  std::set<EpochId> carried{epoch};
  std::vector<EpochId> open{epoch};
  while (!open.empty()) {
    EpochId const next = open.back();
    open.pop_back();
    auto const found = carries_.find(next);
    if (found == carries_.end()) continue;
    for (auto const& further : found->second) {
      if (carried.insert(further).second) open.push_back(further);
    }
  }
  return carried;
}

}  // namespace kith::core
