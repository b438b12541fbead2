#pragma once

#include "base/ids.hpp"

/// Names and numbers that devices and relays know mailboxes by. @see docs/spec/relay.md
namespace kith::wire {

using RelayKey = ByteId<struct RelayKeyTag, 32>;    ///< a relay's X25519 static key
using ChannelId = ByteId<struct ChannelIdTag, 32>;  ///< a relay's name for a group: an Ed25519 public key
using LogEpoch = ByteId<struct LogEpochTag, 8>;     ///< drawn when a mailbox is made: another one is another mailbox

/// An item's number in one group's mailbox at one relay, dense from 1; 0 stands before the first.
struct RelayCursor {
  std::uint64_t value = 0;
  friend auto operator<=>(RelayCursor const&, RelayCursor const&) = default;
};

}  // namespace kith::wire
