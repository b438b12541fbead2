#include <gtest/gtest.h>

#include "support/log_network.hpp"
#include "support/raw_entry.hpp"

/// A member that begins log after log: everybody goes on, and holds the same.
namespace kith::sync {
namespace {

using testing::LogNetwork;
using testing::must;
using testing::TestDevice;

struct ManyLogs : ::testing::Test {
  ManyLogs() {
    must(a.replica.create_group("home", "laptop", testing::test_recovery(7), a.now()));
    for (auto* other : {&b, &c}) {
      a.invite(*other);
      other->pull_from(a);
    }
    std::vector<wire::Op> adds;
    for (auto const& one : others) {
      adds.emplace_back(wire::DeviceAdd{one.cert, "of b", b.replica.sealing_epoch().value(), std::nullopt});
    }
    c.pull_from(a), b.pull_from(a);
    must(b.replica.write(std::move(adds), b.now()));
    a.pull_from(b), a.push("rotates"), b.pull_from(a), c.pull_from(a);
    first_tips = must(b.replica.tips());
  }
  /// First entries of so many logs of `author`, none in the past of another.
  std::vector<Bytes> logs_of(core::Identity const& author, std::size_t count) {
    std::vector<Bytes> entries;
    for (std::size_t i = 0; i < count; ++i) {
      std::vector<wire::Op> ops;
      ops.emplace_back(wire::Message{"t", 0, {Bytes{'x'}}});
      auto const body = testing::raw_body(author, {++incarnations}, first_tips, ops);
      entries.push_back(testing::raw_entry(body, author, a.replica, random).sealed);
    }
    return entries;
  }
  /// The same of several devices that `b` brought in, each within what others take.
  std::vector<Bytes> logs(std::size_t count) {
    std::vector<Bytes> entries;
    for (auto const& author : others) {
      auto more = logs_of(author, std::min(count - entries.size(), kEach));
      entries.insert(entries.end(), std::move_iterator(more.begin()), std::move_iterator(more.end()));
    }
    return entries;
  }
  std::size_t branches(TestDevice& device) { return must(device.replica.state().tips()).size(); }
  std::size_t leading(TestDevice& device) {
    auto const& state = device.replica.state();
    return must(state.leading(must(state.tips()))).size();
  }
  /// Does what is due, until nothing is. @return how often
  std::size_t upkeep(TestDevice& device) {
    for (std::size_t times = 0; times < 10; ++times) {
      auto const due = device.replica.upkeep_due(device.now().wall);
      if (!due || due->by_age) return times;
      must(device.replica.do_upkeep(due->kind, device.now()));
    }
    ADD_FAILURE() << "it goes on for ever";
    return 0;
  }

  static constexpr std::size_t kEach = 200;
  testing::SeededRandom random{50};
  std::vector<core::Identity> others = [&] {
    std::vector<core::Identity> made;
    for (int i = 0; i < 7; ++i) made.push_back(core::Identity::generate(random, {0}));
    return made;
  }();
  TestDevice a{1, "laptop"}, b{2, "desktop"}, c{3, "phone"};
  std::vector<Tip> first_tips;
  std::uint64_t incarnations = std::uint64_t{1} << 63;  // the longest to encode
};

TEST_F(ManyLogs, AreSaidInFramesThatFitAndComeEverywhere) {
  constexpr std::size_t kLogs = 1300;  // more than a frame of 96 KiB can name
  EXPECT_EQ(a.receive(logs(kLogs)).applied, kLogs);
  EXPECT_EQ(leading(a), kLogs) << "all else is in their past";
  auto const said = must(a.replica.tips());
  EXPECT_EQ(said.size(), kLimits.max_tips);
  EXPECT_TRUE(std::ranges::is_sorted(said));

  LogNetwork network;
  network.join(a, c);
  ASSERT_TRUE(network.run());
  EXPECT_GE(branches(c), kLimits.max_tips) << "as far as the frames go";
  EXPECT_EQ(upkeep(a), 1U) << "it gathers them";
  EXPECT_EQ(leading(a), 1U);
  network.changed(a);
  ASSERT_TRUE(network.run());
  EXPECT_EQ(must(a.replica.heads()), must(c.replica.heads()));
  EXPECT_EQ(must(a.messages.digest()), must(c.messages.digest()));
  EXPECT_TRUE(must(network.links().front().a.log.equal()));
  EXPECT_EQ(upkeep(c), 0U) << "one device did it for all";
  for (auto const& link : network.links()) EXPECT_LE(link.a.sent.largest_frame, kLimits.max_frame_bytes + 4);

  c.push("live");
  network.changed(c);
  ASSERT_TRUE(network.run());
  EXPECT_EQ(must(a.replica.heads()), must(c.replica.heads()));
}

TEST_F(ManyLogs, LeaveRoomForOpsInTheFirstEntryOfALog) {
  EXPECT_EQ(a.receive(logs(700)).applied, 700U);
  must(a.replica.start_incarnation());
  std::string incompressible;
  testing::Dice dice(1);
  while (incompressible.size() < kLimits.max_inline_message_bytes)
    incompressible.push_back(static_cast<char>(dice.next()));
  auto const id = a.push(incompressible);
  auto const record = *must(a.replica.state().record(id.entry));
  EXPECT_EQ(record.past.places().size(), a.replica.state().chains().size()) << "its past is all that is here";
  EXPECT_EQ(leading(a), 1U);
  must(a.replica.start_incarnation());
  a.push("another");
  EXPECT_EQ(must(a.replica.state().tips()).size(), 704U) << "each log still has an end";
  c.pull_from(a);
  EXPECT_EQ(must(a.replica.heads()), must(c.replica.heads()));
}

TEST_F(ManyLogs, LeaveRoomForARotationAndARemovalByTheWords) {
  EXPECT_EQ(a.receive(logs_of(b.identity, kEach)).applied, kEach);
  auto const recovery = testing::test_recovery(7);
  must(a.replica.remove_device(b.replica.self(), wire::RemoveReason::compromised, &recovery, a.now()));
  EXPECT_FALSE(a.replica.state().roster().active(b.replica.self()));
  c.pull_from(a);
  EXPECT_FALSE(c.replica.state().roster().active(b.replica.self())) << "the recovery signature names the right seq";
  EXPECT_EQ(must(a.replica.heads()), must(c.replica.heads()));
  EXPECT_EQ(a.receive(logs_of(b.identity, 50)).applied, 50U);
  EXPECT_EQ(branches(a), branches(c)) << "a removed member's logs are set aside";
}

}  // namespace
}  // namespace kith::sync
