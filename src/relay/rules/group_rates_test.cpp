// What the devices of one group may send together, and that none of them waits
// for ever because of the others.
#include <numeric>

#include "relay/rules/relay_testing.hpp"

namespace kith::relay {
namespace {

using namespace std::chrono_literals;

class GroupRatesTest : public ::testing::Test {
 protected:
  static constexpr std::size_t kDevices = 8;
  static Settings settings() {
    auto settings = RelayWorld::defaults();
    settings.device_orders = {10, 20};
    settings.device_bytes = {100'000, 1'000'000};
    settings.group_orders = {20, 40};
    settings.group_bytes = {200'000, 2'000'000};
    return settings;
  }
  GroupRatesTest() {
    std::vector<std::size_t> all(kDevices);
    std::iota(all.begin(), all.end(), 0U);
    world_.make(group_, all);
    world_.make(other_, {0});
    for (auto const device : all) {
      links_.push_back(&world_.join(group_, device));
      links_.back()->got.clear();
    }
  }
  /// Has a device say so many things that are answered at once.
  static void flood(RelayWorld::Link& link, int orders) {
    for (int i = 0; i < orders; ++i) link.channel.send(wire::Trim{1, {}});
  }
  [[nodiscard]] std::size_t answers() const {
    std::size_t count = 0;
    for (auto const* link : links_) count += link->got.size();
    return count;
  }

  RelayWorld world_{settings()};
  TestGroup group_{world_.random, kDevices}, other_{world_.random, 1};
  std::vector<RelayWorld::Link*> links_;
};

TEST_F(GroupRatesTest, ManyDevicesHaveNoMoreThanTheirGroup) {
  for (auto* link : links_) flood(*link, 500);
  world_.run();
  // What the group may at once, and what brings each of its devices into debt.
  EXPECT_GE(answers(), 40U);
  EXPECT_LE(answers(), 40U + 2 * kDevices);
  world_.pass(60s);
  EXPECT_NEAR(static_cast<double>(answers()), 40 + 60 * 20, 5 * kDevices);
  // Each of them had about its part.
  for (auto const* link : links_) EXPECT_GT(link->got.size(), 60U * 20 / kDevices / 2);
}

TEST_F(GroupRatesTest, ManyDevicesSendNoMoreBytesThanTheirGroup) {
  for (auto* link : links_) {
    for (std::uint64_t seq = 1; seq < 200; ++seq) link->channel.send(push_of(seq, {Bytes(50'000)}));
  }
  world_.run();
  world_.pass(60s);
  std::size_t pushed = 0;
  for (auto const* link : links_) pushed += all_of<wire::PushAck>(*link).size();
  EXPECT_LE(pushed * 50'000, 2'000'000U + 60U * 200'000U + kDevices * 200'000U);
  EXPECT_GE(pushed * 50'000, 60U * 200'000U / 2);
}

/// A link is asked for more when the relay says so, and not before: whoever is
/// not read must be among the woken later.
TEST_F(GroupRatesTest, WhoIsNotReadIsWokenThoughOthersBroughtTheDebt) {
  auto& quiet = *links_[1];
  world_.say(quiet, wire::Trim{1, {}});
  for (auto* link : links_) {
    if (link != &quiet) flood(*link, 100);
  }
  world_.run();
  for (int orders : {0, 1, 5}) {  // what it says itself meanwhile
    flood(quiet, orders);
    world_.run();
    static_cast<void>(world_.relay.take_woken());
    bool const sleeps = !world_.relay.reading(quiet.id);
    auto const deadline = world_.now.mono + 5s;
    bool woken = false;
    for (auto next = world_.relay.next_deadline(); next && *next <= deadline && !woken;
         next = world_.relay.next_deadline()) {
      world_.now.mono = std::max(world_.now.mono, *next);
      world_.relay.on_timer(world_.now);
      woken = world_.relay.take_woken().contains(quiet.id) && world_.relay.reading(quiet.id);
    }
    EXPECT_TRUE(!sleeps || woken) << orders;
    EXPECT_TRUE(!sleeps || orders > 0) << "it said nothing, and others have it not read";
    world_.run();
  }
}

TEST_F(GroupRatesTest, WhoSaysLittleIsNotStarvedByWhoFloods) {
  for (auto* link : links_) {
    if (link != links_[0]) flood(*link, 2000);
  }
  world_.run();
  auto& patient = *links_[0];
  for (int second = 0; second < 60; ++second) {
    patient.got.clear();
    world_.say(patient, wire::Trim{1, {}});
    world_.pass(1s);
    EXPECT_EQ(patient.got.size(), 1U) << second;
  }
}

TEST_F(GroupRatesTest, OtherGroupsDoNotNotice) {
  auto& other = world_.join(other_, 0);
  other.got.clear();
  for (auto* link : links_) flood(*link, 500);
  world_.run();
  world_.pass(5s);
  flood(other, 20);
  world_.run();
  EXPECT_EQ(other.got.size(), 20U);
  EXPECT_TRUE(world_.relay.reading(other.id));
}

TEST_F(GroupRatesTest, DiallingAgainGainsNothing) {
  for (auto* link : links_) flood(*link, 100);
  world_.run();
  for (auto* link : links_) world_.close(*link);
  std::size_t gained = 0;
  for (std::size_t device = 0; device < kDevices; ++device) {
    auto& again = world_.dial();
    world_.say(again, world_.hello(again, group_, device));
    again.got.clear();
    flood(again, 10);
    world_.run();
    gained += again.got.size();
  }
  EXPECT_LE(gained, kDevices);
}

TEST(GroupRateDefaults, LeaveAHouseholdAsItIs) {
  Settings const settings;
  EXPECT_GE(settings.group_orders.per_second, 4 * settings.device_orders.per_second);
  EXPECT_GE(settings.group_orders.burst, 4 * settings.device_orders.burst);
  EXPECT_GE(settings.group_bytes.per_second, 4 * settings.device_bytes.per_second);
  EXPECT_GE(settings.group_bytes.burst, 4 * settings.device_bytes.burst);
  RelayWorld world;
  TestGroup const group(world.random, 4);
  world.make(group, {0, 1, 2, 3});
  for (std::size_t device = 0; device < 4; ++device) {
    auto& link = world.join(group, device);
    link.got.clear();
    for (int i = 0; i < 1000; ++i) link.channel.send(wire::Trim{1, {}});
    world.run();
    EXPECT_EQ(link.got.size(), 1000U) << device;
  }
}

}  // namespace
}  // namespace kith::relay
