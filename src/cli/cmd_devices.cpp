#include <fmt/format.h>

#include "cli/handlers.hpp"
#include "cli/home_client.hpp"
#include "cli/recovery_report.hpp"
#include "cli/recovery_words.hpp"
#include "cli/table.hpp"
#include "engine/device_name.hpp"

namespace kith::cli {
namespace {

using engine::Client;
using engine::EngineError;

/// How long other devices may take to hear of a change before the command ends.
constexpr auto kTellTime = std::chrono::milliseconds{1500};

std::string seen_text(Json const& device) {
  if (device["self"]) return "this device";
  if (device["path"] == "direct") return "now";
  return device["last_seen_at"].is_null() ? "never" : device["last_seen_at"].get<std::string>();
}

Result<int> print_devices(Context& context, Client& client) {
  auto const& state = client.instance().replica.state();
  auto object = json_document("kith.devices/1");
  object["group"] = {{"id", json_id(state.group())}, {"name", state.roster().group_name()}};
  object["devices"] = Json::array();
  Table table({{"DEVICE", Table::Align::left},
               {"ID", Table::Align::left},
               {"STATE", Table::Align::left},
               {"PATH", Table::Align::left},
               {"LAST SEEN", Table::Align::left}});
  std::vector<DeviceId> order = state.roster().active_by_rank();
  for (auto const& [device, member] : state.roster().members()) {
    if (member.state == core::MemberState::removed) order.push_back(device);
  }
  for (auto const& device : order) {
    KITH_TRY(json, device_json(client, device));
    table.add({json["name"], short_id(device), json["state"], json["path"], seen_text(json)});
    object["devices"].push_back(std::move(json));
  }
  context.out.document(object);
  context.out.note(
      fmt::format("Group \"{}\", id {}", printable(state.roster().group_name()), group_mark(state.group())));
  context.out.block(table.text(context.out.out_style(), context.out.out_columns()));
  return engine::kExitOk;
}

Result<int> rename(Context& context, DevicesRenameOptions const& options) {
  if (!engine::is_name(options.name)) {
    return fail(EngineError::usage,
                SubjectDetail{fmt::format("\"{}\" is no name for a device", printable(options.name))});
  }
  if (engine::reads_as_id(options.name))
    return fail(EngineError::usage, SubjectDetail{no_name_for_a_device(options.name)});
  KITH_TRY(client, open_client(context, "kith devices rename"));
  KITH_TRY(device, find_device(*client, options.device));
  if (engine::taken_names(client->instance().replica.state().roster(), device).contains(options.name)) {
    return fail(EngineError::usage,
                SubjectDetail{fmt::format("another device is called \"{}\" already", options.name)});
  }
  std::vector<wire::Op> ops;
  ops.emplace_back(wire::DeviceRename{device, options.name});
  KITH_TRY(written, client->instance().replica.write(std::move(ops), engine::current_time()));
  static_cast<void>(written);
  client->bell().ring();
  KITH_TRY(reached, reach_others(context, *client, Level::ours_there, kTellTime));
  static_cast<void>(reached);
  if (context.out.json()) return print_devices(context, *client);
  context.out.result(fmt::format("{} is \"{}\" now.", options.device, options.name));
  return engine::kExitOk;
}

/// `"phone" (657aaf52)`: the id, as long as it must be, since names are anybody's to give.
std::string name_and_id(Client& client, DeviceId const& device) {
  return fmt::format("\"{}\" ({})", device_name(client, device), telling_id(all_devices(client), device));
}

/// Other devices that came into the group only through this one: who removes a thief should look at them as well.
std::vector<std::string> added_by(Client& client, DeviceId const& device) {
  std::vector<std::string> names;
  for (auto const& [other, member] : client.instance().replica.state().roster().members()) {
    if (other == client.device_id()) continue;
    bool const through = std::ranges::find(member.adders, device) != member.adders.end();
    if (through && member.state == core::MemberState::active) names.push_back(name_and_id(client, other));
  }
  return names;
}

/// The command with --yes: what a script writes. It means the device that the question is about, however devices are
/// called by then.
std::string unasked(Client& client, DeviceId const& device, DevicesRevokeOptions const& options) {
  auto line = fmt::format("kith devices revoke {} --yes", sure_id(client, device));
  if (options.reason == wire::RemoveReason::lost) line += " --lost";
  if (options.recovery_file)
    line += fmt::format(" --recovery-file {}", engine::shell_quoted(printable(*options.recovery_file)));
  return line;
}

/// Somebody has to agree: a slip of the keyboard, or of a script, should not cost a device.
Result<bool> agreed(Context& context, std::string const& command, std::string const& question) {
  if (!context.global.yes && !context.prompt.possible()) {
    context.advise({{{command, "remove it without being asked"}}});
    return fail(EngineError::no_terminal, SubjectDetail{question});
  }
  return context.prompt.confirm(question);
}

/// The device that is meant: one of the group, else one that was removed. With the recovery words those that were
/// removed can be meant just as well.
Result<DeviceId> find_member(Client& client, DevicesRevokeOptions const& options) {
  auto found = find_device(client, options.device, options.recovery_file.has_value());
  if (found || !found.error().is(EngineError::no_such_device)) return found;
  return find_device(client, options.device, true);
}

std::string question_about(Client& client, DeviceId const& device, bool again) {
  auto const which = name_and_id(client, device);
  if (again) return fmt::format("{} was removed already. Make that final?", which);
  if (device != client.device_id()) return fmt::format("Remove {} for good?", which);
  return fmt::format("This removes the device you are at, {}; it can come back only by a new invite. Go on?", which);
}

std::string outcome(Output& out, std::string const& which, bool again) {
  if (again)
    return fmt::format("{} The removal of {} is final now; the group's key has changed.", out.glyphs().done(), which);
  return fmt::format("{} {} was removed; the group's key has changed. It gets nothing new, and keeps what it has.",
                     out.glyphs().done(), which);
}

Result<int> revoke(Context& context, DevicesRevokeOptions const& options) {
  KITH_TRY(client, open_client(context, "kith devices revoke"));
  auto& replica = client->instance().replica;
  KITH_TRY(device, find_member(*client, options));
  auto const which = name_and_id(*client, device);
  bool const again = !replica.state().roster().active(device);
  if (again && (!options.recovery_file || replica.removed_for_good(device))) {
    context.out.result(fmt::format("{} was removed already; nothing was changed.", which));
    return context.out.json() ? print_devices(context, *client) : Result<int>(engine::kExitOk);
  }
  std::optional<core::RecoveryKeys> recovery;
  if (options.recovery_file) {
    KITH_TRY(keys, read_recovery_words(*options.recovery_file));
    recovery = std::move(keys);
  }
  auto const also = added_by(*client, device);
  bool const senior = replica.state().roster().above(device, client->device_id());
  auto const others = client->other_devices();
  KITH_TRY(yes, agreed(context, unasked(*client, device, options), question_about(*client, device, again)));
  if (!yes) {
    if (context.out.json()) return fail(EngineError::declined);
    context.out.note("Nothing was changed.");
    return engine::kExitOther;
  }
  // Others first, so that they hear of it and the removed device is told why it is cut off; but nothing that they say
  // or do keeps the removal from being written.
  auto const before = reach_others(context, *client, Level::theirs_here, kTellTime);
  if (!before && before.error().is(EngineError::interrupted)) return fail(before.error());
  KITH_CHECK(client->refresh());
  KITH_TRY(removed,
           replica.remove_device(device, options.reason, recovery ? &*recovery : nullptr, engine::current_time()));
  static_cast<void>(removed);
  if (replica.self_active()) KITH_CHECK(replica.rotate(engine::current_time()));
  client->bell().ring();
  auto const told = reach_others(context, *client, Level::ours_there, kTellTime);
  Reached const reached = told ? *told : Reached{};

  auto& out = context.out;
  out.result(outcome(out, which, again));
  for (auto const& other : others) {
    if (other == device || reached.level.contains(other)) continue;
    out.note(
        fmt::format("\"{}\" has not heard of it yet; it will when it is next connected.", device_name(*client, other)));
  }
  if (senior && !recovery) {
    out.warning(
        "senior-device",
        fmt::format("{} stands above this device and could undo that; the recovery words make it final: {}", which,
                    out.command(fmt::format("kith devices revoke {} --recovery-file FILE", sure_id(*client, device)))));
  }
  if (!also.empty()) {
    out.warning("added-devices",
                fmt::format("{} had let in {}: remove what you do not know", which, fmt::join(also, ", ")));
  }
  return context.out.json() ? print_devices(context, *client) : Result<int>(engine::kExitOk);
}

enum class Relays { pause, resume };

Result<int> set_paused(Context& context, std::string const& text, Relays wanted) {
  bool const pause = wanted == Relays::pause;
  KITH_TRY(client, open_client(context, pause ? "kith devices pause" : "kith devices resume"));
  KITH_CHECK(check_member(context, *client));
  KITH_TRY(device, find_device(*client, text));
  auto& out = context.out;
  auto const which = name_and_id(*client, device);
  auto const& roster = client->instance().replica.state().roster();
  if (pause && device == client->device_id()) {
    return fail(EngineError::usage,
                SubjectDetail{fmt::format("{} is the device you are at: pause it on another one", which)});
  }
  if (roster.find(device)->paused == pause) {
    out.result(fmt::format("{} {}; nothing was changed.", which, pause ? "was paused already" : "is not paused"));
    return out.json() ? print_devices(context, *client) : Result<int>(engine::kExitOk);
  }
  bool const relays = !roster.relays().empty();
  std::vector<wire::Op> ops;
  ops.emplace_back(wire::DevicePause{device, pause});
  KITH_TRY(written, client->instance().replica.write(std::move(ops), engine::current_time()));
  static_cast<void>(written);
  client->bell().ring();
  KITH_TRY(reached, reach_others(context, *client, Level::ours_there, kTellTime));
  if (out.json()) return print_devices(context, *client);
  if (pause) {
    out.result(fmt::format("{} {} is paused: relays serve it no more until {}", out.glyphs().done(), which,
                           out.command(fmt::format("kith devices resume {}", sure_id(*client, device)))));
    out.note("It keeps its keys and what it has, and devices that meet it directly still exchange everything with it.");
  } else {
    out.result(fmt::format("{} {} is resumed: relays serve it again.", out.glyphs().done(), which));
  }
  if (!relays) {
    out.note("This group uses no relay: nothing changes until it does.");
  } else if (reached.relays_level.empty()) {
    out.note("No relay was reached: it takes effect when a device that has heard of it connects to one.");
  }
  return engine::kExitOk;
}

}  // namespace

int cmd_devices_ls(Context& context, DevicesLsOptions const&) {
  return run_body(context, [&]() -> Result<int> {
    KITH_TRY(client, open_client(context, "kith devices ls"));
    return print_devices(context, *client);
  });
}
int cmd_devices_rename(Context& context, DevicesRenameOptions const& options) {
  return run_body(context, [&] { return rename(context, options); });
}
int cmd_devices_revoke(Context& context, DevicesRevokeOptions const& options) {
  return run_body(context, [&] { return revoke(context, options); });
}
int cmd_devices_pause(Context& context, DevicesPauseOptions const& options) {
  return run_body(context, [&] { return set_paused(context, options.device, Relays::pause); });
}
int cmd_devices_resume(Context& context, DevicesResumeOptions const& options) {
  return run_body(context, [&] { return set_paused(context, options.device, Relays::resume); });
}

}  // namespace kith::cli
