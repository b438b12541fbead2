#pragma once

#include <optional>
#include <vector>

#include "core/recovery.hpp"
#include "core/secure_channel.hpp"
#include "wire/noise_stream.hpp"
#include "wire/opening.hpp"
#include "wire/recovery.hpp"

/// How somebody who has nothing but the recovery words reads a group from one of its devices.
/// Noise_XXpsk3_25519_ChaChaPoly_BLAKE2s with a psk from the group's locator secret, then DATA and TIPS.
/// @see docs/spec/recovery.md
namespace kith::core {

inline constexpr std::string_view kRecoveryReadLabel = "kith/recovery-read/1";
inline constexpr std::string_view kRecoveryGiveLabel = "kith/recovery-give/1";
inline constexpr std::size_t kMaxRecoveryMessageBytes = 1024;  ///< of the handshake

/// What those share who have the words and those who are or were in the group.
[[nodiscard]] crypto::noise::Psk recovery_psk(wire::LocatorSecret const& locator);
[[nodiscard]] wire::RecoveryTag recovery_tag(crypto::noise::Psk const& psk, crypto::DhPublicKey const& ephemeral);
[[nodiscard]] Bytes recovery_prologue(wire::Opening const& opening);

/// The side that has the words. No sockets, clock or threads.
///
///     AwaitReply --message 2--> AwaitBeginning --DATA that begins with the genesis--> Reading --TIPS--> Done
///
/// It shows its proof to nobody who does not know the locator secret, and its static key is of the moment.
class RecoveryReader {
 public:
  /// The opening and message 1 are ready to send. @param words  outlive it
  RecoveryReader(RecoveryKeys const& words, RandomSource& random);

  /// @return CoreError::handshake_failed; version_mismatch; wrong_recovery where what comes does not begin with the
  ///         words' group; protocol_violation; a WireError, CryptoError
  [[nodiscard]] Result<> on_bytes(ByteView bytes, Instant now);
  [[nodiscard]] bool poll_transmit(Bytes& out);
  [[nodiscard]] bool done() const { return state_ == State::done; }  ///< everything came

  /// Who answers, once that is proved.
  [[nodiscard]] std::optional<wire::RecoveryGiving> const& giver() const { return giver_; }
  /// The group's beginning, once it is here.
  [[nodiscard]] std::optional<wire::Genesis> const& genesis() const { return genesis_; }
  /// What came since this was last asked; of any order, whatever it holds.
  [[nodiscard]] std::vector<Bytes> take_entries() { return std::exchange(entries_, {}); }
  /// What the giver says that it holds, once it is done.
  [[nodiscard]] std::vector<Tip> const& tips() const { return tips_; }

 private:
  enum class State { await_reply, await_beginning, reading, done };
  [[nodiscard]] Result<> on_reply(ByteView message, Instant now);
  [[nodiscard]] Result<> on_frame(wire::Frame frame);

  RecoveryKeys const& words_;
  State state_ = State::await_reply;
  Bytes out_;
  wire::MessageSplitter incoming_;
  std::optional<crypto::noise::HandshakeState> handshake_;
  std::optional<SecureChannel> channel_;
  std::optional<wire::RecoveryGiving> giver_;
  std::optional<wire::Genesis> genesis_;
  std::vector<Bytes> entries_;
  std::vector<Tip> tips_;
};

/// What a device holds, for whoever has the words.
class SealedSource {
 public:
  virtual ~SealedSource() = default;
  /// The next sealed entries, causes before effects, the genesis first; at least one, and further ones as far as they
  /// fit. None: that was all.
  [[nodiscard]] virtual Result<std::vector<Bytes>> next(std::size_t most_bytes) = 0;
  [[nodiscard]] virtual Result<std::vector<Tip>> tips() = 0;
};

/// The side that has the group. No sockets, clock or threads. A stranger gets not one byte.
///
///     AwaitHello --message 1--> AwaitProof --message 3--> Giving --all was said--> Done
class RecoveryGiver {
 public:
  static constexpr auto kHandshakeTime = std::chrono::seconds{10};
  /// Who takes nothing for so long is gone.
  static constexpr auto kStallTime = std::chrono::seconds{60};
  /// Sealed entries in one DATA; one alone may be larger.
  static constexpr std::size_t kFrameBytes = 64 * 1024;

  /// @param opening  has been read from the link; its purpose is recovery
  /// @param source   is asked for one frame at a time, when the one before has gone out
  RecoveryGiver(Identity const& identity, wire::Genesis const& genesis, SealedSource& source,
                wire::Opening const& opening, RandomSource& random, Instant now);

  void on_bytes(ByteView bytes, Instant now);
  void on_timer(Instant now);
  void on_closed() { end(); }
  /// @return false where there is nothing to send; the source's error, which ends it
  [[nodiscard]] Result<bool> poll_transmit(Bytes& out, Instant now);
  [[nodiscard]] std::optional<Instant> next_deadline() const;
  [[nodiscard]] bool done() const { return state_ == State::done && out_.empty(); }

  /// The other side has the words.
  [[nodiscard]] bool proved() const { return proved_; }
  /// It knows the group, and has not the words: somebody who is or was in it.
  [[nodiscard]] bool failed_proof() const { return failed_proof_; }
  /// Says nothing more: somebody else who has the words came later.
  void end();

 private:
  enum class State { await_hello, await_proof, giving, said_all, done };
  [[nodiscard]] Result<> on_hello(ByteView message);
  [[nodiscard]] Result<> on_proof(ByteView message, Instant now);
  [[nodiscard]] Result<> say_next();

  Identity const& identity_;
  GroupId group_;
  crypto::SignPublicKey recovery_sign_;
  std::optional<crypto::noise::Psk> psk_;
  SealedSource& source_;
  wire::Opening opening_;
  State state_ = State::await_hello;
  Instant deadline_;
  Bytes out_;
  wire::MessageSplitter incoming_;
  std::optional<crypto::noise::HandshakeState> handshake_;
  std::optional<SecureChannel> channel_;
  bool proved_ = false;
  bool failed_proof_ = false;
};

}  // namespace kith::core
