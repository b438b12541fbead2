#include "cli/removal_claims.hpp"

#include <fmt/format.h>

namespace kith::cli {

using engine::Client;

std::string claim_text(Client& client, DeviceId const& by) {
  return fmt::format(
      "{0} says that this device was removed; it may not be true: ask at {0}, or pair again with a new home",
      device_name(client, by));
}

std::vector<engine::Remedy> claim_remedies(Client& client, DeviceId const& by) {
  return {{"kith devices ls", fmt::format("on {}: see in what state this device is there", device_name(client, by))},
          {"kith pair --home DIR --join CODE --peer HOST:PORT", "here, if it is true: join with a new home"}};
}

Result<> RemovalClaims::tell() {
  KITH_TRY(claims, client_.said_removed_by());
  for (auto const& by : claims)
    if (told_.insert(by).second) context_.out.warning("said-removed", claim_text(client_, by));
  return {};
}

}  // namespace kith::cli
