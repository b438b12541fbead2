#include <thread>

#include <gtest/gtest.h>
#include <linux/fs.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/un.h>

#include "disk/posix_world.hpp"

namespace kith::disk {
namespace {

using namespace files;
using files::conformance::fails_with;
using files::conformance::joined;
using files::conformance::kNow;
using files::conformance::path;
using Step = PosixFileSystem::Step;

/// A folder beside which something lies that nobody may reach.
class Hostile : public ::testing::TestWithParam<NamedOptions> {
 protected:
  Hostile() : world_(GetParam().options) {
    KITH_ASSERT(fs().write_marker(bytes_of("m")));
    std::filesystem::create_directory(outside());
    std::ofstream(outside() / "secret") << "outside";
  }
  PosixWorld& world() { return world_; }
  PosixFileSystem& fs() { return world_.fs(); }
  [[nodiscard]] std::filesystem::path outside() const { return world_.real("..") / "outside"; }
  void reopen_with_step(std::function<void(Step)> on_step) {
    auto options = GetParam().options;
    options.on_step = std::move(on_step);
    world_.reopen(std::move(options));
  }
  [[nodiscard]] std::size_t files_outside() const {
    auto const all = std::filesystem::directory_iterator(outside());
    return static_cast<std::size_t>(std::distance(begin(all), end(all)));
  }

 private:
  PosixWorld world_;
};

INSTANTIATE_TEST_SUITE_P(Posix, Hostile, ::testing::ValuesIn(all_options()),
                         [](auto const& options) { return std::string(options.param.name); });

TEST_P(Hostile, SymlinksOnTheWayAreRefused) {
  world().make_directory("real/d");
  world().write("mine", "x");
  for (auto const* target : {"../outside", "real", ".", "/", "nowhere"}) {
    world().make_symlink("link", target);
    for (auto const* at : {"link/secret", "link/d/x", "link/x/y"}) {
      EXPECT_TRUE(fails_with(fs().stat(path(at)), FilesError::is_symlink)) << target << ' ' << at;
      EXPECT_TRUE(fails_with(fs().open_read(path(at)), FilesError::is_symlink)) << target << ' ' << at;
      EXPECT_TRUE(fails_with(fs().make_directory(path(at), 0755), FilesError::is_symlink));
      EXPECT_TRUE(fails_with(fs().remove_empty_directory(path(at)), FilesError::is_symlink));
      EXPECT_TRUE(fails_with(fs().rename(path("mine"), path(at), kNow), FilesError::is_symlink));
      EXPECT_TRUE(fails_with(fs().rename(path(at), path("new"), kNow), FilesError::is_symlink));
      EXPECT_TRUE(fails_with(fs().move_to_trash(path(at), Stat{}, kNow), FilesError::is_symlink));
    }
    EXPECT_TRUE(fails_with(fs().list(path("link")), FilesError::is_symlink));
    EXPECT_TRUE(fails_with(fs().list(path("link/d")), FilesError::is_symlink));
    EXPECT_TRUE(fails_with(fs().sync_directory(path("link")), FilesError::is_symlink));
    world().remove("link");
  }
  EXPECT_EQ(files_outside(), 1U);
}

TEST_P(Hostile, TheInternalDirectoryIsNoSymlinkEither) {
  world().remove(".kith");
  world().make_symlink(".kith", "../outside");
  EXPECT_FALSE(fs().write_marker(bytes_of("m")));
  EXPECT_TRUE(fails_with(fs().read_marker(), FilesError::is_symlink));
  EXPECT_TRUE(fails_with(fs().create_temp(TempName("t")), FilesError::is_symlink));
  world().remove(".kith");
  ASSERT_TRUE(fs().write_marker(bytes_of("m")));
  std::ofstream(outside() / "folder") << "foreign";
  world().remove(".kith/folder");
  world().make_symlink(".kith/folder", "../../outside/folder");
  EXPECT_TRUE(fails_with(fs().read_marker(), FilesError::is_symlink));
  for (auto const* name : {".kith/tmp", ".kith/trash"}) {
    std::filesystem::remove_all(world().real(name));
    world().make_symlink(name, "../../outside");
  }
  world().write("a", "x");
  EXPECT_FALSE(fs().create_temp(TempName("secret")));
  EXPECT_FALSE(fs().open_temp(TempName("secret")));
  EXPECT_FALSE(fs().remove_temp(TempName("secret")));
  EXPECT_FALSE(fs().move_to_trash(path("a"), *fs().stat(path("a")), kNow));
  EXPECT_FALSE(fs().purge_trash({kNow.ms * 2}));
  EXPECT_EQ(files_outside(), 2U);
  EXPECT_EQ(world().read("a"), "x");
}

// A local attacker exchanges a directory with a symlink as fast as it can. Whatever we do in it happens inside or
// fails.
TEST_P(Hostile, ASymlinkSwappedInLeadsNowhere) {
  world().make_directory("d");
  world().make_symlink("link", "../outside");
  std::jthread attacker([&](std::stop_token const& stop) {
    auto const d = world().real("d").string(), link = world().real("link").string();
    while (!stop.stop_requested())
      ::syscall(SYS_renameat2, AT_FDCWD, d.c_str(), AT_FDCWD, link.c_str(), RENAME_EXCHANGE);
  });
  std::size_t inside = 0, refused = 0;
  for (int i = 0; i < 1000 || (i < 50'000 && (inside == 0 || refused == 0)); ++i) {
    auto const leaked = fs().open_read(path("d/secret"));
    EXPECT_FALSE(leaked);
    auto const name = "d/n" + std::to_string(i);
    auto const made = fs().make_directory(path(name), 0755);
    ++(made ? inside : refused);
    static_cast<void>(fs().remove_empty_directory(path(name)));
    static_cast<void>(fs().create_temp(TempName("t")));
    static_cast<void>(fs().install(TempName("t"), path(name + "f"), std::nullopt, kNow));
  }
  attacker.request_stop();
  attacker.join();
  EXPECT_EQ(files_outside(), 1U);
  EXPECT_GT(inside, 0U);
  EXPECT_GT(refused, 0U);
}

TEST_P(Hostile, PipesSocketsAndDevicesAreNotOpened) {
  world().make_pipe("pipe");
  int const socket = ::socket(AF_UNIX, SOCK_STREAM, 0);
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  auto const where = world().real("socket").string();
  ASSERT_LT(where.size(), sizeof address.sun_path);
  where.copy(address.sun_path, where.size());
  ASSERT_EQ(::bind(socket, reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
  ::close(socket);
  bool const device = ::mknod(world().real("zero").c_str(), S_IFCHR | 0666, makedev(1, 5)) == 0;  // root only

  std::vector<std::string> special{"pipe", "socket"};
  if (device) special.push_back("zero");
  for (auto const& name : special) {
    EXPECT_EQ(fs().stat(path(name))->kind, Kind::other);
    EXPECT_TRUE(fails_with(fs().open_read(path(name)), FilesError::not_a_file)) << name;
    // They can be put out of the way all the same.
    EXPECT_TRUE(fs().move_to_trash(path(name), *fs().stat(path(name)), kNow)) << name;
  }
  EXPECT_EQ(joined(fs().list(std::nullopt)), "");
  EXPECT_EQ(fs().purge_trash({kNow.ms + 1000}), special.size());
}

TEST_P(Hostile, WhatIsSwappedInBetweenLookAndOpenIsFoundOut) {
  std::function<void()> swap;
  reopen_with_step([&](Step) { swap(); });
  auto const open_after = [&](std::function<void()> act) {
    world().write("a", "x");
    swap = std::move(act);
    auto const opened = fs().open_read(path("a"));
    std::filesystem::remove_all(world().real("a"));
    return opened ? FilesError::io : opened.error().as<FilesError>();
  };
  EXPECT_EQ(open_after([&] { world().remove("a"), world().make_pipe("a"); }), FilesError::not_a_file);
  EXPECT_EQ(open_after([&] { world().remove("a"), world().make_symlink("a", "../outside/secret"); }),
            FilesError::is_symlink);
  EXPECT_EQ(open_after([&] { world().remove("a"), world().make_directory("a"); }), FilesError::not_a_file);
  EXPECT_EQ(open_after([&] { world().remove("a"); }), FilesError::not_found);
}

TEST_P(Hostile, NamesAreRawBytes) {
  for (auto const* name : {"caf\xe9", "\xff\xfe", "two\nlines", " ", "\\", "-rf", "\x01\x7f"})
    world().write(name, name);
  auto const entries = fs().list(std::nullopt);
  ASSERT_TRUE(entries);
  EXPECT_EQ(entries->size(), 7U);
  std::size_t travel = 0;
  for (auto const& entry : *entries) {
    auto const at = child(std::nullopt, entry.name);
    if (!at) continue;
    ++travel;
    auto const file = fs().open_read(*at);
    ASSERT_TRUE(file) << entry.name;
    Bytes out(20);
    EXPECT_EQ((*file)->read_at(0, out), entry.name.size());
  }
  EXPECT_EQ(travel, 5U);
}

TEST_P(Hostile, TheLongestPathsWork) {
  // 4096 bytes: more than one system call takes, as the last byte of PATH_MAX is the zero. A whole life of a file
  // there.
  std::string deep;
  while (deep.size() < 4096 - 2 * 256) {
    deep += (deep.empty() ? "" : "/") + std::string(255, 'd');
    ASSERT_TRUE(fs().make_directory(path(deep), 0755));
  }
  std::string const parent = deep + '/' + std::string(4096 - deep.size() - 1 - 2, 'e');
  ASSERT_TRUE(fs().make_directory(path(parent), 0755));
  auto const at = path(parent + "/f");
  ASSERT_EQ(at.text().size(), 4096U);

  ASSERT_TRUE(fs().create_temp(TempName("t")));
  auto const installed = fs().install(TempName("t"), at, std::nullopt, kNow);
  ASSERT_TRUE(installed);
  EXPECT_EQ(joined(fs().list(path(parent))), "f ");
  EXPECT_TRUE(fs().open_read(at));
  ASSERT_TRUE(fs().create_temp(TempName("t")));
  auto const again = fs().install(TempName("t"), at, installed->stat, kNow);
  ASSERT_TRUE(again);
  EXPECT_TRUE(again->replaced);
  EXPECT_TRUE(fs().move_to_trash(at, again->stat, kNow));
  EXPECT_TRUE(fs().sync_directory(path(parent)));
  EXPECT_TRUE(fs().restore(*again->replaced, at));
  EXPECT_EQ(fs().purge_trash({kNow.ms + 1000}), 1U);
}

TEST_P(Hostile, ADeepTrashIsPurgedWithFewDescriptors) {
  std::string deep = "d";
  ASSERT_TRUE(fs().make_directory(path(deep), 0755));
  for (int i = 0; i < 150; ++i) {
    deep += "/d";
    ASSERT_TRUE(fs().make_directory(path(deep), 0755));
  }
  ASSERT_TRUE(fs().create_temp(TempName("t")));
  auto const installed = fs().install(TempName("t"), path(deep + "/f"), std::nullopt, kNow);
  ASSERT_TRUE(installed);
  ASSERT_TRUE(fs().move_to_trash(path(deep + "/f"), installed->stat, kNow));
  rlimit usual{};
  ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &usual), 0);
  rlimit const few{50, usual.rlim_max};
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &few), 0);
  EXPECT_EQ(fs().purge_trash({kNow.ms + 1000}), 1U);
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &usual), 0);
  EXPECT_TRUE(std::filesystem::is_empty(world().real(".kith/trash")));
}

TEST_P(Hostile, ARootThatIsMovedAwayStaysTheRoot) {
  world().write("a", "x");
  auto const moved = world().real("../moved");
  std::filesystem::rename(world().real(""), moved);
  world().write("a", "another root, at the old path");
  EXPECT_EQ(fs().stat(path("a"))->size, 1U);
  std::filesystem::remove_all(moved);
}

}  // namespace
}  // namespace kith::disk
