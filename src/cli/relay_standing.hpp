#pragma once

#include <string>
#include <vector>

#include "cli/context.hpp"
#include "cli/json.hpp"
#include "engine/client.hpp"
#include "engine/relay_status.hpp"

/// How each relay of the group goes, and how people are told.
namespace kith::cli {

struct RelayStanding {
  core::Roster::Relay relay;
  std::string url;                               ///< as people are shown it, without the key
  engine::RelayRow row;                          ///< empty where nobody of this home is on the network
  bool shown = false;                            ///< somebody is, and says how it goes
  std::optional<engine::RelayTroubleRow> noted;  ///< what was wrong when it was last tried
  std::uint64_t lacks = 0;                       ///< entries that it is not known to have; connected or not
  std::uint64_t lacks_own = 0;                   ///< of those, this device's own

  [[nodiscard]] bool connected() const { return shown && row.connected; }
  [[nodiscard]] bool has_all() const { return lacks == 0 && !leaving(); }
  /// Contents for devices that are away are on their way there.
  [[nodiscard]] bool leaving() const { return connected() && row.leaving; }
  /// Connected, and nothing is on its way from it, nor to it of this device's own. What it lacks of others' entries
  /// their authors bring, or this device after a while.
  [[nodiscard]] bool level() const { return connected() && row.caught_up && lacks_own == 0; }
  /// Connected, and something is on its way. Nothing is where something is wrong with it: waiting does not help then.
  [[nodiscard]] bool catching_up() const { return connected() && !level() && code().empty(); }
  /// What is wrong, as in failure_codes(); empty for nothing.
  [[nodiscard]] std::string_view code() const;
  /// The same; and where nothing is known to be wrong now, that it had no room when it was last tried: that is so until
  /// something has found some.
  [[nodiscard]] std::string lasting_code() const;
  /// Whether that goes away by itself: it cannot be reached now.
  [[nodiscard]] bool passing() const { return code() == "relay-unreachable"; }
};

/// The group's relays. Reads the database only.
[[nodiscard]] Result<std::vector<RelayStanding>> relay_standings(engine::Client& client,
                                                                 engine::DeliveryBook const& book);
/// The same, with a book of its own.
[[nodiscard]] Result<std::vector<RelayStanding>> relay_standings(engine::Client& client);

/// A relay that nothing goes by until something is done about it, where there is no other that is well; nullopt else.
/// @param by  what is wrong with one: now, or lastingly
[[nodiscard]] std::optional<Error> all_troubled(
    std::vector<RelayStanding> const& standings,
    std::string (*by)(RelayStanding const&) = [](RelayStanding const& each) { return std::string(each.code()); });
/// Goes with the next error: which relays could not be used, and why. @see Context::advise()
[[nodiscard]] Result<> advise_of_relays(Context& context, engine::Client& client);

/// {"url","connected","has_all","last_error_code","last_error_at","error_since_at"}; where nobody is on the network, by
/// what was noted.
[[nodiscard]] Json relay_json(RelayStanding const& standing);
/// "has everything", "catching up", "connecting", "not connected", or the code of what is wrong.
/// @param shown  somebody of this home is on the network
[[nodiscard]] std::string relay_state(Json const& relay, bool shown);

/// "relay a", "relays a and b", "3 relays"
[[nodiscard]] std::string relays_text(std::vector<std::string> const& urls);
/// "phone", "phone and tablet", "4 devices"
[[nodiscard]] std::string names_text(std::vector<std::string> const& names, std::string_view several);
/// Where this device's changes are, when no device can be reached: "everything is safe at relay a", or that names and
/// versions are there, and what is in files is not elsewhere.
[[nodiscard]] std::string at_relays_text(std::vector<std::string> const& urls, bool contents_elsewhere);

}  // namespace kith::cli
