#include "engine/device_name.hpp"

#include <gtest/gtest.h>

namespace kith::engine {
namespace {

TEST(DeviceNames, ThatReadAsIds) {
  for (auto const* id : {"657aaf52", "657AAF52", "00000000", "3f2a9c1b7d44", "deadbeef", "id:", "id:657aaf52", "ID:x"})
    EXPECT_TRUE(reads_as_id(id)) << id;
  for (auto const* name : {"", "laptop", "657aaf5", "657aaf5g", "657aaf52 ", "a-657aaf52", "id", "i:d", "decade"})
    EXPECT_FALSE(reads_as_id(name)) << name;
}

TEST(DeviceNames, OfNewcomers) {
  EXPECT_EQ(free_name({}, "phone"), "phone");
  EXPECT_EQ(free_name({"phone"}, "phone"), "phone-2");
  EXPECT_EQ(free_name({"phone", "phone-2"}, "phone"), "phone-3");
  EXPECT_EQ(free_name({}, "657aaf52"), "device-657aaf52");
  EXPECT_EQ(free_name({"device-657aaf52"}, "657aaf52"), "device-657aaf52-2");
  EXPECT_EQ(free_name({}, "id:657aaf52"), "device-id:657aaf52");
}

TEST(DeviceNames, OfNewcomersAreCutBetweenCharacters) {
  EXPECT_EQ(free_name({}, std::string(255, 'x')), std::string(247, 'x'));
  EXPECT_EQ(free_name({std::string(247, 'x')}, std::string(255, 'x')), std::string(247, 'x') + "-2");
  std::string umlauts = "x";
  while (umlauts.size() < 255) umlauts += "\xc3\xa4";
  EXPECT_EQ(free_name({}, umlauts), umlauts.substr(0, 247));
  EXPECT_EQ(free_name({}, "y" + umlauts), ("y" + umlauts).substr(0, 246));
  EXPECT_EQ(free_name({}, std::string(247, 'a') + "xyz"), std::string(247, 'a') + "-2") << "the cut made it an id";
}

}  // namespace
}  // namespace kith::engine
