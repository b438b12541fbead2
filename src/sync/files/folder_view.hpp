#pragma once

#include <functional>
#include <vector>

#include "core/group_state.hpp"
#include "core/view.hpp"
#include "sync/files/rows.hpp"

namespace kith::files {

/// The view of folders: their names, and for each path the versions that no other has replaced. A version replaces
/// those of its parents that are in its entry's causal past. Ops that make no sense (a path that leaves the folder,
/// lengths that do not add up) change nothing, on every device alike. @see docs/spec/views.md
class FolderView final : public core::View {
 public:
  FolderView(Store& store, core::GroupState const& state) : store_(store), state_(state) {}
  [[nodiscard]] Result<> apply(core::OpenedEntry const& entry, core::EntryRecord const& record) override;
  [[nodiscard]] Result<> clear() override;
  [[nodiscard]] Result<crypto::Hash256> digest() override;

  struct Folder {
    FolderId id;
    std::string name;
  };
  [[nodiscard]] Result<std::vector<Folder>> folders();
  /// The versions at a path that no other has replaced, in the order of their ids.
  [[nodiscard]] Result<std::vector<VersionRow>> versions(FolderId const& folder, RelPath const& path);
  /// Visits every path of a folder that has a version, with all its versions, ascending by key.
  using PathVisitor = std::function<Result<>(std::vector<VersionRow> const& versions)>;
  [[nodiscard]] Result<> scan(FolderId const& folder, PathVisitor const& visit);
  /// Whether anything below `directory` is there, and not removed.
  [[nodiscard]] Result<bool> has_live_below(FolderId const& folder, RelPath const& directory);
  /// The paths with versions that could show a conflict copy at `copy`, by its name alone: none for most names.
  [[nodiscard]] Result<std::vector<RelPath>> conflicted_by(FolderId const& folder, RelPath const& copy);

 private:
  [[nodiscard]] Result<> note_work(FolderId const& folder, RelPath const& path);
  [[nodiscard]] Result<> set(FolderId const& folder, RelPath const& path, VersionRow const& row,
                             std::vector<VersionId> const& parents, core::EntryRecord const& record);
  Store& store_;
  core::GroupState const& state_;
};

/// The versions that a path, or a conflict copy, stands for at most: a change replaces them all, and its ops name them.
/// Nobody has so many; what is beyond is replaced by the next change.
inline constexpr std::size_t kMaxStandsFor = 16 * 1024;

/// What a path is, on every device that holds the same entries.
struct Resolved {
  std::optional<VersionRow> winner;   ///< none: the path is not there
  std::vector<VersionRow> losers;     ///< different contents that lost, oldest first
  std::vector<VersionId> stands_for;  ///< the winner, what agrees with it (directories always do), and removals: what a
                                      ///< change of it replaces; at most kMaxStandsFor, in the order of their ids
};

/// Decides between versions that were written apart: equal contents are one, an edit beats a removal, a directory beats
/// a file, and of the rest wins what is in no rival's past and has the greatest (hlc, entry hash, index). Takes about
/// as long as reading the versions does: a single entry can hold thousands for one path.
/// @param record_of  the record of an applied entry; asked once for each. Its error is returned
[[nodiscard]] Result<Resolved> resolve(std::vector<VersionRow> versions,
                                       std::function<Result<core::EntryRecord>(EntryHash const&)> const& record_of);

}  // namespace kith::files
