#include <algorithm>
#include <map>
#include <set>
#include <tuple>

#include "sync/files/folder_view.hpp"

namespace kith::files {
namespace {

/// Which versions others of the same kind come after: those of an entry that has this version's entry in its past, and
/// those that stand later in the same entry.
class Successors {
 public:
  /// @param record  of the version's entry
  void add(VersionRow const& version, core::EntryRecord const& record) {
    auto& kind = kinds_[version.kind];
    auto const [last, is_new] = kind.last_index.try_emplace(version.entry, version.index);
    last->second = std::max(last->second, version.index);
    if (!is_new) return;
    for (auto const& place : record.past.places()) {
      auto& latest = kind.latest[place.chain];
      if (place.seq > latest.first) {
        latest = {place.seq, latest.first};
      } else {
        latest.second = std::max(latest.second, place.seq);
      }
    }
  }

  [[nodiscard]] bool of(VersionRow const& version, core::EntryRecord const& record) const {
    auto const& kind = kinds_.at(version.kind);
    if (kind.last_index.at(version.entry) > version.index) return true;
    // Its own past has the entry itself as well: another one that has it makes two.
    return kind.latest.at(record.chain).second >= record.seq;
  }

 private:
  /// How far the pasts reach along a chain: the one that reaches furthest, and the next.
  struct Latest {
    Seq first;
    Seq second;
  };
  struct OfKind {
    std::map<EntryHash, std::uint32_t> last_index;
    std::map<core::ChainNo, Latest> latest;
  };
  std::map<wire::FileKind, OfKind> kinds_;
};

/// Puts the winner first.
Result<> choose(std::vector<VersionRow>& versions,
                std::function<Result<core::EntryRecord>(EntryHash const&)> const& record_of) {
  std::map<EntryHash, core::EntryRecord> records;
  Successors successors;
  for (auto const& version : versions) {
    auto found = records.find(version.entry);
    if (found == records.end()) {
      KITH_TRY(record, record_of(version.entry));
      found = records.emplace(version.entry, std::move(record)).first;
    }
    successors.add(version, found->second);
  }
  auto const rank = [&](VersionRow const& version) {
    return std::tuple(version.kind == wire::FileKind::directory, !successors.of(version, records.at(version.entry)),
                      version.hlc, version.entry, version.index);
  };
  std::iter_swap(versions.begin(), std::ranges::max_element(versions, {}, rank));
  return {};
}

/// The ids of all versions that a change of the path replaces; where these are too many, the winner's is among them.
std::vector<VersionId> stood_for(std::vector<VersionRow> const& all, std::optional<VersionRow> const& winner) {
  std::vector<VersionId> ids;
  for (auto const& version : all) {
    bool const both_directories =
        winner && winner->kind == wire::FileKind::directory && version.kind == wire::FileKind::directory;
    if (!winner || version.removed || both_directories || version.same_content(*winner)) ids.push_back(version.id);
  }
  if (ids.size() <= kMaxStandsFor) return ids;
  auto const at = winner ? std::ranges::find(ids, winner->id) : ids.begin();
  std::rotate(ids.begin(), at, at + 1);
  ids.resize(kMaxStandsFor);
  std::ranges::sort(ids);
  return ids;
}

}  // namespace

Result<Resolved> resolve(std::vector<VersionRow> versions,
                         std::function<Result<core::EntryRecord>(EntryHash const&)> const& record_of) {
  Resolved resolved;
  auto const all = versions;
  std::erase_if(versions, [](VersionRow const& version) { return version.removed; });
  if (versions.size() > 1) KITH_CHECK(choose(versions, record_of));
  if (!versions.empty()) {
    resolved.winner = std::move(versions.front());
    versions.erase(versions.begin());
  }
  std::ranges::sort(versions, {},
                    [](VersionRow const& version) { return std::tuple(version.hlc, version.entry, version.index); });
  std::set<std::pair<std::uint16_t, Bytes>> told;  // of files, what same_content() compares
  auto const is_news = [&](VersionRow const& version) {
    return version.kind == wire::FileKind::file && told.emplace(version.mode, wire::encode(version.content)).second;
  };
  if (resolved.winner) static_cast<void>(is_news(*resolved.winner));
  for (auto& version : versions) {
    if (is_news(version)) resolved.losers.push_back(std::move(version));
  }
  resolved.stands_for = stood_for(all, resolved.winner);
  return resolved;
}

}  // namespace kith::files
