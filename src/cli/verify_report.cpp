#include <algorithm>

#include <fmt/format.h>

#include "cli/sync_run.hpp"
#include "cli/verify_run.hpp"
#include "engine/failure_codes.hpp"

/// What `kith verify` makes of what it found, and tells.
namespace kith::cli {

using engine::EngineError;

Result<> Verifying::find_lacking() {
  KITH_TRY(book, engine::DeliveryBook::load(client_.instance().replica, client_.instance().store()));
  std::uint64_t files = 0, bytes = 0;
  for (auto const& [id, folder_name] : folders_) {
    KITH_CHECK(find_left_alone(id, folder_name));
    if (!now_.connected.empty() && !now_.kept.contains(id)) {
      still_.push_back(fmt::format("{}: no device that was reached keeps it, so there is no copy to compare with",
                                   printable(folder_name)));
    }
    files::FolderSync folder(client_.instance().folder_context(id));
    KITH_TRY(pending, folder.pending());
    if (pending.files == 0) continue;
    files += pending.files;
    bytes += pending.bytes;
    std::vector<std::string> from;
    for (auto const& [device, peer] : book.peers()) {
      if (!book.keeps(device, id)) continue;
      from.push_back(device_name(client_, device) + (now_.connected.contains(device) ? "" : " (not reached)"));
    }
    still_.push_back(fmt::format(
        "{}: {} still to come to this device, {}", printable(folder_name), files_text(pending.files, pending.bytes),
        from.empty() ? "and nobody is known to keep this folder" : fmt::format("kept by {}", fmt::join(from, ", "))));
  }
  object_["pending"] = {{"files", files}, {"size_bytes", bytes}};
  return {};
}

/// What this device leaves alone of what the group has is here in no version, or in another one.
Result<> Verifying::find_left_alone(FolderId const& id, std::string const& folder_name) {
  using Why = files::Skipped::Why;
  KITH_TRY(skipped, skipped_row(client_, id));
  std::uint64_t files = 0;
  for (auto const& [code, count] : skipped.counts) {
    for (auto const why :
         {Why::blocked, Why::name_clash, Why::unreadable, Why::read_failed, Why::bad_content, Why::no_copy}) {
      if (code == files::skip_code(why)) files += count;
    }
  }
  if (files > 0) {
    still_.push_back(fmt::format("{}: {} {} left alone on this device: kith status", printable(folder_name), files,
                                 files == 1 ? "path is" : "paths are"));
  }
  return {};
}

std::vector<std::string> Verifying::differences(wire::Digest const& theirs) const {
  std::vector<std::string> differs;
  if (theirs.heads != own_.heads) differs.emplace_back("heads");
  if (theirs.roster != own_.roster) differs.emplace_back("roster");
  if (theirs.messages != own_.messages) differs.emplace_back("messages");
  if (theirs.folders != own_.folders) differs.emplace_back("folders");
  return differs;
}

Result<std::vector<std::string>> Verifying::report_relays() {
  object_["relays"] = Json::array();
  KITH_TRY(relays, relay_standings(client_));
  auto& out = context_.out;
  std::vector<std::string> false_ones;
  for (auto const& each : relays) {
    bool const reached = each.connected();
    if (reached)
      (each.level() && each.lacks == 0 && each.code().empty() ? relays_whole_ : relays_lacking_).push_back(each.url);
    auto const trouble = each.shown ? engine::trouble_code(each.row.trouble) : std::string_view{};
    auto const code = trouble.empty() ? each.code() : trouble;
    object_["relays"].push_back({{"url", each.url},
                                 {"reached", reached},
                                 {"result", !reached          ? "unreachable"
                                            : each.lacks == 0 ? "complete"
                                                              : "incomplete"},
                                 {"missing_entries", reached ? Json(each.lacks) : Json()},
                                 {"last_error_code", code.empty() ? Json() : Json(code)}});
    using enum sync::RelayTrouble;
    bool const untrue = each.shown && (each.row.trouble == off_chain || each.row.trouble == withholds);
    if (untrue) false_ones.push_back(each.url);
    if (reached && each.lacks == 0) {
      out.result(
          fmt::format("{} relay {} holds everything that this device would pass on", out.glyphs().done(), each.url));
    } else if (reached) {
      out.result(fmt::format("! relay {} lacks {} {}{}", each.url, each.lacks, each.lacks == 1 ? "entry" : "entries",
                             each.lacks_own > 0 ? "" : ", none of them by this device: their authors bring them"));
    }
    if (auto const* known = engine::find_failure_code(code); known != nullptr) {
      out.result(fmt::format("{} relay {}: {}: {}", untrue ? out.glyphs().failed() : "!", each.url, known->summary,
                             out.command(fmt::format("kith help {}", code))));
    } else if (!reached) {
      out.result(fmt::format("! relay {} was not reached", each.url));
    }
  }
  return false_ones;
}

Result<int> Verifying::finish() {
  object_["heads"] = to_hex(own_.heads.view());
  std::vector<std::string> same, unreached, faulty;
  for (auto const& device : client_.other_devices()) {
    Json entry;
    entry["id"] = json_id(device);
    auto const name = device_name(client_, device);
    entry["name"] = name;
    auto const answer = now_.answers.find(device);
    bool const reached = now_.connected.contains(device) && answer != now_.answers.end();
    entry["reached"] = reached;
    entry["heads"] = nullptr;
    entry["views"] = nullptr;
    entry["missing_entries"] = nullptr;
    entry["differs"] = Json::array();
    if (!reached) {
      entry["result"] = "unreachable";
      unreached.push_back(name);
    } else {
      auto const& theirs = answer->second;
      auto differs = differences(theirs);
      if (now_.without_contents.contains(device)) differs.emplace_back("contents");
      // Other entries, other views: that is a device that is behind. Equal entries must give equal views.
      bool const fault = theirs.heads == own_.heads && !differences(theirs).empty();
      auto const& behind = now_.behind[device];
      entry["result"] = fault ? "different" : differs.empty() ? "identical" : "behind";
      entry["heads"] = to_hex(theirs.heads.view());
      entry["views"] = {{"roster", to_hex(theirs.roster.view())},
                        {"messages", to_hex(theirs.messages.view())},
                        {"folders", to_hex(theirs.folders.view())}};
      if (theirs.heads == own_.heads) entry["missing_entries"] = 0;
      entry["differs"] = differs;
      still_.insert(still_.end(), behind.begin(), behind.end());
      if (fault) faulty.push_back(fmt::format("{} ({})", name, fmt::join(differences(theirs), ", ")));
      if (differs.empty()) {
        if (!folders_.empty() && !keeps_.contains(device)) not_kept_.push_back(name);
        same.push_back(name);
      }
    }
    object_["devices"].push_back(std::move(entry));
  }
  if (options_.folder)
    std::erase_if(same, [&](auto const& name) { return std::ranges::find(not_kept_, name) != not_kept_.end(); });
  KITH_TRY(false_relays, report_relays());
  bool const different = !object_["files_mismatched"].empty() || !faulty.empty() || !false_relays.empty();
  bool const alone = client_.other_devices().empty();
  bool const whole = still_.empty() && object_["folders_unread"].empty() && (alone || !same.empty());
  KITH_TRY(book, engine::DeliveryBook::load(client_.instance().replica, client_.instance().store()));
  KITH_TRY(contents, book.contents_elsewhere());
  bool const nobody = !alone && unreached.size() == object_["devices"].size();
  bool const reached_relay = !relays_whole_.empty() || !relays_lacking_.empty();
  if (nobody && reached_relay && !contents)
    still_.emplace_back(
        "what is in some files or messages is on this device only: no relay and no other device has it");
  by_relay_ = nobody && !relays_whole_.empty() && relays_lacking_.empty() && still_.empty() &&
              object_["folders_unread"].empty();
  object_["result"] = different ? "different" : whole ? "identical" : by_relay_ ? "relay-only" : "unverified";
  context_.out.document(object_);
  if (different) return report_faults(faulty);
  return report(same, unreached);
}

int Verifying::report_faults(std::vector<std::string> const& faulty) {
  auto& out = context_.out;
  if (!faulty.empty()) {
    out.result(fmt::format("{} different: {} made something else of the same changes: {}", out.glyphs().failed(),
                           fmt::join(faulty, "; "), out.command("kith doctor")));
  }
  if (auto const wrong = object_["files_mismatched"].size(); wrong > 0) {
    out.result(fmt::format("{} {} of {} files are not what was recorded", out.glyphs().failed(), wrong,
                           object_["files_checked"].get<std::uint64_t>()));
  }
  for (auto const& line : still_) out.result("  " + line);
  return engine::kExitOther;
}

int Verifying::report(std::vector<std::string> const& same, std::vector<std::string> const& unreached) {
  auto& out = context_.out;
  auto const checked = object_["files_checked"].get<std::uint64_t>();
  auto const files = fmt::format("{} {} read, all as recorded", checked, checked == 1 ? "file" : "files");
  bool const alone = client_.other_devices().empty();
  bool const nobody = !alone && unreached.size() == object_["devices"].size();
  if (!still_.empty()) {
    out.result(fmt::format("! {}; not complete:", files));
    for (auto const& line : still_) out.result("  " + line);
  }
  if (nobody && relays_whole_.empty() && relays_lacking_.empty()) return context_.fail(EngineError::nobody_reachable);
  if (nobody) {
    if (by_relay_)
      out.result(fmt::format("{} {}, and {} agrees", out.glyphs().done(), files, relays_text(relays_whole_)));
    out.note(
        "No other device was met, only what is at the relay was compared: what the others have made of it they "
        "show when they are met.");
    return by_relay_ ? engine::kExitOk : engine::kExitPartial;
  }
  if (!still_.empty()) {
    if (!same.empty()) out.result(fmt::format("  the records are identical on {}", fmt::join(same, ", ")));
  } else if (alone) {
    out.result(fmt::format("{} {}. There is no other device to compare with.",
                           object_["folders_unread"].empty() ? out.glyphs().done() : "!", files));
  } else {
    out.result(fmt::format("{} identical as of {} on {} and this device; {}",
                           object_["folders_unread"].empty() ? out.glyphs().done() : "!",
                           object_["checked_at"].get<std::string>(), fmt::join(same, ", "), files));
    if (!not_kept_.empty()) {
      out.note(fmt::format("{}: the records are identical; not all of this device's folders are kept there",
                           fmt::join(not_kept_, ", ")));
    }
  }
  if (!unreached.empty()) out.warning("unreachable", fmt::format("not reached: {}", fmt::join(unreached, ", ")));
  bool const whole = still_.empty() && unreached.empty() && object_["folders_unread"].empty();
  return whole ? engine::kExitOk : engine::kExitPartial;
}

}  // namespace kith::cli
