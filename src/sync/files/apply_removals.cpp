#include "sync/files/apply.hpp"

/// Files that are to go. Each may be the only one on any device that holds a content which is to come to another path:
/// its author may be no more. So they go when all other work has been looked at, and not those whose content is still
/// to come somewhere. A path that is blocked, maybe by this one, is not waited for.
namespace kith::files {
namespace {

constexpr std::size_t kAtOnce = 1024;

}  // namespace

Result<bool> Applier::is_removal(Work const& work) {
  KITH_TRY(versions, context_.view.versions(context_.id, work.path));
  return std::ranges::all_of(versions, &VersionRow::removed);
}

Result<bool> Applier::goes_as_a_file(RelPath const& path) {
  KITH_TRY(there, local(path));
  return there && there->stat.kind == Kind::file;
}

bool Applier::noted_as_removal(Work const& work) const {
  auto const noted = removals_.find(work.key);
  return noted != removals_.end() && noted->second == work.times;
}

void Applier::note_removal(Work const& work) {
  removals_due_ = true;
  left_moved_ |= left_.erase(work.key) > 0;  // it may have been no file, or none that was known, when it was looked at
  if (noted_as_removal(work)) return;
  left_moved_ = true;
  if (removals_.contains(work.key) || removals_.size() < kMostLeft) removals_.insert_or_assign(work.key, work.times);
}

/// What the current work waits for. What is too much to be kept counts as not looked at.
void Applier::note_left(Work const& work) {
  removals_.erase(work.key);
  Left left{work.times, std::exchange(coming_, {})};
  auto const known = left_.find(work.key);
  if (known != left_.end() ? known->second == left : left_.size() >= kMostLeft) return;
  left_moved_ = true;
  left_.insert_or_assign(work.key, std::move(left));
}

void Applier::forget_left(Bytes const& key) { left_moved_ |= left_.erase(key) + removals_.erase(key) > 0; }

/// @return whether there is more to do in this run: something moved, or something is to be looked at before
Result<bool> Applier::remove_files() {
  if (!removals_due_ || !left_moved_ || context_.stop()) return false;
  left_moved_ = false;
  KITH_TRY(unseen, unseen_work());
  if (unseen) {
    if (unseen_ == unseen) return false;  // there was no room for it
    unseen_ = unseen;
    cursor_ = *unseen;
    at_end_ = false;
    left_moved_ = true;
    return true;
  }
  std::set<ContentMark> coming;
  for (auto const& [key, left] : left_) coming.insert(left.coming.begin(), left.coming.end());
  removals_due_ = false;
  bool progress = false, more = false;
  Bytes last;
  do {
    spellings_.forget();
    KITH_TRY(some, work_behind(last));
    for (auto const& each : some) {
      if (context_.stop() || left_.contains(each.key)) continue;
      if (!noted_as_removal(each)) {  // it came a moment ago, or could not be noted
        more = true;
        continue;
      }
      KITH_TRY(there, local(each.path));
      bool const needed = there && !there->content.refs.empty() && coming.contains(mark(there->content));
      if (!needed) {
        KITH_TRY(room, round_one(each));
        static_cast<void>(room);
      }
      if (needed || left_.contains(each.key)) note_removal(each);
    }
    progress |= !finished_.empty() || !notes_.empty() || !more_work_.empty() || !held_.empty();
    KITH_CHECK(commit());
  } while (!last.empty() && !context_.stop());
  removals_due_ |= more || context_.stop();
  at_end_ &= !more;
  left_moved_ = progress;
  return progress;
}

/// The next rows of work. @param last  the one before; becomes the last of these, or empty at the end
Result<std::vector<Applier::Work>> Applier::work_behind(Bytes& last) {
  std::vector<Work> work;
  std::optional<Error> error;
  auto const from = last.empty() ? Bytes() : Bytes(last);
  KITH_CHECK(context_.store.scan(Table::folder_work, context_.id.view(), from, [&](ByteView key, ByteView value) {
    auto const row = core::decode_record<FolderWork>(value);
    auto path = row ? RelPath::parse(row->path) : Result<RelPath>(fail(row.error()));
    if (!path) {
      error = path.error();
      return Store::Next::stop;
    }
    work.push_back({std::move(*path), Bytes(key.begin(), key.end()), row->times, row->held});
    return work.size() < kAtOnce ? Store::Next::go_on : Store::Next::stop;
  }));
  if (error) return fail(*error);
  last = work.size() < kAtOnce ? Bytes() : work.back().key;
  if (!last.empty()) last.push_back(0);
  return work;
}

/// The first work, but for removals, that nobody has looked at since it came. What is noted of rows that are no more is
/// forgotten.
Result<std::optional<Bytes>> Applier::unseen_work() {
  auto left = left_.begin();
  auto removal = removals_.begin();
  auto const forget_before = [](auto& noted, auto& at, Bytes const* key) {
    while (at != noted.end() && (key == nullptr || at->first < *key)) at = noted.erase(at);
  };
  Bytes last;
  do {
    KITH_TRY(some, work_behind(last));
    for (auto const& each : some) {
      forget_before(left_, left, &each.key);
      forget_before(removals_, removal, &each.key);
      bool const was_left = left != left_.end() && left->first == each.key && left->second.times == each.times;
      if (left != left_.end() && left->first == each.key) ++left;
      if (removal != removals_.end() && removal->first == each.key) ++removal;
      if (was_left || noted_as_removal(each)) continue;
      KITH_TRY(gone, is_removal(each));
      if (!gone) return std::optional(each.key);
    }
  } while (!last.empty());
  forget_before(left_, left, nullptr);
  forget_before(removals_, removal, nullptr);
  return std::optional<Bytes>();
}

}  // namespace kith::files
