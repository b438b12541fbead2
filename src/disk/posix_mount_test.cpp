#include <gtest/gtest.h>
#include <sys/mount.h>

#include "disk/posix_world.hpp"

namespace kith::disk {
namespace {

using namespace files;
using files::conformance::fails_with;
using files::conformance::joined;
using files::conformance::kNow;
using files::conformance::path;

/// A tmpfs of a few pages and inodes, unmounted at the end. Only root can make one.
class TinyDisk {
 public:
  explicit TinyDisk(std::filesystem::path where, char const* options = "size=256k,nr_inodes=24,mode=755")
      : where_(std::move(where)) {
    std::filesystem::create_directories(where_);
    mounted_ = ::mount("kith-test", where_.c_str(), "tmpfs", 0, options) == 0;
  }
  TinyDisk(TinyDisk const&) = delete;
  TinyDisk& operator=(TinyDisk const&) = delete;
  ~TinyDisk() {
    if (mounted_) ::umount2(where_.c_str(), MNT_DETACH);
  }
  [[nodiscard]] bool mounted() const { return mounted_; }
  [[nodiscard]] std::filesystem::path const& path() const { return where_; }
  [[nodiscard]] bool make_read_only() const {
    return ::mount(nullptr, where_.c_str(), nullptr, MS_REMOUNT | MS_RDONLY, nullptr) == 0;
  }

 private:
  std::filesystem::path where_;
  bool mounted_;
};

#define KITH_NEEDS_MOUNT(disk) \
  if (!(disk).mounted()) GTEST_SKIP() << "needs the right to mount a tmpfs (root)"

class Mounted : public ::testing::TestWithParam<NamedOptions> {};
INSTANTIATE_TEST_SUITE_P(Posix, Mounted, ::testing::ValuesIn(all_options()),
                         [](auto const& options) { return std::string(options.param.name); });

std::string all_files(std::filesystem::path const& root) {
  std::vector<std::string> found;
  for (auto const& entry : std::filesystem::recursive_directory_iterator(root)) {
    if (!entry.is_directory()) found.push_back(entry.path().lexically_relative(root).string());
  }
  std::sort(found.begin(), found.end());
  std::string out;
  for (auto const& name : found) out += name + ' ';
  return out;
}

TEST_P(Mounted, AFullDiskLeavesNothingBehind) {
  ScratchDirectory scratch;
  TinyDisk disk(scratch.path() / "disk");
  KITH_NEEDS_MOUNT(disk);
  PosixWorld world(disk.path(), GetParam().options);
  auto& fs = world.fs();
  ASSERT_TRUE(fs.write_marker(bytes_of("marker")));
  world.write("a", "old");
  auto const free = *fs.free_space();
  EXPECT_GT(free, 100'000U);
  EXPECT_LE(free, 256U * 1024);
  {
    auto const temp = fs.create_temp(TempName("t"));
    ASSERT_TRUE(temp);
    EXPECT_TRUE(fails_with((*temp)->write_at(0, Bytes(400 * 1024)), FilesError::no_space));
    EXPECT_LT(*fs.free_space(), 8192U);
    EXPECT_EQ(fs.write_marker(bytes_of(std::string(60'000, 'm'))).error().as<FilesError>(), FilesError::no_space);
  }
  EXPECT_EQ(text_of(*fs.read_marker()), "marker");
  ASSERT_TRUE(fs.remove_temp(TempName("t")));
  EXPECT_EQ(all_files(disk.path()), ".kith/folder a ");
  EXPECT_EQ(*fs.free_space(), free);
}

TEST_P(Mounted, WithoutInodesNothingChanges) {
  ScratchDirectory scratch;
  TinyDisk disk(scratch.path() / "disk");
  KITH_NEEDS_MOUNT(disk);
  PosixWorld world(disk.path(), GetParam().options);
  auto& fs = world.fs();
  ASSERT_TRUE(fs.write_marker(bytes_of("m")));
  world.write("a/b/c", "old");
  ASSERT_TRUE(fs.create_temp(TempName("t")));
  int fillers = 0;
  for (; std::ofstream(world.real("fill" + std::to_string(fillers))).good(); ++fillers) {
  }
  auto const before = all_files(disk.path());
  auto const seen = *fs.stat(path("a/b/c"));
  EXPECT_TRUE(fails_with(fs.create_temp(TempName("t2")), FilesError::no_space));
  EXPECT_TRUE(fails_with(fs.make_directory(path("d"), 0755), FilesError::no_space));
  // No directory can be made in the trash, so nothing goes there and nothing is replaced.
  EXPECT_TRUE(fails_with(fs.install(TempName("t"), path("a/b/c"), seen, kNow), FilesError::no_space));
  EXPECT_TRUE(fails_with(fs.move_to_trash(path("a/b/c"), seen, kNow), FilesError::no_space));
  EXPECT_EQ(all_files(disk.path()), before);
  EXPECT_EQ(world.read("a/b/c"), "old");

  for (int i = 0; i < fillers; ++i) world.remove("fill" + std::to_string(i));
  EXPECT_TRUE(fs.install(TempName("t"), path("a/b/c"), seen, kNow));
}

TEST_P(Mounted, AReadOnlyDiskSaysSo) {
  ScratchDirectory scratch;
  TinyDisk disk(scratch.path() / "disk");
  KITH_NEEDS_MOUNT(disk);
  PosixWorld world(disk.path(), GetParam().options);
  auto& fs = world.fs();
  ASSERT_TRUE(fs.write_marker(bytes_of("m")));
  world.write("a", "x");
  ASSERT_TRUE(fs.create_temp(TempName("t")));
  ASSERT_TRUE(disk.make_read_only());
  auto const seen = *fs.stat(path("a"));
  EXPECT_TRUE(fs.open_read(path("a")));
  EXPECT_TRUE(fs.read_marker());
  EXPECT_TRUE(fails_with(fs.create_temp(TempName("t2")), FilesError::read_only));
  EXPECT_TRUE(fails_with(fs.install(TempName("t"), path("b"), std::nullopt, kNow), FilesError::read_only));
  EXPECT_TRUE(fails_with(fs.move_to_trash(path("a"), seen, kNow), FilesError::read_only));
  EXPECT_TRUE(fails_with(fs.rename(path("a"), path("b"), kNow), FilesError::read_only));
  EXPECT_TRUE(fails_with(fs.make_directory(path("d"), 0755), FilesError::read_only));
}

TEST_P(Mounted, AnotherDiskInsideTheFolderIsNamed) {
  PosixWorld world(GetParam().options);
  auto& fs = world.fs();
  TinyDisk disk(world.real("usb"));
  KITH_NEEDS_MOUNT(disk);
  ASSERT_TRUE(fs.write_marker(bytes_of("m")));
  world.write("usb/a", "theirs");
  auto const seen = *fs.stat(path("usb/a"));
  world.write("b", "x");
  EXPECT_NE(seen.device, fs.stat(path("b"))->device);
  ASSERT_TRUE(fs.create_temp(TempName("t")));
  EXPECT_TRUE(
      fails_with(fs.install(TempName("t"), path("usb/new"), std::nullopt, kNow), FilesError::other_file_system));
  EXPECT_TRUE(fails_with(fs.install(TempName("t"), path("usb/a"), seen, kNow), FilesError::other_file_system));
  EXPECT_TRUE(fails_with(fs.move_to_trash(path("usb/a"), seen, kNow), FilesError::other_file_system));
  EXPECT_EQ(world.read("usb/a"), "theirs");
  EXPECT_EQ(joined(fs.list_temps()), "t ");
}

}  // namespace
}  // namespace kith::disk
