#include "engine/joining_database.hpp"

#include <atomic>
#include <thread>

#include <gtest/gtest.h>

#include "base/bytes.hpp"
#include "engine/engine_testing.hpp"
#include "engine/home_database.hpp"
#include "support/must.hpp"

namespace kith::engine {
namespace {

using kith::testing::must;
using std::chrono::milliseconds;
using store::OpenMode;

struct AJoining : ::testing::Test {
  HomePaths home_at(std::string const& name) {
    auto paths = find_home({(directory / name).native(), {}, {}}, Environment::of({})).value();
    must(prepare_home(paths));
    return paths;
  }
  static void put(HomePaths const& paths, std::string_view name, std::string_view value) {
    auto const database = HomeDatabase::open(paths, OpenMode::create).value();
    auto transaction = must(store::Transaction::begin(*database.store));
    must(database.store->put(store::Table::meta, bytes_of(name), bytes_of(value)));
    must(transaction.commit());
  }
  static std::optional<std::string> get(HomePaths const& paths, std::string_view name) {
    auto const database = HomeDatabase::open(paths, OpenMode::existing).value();
    auto const value = database.store->get(store::Table::meta, bytes_of(name)).value();
    return value ? std::optional(std::string(text_of(*value))) : std::nullopt;
  }

  testing::TempDir directory;
  HomePaths home = home_at("home");
};

TEST_F(AJoining, TakesThePlaceInOneStepAndLeavesNothingBeside) {
  put(home, "group", "own");
  auto const joining = must(JoiningDatabase::begin(home));
  put(joining->paths(), "group", "joined");
  EXPECT_EQ(get(home, "group"), "own");
  ASSERT_TRUE(must(joining->shut_others_out(milliseconds{0})));
  EXPECT_EQ(get(joining->locked_home(), "group"), "own") << "a last look, while the others are shut out";
  must(joining->put_in_place());
  EXPECT_EQ(get(home, "group"), "joined");
  EXPECT_FALSE(std::filesystem::exists(joining->paths().database));
}

TEST_F(AJoining, WaitsForWhoeverHasTheOldOneOpen) {
  put(home, "group", "own");
  auto const joining = must(JoiningDatabase::begin(home));
  put(joining->paths(), "group", "joined");
  {
    auto const reader = must(HomeDatabase::open(home, OpenMode::existing));
    EXPECT_FALSE(must(joining->shut_others_out(milliseconds{30})));
  }
  EXPECT_TRUE(must(joining->shut_others_out(milliseconds{30})));
}

TEST_F(AJoining, ThatBrokeOffLeavesAFileThatMeansNothing) {
  put(home, "group", "own");
  testing::write_file(home.state_dir / "kith.db.joining", "half");
  testing::write_file(home.state_dir / "kith.db.joining-wal", "half");
  {
    auto const joining = must(JoiningDatabase::begin(home));
    EXPECT_FALSE(std::filesystem::exists(home.state_dir / "kith.db.joining-wal"));
    EXPECT_TRUE(JoiningDatabase::begin(home).error().is(EngineError::owner_busy)) << "one at a time";
    put(joining->paths(), "group", "joined");
  }
  EXPECT_FALSE(std::filesystem::exists(home.state_dir / "kith.db.joining")) << "it was not put in place";
  EXPECT_EQ(get(home, "group"), "own");
}

/// The disk that the link leads to may not be mounted.
TEST_F(AJoining, TakesALinkThatLeadsNowhereForNoMissingDatabase) {
  std::filesystem::create_symlink(directory / "elsewhere", home.database);
  auto const opened = HomeDatabase::open(home, OpenMode::existing);
  ASSERT_FALSE(opened);
  EXPECT_FALSE(opened.error().is(store::StoreError::not_found)) << opened.error().name();
}

/// Whoever opens the database meanwhile has the old one or the new one, and what it writes there is there as long as
/// that database is: nobody writes to one that has lost its place, and no log comes to lie beside another's database.
TEST_F(AJoining, ComesBetweenNobodysOpeningAndWriting) {
  constexpr int kTimes = 15;
  put(home, "group", "0");
  std::atomic<bool> done = false;
  std::atomic<int> written = 0;
  std::thread others([&] {
    for (int i = 0; !done; ++i) {
      auto const number = std::to_string(i);
      put(home, "written", number);
      ++written;
      std::this_thread::sleep_for(milliseconds{i % 40});
    }
  });
  for (int i = 1; i <= kTimes; ++i) {
    auto const before = written.load();
    while (written.load() < before + 2) std::this_thread::yield();
    auto const joining = must(JoiningDatabase::begin(home));
    put(joining->paths(), "group", std::to_string(i));
    while (!must(joining->shut_others_out(milliseconds{100}))) {
    }
    EXPECT_EQ(get(joining->locked_home(), "group"), std::to_string(i - 1));
    EXPECT_TRUE(get(joining->locked_home(), "written")) << "what was written into the old one went elsewhere";
    must(joining->put_in_place());
  }
  done = true;
  others.join();
  EXPECT_EQ(get(home, "group"), std::to_string(kTimes));
  auto const last = must(HomeDatabase::open(home, OpenMode::existing));
  must(last.store->check_integrity());
}

}  // namespace
}  // namespace kith::engine
