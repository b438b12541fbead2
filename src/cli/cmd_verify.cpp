#include <algorithm>

#include <fmt/format.h>

#include "cli/handlers.hpp"
#include "cli/progress.hpp"
#include "cli/removal_claims.hpp"
#include "cli/signals.hpp"
#include "cli/sync_run.hpp"
#include "cli/verify_run.hpp"
#include "engine/folder_looks.hpp"

namespace kith::cli {
namespace {

using engine::Client;
using engine::EngineError;

constexpr auto kAnswerTime = std::chrono::seconds{10};  ///< without anything moving, unless --timeout says otherwise
constexpr auto kMostTime = std::chrono::seconds{60};    ///< where things move all the time
constexpr auto kOthersTime = std::chrono::milliseconds{300};  ///< once one device is compared, so long for the next
constexpr auto kDiskPatience = std::chrono::seconds{10};      ///< for a disk that is slow to start
constexpr auto kAskAgain = std::chrono::milliseconds{500};

std::string_view why_text(files::Mismatch::Why why) {
  switch (why) {
    case files::Mismatch::Why::edited: return "changed since the last scan";
    case files::Mismatch::Why::missing: return "gone since the last scan";
    case files::Mismatch::Why::rotten: return "its content changed though nobody wrote to it: a failing disk?";
    case files::Mismatch::Why::unreadable: return "cannot be read";
  }
  return {};
}

/// What to say of a device that has all entries, and not all contents.
std::string lacking_text(engine::DeliveryBook const& book, DeviceId const& device) {
  if (auto const held = book.held_back(device); held > 0)
    return fmt::format("leaves {} alone: kith status there says why", paths_text(held));
  return book.contents_unknown(device) ? "does not say yet what it has: a folder is still being read there"
                                       : "has still to fetch what is in some files";
}

}  // namespace

Result<int> Verifying::run() {
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
  bool const relays = !client_.instance().replica.state().roster().relays().empty();
  if (relays || !client_.other_devices().empty()) KITH_CHECK(client_.connect());
  KITH_CHECK(check_files());
  KITH_CHECK(compare());
  KITH_CHECK(find_lacking());
  return finish();
}

Result<> Verifying::check_files() {
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
  engine::FolderLooks looks(engine::look_for_markers(client_.instance().replica.state().group()));
  looks.look(bound);
  auto const until = Clock::now() + kDiskPatience;
  while (!looks.wait(std::chrono::milliseconds{200}) && Clock::now() < until && signals::stop_signal() == 0) {
  }
  for (auto const& [id, row] : bound) {
    auto const read = looks.there(id)
                          ? check_folder(id, row, all, done)
                          : Result<std::uint64_t>(fail(EngineError::folder_silent, SubjectDetail{row.root}));
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

Result<std::uint64_t> Verifying::check_folder(FolderId const& id, files::FolderRow const& row, std::uint64_t all,
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
  if (report->left_alone > 0) {
    still_.push_back(fmt::format("{}: where {} of its files {} there is a link, or something else that does not travel",
                                 printable(row.name), report->left_alone, report->left_alone == 1 ? "was" : "were"));
  }
  object_["files_checked"] = object_["files_checked"].get<std::uint64_t>() + report->files_checked;
  for (auto const& each : report->mismatched) {
    object_["files_mismatched"].push_back(fmt::format("{}/{}", row.name, each.path));
    if (object_["files_mismatched"].size() <= 20) {
      context_.out.warning("mismatch", fmt::format("{}/{}: {}", row.name, each.path, why_text(each.why)));
    }
  }
  return report->bytes_checked;
}

Result<wire::Digest> Verifying::own_digest() {
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

Result<> Verifying::compare() {
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
    auto const now = Clock::now();
    if (others == 0 && (relays_settled_ || (now_.relays.empty() && now >= nobody_until))) return {};
    if (before != now_)
      patient_until = std::min(now + patience, begun + std::max<std::chrono::milliseconds>(patience, kMostTime));
    before = now_;
    if (!settled_) settled_since.reset();
    if (settled_ && !settled_since) settled_since = now;
    bool const relays_done = relays_settled_ || (now_.relays.empty() && now >= nobody_until);
    if (settled_ && relays_done && (now_.connected.size() >= others || now >= *settled_since + kOthersTime)) return {};
    if (now_.connected.empty() && relays_done && now >= nobody_until) return RemovalClaims(context_, client_).tell();
    if (now >= patient_until) return {};
    if (now >= ask_next) {
      KITH_CHECK(engine::put_control(client_.instance().store(), engine::VerifyRow{engine::current_time().wall.ms}));
      client_.bell().ring();
      ask_next = now + kAskAgain;
    }
    if (wait_for_news(client_, std::chrono::milliseconds{100}) == News::signal) return stopped_by_signal();
  }
}

Result<> Verifying::look(std::int64_t begun_ms) {
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
  KITH_TRY(relays, relay_standings(client_, book));
  relays_settled_ = true;
  for (auto const& each : relays) {
    if (each.connected()) now_.relays.emplace(each.url, each.lacks);
    bool const settled = (each.level() || !each.code().empty()) && !each.row.comparing;
    relays_settled_ = relays_settled_ && settled;
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
    auto const keeps = [&book, other = device](auto const& folder) { return book.keeps(other, folder.first); };
    if (!folders_.empty() && std::ranges::all_of(folders_, keeps)) keeps_.insert(device);
    for (auto const& folder : folders_) {
      if (keeps(folder)) now_.kept.insert(folder.first);
    }
    if (std::ranges::any_of(folders_, keeps) && !book.holds_all_contents(device)) now_.without_contents.insert(device);
    auto& behind = now_.behind[device];
    if (answer->second.heads != own_.heads) {
      KITH_TRY(ours, book.we_hold_all(device));
      auto const name = device_name(client_, device);
      if (!ours) behind.push_back(fmt::format("changes are still to come from {} to this device", name));
      if (!book.holds_all(device))
        behind.push_back(fmt::format("changes are still to go from this device to {}", name));
      if (behind.empty()) behind.push_back(fmt::format("{} and this device were still exchanging changes", name));
    } else if (now_.without_contents.contains(device)) {
      behind.push_back(fmt::format("{} {}", device_name(client_, device), lacking_text(book, device)));
    }
    // What is left alone does not come by waiting. What it acknowledges, which `kith status` goes by, follows in a
    // moment.
    bool const coming = (!behind.empty() && book.held_back(device) == 0) || !book.holds_all(device);
    if (!differences(answer->second).empty() || coming) settled_ = false;
  }
  return {};
}

int cmd_verify(Context& context, VerifyOptions const& options) {
  return run_body(context, [&]() -> Result<int> {
    KITH_TRY(client, open_client(context, "kith verify"));
    return Verifying(context, options, *client).run();
  });
}

}  // namespace kith::cli
