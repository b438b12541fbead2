#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/ids.hpp"
#include "base/random.hpp"
#include "base/result.hpp"
#include "base/secret.hpp"
#include "base/time.hpp"
#include "relay/server/invite_rates.hpp"

namespace kith::relay::server {

enum class InviteError {
  taken,         ///< the key names an invite that is open
  not_found,     ///< no such invite, claim or owner
  too_large,     ///< a box of more than max_box_bytes
  full,          ///< a direction has had boxes_per_direction boxes
  ended,         ///< whoever sends has ended its side
  rate_limited,  ///< CountDetail: the seconds after which to try again
};
[[nodiscard]] ErrorDomain const& error_domain(InviteError);

using InviteOwner = Secret<32, struct InviteOwnerTag>;  ///< what shows that somebody made the invite
using InviteClaim = ByteId<struct InviteClaimTag, 16>;  ///< random: one joiner's conversation

struct InviteLimits {
  std::chrono::seconds longest{600};       ///< an invite takes claims
  std::chrono::seconds conversation{600};  ///< what was claimed may go on for so long after the invite is over
  std::size_t max_box_bytes = 4608;
  std::size_t boxes_per_direction = 16;  ///< of one claim
  std::size_t claims_per_invite = 8;
  std::size_t max_open = 256;                          ///< invites
  std::size_t max_held_bytes = std::size_t{32} << 20;  ///< in the boxes of all invites
  std::size_t max_void = 1024;  ///< keys that were claimed and name nothing; beyond it the oldest is forgotten
};

/// The mailboxes in which devices pair that have no other way to meet: for each invite, named by a pairing code's
/// public half, what its joiners and its maker send each other, in order. In memory only; knows neither sockets nor a
/// clock.
///
///     (nothing) --create--> open --time over, revoked--> over --conversations over--> (nothing)
///     (nothing) --claim--> void --time over--> (nothing)
///
/// A claim of a key that names no open invite is answered like any other and leads to a void mailbox: it counts boxes
/// and never answers, so that nobody learns which keys there are by asking.
class Invites {
 public:
  Invites(InviteLimits limits, InviteRateLimits rates, RandomSource& random)
      : limits_(limits), rates_(rates), random_(random) {}

  struct Created {
    InviteOwner owner;
    std::chrono::seconds expires;  ///< what was asked for, or the longest there is
  };
  /// @param client  whom limits count it for
  [[nodiscard]] Result<Created> create(std::string const& client, std::string const& key, std::chrono::seconds expires,
                                       Instant now);
  [[nodiscard]] Result<InviteClaim> claim(std::string const& client, std::string const& key, Instant now);

  // The joiner, who shows its claim.
  /// @return how many boxes it has sent
  [[nodiscard]] Result<std::size_t> post(std::string const& key, InviteClaim const& claim, Bytes box);
  struct Boxes {
    std::vector<ByteView> boxes;  ///< valid until the next call
    std::size_t next = 0;
    bool end = false;  ///< the inviter has ended its side, and there are no more boxes
  };
  [[nodiscard]] Result<Boxes> read(std::string const& key, InviteClaim const& claim, std::size_t after);
  [[nodiscard]] Result<> end(std::string const& key, InviteClaim const& claim);

  // The inviter, who shows what create() gave it.
  struct Event {
    InviteClaim claim;
    std::optional<Bytes> box;  ///< nullopt: the joiner has ended its side
  };
  struct Events {
    std::vector<Event const*> events;  ///< valid until the next call
    std::size_t next = 0;
  };
  [[nodiscard]] Result<Events> read_all(std::string const& key, InviteOwner const& owner, std::size_t after);
  /// @return how many boxes this joiner has been sent
  [[nodiscard]] Result<std::size_t> answer(std::string const& key, InviteOwner const& owner, InviteClaim const& claim,
                                           Bytes box);
  [[nodiscard]] Result<> dismiss(std::string const& key, InviteOwner const& owner, InviteClaim const& claim);
  /// Takes no further claims, and ends all conversations.
  [[nodiscard]] Result<> revoke(std::string const& key, InviteOwner const& owner);

  void on_timer(Instant now);
  [[nodiscard]] std::optional<Instant> next_deadline() const;
  void change(InviteLimits limits, InviteRateLimits rates);
  [[nodiscard]] std::size_t open_count() const;

 private:
  struct Conversation {
    std::size_t sent = 0;        ///< boxes by the joiner
    std::vector<Bytes> answers;  ///< boxes by the inviter
    bool joiner_ended = false;
    bool inviter_ended = false;
  };
  struct Mailbox {
    std::optional<InviteOwner> owner;  ///< nullopt: void
    Instant claims_until;
    Instant forgotten_at;
    bool revoked = false;
    std::map<InviteClaim, Conversation> conversations;
    std::vector<Event> events;
    std::size_t held_bytes = 0;  ///< in boxes, both directions
    [[nodiscard]] bool takes_claims(Instant now) const { return !revoked && now < claims_until; }
  };
  using Mailboxes = std::map<std::string, Mailbox, std::less<>>;

  [[nodiscard]] Mailbox& void_mailbox(std::string const& key, Instant now);
  struct Place {
    Mailbox& mailbox;
    Conversation& conversation;
  };
  [[nodiscard]] std::optional<Place> find(std::string const& key, InviteClaim const& claim);
  [[nodiscard]] Result<> make_room(Mailbox& mailbox, std::size_t bytes) const;
  [[nodiscard]] Mailbox* owned(std::string const& key, InviteOwner const& owner);

  InviteLimits limits_;
  InviteRates rates_;
  RandomSource& random_;
  Mailboxes invites_;
  Mailboxes voids_;
  Instant now_{};  ///< of the last call that was told the time
};

/// Whether it is the public half of a pairing code: eight Crockford symbols in normal form.
[[nodiscard]] bool is_invite_key(std::string_view text);

}  // namespace kith::relay::server
