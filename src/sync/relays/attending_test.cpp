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
  std::vector<wire::RelayKey> attended(RelayDevice& device) {
    std::vector<wire::RelayKey> keys;
    auto const relays = must(attended_relays(device.replica.state().roster(), device.replica.self(), device.store));
    for (auto const& each : relays) keys.push_back(each.relay);
    return keys;
  }
  void give_up(testing::TestRelay& which, wire::ChannelId const& channel) {
    std::vector<wire::Op> ops;
    ops.emplace_back(wire::RelayRemove{which.relay_key(), channel});
    must(a.replica.write(std::move(ops), net.now()));
  }
  /// Tells what it is called at the relay that is used now.
  void name_itself(RelayDevice& device) {
    auto const face = core::relay_face(device.identity.root, other.relay_key(), device.replica.state().group());
    std::vector<wire::Op> named;
    named.emplace_back(wire::DeviceRelay{device.replica.self(), other.relay_key(), face.pseudonym()});
    must(device.replica.write(std::move(named), net.now()));
  }
  testing::TestRelay other{101};
};

TEST_F(Attending, UntilWhoIsKnownThereAloneHasANameElsewhere) {
  net.add(other);
  net.let_in(a, b);
  net.wait(40s);
  net.go_offline(b);
  auto const there = net.enlist(a, other);
  net.wait(1s);
  EXPECT_TRUE(attended(a).empty()) << "it is used";
  give_up(relay, registered.channel);
  EXPECT_EQ(attended(a), std::vector{relay.relay_key()});
  b.pull_from(a);
  name_itself(b);
  a.pull_from(b);
  EXPECT_TRUE(attended(a).empty());
  give_up(other, there.channel);
  EXPECT_TRUE(attended(a).empty()) << "without any relay nobody can be led to one";
}

TEST_F(Attending, UntilThisDeviceIsLetInElsewhere) {
  net.add(other);
  net.let_in(a, b);
  net.wait(40s);
  net.go_offline(b);
  net.enlist(a, other);
  give_up(relay, registered.channel);
  b.pull_from(a);
  name_itself(b);
  EXPECT_EQ(attended(b), std::vector{relay.relay_key()}) << "nobody else has heard that name";
  a.pull_from(b);
  net.changed(a);
  b.online = true;
  net.changed(b);
  net.wait(1min);
  EXPECT_TRUE(attended(b).empty());
}

TEST_F(Attending, NotForDevicesThatAreNotInTheGroup) {
  net.add(other);
  net.let_in(a, b);
  net.wait(40s);
  net.go_offline(b);
  net.enlist(a, other);
  net.wait(1s);
  give_up(relay, registered.channel);
  must(a.replica.remove_device(b.replica.self(), wire::RemoveReason::lost, nullptr, net.now()));
  EXPECT_TRUE(attended(a).empty());
  EXPECT_TRUE(attended(c).empty());
}

TEST_F(Attending, TellsNothingOfThisDeviceThere) {
  auto& mailbox = a.at(relay);
  wire::Presence presence;
  auto const told = [&](std::uint16_t held) {
    auto const before = mailbox.record().presence_counter;
    presence.held = held;
    must(mailbox.set_presence(presence, {}, net.now()));
    net.wait(5s);
    return mailbox.record().presence_counter != before;
  };
  EXPECT_TRUE(told(1));
  presence.held = 2;
  must(mailbox.set_presence(presence, {}, net.now()));
  must(mailbox.set_presence({}, {}, net.now()));  // it waits for its turn
  auto const before = mailbox.record().presence_counter;
  mailbox.set_attended(true, net.now());
  net.wait(5s);
  EXPECT_EQ(mailbox.record().presence_counter, before);
  EXPECT_FALSE(told(3));
  mailbox.set_attended(false, net.now());
  EXPECT_TRUE(told(3));
}

TEST_F(Attending, LooksEverMoreSeldomForARelayThatDoesNotAnswer) {
  auto& mailbox = a.at(relay);
  net.go_offline(a);
  auto const in = [&](std::chrono::milliseconds time) { return Now{net.now().mono + time, net.now().wall}; };
  auto const fail_often = [&] {
    for (int i = 0; i < 12; ++i) {
      mailbox.dialling(net.now());
      mailbox.dial_failed(core::CoreError::timed_out, net.now());
    }
  };
  fail_often();
  EXPECT_TRUE(mailbox.wants_link(in(Mailbox::kLongestWait)));
  mailbox.set_attended(true, net.now());
  fail_often();
  EXPECT_FALSE(mailbox.wants_link(in(Mailbox::kLongestAttendedWait / 2 - 1ms)));
  EXPECT_TRUE(mailbox.wants_link(in(Mailbox::kLongestAttendedWait)));
  mailbox.set_attended(false, net.now());
  EXPECT_TRUE(mailbox.wants_link(net.now())) << "the group uses it again";
  fail_often();
  EXPECT_TRUE(mailbox.wants_link(in(Mailbox::kLongestWait)));
}

}  // namespace
}  // namespace kith::sync
