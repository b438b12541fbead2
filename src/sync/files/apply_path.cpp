#include <algorithm>

#include "sync/files/apply.hpp"

/// What one path with work needs: its copies, itself, and old copies to go, in this order.
namespace kith::files {
namespace {

bool same_name(RelPath const& a, RelPath const& b) { return name_key(a) == name_key(b); }

}  // namespace

Result<Applier::Outcome> Applier::work_on(RelPath const& path) {
  KITH_TRY(shown, shown_at(context_, path));
  KITH_TRY(before, local(path));
  auto const winning = shown.winner ? shown.winner->content : Content{};
  auto const later = [&](Outcome outcome) {
    if (gone_from_disk(*before)) outcome = Outcome::look_again;
    note_coming({{winning, outcome}});
    return outcome;
  };
  if (before && !before->copy_of.empty()) {
    // A conflict copy that is to be something else now: its content may be here only, so it is copied first.
    KITH_TRY(main, RelPath::parse(before->copy_of));
    KITH_TRY(of_main, shown_at(context_, main));
    KITH_TRY(saved, make_copies(of_main.copies, &path));
    note_coming(saved);
    auto const outcome = outcome_for(before->content, saved);
    if (outcome != Outcome::done) return later(outcome);
  }
  if (shown.hidden > 0) skip(path, Skipped::Why::no_copy);
  KITH_TRY(placed, make_copies(shown.copies, nullptr));
  lacks_content_ |= std::ranges::any_of(placed, lacks_content);
  note_coming(placed);
  // What is at the path now may be the very content that a copy is being made of: it stays until the copy is there.
  auto const giving_way = before ? outcome_for(before->content, placed) : Outcome::done;
  if (giving_way != Outcome::done) return later(giving_way);
  KITH_TRY(made, reach_wanted(path));
  Outcome outcome = made;
  for (auto const& copy : placed) outcome = std::max(outcome, copy.outcome);
  // An old copy may be what the path becomes: it goes last.
  placed.push_back({winning, made});
  lacks_content_ |= lacks_content(placed.back());
  note_coming({placed.back()});
  KITH_TRY(removed, remove_old_copies(path, shown, placed));
  return std::max(outcome, removed);
}

/// Whether a file that a content is to be copied from has been deleted since it was looked at. Where it had the only
/// one, waiting for that would never end.
bool Applier::gone_from_disk(LocalFile const& row) {
  auto const path = RelPath::parse(row.path);
  if (!path) return false;
  auto const stat = disk_->stat(*path);
  return !stat && stat.error().is(FilesError::not_found);
}

bool Applier::lacks_content(Placed const& place) {
  return place.outcome == Outcome::waiting || place.outcome == Outcome::fetching || place.outcome == Outcome::no_room;
}

/// Of a content that has bytes.
Applier::ContentMark Applier::mark(Content const& content) {
  return {content.refs.front().id, content.refs.back().id, content_size(content)};
}

void Applier::note_coming(std::vector<Placed> const& places) {
  for (auto const& [content, outcome] : places) {
    bool const is_coming = outcome != Outcome::done && outcome != Outcome::blocked;
    if (is_coming && !content.refs.empty()) coming_.push_back(mark(content));
  }
}

Result<std::vector<Applier::Placed>> Applier::make_copies(std::vector<Copy> const& copies, RelPath const* except) {
  std::vector<Placed> placed;
  for (auto const& copy : copies) {
    if (except != nullptr && same_name(copy.path, *except)) continue;
    KITH_TRY(made, reach_copy(copy));
    placed.push_back({copy.version.content, made});
  }
  return placed;
}

/// How far the places are that a content is wanted at: a file that holds it may be what they are made from.
Applier::Outcome Applier::outcome_for(Content const& content, std::vector<Placed> const& placed) {
  Outcome outcome = Outcome::done;
  for (auto const& place : placed) {
    if (place.content == content) outcome = std::max(outcome, place.outcome);
  }
  return outcome;
}

/// Files that were copies of the path and are not any more: they go. Those that become paths of their own are that
/// path's work.
Result<Applier::Outcome> Applier::remove_old_copies(RelPath const& path, Shown const& shown,
                                                    std::vector<Placed> const& placed) {
  std::vector<std::pair<RelPath, Content>> old;
  auto const consider = [&](LocalFile const& row) -> Result<> {
    if (row.copy_of.empty()) return {};
    KITH_TRY(main, RelPath::parse(row.copy_of));
    if (!same_name(main, path)) return {};
    KITH_TRY(name, RelPath::parse(row.path));
    bool const stays = std::ranges::any_of(shown.copies, [&](Copy const& copy) { return same_name(copy.path, name); });
    if (!stays) old.emplace_back(std::move(name), row.content);
    return {};
  };
  Result<> considered;
  auto const prefix = copies_prefix(context_.id, path);
  KITH_CHECK(context_.store.scan(Table::local_files, prefix, {}, [&](ByteView key, ByteView value) {
    if (notes_.contains(Bytes(key.begin(), key.end()))) return Store::Next::go_on;
    auto const row = core::decode_record<LocalFile>(value);
    considered = row ? consider(*row) : Result<>(fail(row.error()));
    return considered ? Store::Next::go_on : Store::Next::stop;
  }));
  if (!considered) return fail(considered.error());
  for (auto const& [key, noted] : notes_) {
    if (noted.second) KITH_CHECK(consider(*noted.second));
  }
  Outcome outcome = Outcome::done;
  for (auto const& [name, content] : old) {
    KITH_TRY(wanted, wanted_at(context_, name));
    if (wanted.version) continue;
    auto const needed = outcome_for(content, placed);
    outcome = std::max(outcome, needed);
    if (needed != Outcome::done) continue;
    KITH_TRY(reached, reach_wanted(name));
    outcome = std::max(outcome, reached);
  }
  return outcome;
}

Result<Applier::Outcome> Applier::reach_wanted(RelPath const& name) {
  KITH_TRY(wanted, wanted_at(context_, name));
  return reach_as_spelled(name, std::move(wanted));
}

/// A copy's name is free of other paths. Where no other path may have a copy there either, what belongs there is known,
/// and the path with all its versions is not looked up again for each of its copies.
Result<Applier::Outcome> Applier::reach_copy(Copy const& copy) {
  KITH_TRY(mains, context_.view.conflicted_by(context_.id, copy.path));
  if (mains.size() != 1) return reach_wanted(copy.path);
  return reach_as_spelled(copy.path, {copy.version, copy.stands_for, mains.front().text()});
}

Result<Applier::Outcome> Applier::reach_as_spelled(RelPath const& name, Wanted wanted) {
  KITH_TRY(there, local(name));
  if (!there) return reach({std::move(wanted), name});
  KITH_TRY(spelled, RelPath::parse(there->path));  // the disk's own spelling stays
  return reach({std::move(wanted), std::move(spelled)});
}

}  // namespace kith::files
