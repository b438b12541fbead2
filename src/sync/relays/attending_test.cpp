#include "sync/relays/attending.hpp"

#include "support/at_a_relay.hpp"
#include "support/must.hpp"

namespace kith::sync {
namespace {

using namespace std::chrono_literals;
using testing::AtARelay;
using testing::must;
using testing::RelayDevice;

/// A relay that the group uses no more, and one that it uses now.
struct Attending : AtARelay {
  std::vector<wire::RelayKey> attended(RelayDevice& device, std::chrono::milliseconds later = 0ms) {
    std::vector<wire::RelayKey> keys;
    auto const now = net.now_at(device).wall.ms + later.count();
    for (auto const& each : attended_relays(device.replica.state().roster(), device.replica.self(), {now}))
      keys.push_back(each.relay);
    return keys;
  }
  void give_up(testing::TestRelay& which, wire::ChannelId const& channel) {
    std::vector<wire::Op> ops;
    ops.emplace_back(wire::RelayRemove{which.relay_key(), channel});
    must(a.replica.write(std::move(ops), net.now()));
  }
  testing::TestRelay other{101};
};

TEST_F(Attending, UntilWhoIsKnownThereAloneHasANameElsewhere) {
  net.add(other);
  net.let_in(a, b);
  net.wait(40s);
  net.go_offline(b);
  auto const there = net.enlist(a, other);
  EXPECT_TRUE(attended(a).empty()) << "it is used";
  give_up(relay, registered.channel);
  EXPECT_EQ(attended(a), std::vector{relay.relay_key()});
  EXPECT_TRUE(attended(a, 31 * 24h).empty()) << "not for ever";
  EXPECT_TRUE(attended(a, -25h).empty()) << "dated into the future";
  b.pull_from(a);
  std::vector<wire::Op> named;
  named.emplace_back(wire::DeviceRelay{b.replica.self(), other.relay_key(), {}});
  must(b.replica.write(std::move(named), net.now()));
  a.pull_from(b);
  EXPECT_TRUE(attended(a).empty());
  give_up(other, there.channel);
  EXPECT_TRUE(attended(a).empty()) << "without any relay nobody can be led to one";
}

TEST_F(Attending, NotForDevicesThatAreNotInTheGroup) {
  net.add(other);
  net.let_in(a, b);
  net.wait(40s);
  net.go_offline(b);
  net.enlist(a, other);
  give_up(relay, registered.channel);
  must(a.replica.remove_device(b.replica.self(), wire::RemoveReason::lost, nullptr, net.now()));
  EXPECT_TRUE(attended(a).empty());
  EXPECT_TRUE(attended(c).empty());
}

}  // namespace
}  // namespace kith::sync
