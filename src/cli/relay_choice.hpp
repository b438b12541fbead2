#pragma once

#include "cli/context.hpp"
#include "link/ws/relay_address.hpp"
#include "wire/ops.hpp"

/// Deciding on a relay that somebody names: which key it has to have, and with which token it is asked.
namespace kith::cli {

/// How long a relay may take to answer a command.
[[nodiscard]] std::chrono::milliseconds relay_patience(Context& context);

/// "7f3k-9qdm-12ab": the beginning of a relay's key, for people to compare.
[[nodiscard]] std::string key_mark(wire::RelayKey const& key);

/// The address with the relay's key in it, after a look whether the relay answers with that. Where the text has none,
/// whoever sits there decides, or `trust` does.
/// @return LinkError, ChannelError::wrong_relay, EngineError::relay_unpinned, declined
[[nodiscard]] Result<link::RelayAddress> pinned_relay(Context& context, std::string const& url, bool trust);

/// The operator's token that a file holds; empty where none is named. @return EngineError::usage
[[nodiscard]] Result<std::string> read_relay_token(std::optional<std::string> const& file);

/// The group uses a relay now, and its recovery record is not there.
void warn_of_no_record(Context& context, std::string const& where);

}  // namespace kith::cli
