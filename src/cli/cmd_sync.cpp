#include <fmt/format.h>

#include "cli/handlers.hpp"
#include "cli/sync_run.hpp"

namespace kith::cli {
namespace {

using engine::Client;
using engine::EngineError;

/// How long devices may take to tell of a folder whose directory is to be made here.
constexpr auto kHearTime = std::chrono::seconds{10};

/// Goes on the network until the group is known to have the folder, or nobody has more to tell.
Result<FolderPlace> hear_of(Context& context, Client& client, SyncOptions const& options, FolderPlace place) {
  if (client.other_devices().empty()) return place;
  context.out.note(
      fmt::format("{} is not there: asking other devices for a folder \"{}\" ...", place.root.native(), place.name));
  KITH_CHECK(client.connect());
  KITH_CHECK(dial_peers(context, client, options.peers));
  auto const until =
      Clock::now() + std::min<std::chrono::milliseconds>(
                         context.global.timeout.value_or(std::chrono::milliseconds(kHearTime)), kHearTime);
  while (!place.known && Clock::now() < until) {
    if (wait_for_news(client, std::chrono::milliseconds{100}) == News::signal) return stopped_by_signal();
    KITH_CHECK(check_standing(client));
    KITH_TRY(now, find_place(context, client, options));
    place = std::move(now);
  }
  return place;
}

/// @param about  told what is known of the folder, for the explanation of a failure
Result<int> sync(Context& context, SyncOptions const& options, engine::FailureContext& about) {
  KITH_TRY(client, open_client(context, fmt::format("kith sync {}", options.directory)));
  KITH_CHECK(check_member(context, *client));
  KITH_TRY(place, find_place(context, *client, options));
  about.directory = place.root.native();
  about.folder = place.name;
  if (options.dry_run) return dry_run(context, options, *client, place);
  if (is_awaited(place, options)) {
    auto heard = hear_of(context, *client, options, std::move(place));
    if (!heard) {
      // Without --once a signal is how it ends, from the first moment on.
      if (options.once || !heard.error().is(EngineError::interrupted)) return fail(heard.error());
      context.out.note("Stopped.");
      return engine::kExitOk;
    }
    place = std::move(*heard);
  }
  KITH_CHECK(bind_place(context, *client, place, options));
  return SyncRun(context, options, *client, std::move(place)).run();
}

/// Files that a scan of a directory would find, where it is no folder yet.
void count_files(std::filesystem::path const& root, Json& sent) {
  std::uint64_t count = 0, bytes = 0;
  std::error_code failed;
  std::filesystem::recursive_directory_iterator walk(root, std::filesystem::directory_options::skip_permission_denied,
                                                     failed),
      end;
  for (; !failed && walk != end; walk.increment(failed)) {
    if (walk.depth() == 0 && walk->path().filename() == ".kith") {
      walk.disable_recursion_pending();
      continue;
    }
    std::error_code ignored;
    if (walk->symlink_status(ignored).type() != std::filesystem::file_type::regular) continue;
    ++count;
    bytes += walk->file_size(ignored);
  }
  sent = {{"files", count}, {"size_bytes", bytes}};
}

}  // namespace

Result<int> dry_run(Context& context, SyncOptions const& options, Client& client, FolderPlace const& place) {
  auto const started = Clock::now();
  KITH_TRY(marked, check_binding(context, client, place, options));
  KITH_TRY(object, sync_summary(client, place, true, started));
  auto& out = context.out;
  std::optional<Error> guarded;
  if (!place.bound || !marked) {  // all that is there is compared, and nothing counts as deleted
    count_files(place.root, object["sent"]);
    KITH_CHECK(
        client.instance().folders.scan(place.id, [&](std::vector<files::VersionRow> const& versions) -> Result<> {
          for (auto const& version : versions) {
            if (version.removed || version.kind != wire::FileKind::file) continue;
            object["received"]["files"] = object["received"]["files"].get<std::uint64_t>() + 1;
            object["received"]["size_bytes"] = object["received"]["size_bytes"].get<std::uint64_t>() + version.size;
            break;
          }
          return {};
        }));
  } else {
    files::FolderSync folder(client.instance().folder_context(place.id));
    auto const guard = options.max_delete.value_or(client.options().config.max_delete);
    auto report = folder.dry_run(guard, engine::current_time());
    if (!report && report.error().is(files::FilesError::not_found)) {
      return fail(EngineError::folder_unmounted, SubjectDetail{place.root.native()});
    }
    if (!report) return fail(report.error());
    KITH_TRY(pending, folder.pending());
    if (report->guarded) {
      guarded = Error(EngineError::mass_delete, CountDetail{report->vanished, report->vanished + report->files});
      // What the guard stops is what somebody wants to see before allowing it.
      report = folder.dry_run({.off = true}, engine::current_time());
      if (!report) return fail(report.error());
    }
    object["sent"] = {{"files", report->changed_files}, {"size_bytes", report->changed_bytes}};
    object["received"] = {{"files", pending.files}, {"size_bytes", pending.bytes}};
    object["deleted"]["there"] = report->removed_files;
    for (auto const& each : report->skipped) {
      if (object["skipped"].size() == engine::SkippedRow::kMost) break;
      object["skipped"].push_back(skipped_item_json(each.path, std::string(files::skip_code(each.why))));
    }
    object["skipped_total"] = report->skipped.size();
  }
  object["wall_s"] = std::chrono::duration<double>(Clock::now() - started).count();
  out.document(object);
  auto const count = [&](char const* group, char const* field) { return object[group][field].get<std::uint64_t>(); };
  out.result(fmt::format("{} would send {}, delete {} on other devices, and receive {}. Nothing was changed.",
                         place.name, files_text(count("sent", "files"), count("sent", "size_bytes")),
                         count("deleted", "there"),
                         files_text(count("received", "files"), count("received", "size_bytes"))));
  if ((!place.bound || !marked) && place.known)
    out.note("Files that both sides have already are compared and not sent again.");
  if (guarded) {
    out.result("! It would stop before that: more would vanish than --max-delete or defaults.max_delete allows.");
    auto const& root = place.root.native();
    auto const directory = printable(root) == root ? engine::shell_quoted(root) : "DIR";
    context.advise(
        {{{fmt::format("kith sync {} --max-delete none", directory), "it is meant: delete them everywhere"}}});
    return fail(*guarded);
  }
  return engine::kExitOk;
}

int cmd_sync(Context& context, SyncOptions const& options) {
  engine::FailureContext about;
  Result<int> const code = sync(context, options, about);
  return code ? *code : context.fail(code.error(), about);
}

}  // namespace kith::cli
