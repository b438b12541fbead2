#include <algorithm>

#include <fmt/format.h>

#include "cli/relay_standing.hpp"
#include "cli/sync_run.hpp"
#include "sync/files/conflict_name.hpp"

/// What a sync tells: what changes while it runs, how far it is, and the summary at its end.
namespace kith::cli {
namespace {

using engine::Client;
using files::FolderState;

constexpr std::size_t kMostShown = 5;  ///< conflict copies and skipped files named one by one

/// The path that a conflict copy belongs to, by its name; a name that was cut for its length shows as far as it goes.
std::string original_of(std::string const& copy) {
  auto const path = files::RelPath::parse(copy);
  auto const name = path ? files::parse_conflict_name(*path) : std::nullopt;
  if (!name) return copy;
  auto const slash = copy.rfind('/');
  return (slash == std::string::npos ? std::string{} : copy.substr(0, slash + 1)) + name->stem + name->extension;
}

std::string conflict_text(std::string const& folder, std::string const& copy) {
  return fmt::format("{}: {} was changed on two devices; the other version is {}", folder, original_of(copy), copy);
}

std::string skipped_text(std::string const& folder, std::string const& path, std::string const& code) {
  return fmt::format("{}: {} was left alone ({}): kith help skipped", folder, path, code);
}

}  // namespace

std::string files_text(std::uint64_t files, std::uint64_t bytes) {
  return fmt::format("{} {} ({})", files, files == 1 ? "file" : "files", human_bytes(bytes));
}

std::string paths_text(std::uint64_t paths) { return fmt::format("{} {}", paths, paths == 1 ? "path" : "paths"); }

void SyncRun::tell_changes(Snapshot const& before, Snapshot const& now) {
  auto& out = context_.out;
  if (options_.once || out.json()) return;
  for (auto const& device : now.connected) {
    if (!before.connected.contains(device)) out.note(fmt::format("{} is connected", device_name(client_, device)));
  }
  for (auto const& device : before.connected) {
    if (!now.connected.contains(device)) out.note(fmt::format("{} is gone", device_name(client_, device)));
  }
  tell_of_relays(before, now);
  auto const& was = before.tally;
  auto const& is = now.tally;
  auto const mark = out.glyphs();
  if (is.sent_files > was.sent_files) {
    out.note(fmt::format("{} {} changed here", mark.up(),
                         files_text(is.sent_files - was.sent_files, is.sent_bytes - was.sent_bytes)));
  }
  if (is.received_files > was.received_files) {
    out.note(fmt::format("{} {} received", mark.down(),
                         files_text(is.received_files - was.received_files, is.received_bytes - was.received_bytes)));
  }
  if (is.deleted_there > was.deleted_there)
    out.note(fmt::format("{} {} deleted here", mark.up(), is.deleted_there - was.deleted_there));
  if (is.deleted_here > was.deleted_here) {
    out.note(fmt::format("{} {} moved to .kith/trash, deleted on another device", mark.down(),
                         is.deleted_here - was.deleted_here));
  }
  auto const fresh = static_cast<std::int64_t>(is.copies_made - was.copies_made);
  auto const shown = std::min({fresh, std::int64_t{kMostShown}, static_cast<std::int64_t>(is.copies.size())});
  for (auto copy = is.copies.end() - shown; copy != is.copies.end(); ++copy) {
    out.warning("conflict", conflict_text(place_.name, *copy));
  }
  tell_skipped(now.skipped);
}

void SyncRun::tell_of_relays(Snapshot const& before, Snapshot const& now) {
  auto& out = context_.out;
  for (auto const& url : now.relays) {
    if (!before.relays.contains(url)) out.note(fmt::format("relay {} is connected", url));
  }
  for (auto const& url : before.relays) {
    if (!now.relays.contains(url)) out.note(fmt::format("relay {} is gone", url));
  }
}

Result<bool> SyncRun::heard_all(Snapshot const& now) {
  if (now.connected.empty()) return client_.other_devices().empty() || Clock::now() >= started_ + kReachTime;
  KITH_TRY(book, engine::DeliveryBook::load(client_.instance().replica, client_.instance().store()));
  for (auto const& device : now.connected) {
    KITH_TRY(ours, book.we_hold_all(device));
    if (!ours) return false;
  }
  return true;
}

/// Each time that it comes to be so.
Result<> SyncRun::tell_in_step(Snapshot const& now) {
  if (context_.out.json()) return {};
  if (!now.in_step()) told_in_step_ = false;
  if (!now.in_step() || told_in_step_) return {};
  KITH_TRY(heard, heard_all(now));
  KITH_TRY(others, look_at_others());
  bool const by_relay = now.connected.empty() && !now.relays.empty();
  if (by_relay ? !others.at_relays_only() && Clock::now() < started_ + kPatience : !heard) return {};
  told_in_step_ = true;
  auto const files = files_text(now.row.files, now.row.bytes);
  if (by_relay && !others.relays.empty()) {
    context_.out.note(fmt::format("{} {} here: {}", context_.out.glyphs().done(), files,
                                  at_relays_text(others.relays, others.contents_elsewhere)));
    return {};
  }
  context_.out.note(fmt::format("{} in step: {}", context_.out.glyphs().done(), files));
  return {};
}

/// Each is told once in a run, however often it comes and goes.
void SyncRun::tell_skipped(engine::SkippedRow const& row) {
  auto& out = context_.out;
  std::size_t fresh = 0;
  for (auto const& [path, code] : row.items) {
    if (!told_skips_.emplace(path, code).second) continue;
    if (++fresh <= kMostShown) out.warning("skipped", skipped_text(place_.name, path, code));
  }
  std::uint64_t const unnamed = row.total() - std::min<std::uint64_t>(row.total(), row.items.size());
  if (fresh > kMostShown) {
    out.warning("skipped", fmt::format("{}: {} more are left alone: kith status", place_.name,
                                       fresh - kMostShown + (fresh == row.items.size() ? unnamed : 0)));
  }
}

void SyncRun::show_progress(Snapshot const& now) {
  if (now.row.pending_files == 0 || now.row.state == FolderState::in_step) return end_progress();
  if (!pending_since_) pending_since_ = Clock::now();
  if (Clock::now() < *pending_since_ + kProgressAfter) return;
  most_pending_files_ = std::max(most_pending_files_, now.row.pending_files);
  most_pending_bytes_ = std::max(most_pending_bytes_, now.row.pending_bytes);
  auto const title = fmt::format("{} {} {}", place_.name, context_.out.glyphs().from(),
                                 now.connected.size() == 1 ? device_name(client_, *now.connected.begin()) : "others");
  if (!progress_) {
    progress_ = std::make_unique<Progress>(
        context_.out, fmt::format("{}: {} to come", title, files_text(now.row.pending_files, now.row.pending_bytes)),
        progress_interval_, Clock::now());
  }
  ProgressFigures figures;
  figures.title = title;
  figures.bytes_all = most_pending_bytes_;
  figures.bytes_done = most_pending_bytes_ - now.row.pending_bytes;
  figures.items_all = most_pending_files_;
  figures.items_done = most_pending_files_ - now.row.pending_files;
  figures.path = now.connected.empty() ? "" : "direct";
  progress_->update(figures, Clock::now());
}

void SyncRun::end_progress() {
  pending_since_.reset();
  if (!progress_) return;
  progress_->finish("");
  progress_.reset();
  most_pending_files_ = most_pending_bytes_ = 0;
}

Result<int> SyncRun::summarise(Snapshot const& last, std::optional<Error> const& reason) {
  end_progress();
  KITH_TRY(object, sync_summary(client_, place_, false, started_));
  auto const& was = tally_before_;
  auto const& is = last.tally;
  KITH_TRY(others, look_at_others());
  bool const alone = client_.other_devices().empty() && !others.at_relays_only();
  bool const unkept = !others.met.empty() && others.keep.empty();
  bool const carried = others.at_relays_only() && others.contents_elsewhere;
  bool const all_level = alone || carried || (others.all_level() && !unkept);
  object["in_sync"] = !reason && !last.open && last.row.state == FolderState::in_step && all_level;
  object["sent"] = {{"files", is.sent_files - was.sent_files}, {"size_bytes", is.sent_bytes - was.sent_bytes}};
  object["received"] = {{"files", is.received_files - was.received_files},
                        {"size_bytes", is.received_bytes - was.received_bytes}};
  object["deleted"] = {{"here", is.deleted_here - was.deleted_here}, {"there", is.deleted_there - was.deleted_there}};
  auto const fresh = std::min<std::size_t>(is.copies_made - was.copies_made, is.copies.size());
  for (auto copy = is.copies.end() - static_cast<std::ptrdiff_t>(fresh); copy != is.copies.end(); ++copy) {
    object["conflicts"].push_back({{"path", original_of(*copy)}, {"copy", *copy}});
  }
  object["skipped"] = skipped_json(last.skipped);
  object["skipped_total"] = last.skipped.total();
  object["pending"] = {{"files", last.row.pending_files}, {"size_bytes", last.row.pending_bytes}};
  for (auto& device : object["devices"]) {
    for (auto const& id : others.met) {
      if (device["id"] == to_hex(id.view()) && others.keep.contains(id)) device["in_sync"] = others.level.contains(id);
      if (auto const held = others.held.find(id); held != others.held.end() && device["id"] == to_hex(id.view()))
        device["held"] = held->second;
    }
  }
  context_.out.document(object);
  if (options_.once) print_summary(object, last, others);
  if (reason && reason->is(engine::EngineError::nobody_reachable)) KITH_CHECK(advise_of_relays(context_, client_));
  if (reason && reason->is(engine::EngineError::timed_out) && last.row.pending_files > 0 && last.connected.empty())
    advise_of_rest(last);
  if (reason) return context_.fail(*reason, {.directory = place_.root.native(), .folder = place_.name});
  if (unkept && options_.once) {
    context_.out.warning(
        "unkept",
        fmt::format("no device that was reached keeps {}: its files are on this one only. There: {}", place_.name,
                    context_.out.command(fmt::format("kith sync DIR --folder {}", engine::shell_quoted(place_.name)))));
  }
  for (auto const& [device, held] : others.held) {
    if (!options_.once) break;
    context_.out.warning("held-back",
                         fmt::format("{} leaves {} of this group's folders alone: kith status there says why",
                                     device_name(client_, device), paths_text(held)));
  }
  if (fresh > 0) return engine::kExitConflicts;
  bool const uncarried = others.at_relays_only() && !carried;
  if (uncarried || unkept || !others.held.empty() || !object["skipped"].empty()) return engine::kExitPartial;
  return engine::kExitOk;
}

/// What is still to come lies where nobody was reached: its sender's relay may take it piece by piece.
void SyncRun::advise_of_rest(Snapshot const& last) {
  auto const directory = engine::shell_quoted(options_.directory);
  context_.advise(
      {{{"kith status", "on the other devices: see whether the relay is full, and start kith there"},
        {fmt::format("kith sync {}", directory), "here: take the rest when it comes"}},
       fmt::format("what is in {} has not come whole: no relay that was reached has the rest, and no device "
                   "that has it is connected",
                   files_text(last.row.pending_files, last.row.pending_bytes)),
       {}});
}

void SyncRun::print_summary(Json const& object, Snapshot const& last, Others const& others) {
  auto& out = context_.out;
  auto const count = [&](char const* group, char const* field) { return object[group][field].get<std::uint64_t>(); };
  std::vector<std::string> devices;
  for (auto const& device : object["devices"]) {
    if (device["in_sync"] == true) devices.push_back(device["name"]);
  }
  std::vector<std::string> parts;
  if (count("sent", "files") > 0) {
    parts.push_back(fmt::format("{} {}", devices.empty() ? "recorded" : "sent",
                                files_text(count("sent", "files"), count("sent", "size_bytes"))));
  }
  if (count("received", "files") > 0) {
    parts.push_back("received " + files_text(count("received", "files"), count("received", "size_bytes")));
  }
  if (count("deleted", "here") > 0) parts.push_back(fmt::format("{} moved to .kith/trash", count("deleted", "here")));
  if (count("deleted", "there") > 0) parts.push_back(fmt::format("{} deleted", count("deleted", "there")));
  bool const level = object["in_sync"];
  if (parts.empty()) parts.emplace_back(level ? "nothing to do" : "nothing came or went");
  auto const with = devices.empty() ? std::string{} : fmt::format(" with {}", fmt::join(devices, ", "));
  bool const nobody = met_.empty() && others.relays.empty() && !object["devices"].empty();
  bool const at_relays = others.at_relays_only();
  out.result(fmt::format(
      "{} {}: {}. {}{} in {:.1f} s, {}", level ? out.glyphs().done() : "!", place_.name, fmt::join(parts, ", "),
      level                     ? "In step"
      : nobody                  ? "Queued here, nobody reached"
      : at_relays && !last.open ? client_.other_devices().empty() ? "No other device yet" : "No device reached"
                                : "Not in step",
      with, object["wall_s"].get<double>(), files_text(last.row.files, last.row.bytes)));
  if (at_relays) out.result("  " + at_relays_text(others.relays, others.contents_elsewhere));
  std::size_t shown = 0;
  for (auto const& conflict : object["conflicts"]) {
    if (++shown > kMostShown) break;
    out.warning("conflict", conflict_text(place_.name, conflict["copy"].get<std::string>()));
  }
  tell_skipped(last.skipped);
}

Result<Json> sync_summary(Client& client, FolderPlace const& place, bool dry_run, Instant started) {
  auto object = json_line("kith.sync/1", "summary");
  object["dry_run"] = dry_run;
  object["in_sync"] = false;
  object["folder"] = {{"id", json_id(place.id)}, {"name", place.name}, {"path", place.root.native()}};
  for (auto const* group : {"sent", "received"}) object[group] = {{"files", 0}, {"size_bytes", 0}};
  object["deleted"] = {{"here", 0}, {"there", 0}};
  object["conflicts"] = Json::array();
  object["skipped"] = Json::array();
  object["skipped_total"] = 0;
  object["pending"] = {{"files", 0}, {"size_bytes", 0}};
  object["devices"] = Json::array();
  for (auto const& device : client.other_devices()) {
    KITH_TRY(json, device_json(client, device));
    object["devices"].push_back(
        {{"id", json["id"]}, {"name", json["name"]}, {"path", json["path"]}, {"in_sync", nullptr}, {"held", 0}});
  }
  object["relays"] = Json::array();
  KITH_TRY(relays, relay_standings(client));
  for (auto const& each : relays) object["relays"].push_back({{"url", each.url}, {"has_all", each.has_all()}});
  object["wall_s"] = std::chrono::duration<double>(Clock::now() - started).count();
  return object;
}

Json skipped_item_json(std::string const& path, std::string const& code) {
  Json item{{"path", printable(path)}, {"code", code}};
  if (!is_utf8(path)) item["path_b64"] = to_base64(bytes_of(path));
  return item;
}

Result<engine::SkippedRow> skipped_row(Client& client, FolderId const& folder) {
  KITH_TRY(row, engine::get_control<engine::SkippedRow>(client.instance().store(), folder.view()));
  return row.value_or(engine::SkippedRow{});
}

Json skipped_json(engine::SkippedRow const& row) {
  Json list = Json::array();
  for (auto const& [path, code] : row.items) list.push_back(skipped_item_json(path, code));
  return list;
}

}  // namespace kith::cli
