#pragma once

#include <string>

#include "wire/relay_ids.hpp"

namespace kith::relay {

/// "3f9a-04c1-77de": the first 6 bytes of a relay's key, for people to compare. A relay's operator and its users are
/// shown the same.
[[nodiscard]] std::string key_mark(wire::RelayKey const& key);

}  // namespace kith::relay
