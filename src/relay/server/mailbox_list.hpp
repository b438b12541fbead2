#pragma once

#include <optional>
#include <span>
#include <string>

#include <nlohmann/json_fwd.hpp>

#include "relay/rules/store.hpp"

/// What an operator is shown of mailboxes, and how one of them is named.
namespace kith::relay::server {

/// How many hex digits of their channels tell these mailboxes apart: 8, and more only where they must be. Whole channel
/// ids are never shown: who knows one has half of what a device needs.
[[nodiscard]] std::size_t telling_digits(std::span<GroupFigures const> groups);
[[nodiscard]] std::string short_id(wire::ChannelId const& channel, std::size_t digits);

/// [{"id":"6a0c93f1","members":3,"items":120,"bytes":40960,"last_stored_s":1795362000}, ...]; last_stored_s is null
/// where no item is there.
[[nodiscard]] nlohmann::json to_json(std::span<GroupFigures const> groups);
/// Lines under a heading, of what to_json() gave.
[[nodiscard]] std::string table_of(nlohmann::json const& groups, std::uint64_t quota_bytes);

/// The only mailbox whose short id begins so, with 8 digits at least; nullopt where there is none, or are several.
[[nodiscard]] std::optional<GroupFigures> find_mailbox(std::span<GroupFigures const> groups, std::string_view id);

}  // namespace kith::relay::server
