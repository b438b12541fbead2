#pragma once

#include <map>

#include "core/counting.hpp"
#include "core/epoch_book.hpp"
#include "support/history.hpp"
#include "support/seeds.hpp"

namespace kith::testing {

/// What a device concludes from the entries it holds, in terms that do not depend on how it numbered its chains.
struct Conclusions {
  crypto::Hash256 roster;
  std::vector<DeviceId> active_by_rank;
  std::vector<core::EpochBook::Epoch> valid_epochs;
  EventSet counted;
  EventSet heads;
  friend bool operator==(Conclusions const&, Conclusions const&) = default;
  /// What differs, in words; empty where nothing does.
  [[nodiscard]] std::string difference(Conclusions const& other) const;
};

/// One device's copy of a history, or of a part of it: numbers chains in the order in which entries arrive, as a
/// replica does, and asks the product's roster, counting and epochs what follows.
class LocalGraph {
 public:
  explicit LocalGraph(History const& history) : history_(history) {}
  /// The part `held` of a history, in its own order or in another that has causes first.
  LocalGraph(History const& history, EventSet const& held);
  LocalGraph(History const& history, std::vector<EventNo> const& order);

  void add(EventNo event);  ///< its past has been added
  void add_all(EventSet const& events);
  void settle();  ///< computes roster, counting and epochs anew

  [[nodiscard]] EventSet const& held() const { return held_; }
  [[nodiscard]] core::Roster const& roster() const { return roster_; }
  [[nodiscard]] core::Counting const& counting() const { return counting_; }
  [[nodiscard]] core::EpochBook const& book() const { return book_; }
  [[nodiscard]] std::map<core::ChainNo, core::CountedChain> const& chains() const { return chains_; }
  [[nodiscard]] core::RosterEntry roster_entry(EventNo event) const;
  [[nodiscard]] std::vector<core::RosterEntry> const& roster_entries() const { return roster_entries_; }
  [[nodiscard]] core::ChainPlace place(EventNo event) const { return places_.at(event); }
  [[nodiscard]] EventNo event_at(core::ChainPlace place) const { return events_.at(place); }
  [[nodiscard]] core::Past const& past(EventNo event) const { return pasts_.at(event); }
  [[nodiscard]] EventSet counted() const;
  [[nodiscard]] EventSet heads() const;
  [[nodiscard]] Conclusions conclusions() const;

 private:
  [[nodiscard]] core::ChainPlace place_for(EventNo event);

  History const& history_;
  EventSet held_;
  std::map<core::ChainNo, core::CountedChain> chains_;
  std::map<EventNo, core::ChainPlace> places_;
  std::map<core::ChainPlace, EventNo> events_;
  std::map<EventNo, core::Past> pasts_;
  std::vector<core::RosterEntry> roster_entries_;
  core::Roster roster_;
  core::Counting counting_;
  core::EpochBook book_;
};

/// Any order of `held` that has causes before effects.
[[nodiscard]] std::vector<EventNo> causal_order(History const& history, EventSet const& held, Dice& dice);

}  // namespace kith::testing
