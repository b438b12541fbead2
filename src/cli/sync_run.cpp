#include "cli/sync_run.hpp"

#include <algorithm>
#include <charconv>

#include <fmt/format.h>

#include "cli/relay_standing.hpp"
#include "cli/signals.hpp"

namespace kith::cli {
namespace {

using engine::Client;
using engine::EngineError;
using files::FolderState;

bool uses_relays(Client& client) { return !client.instance().replica.state().roster().relays().empty(); }

}  // namespace

SyncRun::SyncRun(Context& context, SyncOptions const& options, Client& client, FolderPlace place)
    : context_(context),
      options_(options),
      client_(client),
      claims_(context, client),
      room_(context, client),
      place_(std::move(place)),
      started_(Clock::now()) {
  interest_key_ =
      core::key_of(place_.id.view(), core::key_of(static_cast<std::uint64_t>(engine::ProcessId::self().pid)));
}

bool SyncRun::Snapshot::settled() const {
  auto const code = files::skip_code(files::Skipped::Why::read_failed);
  bool const failed = std::ranges::any_of(skipped.counts, [&](auto const& each) { return each.first == code; });
  return in_step() || (failed && scanned && !open && row.state == FolderState::syncing);
}

/// Why the folder was stopped when it was last looked after says nothing about now.
Result<> SyncRun::forget_old_stop() {
  auto& store = client_.instance().store();
  KITH_TRY(interests, engine::live_interests(store));
  if (interests.contains(place_.id)) return {};  // it is looked after: what stopped it is news
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
  engine::InterestRow row{engine::ProcessId::self(), options_.max_delete.value_or(client_.options().config.max_delete),
                          false};
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
  KITH_TRY(skipped, skipped_row(client_, place_.id));
  KITH_TRY(interest, engine::get_control<engine::InterestRow>(store, interest_key_));
  KITH_TRY(work, files::work_left(store, place_.id.view()));
  Snapshot now{row.value_or(files::FolderRow{}),
               tally.value_or(engine::TallyRow{}),
               std::move(skipped),
               interest && interest->scanned,
               work == files::WorkLeft::open,
               {},
               {}};
  for (auto const& [device, session] : sessions) now.connected.insert(device);
  KITH_TRY(relays, relay_standings(client_));
  for (auto const& each : relays) {
    if (each.connected()) now.relays.insert(each.url);
  }
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
  before.relays.clear();  // also those that were quick are told of
  room_.prepare();
  do {
    if (auto looked = look_around(before); !looked) KITH_CHECK(room_.meet(looked.error()));
  } while (wait_for_news(client_, std::chrono::milliseconds{500}) != News::signal);
  end_progress();
  KITH_TRY(last, look());
  auto const pending = last.row.pending_files;
  if (pending > 0) {
    out.note(fmt::format("Stopped. {} still to come; it goes on where it was: {}",
                         files_text(pending, last.row.pending_bytes),
                         out.command("kith sync " + engine::shell_quoted(options_.directory))));
  } else {
    out.note("Stopped.");
  }
  auto const done = summarise(last, std::nullopt);
  return done ? Result<int>(engine::kExitOk) : done;
}

Result<> SyncRun::look_around(Snapshot& before) {
  auto& out = context_.out;
  KITH_CHECK(check_standing(client_));
  bool const away = client_.network() == nullptr;
  KITH_TRY(on_network, room_.try_again());
  if (!on_network) return {};
  if (away) KITH_CHECK(announce_interest());  // afresh: that it is looked at again shows that all goes on
  KITH_TRY(now, look());
  tell_changes(before, now);
  KITH_CHECK(tell_in_step(now));
  if (now.connected.empty()) KITH_CHECK(claims_.tell());
  if (now.row.state == FolderState::stopped && now.row.last_scan_ms >= 0) {
    auto const reason = problem_of(now.row);
    bool const news = before.row.state != FolderState::stopped || before.row.problem != now.row.problem;
    bool const guard = reason.is(EngineError::mass_delete) || reason.is(EngineError::folder_unmounted);
    if (guard) return fail(reason);
    if (news) context_.fail(reason, {.directory = place_.root.native(), .folder = place_.name});
  }
  bool const stopped_before = before.row.state == FolderState::stopped && now.row.state != FolderState::stopped;
  bool const waited = room_.waiting() && now.scanned;
  if (waited) room_.over();
  if (waited || (stopped_before && before.row.problem == "disk-full")) {
    out.note(fmt::format("There is room on the disk again: {} goes on.", place_.name));
  } else if (stopped_before) {
    out.note(fmt::format("{} goes on.", place_.name));
  }
  show_progress(now);
  before = std::move(now);
  return {};
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
  KITH_TRY(relays, relay_standings(client_, book));
  for (auto const& each : relays) {
    if (each.level()) others.relays.push_back(each.url);
    // With a device at hand nobody waits for what is left for others.
    bool const leaving = each.leaving() && others.connected.empty();
    others.relays_behind = others.relays_behind || each.catching_up() || leaving;
  }
  if (!relays.empty()) {
    KITH_TRY(elsewhere, book.contents_elsewhere());
    others.contents_elsewhere = elsewhere;
  }
  for (auto const& device : met_) {
    KITH_TRY(ours, book.we_hold_all(device));
    bool const keeps = book.keeps(device, place_.id);
    if (keeps) others.keep.insert(device);
    if (!ours || !book.holds_all(device)) continue;
    if (!keeps || book.holds_all_contents(device)) {
      others.level.insert(device);
    } else if (auto const held = book.held_back(device); held > 0) {
      others.held.emplace(device, held);
    }
  }
  return others;
}

Result<int> SyncRun::once() {
  auto const patience = context_.global.timeout.value_or(kPatience);
  auto const nobody_until = Clock::now() + std::min<std::chrono::milliseconds>(patience, kReachTime);
  // How long the user wants to wait for others says nothing about this device's own disk.
  auto const until_scanned = std::max<std::chrono::milliseconds>(patience, kPatience);
  auto patient_until = Clock::now() + until_scanned;
  bool const no_device = client_.other_devices().empty();
  bool const alone = no_device && !uses_relays(client_);
  std::optional<Instant> level_since;
  KITH_TRY(before, look());
  for (;;) {
    KITH_CHECK(check_standing(client_));
    KITH_TRY(now, look());
    KITH_TRY(others, look_at_others());
    if (now.connected.empty()) KITH_CHECK(claims_.tell());
    auto const time = Clock::now();
    bool const nobody = now.alone() && time >= nobody_until;
    bool const moved = now.row.pending_bytes != before.row.pending_bytes ||
                       now.row.pending_files != before.row.pending_files || !(now.tally == before.tally) ||
                       now.connected != before.connected || now.relays != before.relays ||
                       now.row.state == FolderState::scanning || now.scanned != before.scanned;
    if (moved) patient_until = time + (now.scanned ? patience : until_scanned);
    tell_changes(before, now);
    show_progress(now);
    before = now;

    if (now.row.state == FolderState::stopped && (now.scanned || time > started_ + std::chrono::seconds{1})) {
      return summarise(now, problem_of(now.row));
    }
    bool const here = now.settled();
    bool const level = others.settled();
    if (here && (alone || (nobody && no_device))) return summarise(now, std::nullopt);
    if (!here || !level) {
      level_since.reset();
    } else if (!level_since) {
      level_since = time;
    }
    // Who does not keep the folder may be about to, and has nothing of it that could be in step.
    bool const told = level_since && time >= *level_since + kTellTime;
    if (told && (!others.keep.empty() || time >= nobody_until)) return summarise(now, std::nullopt);
    // Whoever got everything may leave while we still finish with what is here.
    bool const needs_somebody = !level || now.row.pending_files > 0;
    if (now.scanned && nobody && !no_device && needs_somebody)
      return summarise(now, Error(EngineError::nobody_reachable));
    if (time >= patient_until) {
      KITH_TRY(standings, relay_standings(client_));
      auto const troubled = all_troubled(standings, [](RelayStanding const& each) { return each.lasting_code(); });
      return summarise(now, troubled ? *troubled : Error(EngineError::timed_out));
    }
    if (wait_for_news(client_, std::chrono::milliseconds{100}) == News::signal) {
      KITH_TRY(ignored, summarise(now, std::nullopt));
      static_cast<void>(ignored);
      return stopped_by_signal();
    }
  }
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
  if (row.problem == "folder-silent") return {EngineError::folder_silent, SubjectDetail{root}};
  if (row.problem == "disk-full") return {files::FilesError::no_space, SystemDetail{ENOSPC, root}};
  if (row.problem == "permission") return {files::FilesError::permission, SystemDetail{EACCES, root}};
  return {files::FilesError::io, SystemDetail{EIO, root}};
}

}  // namespace kith::cli
