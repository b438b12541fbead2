#include "cli/recovery_report.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "base/text.hpp"
#include "cli/home_client.hpp"
#include "cli/relay_standing.hpp"

namespace kith::cli {
namespace {

std::string plural(std::uint64_t count, std::string_view one, std::string_view many) {
  return fmt::format("{} {}", count, count == 1 ? one : many);
}

std::vector<std::string> names_of(Recovered const& came, bool kept) {
  std::vector<std::string> names;
  for (auto const& device : came.devices) {
    if (came.keep.contains(device.id) == kept) names.push_back(printable(device.name));
  }
  return names;
}

/// Of those who wrote what no relay holds, and of all who may have a copy: those who are still in the group.
std::string who_may_have(Recovered const& came, engine::FoundFolder const& folder) {
  std::vector<std::string> kept, gone;
  for (auto const& device : came.devices) {
    if (came.keep.contains(device.id)) kept.push_back(fmt::format("\"{}\"", printable(device.name)));
    bool const wrote = folder.wrote_missing.contains(device.id);
    if (wrote && !came.keep.contains(device.id)) gone.push_back(fmt::format("\"{}\"", printable(device.name)));
  }
  if (!kept.empty()) {
    return came.by_device ? fmt::format("{} may have them, and gives them when this one syncs", fmt::join(kept, ", "))
                          : fmt::format("{} may have them: connect there", fmt::join(kept, ", "));
  }
  if (gone.empty()) return "whoever has a copy can put it into the folder again";
  return fmt::format("{} had them: a copy of that disk, put into the folder, brings them back", fmt::join(gone, ", "));
}

Json folder_json(engine::FoundFolder const& folder) {
  return {{"id", json_id(folder.id)},
          {"name", folder.name},
          {"files", folder.files},
          {"size_bytes", folder.bytes},
          {"missing_files", folder.missing_files},
          {"missing_bytes", folder.missing_bytes}};
}

Result<> print_document(Context& context, engine::Client& client, Recovered const& came) {
  auto const& state = client.instance().replica.state();
  auto object = json_document("kith.recover/1");
  object["group"] = {{"id", json_id(state.group())}, {"name", state.roster().group_name()}};
  KITH_TRY(self, device_json(client, client.device_id()));
  object["device"] = self;
  object["kept"] = object["removed"] = Json::array();
  for (auto const& device : came.devices) {
    auto& list = object[came.keep.contains(device.id) ? "kept" : "removed"];
    list.push_back({{"id", json_id(device.id)}, {"name", device.name}});
  }
  object["messages"] = came.messages;
  object["folders"] = Json::array();
  for (auto const& folder : came.folders) object["folders"].push_back(folder_json(folder));
  object["missing_entries"] = came.missing_entries;
  object["relays"] = Json::array();
  for (auto const& relay : state.roster().relays()) {
    auto const left = std::ranges::find(came.left_out, relay.url, &engine::RelayLeftOut::url);
    bool const out = left != came.left_out.end();
    object["relays"].push_back({{"url", printable(engine::without_key(relay.url))},
                                {"recovered", !out},
                                {"error_code", out ? Json(engine::explain(left->reason).code) : Json()}});
  }
  object["safe"] = came.told;
  context.out.document(object);
  return {};
}

void tell_of_folders(Output& out, Recovered const& came) {
  for (auto const& folder : came.folders) {
    auto line = fmt::format("  folder {} ({}, {})", printable(folder.name), human_bytes(folder.bytes),
                            plural(folder.files, "file", "files"));
    if (folder.missing_files > 0 && folder.files > 0) {
      line += folder.missing_files == folder.files
                  ? fmt::format(": no relay holds what is in it; {}", who_may_have(came, folder))
                  : fmt::format(": no relay holds what is in {} of them; {}", folder.missing_files,
                                who_may_have(came, folder));
    }
    out.result(line);
  }
}

}  // namespace

std::string group_mark(GroupId const& group) {
  auto const digits = to_hex(group.view());
  return fmt::format("{}-{}-{}-{}", digits.substr(0, 4), digits.substr(4, 4), digits.substr(8, 4),
                     digits.substr(12, 4));
}

void show_found(Output& out, std::string const& group, std::vector<engine::FoundDevice> const& devices) {
  out.note(fmt::format("Found \"{}\", with {}:", printable(group), plural(devices.size(), "device", "devices")));
  for (auto const& device : devices) {
    out.note(fmt::format("  {}  {}  {}{}", short_id(device.id), printable(device.name),
                         device.wrote_at ? "wrote last " + rfc3339(*device.wrote_at) : "wrote nothing",
                         device.paused ? ", paused" : ""));
  }
}

Result<> tell_recovered(Context& context, engine::Client& client, Recovered const& came) {
  auto& out = context.out;
  if (out.json()) return print_document(context, client, came);
  auto const& roster = client.instance().replica.state().roster();
  auto const name = device_name(client, client.device_id());
  out.result(fmt::format("{} \"{}\" is back, on {} (device {}).", out.glyphs().done(), printable(roster.group_name()),
                         printable(name), short_id(client.device_id())));
  auto const kept = names_of(came, true), removed = names_of(came, false);
  if (!kept.empty()) out.result(fmt::format("  kept: {}", fmt::join(kept, ", ")));
  if (!removed.empty())
    out.result(
        fmt::format("  removed for good: {}; they can read nothing written from now on", fmt::join(removed, ", ")));
  out.result(fmt::format("  {}", plural(came.messages, "message", "messages")));
  tell_of_folders(out, came);
  if (came.missing_entries > 0) {
    out.note(fmt::format(
        "{} named that did not come: who was asked holds them back, or never had them. A device that you kept may have "
        "them.",
        plural(came.missing_entries, "entry is", "entries are")));
  }
  for (auto const& left : came.left_out) {
    auto const where = printable(engine::without_key(left.url));
    engine::FailureContext about;
    about.address = engine::without_key(left.url);
    out.note(fmt::format(
        "The relay {} is left out ({}). {}To use it again: {}", where, engine::explain(left.reason, about).what,
        kept.empty() ? ""
                     : "A device that you kept and that is served there lets this one in, once it "
                       "has heard of it. ",
        out.command(fmt::format("kith relay add {} --anew", engine::shell_quoted(printable(left.url))))));
  }
  if (!came.told && !(kept.empty() && roster.relays().empty()))
    out.note(fmt::format("No {} has heard of it yet. It will with the next command, such as: {}",
                         kept.empty()              ? "relay"
                         : roster.relays().empty() ? "other device"
                                                   : "relay or device",
                         out.command("kith pull")));
  if (!came.folders.empty()) {
    auto const& first = came.folders.front().name;
    out.note(
        fmt::format("To have a folder's files here: {}",
                    out.command(fmt::format("kith sync DIR --folder {}", engine::shell_quoted(printable(first))))));
  }
  out.note(fmt::format("To read the messages: {}   To bring other devices in: {}",
                       out.command("kith pull --after-cursor 0"), out.command("kith pair")));
  return {};
}

}  // namespace kith::cli
