#include "cli/status_report.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "cli/relay_standing.hpp"
#include "cli/sync_run.hpp"
#include "cli/table.hpp"
#include "engine/failure_codes.hpp"

namespace kith::cli {
namespace {

constexpr std::size_t kMostNamed = 3;  ///< idle folders that are named

/// "photos: 3 left alone (2 symlink, 1 blocked): kith help skipped"
std::string skipped_line(Json const& folder) {
  std::vector<std::string> codes;
  for (auto const& each : folder["skipped"]["codes"]) {
    codes.push_back(fmt::format("{} {}", each["files"].get<std::uint64_t>(), each["code"].get<std::string>()));
  }
  return fmt::format("{}: {} left alone ({}): kith help skipped", folder["name"].get<std::string>(),
                     folder["skipped"]["total"].get<std::uint64_t>(), fmt::join(codes, ", "));
}

/// "in step, keeps no folder of this device"
std::string note_on(Json const& status, Json const& device) {
  auto const held = device["held"].get<std::uint64_t>();
  std::string note = device["in_sync"].is_null() ? ""
                     : device["in_sync"] == true ? "in step"
                     : held > 0                  ? fmt::format("leaves {} alone", paths_text(held))
                                                 : "behind";
  std::size_t here = 0, there = 0;
  for (auto const& folder : status["folders"]) {
    if (folder["path"].is_null()) continue;
    ++here;
    if (!device["folders"].is_null() &&
        std::find(device["folders"].begin(), device["folders"].end(), folder["id"]) != device["folders"].end())
      ++there;
  }
  if (device["folders"].is_null() || there == here) return note;
  if (!note.empty()) note += ", ";
  return note + (there == 0 ? "keeps no folder of this device"
                            : fmt::format("keeps {} of {} folders of this device", there, here));
}

void print_running(Output& out, Json const& status) {
  bool const removed =
      std::ranges::any_of(status["problems"], [](auto const& each) { return each["code"] == "revoked-self"; });
  std::vector<std::string> directories;
  for (auto const& folder : status["folders"]) {
    if (!removed && !folder["path"].is_null() && folder["watched"] != true) directories.push_back(folder["path"]);
  }
  bool const idle = !directories.empty();
  if (!status["running"].is_null()) {
    out.note(fmt::format("{} runs since {}", status["running"]["command"].get<std::string>(),
                         status["running"]["since_at"].get<std::string>()));
  } else if (!idle && !removed) {
    out.note("Nothing is running: nothing comes or goes until kith sync, pull or push runs.");
  }
  if (!idle) return;
  if (directories.size() == 1) {
    out.note(fmt::format("Edits in {} are not seen now. Run: {}", directories.front(),
                         out.command("kith sync " + engine::shell_quoted(directories.front()))));
    return;
  }
  auto const shown = std::min(directories.size(), kMostNamed);
  auto text =
      fmt::format("{}", fmt::join(directories.begin(), directories.begin() + static_cast<std::ptrdiff_t>(shown), ", "));
  if (directories.size() > shown) text += fmt::format(" and {} more", directories.size() - shown);
  out.note(fmt::format("Edits in {} folders are not seen now ({}). Run for each: {}", directories.size(), text,
                       out.command("kith sync DIR")));
}

void print_relays(Output& out, Json const& status) {
  if (status["relays"].empty()) return;
  Table relays({{"RELAY", Table::Align::left}, {"STATE", Table::Align::left}});
  for (auto const& relay : status["relays"]) {
    auto state = relay_state(relay, !status["running"].is_null());
    if (relay["connected"] == false && relay["has_all"] == true) state += ", has everything of this device";
    relays.add({relay["url"], state});
  }
  out.block(relays.text(out.out_style(), out.out_columns()));
  // While somebody is on the network it is among the problems.
  for (auto const& relay : status["relays"]) {
    if (!status["running"].is_null() || relay["last_error_code"].is_null()) continue;
    auto const* known = engine::find_failure_code(relay["last_error_code"].get<std::string>());
    if (known == nullptr) continue;
    out.result(fmt::format("relay {}: {}, since {}: {}", relay["url"].get<std::string>(), known->summary,
                           relay["error_since_at"].get<std::string>(),
                           out.command(fmt::format("kith help {}", known->code))));
  }
  auto const only = status["changes"]["only_here"].get<std::uint64_t>();
  out.result(only == 0 ? std::string("changes: all of this device are at a relay or on another device")
                       : fmt::format("changes: {} of this device {} at no relay and on no other device", only,
                                     only == 1 ? "is" : "are"));
}

}  // namespace

std::string status_verdict(Json const& status, Glyphs glyphs, std::string const& pair) {
  std::string const state = status["state"];
  if (state == "failed") {
    auto const count = status["problems"].size();
    return fmt::format("! {} {} you", count, count == 1 ? "problem needs" : "problems need");
  }
  auto const all = status["devices"].size();
  std::size_t level = 0;
  std::vector<std::string> away, relays;
  for (auto const& device : status["devices"]) {
    level += device["in_sync"] == true ? 1 : 0;
    if (device["path"] != "direct") away.push_back(device["name"]);
  }
  for (auto const& relay : status["relays"]) {
    if (relay["has_all"] == true) relays.push_back(relay["url"]);
  }
  auto const is_away = fmt::format("{} {} offline", names_text(away, "devices"), away.size() == 1 ? "is" : "are");
  bool const contents = status["changes"]["contents_elsewhere"];
  if (all == 0) {
    auto const there = relays.empty() ? std::string{} : fmt::format("; {}", at_relays_text(relays, contents));
    return fmt::format("no other device yet: {}{}", pair, there);
  }
  if (state == "syncing") return "bringing devices in step";
  if (level > 0 && state == "synced" && (level == all || relays.empty()))
    return fmt::format("{} everything in step with {} of {} devices", glyphs.done(), level, all);
  bool const messages_wait = status["messages"]["pending"] > 0;
  bool const files_wait = std::ranges::any_of(status["folders"], [](auto const& f) { return f["pending_files"] > 0; });
  if (!relays.empty() && !away.empty() && !messages_wait && !files_wait) {
    auto const text = fmt::format("{}; {}", at_relays_text(relays, contents), is_away);
    return contents ? fmt::format("{} {}", glyphs.done(), text) : text;
  }
  return state == "offline" ? "no other device is connected" : "something waits to be sent or fetched";
}

void print_status(Output& out, Json const& status) {
  auto const verdict = status_verdict(status, out.glyphs(), out.command("kith pair"));
  out.result(fmt::format("{} {} {} (this device)    {}", status["group"]["name"].get<std::string>(), out.glyphs().dot(),
                         status["self"]["name"].get<std::string>(), verdict));
  Table folders({{"FOLDER", Table::Align::left},
                 {"PATH", Table::Align::left},
                 {"STATE", Table::Align::left},
                 {"ITEMS", Table::Align::right},
                 {"SIZE", Table::Align::right},
                 {"PENDING", Table::Align::right}});
  for (auto const& folder : status["folders"]) {
    std::string state = folder["state"];
    auto const conflicts = folder["conflicts"].get<std::uint64_t>();
    if (conflicts > 0) state += fmt::format(", {} {}", conflicts, conflicts == 1 ? "conflict" : "conflicts");
    bool const here = !folder["path"].is_null();
    folders.add({folder["name"], here ? folder["path"].get<std::string>() : "-", state,
                 here ? fmt::format("{}", folder["files"].get<std::uint64_t>()) : "",
                 here ? human_bytes(folder["size_bytes"].get<std::uint64_t>()) : "",
                 folder["pending_files"] > 0 ? fmt::format("{}", folder["pending_files"].get<std::uint64_t>()) : ""});
  }
  if (!folders.empty()) out.block(folders.text(out.out_style(), out.out_columns()));
  for (auto const& folder : status["folders"]) {
    if (folder["skipped"]["total"] > 0) out.result(skipped_line(folder));
  }
  Table devices({{"DEVICE", Table::Align::left},
                 {"PATH", Table::Align::left},
                 {"LAST SEEN", Table::Align::left},
                 {"NOTE", Table::Align::left}});
  for (auto const& device : status["devices"]) {
    bool const direct = device["path"] == "direct";
    std::string seen = device["last_seen_at"].is_null() ? "never" : device["last_seen_at"].get<std::string>();
    devices.add({device["name"], device["path"], direct ? "now" : seen, note_on(status, device)});
  }
  if (!devices.empty()) out.block(devices.text(out.out_style(), out.out_columns()));
  print_relays(out, status);
  auto const& messages = status["messages"];
  out.result(fmt::format("messages: {} here, read up to {}, {} pending", messages["last_cursor"].get<std::uint64_t>(),
                         messages["read_cursor"].get<std::uint64_t>(), messages["pending"].get<std::uint64_t>()));
  for (auto const& problem : status["problems"]) {
    out.result(fmt::format("! {}", problem["message"].get<std::string>()));
    out.result(fmt::format("  kith help {}", problem["code"].get<std::string>()));
  }
  print_running(out, status);
}

}  // namespace kith::cli
