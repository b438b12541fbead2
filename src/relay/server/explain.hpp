#pragma once

#include <string>

#include "base/result.hpp"

namespace kith::relay::server {

/// What an operator reads: what happened, and what to do about it, on lines of their own.
[[nodiscard]] std::string explain(Error const& error);

}  // namespace kith::relay::server
