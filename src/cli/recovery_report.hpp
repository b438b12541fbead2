#pragma once

#include "cli/context.hpp"
#include "engine/client.hpp"
#include "engine/recovery.hpp"

/// What a recovery found and what came of it, for people and programs.
namespace kith::cli {

struct Recovered {
  std::vector<engine::FoundDevice> devices;  ///< that were in the group
  std::set<DeviceId> keep;
  std::vector<engine::FoundFolder> folders;
  std::uint64_t messages = 0;
  std::size_t missing_entries = 0;
  std::vector<engine::RelayLeftOut> left_out;
  bool by_device = false;  ///< a device gave it, and no relay was named
  bool told = false;       ///< a relay or a device has what this one wrote
};

/// The group's devices, before anybody is asked about them: standard error.
void show_found(Output& out, std::string const& group, std::vector<engine::FoundDevice> const& devices);

/// So many digits of a group's id people compare and scripts name: nobody finds another group that begins with them.
inline constexpr std::size_t kGroupIdDigits = 16;
/// "3f2a-09bc-77de-1c40"
[[nodiscard]] std::string group_mark(GroupId const& group);

/// The whole of it. @return what reading the home returns
[[nodiscard]] Result<> tell_recovered(Context& context, engine::Client& client, Recovered const& came);

}  // namespace kith::cli
