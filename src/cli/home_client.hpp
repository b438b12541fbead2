#pragma once

#include <memory>
#include <set>

#include "cli/context.hpp"
#include "cli/device_choice.hpp"
#include "engine/client.hpp"
#include "sync/files/folder_sync.hpp"

/// What the commands that work with a group share: opening the home, waiting, naming devices.
namespace kith::cli {

/// Time without progress after which waiting ends, unless --timeout says otherwise.
inline constexpr auto kPatience = std::chrono::seconds{30};
/// How long the first connection may take before nobody counts as reachable.
inline constexpr auto kReachTime = std::chrono::milliseconds{2500};

/// Checks the home and opens its keys. @return HomeError, KeyError; EngineError::not_initialised where there are none
[[nodiscard]] Result<core::Identity> open_identity(Context& context, engine::HomePaths const& paths);
/// Opens the home. @param command  what other processes show as running: "kith sync ~/notes"
[[nodiscard]] Result<std::unique_ptr<engine::Client>> open_client(
    Context& context, std::string command, engine::Instance::Need need = engine::Instance::Need::group);

enum class News { bell, time, signal };
/// Waits until the home's database has changed, a signal has come, or the time is over. SIGUSR1 counts as the bell.
[[nodiscard]] News wait_for_news(engine::Client& client, std::chrono::milliseconds most);
/// EngineError::interrupted with the signal that came.
[[nodiscard]] tl::unexpected<Error> stopped_by_signal();

/// Whether the roster says that this device was removed. Of one that has just joined it says nothing yet.
[[nodiscard]] bool was_removed(engine::Client& client);
[[nodiscard]] bool was_removed(engine::Instance& instance);
/// Whether the group has this device, so that it can write. @return CoreError::removed_self;
/// EngineError::not_initialised where joining broke off before the group's log was here
[[nodiscard]] Result<> check_member(Context& context, engine::Client& client);
/// Whether this device may still talk to the others, by all that is known.
/// @return what ended the network; CoreError::removed_self, state_cloned
[[nodiscard]] Result<> check_standing(engine::Client& client);

/// Whether the group has no other device, and no relay either.
[[nodiscard]] bool alone(engine::Client& client);
/// Which direction must be level before a wait ends.
enum class Level { ours_there, theirs_here, both };
struct Reached {
  std::set<DeviceId> level;            ///< connected, and level with this device
  std::set<DeviceId> behind;           ///< connected, and not level when the wait ended
  std::set<std::string> relays_level;  ///< addresses of relays, likewise
  std::set<std::string> relays_behind;
  [[nodiscard]] bool nobody() const {
    return level.empty() && behind.empty() && relays_level.empty() && relays_behind.empty();
  }
};
/// Goes on the network (or uses the process that is there) until every device that can be reached is level.
/// @param first  how long the first connection may take
/// @return EngineError::interrupted; what ended the network
[[nodiscard]] Result<Reached> reach_others(Context& context, engine::Client& client, Level level,
                                           std::chrono::milliseconds first = kReachTime);
/// Asks for an address to be dialled, and waits for a session through it.
/// @return what dialling it returned, EngineError::address_unreachable
[[nodiscard]] Result<> dial_peers(Context& context, engine::Client& client, std::vector<std::string> const& addresses);

/// All that the roster knows, those that were removed too.
[[nodiscard]] std::vector<Candidate> all_devices(engine::Client& client);
/// The device that a text means. @see choose_device()
/// @param gone_too  also devices that were removed
[[nodiscard]] Result<DeviceId> find_device(engine::Client& client, std::string const& text, bool gone_too = false);
/// Why a text that reads as an id is refused as a name.
[[nodiscard]] std::string no_name_for_a_device(std::string_view name);
[[nodiscard]] std::string device_name(engine::Client& client, DeviceId const& device);
/// {"id","name","self","state","path","endpoint","last_seen_at"}
[[nodiscard]] Result<Json> device_json(engine::Client& client, DeviceId const& device);
/// "id:657aaf52": what names this device and no other, whatever they are called. For commands that are printed.
[[nodiscard]] std::string sure_id(engine::Client& client, DeviceId const& device);

/// Runs a command's body and explains its error.
template <class Body>
int run_body(Context& context, Body&& body) {
  Result<int> const code = body();
  return code ? *code : context.fail(code.error());
}

}  // namespace kith::cli
