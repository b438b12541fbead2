#include "cli/sync_run.hpp"

#include <algorithm>
#include <charconv>

#include <fmt/format.h>

#include "cli/signals.hpp"
#include "sync/files/conflict_name.hpp"

namespace kith::cli {
namespace {

using engine::Client;
using engine::EngineError;
using files::FolderState;

constexpr std::int64_t kMostShown = 5;  ///< conflict copies and skipped files named one by one

std::string files_text(std::uint64_t files, std::uint64_t bytes) {
  return fmt::format("{} {} ({})", files, files == 1 ? "file" : "files", human_bytes(bytes));
}

/// The path that a conflict copy belongs to, by its name; a name that was cut for its length shows as far as it goes.
std::string original_of(std::string const& copy) {
  auto const path = files::RelPath::parse(copy);
  auto const name = path ? files::parse_conflict_name(*path) : std::nullopt;
  if (!name) return copy;
  auto const slash = copy.rfind('/');
  return (slash == std::string::npos ? std::string{} : copy.substr(0, slash + 1)) + name->stem + name->extension;
}

}  // namespace

SyncRun::SyncRun(Context& context, SyncOptions const& options, Client& client, FolderPlace place)
    : context_(context),
      options_(options),
      client_(client),
      place_(std::move(place)),
      started_(Clock::now()),
      started_ms_(engine::current_time().wall.ms) {
  interest_key_ =
      core::key_of(place_.id.view(), core::key_of(static_cast<std::uint64_t>(engine::ProcessId::self().pid)));
}

/// Why the folder was stopped when it was last looked after says nothing about now.
Result<> SyncRun::forget_old_stop() {
  auto& store = client_.instance().store();
  KITH_TRY(interests, engine::all_control<engine::InterestRow>(store));
  for (auto const& [key, row] : interests) {
    bool const ours = std::ranges::equal(ByteView{key}.first(std::min(key.size(), FolderId::kBytes)), place_.id.view());
    if (ours && row.process.alive()) return {};  // it is looked after: what stopped it is news
  }
  KITH_TRY(row, core::get_record<files::FolderRow>(store, core::Table::folders, place_.id.view()));
  if (!row || row->state != FolderState::stopped) return {};
  row->state = FolderState::idle;
  row->problem.clear();
  row->problem_subject.clear();
  KITH_TRY(transaction, store::Transaction::begin(store));
  KITH_CHECK(store.put(core::Table::folders, place_.id.view(), core::encode_record(*row)));
  return transaction.commit();
}

Result<> SyncRun::announce_interest() {
  engine::InterestRow row{engine::ProcessId::self(), options_.max_delete.value_or(client_.options().config.max_delete)};
  KITH_CHECK(engine::put_control(client_.instance().store(), row, interest_key_));
  client_.bell().ring();
  return {};
}

void SyncRun::take_interest_back() {
  // Should the disk refuse, the row is void all the same once this process is gone.
  static_cast<void>(engine::erase_control<engine::InterestRow>(client_.instance().store(), interest_key_));
  client_.bell().ring();
}

Result<SyncRun::Snapshot> SyncRun::look() {
  auto& store = client_.instance().store();
  KITH_CHECK(client_.refresh());
  KITH_TRY(row, core::get_record<files::FolderRow>(store, core::Table::folders, place_.id.view()));
  KITH_TRY(tally, engine::get_control<engine::TallyRow>(store, place_.id.view()));
  KITH_TRY(sessions, client_.sessions());
  Snapshot now{row.value_or(files::FolderRow{}), tally.value_or(engine::TallyRow{}), {}};
  for (auto const& [device, session] : sessions) now.connected.insert(device);
  return now;
}

Result<int> SyncRun::run() {
  KITH_TRY(interval, progress_interval(context_.environment));
  progress_interval_ = interval;
  KITH_CHECK(forget_old_stop());
  KITH_TRY(before, look());
  tally_before_ = before.tally;
  KITH_CHECK(announce_interest());
  auto connected = client_.connect();
  if (connected) connected = dial_peers(context_, client_, options_.peers);
  auto code = !connected ? Result<int>(fail(connected.error())) : options_.once ? once() : stay();
  end_progress();
  take_interest_back();
  client_.disconnect(signals::stop_signal() != 0 ? std::chrono::milliseconds(kFlushTime)
                                                 : std::chrono::milliseconds(500));
  return code;
}

Result<int> SyncRun::stay() {
  auto& out = context_.out;
  out.note(fmt::format("{} {} {}   Ctrl-C stops it; what is deleted or replaced is kept in .kith/trash.", place_.name,
                       out.glyphs().to(), place_.root.native()));
  KITH_TRY(before, look());
  before.row.state = FolderState::idle;
  for (;;) {
    KITH_CHECK(check_standing(client_));
    KITH_TRY(now, look());
    tell_changes(before, now);
    if (now.row.state == FolderState::stopped && now.row.last_scan_ms >= 0) {
      auto const reason = problem_of(now.row);
      bool const news = before.row.state != FolderState::stopped || before.row.problem != now.row.problem;
      bool const guard = reason.is(EngineError::mass_delete) || reason.is(EngineError::folder_unmounted);
      if (guard) return fail(reason);
      if (news) context_.fail(reason, {.directory = place_.root.native()});
    }
    show_progress(now);
    before = std::move(now);
    if (wait_for_news(client_, std::chrono::milliseconds{500}) == News::signal) break;
  }
  end_progress();
  KITH_TRY(last, look());
  auto const pending = last.row.pending_files;
  if (pending > 0) {
    out.note(fmt::format("Stopped. {} still to come; it goes on where it was: kith sync {}",
                         files_text(pending, last.row.pending_bytes), engine::shell_quoted(options_.directory)));
  } else {
    out.note("Stopped.");
  }
  auto const done = summarise(last, std::nullopt);
  return done ? Result<int>(engine::kExitOk) : done;
}

Result<SyncRun::Others> SyncRun::look_at_others() {
  Others others;
  KITH_TRY(sessions, client_.sessions());
  KITH_TRY(book, engine::DeliveryBook::load(client_.instance().replica, client_.instance().store()));
  for (auto const& [device, session] : sessions) {
    others.connected.insert(device);
    met_.insert(device);
  }
  others.met = met_;
  for (auto const& device : met_) {
    KITH_TRY(ours, book.we_hold_all(device));
    auto const peer = book.peers().find(device);
    bool const keeps =
        peer != book.peers().end() && std::ranges::find(peer->second.folders, place_.id) != peer->second.folders.end();
    if (ours && book.holds_all(device) && (!keeps || book.holds_all_contents(device))) others.level.insert(device);
  }
  return others;
}

Result<int> SyncRun::once() {
  auto const patience = context_.global.timeout.value_or(kPatience);
  auto const nobody_until = Clock::now() + std::min<std::chrono::milliseconds>(patience, kReachTime);
  auto patient_until = Clock::now() + patience;
  bool const alone = client_.other_devices().empty();
  std::optional<Instant> level_since;
  KITH_TRY(before, look());
  for (;;) {
    KITH_CHECK(check_standing(client_));
    KITH_TRY(now, look());
    KITH_TRY(others, look_at_others());
    auto const time = Clock::now();
    bool const moved = now.row.pending_bytes != before.row.pending_bytes ||
                       now.row.pending_files != before.row.pending_files || !(now.tally == before.tally) ||
                       now.connected != before.connected || now.row.state == FolderState::scanning;
    if (moved) patient_until = time + patience;
    tell_changes(before, now);
    show_progress(now);
    before = now;

    bool const scanned = now.row.last_scan_ms >= started_ms_;
    if (now.row.state == FolderState::stopped && (scanned || time > started_ + std::chrono::seconds{1})) {
      return summarise(now, problem_of(now.row));
    }
    bool const here = scanned && now.row.state == FolderState::in_step;
    if (here && alone) return summarise(now, std::nullopt);
    if (!here || !others.all_level()) {
      level_since.reset();
    } else if (!level_since) {
      level_since = time;
    }
    if (level_since && time >= *level_since + kTellTime) return summarise(now, std::nullopt);
    if (scanned && others.connected.empty() && time >= nobody_until && !alone)
      return summarise(now, Error(EngineError::nobody_reachable));
    if (time >= patient_until) return summarise(now, Error(EngineError::timed_out));
    if (wait_for_news(client_, std::chrono::milliseconds{100}) == News::signal) {
      KITH_TRY(ignored, summarise(now, std::nullopt));
      static_cast<void>(ignored);
      return stopped_by_signal();
    }
  }
}

void SyncRun::tell_changes(Snapshot const& before, Snapshot const& now) {
  auto& out = context_.out;
  if (options_.once || out.json()) return;
  for (auto const& device : now.connected) {
    if (!before.connected.contains(device)) out.note(fmt::format("{} is connected", device_name(client_, device)));
  }
  for (auto const& device : before.connected) {
    if (!now.connected.contains(device)) out.note(fmt::format("{} is gone", device_name(client_, device)));
  }
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
  auto const shown = std::min({fresh, kMostShown, static_cast<std::int64_t>(is.copies.size())});
  for (auto copy = is.copies.end() - shown; copy != is.copies.end(); ++copy) {
    out.warning("conflict", fmt::format("changed on two devices; the other version is {}", *copy));
  }
  if (now.row.state == FolderState::in_step && before.row.state != FolderState::in_step) {
    out.note(fmt::format("{} in step: {}", mark.done(), files_text(now.row.files, now.row.bytes)));
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

Error SyncRun::problem_of(files::FolderRow const& row) const {
  std::string const root = place_.root.native();
  if (row.problem == "mass-delete") {
    CountDetail numbers;
    auto const* begin = row.problem_subject.data();
    auto const* end = begin + row.problem_subject.size();
    auto const first = std::from_chars(begin, end, numbers.count);
    if (first.ptr != end) std::from_chars(first.ptr + 1, end, numbers.limit);
    return {EngineError::mass_delete, numbers};
  }
  if (row.problem == "folder-unmounted") return {EngineError::folder_unmounted, SubjectDetail{root}};
  if (row.problem == "disk-full") return {files::FilesError::no_space, SystemDetail{ENOSPC, root}};
  if (row.problem == "permission") return {files::FilesError::permission, SystemDetail{EACCES, root}};
  return {files::FilesError::io, SystemDetail{EIO, root}};
}

Result<int> SyncRun::summarise(Snapshot const& last, std::optional<Error> const& reason) {
  end_progress();
  KITH_TRY(object, sync_summary(client_, place_, false, started_));
  auto const& was = tally_before_;
  auto const& is = last.tally;
  KITH_TRY(others, look_at_others());
  bool const all_level = others.all_level() || client_.other_devices().empty();
  object["in_sync"] = !reason && last.row.state == FolderState::in_step && all_level;
  object["sent"] = {{"files", is.sent_files - was.sent_files}, {"size_bytes", is.sent_bytes - was.sent_bytes}};
  object["received"] = {{"files", is.received_files - was.received_files},
                        {"size_bytes", is.received_bytes - was.received_bytes}};
  object["deleted"] = {{"here", is.deleted_here - was.deleted_here}, {"there", is.deleted_there - was.deleted_there}};
  auto const fresh = std::min<std::size_t>(is.copies_made - was.copies_made, is.copies.size());
  for (auto copy = is.copies.end() - static_cast<std::ptrdiff_t>(fresh); copy != is.copies.end(); ++copy) {
    object["conflicts"].push_back({{"path", original_of(*copy)}, {"copy", *copy}});
  }
  KITH_TRY(skipped, skipped_json(client_, place_.id));
  object["skipped"] = skipped;
  object["pending"] = {{"files", last.row.pending_files}, {"size_bytes", last.row.pending_bytes}};
  for (auto& device : object["devices"]) {
    for (auto const& id : others.met) {
      if (device["id"] == to_hex(id.view())) device["in_sync"] = others.level.contains(id);
    }
  }
  context_.out.document(object);
  if (options_.once) print_summary(object, last);
  if (reason) return context_.fail(*reason, {.directory = place_.root.native()});
  if (fresh > 0) return engine::kExitConflicts;
  if (!object["skipped"].empty()) return engine::kExitPartial;
  return engine::kExitOk;
}

void SyncRun::print_summary(Json const& object, Snapshot const& last) {
  auto& out = context_.out;
  auto const count = [&](char const* group, char const* field) { return object[group][field].get<std::uint64_t>(); };
  std::vector<std::string> parts;
  if (count("sent", "files") > 0)
    parts.push_back("sent " + files_text(count("sent", "files"), count("sent", "size_bytes")));
  if (count("received", "files") > 0) {
    parts.push_back("received " + files_text(count("received", "files"), count("received", "size_bytes")));
  }
  if (count("deleted", "here") > 0) parts.push_back(fmt::format("{} moved to .kith/trash", count("deleted", "here")));
  if (count("deleted", "there") > 0) parts.push_back(fmt::format("{} deleted", count("deleted", "there")));
  if (parts.empty()) parts.emplace_back("nothing to do");
  std::vector<std::string> devices;
  for (auto const& device : object["devices"]) {
    if (device["in_sync"] == true) devices.push_back(device["name"]);
  }
  auto const with = devices.empty() ? std::string{} : fmt::format(" with {}", fmt::join(devices, ", "));
  bool const level = object["in_sync"];
  out.result(fmt::format("{} {}: {}. {}{} in {:.1f} s, {}", level ? out.glyphs().done() : "!", place_.name,
                         fmt::join(parts, ", "), level ? "In step" : "Not in step", with,
                         object["wall_s"].get<double>(), files_text(last.row.files, last.row.bytes)));
  std::int64_t shown = 0;
  for (auto const& conflict : object["conflicts"]) {
    if (++shown > kMostShown) break;
    out.warning("conflict", fmt::format("{} was changed on two devices; the other version is {}",
                                        conflict["path"].get<std::string>(), conflict["copy"].get<std::string>()));
  }
  shown = 0;
  for (auto const& item : object["skipped"]) {
    if (++shown > kMostShown) {
      out.warning("skipped", fmt::format("and {} more", object["skipped"].size() - kMostShown));
      break;
    }
    out.warning("skipped", fmt::format("{} was left alone ({})", item["path"].get<std::string>(),
                                       item["code"].get<std::string>()));
  }
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
  object["pending"] = {{"files", 0}, {"size_bytes", 0}};
  object["devices"] = Json::array();
  for (auto const& device : client.other_devices()) {
    KITH_TRY(json, device_json(client, device));
    object["devices"].push_back(
        {{"id", json["id"]}, {"name", json["name"]}, {"path", json["path"]}, {"in_sync", nullptr}});
  }
  object["relays"] = Json::array();
  object["wall_s"] = std::chrono::duration<double>(Clock::now() - started).count();
  return object;
}

Json skipped_item_json(std::string const& path, std::string const& code) {
  Json item{{"path", printable(path)}, {"code", code}};
  if (!is_utf8(path)) item["path_b64"] = to_base64(bytes_of(path));
  return item;
}

Result<Json> skipped_json(Client& client, FolderId const& folder) {
  Json list = Json::array();
  KITH_TRY(row, engine::get_control<engine::SkippedRow>(client.instance().store(), folder.view()));
  if (!row) return list;
  for (auto const& [path, code] : row->items) list.push_back(skipped_item_json(path, code));
  return list;
}

}  // namespace kith::cli
