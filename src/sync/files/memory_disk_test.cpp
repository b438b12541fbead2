#include "sync/files/memory_disk.hpp"

#include <set>

#include <gtest/gtest.h>

#include "sync/files/memory_file_system.hpp"
#include "sync/files/memory_world.hpp"

namespace kith::files::conformance {
namespace {

/// xorshift64*: enough for choosing what a crash takes. Source: Vigna, "An experimental exploration of Marsaglia's
/// xorshift generators", 2016.
class SeededRandom final : public RandomSource {
 public:
  explicit SeededRandom(std::uint64_t seed) : state_(seed * 2 + 1) {}
  void fill(std::span<std::uint8_t> out) override {
    for (auto& byte : out) {
      state_ ^= state_ >> 12, state_ ^= state_ << 25, state_ ^= state_ >> 27;
      byte = static_cast<std::uint8_t>((state_ * 2685821657736338717U) >> 56);
    }
  }

 private:
  std::uint64_t state_;
};

/// Receives `text` at `path` the way it should be done.
Result<> receive(FileSystem& fs, std::string const& at, std::string_view text, bool sync_content, bool sync_name) {
  TempName const temp("t");
  KITH_TRY(file, fs.create_temp(temp));
  KITH_CHECK(file->write_at(0, bytes_of(text)));
  KITH_CHECK(file->set_attributes(0644, 7));
  if (sync_content) KITH_CHECK(file->sync());
  auto const there = fs.stat(path(at));
  Expect const expected = there ? Expect(*there) : std::nullopt;
  KITH_CHECK(fs.install(temp, path(at), expected, kNow));
  if (sync_name) KITH_CHECK(fs.sync_directory(std::nullopt));
  return {};
}

TEST(MemoryDiskCrash, WhatIsSyncedStays) {
  for (std::uint64_t seed = 0; seed < 200; ++seed) {
    MemoryWorld world;
    SeededRandom random(seed);
    ASSERT_TRUE(world.fs().write_marker(bytes_of("m")));
    ASSERT_TRUE(receive(world.fs(), "a", "first", true, true));
    world.disk().crash(random);
    EXPECT_EQ(world.read("a"), "first") << seed;
    EXPECT_EQ(world.disk().look("a")->mtime_ns, 7);
    MemoryFileSystem again(world.disk());
    EXPECT_TRUE(again.read_marker());
    ASSERT_TRUE(receive(again, "a", "second", true, true));
    world.disk().crash(random);
    EXPECT_EQ(world.read("a"), "second") << seed;
    EXPECT_EQ(world.read(std::string(".kith/trash/") + kStamp + "/a"), "first") << seed;
  }
}

/// Every state of `a` that 400 crashes leave after `second` replaced `first`.
std::set<std::string> states_after_crash(bool sync_content, bool sync_name) {
  std::set<std::string> states;
  for (std::uint64_t seed = 0; seed < 400; ++seed) {
    MemoryWorld world;
    SeededRandom random(seed);
    EXPECT_TRUE(world.fs().write_marker(bytes_of("m")));
    EXPECT_TRUE(receive(world.fs(), "a", "first", true, true));
    EXPECT_TRUE(receive(world.fs(), "a", "2nd", sync_content, sync_name));
    world.disk().crash(random);
    auto const content = world.read("a");
    states.insert(content.value_or("(none)"));
  }
  return states;
}

TEST(MemoryDiskCrash, WhatIsNotSyncedMayGo) {
  using States = std::set<std::string>;
  EXPECT_EQ(states_after_crash(true, true), States{"2nd"});
  EXPECT_EQ(states_after_crash(true, false), (States{"2nd", "first"}));  // an exchange happens or not
  std::string const zeros(3, '\0');
  auto const torn = states_after_crash(false, true);  // the name is there, the content is anything
  EXPECT_TRUE(torn.contains("2nd") && torn.contains("") && torn.contains("2n") && torn.contains(zeros));
  EXPECT_FALSE(torn.contains("first"));
}

TEST(MemoryDiskCrash, WhatCameAfterASyncMayGo) {
  std::set<std::string> states;
  for (std::uint64_t seed = 0; seed < 200; ++seed) {
    MemoryWorld world;
    SeededRandom random(seed);
    ASSERT_TRUE(world.fs().write_marker(bytes_of("m")));
    auto const file = world.fs().create_temp(TempName("t"));
    ASSERT_TRUE(file && (*file)->write_at(0, bytes_of("abcd")) && (*file)->sync());
    ASSERT_TRUE(world.fs().sync_all());  // its name as well
    ASSERT_TRUE((*file)->write_at(4, bytes_of("efgh")));
    world.disk().crash(random);
    auto const left = world.read(".kith/tmp/t");
    ASSERT_TRUE(left);
    EXPECT_TRUE(left->starts_with("abcd")) << *left;
    states.insert(*left);
  }
  EXPECT_TRUE(states.contains("abcd") && states.contains("abcdefgh") && states.contains("abcdef"));
  EXPECT_TRUE(states.contains(std::string("abcdef\0\0", 8)));
}

TEST(MemoryDiskCrash, NamesAreUndoneFromTheLastOn) {
  std::set<std::string> states;
  for (std::uint64_t seed = 0; seed < 300; ++seed) {
    MemoryWorld world;
    SeededRandom random(seed);
    for (auto const* name : {"a", "b", "c", "d"}) world.make_directory(name);
    ASSERT_TRUE(world.fs().sync_directory(std::nullopt));
    world.move("a", "1");
    world.move("b", "2");
    world.move("c", "3");
    world.disk().crash(random);
    states.insert(joined(world.fs().list(std::nullopt)));
  }
  EXPECT_EQ(states, (std::set<std::string>{"1 2 3 d ", "1 2 c d ", "1 b c d ", "a b c d "}));
}

TEST(MemoryDiskCrash, ASyncedDirectoryHoldsAllThatCameBefore) {
  for (std::uint64_t seed = 0; seed < 100; ++seed) {
    MemoryWorld world;
    SeededRandom random(seed);
    world.make_directory("x");
    world.make_directory("y/z");
    ASSERT_TRUE(world.fs().sync_directory(path("y")));  // later than x, so x holds as well
    world.make_directory("w");
    world.disk().crash(random);
    EXPECT_TRUE(world.disk().look("x"));
    EXPECT_TRUE(world.disk().look("y/z"));
  }
}

TEST(MemoryDiskCrash, OldHandlesAreDead) {
  MemoryWorld world;
  SeededRandom random(1);
  ASSERT_TRUE(world.fs().write_marker(bytes_of("m")));
  auto const temp = world.fs().create_temp(TempName("t"));
  ASSERT_TRUE(temp);
  world.disk().crash(random);
  EXPECT_TRUE(fails_with((*temp)->write_at(0, bytes_of("x")), FilesError::io));
}

TEST(MemoryDisk, ASeedRepeatsEverything) {
  auto const run = [](std::uint64_t seed) {
    MemoryWorld world;
    SeededRandom random(seed);
    static_cast<void>(world.fs().write_marker(bytes_of("m")));
    for (int i = 0; i < 20; ++i) world.write("f" + std::to_string(i), std::string(100, 'x'));
    world.disk().crash(random);
    std::string all;
    for (auto const& file : world.disk().files()) all += file + '=' + *world.read(file) + '\n';
    return all;
  };
  EXPECT_EQ(run(5), run(5));
  EXPECT_NE(run(5), run(6));
}

TEST(MemoryFileSystem, FailsTheOperationItIsToldTo) {
  // Each operation of a whole receive fails once: nothing of the user's is ever touched, and the next try works.
  std::uint64_t const steps = [] {
    MemoryWorld world;
    EXPECT_TRUE(world.fs().write_marker(bytes_of("m")));
    world.write("a", "mine");
    auto const before = world.fs().operations();
    EXPECT_TRUE(receive(world.fs(), "a", "theirs", true, true));
    return world.fs().operations() - before;
  }();
  EXPECT_EQ(steps, 7U);
  for (std::uint64_t nth = 1; nth <= steps; ++nth) {
    MemoryWorld world;
    ASSERT_TRUE(world.fs().write_marker(bytes_of("m")));
    world.write("a", "mine");
    world.fs().fail_operation(nth, FilesError::no_space);
    auto const received = receive(world.fs(), "a", "theirs", true, true);
    auto const where = world.read("a");
    if (nth == 5) {  // stat failed, so nothing was expected there
      EXPECT_TRUE(fails_with(received, FilesError::exists));
    } else {
      EXPECT_TRUE(fails_with(received, FilesError::no_space)) << nth;
    }
    EXPECT_EQ(where, nth == 7 ? "theirs" : "mine") << nth;
    if (nth > 1 && nth < 7) {
      ASSERT_TRUE(world.fs().remove_temp(TempName("t"))) << nth;
    }
    EXPECT_TRUE(receive(world.fs(), "a", "theirs", true, true)) << nth;
  }
}

TEST(MemoryFileSystem, CanFailForGood) {
  MemoryWorld world;
  ASSERT_TRUE(world.fs().write_marker(bytes_of("m")));
  world.fs().fail_operation(2, FilesError::io, true);
  EXPECT_TRUE(world.fs().read_marker());
  for (int i = 0; i < 3; ++i) EXPECT_TRUE(fails_with(world.fs().read_marker(), FilesError::io));
  EXPECT_TRUE(MemoryFileSystem(world.disk()).read_marker());
}

TEST(MemoryDisk, CanBeFull) {
  MemoryWorld world({.ignores_case = false, .capacity_bytes = 100});
  ASSERT_TRUE(world.fs().write_marker(bytes_of("0123456789")));
  world.write("a", std::string(50, 'x'));
  EXPECT_EQ(*world.fs().free_space(), 40U);
  auto const temp = world.fs().create_temp(TempName("t"));
  ASSERT_TRUE(temp);
  EXPECT_TRUE(fails_with((*temp)->write_at(0, Bytes(41)), FilesError::no_space));
  EXPECT_TRUE((*temp)->write_at(0, Bytes(40)));
  EXPECT_TRUE((*temp)->write_at(0, Bytes(40)));  // what is there already costs nothing
  EXPECT_TRUE(fails_with((*temp)->truncate(41), FilesError::no_space));
  EXPECT_EQ(*world.fs().free_space(), 0U);
}

TEST(MemoryDisk, CanIgnoreCase) {
  MemoryWorld world({.ignores_case = true, .capacity_bytes = std::nullopt});
  ASSERT_TRUE(world.fs().write_marker(bytes_of("m")));
  world.write("Docs/README", "x");
  EXPECT_EQ(world.fs().stat(path("docs/readme")), world.fs().stat(path("Docs/README")));
  auto const temp = world.fs().create_temp(TempName("t"));
  ASSERT_TRUE(temp);
  EXPECT_TRUE(
      fails_with(world.fs().install(TempName("t"), path("Docs/ReadMe"), std::nullopt, kNow), FilesError::exists));
  auto const there = world.fs().stat(path("docs/readme"));
  ASSERT_TRUE(there);
  EXPECT_TRUE(world.fs().install(TempName("t"), path("docs/readme"), *there, kNow));
  auto const entries = world.fs().list(path("DOCS"));  // the name stays as it was
  ASSERT_TRUE(entries);
  ASSERT_EQ(entries->size(), 1U);
  EXPECT_EQ(entries->at(0).name, "README");
}

}  // namespace
}  // namespace kith::files::conformance
