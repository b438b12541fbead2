#include "engine/folder_looks.hpp"

#include <atomic>
#include <condition_variable>
#include <map>
#include <mutex>
#include <thread>

#include <gtest/gtest.h>
#include <sys/stat.h>

#include "base/time.hpp"
#include "engine/engine_testing.hpp"

namespace kith::engine {
namespace {

using namespace std::chrono_literals;

constexpr auto kPatience = 60s;  // a sanitized program on a loaded machine; what goes right takes milliseconds

FolderId folder(std::uint8_t number) {
  FolderId id;
  id.bytes[0] = number;
  return id;
}

FolderLooks::BoundFolders bound(std::map<std::uint8_t, std::string> const& roots) {
  FolderLooks::BoundFolders folders;
  for (auto const& [number, root] : roots) {
    files::FolderRow row;
    row.root = root;
    folders.emplace_back(folder(number), std::move(row));
  }
  return folders;
}

/// Disks by their roots: some do not answer until they are let go. The looks may outlive the test's own objects, so
/// they share it.
class Disks {
 public:
  FolderLooks::Look look() {
    return [shared = shared_](FolderId const&, std::string const& root) { return shared->ask(root); };
  }
  void set_there(std::string const& root, bool there) {
    with([&] { shared_->there[root] = there; });
  }
  void hang(std::string const& root, bool hangs) {
    with([&] { shared_->hangs[root] = hangs; });
    shared_->moved.notify_all();
  }
  int asked(std::string const& root) const {
    std::lock_guard const guard(shared_->mutex);
    return shared_->asked[root];
  }
  /// Most looks that were under way at one disk at the same time.
  int at_once(std::string const& root) const {
    std::lock_guard const guard(shared_->mutex);
    return shared_->most[root];
  }
  /// Waits until somebody waits for the disk, or nobody does.
  bool held_up(std::string const& root, bool wanted = true) {
    std::unique_lock lock(shared_->mutex);
    return shared_->moved.wait_for(lock, kPatience, [&] { return (shared_->inside[root] > 0) == wanted; });
  }

 private:
  struct Shared {
    bool ask(std::string const& root) {
      std::unique_lock lock(mutex);
      ++asked[root];
      most[root] = std::max(most[root], ++inside[root]);
      moved.notify_all();
      moved.wait(lock, [&] { return !hangs[root]; });
      --inside[root];
      moved.notify_all();
      return there[root];
    }
    std::mutex mutex;
    std::condition_variable moved;
    std::map<std::string, bool> there, hangs;
    std::map<std::string, int> asked, inside, most;
  };
  template <class Change>
  void with(Change change) {
    std::lock_guard const guard(shared_->mutex);
    change();
  }
  std::shared_ptr<Shared> shared_ = std::make_shared<Shared>();
};

constexpr FolderLooks::Pace kEager{0ms, 5ms, 20ms};

template <class Condition>
bool eventually(Condition&& condition) {
  auto const until = Clock::now() + kPatience;
  while (!condition()) {
    if (Clock::now() >= until) return false;
    std::this_thread::sleep_for(1ms);
  }
  return true;
}

TEST(FolderLooks, TellWhatIsThere) {
  Disks disks;
  disks.set_there("here", true);
  FolderLooks looks(disks.look());
  EXPECT_EQ(looks.there(folder(1)), std::nullopt);
  EXPECT_TRUE(looks.wait(0ms));  // nobody has asked for any
  looks.look(bound({{1, "here"}, {2, "away"}}));
  ASSERT_TRUE(looks.wait(kPatience));
  EXPECT_EQ(looks.there(folder(1)), true);
  EXPECT_EQ(looks.there(folder(2)), false);
  EXPECT_EQ(looks.there(folder(3)), std::nullopt);
  EXPECT_FALSE(looks.silent(folder(1)) || looks.silent(folder(2)) || looks.silent(folder(3)));
}

TEST(FolderLooks, ADiskThatHangsHoldsUpNoOther) {
  Disks disks;
  for (auto const* root : {"first", "second", "third"}) disks.set_there(root, true);
  disks.hang("first", true);
  disks.hang("second", true);
  FolderLooks looks(disks.look(), {}, kEager);
  looks.look(bound({{1, "first"}, {2, "second"}, {3, "third"}}));
  EXPECT_FALSE(looks.wait(200ms));
  EXPECT_TRUE(eventually([&] {
    looks.look(bound({{1, "first"}, {2, "second"}, {3, "third"}}));
    return looks.there(folder(3)).has_value();
  }));
  EXPECT_EQ(looks.there(folder(1)), std::nullopt);
  EXPECT_EQ(looks.there(folder(2)), std::nullopt);
  EXPECT_TRUE(looks.silent(folder(1)) && looks.silent(folder(2)));
  disks.hang("first", false);
  EXPECT_TRUE(eventually([&] { return looks.there(folder(1)) == true; }));
  EXPECT_EQ(looks.there(folder(2)), std::nullopt);
  disks.hang("second", false);
  ASSERT_TRUE(looks.wait(kPatience));
  EXPECT_EQ(looks.there(folder(2)), true);
}

TEST(FolderLooks, AFolderThatWasPutElsewhereIsLookedAtThere) {
  Disks disks;
  disks.set_there("new", true);
  disks.hang("old", true);
  FolderLooks looks(disks.look(), {}, kEager);
  looks.look(bound({{1, "old"}}));
  ASSERT_TRUE(disks.held_up("old"));
  EXPECT_TRUE(eventually([&] {
    looks.look(bound({{1, "new"}}));
    return looks.there(folder(1)) == true;
  }));
  EXPECT_FALSE(looks.silent(folder(1)));
  disks.hang("old", false);
  ASSERT_TRUE(disks.held_up("old", false));
  EXPECT_EQ(looks.there(folder(1)), true) << "what the old place says does not count";
}

TEST(FolderLooks, OneFolderHasOneLookAtATime) {
  Disks disks;
  disks.set_there("slow", true);
  disks.hang("slow", true);
  FolderLooks looks(disks.look(), {}, kEager);
  looks.look(bound({{1, "slow"}, {2, "other"}}));
  ASSERT_TRUE(disks.held_up("slow"));
  for (int i = 0; i < 50; ++i) {
    looks.look(bound({{1, "slow"}, {2, "other"}}));
    std::this_thread::sleep_for(1ms);
  }
  looks.look({});  // forgotten, and asked for again
  looks.look(bound({{1, "slow"}}));
  EXPECT_EQ(disks.asked("slow"), 1);
  disks.hang("slow", false);
  ASSERT_TRUE(looks.wait(kPatience));
  EXPECT_EQ(looks.there(folder(1)), true);
  ASSERT_TRUE(eventually([&] { return disks.asked("slow") == 2; }));  // one was due
  looks.look({});
  ASSERT_TRUE(disks.held_up("slow", false));
  EXPECT_EQ(disks.at_once("slow"), 1);
}

TEST(FolderLooks, AFolderIsNotLookedAtAllTheTime) {
  Disks disks;
  FolderLooks looks(disks.look(), {}, {1h, 5ms, 20ms});
  for (int i = 0; i < 20; ++i) {
    looks.look(bound({{1, "one"}}));
    ASSERT_TRUE(looks.wait(kPatience));
  }
  EXPECT_EQ(disks.asked("one"), 1);
  // Elsewhere it is looked at anew.
  disks.set_there("two", true);
  looks.look(bound({{1, "two"}}));
  ASSERT_TRUE(looks.wait(kPatience));
  EXPECT_EQ(looks.there(folder(1)), true);
}

TEST(FolderLooks, TellWhenSomethingIsNew) {
  Disks disks;
  std::atomic<int> told = 0;
  FolderLooks looks(disks.look(), [&] { ++told; }, {0ms, 5ms, 1h});
  auto const look_twice = [&] {
    int const before = disks.asked("disk");
    ASSERT_TRUE(eventually([&] {
      looks.look(bound({{1, "disk"}}));
      return disks.asked("disk") >= before + 2;
    }));
  };
  look_twice();
  EXPECT_TRUE(eventually([&] { return told == 1; }));
  disks.set_there("disk", true);
  look_twice();
  EXPECT_TRUE(eventually([&] { return told == 2; }));
  look_twice();
  EXPECT_EQ(told, 2);
}

TEST(FolderLooks, WhatWasOverdueIsNews) {
  Disks disks;
  std::atomic<int> told = 0;
  FolderLooks looks(
      disks.look(), [&] { ++told; }, kEager);
  disks.set_there("disk", true);
  looks.look(bound({{1, "disk"}}));
  ASSERT_TRUE(eventually([&] { return told == 1; }));
  disks.hang("disk", true);
  looks.look(bound({{1, "disk"}}));
  ASSERT_TRUE(disks.held_up("disk"));
  EXPECT_TRUE(eventually([&] { return looks.silent(folder(1)); }));
  EXPECT_EQ(looks.there(folder(1)), std::nullopt);
  EXPECT_EQ(told, 1);
  disks.hang("disk", false);
  EXPECT_TRUE(eventually([&] { return told == 2; }));  // although it is as it was
  EXPECT_EQ(looks.there(folder(1)), true);
}

TEST(FolderLooks, EndWhileALookHangs) {
  Disks disks;
  disks.hang("dead", true);
  auto told = std::make_unique<std::atomic<int>>(0);
  {
    FolderLooks looks(
        disks.look(), [&] { ++*told; }, kEager);
    looks.look(bound({{1, "dead"}, {2, "other"}}));
    ASSERT_TRUE(disks.held_up("dead"));
  }
  told.reset();  // a late look that told somebody would write where nothing is any more
  disks.hang("dead", false);
  EXPECT_TRUE(disks.held_up("dead", false));
  EXPECT_EQ(disks.asked("dead"), 1);
}

TEST(FolderLooks, TellNobodyOnceTheyEnded) {
  Disks disks;
  disks.hang("dead", true);
  std::atomic<int> told = 0;
  FolderLooks looks(
      disks.look(), [&] { ++told; }, kEager);
  looks.look(bound({{1, "dead"}}));
  ASSERT_TRUE(disks.held_up("dead"));
  looks.end();
  looks.look(bound({{1, "dead"}, {2, "other"}}));
  disks.hang("dead", false);
  EXPECT_TRUE(disks.held_up("dead", false));
  EXPECT_TRUE(eventually([&] { return looks.there(folder(1)) == false; }));  // who still asks is answered
  EXPECT_EQ(looks.there(folder(2)), std::nullopt);
  EXPECT_EQ(disks.asked("other") + told, 0);
}

TEST(FolderLooks, MarkersSayWhatIsThere) {
  testing::TempDir dir;
  GroupId group;
  group.bytes[0] = 7;
  auto const look = look_for_markers(group);
  std::string const root = dir / "folder";
  EXPECT_FALSE(look(folder(1), root));
  std::filesystem::create_directories(dir / "folder/.kith");
  EXPECT_FALSE(look(folder(1), root));
  files::Marker marker;
  marker.group = group;
  marker.folder = folder(1);
  auto const encoded = wire::encode(marker);
  auto const file = dir / "folder/.kith/folder";
  testing::write_file(file, text_of(encoded));
  EXPECT_TRUE(look(folder(1), root));
  EXPECT_FALSE(look(folder(2), root));
  EXPECT_FALSE(look_for_markers(GroupId{})(folder(1), root));
  // A pipe holds nobody up. What it is cannot be read, so the disk itself is there.
  std::filesystem::remove(file);
  ASSERT_EQ(::mkfifo(file.c_str(), 0600), 0);
  EXPECT_TRUE(look(folder(1), root));
}

}  // namespace
}  // namespace kith::engine
