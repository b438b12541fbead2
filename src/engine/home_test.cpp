#include "engine/home.hpp"

#include <gtest/gtest.h>
#include <unistd.h>

#include "engine/engine_testing.hpp"

namespace kith::engine {
namespace {

using testing::mode_of;
using testing::TempDir;

struct Row {
  char const* about;
  HomeChoice choice;
  Environment::Variables variables;
  std::string state, config, bell;
};

TEST(FindHome, FlagsGoBeforeVariablesAndVariablesBeforeDefaults) {
  std::vector<Row> const rows{
      {"only HOME",
       {},
       {{"HOME", "/u"}},
       "/u/.local/state/kith",
       "/u/.config/kith/config.toml",
       "/u/.local/state/kith/run"},
      {"XDG directories",
       {},
       {{"HOME", "/u"}, {"XDG_STATE_HOME", "/s"}, {"XDG_CONFIG_HOME", "/c"}},
       "/s/kith",
       "/c/kith/config.toml",
       "/s/kith/run"},
      {"no HOME, both XDG",
       {},
       {{"XDG_STATE_HOME", "/s"}, {"XDG_CONFIG_HOME", "/c"}},
       "/s/kith",
       "/c/kith/config.toml",
       "/s/kith/run"},
      {"a relative or empty XDG directory is ignored",
       {},
       {{"HOME", "/u"}, {"XDG_STATE_HOME", "s"}, {"XDG_CONFIG_HOME", ""}},
       "/u/.local/state/kith",
       "/u/.config/kith/config.toml",
       "/u/.local/state/kith/run"},
      {"a runtime directory that is not there is ignored",
       {},
       {{"HOME", "/u"}, {"XDG_RUNTIME_DIR", "/nowhere/at/all"}},
       "/u/.local/state/kith",
       "/u/.config/kith/config.toml",
       "/u/.local/state/kith/run"},
      {"KITH_HOME",
       {},
       {{"HOME", "/u"}, {"XDG_STATE_HOME", "/s"}, {"KITH_HOME", "/k"}},
       "/k",
       "/k/config.toml",
       "/k/run"},
      {"KITH_HOME is enough", {}, {{"KITH_HOME", "/k/"}}, "/k/", "/k/config.toml", "/k/run"},
      {"an empty KITH_HOME is none",
       {},
       {{"HOME", "/u"}, {"KITH_HOME", ""}},
       "/u/.local/state/kith",
       "/u/.config/kith/config.toml",
       "/u/.local/state/kith/run"},
      {"--home", {.home = "/f", .profile = {}, .config = {}}, {{"KITH_HOME", "/k"}}, "/f", "/f/config.toml", "/f/run"},
      {"a profile",
       {},
       {{"HOME", "/u"}, {"KITH_PROFILE", "work"}},
       "/u/.local/state/kith/work",
       "/u/.config/kith/work/config.toml",
       "/u/.local/state/kith/work/run"},
      {"--profile in --home",
       {.home = "/f", .profile = "a-1_B", .config = {}},
       {{"KITH_PROFILE", "work"}},
       "/f/a-1_B",
       "/f/a-1_B/config.toml",
       "/f/a-1_B/run"},
      {"--config",
       {.home = "/f", .profile = {}, .config = "/e/x.toml"},
       {{"KITH_CONFIG", "/k.toml"}},
       "/f",
       "/e/x.toml",
       "/f/run"},
      {"KITH_CONFIG", {}, {{"KITH_HOME", "/k"}, {"KITH_CONFIG", "/k.toml"}}, "/k", "/k.toml", "/k/run"},
  };
  for (auto const& row : rows) {
    auto const found = find_home(row.choice, Environment::of(row.variables));
    ASSERT_TRUE(found) << row.about;
    EXPECT_EQ(found->state_dir, row.state) << row.about;
    EXPECT_EQ(found->config_file, row.config) << row.about;
    EXPECT_EQ(found->bell_dir, row.bell) << row.about;
    EXPECT_EQ(found->database, std::filesystem::path(row.state) / "kith.db") << row.about;
    EXPECT_EQ(found->key_file, std::filesystem::path(row.state) / "keys") << row.about;
    EXPECT_EQ(found->network_lock, std::filesystem::path(row.state) / "network.lock") << row.about;
    EXPECT_EQ(found->room_lock, std::filesystem::path(row.state) / "room.lock") << row.about;
    EXPECT_EQ(found->config_named, std::string_view(row.about).find("CONFIG") != std::string_view::npos ||
                                       std::string_view(row.about).find("--config") != std::string_view::npos)
        << row.about;
  }
}

TEST(FindHome, TakesTheRuntimeDirectoryWhereItIsTheUsers) {
  TempDir const runtime;
  Environment const environment =
      Environment::of({{"HOME", "/u"}, {"XDG_RUNTIME_DIR", runtime.path()}, {"KITH_PROFILE", "work"}});
  EXPECT_EQ(find_home({}, environment)->bell_dir, runtime / "kith/work");
  EXPECT_EQ(find_home({.home = "/f", .profile = {}, .config = {}}, environment)->bell_dir, "/f/work/run");
}

TEST(FindHome, MakesARelativeHomeAbsolute) {
  auto const found = find_home({.home = "some/./dir", .profile = {}, .config = "c.toml"}, {});
  EXPECT_EQ(found->state_dir, std::filesystem::current_path() / "some/dir");
  EXPECT_EQ(found->config_file, std::filesystem::current_path() / "c.toml");
}

TEST(FindHome, RefusesWhatIsNoPlace) {
  EXPECT_TRUE(find_home({}, {}).error().is(HomeError::no_place));
  EXPECT_TRUE(find_home({}, Environment::of({{"HOME", "relative"}})).error().is(HomeError::no_place));
  for (auto const* bad : {"..", ".", "a/b", "/a", "-a", "_a", "a b", "a.b", "run", "keys", "\xc3\xa4",
                          "a23456789012345678901234567890123"}) {
    auto const found = find_home({.home = "/f", .profile = bad, .config = {}}, {});
    ASSERT_FALSE(found) << bad;
    EXPECT_TRUE(found.error().is(HomeError::bad_profile)) << bad;
    EXPECT_EQ(found.error().subject(), bad);
  }
}

HomePaths home_in(std::filesystem::path const& directory) {
  return *find_home({.home = directory, .profile = {}, .config = {}}, {});
}

TEST(PrepareHome, MakesPrivateDirectoriesAndAgreesWithItself) {
  TempDir const temp;
  auto const paths = home_in(temp / "a/b/home");
  EXPECT_TRUE(check_home(paths).error().is(HomeError::missing));
  ASSERT_TRUE(prepare_home(paths));
  ASSERT_TRUE(prepare_home(paths));
  EXPECT_TRUE(check_home(paths));
  for (auto const* each : {"a", "a/b", "a/b/home", "a/b/home/run"}) EXPECT_EQ(mode_of(temp / each), 0700U) << each;
}

TEST(PrepareHome, MakesAnEmptyDirectoryPrivateAndNoOther) {
  for (mode_t const mode : {0755U, 0777U, 0775U, 0701U}) {
    TempDir const temp;
    auto const paths = home_in(temp / "home");
    ASSERT_EQ(::mkdir(paths.state_dir.c_str(), 0700), 0);
    ASSERT_EQ(::chmod(paths.state_dir.c_str(), mode), 0);
    EXPECT_TRUE(check_home(paths).error().is(HomeError::too_open)) << "who only looks changes nothing";
    testing::write_file(paths.state_dir / "somebody's", "x");
    EXPECT_TRUE(prepare_home(paths).error().is(HomeError::too_open)) << std::oct << mode;
    EXPECT_EQ(mode_of(paths.state_dir), mode);
    ASSERT_EQ(::unlink((paths.state_dir / "somebody's").c_str()), 0);
    ASSERT_TRUE(prepare_home(paths)) << std::oct << mode;
    EXPECT_EQ(mode_of(paths.state_dir), 0700U);
    EXPECT_TRUE(check_home(paths));
  }
}

TEST(PrepareHome, RefusesWhatOthersMayLookIntoAndLeavesItAsItIs) {
  for (mode_t const mode : {0750U, 0705U, 0710U, 0701U, 0777U}) {
    TempDir const temp;
    auto const paths = home_in(temp / "home");
    ASSERT_TRUE(prepare_home(paths));
    for (auto const& directory : {paths.state_dir, paths.bell_dir}) {
      ASSERT_EQ(::chmod(directory.c_str(), mode), 0);
      auto const refused = prepare_home(paths);
      ASSERT_FALSE(refused) << std::oct << mode;
      EXPECT_TRUE(refused.error().is(HomeError::too_open));
      EXPECT_EQ(refused.error().subject(), directory.native());
      EXPECT_EQ(check_home(paths).error(), refused.error());
      EXPECT_EQ(mode_of(directory), mode);
      ASSERT_EQ(::chmod(directory.c_str(), 0700), 0);
    }
    EXPECT_TRUE(check_home(paths));
  }
}

TEST(PrepareHome, RefusesAnotherUsersHome) {
  if (::geteuid() != 0) GTEST_SKIP() << "only root can give a directory away";
  TempDir const temp;
  auto const paths = home_in(temp / "home");
  ASSERT_TRUE(prepare_home(paths));
  ASSERT_EQ(::chown(paths.state_dir.c_str(), 12345, 12345), 0);
  EXPECT_TRUE(check_home(paths).error().is(HomeError::foreign_owner));
  EXPECT_TRUE(prepare_home(paths).error().is(HomeError::foreign_owner));
}

TEST(PrepareHome, SaysWhatIsInTheWay) {
  TempDir const temp;
  testing::write_file(temp / "file", "x");
  EXPECT_TRUE(prepare_home(home_in(temp / "file")).error().is(HomeError::not_a_directory));
  EXPECT_TRUE(check_home(home_in(temp / "file")).error().is(HomeError::not_a_directory));
  auto const below = prepare_home(home_in(temp / "file/home"));
  ASSERT_FALSE(below);
  EXPECT_EQ(std::get<SystemDetail>(below.error().detail()).number, ENOTDIR);
}

}  // namespace
}  // namespace kith::engine
