#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/ids.hpp"
#include "base/result.hpp"

/// Which device somebody means. Names are anybody's to give, so a name never hides an id, nor one device another.
namespace kith::cli {

/// A device that a text could mean.
struct Candidate {
  DeviceId device;
  std::string name;
  bool gone = false;  ///< it was removed
};

/// The first 8 digits of an id, as tables show it.
[[nodiscard]] std::string short_id(DeviceId const& device);
/// The first digits of an id, 8 or more: as many as tell it from all of these.
[[nodiscard]] std::string telling_id(std::vector<Candidate> const& all, DeviceId const& device);

/// The one device that a text fits: "id:" and 8 digits or more of its id, which no name can stand in for; or else its
/// name, or the beginning of its id (4 digits or more).
/// @return EngineError::no_such_device; ambiguous_device, with all that it fits; usage, where "id:" stands before
///         anything else
[[nodiscard]] Result<DeviceId> choose_device(std::vector<Candidate> const& all, std::string_view text);

}  // namespace kith::cli
