#include "sync/files/shown.hpp"

#include <algorithm>
#include <map>
#include <set>
#include <tuple>

#include "sync/files/conflict_name.hpp"

namespace kith::files {
namespace {

constexpr std::uint32_t kMaxCopyNumber = 100;

/// Finds names for the copies of one path. Each name is looked up once, however many losers ask for it.
class CopyNames {
 public:
  explicit CopyNames(FolderContext& context) : context_(context) {}

  struct Found {
    std::optional<RelPath> path;  ///< the first free name; none where no name is, or none is short enough
    bool told = false;            ///< a path of its own, with such a name, has the very content: nothing is to be shown
  };
  [[nodiscard]] Result<Found> find(VersionRow const& loser) {
    KITH_TRY(path, RelPath::parse(loser.path));
    for (std::uint32_t number = 1; number <= kMaxCopyNumber; ++number) {
      auto candidate = conflict_path(path, core::HybridClock::wall_of(loser.hlc), loser.author, number);
      if (!candidate) return Found{};
      KITH_TRY(name, look_at(*candidate));
      if (name->holds && name->holds->same_content(loser)) return Found{std::nullopt, true};
      if (name->taken) continue;
      name->taken = true;
      return Found{std::move(*candidate), false};
    }
    return Found{};
  }

 private:
  struct Name {
    bool taken = false;               ///< by a path of its own, or by a copy before
    std::optional<VersionRow> holds;  ///< what a path of its own has there
  };
  [[nodiscard]] Result<Name*> look_at(RelPath const& candidate) {
    auto const [found, is_new] = names_.try_emplace(name_key(candidate));
    auto& name = found->second;
    if (!is_new) return &name;
    KITH_TRY(there, context_.resolved(candidate));
    KITH_TRY(directory, context_.view.has_live_below(context_.id, candidate));
    name.taken = directory || there.winner;
    if (!directory) name.holds = std::move(there.winner);
    return &name;
  }

  FolderContext& context_;
  std::map<std::string, Name> names_;
};

/// Leaves those of the losers that show, in their order. The newest of each author comes first, so that nobody hides
/// what another wrote, however much they write; a content counts for each author who has written it. Then the newest.
void keep_shown(std::vector<VersionRow>& losers, std::vector<VersionRow> versions) {
  if (losers.size() <= kMaxCopies) return;
  auto const content_of = [](VersionRow const& version) {
    return std::pair(version.mode, wire::encode(version.content));
  };
  std::map<std::pair<std::uint16_t, Bytes>, std::size_t> places;
  for (std::size_t i = 0; i < losers.size(); ++i) places.emplace(content_of(losers[i]), i);
  std::erase_if(versions, [&](VersionRow const& version) {
    return version.removed || version.kind != wire::FileKind::file || !places.contains(content_of(version));
  });
  std::ranges::sort(versions, std::greater{},
                    [](VersionRow const& version) { return std::tuple(version.hlc, version.entry, version.index); });
  std::set<std::size_t> shown;
  std::set<DeviceId> authors;
  for (auto const& version : versions) {
    if (shown.size() == kMaxCopies) break;
    if (authors.insert(version.author).second) shown.insert(places.at(content_of(version)));
  }
  for (std::size_t i = losers.size(); i > 0 && shown.size() < kMaxCopies; --i) shown.insert(i - 1);
  std::vector<VersionRow> kept;
  for (auto const place : shown) kept.push_back(std::move(losers[place]));
  losers = std::move(kept);
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
  Shown shown{std::move(resolved.winner), std::move(resolved.stands_for), {}, 0};
  auto& losers = resolved.losers;
  shown.hidden = losers.size() - std::min(losers.size(), kMaxCopies);
  keep_shown(losers, versions);
  CopyNames names(context);
  for (auto& loser : losers) {
    KITH_TRY(name, names.find(loser));
    if (!name.path) {
      shown.hidden += name.told ? 0 : 1;
      continue;
    }
    Copy copy{std::move(*name.path), std::move(loser), {}};
    for (auto const& version : versions) {
      if (copy.stands_for.size() == kMaxStandsFor) break;
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
