#pragma once

#include "cli/json.hpp"
#include "cli/output.hpp"

namespace kith::cli {

/// Tells a person what a `kith.status/1` document says.
void print_status(Output& out, Json const& status);

/// The sentence of its first line. @param pair  the command that invites a device, as it must be typed here
[[nodiscard]] std::string status_verdict(Json const& status, Glyphs glyphs, std::string const& pair);

}  // namespace kith::cli
