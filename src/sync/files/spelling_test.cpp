#include "sync/files/spelling.hpp"

#include <gtest/gtest.h>

#include "support/must.hpp"
#include "sync/files/memory_world.hpp"

namespace kith::files {
namespace {

using conformance::MemoryWorld;
using testing::must;

bool otherwise(MemoryWorld& world, std::string const& path) {
  return Spellings().otherwise(world.fs(), must(RelPath::parse(path)));
}

TEST(Spellings, TellAnotherNameOnADiskThatIgnoresCase) {
  MemoryWorld world({.ignores_case = true, .capacity_bytes = {}});
  world.write("Docs/Thesis.txt", "text");
  world.write("Docs/123", "no letters");
  world.write("caf\xc3\xa9", "composed");
  world.write("\xc3\x89", "a letter, and none of ASCII");
  for (auto const* path : {"Docs", "Docs/Thesis.txt", "Docs/123", "caf\xc3\xa9", "cafe\xcc\x81", "\xc3\x89"}) {
    EXPECT_FALSE(otherwise(world, path)) << path;
  }
  for (auto const* path :
       {"docs", "docs/Thesis.txt", "docs/new", "docs/123", "Docs/thesis.txt", "CAF\xc3\xa9", "\xc3\xa9"}) {
    EXPECT_TRUE(otherwise(world, path)) << path;
  }
  EXPECT_FALSE(otherwise(world, "Docs/new")) << "nothing is there";
}

TEST(Spellings, AreTheirOwnOnAnyOtherDisk) {
  MemoryWorld world;
  world.write("Docs/Thesis", "text");
  world.write("docs/thesis", "text");
  for (auto const* path : {"Docs/Thesis", "docs/thesis", "DOCS/thesis", "docs/new"}) {
    EXPECT_FALSE(otherwise(world, path)) << path;
  }
}

TEST(Spellings, AreRememberedForOneDirectory) {
  MemoryWorld world({.ignores_case = true, .capacity_bytes = {}});
  world.write("a", "text");
  Spellings spellings;
  auto const path = must(RelPath::parse("A"));
  auto const looks = [&] {
    auto const before = world.fs().operations();
    EXPECT_TRUE(spellings.otherwise(world.fs(), path));
    return world.fs().operations() - before;
  };
  auto const first = looks();
  EXPECT_LT(looks(), first);
  world.move("a", "b");
  world.move("b", "A");
  spellings.forget();
  EXPECT_FALSE(spellings.otherwise(world.fs(), path));
}

}  // namespace
}  // namespace kith::files
