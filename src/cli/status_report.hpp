#pragma once

#include "cli/json.hpp"
#include "cli/output.hpp"

namespace kith::cli {

/// Tells a person what a `kith.status/1` document says.
void print_status(Output& out, Json const& status);

}  // namespace kith::cli
