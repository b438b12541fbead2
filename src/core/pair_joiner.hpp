#pragma once

#include <deque>
#include <functional>

#include "core/identity.hpp"
#include "core/pair_keys.hpp"
#include "core/pairing_code.hpp"
#include "wire/noise_stream.hpp"
#include "wire/opening.hpp"

namespace kith::core {

/// The code was right; the inviter's user is being asked.
struct PairWaiting {
  wire::PairIdentityBox inviter;
};
/// Everything is here: store it, then call stored().
struct PairWelcomed {
  wire::PairIdentityBox inviter;
  wire::PairOfferBox offer;
  wire::PairWelcomeBox welcome;
};
struct JoinDone {};
struct JoinFailed {
  Error reason;
};
using JoinerEvent = std::variant<PairWaiting, PairWelcomed, JoinDone, JoinFailed>;

/// The joiner's side of one pairing conversation. No sockets, clock or threads. Keeps nothing but its keys until the
/// welcome has come whole.
///
///     AwaitShare --share/confirm--> AwaitIdentity --identity--> AwaitOffer --offer/pseudonyms--> AwaitWelcome
///     --welcome--> AwaitStored --stored()/joined--> Done        AwaitShare --wrong tag--> AwaitTries --> Done
class PairJoiner {
 public:
  static constexpr auto kStepTime = std::chrono::seconds{10};
  static constexpr auto kUserTime = std::chrono::minutes{10};
  static constexpr auto kTriesTime = std::chrono::seconds{2};

  PairJoiner(Identity const& identity, std::string own_name, PairingCode code, RandomSource& random, Now now);

  void on_bytes(ByteView bytes, Now now);
  void on_timer(Now now);
  void on_closed(Now now);
  [[nodiscard]] bool poll_transmit(Bytes& out);
  [[nodiscard]] std::optional<JoinerEvent> poll_event();
  [[nodiscard]] std::optional<Instant> next_deadline() const;
  [[nodiscard]] bool done() const { return state_ == State::done && (out_.empty() || link_gone_); }

  void stored();
  void cancel();

 private:
  enum class State { await_share, await_tries, await_identity, await_offer, await_welcome, await_stored, done };

  [[nodiscard]] Result<> on_message(ByteView bytes, Now now);
  [[nodiscard]] Result<> on_share(wire::PairShare const& share, ByteView bytes, Now now);
  [[nodiscard]] Result<> on_offer(wire::PairOffer const& message, Now now);
  [[nodiscard]] Result<> on_welcome(wire::PairWelcome const& message);
  [[nodiscard]] Error error_for(wire::PairEnd const& ended) const;
  void send(wire::PairMessage const& message);
  void expect(State state, Now now, std::chrono::seconds within = kStepTime);
  void end(Error reason);

  Identity const& identity_;
  std::string own_name_;
  PairingCode code_;
  State state_ = State::await_share;
  wire::MessageSplitter incoming_;
  bool heard_ = false;  ///< anything
  Bytes out_;
  std::deque<JoinerEvent> events_;
  Instant deadline_;
  bool link_gone_ = false;
  wire::PairNonce nonce_;
  crypto::cpace::KeyShare share_;
  std::optional<PairKeys> keys_;
  Bytes transcript_;
  wire::PairIdentityBox inviter_;
  wire::PairOfferBox offer_;
};

}  // namespace kith::core
