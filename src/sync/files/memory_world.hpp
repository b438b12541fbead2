#pragma once

#include "sync/files/file_system_world.hpp"
#include "sync/files/memory_file_system.hpp"

namespace kith::files::conformance {

/// For tests: a MemoryDisk and the file system on it.
class MemoryWorld final : public World {
 public:
  explicit MemoryWorld(MemoryDisk::Options options = {}) : disk_(options), fs_(disk_) { later(); }

  MemoryDisk& disk() { return disk_; }
  MemoryFileSystem& fs() override { return fs_; }
  void write(std::string const& path, std::string_view text) override { disk_.write_file(path, bytes_of(text)); }
  void replace(std::string const& path, std::string_view text) override { disk_.replace_file(path, bytes_of(text)); }
  void make_directory(std::string const& path) override { disk_.make_directory(path); }
  void make_symlink(std::string const& path, std::string const&) override { disk_.make_symlink(path); }
  void make_pipe(std::string const& path) override { disk_.make_pipe(path); }
  void move(std::string const& from, std::string const& to) override { disk_.move(from, to); }
  void remove(std::string const& path) override { disk_.remove(path); }
  std::optional<std::string> read(std::string const& path) override {
    auto const bytes = disk_.read_file(path);
    if (!bytes) return std::nullopt;
    return std::string(text_of(*bytes));
  }
  void later() override { disk_.set_time({now_ms_ += 1000}); }

 private:
  MemoryDisk disk_;
  MemoryFileSystem fs_;
  std::int64_t now_ms_ = kNow.ms;
};

}  // namespace kith::files::conformance
