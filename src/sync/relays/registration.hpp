#pragma once

#include <optional>
#include <string>

#include "core/escrow.hpp"
#include "relay/channel/channel.hpp"

namespace kith::sync {

/// What a group is known by at a relay that has taken it in.
struct Registered {
  wire::ChannelId channel;
  wire::AclRecord first;  ///< of the chain of access records: this device alone
};

/// Why a relay did not take a group in.
enum class RegistrationError {
  token_needed,  ///< it takes nobody without its operator's token
  token_wrong,   ///< the token is not one of its
  full,          ///< it takes no more groups now
  too_dear,      ///< it asks for more work than is sensible
  refused,       ///< for another reason; the detail has its words
};
[[nodiscard]] ErrorDomain const& error_domain(RegistrationError);

/// Makes a group's mailbox at one relay: registers a fresh channel with this device as its only member, and leaves the
/// recovery record there. The channel's key exists only while this does, and in the record. Bytes in, bytes out.
///
///     Handshake --Noise--> Registering --DONE--> Greeting --WELCOME--> Leaving the record --DONE--> Done
///                            STAMP_NEEDED: once more, with a stamp
class Registration {
 public:
  /// @param token  the operator's, where one was given
  Registration(core::Identity const& identity, wire::Genesis const& genesis, GroupId const& group,
               wire::RelayKey const& relay, std::string token, RandomSource& random);

  [[nodiscard]] Result<> on_bytes(ByteView bytes);
  [[nodiscard]] bool poll_transmit(Bytes& out) { return channel_.poll_transmit(out); }
  [[nodiscard]] bool done() const { return step_ == Step::done; }
  [[nodiscard]] Registered const& result() const { return result_; }
  /// Whether the relay took the recovery record. It keeps few for the same words, and whoever was a member knows where
  /// they lie and can have left as many as that: then the words do not lead to this mailbox, which is good otherwise.
  [[nodiscard]] bool words_lead_here() const { return words_lead_here_; }
  /// The recovery record that was to be left there.
  [[nodiscard]] Bytes const& record() const { return record_; }

 private:
  enum class Step { handshake, registering, greeting, leaving_record, done };
  [[nodiscard]] Result<> on_message(wire::RelayMessage const& message);
  [[nodiscard]] Result<> on_failure(wire::RelayFailure const& failure);
  void register_with(Bytes stamp);

  wire::RelayKey relay_;
  core::RelayFace face_;
  crypto::SigningKey channel_key_;
  std::string token_;
  wire::RecoveryLocator locator_;
  Bytes record_;
  relay::Channel channel_;
  Step step_ = Step::handshake;
  std::uint64_t request_ = 0;  ///< the last one; each waits for the answer to the one before
  bool stamped_ = false;
  bool words_lead_here_ = true;
  Registered result_;
};

}  // namespace kith::sync
