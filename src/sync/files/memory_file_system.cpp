#include "sync/files/memory_file_system.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "sync/files/conflict_name.hpp"

namespace kith::files {
namespace {

tl::unexpected<Error> fail_at(FilesError error, std::string_view path) {
  return fail(error, SystemDetail{0, std::string(path)});
}

std::string text_of(DirPath const& directory) { return directory ? directory->text() : std::string(); }

/// Makes `path` a directory beneath `directory`, step by step. @return null where something else is in the way
MemoryDisk::NodePtr make_directories(MemoryDisk& disk, MemoryDisk::NodePtr directory, DirPath const& path) {
  if (!path) return directory;
  for (auto const part : path->parts()) {
    MemoryDisk::Slot const slot{directory, std::string(part)};
    auto next = disk.at(slot);
    if (!next) next = disk.create(slot, Kind::directory, 0700);
    if (next->kind != Kind::directory) return nullptr;
    directory = std::move(next);
  }
  return directory;
}

std::uint64_t count_files(MemoryDisk::Node const& node) {
  if (node.kind != Kind::directory) return 1;
  std::uint64_t count = 0;
  for (auto const& [name, child] : node.names) count += count_files(*child);
  return count;
}

}  // namespace

/// An open file. It keeps its node when the name goes to another, as an open file does.
class MemoryHandle final : public TempFile {
 public:
  MemoryHandle(MemoryFileSystem& system, MemoryDisk::NodePtr node, std::string subject)
      : system_(system), node_(std::move(node)), subject_(std::move(subject)), crashes_(system.disk_.crashes()) {}

  Result<std::size_t> read_at(std::uint64_t offset, std::span<std::uint8_t> out) override {
    KITH_CHECK(operation());
    if (offset >= node_->data.size()) return 0;
    auto const count = std::min<std::uint64_t>(out.size(), node_->data.size() - offset);
    std::copy_n(node_->data.begin() + static_cast<std::ptrdiff_t>(offset), count, out.begin());
    return count;
  }
  Result<Stat> stat() override {
    KITH_CHECK(operation());
    return system_.disk_.stat_of(*node_);
  }
  Result<> write_at(std::uint64_t offset, ByteView bytes) override {
    KITH_CHECK(operation());
    if (offset + bytes.size() > node_->data.size()) KITH_CHECK(system_.disk_.resize(*node_, offset + bytes.size()));
    std::copy(bytes.begin(), bytes.end(), node_->data.begin() + static_cast<std::ptrdiff_t>(offset));
    system_.disk_.touched(*node_);
    return {};
  }
  Result<> truncate(std::uint64_t size) override {
    KITH_CHECK(operation());
    return system_.disk_.resize(*node_, size);
  }
  Result<> set_attributes(std::uint32_t mode, std::int64_t mtime_ns) override {
    KITH_CHECK(operation());
    system_.disk_.touched(*node_);
    node_->mode = mode & 0777;
    node_->mtime_ns = mtime_ns;
    return {};
  }
  Result<> sync() override {
    KITH_CHECK(operation());
    system_.disk_.sync(*node_);
    return {};
  }

 private:
  [[nodiscard]] Result<> operation() {
    if (crashes_ != system_.disk_.crashes()) return fail_at(FilesError::io, subject_);
    return system_.operation(subject_);
  }

  MemoryFileSystem& system_;
  MemoryDisk::NodePtr node_;
  std::string subject_;
  std::uint64_t crashes_;
};

void MemoryFileSystem::fail_operation(std::uint64_t nth, FilesError error, bool for_good) {
  faults_ = Faults{operations_ + nth, error, for_good};
}

Result<> MemoryFileSystem::operation(std::string_view subject) {
  ++operations_;
  if (faults_ && (operations_ == faults_->at || (faults_->for_good && operations_ > faults_->at)))
    return fail_at(faults_->error, subject);
  return {};
}

Result<MemoryDisk::NodePtr> MemoryFileSystem::internal_directory(std::string_view name) {
  KITH_TRY(kith, disk_.find(".kith"));
  MemoryDisk::Slot const slot{kith, std::string(name)};
  auto node = disk_.at(slot);
  if (!node) node = disk_.create(slot, Kind::directory, 0700);
  if (node->kind != Kind::directory) return fail_at(FilesError::not_a_directory, ".kith/" + slot.name);
  return node;
}

Result<MemoryDisk::Slot> MemoryFileSystem::temp_slot(TempName const& name) {
  KITH_TRY(directory, internal_directory("tmp"));
  return MemoryDisk::Slot{directory, name.text()};
}

Result<std::vector<Entry>> MemoryFileSystem::list(DirPath const& directory) {
  KITH_CHECK(operation(text_of(directory)));
  KITH_TRY(node, disk_.find(text_of(directory)));
  if (node->kind == Kind::symlink) return fail_at(FilesError::is_symlink, text_of(directory));
  if (node->kind != Kind::directory) return fail_at(FilesError::not_a_directory, text_of(directory));
  std::vector<Entry> entries;
  for (auto const& [name, child] : node->names) {
    if (directory || name != ".kith") entries.push_back({name, disk_.stat_of(*child)});
  }
  return entries;
}

Result<Stat> MemoryFileSystem::stat(RelPath const& path) {
  KITH_CHECK(operation(path.text()));
  KITH_TRY(node, disk_.find(path.text()));
  return disk_.stat_of(*node);
}

Result<std::unique_ptr<ReadFile>> MemoryFileSystem::open_read(RelPath const& path) {
  KITH_CHECK(operation(path.text()));
  KITH_TRY(node, disk_.find(path.text()));
  if (node->kind == Kind::symlink) return fail_at(FilesError::is_symlink, path.text());
  if (node->kind != Kind::file) return fail_at(FilesError::not_a_file, path.text());
  return std::make_unique<MemoryHandle>(*this, node, path.text());
}

Result<std::uint64_t> MemoryFileSystem::free_space() {
  KITH_CHECK(operation({}));
  return disk_.free_bytes();
}

Result<std::unique_ptr<TempFile>> MemoryFileSystem::create_temp(TempName const& name) {
  KITH_CHECK(operation(name.text()));
  KITH_TRY(slot, temp_slot(name));
  if (disk_.at(slot)) return fail_at(FilesError::exists, name.text());
  return std::make_unique<MemoryHandle>(*this, disk_.create(slot, Kind::file, 0600), name.text());
}

Result<std::unique_ptr<TempFile>> MemoryFileSystem::open_temp(TempName const& name) {
  KITH_CHECK(operation(name.text()));
  KITH_TRY(slot, temp_slot(name));
  auto node = disk_.at(slot);
  if (!node) return fail_at(FilesError::not_found, name.text());
  node->mode = 0600;
  return std::make_unique<MemoryHandle>(*this, std::move(node), name.text());
}

Result<std::vector<Entry>> MemoryFileSystem::list_temps() {
  KITH_CHECK(operation({}));
  KITH_TRY(directory, internal_directory("tmp"));
  std::vector<Entry> entries;
  for (auto const& [name, node] : directory->names) entries.push_back({name, disk_.stat_of(*node)});
  return entries;
}

Result<> MemoryFileSystem::remove_temp(TempName const& name) {
  KITH_CHECK(operation(name.text()));
  KITH_TRY(slot, temp_slot(name));
  if (!disk_.at(slot)) return fail_at(FilesError::not_found, name.text());
  disk_.unlink(slot);
  return {};
}

Result<std::optional<MemoryDisk::Slot>> MemoryFileSystem::make_trash_slot(TrashPlace const& place) {
  KITH_TRY(trash, internal_directory("trash"));
  KITH_TRY(stamp, RelPath::parse(place.stamp));
  auto directory = make_directories(disk_, trash, stamp);
  if (directory) directory = make_directories(disk_, directory, place.path.parent());
  if (!directory) return std::nullopt;
  return MemoryDisk::Slot{directory, std::string(place.path.name())};
}

Result<MemoryFileSystem::TrashSlot> MemoryFileSystem::free_trash_slot(RelPath const& path, WallTime now) {
  auto const stamp = compact_utc(now);
  for (std::uint32_t number = 1;; ++number) {
    TrashPlace place{number == 1 ? stamp : fmt::format("{}-{}", stamp, number), path};
    KITH_TRY(slot, make_trash_slot(place));
    if (slot && !disk_.at(*slot)) return TrashSlot{std::move(place), *std::move(slot)};
  }
}

Result<Installed> MemoryFileSystem::install(TempName const& temp, RelPath const& path, Expect const& expected,
                                            WallTime now) {
  KITH_CHECK(operation(path.text()));
  KITH_TRY(source, temp_slot(temp));
  auto const node = disk_.at(source);
  if (!node) return fail_at(FilesError::not_found, temp.text());
  KITH_TRY(target, disk_.slot(path.text()));
  auto const there = disk_.at(target);
  if (!expected) {
    if (there) return fail_at(FilesError::exists, path.text());
    disk_.rename(source, target);
    return Installed{disk_.stat_of(*node), std::nullopt};
  }
  if (expected->kind == Kind::directory) return fail_at(FilesError::not_a_file, path.text());
  if (!there || disk_.stat_of(*there) != *expected) return fail_at(FilesError::changed_meanwhile, path.text());
  KITH_TRY(trash, free_trash_slot(path, now));
  disk_.rename(source, trash.slot);
  disk_.exchange(trash.slot, target);
  return Installed{disk_.stat_of(*node), std::move(trash.place)};
}

Result<TrashPlace> MemoryFileSystem::move_to_trash(RelPath const& path, Stat const& expected, WallTime now) {
  KITH_CHECK(operation(path.text()));
  if (expected.kind == Kind::directory) return fail_at(FilesError::not_a_file, path.text());
  KITH_TRY(source, disk_.slot(path.text()));
  auto const node = disk_.at(source);
  if (!node) return fail_at(FilesError::not_found, path.text());
  if (disk_.stat_of(*node) != expected) return fail_at(FilesError::changed_meanwhile, path.text());
  KITH_TRY(trash, free_trash_slot(path, now));
  disk_.rename(source, trash.slot);
  return std::move(trash.place);
}

Result<Stat> MemoryFileSystem::move(MemoryDisk::Slot const& from, std::string_view from_name, RelPath const& to) {
  KITH_TRY(target, disk_.slot(to.text()));
  auto const node = disk_.at(from);
  if (!node) return fail_at(FilesError::not_found, from_name);
  if (disk_.at(target)) return fail_at(FilesError::exists, to.text());
  disk_.rename(from, target);
  return disk_.stat_of(*node);
}

Result<Stat> MemoryFileSystem::restore(TrashPlace const& place, RelPath const& to) {
  KITH_CHECK(operation(to.text()));
  KITH_TRY(from, disk_.slot(".kith/trash/" + place.stamp + '/' + place.path.text()));
  return move(from, place.path.text(), to);
}

Result<Stat> MemoryFileSystem::rename(RelPath const& from, RelPath const& to, WallTime) {
  KITH_CHECK(operation(from.text()));
  KITH_TRY(source, disk_.slot(from.text()));
  if (to.is_below(from) && disk_.at(source) && !disk_.look(to.text())) {
    KITH_CHECK(disk_.slot(to.text()));
    return fail_at(FilesError::io, to.text());  // a directory cannot move into itself
  }
  return move(source, from.text(), to);
}

Result<> MemoryFileSystem::make_directory(RelPath const& path, std::uint32_t mode) {
  KITH_CHECK(operation(path.text()));
  KITH_TRY(slot, disk_.slot(path.text()));
  if (disk_.at(slot)) return fail_at(FilesError::exists, path.text());
  disk_.create(slot, Kind::directory, mode & 0777);
  return {};
}

Result<> MemoryFileSystem::remove_empty_directory(RelPath const& path) {
  KITH_CHECK(operation(path.text()));
  KITH_TRY(slot, disk_.slot(path.text()));
  auto const node = disk_.at(slot);
  if (!node) return fail_at(FilesError::not_found, path.text());
  if (node->kind != Kind::directory) return fail_at(FilesError::not_a_directory, path.text());
  if (!node->names.empty()) return fail_at(FilesError::not_empty, path.text());
  disk_.unlink(slot);
  return {};
}

Result<> MemoryFileSystem::sync_directory(DirPath const& directory) {
  KITH_CHECK(operation(text_of(directory)));
  KITH_TRY(node, disk_.find(text_of(directory)));
  if (node->kind != Kind::directory) return fail_at(FilesError::not_a_directory, text_of(directory));
  disk_.sync_names(node);
  return {};
}

Result<> MemoryFileSystem::sync_all() {
  KITH_CHECK(operation({}));
  disk_.sync_all();
  return {};
}

Result<std::uint64_t> MemoryFileSystem::purge_trash(WallTime before) {
  KITH_CHECK(operation({}));
  KITH_TRY(trash, internal_directory("trash"));
  std::uint64_t deleted = 0;
  for (auto const names = trash->names; auto const& [name, node] : names) {
    if (!trashed_before(name, before)) continue;
    deleted += count_files(*node);
    disk_.unlink({trash, name});
  }
  return deleted;
}

Result<Bytes> MemoryFileSystem::read_marker() {
  KITH_CHECK(operation(".kith/folder"));
  KITH_TRY(node, disk_.find(".kith/folder"));
  if (node->kind != Kind::file) return fail_at(FilesError::not_a_file, ".kith/folder");
  return node->data;
}

Result<> MemoryFileSystem::write_marker(ByteView bytes) {
  KITH_CHECK(operation(".kith/folder"));
  KITH_TRY(kith, disk_.slot(".kith"));
  if (!disk_.at(kith)) disk_.create(kith, Kind::directory, 0700);
  KITH_TRY(marker, disk_.slot(".kith/folder"));
  if (!disk_.at(marker)) disk_.create(marker, Kind::file, 0600);
  auto const node = disk_.at(marker);
  node->data.assign(bytes.begin(), bytes.end());
  disk_.touched(*node);
  disk_.sync(*node);
  disk_.sync_names(marker.directory);
  return {};
}

}  // namespace kith::files
