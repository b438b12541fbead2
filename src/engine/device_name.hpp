#pragma once

#include <optional>
#include <set>
#include <string>
#include <string_view>

#include "core/roster.hpp"

/// Names of devices: they are chosen freely, by any member for any device, so none may pass for an id.
namespace kith::engine {

/// How many digits of an id name a device for certain: so many are shown.
inline constexpr std::size_t kSureIdDigits = 8;
/// In front of such digits: what follows is an id and no name.
inline constexpr std::string_view kIdMark = "id:";

/// Whether a text begins with kIdMark, in any case.
[[nodiscard]] bool has_id_mark(std::string_view text);
/// Whether somebody could take a name for an id: kSureIdDigits hex digits or more and nothing else, or kIdMark in
/// front.
[[nodiscard]] bool reads_as_id(std::string_view name);

/// What active devices are called, without one of them.
[[nodiscard]] std::set<std::string, std::less<>> taken_names(core::Roster const& roster,
                                                             std::optional<DeviceId> const& besides = std::nullopt);

/// The name that a newcomer gets which wants to be called `wanted`: "device-" in front where it reads as an id, and a
/// number behind it where it is taken. It is cut so that it has at most 255 bytes, between characters.
[[nodiscard]] std::string free_name(std::set<std::string, std::less<>> const& taken, std::string_view wanted);

}  // namespace kith::engine
