#include <fmt/format.h>

#include "base/assert.hpp"
#include "base/text.hpp"
#include "engine/failure_parts.hpp"
#include "relay/channel/error.hpp"
#include "sync/relays/mailbox_claim.hpp"
#include "sync/relays/registration.hpp"

/// The errors on the way into a relay.
namespace kith::engine::parts {
namespace {

using relay::ChannelError;
using sync::RegistrationError;
using table::code;

std::string relay_of(FailureContext const& context) {
  return context.address.empty() ? std::string("the relay") : printable(context.address);
}

}  // namespace

std::optional<Failure> explain_channel(Error const& error, FailureContext const& context) {
  if (!error.holds<ChannelError>()) return std::nullopt;
  auto const where = relay_of(context);
  switch (error.as<ChannelError>()) {
    case ChannelError::wrong_relay:
      return make(code("relay-key-changed"), fmt::format("{} has another key than its address says", where));
    case ChannelError::not_relay:
      return make(code("not-a-relay"), fmt::format("{} is no relay", where),
                  "what answers there does not shake hands as relays do");
    case ChannelError::out_of_place:
      return make(code("relay-misbehaves"), fmt::format("{} does not keep to the protocol", where));
  }
  KITH_UNREACHABLE();
}

std::optional<Failure> explain_registration(Error const& error, FailureContext const& context) {
  if (!error.holds<RegistrationError>()) return std::nullopt;
  auto const where = relay_of(context);
  switch (error.as<RegistrationError>()) {
    case RegistrationError::token_needed:
      return make(code("relay-token-needed"), fmt::format("{} takes a group in only with a token", where));
    case RegistrationError::token_wrong:
      return make(code("relay-token-needed"), fmt::format("{} does not know this token", where));
    case RegistrationError::full: return make(code("relay-full"), fmt::format("{} takes no more groups in now", where));
    case RegistrationError::too_dear:
      return make(code("relay-misbehaves"), fmt::format("{} asks for more work than is sensible", where));
    case RegistrationError::refused:
      return make(code("relay-not-allowed"), fmt::format("{} did not take the group in", where),
                  std::string(subject_of(error, "")));
  }
  KITH_UNREACHABLE();
}

std::optional<Failure> explain_recovery(Error const& error, FailureContext const& context) {
  if (!error.holds<sync::RecoveryError>()) return std::nullopt;
  auto const where = relay_of(context);
  switch (error.as<sync::RecoveryError>()) {
    case sync::RecoveryError::no_record:
      return make(code("recovery-not-found"), fmt::format("{} has nothing for these words", where),
                  "the group never used this relay, or these are the words of another group");
    case sync::RecoveryError::none_opens:
      return make(code("recovery-spoilt"), fmt::format("what {} has for these words does not open with them", where),
                  "a device of the group, or one that was removed, has put something else in its place");
    case sync::RecoveryError::mailbox_gone:
      return make(code("recovery-log-missing"), fmt::format("{} does not have what the group wrote", where),
                  "its record leads to a mailbox that is not there");
    case sync::RecoveryError::no_beginning:
      return make(code("recovery-log-missing"), fmt::format("{} does not have what the group wrote", where),
                  "the first entry of the group, which all others rest on, is not in its mailbox");
    case sync::RecoveryError::off_chain:
      return make(code("relay-off-chain"), fmt::format("{} shows a list of devices that nobody signed", where));
    case sync::RecoveryError::contested:
      return make(code("recovery-contested"),
                  fmt::format("another device keeps taking this one off the list of {}", where));
    case sync::RecoveryError::no_room: return make(code("relay-full"), fmt::format("{} takes nothing more now", where));
    case sync::RecoveryError::refused:
      return make(code("relay-not-allowed"), fmt::format("{} refused to go on", where),
                  std::string(subject_of(error, "")));
  }
  KITH_UNREACHABLE();
}

}  // namespace kith::engine::parts
