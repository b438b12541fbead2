#pragma once

#include "cli/context.hpp"
#include "engine/one_conversation.hpp"
#include "link/ws/relay_address.hpp"
#include "wire/ops.hpp"

/// Deciding on a relay that somebody names: which key it has to have, and with which token it is asked.
namespace kith::cli {

/// How long a relay may take to answer a command.
[[nodiscard]] std::chrono::milliseconds relay_patience(Context& context);

/// The same, ended by a signal before.
[[nodiscard]] engine::Waiting relay_waiting(Context& context);

/// The address with the relay's key in it, after a look whether the relay answers with that. Where the text has none,
/// whoever sits there decides, or `trust` does.
/// @return LinkError, ChannelError::wrong_relay, EngineError::relay_unpinned, declined
[[nodiscard]] Result<link::RelayAddress> pinned_relay(Context& context, std::string const& url, bool trust);

/// The operator's token that a file holds; empty where none is named. @return EngineError::usage
[[nodiscard]] Result<std::string> read_relay_token(std::optional<std::string> const& file);

/// Says so where other machines cannot reach a relay by the address that was added.
void note_this_machine(Context& context, link::RelayAddress const& address);

/// The group uses a relay now, and its recovery record is not there.
void warn_of_no_record(Context& context, std::string const& where);
/// The same, as a check found it.
[[nodiscard]] std::string no_record_text(std::string const& where);
[[nodiscard]] std::vector<engine::Remedy> no_record_remedies();
/// That another device has made a mailbox there of which this one knows nothing. @param where  likewise
void warn_of_two_mailboxes(Context& context, std::string const& where);

}  // namespace kith::cli
