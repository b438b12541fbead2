#include "core/counting.hpp"

#include <algorithm>

namespace kith::core {
namespace {

Seq before(Seq seq) { return {seq.value - 1}; }

class Counter {
 public:
  Counter(Roster const& roster, std::map<ChainNo, CountedChain> const& chains, PastOf const& past_of)
      : roster_(roster), chains_(chains), past_of_(past_of) {}

  Result<Counting> count() {
    for (auto const& [chain, facts] : chains_) {
      auto const* member = roster_.find(facts.author);
      bool const doubted = member == nullptr || !member->removes.empty();
      result_.counted[chain] = doubted ? before(facts.first) : facts.last;
      if (member != nullptr && doubted) doubted_.push_back(chain);
    }
    KITH_CHECK(settle_unreached());
    for (bool grown = true; grown;) {
      grown = false;
      witnesses_.clear();
      for (ChainNo const chain : doubted_) {
        KITH_TRY(seq, counted_now(chain));
        if (seq <= result_.counted[chain]) continue;
        result_.counted[chain] = seq;
        grown = true;
      }
    }
    KITH_CHECK(gather_heads());
    return std::move(result_);
  }

 private:
  /// Witnesses are founded. Where nothing that founded devices wrote knows an unfounded device's chain, there is no
  /// need to look for one, however many such chains there are.
  Result<> settle_unreached() {
    auto const unfounded = [&](ChainNo chain) {
      auto const* member = roster_.find(chains_.at(chain).author);
      return member == nullptr || member->state == MemberState::unfounded;
    };
    if (std::ranges::none_of(doubted_, unfounded)) return {};
    Past reached;
    for (auto const& [chain, facts] : chains_) {
      if (unfounded(chain)) continue;
      KITH_TRY(past, past_of_({chain, facts.last}));
      reached.include(past);
    }
    std::vector<ChainNo> open;
    for (ChainNo const chain : doubted_) {
      if (!unfounded(chain) || reached.last(chain).value > 0) {
        open.push_back(chain);
        continue;
      }
      KITH_TRY(seq, counted_now(chain, false));
      result_.counted[chain] = std::max(result_.counted[chain], seq);
    }
    doubted_ = std::move(open);
    return {};
  }

  /// How far a removed author's chain counts, given what is known to count so far.
  Result<Seq> counted_now(ChainNo chain, bool may_have_witnesses = true) {
    auto const& facts = chains_.at(chain);
    Seq counted = facts.last;
    for (auto const& remove : roster_.find(facts.author)->removes) {
      Seq vouched = remove.past.last(chain);
      if (vouched < counted && remove.through) {
        KITH_TRY(without, last_not_knowing(chain, facts.first, facts.last, *remove.through));
        vouched = std::max(vouched, without);  // these entries are not concerned
      }
      if (vouched < counted && may_have_witnesses) {
        KITH_TRY(witnesses, witnesses_without(facts.author, remove));
        vouched = std::max(vouched, witnesses->last(chain));
      }
      counted = std::min(counted, vouched);
    }
    return counted;
  }

  /// The pasts of counting entries by independent devices that do not know `remove`: computed once in each round for
  /// all chains of the author. What comes to count meanwhile is seen in the next round.
  Result<Past const*> witnesses_without(DeviceId const& author, CountedRemove const& remove) {
    auto const [known, is_new] = witnesses_.try_emplace({author, remove.place});
    if (!is_new) return &known->second;
    auto const independent = independent_.try_emplace(author);
    if (independent.second) independent.first->second = roster_.founded_without(author);
    for (auto const& [other, facts] : chains_) {
      if (facts.author == author || !independent.first->second.contains(facts.author)) continue;
      KITH_TRY(seq, last_not_knowing(other, facts.first, result_.counted.at(other), remove.place));
      if (seq < facts.first) continue;
      KITH_TRY(past, past_of_({other, seq}));
      known->second.include(past);
    }
    return &known->second;
  }

  /// Pasts only grow along a chain, so the entries that do not know `place` are its beginning: binary search.
  Result<Seq> last_not_knowing(ChainNo chain, Seq first, Seq last, ChainPlace place) {
    std::uint64_t low = first.value, high = last.value + 1;  // the first entry that knows it is in [low, high]
    while (low < high) {
      std::uint64_t const middle = low + (high - low) / 2;
      KITH_TRY(past, past_of_({chain, {middle}}));
      if (past.contains(place)) {
        high = middle;
      } else {
        low = middle + 1;
      }
    }
    return Seq{low - 1};
  }

  Result<> gather_heads() {
    for (auto const& [chain, facts] : chains_) {
      Seq const counted = result_.counted.at(chain);
      if (counted < facts.first) continue;
      KITH_TRY(past, past_of_({chain, counted}));
      result_.heads.include(past);
    }
    for (auto const& place : roster_.bearing()) {
      KITH_TRY(past, past_of_(place));
      result_.heads.include(past);
    }
    return {};
  }

  Roster const& roster_;
  std::map<ChainNo, CountedChain> const& chains_;
  PastOf const& past_of_;
  std::vector<ChainNo> doubted_;
  std::map<DeviceId, std::set<DeviceId>> independent_;         ///< devices that exist without one
  std::map<std::pair<DeviceId, ChainPlace>, Past> witnesses_;  ///< of this round
  Counting result_;
};

}  // namespace

Result<Counting> compute_counting(Roster const& roster, std::map<ChainNo, CountedChain> const& chains,
                                  PastOf const& past_of) {
  return Counter(roster, chains, past_of).count();
}

}  // namespace kith::core
