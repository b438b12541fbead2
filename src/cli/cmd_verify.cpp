#include <algorithm>

#include <fmt/format.h>

#include "cli/handlers.hpp"
#include "cli/home_client.hpp"
#include "cli/progress.hpp"
#include "cli/signals.hpp"

namespace kith::cli {
namespace {

using engine::Client;
using engine::EngineError;

constexpr auto kAnswerTime = std::chrono::seconds{10};
constexpr auto kAskAgain = std::chrono::milliseconds{500};

std::string_view why_text(files::Mismatch::Why why) {
  switch (why) {
    case files::Mismatch::Why::edited: return "changed since the last scan";
    case files::Mismatch::Why::missing: return "gone since the last scan";
    case files::Mismatch::Why::rotten: return "its content changed though nobody wrote to it: a failing disk?";
  }
  return {};
}

/// One run of `kith verify`.
class Verifying {
 public:
  Verifying(Context& context, VerifyOptions const& options, Client& client)
      : context_(context), options_(options), client_(client) {}

  Result<int> run() {
    object_ = json_document("kith.verify/1");
    object_["result"] = nullptr;
    object_["checked_at"] = json_time(engine::current_time().wall);
    object_["heads"] = nullptr;
    object_["files_checked"] = 0;
    object_["files_mismatched"] = Json::array();
    object_["devices"] = Json::array();
    // Others are met while the disk is read.
    if (!client_.other_devices().empty()) KITH_CHECK(client_.connect());
    KITH_CHECK(check_files());
    KITH_TRY(reached, reach_others(context_, client_, Level::both));
    static_cast<void>(reached);
    KITH_CHECK(compare());
    return finish();
  }

 private:
  Result<> check_files() {
    KITH_TRY(bound, files::bound_folders(client_.instance().store()));
    KITH_TRY(interval, progress_interval(context_.environment));
    bool found = !options_.folder;
    std::uint64_t all = 0, done = 0;
    for (auto const& [id, row] : bound) all += row.bytes;
    for (auto const& [id, row] : bound) {
      if (options_.folder && row.name != *options_.folder && row.root != *options_.folder) continue;
      found = true;
      folders_.insert(id);
      auto context = client_.instance().folder_context(id);
      context.stop = [] { return signals::stop_signal() != 0; };
      files::FolderSync folder(std::move(context));
      Progress progress(context_.out, fmt::format("{}: reading {}", row.name, human_bytes(row.bytes)), interval,
                        Clock::now());
      ProgressFigures figures;
      figures.title = row.name;
      figures.bytes_all = options_.folder ? row.bytes : all;
      auto const report = folder.verify([&](std::uint64_t bytes) {
        figures.bytes_done = done + bytes;
        progress.update(figures, Clock::now());
      });
      progress.finish("");
      KITH_TRY(missing, folder.pending());
      lacking_ += missing.files;
      if (signals::stop_signal() != 0) return stopped_by_signal();
      if (!report && report.error().is(files::FilesError::not_found)) {
        return fail(EngineError::folder_unmounted, SubjectDetail{row.root});
      }
      if (!report) return fail(report.error());
      done += report->bytes_checked;
      object_["files_checked"] = object_["files_checked"].get<std::uint64_t>() + report->files_checked;
      for (auto const& each : report->mismatched) {
        object_["files_mismatched"].push_back(fmt::format("{}/{}", row.name, each.path));
        if (object_["files_mismatched"].size() <= 20) {
          context_.out.warning("mismatch", fmt::format("{}/{}: {}", row.name, each.path, why_text(each.why)));
        }
      }
    }
    if (!found) {
      context_.advise({{{"kith status", "see the folders by their names"}}});
      return fail(EngineError::usage,
                  SubjectDetail{fmt::format("this device keeps no folder \"{}\"", printable(*options_.folder))});
    }
    return {};
  }

  Result<wire::Digest> own_digest() {
    auto& instance = client_.instance();
    KITH_CHECK(client_.refresh());
    wire::Digest own;
    KITH_TRY(heads, instance.replica.heads());
    KITH_TRY(messages, instance.messages.digest());
    KITH_TRY(folders, instance.folders.digest());
    own.heads = heads;
    own.roster = instance.replica.state().roster().digest();
    own.messages = messages;
    own.folders = folders;
    return own;
  }

  /// Asks until all who are connected hold the same, or have had time enough.
  Result<> compare() {
    auto& store = client_.instance().store();
    auto const until = Clock::now() + kAnswerTime;
    std::int64_t const begun_ms = engine::current_time().wall.ms;
    Instant ask_next = Clock::now();
    for (;;) {
      if (auto const failure = client_.network_failure()) return fail(*failure);
      KITH_TRY(own, own_digest());
      own_ = own;
      KITH_TRY(sessions, client_.sessions());
      KITH_TRY(answers, engine::all_control<engine::DigestRow>(store));
      answers_.clear();
      for (auto const& [key, row] : answers) {
        auto const device = DeviceId::from(key);
        if (device && row.answered_ms >= begun_ms) answers_[*device] = row.digest;
      }
      connected_.clear();
      KITH_TRY(book, engine::DeliveryBook::load(client_.instance().replica, client_.instance().store()));
      keeps_.clear();
      without_contents_.clear();
      bool settled = true;
      for (auto const& [device, row] : sessions) {
        connected_.insert(device);
        auto const answer = answers_.find(device);
        if (answer == answers_.end() || differences(answer->second).size() > 0) settled = false;
        auto const peer = book.peers().find(device);
        auto const keeps = [&](FolderId const& id) {
          return peer != book.peers().end() &&
                 std::ranges::find(peer->second.folders, id) != peer->second.folders.end();
        };
        if (!folders_.empty() && std::ranges::all_of(folders_, keeps)) keeps_.insert(device);
        bool const keeps_any = std::ranges::any_of(folders_, keeps);
        if (keeps_any && !book.holds_all_contents(device)) {
          without_contents_.insert(device);
          settled = false;
        }
      }
      if (settled || Clock::now() >= until) return {};
      if (Clock::now() >= ask_next) {
        KITH_CHECK(engine::put_control(store, engine::VerifyRow{engine::current_time().wall.ms}));
        client_.bell().ring();
        ask_next = Clock::now() + kAskAgain;
      }
      if (wait_for_news(client_, std::chrono::milliseconds{100}) == News::signal) return stopped_by_signal();
    }
  }

  std::vector<std::string> differences(wire::Digest const& theirs) const {
    std::vector<std::string> differs;
    if (theirs.heads != own_.heads) differs.emplace_back("heads");
    if (theirs.roster != own_.roster) differs.emplace_back("roster");
    if (theirs.messages != own_.messages) differs.emplace_back("messages");
    if (theirs.folders != own_.folders) differs.emplace_back("folders");
    return differs;
  }

  Result<int> finish() {
    object_["heads"] = to_hex(own_.heads.view());
    std::vector<std::string> same, unreached, not_same;
    bool different = !object_["files_mismatched"].empty();
    for (auto const& device : client_.other_devices()) {
      Json entry;
      entry["id"] = json_id(device);
      auto const name = device_name(client_, device);
      entry["name"] = name;
      auto const answer = answers_.find(device);
      bool const reached = connected_.contains(device) && answer != answers_.end();
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
        bool const lacks = without_contents_.contains(device);
        if (lacks) differs.emplace_back("contents");
        // Other entries, other views: that is a device that is behind. Equal entries must give equal views.
        bool const behind = theirs.heads != own_.heads || lacks;
        entry["result"] = differs.empty() ? "identical" : behind ? "behind" : "different";
        entry["heads"] = to_hex(theirs.heads.view());
        entry["views"] = {{"roster", to_hex(theirs.roster.view())},
                          {"messages", to_hex(theirs.messages.view())},
                          {"folders", to_hex(theirs.folders.view())}};
        if (differs.empty()) entry["missing_entries"] = 0;
        entry["differs"] = differs;
        if (differs.empty()) {
          if (!folders_.empty() && !keeps_.contains(device)) not_kept_.push_back(name);
          same.push_back(name);
        } else {
          not_same.push_back(
              fmt::format("{} ({}: {})", name, behind ? "behind" : "different", fmt::join(differs, ", ")));
          different = true;
        }
      }
      object_["devices"].push_back(std::move(entry));
    }
    if (options_.folder)
      std::erase_if(same, [&](auto const& name) { return std::ranges::find(not_kept_, name) != not_kept_.end(); });
    object_["result"] = different                                                            ? "different"
                        : lacking_ > 0 || (same.empty() && !client_.other_devices().empty()) ? "unverified"
                                                                                             : "identical";
    context_.out.document(object_);
    return report(same, unreached, not_same, different);
  }

  int report(std::vector<std::string> const& same, std::vector<std::string> const& unreached,
             std::vector<std::string> const& not_same, bool different) {
    auto& out = context_.out;
    auto const checked = object_["files_checked"].get<std::uint64_t>();
    auto const files = fmt::format("{} {} read", checked, checked == 1 ? "file" : "files");
    if (different) {
      if (!not_same.empty())
        out.result(fmt::format("{} different: {}", out.glyphs().failed(), fmt::join(not_same, "; ")));
      if (auto const wrong = object_["files_mismatched"].size(); wrong > 0) {
        out.result(fmt::format("{} {} of {} files are not what was recorded", out.glyphs().failed(), wrong, checked));
      }
      return engine::kExitOther;
    }
    if (client_.other_devices().empty()) {
      out.result(
          fmt::format("{} {}, all as recorded. There is no other device to compare with.", out.glyphs().done(), files));
      return engine::kExitOk;
    }
    if (lacking_ > 0) {
      out.result(fmt::format("{} {}, and {} {} still to come to this device: {}", out.glyphs().failed(), files,
                             lacking_, lacking_ == 1 ? "file is" : "files are", out.command("kith status")));
      return engine::kExitPartial;
    }
    if (same.empty() && !not_kept_.empty()) {
      out.result(fmt::format("! {}, all as recorded; {} does not keep this folder, so there is nothing to compare with",
                             files, fmt::join(not_kept_, ", ")));
      return engine::kExitPartial;
    }
    if (same.empty()) return context_.fail(EngineError::nobody_reachable);
    out.result(fmt::format("{} identical as of {} on {} and this device; {}", out.glyphs().done(),
                           object_["checked_at"].get<std::string>(), fmt::join(same, ", "), files));
    if (!not_kept_.empty()) {
      out.note(fmt::format("{}: the records are identical; not all of this device's folders are kept there",
                           fmt::join(not_kept_, ", ")));
    }
    if (unreached.empty()) return engine::kExitOk;
    out.warning("unreachable", fmt::format("not reached: {}", fmt::join(unreached, ", ")));
    return engine::kExitPartial;
  }

  Context& context_;
  VerifyOptions const& options_;
  Client& client_;
  Json object_;
  wire::Digest own_;
  std::map<DeviceId, wire::Digest> answers_;
  std::set<DeviceId> connected_;
  std::set<FolderId> folders_;           ///< that were read here
  std::uint64_t lacking_ = 0;            ///< files that should be here and are not yet
  std::set<DeviceId> keeps_;             ///< devices that keep all of them
  std::set<DeviceId> without_contents_;  ///< devices that have not got all contents yet
  std::vector<std::string> not_kept_;
};

}  // namespace

int cmd_verify(Context& context, VerifyOptions const& options) {
  return run_body(context, [&]() -> Result<int> {
    KITH_TRY(client, open_client(context, "kith verify"));
    return Verifying(context, options, *client).run();
  });
}

}  // namespace kith::cli
