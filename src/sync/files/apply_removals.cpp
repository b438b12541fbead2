#include "sync/files/apply.hpp"

/// Files that are to go. Each may be the only one on any device that holds a content which is to come to another path:
/// its author may be no more. So they go when all other work has been looked at, and not those whose content is still
/// to come somewhere. A path that is blocked, maybe by this one, is not waited for.
namespace kith::files {
namespace {

constexpr std::size_t kAtOnce = 1024;

}  // namespace

Result<bool> Applier::goes_as_a_file(RelPath const& path) {
  KITH_TRY(there, local(path));
  return there && there->stat.kind == Kind::file;
}

/// @return whether anything moved
Result<bool> Applier::remove_files() {
  if (!removals_due_ || context_.stop()) return false;
  KITH_TRY(due, due_removals());
  if (!due) return false;
  removals_due_ = false;
  std::multimap<ChunkId, Content> coming;
  for (auto const& [key, left] : left_) {
    for (auto const& content : left.coming) coming.emplace(content.refs.front().id, content);
  }
  auto const needed = [&](Content const& content) {
    if (content.refs.empty()) return false;
    auto const [first, last] = coming.equal_range(content.refs.front().id);
    return std::any_of(first, last, [&](auto const& each) { return each.second == content; });
  };
  spellings_.forget();
  bool progress = false;
  std::size_t looked_at = 0;
  for (auto const& each : *due) {
    if (context_.stop()) break;
    KITH_TRY(there, local(each.path));
    if (there && needed(there->content)) {
      removals_due_ = true;
      continue;
    }
    KITH_TRY(room, round_one(each));
    static_cast<void>(room);
    if (auto const left = left_.find(each.key); left != left_.end()) {
      left->second.removal = true;
      removals_due_ = true;
    }
    if (++looked_at % kAtOnce != 0) continue;
    progress |= !finished_.empty();
    KITH_CHECK(commit());
  }
  progress |= !finished_.empty() || !notes_.empty() || !more_work_.empty() || !held_.empty();
  KITH_CHECK(commit());
  return progress;
}

/// @return nullopt where there is other work that nobody has looked at since it came
Result<std::optional<std::vector<Applier::Work>>> Applier::due_removals() {
  std::map<Bytes, Left> still_left;
  std::vector<Work> due, unknown;
  std::optional<Error> error;
  KITH_CHECK(context_.store.scan(Table::folder_work, context_.id.view(), {}, [&](ByteView key, ByteView value) {
    auto const row = core::decode_record<FolderWork>(value);
    auto path = row ? RelPath::parse(row->path) : Result<RelPath>(fail(row.error()));
    if (!path) {
      error = path.error();
      return Store::Next::stop;
    }
    Work work{std::move(*path), Bytes(key.begin(), key.end()), row->times, row->held};
    auto left = left_.extract(work.key);
    bool const looked_at = !left.empty() && left.mapped().times == row->times;
    if (looked_at && !left.mapped().removal) {
      still_left.insert(std::move(left));
    } else {
      (looked_at ? due : unknown).push_back(std::move(work));
    }
    return Store::Next::go_on;
  }));
  left_ = std::move(still_left);
  if (error) return fail(*error);
  for (auto& work : unknown) {
    KITH_TRY(versions, context_.view.versions(context_.id, work.path));
    if (!std::ranges::all_of(versions, &VersionRow::removed)) return std::optional<std::vector<Work>>();
    KITH_TRY(file, goes_as_a_file(work.path));
    if (file) due.push_back(std::move(work));
  }
  return std::optional(std::move(due));
}

}  // namespace kith::files
