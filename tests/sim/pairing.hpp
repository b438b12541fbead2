#pragma once

#include <functional>

#include "support/pairing_pair.hpp"

namespace kith::sim {

/// What whoever carries a pairing conversation does to it: a relay, or somebody else on the way. They know an invite's
/// lookup, by which its inviter is found, and not its password.
enum class PairingTrick : std::uint64_t {
  answers_itself,   ///< as if it were the inviter
  comes_uninvited,  ///< as if it were the joiner
  alters,           ///< a bit of what one of the two says
  breaks_off,
  repeats,     ///< what somebody said who was let in before
  comes_late,  ///< with a code that was used: it has come to light
  kinds,
};

/// Sees what one side says, and may change it. @return whether it is carried, or the connection ends
using PairingCarrier = std::function<bool(Bytes& bytes, bool by_joiner)>;

}  // namespace kith::sim
