#include "sync/files/shown.hpp"

#include <algorithm>

#include "sync/files/conflict_name.hpp"

namespace kith::files {
namespace {

constexpr std::uint32_t kMaxCopyNumber = 1000;

enum class Room {
  free,
  taken,  ///< by a path of its own
  told,   ///< by a path of its own that has the very content
};

Result<Room> room_at(FolderContext& context, RelPath const& candidate, VersionRow const& loser) {
  KITH_TRY(there, context.resolved(candidate));
  KITH_TRY(directory, context.view.has_live_below(context.id, candidate));
  if (directory) return Room::taken;
  if (!there.winner) return Room::free;
  return there.winner->same_content(loser) ? Room::told : Room::taken;
}

/// The first free name for a loser; nullopt where its content shows already or no name is short enough.
Result<std::optional<RelPath>> place_for(FolderContext& context, VersionRow const& loser,
                                         std::vector<Copy> const& placed) {
  KITH_TRY(path, RelPath::parse(loser.path));
  for (std::uint32_t number = 1; number <= kMaxCopyNumber; ++number) {
    auto candidate = conflict_path(path, core::HybridClock::wall_of(loser.hlc), loser.author, number);
    if (!candidate) return std::nullopt;
    bool const ours =
        std::ranges::any_of(placed, [&](Copy const& copy) { return name_key(copy.path) == name_key(*candidate); });
    if (ours) continue;
    KITH_TRY(room, room_at(context, *candidate, loser));
    if (room == Room::told) return std::nullopt;
    if (room == Room::free) return std::optional(std::move(*candidate));
  }
  return std::nullopt;
}

}  // namespace

Result<Shown> shown_at(FolderContext& context, RelPath const& path) {
  KITH_TRY(versions, context.view.versions(context.id, path));
  KITH_TRY(resolved, context.resolved(path));
  if (resolved.winner && resolved.winner->kind == wire::FileKind::file) {
    KITH_TRY(covered, context.view.has_live_below(context.id, path));
    if (covered) {  // something lives below: the path is a directory, and the file shows beside it
      resolved.losers.push_back(std::move(*resolved.winner));
      resolved.winner.reset();
    }
  }
  Shown shown{std::move(resolved.winner), std::move(resolved.stands_for), {}};
  for (auto& loser : resolved.losers) {
    KITH_TRY(place, place_for(context, loser, shown.copies));
    if (!place) continue;
    Copy copy{std::move(*place), std::move(loser), {}};
    for (auto const& version : versions) {
      if (version.same_content(copy.version)) copy.stands_for.push_back(version.id);
    }
    shown.copies.push_back(std::move(copy));
  }
  return shown;
}

Result<Wanted> wanted_at(FolderContext& context, RelPath const& name) {
  KITH_TRY(own, shown_at(context, name));
  if (own.winner) return Wanted{std::move(own.winner), std::move(own.stands_for), {}};
  KITH_TRY(mains, context.view.conflicted_by(context.id, name));
  for (auto const& main : mains) {
    KITH_TRY(shown, shown_at(context, main));
    for (auto& copy : shown.copies) {
      if (name_key(copy.path) != name_key(name)) continue;
      return Wanted{std::move(copy.version), std::move(copy.stands_for), main.text()};
    }
  }
  return Wanted{std::nullopt, std::move(own.stands_for), {}};
}

}  // namespace kith::files
