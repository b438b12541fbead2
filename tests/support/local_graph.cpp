#include "support/local_graph.hpp"

#include <algorithm>

#include "support/must.hpp"

namespace kith::testing {

using core::ChainNo;
using core::ChainPlace;

std::string Conclusions::difference(Conclusions const& other) const {
  std::string out;
  auto const say = [&](bool same, std::string_view what) {
    if (!same) out += fmt::format("{}{} differ", out.empty() ? "" : ", ", what);
  };
  auto const sets = [&](EventSet const& a, EventSet const& b, std::string_view what) {
    if (a == b) return;
    say(false, what);
    for (EventNo i = 0; i < kMaxEvents; ++i) {
      if (a.test(i) != b.test(i)) out += fmt::format(" {}#{}", a.test(i) ? '-' : '+', i);
    }
  };
  say(roster == other.roster, "rosters");
  say(active_by_rank == other.active_by_rank, "active devices");
  say(valid_epochs == other.valid_epochs, "valid epochs");
  sets(counted, other.counted, "counting entries");
  sets(heads, other.heads, "heads");
  return out;
}

LocalGraph::LocalGraph(History const& history, EventSet const& held) : history_(history) {
  add_all(held);
  settle();
}

LocalGraph::LocalGraph(History const& history, std::vector<EventNo> const& order) : history_(history) {
  for (EventNo const event : order) add(event);
  settle();
}

void LocalGraph::add_all(EventSet const& events) {
  for (EventNo i = 0; i < history_.size(); ++i) {
    if (events.test(i) && !held_.test(i)) add(i);
  }
}

ChainPlace LocalGraph::place_for(EventNo event) {
  Seq const seq = history_.seq(event);
  if (auto const prev = history_.at(event).prev) {
    auto const before = places_.at(*prev);
    auto& chain = chains_.at(before.chain);
    if (chain.last == before.seq) {
      chain.last = seq;
      return {before.chain, seq};
    }
  }
  ChainNo const number{chains_.empty() ? 1 : chains_.rbegin()->first.value + 1};
  chains_[number] = {history_.at(event).author, seq, seq};
  return {number, seq};
}

void LocalGraph::add(EventNo event) {
  auto const& facts = history_.at(event);
  core::Past past;
  if (facts.prev) past.include(pasts_.at(*facts.prev));
  for (EventNo const tip : facts.tips) past.include(pasts_.at(tip));
  ChainPlace const place = place_for(event);
  past.include(place);
  pasts_[event] = past;
  places_[event] = place;
  events_[place] = event;
  held_.set(event);
  if (!facts.ops.empty()) roster_entries_.push_back(roster_entry(event));
}

core::RosterEntry LocalGraph::roster_entry(EventNo event) const {
  auto const& facts = history_.at(event);
  core::RosterEntry entry;
  entry.hash = facts.hash;
  entry.author = facts.author;
  entry.place = places_.at(event);
  entry.past = pasts_.at(event);
  entry.hlc = facts.hlc;
  entry.sealed_under = facts.sealed_under;
  for (std::uint32_t i = 0; i < facts.ops.size(); ++i) entry.ops.emplace_back(i, facts.ops[i]);
  entry.recovery_signed = facts.recovery_signed;
  return entry;
}

void LocalGraph::settle() {
  roster_ = core::compute_roster(roster_entries_);
  counting_ = must(core::compute_counting(
      roster_, chains_, [this](ChainPlace place) -> Result<core::Past> { return pasts_.at(events_.at(place)); }));
  book_ = core::EpochBook(roster_entries_, roster_, counting_.heads);
}

EventSet LocalGraph::counted() const {
  EventSet set;
  for (auto const& [event, place] : places_) {
    if (place.seq <= counting_.counted.at(place.chain)) set.set(event);
  }
  return set;
}

EventSet LocalGraph::heads() const {
  EventSet set;
  for (auto const& [event, place] : places_) {
    if (counting_.heads.contains(place)) set.set(event);
  }
  return set;
}

Conclusions LocalGraph::conclusions() const {
  return {roster_.digest(), roster_.active_by_rank(), book_.valid(), counted(), heads()};
}

std::vector<EventNo> causal_order(History const& history, EventSet const& held, Dice& dice) {
  std::vector<EventNo> order;
  EventSet done;
  EventSet left = held;
  while (left.any()) {
    std::vector<EventNo> ready;
    for (EventNo i = 0; i < history.size(); ++i) {
      EventSet others = history.past(i) & ~done;
      if (left.test(i) && others.reset(i).none()) ready.push_back(i);
    }
    EventNo const next = ready[dice.below(ready.size())];
    order.push_back(next);
    done.set(next);
    left.reset(next);
  }
  return order;
}

}  // namespace kith::testing
