#pragma once

#include <map>
#include <optional>
#include <set>
#include <span>
#include <vector>

#include "core/roster.hpp"

/// What the entries say about epochs: which rotate is valid, who can read which epoch, and which epoch carries the
/// secrets of which others. A pure function of the entries that hold roster ops. @see docs/spec/epochs.md
namespace kith::core {

class EpochBook {
 public:
  EpochBook() = default;
  /// @param heads  entries outside it may vanish from other devices: what they carry does not count as carried
  EpochBook(std::span<RosterEntry const> entries, Roster const& roster, Past const& heads);

  /// A valid rotate's epoch, ordered by (number, id): the larger is the one to seal under.
  struct Epoch {
    std::uint64_t number = 0;
    EpochId id;
    std::uint64_t hlc = 0;  ///< when it was started
    friend auto operator<=>(Epoch const& a, Epoch const& b) {
      return std::tie(a.number, a.id) <=> std::tie(b.number, b.id);
    }
    friend bool operator==(Epoch const& a, Epoch const& b) { return a.number == b.number && a.id == b.id; }
  };

  /// All valid epochs, largest first.
  [[nodiscard]] std::vector<Epoch> const& valid() const { return valid_; }
  /// The largest valid epoch among those whose secret `known` holds.
  [[nodiscard]] std::optional<Epoch> largest(std::set<EpochId> const& known) const;

  /// Whether an epoch's recipients are exactly these devices: its rotate's list and everyone whose device_add names it.
  [[nodiscard]] bool recipients_are(EpochId const& epoch, std::vector<DeviceId> const& active) const;

  /// 1 + the largest number in `past` that fits itself: what a rotate written on top of it must say.
  [[nodiscard]] std::uint64_t next_number(Past const& past) const;

  /// Epochs whose secrets can be had from `epoch`'s, through entries sealed under it; itself included.
  [[nodiscard]] std::set<EpochId> carried_by(EpochId const& epoch) const;

 private:
  struct Numbered {
    RosterEntry const* entry;
    std::uint64_t number;
    bool fits;  ///< number is 1 + the largest fitting one in its past
  };
  struct NumberAt {
    Seq seq;
    std::uint64_t number;
  };
  /// Of the fitting rotates in `past`, without `self`.
  [[nodiscard]] std::uint64_t largest_number(Past const& past, std::optional<ChainPlace> self) const;

  std::vector<Epoch> valid_;
  std::map<ChainNo, std::vector<NumberAt>> fitting_;  ///< ascending in each chain, as the numbers are
  std::map<EpochId, std::set<DeviceId>> recipients_;
  std::map<EpochId, std::set<EpochId>> carries_;
};

}  // namespace kith::core
