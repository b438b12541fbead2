#include <algorithm>

#include <fmt/format.h>

#include "cli/handlers.hpp"
#include "cli/home_client.hpp"
#include "cli/progress.hpp"
#include "cli/removal_claims.hpp"
#include "cli/signals.hpp"
#include "cli/sync_run.hpp"

namespace kith::cli {
namespace {

using engine::Client;
using engine::EngineError;

constexpr auto kAnswerTime = std::chrono::seconds{10};  ///< without anything moving, unless --timeout says otherwise
constexpr auto kMostTime = std::chrono::seconds{60};    ///< where things move all the time
constexpr auto kOthersTime = std::chrono::milliseconds{300};  ///< once one device is compared, so long for the next
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
    object_["folders_unread"] = Json::array();
    object_["pending"] = {{"files", 0}, {"size_bytes", 0}};
    object_["devices"] = Json::array();
    // Others are met while the disk is read.
    if (!client_.other_devices().empty()) KITH_CHECK(client_.connect());
    KITH_CHECK(check_files());
    KITH_CHECK(compare());
    KITH_CHECK(find_pending());
    return finish();
  }

 private:
  Result<> check_files() {
    KITH_TRY(bound, files::bound_folders(client_.instance().store()));
    std::erase_if(bound, [&](auto const& each) {
      return options_.folder && each.second.name != *options_.folder && each.second.root != *options_.folder;
    });
    if (options_.folder && bound.empty()) {
      context_.advise({{{"kith status", "see the folders by their names"}}});
      return fail(EngineError::usage,
                  SubjectDetail{fmt::format("this device keeps no folder \"{}\"", printable(*options_.folder))});
    }
    std::uint64_t all = 0, done = 0;
    for (auto const& [id, row] : bound) all += row.bytes;
    for (auto const& [id, row] : bound) {
      auto const read = check_folder(id, row, all, done);
      if (signals::stop_signal() != 0) return stopped_by_signal();
      if (read) {
        done += *read;
        continue;
      }
      // One disk that is away keeps nobody from comparing the rest.
      if (options_.folder) return fail(read.error());
      auto const failure = engine::explain(read.error(), {.directory = row.root});
      object_["folders_unread"].push_back(
          {{"id", json_id(id)}, {"name", row.name}, {"path", printable(row.root)}, {"code", failure.code}});
      context_.out.warning("unread", fmt::format("{} was not read: {}", printable(row.name), failure.what));
    }
    return {};
  }

  /// @return how many bytes were read
  Result<std::uint64_t> check_folder(FolderId const& id, files::FolderRow const& row, std::uint64_t all,
                                     std::uint64_t done) {
    KITH_TRY(interval, progress_interval(context_.environment));
    auto context = client_.instance().folder_context(id);
    context.stop = [] { return signals::stop_signal() != 0; };
    files::FolderSync folder(std::move(context));
    Progress progress(context_.out, fmt::format("{}: reading {}", row.name, human_bytes(row.bytes)), interval,
                      Clock::now());
    ProgressFigures figures;
    figures.title = row.name;
    figures.bytes_all = all;
    auto const report = folder.verify([&](std::uint64_t bytes) {
      figures.bytes_done = done + bytes;
      progress.update(figures, Clock::now());
    });
    progress.finish("");
    if (!report && report.error().is(files::FilesError::not_found))
      return fail(EngineError::folder_unmounted, SubjectDetail{row.root});
    if (!report) return fail(report.error());
    folders_.emplace(id, row.name);
    object_["files_checked"] = object_["files_checked"].get<std::uint64_t>() + report->files_checked;
    for (auto const& each : report->mismatched) {
      object_["files_mismatched"].push_back(fmt::format("{}/{}", row.name, each.path));
      if (object_["files_mismatched"].size() <= 20) {
        context_.out.warning("mismatch", fmt::format("{}/{}: {}", row.name, each.path, why_text(each.why)));
      }
    }
    return report->bytes_checked;
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

  /// Asks until all who can be reached hold the same, or nothing moves any more: one wait for all of them.
  Result<> compare() {
    auto const patience = context_.global.timeout.value_or(kAnswerTime);
    auto const begun = Clock::now();
    auto const nobody_until = begun + std::min<std::chrono::milliseconds>(patience, kReachTime);
    auto patient_until = begun + patience;
    std::int64_t const begun_ms = engine::current_time().wall.ms;
    Instant ask_next = begun;
    std::optional<Instant> settled_since;
    std::optional<Picture> before;
    for (;;) {
      KITH_CHECK(check_standing(client_));
      KITH_CHECK(look(begun_ms));
      auto const others = client_.other_devices().size();
      if (others == 0) return {};
      auto const now = Clock::now();
      if (before != now_)
        patient_until = std::min(now + patience, begun + std::max<std::chrono::milliseconds>(patience, kMostTime));
      before = now_;
      if (!settled_) settled_since.reset();
      if (settled_ && !settled_since) settled_since = now;
      if (settled_ && (now_.connected.size() >= others || now >= *settled_since + kOthersTime)) return {};
      if (now_.connected.empty() && now >= nobody_until) return RemovalClaims(context_, client_).tell();
      if (now >= patient_until) return {};
      if (now >= ask_next) {
        KITH_CHECK(engine::put_control(client_.instance().store(), engine::VerifyRow{engine::current_time().wall.ms}));
        client_.bell().ring();
        ask_next = now + kAskAgain;
      }
      if (wait_for_news(client_, std::chrono::milliseconds{100}) == News::signal) return stopped_by_signal();
    }
  }

  /// What the others hold, by their answers since the beginning.
  Result<> look(std::int64_t begun_ms) {
    auto& store = client_.instance().store();
    KITH_TRY(own, own_digest());
    own_ = own;
    KITH_TRY(sessions, client_.sessions());
    KITH_TRY(answers, engine::all_control<engine::DigestRow>(store));
    KITH_TRY(book, engine::DeliveryBook::load(client_.instance().replica, store));
    now_ = {};
    now_.own_heads = own.heads;
    for (auto const& [key, row] : answers) {
      auto const device = DeviceId::from(key);
      if (!device || row.answered_ms < begun_ms) continue;
      auto& answer = now_.answers[*device] = row.digest;
      answer.token = 0;  // of the question; what was answered is the same
    }
    settled_ = !sessions.empty();
    keeps_.clear();
    for (auto const& [device, row] : sessions) {
      now_.connected.insert(device);
      auto const answer = now_.answers.find(device);
      if (answer == now_.answers.end()) {
        settled_ = false;
        continue;
      }
      auto const peer = book.peers().find(device);
      auto const keeps = [&](auto const& folder) {
        return peer != book.peers().end() &&
               std::ranges::find(peer->second.folders, folder.first) != peer->second.folders.end();
      };
      if (!folders_.empty() && std::ranges::all_of(folders_, keeps)) keeps_.insert(device);
      if (std::ranges::any_of(folders_, keeps) && !book.holds_all_contents(device))
        now_.without_contents.insert(device);
      auto& behind = now_.behind[device];
      if (answer->second.heads != own_.heads) {
        KITH_TRY(ours, book.we_hold_all(device));
        auto const name = device_name(client_, device);
        if (!ours) behind.push_back(fmt::format("changes are still to come from {} to this device", name));
        if (!book.holds_all(device))
          behind.push_back(fmt::format("changes are still to go from this device to {}", name));
        if (behind.empty()) behind.push_back(fmt::format("{} and this device were still exchanging changes", name));
      } else if (now_.without_contents.contains(device)) {
        behind.push_back(fmt::format("{} has still to fetch what is in some files", device_name(client_, device)));
      }
      if (!differences(answer->second).empty() || !behind.empty()) settled_ = false;
    }
    return {};
  }

  /// What should be here and is not yet, and who keeps those folders.
  Result<> find_pending() {
    KITH_TRY(book, engine::DeliveryBook::load(client_.instance().replica, client_.instance().store()));
    std::uint64_t files = 0, bytes = 0;
    for (auto const& [id, folder_name] : folders_) {
      files::FolderSync folder(client_.instance().folder_context(id));
      KITH_TRY(pending, folder.pending());
      if (pending.files == 0) continue;
      files += pending.files;
      bytes += pending.bytes;
      std::vector<std::string> from;
      for (auto const& [device, peer] : book.peers()) {
        if (std::ranges::find(peer.folders, id) == peer.folders.end()) continue;
        from.push_back(device_name(client_, device) + (now_.connected.contains(device) ? "" : " (not reached)"));
      }
      still_.push_back(fmt::format(
          "{}: {} still to come to this device, {}", printable(folder_name), files_text(pending.files, pending.bytes),
          from.empty() ? "and nobody is known to keep this folder" : fmt::format("kept by {}", fmt::join(from, ", "))));
    }
    object_["pending"] = {{"files", files}, {"size_bytes", bytes}};
    return {};
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
    bool const different = !object_["files_mismatched"].empty() || !faulty.empty();
    bool const alone = client_.other_devices().empty();
    bool const whole = still_.empty() && object_["folders_unread"].empty() && (alone || !same.empty());
    object_["result"] = different ? "different" : whole ? "identical" : "unverified";
    context_.out.document(object_);
    if (different) return report_faults(faulty);
    return report(same, unreached);
  }

  int report_faults(std::vector<std::string> const& faulty) {
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

  int report(std::vector<std::string> const& same, std::vector<std::string> const& unreached) {
    auto& out = context_.out;
    auto const checked = object_["files_checked"].get<std::uint64_t>();
    auto const files = fmt::format("{} {} read, all as recorded", checked, checked == 1 ? "file" : "files");
    bool const alone = client_.other_devices().empty();
    bool const nobody = !alone && unreached.size() == object_["devices"].size();
    if (!still_.empty()) {
      out.result(fmt::format("! {}; not complete yet:", files));
      for (auto const& line : still_) out.result("  " + line);
    }
    if (nobody) return context_.fail(EngineError::nobody_reachable);
    if (!still_.empty()) {
      if (!same.empty()) out.result(fmt::format("  the records are identical on {}", fmt::join(same, ", ")));
    } else if (alone) {
      out.result(fmt::format("{} {}. There is no other device to compare with.",
                             object_["folders_unread"].empty() ? out.glyphs().done() : "!", files));
    } else if (same.empty()) {
      out.result(fmt::format("! {}; {} does not keep this folder, so there is nothing to compare with", files,
                             fmt::join(not_kept_, ", ")));
      return engine::kExitPartial;
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

  /// What is known of the others at one moment.
  struct Picture {
    crypto::Hash256 own_heads;
    std::map<DeviceId, wire::Digest> answers;
    std::set<DeviceId> connected;
    std::set<DeviceId> without_contents;                  ///< devices that have not got all contents yet
    std::map<DeviceId, std::vector<std::string>> behind;  ///< of each device, what is still to go or to come
    friend bool operator==(Picture const&, Picture const&) = default;
  };
  Context& context_;
  VerifyOptions const& options_;
  Client& client_;
  Json object_;
  wire::Digest own_;
  Picture now_;
  bool settled_ = false;                     ///< all who are connected hold the same
  std::map<FolderId, std::string> folders_;  ///< that were read here, and their names
  std::set<DeviceId> keeps_;                 ///< devices that keep all of them
  std::vector<std::string> still_;           ///< what is still to come or to go
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
