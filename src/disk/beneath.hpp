#pragma once

#include <string_view>

#include "base/result.hpp"
#include "disk/fd.hpp"

namespace kith::disk {

/// Opens directories beneath a root, whatever happens to the tree meanwhile: no symbolic link is followed anywhere on
/// the way, so no path leaves the root. openat2(2) does it in one call (RESOLVE_BENEATH, RESOLVE_NO_SYMLINKS,
/// RESOLVE_NO_MAGICLINKS); where the kernel or a sandbox lacks that, each part is opened by itself with O_NOFOLLOW.
class Beneath {
 public:
  /// @param root  a directory's descriptor, which outlives this
  explicit Beneath(int root, bool try_openat2 = true);

  /// Opens the directory at `path`, parts separated by /; "" is the root.
  /// @param flags    O_PATH to name things in it, O_RDONLY to list or sync it
  /// @param subject  the path that an error names
  /// @return FilesError::not_found, not_a_directory, is_symlink and others
  [[nodiscard]] Result<Fd> directory(std::string_view path, int flags, std::string_view subject) const;
  [[nodiscard]] Result<Fd> directory(std::string_view path, int flags) const { return directory(path, flags, path); }

  [[nodiscard]] bool uses_openat2() const { return openat2_; }

 private:
  [[nodiscard]] Result<Fd> walk(std::string_view path, int flags, std::string_view subject) const;

  int root_;
  bool openat2_ = false;
};

}  // namespace kith::disk
