#pragma once

#include <chrono>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <thread>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/assert.hpp"
#include "disk/posix_file_system.hpp"
#include "sync/files/file_system_world.hpp"

namespace kith::disk {

/// For tests: a new directory in the system's place for temporary files, removed at the end.
class ScratchDirectory {
 public:
  ScratchDirectory() {
    auto pattern = (std::filesystem::temp_directory_path() / "kith-disk-XXXXXX").string();
    KITH_ASSERT(::mkdtemp(pattern.data()) != nullptr);
    path_ = pattern;
  }
  ScratchDirectory(ScratchDirectory const&) = delete;
  ScratchDirectory& operator=(ScratchDirectory const&) = delete;
  ~ScratchDirectory() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  [[nodiscard]] std::filesystem::path const& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

/// For tests: a PosixFileSystem, and a user with ordinary programs beside it.
class PosixWorld final : public files::conformance::World {
 public:
  using Options = PosixFileSystem::Options;
  explicit PosixWorld(Options options = {}) : root_(scratch_.path() / "root") {
    std::filesystem::create_directory(root_);
    reopen(std::move(options));
  }
  /// On a directory that is there, a mount point for one.
  PosixWorld(std::filesystem::path root, Options options) : root_(std::move(root)) { reopen(std::move(options)); }

  void reopen(Options options) {
    auto opened = PosixFileSystem::open(root_.string(), std::move(options));
    KITH_ASSERT(opened);
    fs_ = *std::move(opened);
  }
  [[nodiscard]] std::filesystem::path real(std::string const& path) const { return root_ / path; }

  PosixFileSystem& fs() override { return *fs_; }
  void write(std::string const& path, std::string_view text) override {
    std::filesystem::create_directories(real(path).parent_path());
    std::ofstream file(real(path), std::ios::binary | std::ios::trunc);
    file << text;
    KITH_ASSERT(file.flush());
  }
  void replace(std::string const& path, std::string_view text) override {
    write(path + "~", text);
    move(path + "~", path);
  }
  void make_directory(std::string const& path) override { std::filesystem::create_directories(real(path)); }
  void make_symlink(std::string const& path, std::string const& target) override {
    std::filesystem::create_symlink(target, real(path));
  }
  void make_pipe(std::string const& path) override { KITH_ASSERT(::mkfifo(real(path).c_str(), 0666) == 0); }
  void move(std::string const& from, std::string const& to) override {
    KITH_ASSERT(::rename(real(from).c_str(), real(to).c_str()) == 0);
  }
  void remove(std::string const& path) override { KITH_ASSERT(std::filesystem::remove_all(real(path)) > 0); }
  std::optional<std::string> read(std::string const& path) override {
    if (!std::filesystem::is_regular_file(std::filesystem::symlink_status(real(path)))) return std::nullopt;
    std::ifstream file(real(path), std::ios::binary);
    std::ostringstream text;
    text << file.rdbuf();
    return text.str();
  }
  /// Longer than a tick of the kernel's coarse clock, which stamps files (10 ms at CONFIG_HZ=100).
  void later() override { std::this_thread::sleep_for(std::chrono::milliseconds(12)); }

 private:
  ScratchDirectory scratch_;
  std::filesystem::path root_;
  std::unique_ptr<PosixFileSystem> fs_;
};

/// The kernels and file systems that there are.
struct NamedOptions {
  char const* name;
  PosixFileSystem::Options options;
};
inline void PrintTo(NamedOptions const& options, std::ostream* out) { *out << options.name; }

inline std::vector<NamedOptions> with_rename_flags() {
  return {{"modern", {}}, {"no_openat2", {.try_openat2 = false, .abilities = {}, .on_step = {}}}};
}
inline std::vector<NamedOptions> without_rename_flags() {
  return {
      {"no_rename_flags", {.try_openat2 = true, .abilities = {.rename_flags = false, .links = true}, .on_step = {}}},
      {"bare", {.try_openat2 = false, .abilities = {.rename_flags = false, .links = false}, .on_step = {}}}};
}
inline std::vector<NamedOptions> all_options() {
  auto all = with_rename_flags();
  for (auto& options : without_rename_flags()) all.push_back(std::move(options));
  return all;
}

}  // namespace kith::disk
