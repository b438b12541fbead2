#pragma once

#include <set>

#include "engine/control.hpp"
#include "sync/files/folder_context.hpp"

namespace kith::engine {

/// What a folder leaves alone now, put together from what scanning and applying say. Keeps them all, and shows how many
/// there are and the newest few.
class SkippedList {
 public:
  /// A scan of the whole folder: what it does not name is not left alone any more.
  void scanned(std::vector<files::Skipped> const& found);
  /// A scan of these paths, as the disk spells them, and of all below them.
  void scanned(std::set<std::string> const& below, std::vector<files::Skipped> const& found);
  /// All that applying leaves alone.
  void applied(std::vector<files::Skipped> const& found);

  [[nodiscard]] SkippedRow row() const;
  /// Whether the row is another one than when this was last asked.
  [[nodiscard]] bool take_moved() { return std::exchange(moved_, false); }

 private:
  using Item = std::pair<std::string, files::Skipped::Why>;
  using Items = std::set<Item>;
  void replace(Items& items, Items::iterator first, Items::iterator last, std::vector<files::Skipped> const& found);
  Items scan_, apply_;
  std::vector<Item> newest_;  ///< oldest first, at most SkippedRow::kMost
  bool moved_ = true;         ///< nobody has asked: what an earlier run said is not known here
};

}  // namespace kith::engine
