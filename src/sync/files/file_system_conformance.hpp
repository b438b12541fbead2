#pragma once

#include "base/assert.hpp"
#include "sync/files/file_system_world.hpp"

/// For tests: what every FileSystem must do, run on the one in memory and on the real one. A test program includes this
/// once and instantiates FileSystemConformance with its worlds.
namespace kith::files::conformance {

class FileSystemConformance : public ::testing::TestWithParam<NamedWorld> {
 protected:
  void SetUp() override {
    world_ = GetParam().make();
    ASSERT_TRUE(fs().write_marker(bytes_of("marker")));
  }
  World& world() { return *world_; }
  FileSystem& fs() { return world_->fs(); }

  /// A finished temporary file.
  TempName finished(std::string_view text, std::string const& name = "t1", std::uint32_t mode = 0644,
                    std::int64_t mtime_ns = 1'500'000'000'123'456'789) {
    TempName temp(name);
    auto file = fs().create_temp(temp);
    KITH_ASSERT(file && (*file)->write_at(0, bytes_of(text)) && (*file)->set_attributes(mode, mtime_ns));
    return temp;
  }
  Stat seen(std::string_view text) {
    auto const stat = fs().stat(path(text));
    KITH_ASSERT(stat);
    return *stat;
  }
  std::string names(DirPath const& directory = std::nullopt) { return joined(fs().list(directory)); }
  std::string temps() { return joined(fs().list_temps()); }
  std::optional<std::string> trashed(std::string const& at, std::string const& stamp = kStamp) {
    return world().read(".kith/trash/" + stamp + '/' + at);
  }

 private:
  std::unique_ptr<World> world_;
};

TEST_P(FileSystemConformance, TheMarkerMakesTheFolder) {
  auto const bare = GetParam().make();
  EXPECT_TRUE(fails_with(bare->fs().read_marker(), FilesError::not_found));
  EXPECT_TRUE(fails_with(bare->fs().create_temp(TempName("t")), FilesError::not_found));
  EXPECT_TRUE(fails_with(bare->fs().list_temps(), FilesError::not_found));
  bare->write("a", "A");
  EXPECT_TRUE(
      fails_with(bare->fs().move_to_trash(path("a"), *bare->fs().stat(path("a")), kNow), FilesError::not_found));
  EXPECT_EQ(bare->read("a"), "A");
  EXPECT_FALSE(bare->fs().read_marker());  // nothing of the above made one

  ASSERT_TRUE(bare->fs().write_marker(bytes_of("one")));
  EXPECT_EQ(*bare->fs().read_marker(), Bytes({'o', 'n', 'e'}));
  ASSERT_TRUE(bare->fs().write_marker(bytes_of("other")));
  EXPECT_EQ(text_of(*bare->fs().read_marker()), "other");
  EXPECT_TRUE(bare->fs().create_temp(TempName("t")));
}

TEST_P(FileSystemConformance, ListsByNameWithWhatIsThere) {
  world().write("b", "bytes");
  world().write("a/inside", "x");
  world().make_symlink("c", "b");
  world().make_pipe("d");
  world().write("bad\xff name", "not UTF-8");
  world().write(".hidden", "");
  world().write("a/.kith/x", "");  // only the root's own is left out
  auto const entries = fs().list(std::nullopt);
  ASSERT_TRUE(entries);
  EXPECT_EQ(names(), ".hidden a b bad\xff name c d ");
  EXPECT_EQ(names(path("a")), ".kith inside ");
  std::vector<Kind> kinds;
  for (auto const& entry : *entries) kinds.push_back(entry.stat.kind);
  using enum Kind;
  EXPECT_EQ(kinds, (std::vector{file, directory, file, file, symlink, other}));
  EXPECT_EQ((*entries)[2].stat, seen("b"));
  EXPECT_EQ((*entries)[2].stat.size, 5U);
  EXPECT_EQ((*entries)[4].stat.size, 0U);
  EXPECT_NE((*entries)[2].stat.inode, (*entries)[3].stat.inode);
  EXPECT_EQ((*entries)[2].stat.device, (*entries)[1].stat.device);
  EXPECT_EQ(names(path("nothing")), "files.not_found");
  EXPECT_EQ(names(path("b")), "files.not_a_directory");
  EXPECT_EQ(names(path("c")), "files.is_symlink");
}

TEST_P(FileSystemConformance, StatSeesChanges) {
  world().write("a", "one");
  auto const first = seen("a");
  EXPECT_EQ(seen("a"), first);
  world().later();
  world().write("a", "two");
  auto const second = seen("a");
  EXPECT_EQ(second.inode, first.inode);
  EXPECT_GT(second.mtime_ns, first.mtime_ns);
  EXPECT_GT(second.ctime_ns, first.ctime_ns);
  world().later();
  world().replace("a", "two");
  EXPECT_NE(seen("a").inode, second.inode);
  EXPECT_TRUE(fails_with(fs().stat(path("nothing")), FilesError::not_found));
  EXPECT_TRUE(fails_with(fs().stat(path("a/b")), FilesError::not_a_directory));
}

TEST_P(FileSystemConformance, ReadsWithoutFollowingOrBlocking) {
  world().write("a", "0123456789");
  auto const file = fs().open_read(path("a"));
  ASSERT_TRUE(file);
  Bytes out(4);
  EXPECT_EQ((*file)->read_at(3, out), 4U);
  EXPECT_EQ(text_of(out), "3456");
  EXPECT_EQ((*file)->read_at(8, out), 2U);
  EXPECT_EQ((*file)->read_at(10, out), 0U);
  EXPECT_EQ((*file)->read_at(1000, out), 0U);
  EXPECT_EQ((*file)->stat(), seen("a"));

  world().make_directory("d");
  world().make_symlink("l", "a");
  world().make_symlink("e", "d");
  world().write("d/x", "x");
  world().make_pipe("p");
  EXPECT_TRUE(fails_with(fs().open_read(path("d")), FilesError::not_a_file));
  EXPECT_TRUE(fails_with(fs().open_read(path("l")), FilesError::is_symlink));
  EXPECT_TRUE(fails_with(fs().open_read(path("e/x")), FilesError::is_symlink));
  EXPECT_TRUE(fails_with(fs().stat(path("e/x")), FilesError::is_symlink));
  EXPECT_TRUE(fails_with(fs().open_read(path("p")), FilesError::not_a_file));
  EXPECT_TRUE(fails_with(fs().open_read(path("nothing")), FilesError::not_found));
  EXPECT_TRUE(fails_with(fs().open_read(path("a/x")), FilesError::not_a_directory));

  world().remove("a");  // an open file outlives its name
  EXPECT_EQ((*file)->read_at(0, out), 4U);
  EXPECT_EQ(text_of(out), "0123");
}

TEST_P(FileSystemConformance, TemporaryFilesAreKeptUntilRemoved) {
  TempName const name("0a1b.part");
  {
    auto const file = fs().create_temp(name);
    ASSERT_TRUE(file);
    EXPECT_EQ((*file)->stat()->mode, 0600U);
    ASSERT_TRUE((*file)->write_at(0, bytes_of("hello")));
    ASSERT_TRUE((*file)->write_at(8, bytes_of("gap")));
    Bytes out(20);
    EXPECT_EQ((*file)->read_at(0, out), 11U);
    EXPECT_EQ(text_of(ByteView(out).first(11)), std::string_view("hello\0\0\0gap", 11));
    ASSERT_TRUE((*file)->truncate(5));
    ASSERT_TRUE((*file)->set_attributes(0444, -1'500'000'001));
    EXPECT_EQ((*file)->stat()->mtime_ns, -1'500'000'001);
    EXPECT_EQ((*file)->stat()->mode, 0444U);
    ASSERT_TRUE((*file)->sync());
  }
  EXPECT_TRUE(fails_with(fs().create_temp(name), FilesError::exists));
  {
    auto const file = fs().open_temp(name);
    ASSERT_TRUE(file);
    EXPECT_EQ((*file)->stat()->size, 5U);
    EXPECT_EQ((*file)->stat()->mode, 0600U);
    ASSERT_TRUE((*file)->write_at(5, bytes_of("!")));
  }
  EXPECT_EQ(temps(), "0a1b.part ");
  EXPECT_EQ(fs().list_temps()->at(0).stat.size, 6U);
  EXPECT_EQ(names(), "");
  ASSERT_TRUE(fs().remove_temp(name));
  EXPECT_EQ(temps(), "");
  EXPECT_TRUE(fails_with(fs().remove_temp(name), FilesError::not_found));
  EXPECT_TRUE(fails_with(fs().open_temp(name), FilesError::not_found));
}

TEST_P(FileSystemConformance, InstallsWhereNothingIs) {
  world().make_directory("d");
  auto const temp = finished("new", "t1", 0640, 1'234'567'890'123'456'789);
  auto const installed = fs().install(temp, path("d/a"), std::nullopt, kNow);
  ASSERT_TRUE(installed);
  EXPECT_EQ(world().read("d/a"), "new");
  EXPECT_EQ(installed->stat, seen("d/a"));
  EXPECT_EQ(installed->stat.mode, 0640U);
  EXPECT_EQ(installed->stat.mtime_ns, 1'234'567'890'123'456'789);
  EXPECT_FALSE(installed->replaced);
  EXPECT_EQ(temps(), "");
}

TEST_P(FileSystemConformance, InstallOverwritesNothing) {
  world().write("a", "mine");
  world().make_directory("d");
  world().make_symlink("l", "a");
  world().make_symlink("dangling", "nowhere");
  auto const temp = finished("theirs");
  for (auto const* taken : {"a", "d", "l", "dangling"})
    EXPECT_TRUE(fails_with(fs().install(temp, path(taken), std::nullopt, kNow), FilesError::exists)) << taken;
  EXPECT_TRUE(fails_with(fs().install(temp, path("x/a"), std::nullopt, kNow), FilesError::not_found));
  EXPECT_TRUE(fails_with(fs().install(temp, path("a/b"), std::nullopt, kNow), FilesError::not_a_directory));
  world().make_symlink("e", "d");
  EXPECT_TRUE(fails_with(fs().install(temp, path("e/b"), std::nullopt, kNow), FilesError::is_symlink));
  EXPECT_TRUE(fails_with(fs().install(TempName("t2"), path("b"), std::nullopt, kNow), FilesError::not_found));
  EXPECT_EQ(world().read("a"), "mine");
  EXPECT_EQ(names(path("d")), "");
  EXPECT_EQ(temps(), "t1 ");
  EXPECT_TRUE(fs().install(temp, path("b"), std::nullopt, kNow));  // none of that spoiled it
}

TEST_P(FileSystemConformance, InstallReplacesWhatIsExpected) {
  world().write("d/a", "old");
  auto const old = seen("d/a");
  auto const installed = fs().install(finished("new"), path("d/a"), old, kNow);
  ASSERT_TRUE(installed);
  EXPECT_EQ(world().read("d/a"), "new");
  EXPECT_EQ(installed->stat, seen("d/a"));
  EXPECT_EQ(installed->replaced, (TrashPlace{kStamp, path("d/a")}));
  EXPECT_EQ(trashed("d/a"), "old");
  EXPECT_EQ(temps(), "");
  EXPECT_EQ(names(path("d")), "a ");

  world().make_symlink("l", "d/a");  // a symlink gives way as well, without being followed
  auto const link = fs().install(finished("file"), path("l"), seen("l"), kNow);
  ASSERT_TRUE(link);
  EXPECT_EQ(world().read("l"), "file");
  EXPECT_EQ(world().read("d/a"), "new");
}

TEST_P(FileSystemConformance, InstallRefusesWhatChangedMeanwhile) {
  world().make_directory("d");
  auto const temp = finished("theirs");
  auto const refused = [&](char const* at, Stat const& expected) {
    auto const installed = fs().install(temp, path(at), expected, kNow);
    EXPECT_EQ(temps(), "t1 ");
    return fails_with(installed, FilesError::changed_meanwhile);
  };
  world().write("a", "seen");
  auto stat = seen("a");
  world().later();
  world().write("a", "edit");  // in place, of the same size
  EXPECT_TRUE(refused("a", stat));
  EXPECT_EQ(world().read("a"), "edit");

  stat = seen("a");
  world().later();
  world().replace("a", "save");
  EXPECT_TRUE(refused("a", stat));
  EXPECT_EQ(world().read("a"), "save");

  stat = seen("a");
  world().remove("a");
  EXPECT_TRUE(refused("a", stat));
  EXPECT_EQ(world().read("a"), std::nullopt);
  world().make_directory("a");
  EXPECT_TRUE(refused("a", stat));
  EXPECT_TRUE(fails_with(fs().install(temp, path("a"), seen("a"), kNow), FilesError::not_a_file));
  world().remove("a");

  world().write("a", "last");
  ASSERT_TRUE(fs().install(temp, path("a"), seen("a"), kNow));
  EXPECT_EQ(trashed("a"), "last");
  EXPECT_EQ(world().read("a"), "theirs");
}

TEST_P(FileSystemConformance, MovesToTheTrashAndBack) {
  world().write("d/e/a", "text");
  auto const stat = seen("d/e/a");
  auto const place = fs().move_to_trash(path("d/e/a"), stat, kNow);
  ASSERT_TRUE(place);
  EXPECT_EQ(*place, (TrashPlace{kStamp, path("d/e/a")}));
  EXPECT_EQ(trashed("d/e/a"), "text");
  EXPECT_EQ(names(path("d/e")), "");

  world().write("taken", "x");
  EXPECT_TRUE(fails_with(fs().restore(*place, path("taken")), FilesError::exists));
  EXPECT_TRUE(fails_with(fs().restore(*place, path("no/dir")), FilesError::not_found));
  auto const restored = fs().restore(*place, path("d/b"));
  ASSERT_TRUE(restored);
  EXPECT_TRUE(same_but_ctime(*restored, stat));
  EXPECT_EQ(*restored, seen("d/b"));
  EXPECT_EQ(world().read("d/b"), "text");
  EXPECT_EQ(world().read("taken"), "x");
  EXPECT_TRUE(fails_with(fs().restore(*place, path("d/c")), FilesError::not_found));
}

TEST_P(FileSystemConformance, MoveToTrashRefusesWhatChangedMeanwhile) {
  world().write("a", "seen");
  auto const stat = seen("a");
  world().later();
  world().write("a", "edit");
  EXPECT_TRUE(fails_with(fs().move_to_trash(path("a"), stat, kNow), FilesError::changed_meanwhile));
  EXPECT_EQ(world().read("a"), "edit");
  world().remove("a");
  EXPECT_TRUE(fails_with(fs().move_to_trash(path("a"), stat, kNow), FilesError::not_found));
  world().make_directory("a");
  EXPECT_TRUE(fails_with(fs().move_to_trash(path("a"), stat, kNow), FilesError::changed_meanwhile));
  EXPECT_TRUE(fails_with(fs().move_to_trash(path("a"), seen("a"), kNow), FilesError::not_a_file));
  EXPECT_EQ(names(), "a ");
}

TEST_P(FileSystemConformance, TheTrashHasRoomForEverything) {
  std::string const longest(255, 'n');
  for (auto const* text : {"one", "two", "three"}) {
    world().write(longest, text);
    ASSERT_TRUE(fs().move_to_trash(path(longest), seen(longest), kNow));
  }
  EXPECT_EQ(trashed(longest), "one");
  EXPECT_EQ(trashed(longest, kStamp + std::string("-2")), "two");
  EXPECT_EQ(trashed(longest, kStamp + std::string("-3")), "three");

  world().write("a", "file");
  ASSERT_TRUE(fs().move_to_trash(path("a"), seen("a"), kNow));
  world().write("a/b", "below");  // where the trash has a file now
  auto const below = fs().move_to_trash(path("a/b"), seen("a/b"), kNow);
  ASSERT_TRUE(below);
  EXPECT_EQ(trashed("a"), "file");
  EXPECT_EQ(trashed("a/b", below->stamp), "below");
  EXPECT_NE(below->stamp, kStamp);
}

TEST_P(FileSystemConformance, PurgesOnlyWhatIsOldEnough) {
  constexpr WallTime kDay{86'400'000};
  for (std::int64_t day = 0; day < 3; ++day) {
    for (auto const* name : {"a", "d/b", "d/e/f/c"}) {
      world().write(name, "x");
      ASSERT_TRUE(fs().move_to_trash(path(name), seen(name), {kNow.ms + day * kDay.ms}));
    }
  }
  world().write(".kith/trash/not-ours/x", "x");
  EXPECT_EQ(fs().purge_trash(kNow), 0U);
  EXPECT_EQ(fs().purge_trash({kNow.ms + 2 * kDay.ms}), 6U);
  EXPECT_FALSE(trashed("a"));
  EXPECT_EQ(trashed("d/e/f/c", "20261123-140312"), "x");
  EXPECT_EQ(fs().purge_trash({kNow.ms + 365 * kDay.ms}), 3U);
  EXPECT_EQ(world().read(".kith/trash/not-ours/x"), "x");
}

TEST_P(FileSystemConformance, RenamesWhereNothingIs) {
  world().write("a", "A");
  world().write("b", "B");
  world().write("d/x/y", "Y");
  world().make_directory("empty");
  auto const before = seen("a");
  EXPECT_TRUE(fails_with(fs().rename(path("a"), path("b"), kNow), FilesError::exists));
  EXPECT_TRUE(fails_with(fs().rename(path("a"), path("empty"), kNow), FilesError::exists));
  EXPECT_TRUE(fails_with(fs().rename(path("d"), path("empty"), kNow), FilesError::exists));
  EXPECT_TRUE(fails_with(fs().rename(path("d"), path("a"), kNow), FilesError::exists));
  EXPECT_TRUE(fails_with(fs().rename(path("nothing"), path("c"), kNow), FilesError::not_found));
  EXPECT_TRUE(fails_with(fs().rename(path("a"), path("no/c"), kNow), FilesError::not_found));
  EXPECT_FALSE(fs().rename(path("d"), path("d/x/d"), kNow));
  EXPECT_EQ(names(), "a b d empty ");
  EXPECT_EQ(names(path("d/x")), "y ");

  auto const moved = fs().rename(path("a"), path("d/c"), kNow);
  ASSERT_TRUE(moved);
  EXPECT_TRUE(same_but_ctime(*moved, before));
  EXPECT_EQ(*moved, seen("d/c"));
  ASSERT_TRUE(fs().rename(path("d"), path("f"), kNow));
  EXPECT_EQ(world().read("f/x/y"), "Y");
  EXPECT_EQ(world().read("f/c"), "A");
  EXPECT_EQ(names(), "b empty f ");
}

TEST_P(FileSystemConformance, MakesAndRemovesDirectories) {
  ASSERT_TRUE(fs().make_directory(path("d"), 0770));
  EXPECT_EQ(seen("d").kind, Kind::directory);
  EXPECT_EQ(seen("d").mode, 0770U);
  EXPECT_TRUE(fails_with(fs().make_directory(path("d"), 0700), FilesError::exists));
  EXPECT_TRUE(fails_with(fs().make_directory(path("x/y"), 0700), FilesError::not_found));
  world().write("d/a", "x");
  EXPECT_TRUE(fails_with(fs().make_directory(path("d/a"), 0700), FilesError::exists));
  EXPECT_TRUE(fails_with(fs().make_directory(path("d/a/b"), 0700), FilesError::not_a_directory));
  EXPECT_TRUE(fails_with(fs().remove_empty_directory(path("d")), FilesError::not_empty));
  EXPECT_TRUE(fails_with(fs().remove_empty_directory(path("d/a")), FilesError::not_a_directory));
  EXPECT_TRUE(fails_with(fs().remove_empty_directory(path("x")), FilesError::not_found));
  world().remove("d/a");
  ASSERT_TRUE(fs().remove_empty_directory(path("d")));
  EXPECT_EQ(names(), "");
}

TEST_P(FileSystemConformance, SyncsAndCounts) {
  world().write("d/a", "x");
  EXPECT_TRUE(fs().sync_directory(std::nullopt));
  EXPECT_TRUE(fs().sync_directory(path("d")));
  EXPECT_TRUE(fs().sync_all());
  EXPECT_TRUE(fails_with(fs().sync_directory(path("x")), FilesError::not_found));
  EXPECT_TRUE(fails_with(fs().sync_directory(path("d/a")), FilesError::not_a_directory));
  ASSERT_TRUE(fs().free_space());
  EXPECT_GT(*fs().free_space(), 0U);
}

}  // namespace kith::files::conformance
