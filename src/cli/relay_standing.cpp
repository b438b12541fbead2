#include "cli/relay_standing.hpp"

#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "engine/failure_codes.hpp"

namespace kith::cli {

using engine::Client;
using engine::DeliveryBook;

namespace {

constexpr std::size_t kMostNamed = 3;  ///< devices or relays, in one sentence

}  // namespace

std::string_view RelayStanding::code() const { return shown ? engine::relay_code(row) : std::string_view{}; }

std::string RelayStanding::lasting_code() const {
  bool const of_room = noted && engine::is_want_of_room(noted->code);
  return shown && code().empty() && of_room ? noted->code : std::string(code());
}

Result<std::vector<RelayStanding>> relay_standings(Client& client, DeliveryBook const& book) {
  std::vector<RelayStanding> standings;
  auto const& relays = client.instance().replica.state().roster().relays();
  if (relays.empty()) return standings;
  KITH_TRY(owner, client.owner());
  for (auto const& relay : relays) {
    RelayStanding standing;
    standing.relay = relay;
    standing.url = printable(engine::without_key(relay.url));
    standing.lacks = book.relay_lacks(relay.relay, DeliveryBook::Whose::all);
    standing.lacks_own = book.relay_lacks(relay.relay, DeliveryBook::Whose::own);
    if (owner) {  // rows of one that died say nothing about now
      KITH_TRY(row, engine::get_control<engine::RelayRow>(client.instance().store(), relay.relay.view()));
      standing.shown = row.has_value();
      if (row) standing.row = std::move(*row);
    }
    KITH_TRY(noted, engine::get_control<engine::RelayTroubleRow>(client.instance().store(), relay.relay.view()));
    standing.noted = std::move(noted);
    standings.push_back(std::move(standing));
  }
  return standings;
}

Result<std::vector<RelayStanding>> relay_standings(Client& client) {
  if (client.instance().replica.state().roster().relays().empty()) return std::vector<RelayStanding>{};
  KITH_TRY(book, DeliveryBook::load(client.instance().replica, client.instance().store()));
  return relay_standings(client, book);
}

std::optional<Error> all_troubled(std::vector<RelayStanding> const& standings,
                                  std::string (*by)(RelayStanding const&)) {
  auto const troubled = [&](RelayStanding const& each) {
    // The others pass by themselves: it cannot be reached now, another device lets this one in, and the like.
    constexpr std::array<std::string_view, 7> kStay{"relay-quota",       "relay-full",      "relay-off-chain",
                                                    "relay-key-changed", "relay-untrusted", "relay-misbehaves",
                                                    "relay-token-needed"};
    return std::ranges::find(kStay, by(each)) != kStay.end();
  };
  if (standings.empty() || !std::ranges::all_of(standings, troubled)) return std::nullopt;
  auto const& first = standings.front();
  return Error(engine::EngineError::relay_troubled, SubjectDetail{fmt::format("{} {}", by(first), first.url)});
}

Result<> advise_of_relays(Context& context, Client& client) {
  KITH_TRY(standings, relay_standings(client));
  std::vector<std::string> causes;
  std::vector<engine::Remedy> remedies;
  for (auto const& each : standings) {
    auto const* known = engine::find_failure_code(each.code());
    if (known == nullptr) continue;
    causes.push_back(fmt::format("{}: {} ({})", each.url, known->summary, known->code));
    for (auto const& remedy : known->tries()) {
      if (causes.size() == 1) remedies.push_back({std::string(remedy.command), std::string(remedy.explanation)});
    }
  }
  if (!causes.empty()) context.advise({std::move(remedies), fmt::format("{}", fmt::join(causes, "; ")), {}});
  return {};
}

Json relay_json(RelayStanding const& standing) {
  auto const& noted = standing.noted;
  auto const code = standing.shown ? standing.lasting_code() : noted ? noted->code : std::string();
  Json json{{"url", standing.url}, {"connected", standing.connected()}, {"has_all", standing.has_all()}};
  json["last_error_code"] = code.empty() ? Json() : Json(code);
  bool const when = noted && noted->code == code;
  json["last_error_at"] = when ? json_time(WallTime{noted->last_ms}) : Json();
  json["error_since_at"] = when ? json_time(WallTime{noted->since_ms}) : Json();
  return json;
}

std::string relay_state(Json const& relay, bool shown) {
  if (!shown && relay["last_error_code"].is_null()) return "not connected";
  if (!shown && !relay["last_error_at"].is_null()) {
    return fmt::format("not connected; {} when last tried, at {}", relay["last_error_code"].get<std::string>(),
                       relay["last_error_at"].get<std::string>());
  }
  if (!relay["last_error_code"].is_null()) {
    auto state = relay["last_error_code"].get<std::string>();
    if (!relay["error_since_at"].is_null()) state += " since " + relay["error_since_at"].get<std::string>();
    return state;
  }
  if (relay["connected"] == false) return "connecting";
  return relay["has_all"] == true ? "has everything" : "catching up";
}

std::string names_text(std::vector<std::string> const& names, std::string_view several) {
  if (names.empty() || names.size() > kMostNamed) return fmt::format("{} {}", names.size(), several);
  if (names.size() == 1) return names.front();
  return fmt::format("{} and {}", fmt::join(names.begin(), names.end() - 1, ", "), names.back());
}

std::string relays_text(std::vector<std::string> const& urls) {
  auto const names = names_text(urls, "relays");
  if (urls.empty() || urls.size() > kMostNamed) return names;
  return fmt::format("{} {}", urls.size() == 1 ? "relay" : "relays", names);
}

std::string at_relays_text(std::vector<std::string> const& urls, bool contents_elsewhere) {
  if (contents_elsewhere) return fmt::format("everything is safe at {}", relays_text(urls));
  return fmt::format("names and versions are at {}; contents are on this device only so far", relays_text(urls));
}

}  // namespace kith::cli
