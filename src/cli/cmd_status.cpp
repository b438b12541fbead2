#include <fmt/format.h>

#include "cli/handlers.hpp"
#include "cli/relay_standing.hpp"
#include "cli/removal_claims.hpp"
#include "cli/status_report.hpp"
#include "cli/sync_run.hpp"
#include "engine/failure_codes.hpp"
#include "engine/folder_looks.hpp"

/// `kith status`: reads the database and each folder's marker, and nothing else, so that it answers at once whatever
/// runs; disks that are slow to answer have a second.
namespace kith::cli {
namespace {

using engine::Client;
using files::FolderState;

constexpr auto kForkTold = std::chrono::milliseconds(std::chrono::days{30});
constexpr auto kDiskPatience = std::chrono::seconds{1};  ///< in all

std::string_view state_text(FolderState state, bool watched) {
  if (state == FolderState::stopped) return "stopped";
  if (!watched) return "idle";
  switch (state) {
    case FolderState::idle:
    case FolderState::scanning: return "scanning";
    case FolderState::syncing: return "syncing";
    case FolderState::in_step: return "in-step";
    case FolderState::stopped: break;
  }
  return "stopped";
}

Json problem_json(Output const& out, engine::FailureCode const& code, std::string const& subject) {
  Json problem{{"code", code.code}};
  problem["message"] =
      subject.empty() ? std::string(code.summary) : fmt::format("{}: {}", code.summary, printable(subject));
  problem["safe"] = code.safe;
  std::vector<engine::Remedy> remedies;
  for (auto const& each : code.tries()) remedies.push_back({std::string(each.command), std::string(each.explanation)});
  problem["remedy"] = remedies_json(out.commands(std::move(remedies)));
  return problem;
}

Json skipped_summary_json(engine::SkippedRow const& row) {
  Json codes = Json::array();
  for (auto const& [code, count] : row.counts) codes.push_back({{"code", code}, {"files", count}});
  return {{"total", row.total()}, {"codes", std::move(codes)}, {"items", skipped_json(row)}};
}

/// All that `status` says, gathered once.
class Picture {
 public:
  Picture(Context& context, Client& client) : context_(context), client_(client) {}

  Result<int> show() {
    KITH_CHECK(gather());
    context_.out.document(object_);
    print_status(context_.out, object_);
    return engine::kExitOk;
  }

 private:
  Result<> gather() {
    KITH_CHECK(client_.refresh());
    auto const& state = client_.instance().replica.state();
    object_ = json_document("kith.status/1");
    object_["state"] = nullptr;
    object_["group"] = {{"id", json_id(state.group())}, {"name", state.roster().group_name()}};
    KITH_TRY(self, device_json(client_, client_.device_id()));
    object_["self"] = self;
    KITH_TRY(owner, client_.owner());
    object_["running"] = nullptr;
    if (owner) {
      object_["running"] = {{"pid", owner->process.pid},
                            {"command", printable(owner->command)},
                            {"since_at", json_time(WallTime{owner->since_ms})}};
    }
    KITH_CHECK(gather_folders());
    KITH_TRY(book, engine::DeliveryBook::load(client_.instance().replica, client_.instance().store()));
    KITH_CHECK(gather_messages(book));
    KITH_CHECK(gather_devices(book));
    KITH_CHECK(gather_relays(book));
    KITH_CHECK(gather_problems());
    object_["state"] = overall();
    KITH_CHECK(gather_forks());
    KITH_CHECK(gather_words_used());
    for (auto const& each : relays_) {
      if (each.passing()) add_problem(each.code(), each.url);
    }
    return gather_claims();
  }

  Result<> gather_folders() {
    auto& store = client_.instance().store();
    object_["folders"] = Json::array();
    KITH_TRY(watched, engine::live_interests(store));
    KITH_TRY(bound, files::bound_folders(store));
    engine::FolderLooks looks(engine::look_for_markers(client_.instance().replica.state().group()));
    looks.look(bound);
    static_cast<void>(looks.wait(kDiskPatience));
    std::set<FolderId> here;
    for (auto const& [id, row] : bound) {
      here.insert(id);
      Json folder;
      folder["id"] = json_id(id);
      folder["name"] = row.name;
      folder["path"] = printable(row.root);
      folder["state"] = state_text(row.state, watched.contains(id));
      folder["watched"] = watched.contains(id);
      folder["last_scan_at"] = row.last_scan_ms > 0 ? json_time(WallTime{row.last_scan_ms}) : Json();
      folder["files"] = row.files;
      folder["size_bytes"] = row.bytes;
      folder["pending_files"] = row.pending_files;
      folder["pending_bytes"] = row.pending_bytes;
      folder["conflicts"] = row.conflicts;
      KITH_TRY(skipped, skipped_row(client_, id));
      folder["skipped"] = skipped_summary_json(skipped);
      // Whoever looks after a folder notices in time that its disk is gone. While nobody does, the marker tells.
      bool const looked_after = watched.contains(id) && row.state == FolderState::stopped;
      auto const there = looks.there(id);
      bool const gone = !looked_after && there != true;
      if (gone) folder["state"] = "stopped";
      if (gone || row.state == FolderState::stopped) {
        auto const* const why = there ? "folder-unmounted" : "folder-silent";
        stopped_.emplace_back(gone ? why : row.problem, fmt::format("{} in {}", row.name, row.root));
      }
      object_["folders"].push_back(std::move(folder));
    }
    KITH_TRY(known, client_.instance().folders.folders());
    for (auto const& each : known) {
      if (here.contains(each.id)) continue;
      object_["folders"].push_back({{"id", json_id(each.id)},
                                    {"name", each.name},
                                    {"path", nullptr},
                                    {"state", "elsewhere"},
                                    {"watched", false},
                                    {"last_scan_at", nullptr},
                                    {"files", 0},
                                    {"size_bytes", 0},
                                    {"pending_files", 0},
                                    {"pending_bytes", 0},
                                    {"conflicts", 0},
                                    {"skipped", skipped_summary_json({})}});
    }
    return {};
  }

  /// Whether the folder is where it should be. What is there and cannot be read is another trouble.
  Result<> gather_messages(engine::DeliveryBook& book) {
    KITH_TRY(last, client_.last_cursor());
    KITH_TRY(read, client_.read_cursor());
    KITH_TRY(pending, engine::count_pending_messages(client_.instance().messages, client_.device_id(), book));
    object_["messages"] = {{"last_cursor", last}, {"read_cursor", read}, {"pending", pending}};
    return {};
  }

  Result<> gather_devices(engine::DeliveryBook& book) {
    object_["devices"] = Json::array();
    for (auto const& device : client_.other_devices()) {
      KITH_TRY(json, device_json(client_, device));
      KITH_TRY(ours, book.we_hold_all(device));
      auto const peer = book.peers().find(device);
      // What a device that keeps folders has only heard of is no second copy.
      bool const level = peer != book.peers().end() && ours && book.holds_all(device) &&
                         (peer->second.folders.empty() || book.holds_all_contents(device));
      json["in_sync"] = peer != book.peers().end() ? Json(level) : Json();
      json["held"] = ours && book.holds_all(device) ? book.held_back(device) : 0;
      // Without a presence nothing is known of its folders.
      json["folders"] = nullptr;
      if (peer != book.peers().end() && !peer->second.seen.empty()) {
        json["folders"] = Json::array();
        for (auto const& folder : peer->second.folders) json["folders"].push_back(json_id(folder));
      }
      object_["devices"].push_back(std::move(json));
    }
    return {};
  }

  Result<> gather_relays(engine::DeliveryBook& book) {
    KITH_TRY(relays, relay_standings(client_, book));
    relays_ = std::move(relays);
    object_["relays"] = Json::array();
    for (auto const& each : relays_) object_["relays"].push_back(relay_json(each));
    KITH_TRY(contents, book.contents_elsewhere());
    object_["changes"] = {{"only_here", book.own_only_here()}, {"contents_elsewhere", contents}};
    return {};
  }

  void add_problem(std::string_view code, std::string const& subject) {
    auto const* known = engine::find_failure_code(code);
    if (known != nullptr) object_["problems"].push_back(problem_json(context_.out, *known, subject));
  }

  Result<> gather_problems() {
    object_["problems"] = Json::array();
    auto& store = client_.instance().store();
    if (was_removed(client_)) add_problem("revoked-self", {});
    auto const& paths = client_.options().paths;
    if (engine::FileLock::held(paths.room_lock)) add_problem("disk-full", paths.database.native());
    for (auto const& [code, subject] : stopped_) add_problem(code, subject);
    KITH_TRY(rows, engine::all_control<engine::ProblemRow>(store));
    for (auto const& [key, row] : rows) add_problem(text_of(key), row.subject);
    // One that cannot be reached now needs nobody: it is named later, and is no failure.
    for (auto const& each : relays_) {
      if (auto const code = each.lasting_code(); !code.empty() && !each.passing()) add_problem(code, each.url);
    }
    return {};
  }

  /// That others say that this device was removed: named among the problems, and no failure, since they may lie.
  Result<> gather_claims() {
    KITH_TRY(claims, client_.said_removed_by());
    for (auto const& by : claims) {
      auto remedies = remedies_json(context_.out.commands(claim_remedies(client_, by)));
      object_["problems"].push_back({{"code", "said-removed"},
                                     {"message", printable(claim_text(client_, by))},
                                     {"safe", true},
                                     {"remedy", std::move(remedies)}});
    }
    return {};
  }

  /// That somebody has used the recovery words here: told for some time, and no failure, as it may have been their
  /// owner.
  Result<> gather_words_used() {
    KITH_TRY(rows, engine::words_used(client_.instance().store(), engine::current_time().wall));
    for (auto const& row : rows) {
      std::vector<engine::Remedy> remedies{{"kith devices ls", "see which device came in"},
                                           {"kith help words-used", "what to do if it was none of yours"}};
      object_["problems"].push_back(
          {{"code", "words-used"},
           {"message", printable(fmt::format("the recovery words were used to read this group from {}, {}",
                                             row.endpoint.substr(0, row.endpoint.rfind(':')), rfc3339({row.at_ms})))},
           {"safe", true},
           {"remedy", remedies_json(context_.out.commands(remedies))}});
    }
    return {};
  }

  /// Devices two of whose entries have one number: told for some time, and no failure, since both entries are kept.
  Result<> gather_forks() {
    auto const now = engine::current_time().wall;
    std::set<DeviceId> forked;
    KITH_CHECK(client_.instance().store().scan(core::Table::alarms, {}, {}, [&](ByteView, ByteView value) {
      auto const alarm = core::decode_record<core::Alarm>(value);
      if (alarm && alarm->found_ms + kForkTold.count() > now.ms) forked.insert(alarm->log.device);
      return store::Store::Next::go_on;
    }));
    auto const& roster = client_.instance().replica.state().roster();
    for (auto const& device : forked) {
      if (roster.removed(device)) continue;
      bool const self = device == client_.device_id();
      auto const name = self ? std::string("this device") : device_name(client_, device);
      std::vector<engine::Remedy> remedies{{"kith devices ls", "see when which device was last there"}};
      if (!self)
        remedies.push_back({"kith devices revoke " + engine::shell_quoted(name), "if somebody else may have the copy"});
      object_["problems"].push_back(
          {{"code", "forked"},
           {"message",
            printable(fmt::format("{} was put back from a backup, or copied: what both wrote is kept", name))},
           {"safe", true},
           {"remedy", remedies_json(context_.out.commands(remedies))}});
    }
    return {};
  }

  std::string_view overall() {
    if (!object_["problems"].empty()) return "failed";
    bool syncing = false, pending = object_["messages"]["pending"] > 0;
    for (auto const& folder : object_["folders"]) {
      if (folder["state"] == "syncing" || folder["state"] == "scanning") syncing = true;
      if (folder["pending_files"] > 0) pending = true;
    }
    bool connected = false, behind = false;
    for (auto const& device : object_["devices"]) {
      if (device["path"] == "direct") connected = true;
      if (device["path"] != "direct" || device["in_sync"] == true) continue;
      (device["held"] > 0 ? pending : behind) = true;  // what is left alone is not on its way
    }
    auto const& changes = object_["changes"];
    bool const waits = changes["only_here"] > 0 || (!connected && changes["contents_elsewhere"] == false);
    if (!relays_.empty() && !object_["devices"].empty() && waits) pending = true;
    for (auto const& each : relays_) {
      if (each.catching_up()) behind = true;
      if (each.level()) connected = true;  // what is there is safe, whoever is away
    }
    if (syncing || behind) return "syncing";
    if (pending) return "pending";
    return connected || object_["devices"].empty() ? "synced" : "offline";
  }

  Context& context_;
  Client& client_;
  Json object_;
  std::vector<RelayStanding> relays_;
  std::vector<std::pair<std::string, std::string>> stopped_;
};

}  // namespace

int cmd_status(Context& context, StatusOptions const&) {
  return run_body(context, [&]() -> Result<int> {
    KITH_TRY(client, open_client(context, "kith status"));
    return Picture(context, *client).show();
  });
}

}  // namespace kith::cli
