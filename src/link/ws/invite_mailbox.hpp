#pragma once

#include "link/tcp/tcp.hpp"
#include "link/ws/relay_address.hpp"

/// Pairing where the two devices cannot reach each other: what their machines say travels in boxes through a relay that
/// keeps a mailbox for the invite. The relay sees who asks and when, and boxes that it cannot open. TLS is as with
/// dial_websocket(). @see docs/spec/relay-http.md
namespace kith::link {

/// Claims the invite `key` and runs the joiner's machine. A key that the relay does not know is claimed just as well:
/// then nobody ever answers, and the machine's own deadline ends it.
/// @param key        8 symbols of Crockford's base32, in normal form
/// @param within     for everything until the invite is claimed
/// @param connected  makes the machine; called at most once, with the relay's HOST:PORT
/// @param failed     called instead: rate_limited with the seconds, bad_answer, or what dial_websocket() says
void dial_invite(Loop& loop, RelayAddress address, std::string const& key, std::chrono::milliseconds within,
                 MachineFactory connected, std::function<void(Error)> failed);

/// Keeps an invite open at a relay, and runs a machine for each joiner that claims it.
class InviteListener {
 public:
  struct Told {
    std::function<void(std::chrono::seconds)> opened;  ///< the relay holds the invite, for that long
    /// No more joiner will come: invite_taken, invite_gone, rate_limited, or why the relay cannot be reached. Called at
    /// most once. What can pass by itself is told only before it was opened, later it is tried again.
    std::function<void(Error)> failed;
  };
  static constexpr std::size_t kMaxClaims = 8;  ///< in the life of one invite

  /// @param joined  makes the machine of a joiner, with the relay's HOST:PORT; null sends it away
  [[nodiscard]] static std::unique_ptr<InviteListener> open(Loop& loop, RelayAddress address, std::string const& key,
                                                            std::chrono::seconds expires, MachineFactory joined,
                                                            Told told);
  /// Takes the invite back at the relay, if the loop runs on for that. Conversations that are under way end: destroy it
  /// when they are over.
  virtual ~InviteListener() = default;
};

}  // namespace kith::link
