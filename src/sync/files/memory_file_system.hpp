#pragma once

#include <optional>

#include "sync/files/memory_disk.hpp"

namespace kith::files {

/// The file system of a MemoryDisk, deterministic to the last inode. Several may be opened on one disk, one after the
/// other as after a crash; each counts its operations, and can be told to fail.
class MemoryFileSystem : public FileSystem {
 public:
  explicit MemoryFileSystem(MemoryDisk& disk) : disk_(disk) {}  ///< the disk outlives it

  /// Operation number `nth` from now (the next is 1) does nothing and fails with `error`; all later ones too, if
  /// `for_good`: the process is as good as dead, and a crash of the disk comes next. Operations are calls of FileSystem
  /// and of its files.
  void fail_operation(std::uint64_t nth, FilesError error, bool for_good = false);
  [[nodiscard]] std::uint64_t operations() const { return operations_; }

  Result<std::vector<Entry>> list(DirPath const& directory) override;
  Result<Stat> stat(RelPath const& path) override;
  Result<std::unique_ptr<ReadFile>> open_read(RelPath const& path) override;
  Result<std::uint64_t> free_space() override;
  Result<std::unique_ptr<TempFile>> create_temp(TempName const& name) override;
  Result<std::unique_ptr<TempFile>> open_temp(TempName const& name) override;
  Result<std::vector<Entry>> list_temps() override;
  Result<> remove_temp(TempName const& name) override;
  Result<Installed> install(TempName const& temp, RelPath const& path, Expect const& expected, WallTime now) override;
  Result<TrashPlace> move_to_trash(RelPath const& path, Stat const& expected, WallTime now) override;
  Result<Stat> restore(TrashPlace const& place, RelPath const& to) override;
  Result<Stat> rename(RelPath const& from, RelPath const& to, WallTime now) override;
  Result<> make_directory(RelPath const& path, std::uint32_t mode) override;
  Result<> remove_empty_directory(RelPath const& path) override;
  Result<> sync_directory(DirPath const& directory) override;
  Result<> sync_all() override;
  Result<std::uint64_t> purge_trash(WallTime before) override;
  Result<Bytes> read_marker() override;
  Result<> write_marker(ByteView bytes) override;

 private:
  friend class MemoryHandle;
  struct Faults {
    std::uint64_t at;
    FilesError error;
    bool for_good;
  };
  /// Counts an operation, and fails where it was told to.
  [[nodiscard]] Result<> operation(std::string_view subject);
  /// `.kith/<name>`, made where `.kith` itself is there.
  [[nodiscard]] Result<MemoryDisk::NodePtr> internal_directory(std::string_view name);
  [[nodiscard]] Result<MemoryDisk::Slot> temp_slot(TempName const& name);
  struct TrashSlot {
    TrashPlace place;
    MemoryDisk::Slot slot;
  };
  [[nodiscard]] Result<TrashSlot> free_trash_slot(RelPath const& path, WallTime now);
  /// Makes its directories; nullopt where a file is in the way of one.
  [[nodiscard]] Result<std::optional<MemoryDisk::Slot>> make_trash_slot(TrashPlace const& place);
  [[nodiscard]] Result<Stat> move(MemoryDisk::Slot const& from, std::string_view from_name, RelPath const& to);

  MemoryDisk& disk_;
  std::uint64_t operations_ = 0;
  std::optional<Faults> faults_;
};

}  // namespace kith::files
