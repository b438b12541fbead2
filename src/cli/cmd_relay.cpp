#include <algorithm>

#include <fmt/format.h>

#include "cli/handlers.hpp"
#include "cli/home_client.hpp"
#include "cli/relay_choice.hpp"
#include "cli/relay_standing.hpp"
#include "cli/table.hpp"
#include "engine/failure.hpp"
#include "engine/relay_setup.hpp"
#include "relay/channel/error.hpp"
#include "relay/channel/key_mark.hpp"
#include "sync/relays/attending.hpp"
#include "sync/relays/relay_record.hpp"

namespace kith::cli {
namespace {

using engine::Client;
using engine::EngineError;

/// How long the others may take to hear of a change before the command ends.
constexpr auto kTellTime = std::chrono::milliseconds{1500};
/// How long a relay may take to be told that it is used no more.
constexpr auto kPartingTime = std::chrono::seconds{5};

/// @param words_lead_there  of the relay that was added
Result<int> print_relays(Context& context, Client& client, std::optional<bool> words_lead_there = std::nullopt) {
  KITH_CHECK(client.refresh());
  KITH_TRY(standings, relay_standings(client));
  auto object = json_document("kith.relays/1");
  object["relays"] = Json::array();
  object["words_lead_there"] = words_lead_there ? Json(*words_lead_there) : Json();
  Table table({{"RELAY", Table::Align::left}, {"KEY", Table::Align::left}, {"STATE", Table::Align::left}});
  for (auto const& each : standings) {
    auto json = relay_json(each);
    table.add({each.url, relay::key_mark(each.relay.relay), relay_state(json, each.shown)});
    json["address"] = printable(each.relay.url);
    json["key"] = to_hex(each.relay.relay.view());
    object["relays"].push_back(std::move(json));
  }
  context.out.document(object);
  if (standings.empty()) {
    context.out.note("This group uses no relay. Add one: " + context.out.command("kith relay add URL"));
  } else {
    context.out.block(table.text(context.out.out_style(), context.out.out_columns()));
  }
  return engine::kExitOk;
}

/// Waits until a relay that the group uses no more has what this device wrote. @return whether it has
Result<bool> tell_parting(Client& client, core::Roster::Relay const& relay) {
  auto& store = client.instance().store();
  for (auto const until = Clock::now() + kPartingTime;;) {
    KITH_CHECK(check_standing(client));
    KITH_TRY(known, sync::RelayRecord::load(store, relay.relay, relay.channel));
    auto const& state = client.instance().replica.state();
    auto const there = [&](core::ChainPlace const& place) {
      return state.chains().at(place.chain).log.device != client.device_id() || known.there.contains(place);
    };
    if (std::ranges::all_of(state.counting().heads.places(), there)) return true;
    KITH_TRY(row, engine::get_control<engine::RelayRow>(store, relay.relay.view()));
    bool const troubled = row && row->trouble != sync::RelayTrouble::none;
    if (troubled || Clock::now() >= until) return false;
    if (wait_for_news(client, std::chrono::milliseconds{50}) == News::signal) return stopped_by_signal();
  }
}

/// Names the devices that a change of the relays has not come to.
void name_untold(Context& context, Client& client, Reached const& reached) {
  std::vector<std::string> waiting;
  for (auto const& device : client.other_devices()) {
    if (!reached.level.contains(device)) waiting.push_back(fmt::format("\"{}\"", device_name(client, device)));
  }
  if (waiting.empty()) return;
  context.out.note(
      fmt::format("Not told yet: {}. A device hears of the relay when it is next connected to one that knows of it.",
                  fmt::join(waiting, ", ")));
}

/// One relay has one address in a group: the one that it was added with last. Its mailbox stays.
Result<int> change_address(Context& context, Client& client, core::Roster::Relay const& relay,
                           link::RelayAddress const& address) {
  std::vector<wire::Op> ops;
  ops.emplace_back(wire::RelaySet{link::to_text(address), relay.relay, relay.channel});
  KITH_TRY(written, client.instance().replica.write(std::move(ops), engine::current_time()));
  static_cast<void>(written);
  client.bell().ring();
  KITH_TRY(reached, reach_others(context, client, Level::ours_there, kTellTime));
  if (context.out.json()) return print_relays(context, client);
  context.out.result(fmt::format("{} the relay with the key {} has another address now: {} -> {}",
                                 context.out.glyphs().done(), relay::key_mark(relay.relay),
                                 printable(engine::without_key(relay.url)),
                                 printable(engine::without_key(link::to_text(address)))));
  context.out.note("It is the same relay, with all that it holds; no second one was added.");
  note_this_machine(context, address);
  name_untold(context, client, reached);
  return engine::kExitOk;
}

/// A relay that the group used before keeps its mailbox.
Result<int> take_up(Context& context, Client& client, core::Roster::Relay former, link::RelayAddress const& address) {
  KITH_CHECK(engine::take_up_relay(client, former, address));
  KITH_TRY(reached, reach_others(context, client, Level::ours_there, kTellTime));
  if (context.out.json()) return print_relays(context, client);
  auto const where = engine::without_key(link::to_text(address));
  context.out.result(fmt::format("{} {} is a relay of this group again, with the mailbox that it had there.",
                                 context.out.glyphs().done(), where));
  context.out.note("A new mailbox there instead: " +
                   context.out.command(fmt::format("kith relay add {} --anew", where)));
  note_this_machine(context, address);
  name_untold(context, client, reached);
  return engine::kExitOk;
}

Result<int> add(Context& context, RelayAddOptions const& options) {
  KITH_TRY(client, open_client(context, "kith relay add"));
  KITH_CHECK(check_member(context, *client));
  KITH_TRY(token, read_relay_token(options.token_file));
  auto pinned = pinned_relay(context, options.url, options.trust);
  if (!pinned && pinned.error().is(relay::ChannelError::wrong_relay)) {
    context.advise(
        {{{"kith relay add URL", "with the line that kith-relay prints when it starts"}},
         "the address that was typed has another key than the relay that answers, or somebody is in between: "
         "compare it with its operator's line",
         {}});
  }
  KITH_TRY(address, std::move(pinned));
  wire::RelayKey const key{*address.key};
  auto const where = engine::without_key(link::to_text(address));
  for (auto const& relay : client->instance().replica.state().roster().relays()) {
    if (relay.relay != key || options.anew) continue;
    auto const known = link::parse_relay_address(relay.url);
    if (!known || *known != address) return change_address(context, *client, core::Roster::Relay(relay), address);
    context.out.result(fmt::format("{} is a relay of this group already; nothing was changed.", where));
    context.out.note("A new mailbox there: " + context.out.command(fmt::format("kith relay add {} --anew", where)));
    return context.out.json() ? print_relays(context, *client) : Result<int>(engine::kExitOk);
  }
  for (auto const& former : client->instance().replica.state().roster().former_relays()) {
    if (former.relay.relay != key || options.anew || !token.empty()) continue;
    KITH_TRY(possible, engine::can_take_up(*client, former.relay));
    if (possible) return take_up(context, *client, core::Roster::Relay(former.relay), address);
  }
  std::optional<core::Roster::Relay> left;  // the others hear in the old mailbox that there is a new one
  for (auto const& relay : client->instance().replica.state().roster().relays()) {
    if (relay.relay == key) left = relay;
  }
  if (left) {
    KITH_TRY(before, reach_others(context, *client, Level::ours_there));
    if (!before.relays_level.contains(printable(engine::without_key(left->url)))) left.reset();
  }
  KITH_TRY(added, engine::add_relay(*client, address, std::move(token), relay_waiting(context)));
  if (left) {
    KITH_TRY(told, tell_parting(*client, *left));
    static_cast<void>(told);  // who is not told is named below
  }
  KITH_TRY(reached, reach_others(context, *client, Level::ours_there, kTellTime));
  if (!added.words_lead_there) warn_of_no_record(context, where);
  if (added.made_elsewhere) warn_of_two_mailboxes(context, where);
  if (context.out.json()) return print_relays(context, *client, added.words_lead_there);
  auto& out = context.out;
  out.result(
      fmt::format("{} {} is a relay of this group now. It stores what it cannot read, for devices that are away.",
                  out.glyphs().done(), where));
  note_this_machine(context, address);
  name_untold(context, *client, reached);
  return engine::kExitOk;
}

/// The relay that a text means: its address, with or without the key, or a part of it that fits no other.
Result<core::Roster::Relay> choose_relay(Client& client, std::string const& text) {
  auto const relays = client.instance().replica.state().roster().relays();
  auto const wanted = link::parse_relay_address(text);
  std::vector<core::Roster::Relay> fits;
  for (auto const& relay : relays) {
    auto const address = link::parse_relay_address(relay.url);
    bool const same = wanted && address && link::host_port(*wanted) == link::host_port(*address) &&
                      (!wanted->key || wanted->key == address->key);
    if (same || relay.url.find(text) != std::string::npos) fits.push_back(relay);
  }
  if (fits.size() == 1) return fits.front();
  std::vector<std::string> names;
  for (auto const& relay : fits.empty() ? relays : fits) {
    auto const url = engine::without_key(relay.url);
    auto const same = std::ranges::count(relays, url, [](auto const& each) { return engine::without_key(each.url); });
    names.push_back(same > 1 ? fmt::format("{} (key {})", printable(relay.url), relay::key_mark(relay.relay))
                             : printable(url));
  }
  if (fits.empty() && relays.empty()) return fail(EngineError::usage, SubjectDetail{"this group uses no relay"});
  return fail(EngineError::usage,
              SubjectDetail{fmt::format("\"{}\" is {} of this group's relays: {}", printable(text),
                                        fits.empty() ? "none" : "more than one", fmt::join(names, ", "))});
}

/// Without its last relay the group goes on only where devices connect directly.
Result<> confirm_last(Context& context, Client& client, core::Roster::Relay const& relay, Reached const& reached) {
  if (client.instance().replica.state().roster().relays().size() > 1) return {};
  std::vector<std::string> away;
  for (auto const& device : client.other_devices()) {
    if (!reached.level.contains(device) && !reached.behind.contains(device))
      away.push_back(printable(device_name(client, device)));
  }
  if (away.empty() || context.global.yes) return {};
  auto const url = printable(engine::without_key(relay.url));
  auto const follows = fmt::format(
      "{} is the group's last relay, and not connected directly now: {}. Devices that meet only there will "
      "not hear of each other any more.",
      url, names_text(away, "devices"));
  if (!context.prompt.possible()) {
    context.advise({{{"kith relay add OTHER", "first: use another relay, and let all devices hear of it"},
                     {fmt::format("kith relay rm {} --yes", engine::shell_quoted(url)), "use it no more all the same"}},
                    follows,
                    {}});
    return fail(EngineError::no_terminal, SubjectDetail{"use the last relay no more?"});
  }
  context.out.note(follows + " To use another one add it before: " + context.out.command("kith relay add OTHER"));
  KITH_TRY(yes, context.prompt.confirm("Use it no more all the same?"));
  if (!yes) return fail(EngineError::declined);
  return {};
}

Result<int> remove(Context& context, RelayRmOptions const& options) {
  KITH_TRY(client, open_client(context, "kith relay rm"));
  KITH_CHECK(check_member(context, *client));
  KITH_TRY(relay, choose_relay(*client, options.relay));
  // Connected first: devices that meet only there hear of it there.
  KITH_TRY(before, reach_others(context, *client, Level::ours_there));
  // Another device may have removed it, as is heard only now.
  auto const& used = client->instance().replica.state().roster().relays();
  if (std::ranges::none_of(used, [&](auto const& each) { return each.relay == relay.relay; })) {
    context.out.result(
        fmt::format("{} is used no more already; nothing was changed.", printable(engine::without_key(relay.url))));
    return context.out.json() ? print_relays(context, *client) : Result<int>(engine::kExitOk);
  }
  KITH_CHECK(confirm_last(context, *client, relay, before));
  std::vector<wire::Op> ops;
  ops.emplace_back(wire::RelayRemove{relay.relay, relay.channel});
  KITH_TRY(written, client->instance().replica.write(std::move(ops), engine::current_time()));
  static_cast<void>(written);
  client->bell().ring();
  bool told = true;
  if (before.relays_level.contains(printable(engine::without_key(relay.url)))) {
    KITH_TRY(is_told, tell_parting(*client, relay));
    told = is_told;
  } else {
    told = client->other_devices().empty();
  }
  KITH_TRY(reached, reach_others(context, *client, Level::ours_there, kTellTime));
  if (!told && reached.level.size() < client->other_devices().size()) {
    context.out.warning(
        "relay-untold",
        "the relay could not be told: devices that meet this one only there do not hear of it yet, and go "
        "on using that relay");
  }
  if (context.out.json()) return print_relays(context, *client);
  context.out.result(
      fmt::format("{} {} is used no more. What it holds stays there, sealed, until its operator removes it.",
                  context.out.glyphs().done(), printable(engine::without_key(relay.url))));
  auto const& roster = client->instance().replica.state().roster();
  KITH_TRY(attended, sync::attended_relays(roster, client->device_id(), client->instance().store()));
  if (!attended.empty()) {
    context.out.note(
        "A device that was away is let in to the relays in use once it has been at this one, and after it this device "
        "or another: kith goes on looking there whenever it runs. Until then do not take that relay down. A device "
        "that will not come back is to be removed: `kith devices revoke`.");
  }
  return engine::kExitOk;
}

Result<int> test(Context& context, RelayTestOptions const& options) {
  std::vector<std::string> urls;
  if (options.url) {
    urls.push_back(*options.url);
  } else {
    KITH_TRY(client, open_client(context, "kith relay test"));
    for (auto const& relay : client->instance().replica.state().roster().relays()) urls.push_back(relay.url);
    if (urls.empty()) return fail(EngineError::usage, SubjectDetail{"this group uses no relay; name an address"});
  }
  auto object = json_document("kith.relay-test/1");
  object["relays"] = Json::array();
  std::optional<Error> last;
  for (auto const& url : urls) {
    KITH_TRY(address, link::parse_relay_address(url));
    auto const where = engine::without_key(link::to_text(address));
    auto const found = engine::find_relay(address, relay_waiting(context));
    if (!found && found.error().is(EngineError::interrupted)) return fail(found.error());
    Json line{{"url", where}, {"reached", found.has_value()}};
    line["key"] = found ? Json(to_hex(found->key.view())) : Json();
    line["pinned"] = address.key.has_value();
    line["took_s"] = found ? Json(std::chrono::duration<double>(found->took).count()) : Json();
    line["error_code"] = Json();
    if (found) {
      context.out.result(fmt::format("{} {} answers in {} ms, key {}{}", context.out.glyphs().done(), where,
                                     found->took.count(), relay::key_mark(found->key),
                                     address.key ? ", as expected" : " (the address names none to compare with)"));
    } else {
      last = found.error();
      engine::FailureContext about;
      about.address = where;
      auto const failure = engine::explain(found.error(), about);
      line["error_code"] = failure.code;
      if (urls.size() > 1) context.out.result(fmt::format("{}: {}", where, failure.what));
    }
    object["relays"].push_back(std::move(line));
  }
  context.out.document(object);
  if (last) return fail(*last);
  return engine::kExitOk;
}

/// @param url  the relay that it is about
int explained(Context& context, std::string const& url, Result<int> const& code) {
  if (!code && code.error().is(EngineError::interrupted)) return context.fail(stopped_by_signal().value());
  engine::FailureContext about;
  if (auto const address = link::parse_relay_address(url)) about.address = engine::without_key(link::to_text(*address));
  return code ? *code : context.fail(code.error(), about);
}

}  // namespace

int cmd_relay_ls(Context& context, RelayLsOptions const&) {
  return run_body(context, [&]() -> Result<int> {
    KITH_TRY(client, open_client(context, "kith relay ls"));
    return print_relays(context, *client);
  });
}
int cmd_relay_add(Context& context, RelayAddOptions const& options) {
  return explained(context, options.url, add(context, options));
}
int cmd_relay_rm(Context& context, RelayRmOptions const& options) {
  return run_body(context, [&] { return remove(context, options); });
}
int cmd_relay_test(Context& context, RelayTestOptions const& options) {
  return explained(context, options.url.value_or(""), test(context, options));
}

}  // namespace kith::cli
