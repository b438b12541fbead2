#include <atomic>
#include <thread>

#include <gtest/gtest.h>

#include "disk/posix_world.hpp"

namespace kith::disk {
namespace {

using namespace files;
using files::conformance::fails_with;
using files::conformance::joined;
using files::conformance::kNow;
using files::conformance::kStamp;
using files::conformance::path;
using Step = PosixFileSystem::Step;

/// A disk on which somebody acts at chosen moments inside our operations.
class Race : public ::testing::TestWithParam<NamedOptions> {
 protected:
  Race() {
    auto options = GetParam().options;
    options.on_step = [this](Step step) {
      if (auto const act = actions_.find(step); act != actions_.end()) act->second();
    };
    world_.reopen(std::move(options));
    KITH_ASSERT(fs().write_marker(bytes_of("m")));
  }
  PosixWorld& world() { return world_; }
  PosixFileSystem& fs() { return world_.fs(); }
  void at(Step step, std::function<void()> act) { actions_[step] = std::move(act); }

  Result<Installed> install_over(std::string const& at, std::string_view text = "theirs") {
    auto const expected = *fs().stat(path(at));
    auto const temp = fs().create_temp(TempName("t"));
    KITH_ASSERT(temp && (*temp)->write_at(0, bytes_of(text)) && (*temp)->set_attributes(0644, 1));
    return fs().install(TempName("t"), path(at), expected, kNow);
  }
  /// After a change that came too late to keep our file from the path: it has a name still, but none that is trusted.
  void expect_ours_is_kept(std::string const& path) {
    bool const was_visible = GetParam().options.abilities.rename_flags;
    EXPECT_EQ(was_visible ? trashed(path) : world_.read(".kith/tmp/t"), "theirs");
    EXPECT_EQ(temps(), was_visible ? "" : "t ");
  }
  std::string temps() { return joined(fs().list_temps()); }
  std::optional<std::string> trashed(std::string const& at) {
    return world_.read(std::string(".kith/trash/") + kStamp + '/' + at);
  }

 private:
  PosixWorld world_;
  std::map<Step, std::function<void()>> actions_;
};

class RaceWithFlags : public Race {};
class RaceStepwise : public Race {};

constexpr auto kName = [](auto const& options) { return std::string(options.param.name); };
INSTANTIATE_TEST_SUITE_P(Posix, Race, ::testing::ValuesIn(all_options()), kName);
INSTANTIATE_TEST_SUITE_P(Posix, RaceWithFlags, ::testing::ValuesIn(with_rename_flags()), kName);
INSTANTIATE_TEST_SUITE_P(Posix, RaceStepwise, ::testing::ValuesIn(without_rename_flags()), kName);

TEST_P(Race, AnEditInPlaceBetweenLookAndInstall) {
  world().write("a", "old");
  at(Step::looked, [&] { world().later(), world().write("a", "new"); });
  EXPECT_TRUE(fails_with(install_over("a"), FilesError::changed_meanwhile));
  EXPECT_EQ(world().read("a"), "new");
  expect_ours_is_kept("a");
}

TEST_P(Race, ASaveByRenameBetweenLookAndInstall) {
  world().write("a", "old");
  at(Step::looked, [&] { world().replace("a", "new"); });
  EXPECT_TRUE(fails_with(install_over("a"), FilesError::changed_meanwhile));
  EXPECT_EQ(world().read("a"), "new");
  expect_ours_is_kept("a");
}

TEST_P(Race, AChangeOfModeBetweenLookAndInstall) {
  world().write("a", "old");
  at(Step::looked, [&] { ::chmod(world().real("a").c_str(), 0600); });
  EXPECT_TRUE(fails_with(install_over("a"), FilesError::changed_meanwhile));
  EXPECT_EQ(world().read("a"), "old");
}

TEST_P(Race, ARemovalBetweenLookAndInstall) {
  world().write("a", "old");
  at(Step::looked, [&] { world().remove("a"); });
  EXPECT_TRUE(fails_with(install_over("a"), FilesError::changed_meanwhile));
  EXPECT_EQ(world().read("a"), std::nullopt);
  EXPECT_EQ(world().read(".kith/tmp/t"), "theirs");
}

TEST_P(Race, ADirectoryBetweenLookAndInstall) {
  world().write("a", "old");
  at(Step::looked, [&] { world().remove("a"), world().write("a/b", "below"); });
  EXPECT_TRUE(fails_with(install_over("a"), FilesError::changed_meanwhile));
  EXPECT_EQ(world().read("a/b"), "below");
  expect_ours_is_kept("a");
}

TEST_P(RaceWithFlags, ASaveRightAfterTheExchangeIsNotMistakenForOurs) {
  world().write("a", "old");
  at(Step::replaced, [&] { world().replace("a", "newest"); });
  auto const installed = install_over("a");
  ASSERT_TRUE(installed);
  EXPECT_EQ(world().read("a"), "newest");
  EXPECT_EQ(trashed("a"), "old");
  EXPECT_NE(installed->stat, *fs().stat(path("a")));  // so a scan sees the save
}

// Somebody is faster twice: a change before the exchange, which has to be undone, and another before the undoing.
TEST_P(RaceWithFlags, ARemovalBeforeTheExchangeIsUndone) {
  world().write("a", "old");
  at(Step::looked, [&] { world().replace("a", "edited"); });
  at(Step::replaced, [&] { world().remove("a"); });
  EXPECT_TRUE(fails_with(install_over("a"), FilesError::changed_meanwhile));
  EXPECT_EQ(world().read("a"), "edited");  // they removed our file, not the one they had edited
}

TEST_P(RaceWithFlags, ASaveBeforeTheExchangeIsUndone) {
  world().write("a", "old");
  at(Step::looked, [&] { world().replace("a", "edited"); });
  at(Step::replaced, [&] { world().replace("a", "edited again"); });
  EXPECT_TRUE(fails_with(install_over("a"), FilesError::changed_meanwhile));
  EXPECT_EQ(world().read("a"), "edited again");
  EXPECT_EQ(trashed("a"), "edited");
}

TEST_P(RaceStepwise, ANewFileWhileThePathIsEmpty) {
  world().write("a", "old");
  at(Step::taken, [&] { world().write("a", "newest"); });
  EXPECT_TRUE(fails_with(install_over("a"), FilesError::changed_meanwhile));
  EXPECT_EQ(world().read("a"), "newest");
  EXPECT_EQ(trashed("a"), "old");
  EXPECT_EQ(world().read(".kith/tmp/t"), "theirs");
}

TEST_P(Race, AnEditBeforeTheTrash) {
  world().write("a", "old");
  at(Step::looked, [&] { world().later(), world().write("a", "new"); });
  EXPECT_TRUE(fails_with(fs().move_to_trash(path("a"), *fs().stat(path("a")), kNow), FilesError::changed_meanwhile));
  EXPECT_EQ(world().read("a"), "new");
  at(Step::looked, [&] { world().replace("a", "newer"); });
  at(Step::taken, [&] { world().write("a", "newest"); });
  EXPECT_TRUE(fails_with(fs().move_to_trash(path("a"), *fs().stat(path("a")), kNow), FilesError::changed_meanwhile));
  EXPECT_EQ(world().read("a"), "newest");
  EXPECT_EQ(trashed("a"), "newer");
}

TEST_P(RaceStepwise, RenamesWithoutFlagsLoseNothing) {
  world().write("a", "text");
  at(Step::taken, [&] { world().write("b", "other"); });
  EXPECT_TRUE(fails_with(fs().rename(path("a"), path("b"), kNow), FilesError::exists));
  EXPECT_EQ(world().read("a"), "text");
  EXPECT_EQ(world().read("b"), "other");
  world().remove("b");
  at(Step::taken, [&] { world().write("a", "new"), world().write("b", "other"); });
  EXPECT_TRUE(fails_with(fs().rename(path("a"), path("b"), kNow), FilesError::exists));
  EXPECT_EQ(world().read("a"), "new");
  EXPECT_EQ(world().read("b"), "other");
  EXPECT_EQ(trashed("a"), "text");
}

TEST_P(Race, ATemporaryFileThatIsInstalledIsNotOpenedAgain) {
  ASSERT_TRUE(fs().create_temp(TempName("t")));
  std::filesystem::create_hard_link(world().real(".kith/tmp/t"), world().real("a"));
  EXPECT_TRUE(fails_with(fs().open_temp(TempName("t")), FilesError::not_found));
  EXPECT_EQ(temps(), "");
  EXPECT_TRUE(world().read("a"));
}

/// An editor saves again and again, by rename and in place, while kith installs, trashes and moves away what it sees.
/// Whatever the order of events, the last thing saved is at its path or in the trash.
TEST_P(Race, AnEditorsLastSaveIsNeverLost) {
  if (!GetParam().options.abilities.links) return;  // without hard links a gap of microseconds remains
  std::size_t installed = 0, refused = 0;
  for (int round = 0; round < 60 || (round < 2000 && installed < 10); ++round) {
    std::string const name = "f" + std::to_string(round);
    world().write(name, "start");
    std::string last;
    std::atomic<bool> done = false;
    std::jthread editor([&] {  // joins also when an assertion leaves early
      for (int i = 0; i < 15; ++i) {
        last = name + " save " + std::to_string(i);
        if (i % 3 == 2) {
          std::ofstream(world().real(name)) << last;  // in place, making it where it is missing
        } else {
          world().replace(name, last);
        }
      }
      done = true;
    });
    while (!done) {
      auto const seen = fs().stat(path(name));
      if (!seen) continue;
      Result<> result;
      if (installed % 3 == 2) {
        auto const moved = fs().move_to_trash(path(name), *seen, kNow);
        if (!moved) result = fail(moved.error());
      } else {
        auto const temp = fs().create_temp(TempName("t"));
        ASSERT_TRUE(temp && (*temp)->write_at(0, bytes_of("theirs")));
        auto const put = fs().install(TempName("t"), path(name), *seen, kNow);
        if (!put) result = fail(put.error());
        static_cast<void>(fs().remove_temp(TempName("t")));
      }
      ++(result ? installed : refused);
      if (!result) {
        ASSERT_TRUE(result.error().is(FilesError::changed_meanwhile) || result.error().is(FilesError::not_found))
            << result.error().name();
      }
    }
    editor.join();
    bool found = false;
    for (auto const& entry : std::filesystem::recursive_directory_iterator(world().real("")))
      found = found || world().read(entry.path().lexically_relative(world().real("")).string()) == last;
    ASSERT_TRUE(found) << last << " after " << installed << " changes and " << refused << " refusals";
    std::filesystem::remove_all(world().real(".kith/trash"));  // where this round put anything
  }
  EXPECT_GT(installed, 0U);
}

}  // namespace
}  // namespace kith::disk
