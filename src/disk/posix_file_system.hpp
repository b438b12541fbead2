#pragma once

#include <functional>
#include <memory>
#include <string>

#include "disk/beneath.hpp"
#include "disk/fd.hpp"
#include "disk/moves.hpp"
#include "disk/trash.hpp"
#include "sync/files/file_system.hpp"

namespace kith::disk {

/// A folder on the real disk. The root is opened once, so a directory renamed or mounted over later changes nothing;
/// every path is resolved beneath it without following a symlink. Linux: openat2, renameat2, syncfs, each with what
/// older kernels and lesser file systems need instead.
class PosixFileSystem final : public files::FileSystem {
 public:
  /// Moments inside an operation, between looking and doing, for tests that change the disk just then.
  enum class Step { looked, replaced, taken };

  struct Options {
    bool try_openat2 = true;
    Abilities abilities;
    std::function<void(Step)> on_step;  ///< called when set
  };

  /// @param root  an existing directory; the path to it may hold symlinks, it is the user's own
  /// @return FilesError::not_found, not_a_directory, permission
  [[nodiscard]] static Result<std::unique_ptr<PosixFileSystem>> open(std::string const& root, Options options);
  [[nodiscard]] static Result<std::unique_ptr<PosixFileSystem>> open(std::string const& root) { return open(root, {}); }

  Result<std::vector<files::Entry>> list(files::DirPath const& directory) override;
  Result<files::Stat> stat(files::RelPath const& path) override;
  Result<std::unique_ptr<files::ReadFile>> open_read(files::RelPath const& path) override;
  Result<std::uint64_t> free_space() override;
  Result<std::unique_ptr<files::TempFile>> create_temp(files::TempName const& name) override;
  Result<std::unique_ptr<files::TempFile>> open_temp(files::TempName const& name) override;
  Result<std::vector<files::Entry>> list_temps() override;
  Result<> remove_temp(files::TempName const& name) override;
  Result<files::Installed> install(files::TempName const& temp, files::RelPath const& path,
                                   files::Expect const& expected, WallTime now) override;
  Result<files::TrashPlace> move_to_trash(files::RelPath const& path, files::Stat const& expected,
                                          WallTime now) override;
  Result<files::Stat> restore(files::TrashPlace const& place, files::RelPath const& to) override;
  Result<files::Stat> rename(files::RelPath const& from, files::RelPath const& to, WallTime now) override;
  Result<> make_directory(files::RelPath const& path, std::uint32_t mode) override;
  Result<> remove_empty_directory(files::RelPath const& path) override;
  Result<> sync_directory(files::DirPath const& directory) override;
  Result<> sync_all() override;
  Result<std::uint64_t> purge_trash(WallTime before) override;
  Result<Bytes> read_marker() override;
  Result<> write_marker(ByteView bytes) override;

 private:
  PosixFileSystem(Fd root, Options options);

  /// A path's name in its parent directory, which is held open.
  struct Located {
    Fd directory;
    std::string name;
    [[nodiscard]] Place at() const { return {directory.get(), name}; }
  };
  [[nodiscard]] Result<Located> locate(files::RelPath const& path) const;
  [[nodiscard]] Result<Located> locate_temp(files::TempName const& name) const;
  [[nodiscard]] Result<std::vector<files::Entry>> entries(std::string_view directory, Fd fd) const;
  void step(Step step) const {
    if (options_.on_step) options_.on_step(step);
  }

  Result<files::TrashPlace> replace(Located const& temp, files::Stat const& finished, Located const& target,
                                    files::RelPath const& path, files::Stat const& expected, WallTime now);
  Result<> undo_exchange(TrashSlot const& slot, files::Stat const& finished, Located const& target,
                         std::string_view subject) const;
  Result<> replace_stepwise(TrashSlot const& slot, Located const& temp, Located const& target,
                            files::Stat const& expected, std::string_view subject) const;
  /// Takes `target` to the slot, and puts it back where it was if it is not the expected one.
  Result<> take_expected(TrashSlot const& slot, Located const& target, files::Stat const& expected,
                         std::string_view subject) const;

  Fd root_;
  Options options_;
  Beneath beneath_;
  Trash trash_;
};

}  // namespace kith::disk
