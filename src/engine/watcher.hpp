#pragma once

#include <filesystem>
#include <map>
#include <memory>
#include <set>
#include <string>

namespace kith::engine {

/// Tells which places below a directory may have changed (inotify). It watches every directory, and forgets nothing:
/// where the system lost events or has no watches left, everything counts as changed.
class Watcher {
 public:
  [[nodiscard]] static std::unique_ptr<Watcher> open(std::filesystem::path const& root);
  ~Watcher();
  Watcher(Watcher const&) = delete;

  /// Readable when something happened; -1 where the system has no inotify instance left.
  [[nodiscard]] int descriptor() const { return inotify_; }

  struct Changes {
    bool everything = false;
    std::set<std::string> paths;  ///< relative to the root, as the disk spells them
    [[nodiscard]] bool any() const { return everything || !paths.empty(); }
  };
  /// Takes what has happened since.
  [[nodiscard]] Changes take();
  /// Whether every directory is watched; where not, the caller scans at intervals.
  [[nodiscard]] bool complete() const { return complete_; }

 private:
  Watcher(int inotify, std::filesystem::path root) : inotify_(inotify), root_(std::move(root)) {}
  void watch_tree(std::string const& directory, Changes* found);
  int inotify_;
  std::filesystem::path root_;
  std::map<int, std::string> directories_;  ///< watch descriptor -> relative path, "" for the root
  bool complete_ = true;
};

}  // namespace kith::engine
