#include "sync/files/file_system.hpp"

#include "sync/files/file_system_conformance.hpp"
#include "sync/files/memory_world.hpp"

namespace kith::files::conformance {
namespace {

INSTANTIATE_TEST_SUITE_P(Memory, FileSystemConformance,
                         ::testing::Values(NamedWorld{"memory", [] { return std::make_unique<MemoryWorld>(); }}),
                         [](auto const& world) { return world.param.name; });

TEST(TempName, OnlyHarmlessNames) {
  EXPECT_TRUE(TempName::valid("0a1b-2.part_X"));
  EXPECT_TRUE(TempName::valid(std::string(128, 'a')));
  for (auto const& bad : {std::string(), std::string("."), std::string(".."), std::string(".a"), std::string("a/b"),
                          std::string("a b"), std::string("\xc3\xa9"), std::string("a\0b", 3), std::string(129, 'a')})
    EXPECT_FALSE(TempName::valid(bad)) << bad;
}

TEST(TrashedBefore, ReadsTheStamp) {
  EXPECT_TRUE(trashed_before("20261121-140311", kNow));
  EXPECT_FALSE(trashed_before("20261121-140312", kNow));
  EXPECT_FALSE(trashed_before("20261121-140312-2", kNow));
  EXPECT_TRUE(trashed_before("20261121-140311-2", kNow));
  for (auto const* foreign : {"", "2026", "00000000x000000", "a0000000-000000", "not-ours"})
    EXPECT_FALSE(trashed_before(foreign, kNow)) << foreign;
}

}  // namespace
}  // namespace kith::files::conformance
