#pragma once

#include <deque>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <variant>

#include "base/random.hpp"
#include "core/identity.hpp"
#include "core/secure_channel.hpp"
#include "wire/handshake.hpp"
#include "wire/noise_stream.hpp"
#include "wire/opening.hpp"

namespace kith::core {

/// What a session asks the group: which epochs it may prove, and who may come in. The answers may change while it runs.
class Membership {
 public:
  enum class Verdict { welcome, removed, unknown };

  virtual ~Membership() = default;
  [[nodiscard]] virtual GroupId group() const = 0;
  [[nodiscard]] virtual Incarnation incarnation() const = 0;
  /// Up to four epochs that the dialled device may know, the likeliest first.
  [[nodiscard]] virtual std::vector<EpochId> epochs_for(std::optional<DeviceId> const& dialled) const = 0;
  /// Epochs that a stranger's hello may prove, the likeliest first: those whose secrets are held, as far as their
  /// number stays below a bound. What is held now may be dropped later.
  [[nodiscard]] virtual std::vector<EpochId> epochs_for_hello() const = 0;
  /// @param epoch  one whose secret is held
  [[nodiscard]] virtual crypto::noise::Psk psk(EpochId const& epoch) const = 0;
  [[nodiscard]] virtual Verdict judge(wire::Devcert const& cert) const = 0;

  /// psk(), derived once for each epoch, whose psk never changes: every stranger's hello is held against all of them.
  [[nodiscard]] crypto::noise::Psk const& kept_psk(EpochId const& epoch) const;
  /// Drops the kept ones of all epochs but these, where there are more.
  void keep_no_psks_but(std::span<EpochId const> epochs) const;

 private:
  mutable std::map<EpochId, crypto::noise::Psk> psks_;
};

/// The other device, as the handshake showed it.
struct SessionPeer {
  wire::Devcert cert;
  Incarnation incarnation;
  std::string version;                  ///< "1-1 kith/0.1.0"
  std::chrono::seconds clock_ahead{0};  ///< its wall clock minus ours
};

struct SessionOpened {
  SessionPeer peer;
};
/// The other device has proved who it is and that it holds an epoch, and does not belong to the group as far as is
/// known here: the group may have changed behind our back. Hear its TIPS, ask for what is new, and close.
struct SessionUnwelcome {
  SessionPeer peer;
  Membership::Verdict verdict;
};
struct SessionFrame {
  wire::Frame frame;
};
struct SessionClosed {
  Error reason;                      ///< CoreError::closed for an orderly end
  std::optional<wire::Close> close;  ///< what the other side said, if it did
};
using SessionEvent = std::variant<SessionOpened, SessionUnwelcome, SessionFrame, SessionClosed>;

/// The authenticated conversation of two devices over one reliable, ordered link.
/// Noise_XXpsk3_25519_ChaChaPoly_BLAKE2s with a psk from an epoch, then frames. No sockets, clock or threads.
///
///     initiator:  AwaitReply --message 2--> Open --> Closed
///     responder:  AwaitHello --message 1--> AwaitProof --message 3--> Open --> Closed
///                                                      --unwelcome--> Hearing --close()--> Closed
///
/// Of an unwelcome device nothing but TIPS and DATA is taken, and for kHearingTime at most.
///
/// Whatever does not fit leads to Closed at once. Before the tags of message 1 have proved an epoch the responder sends
/// nothing at all. @see docs/spec/session.md
class Session {
 public:
  static constexpr auto kHandshakeTime = std::chrono::seconds{10};
  /// How long an unwelcome device has to show that it belongs to the group.
  static constexpr auto kHearingTime = std::chrono::seconds{30};
  static constexpr auto kPingAfter = std::chrono::seconds{5};
  static constexpr auto kDeadAfter = std::chrono::seconds{15};
  static constexpr auto kLifetime = std::chrono::hours{24};
  /// With more than this waiting to be sent, a PING is not answered: what goes out is sign of life enough, and who does
  /// not read gets no more to read.
  static constexpr std::size_t kMostQueuedForPong = 512 * 1024;
  static constexpr std::size_t kMaxHandshakeMessageBytes = 4096;

  /// Dials: the opening and message 1 are ready to send.
  /// @param dialled  whom we expect, if we know; another device is refused
  /// @param link_binding  what ties the handshake to this link; empty for TCP
  [[nodiscard]] static Session initiate(Identity const& identity, Membership const& membership,
                                        std::optional<DeviceId> dialled, ByteView link_binding, RandomSource& random,
                                        Now now);
  /// Answers: `opening` has been read from the link and its purpose is a session.
  [[nodiscard]] static Session accept(Identity const& identity, Membership const& membership,
                                      wire::Opening const& opening, ByteView link_binding, RandomSource& random,
                                      Now now);

  void on_bytes(ByteView bytes, Now now);
  void on_timer(Now now);
  void on_closed(Now now);  ///< the link ended
  [[nodiscard]] bool poll_transmit(Bytes& out, Now now);
  [[nodiscard]] std::optional<SessionEvent> poll_event();
  [[nodiscard]] std::optional<Instant> next_deadline() const;
  /// Nothing more will come or go: the link can be closed.
  [[nodiscard]] bool done() const { return state_ == State::closed && out_.empty() && !closing_bytes_left(); }

  [[nodiscard]] bool open() const { return state_ == State::open; }
  [[nodiscard]] bool dialled_by_us() const { return role_ == crypto::noise::Role::initiator; }
  void send(wire::Frame const& frame);
  void send_bulk(wire::Frame const& frame);
  [[nodiscard]] std::size_t queued_bytes() const { return channel_ ? channel_->queued_bytes() : 0; }
  [[nodiscard]] std::size_t queued_bulk_bytes() const { return channel_ ? channel_->queued_bulk_bytes() : 0; }
  void close(wire::CloseCode code, std::string text = {});
  [[nodiscard]] std::optional<std::chrono::microseconds> round_trip() const { return round_trip_; }
  [[nodiscard]] Instant heard() const { return heard_; }  ///< when anything last came
  void ping(Now now);                                     ///< asks for a sign of life now

 private:
  enum class State { await_reply, await_hello, await_proof, open, hearing, closed };

  Session(Identity const& identity, Membership const& membership, std::optional<DeviceId> dialled,
          wire::Opening const& opening, ByteView link_binding, crypto::noise::Role role, RandomSource& random, Now now);

  [[nodiscard]] Result<> on_handshake_message(ByteView message, Now now);
  [[nodiscard]] Result<> read_hello(ByteView message, Now now);
  [[nodiscard]] Result<> read_reply(ByteView message, Now now);
  [[nodiscard]] Result<> read_proof(ByteView message, Now now);
  [[nodiscard]] Result<> write_payload_message(std::optional<std::uint8_t> tag_index, Now now);
  [[nodiscard]] Result<Bytes> read_tokens(ByteView message, crypto::noise::HandshakeHash& before);
  [[nodiscard]] Result<SessionPeer> check_payload(ByteView payload, crypto::noise::HandshakeHash const& signed_hash,
                                                  Now now);
  void become_open(SessionPeer peer, Now now);
  void hear(SessionPeer peer, Membership::Verdict verdict, Now now);
  [[nodiscard]] bool transporting() const { return state_ == State::open || state_ == State::hearing; }
  [[nodiscard]] wire::CloseCode refusal() const;
  [[nodiscard]] Result<> on_transport_message(ByteView message, Now now);
  void on_frame(wire::Frame frame, Now now);
  void end(Error reason, std::optional<wire::Close> close = std::nullopt);
  [[nodiscard]] bool closing_bytes_left() const { return channel_ && channel_->queued_bytes() > 0 && !link_gone_; }

  Identity const& identity_;
  Membership const& membership_;
  RandomSource& random_;
  crypto::noise::Role role_;
  std::optional<DeviceId> dialled_;
  wire::Opening opening_;
  std::vector<crypto::noise::Psk> offered_;  ///< behind message 1's tags, as far as they are real
  std::optional<crypto::noise::HandshakeState> handshake_;
  std::optional<SecureChannel> channel_;
  State state_;
  wire::MessageSplitter incoming_;
  Bytes out_;
  std::deque<SessionEvent> events_;
  bool link_gone_ = false;
  Instant started_;
  Instant hearing_since_;
  Membership::Verdict verdict_ = Membership::Verdict::welcome;  ///< while hearing: unknown or removed
  Instant heard_;
  std::optional<std::pair<std::uint64_t, Instant>> ping_;
  std::optional<std::chrono::microseconds> round_trip_;
};

}  // namespace kith::core
