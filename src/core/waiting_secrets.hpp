#pragma once

#include <set>
#include <span>
#include <utility>
#include <vector>

#include "core/records.hpp"

namespace kith::core {

/// Which epochs' secrets are in entries that wait: what could not be kept is found there, and what is kept for such
/// entries alone goes with the last of them.
class WaitingSecrets {
 public:
  /// What the rows of one secret take up on a disk: two keys, and the pages around them.
  static constexpr std::size_t kBytesEach = 160;

  explicit WaitingSecrets(Store& store) : store_(store) {}

  /// An entry begins to wait.
  [[nodiscard]] Result<> note(EntryHash const& entry, std::span<EpochId const> epochs);
  /// It waits no longer.
  [[nodiscard]] Result<> forget(EntryHash const& entry);
  /// How much of the disk is taken up for an entry by what was noted.
  [[nodiscard]] Result<std::size_t> bytes_of_rows(EntryHash const& entry) const;
  /// Waiting entries for which this epoch was noted, at most `most`.
  [[nodiscard]] Result<std::vector<EntryHash>> holders(EpochId const& epoch, std::size_t most) const;
  /// Epochs of entries forgotten since the last call.
  [[nodiscard]] std::set<EpochId> take_forgotten() { return std::exchange(forgotten_, {}); }

 private:
  [[nodiscard]] Result<std::vector<EpochId>> noted(EntryHash const& entry) const;

  Store& store_;
  std::set<EpochId> forgotten_;
};

}  // namespace kith::core
