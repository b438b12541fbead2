#pragma once

#include <optional>
#include <string_view>

#include "core/replica.hpp"

namespace kith::sim {

/// What a forger makes.
enum class Forgery : std::uint8_t {
  flipped,      ///< one bit of an entry is another one
  commitment,   ///< the same, in the key commitment alone: the rest would open
  spliced,      ///< the clear header of one entry before the body of another
  other_epoch,  ///< the header names another epoch that the group has
  foreign,      ///< rightly formed, of an epoch of another group
  altered,      ///< opened, changed, and sealed again with the signature that it had
  resigned,     ///< opened and sealed again with one bit of the signature changed
  moved,        ///< opened, and sealed again under another epoch
  in_his_name,  ///< the next entry of somebody's log, signed by somebody else
  stranger,     ///< in a name that nobody let in, and rightly signed by it
  kinds,        ///< how many
};
constexpr std::string_view name_of(Forgery forgery) {
  constexpr std::string_view kNames[] = {"flipped", "commitment", "spliced", "other epoch", "foreign",
                                         "altered", "resigned",   "moved",   "in his name", "stranger"};
  return kNames[static_cast<std::size_t>(forgery)];
}

/// The entries of a group as far as somebody got hold of them, and the secrets that he knows.
struct Loot {
  core::GroupState const& known;  ///< of whoever gave him secrets: a member, or one that was removed
  core::Identity const& signer;   ///< the same one's
  std::vector<std::pair<EntryHash, Bytes>> entries;
};

/// An entry that nobody who may has made. @return nullopt where the loot is not enough for it
[[nodiscard]] std::optional<Bytes> forge(Forgery forgery, Loot const& loot, RandomSource& random);

}  // namespace kith::sim
