#pragma once

#include "base/result.hpp"

namespace kith::relay {

/// Why a conversation between a device and a relay ended, on the channel's own account.
enum class ChannelError {
  wrong_relay,   ///< the relay has another key than the one it was pinned to
  not_relay,     ///< the handshake failed: what answered is no relay, or somebody is in between
  out_of_place,  ///< more handshake than there is, or a message of a kind that this side never gets
};

[[nodiscard]] ErrorDomain const& error_domain(ChannelError);

}  // namespace kith::relay
