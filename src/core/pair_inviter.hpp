#pragma once

#include <deque>

#include "core/identity.hpp"
#include "core/pair_keys.hpp"
#include "core/pairing_code.hpp"
#include "wire/noise_stream.hpp"
#include "wire/opening.hpp"

namespace kith::core {

enum class InviteState { open, used, expired, voided, cancelled };

/// An invite as the inviter's book has it.
struct InviteView {
  InviteState state = InviteState::open;
  PairPassword password;
  std::optional<DeviceId> used_by;
};

/// The invites that this device has given out. Counting tries is its job, for used ones as well, and must be durable
/// before it returns.
class InviteBook {
 public:
  static constexpr std::uint8_t kMaxTries = 3;
  virtual ~InviteBook() = default;
  [[nodiscard]] virtual std::optional<InviteView> find(wire::Lookup const& lookup) = 0;
  /// Counts a try: our tag is about to go out.
  /// @return how many are left, at none the invite is void; nullopt where it could not be counted: say nothing then
  [[nodiscard]] virtual std::optional<std::uint8_t> begin_try(wire::Lookup const& lookup) = 0;
  /// Takes the try back: the other side knew the password.
  virtual void try_succeeded(wire::Lookup const& lookup) = 0;
};

/// Somebody with the right code asks to join: show the name, and answer approve() or deny().
struct PairRequested {
  wire::Lookup lookup;
  wire::Devcert cert;
  std::string name;
  bool again = false;  ///< it joined with this invite before: no question is needed
};
/// Now write device_add (and device_relay), and answer welcome().
struct PairCommit {
  wire::Lookup lookup;
  wire::Devcert cert;
  std::string name;
  std::vector<wire::Pseudonym> pseudonyms;  ///< one for each relay of the offer
};
struct PairDone {
  wire::Lookup lookup;
  DeviceId device;
};
struct PairFailed {
  Error reason;
  std::optional<wire::Lookup> lookup;  ///< none before the joiner named one
};
using InviterEvent = std::variant<PairRequested, PairCommit, PairDone, PairFailed>;

/// The inviter's side of one pairing conversation. No sockets, clock or threads.
///
///     AwaitHello --hello/share--> AwaitConfirm --confirm/identity--> AwaitUser --approve()/offer--> AwaitPseudonyms
///     --pseudonyms--> AwaitCommit --welcome()--> AwaitJoined --joined--> Done
///
/// A stranger who names no invite of ours gets no answer, nor does anybody whose try cannot be counted; one who names a
/// finished one is told so. @see docs/spec/pairing.md
class PairInviter {
 public:
  static constexpr auto kStepTime = std::chrono::seconds{10};
  static constexpr auto kUserTime = std::chrono::minutes{10};

  /// @param opening  has been read from the link; its purpose is pairing
  PairInviter(Identity const& identity, std::string own_name, InviteBook& invites, wire::Opening const& opening,
              RandomSource& random, Now now);

  void on_bytes(ByteView bytes, Now now);
  void on_timer(Now now);
  void on_closed(Now now);
  [[nodiscard]] bool poll_transmit(Bytes& out);
  [[nodiscard]] std::optional<InviterEvent> poll_event();
  [[nodiscard]] std::optional<Instant> next_deadline() const;
  [[nodiscard]] bool done() const { return state_ == State::done && (out_.empty() || link_gone_); }

  void approve(wire::PairOfferBox const& offer, Now now);
  void deny();
  void refuse_as_used();  ///< another device was let in with this invite while the user was asked
  void welcome(wire::PairWelcomeBox const& box, Now now);
  void cancel();                       ///< the invite was taken back, or the program ends
  void fail_internally(Error reason);  ///< the commit did not work

 private:
  enum class State { await_hello, await_confirm, await_user, await_pseudonyms, await_commit, await_joined, done };

  [[nodiscard]] Result<> on_message(ByteView bytes, Now now);
  [[nodiscard]] Result<> on_hello(wire::PairHello const& hello, ByteView bytes, Now now);
  [[nodiscard]] Result<> on_confirm(wire::PairConfirm const& confirm, Now now);
  [[nodiscard]] Result<> on_pseudonyms(wire::PairPseudonyms const& message, Now now);
  void send(wire::PairMessage const& message);
  void expect(State state, Now now, std::chrono::seconds within = kStepTime);
  void end(Error reason, std::optional<wire::PairEnd> say = std::nullopt);

  Identity const& identity_;
  std::string own_name_;
  InviteBook& invites_;
  wire::Opening opening_;
  RandomSource& random_;
  State state_ = State::await_hello;
  wire::MessageSplitter incoming_;
  Bytes out_;
  std::deque<InviterEvent> events_;
  Instant deadline_;
  bool link_gone_ = false;
  wire::Lookup lookup_;
  std::optional<DeviceId> used_by_;
  bool used_ = false;
  std::size_t offered_relays_ = 0;
  std::uint8_t tries_left_ = 0;
  std::optional<PairKeys> keys_;
  Bytes transcript_;
  wire::PairIdentityBox joiner_;
};

}  // namespace kith::core
