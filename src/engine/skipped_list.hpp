#pragma once

#include <set>

#include "engine/control.hpp"
#include "sync/files/folder_context.hpp"

namespace kith::engine {

/// What a folder leaves alone now, put together from what scanning and applying say. Keeps them all, and shows how many
/// there are and the newest few.
class SkippedList {
 public:
  /// What an earlier run left alone. Only of contents that are refused is nothing else left to tell: they are no work
  /// any more. They count until looked_again(), and those that the row does not name as long as any other is refused.
  void recall(SkippedRow const& earlier);
  /// Applying has looked at the paths that were recalled, and applied() was told what it found.
  void looked_again();
  /// A scan of the whole folder: what it does not name is not left alone any more.
  void scanned(std::vector<files::Skipped> const& found);
  /// A scan of these paths, as the disk spells them, and of all below them.
  void scanned(std::set<std::string> const& below, std::vector<files::Skipped> const& found);
  /// All that applying leaves alone.
  void applied(std::vector<files::Skipped> const& found);

  /// Whether a scan left something alone because the disk failed: that may pass.
  [[nodiscard]] bool any_read_failed() const;
  [[nodiscard]] SkippedRow row() const;
  /// Whether the row is another one than when this was last asked.
  [[nodiscard]] bool take_moved() { return std::exchange(moved_, false); }

 private:
  using Item = std::pair<std::string, files::Skipped::Why>;
  using Items = std::set<Item>;
  void replace(Items& items, Items::iterator first, Items::iterator last, std::vector<files::Skipped> const& found);
  void drop_unnamed();
  Items scan_, apply_, recalled_;
  std::uint64_t unnamed_ = 0;  ///< recalled by their number alone
  std::vector<Item> newest_;   ///< oldest first, at most SkippedRow::kMost
  bool moved_ = true;          ///< nobody has asked: what an earlier run said is not known here
};

}  // namespace kith::engine
