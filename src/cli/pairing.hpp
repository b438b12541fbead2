#pragma once

#include "cli/context.hpp"

namespace kith::cli {

/// `kith pair --join`. @return the exit code
[[nodiscard]] Result<int> join_by_invite(Context& context, PairOptions const& options);

}  // namespace kith::cli
