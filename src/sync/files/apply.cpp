#include "sync/files/apply.hpp"

#include <algorithm>

#include "base/assert.hpp"

namespace kith::files {
namespace {

constexpr std::size_t kRoundPaths = 1024;

/// Whether what is left alone keeps a path from getting what it should be.
bool stands_in_the_way(Skipped const& left_alone) {
  using Why = Skipped::Why;
  return left_alone.why == Why::blocked || left_alone.why == Why::name_clash || left_alone.why == Why::unreadable;
}

}  // namespace

Result<ApplyReport> Applier::run(Now now) {
  now_ = now;
  report_ = {};
  KITH_TRY(disk, context_.disk());
  disk_ = std::move(disk);
  at_end_ = false;
  unseen_.reset();
  for (;;) {
    KITH_TRY(progress, round());
    if (progress && !context_.stop() && report_.look_at.empty()) continue;
    KITH_TRY(goes_on, remove_files());
    if (!goes_on || context_.stop() || !report_.look_at.empty()) break;
  }
  if (auto full = fetcher_.take_no_space()) report_.no_space = std::move(full);
  tell_skipped();
  KITH_CHECK(clear_leftovers());
  disk_.reset();
  return std::move(report_);
}

/// Looks at what is in progress and at the next rows of work. @return whether anything moved
Result<bool> Applier::round() {
  installable_.clear();
  wanted_.clear();
  spellings_.forget();
  auto const bad_before = fetcher_.bad_count();
  bool const made_room = (in_progress_.size() >= Fetcher::kMaxFiles || !fetcher_.has_room()) && fetcher_.make_room();
  KITH_TRY(work, next_work());
  // Removals come last: what they take away may be what others are put together from. Of files, when nothing else
  // moves.
  std::vector<Work> removals;
  bool had_room = in_progress_.size() < Fetcher::kMaxFiles;
  for (auto const& each : work) {
    KITH_TRY(gone, is_removal(each));
    if (gone) {
      KITH_TRY(file, goes_as_a_file(each.path));
      if (file)
        note_removal(each);
      else
        removals.push_back(each);
      continue;
    }
    KITH_TRY(room, round_one(each));
    had_room &= room;
    if (!room) break;
  }
  KITH_CHECK(fetcher_.advance());
  for (auto const& each : removals) {
    KITH_TRY(room, round_one(each));
    static_cast<void>(room);
  }
  KITH_TRY(installed, install_all());
  bool progress = installed || !finished_.empty() || !notes_.empty() || !more_work_.empty() || !held_.empty();
  KITH_CHECK(commit());
  if (context_.stop()) return false;  // not everything was looked at: nothing is known to be unwanted
  KITH_CHECK(fetcher_.keep_only(*disk_, wanted_));
  KITH_CHECK(drop_unwanted());
  KITH_CHECK(fetcher_.advance());
  progress |= made_room || fetcher_.bad_count() != bad_before;
  progress |= removals_due_ && had_room && !at_end_;  // they wait for a look at all the rest
  for (auto& fetched : fetcher_.take_fetched()) {
    progress = true;
    fetched_.insert_or_assign(fetched.version, std::move(fetched));
  }
  return progress;
}

/// @return false where as many contents are on the way as there may be: the cursor stays here
Result<bool> Applier::round_one(Work const& work) {
  auto const& [path, key, times, held] = work;
  if (context_.stop()) return true;
  current_ = work;
  lacks_content_ = false;
  coming_.clear();
  auto const left_alone_before = skipped_.extract(key);
  KITH_TRY(outcome, work_on(path));
  auto const left_alone = skipped_.find(key);
  skips_moved_ |= left_alone_before.empty() != (left_alone == skipped_.end()) ||
                  (left_alone != skipped_.end() && left_alone->second.items != left_alone_before.mapped().items);
  bool const in_the_way =
      left_alone != skipped_.end() && std::ranges::any_of(left_alone->second.items, stands_in_the_way);
  bool const held_now = outcome == Outcome::blocked && in_the_way && !lacks_content_;
  if (held_now != held && outcome != Outcome::done) held_.insert_or_assign(key, Held{times, held_now});
  if (outcome == Outcome::done)
    forget_left(key);
  else if (outcome != Outcome::no_room)
    note_left(work);
  switch (outcome) {
    case Outcome::done:
      finished_[key] = times;
      in_progress_.erase(key);
      return true;
    case Outcome::waiting:
      in_progress_.erase(key);
      if (waiting_.size() < kMostWaiting) waiting_.insert_or_assign(key, times);
      return true;
    case Outcome::fetching: in_progress_.insert_or_assign(key, path); return true;
    case Outcome::blocked:
      in_progress_.erase(key);
      return true;  // its row stays, and is looked at when the cursor comes by
    case Outcome::no_room:
      if (in_progress_.contains(key)) return true;
      cursor_ = key;
      return false;
    case Outcome::look_again:
      in_progress_.erase(key);
      report_.look_at.push_back(path);
      return true;
  }
  KITH_UNREACHABLE();
}

/// What is in progress, and rows behind the cursor, as long as the fetcher has room; at the end the cursor starts over.
Result<std::vector<Applier::Work>> Applier::next_work() {
  std::vector<Work> work;
  for (auto const& [key, path] : in_progress_) {
    KITH_TRY(row, core::get_record<FolderWork>(context_.store, Table::folder_work, key));
    work.push_back({path, key, row ? row->times : 0, row && row->held});
  }
  std::optional<Error> error;
  auto const collect = [&](ByteView from) {
    Bytes last;
    auto scanned = context_.store.scan(Table::folder_work, context_.id.view(), from, [&](ByteView key, ByteView value) {
      last.assign(key.begin(), key.end());
      last.push_back(0);
      if (in_progress_.contains(Bytes(key.begin(), key.end()))) return Store::Next::go_on;
      auto const row = core::decode_record<FolderWork>(value);
      auto path = row ? RelPath::parse(row->path) : Result<RelPath>(fail(row.error()));
      if (!path) {
        error = path.error();
        return Store::Next::stop;
      }
      auto const waiting = waiting_.find(Bytes(key.begin(), key.end()));
      if (waiting != waiting_.end() && waiting->second == row->times) return Store::Next::go_on;
      work.push_back({std::move(*path), Bytes(key.begin(), key.end()), row->times, row->held});
      return work.size() < kRoundPaths ? Store::Next::go_on : Store::Next::stop;
    });
    at_end_ |= work.size() < kRoundPaths;
    cursor_ = work.size() < kRoundPaths ? Bytes{} : last;
    return scanned;
  };
  if (in_progress_.size() >= Fetcher::kMaxFiles) return work;
  bool const from_start = cursor_.empty();
  KITH_CHECK(collect(cursor_));
  if (!from_start && cursor_.empty() && work.size() == in_progress_.size()) KITH_CHECK(collect({}));
  if (error) return fail(*error);
  return work;
}

void Applier::try_again() {
  waiting_.clear();
  fetcher_.try_again();
}

void Applier::look_again_at(std::vector<RelPath> const& paths) {
  for (auto const& path : paths) in_progress_.try_emplace(path_key(context_.id, path), path);
}

void Applier::look_again_at_skipped() {
  for (auto const& [key, left_alone] : skipped_) in_progress_.try_emplace(key, left_alone.work);
}

void Applier::skip(RelPath const& path, Skipped::Why why) {
  auto& items = skipped_.try_emplace(current_->key, LeftAlone{current_->path, {}}).first->second.items;
  Skipped const item{path.text(), why};
  if (std::ranges::find(items, item) == items.end()) items.push_back(item);
}

std::vector<Skipped> Applier::skipped() const {
  std::vector<Skipped> all;
  for (auto const& [key, left_alone] : skipped_) {
    all.insert(all.end(), left_alone.items.begin(), left_alone.items.end());
  }
  return all;
}

/// Each is reported once, as long as it lasts.
void Applier::tell_skipped() {
  if (!std::exchange(skips_moved_, false)) return;
  std::set<std::pair<std::string, Skipped::Why>> all;
  for (auto const& each : skipped()) {
    if (!all.emplace(each.path, each.why).second) continue;
    if (!told_.contains({each.path, each.why})) report_.skipped.push_back(each);
  }
  report_.skips_moved = all != told_;
  told_ = std::move(all);
}

}  // namespace kith::files
