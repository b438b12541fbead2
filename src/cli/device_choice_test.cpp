#include "cli/device_choice.hpp"

#include <gtest/gtest.h>

#include "base/encoding.hpp"
#include "engine/error.hpp"

namespace kith::cli {
namespace {

using engine::EngineError;

/// A device whose id begins with these digits and ends in zeros.
DeviceId device(std::string digits) {
  digits.resize(2 * DeviceId::kBytes, '0');
  return *DeviceId::from(*from_hex(digits));
}
DeviceId const kLaptop = device("657aaf52"), kDesktop = device("c0ffee00"), kPhone = device("0a1b2c3d");

std::vector<Candidate> group() { return {{kLaptop, "laptop"}, {kDesktop, "desktop"}, {kPhone, "phone"}}; }

std::string refused(std::vector<Candidate> const& all, std::string_view text, EngineError as) {
  auto const found = choose_device(all, text);
  EXPECT_FALSE(found) << text;
  if (found) return {};
  EXPECT_TRUE(found.error().is(as)) << text;
  return std::string(found.error().subject());
}

TEST(DeviceChoice, ByNameAndById) {
  for (auto const* text :
       {"laptop", "657a", "657AAF", "657aaf52", "id:657aaf52", "ID:657AAF520", "id:657aaf5200000000"})
    EXPECT_EQ(choose_device(group(), text), kLaptop) << text;
  EXPECT_EQ(choose_device(group(), "id:" + to_hex(kPhone.view())), kPhone);
  for (auto const* text : {"", "lap", "657", "657b", "id:657aaf53", "laptop "})
    refused(group(), text, EngineError::no_such_device);
  refused(group(), to_hex(kPhone.view()) + "0", EngineError::no_such_device);
}

TEST(DeviceChoice, WhatFollowsTheMarkIsAnId) {
  for (auto const* text : {"id:", "id:657aaf5", "id:laptop", "id:id:657aaf52", "id:657aaf5x", "id: 657aaf52"})
    refused(group(), text, EngineError::usage);
}

TEST(DeviceChoice, ANameDoesNotHideAnId) {
  std::vector<Candidate> const all{{kLaptop, "laptop"}, {kDesktop, "657aaf52"}, {kPhone, "id:657aaf52"}};
  EXPECT_EQ(refused(all, "657aaf52", EngineError::ambiguous_device), "laptop 657aaf52, 657aaf52 c0ffee00");
  EXPECT_EQ(choose_device(all, "id:657aaf52"), kLaptop);
  EXPECT_EQ(choose_device(all, "id:c0ffee00"), kDesktop);
  EXPECT_EQ(choose_device(all, "laptop"), kLaptop);
}

TEST(DeviceChoice, OneDeviceThatFitsTwiceIsOne) {
  EXPECT_EQ(choose_device({{kLaptop, "657aaf52"}, {kDesktop, "desktop"}}, "657aaf52"), kLaptop);
}

TEST(DeviceChoice, OfOneNameAllAreListedWithTheirStates) {
  std::vector<Candidate> const all{{kLaptop, "phone", true}, {kDesktop, "desktop"}, {kPhone, "phone"}};
  EXPECT_EQ(refused(all, "phone", EngineError::ambiguous_device), "phone 657aaf52 (revoked), phone 0a1b2c3d");
}

TEST(DeviceChoice, IdsAreShownAsFarAsTheyDiffer) {
  auto const twin = device("657aaf5200a");
  std::vector<Candidate> const all{{kLaptop, "laptop"}, {twin, "laptop"}, {kPhone, "phone"}};
  EXPECT_EQ(telling_id(all, kPhone), "0a1b2c3d");
  EXPECT_EQ(telling_id(all, twin), "657aaf5200a");
  EXPECT_EQ(telling_id(all, kLaptop), "657aaf52000");
  EXPECT_EQ(refused(all, "id:657aaf52", EngineError::ambiguous_device), "laptop 657aaf52000, laptop 657aaf5200a");
  EXPECT_EQ(choose_device(all, "id:657aaf5200a"), twin);
}

}  // namespace
}  // namespace kith::cli
