#pragma once

#include "support/test_device.hpp"
#include "sync/files/folder_sync.hpp"
#include "sync/files/memory_file_system.hpp"

namespace kith::testing {

/// A TestDevice with one folder on a disk in memory, and chunks fetched from another device by hand.
struct FolderDevice : TestDevice {
  explicit FolderDevice(std::uint64_t seed, std::string device_name = "device")
      : TestDevice(seed, std::move(device_name)), folders(store, replica.state()) {
    replica.add_view(folders);
  }

  /// Once the group is here.
  void bind(std::string const& folder_name) {
    tick();
    auto const& secret = replica.state().genesis().content_secret;
    gear = std::make_unique<files::GearTable>(secret);
    auto const open = [this](FolderId const&) -> std::unique_ptr<files::FileSystem> { return open_disk(); };
    chunks = std::make_unique<files::ChunkStore>(store, files::chunk_key(secret), open);
    files::MemoryFileSystem fs(disk);
    auto const id = must(files::bind_folder(store, replica, folders, fs, folder_name, "/" + folder_name, false, now()));
    files::FolderContext context{id, store, replica, folders, *chunks, *gear, open};
    context.stop = [this] { return stop(); };
    sync = std::make_unique<files::FolderSync>(std::move(context));
  }

  /// Moves the disk's clock and ours on, past what counts as racy.
  void tick() {
    clock_ms += 1000;
    disk.set_time({1'800'000'000'000 + clock_ms});
  }

  files::ScanReport scan(files::DeleteGuard guard = {}) { return scan_below({}, guard); }
  files::ScanReport scan_below(std::vector<std::string> const& paths, files::DeleteGuard guard = {}) {
    tick();
    std::vector<files::RelPath> below;
    for (auto const& path : paths) below.push_back(must(files::RelPath::parse(path)));
    return must(sync->scan(below, guard, now()));
  }
  /// Applies, taking chunks from `source`, until nothing is wanted any more.
  files::ApplyReport apply_from(FolderDevice& source) {
    files::ApplyReport total;
    for (int rounds = 0; rounds < 10'000; ++rounds) {
      tick();
      auto report = must(sync->apply({}, now()));
      total.files_written += report.files_written;
      total.files_removed += report.files_removed;
      total.copies.insert(total.copies.end(), report.copies.begin(), report.copies.end());
      total.skipped.insert(total.skipped.end(), report.skipped.begin(), report.skipped.end());
      bool moved = false;
      for (auto const& want : sync->take_wants()) {
        auto const bytes = must(source.chunks->find(want.id));
        if (!bytes) {
          moved |= sync->on_missing(want.id);
          continue;
        }
        bytes_fetched += bytes->size();
        moved |= must(sync->on_chunk(want.id, *bytes));
      }
      if (!moved) break;
    }
    sync->reset_wants();
    return total;
  }
  void write(std::string_view path, std::string_view text) {
    tick();
    disk.write_file(path, bytes_of(text));
  }
  std::string read(std::string_view path) {
    auto const bytes = disk.read_file(path);
    return bytes ? std::string(text_of(*bytes)) : std::string("(none)");
  }

  files::FolderView folders;
  files::MemoryDisk disk;
  std::unique_ptr<files::GearTable> gear;
  std::unique_ptr<files::ChunkStore> chunks;
  std::unique_ptr<files::FolderSync> sync;
  std::function<std::unique_ptr<files::FileSystem>()> open_disk = [this] {
    return std::make_unique<files::MemoryFileSystem>(disk);
  };
  std::function<bool()> stop = [] { return false; };
  std::uint64_t bytes_fetched = 0;
};

}  // namespace kith::testing
