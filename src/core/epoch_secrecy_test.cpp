#include <gtest/gtest.h>

#include "support/test_device.hpp"

/// Secrets that are learned before what they are about: a wrap opens at once, the entry in it may have to wait.
namespace kith::core {
namespace {

using testing::must;
using testing::TestDevice;

struct EarlySecrets : ::testing::Test {
  EarlySecrets() {
    must(a.replica.create_group("home", "laptop", testing::test_recovery(7), a.now()));
    a.invite(b);
    a.invite(c);
    exchange(b);
    exchange(c);
  }
  void exchange(TestDevice& other) {
    other.pull_from(a);
    a.pull_from(other);
  }
  TestDevice a{1, "laptop"}, b{2, "stolen"}, c{3, "desktop"};
};

TEST_F(EarlySecrets, OfAnEpochAfterARemovalAreNotHandedOnBeforeTheRemovalIsKnown) {
  auto const before = a.sealed_entries().size();
  must(a.replica.remove_device(b.identity.device(), wire::RemoveReason::lost, nullptr, a.now()));
  auto const all = a.sealed_entries();
  auto const epoch = a.replica.sealing_epoch().value();
  ASSERT_EQ(all.size(), before + 2) << "the removal, and the new epoch behind it";
  auto const received = c.receive({all.back()});
  ASSERT_EQ(received.pending, 1U);
  ASSERT_NE(c.replica.state().secret(epoch), nullptr);
  ASSERT_TRUE(c.replica.state().roster().active(b.identity.device()));

  must(c.replica.rotate(c.now()));  // for everybody it knows
  c.push("hello all");
  b.pull_from(c);
  ASSERT_EQ(b.texts(), std::vector<std::string>{"hello all"});
  EXPECT_EQ(b.replica.state().secret(epoch), nullptr);

  // Once the removal is known, nobody needs to have been told earlier.
  exchange(c);
  ASSERT_FALSE(c.replica.state().roster().active(b.identity.device()));
  for (int round = 0; round < 3; ++round) {
    for (auto* device : {&a, &c}) {
      auto const due = device->replica.upkeep_due(device->now().wall);
      if (due && !due->by_age) must(device->replica.do_upkeep(due->kind, device->now()));
    }
    exchange(c);
  }
  b.receive(a.all_entries());
  EXPECT_EQ(b.replica.state().secret(epoch), nullptr);
  TestDevice newcomer{4, "phone"};
  a.push("after it");
  a.invite(newcomer);
  newcomer.pull_from(a);
  EXPECT_EQ(newcomer.texts(), a.texts()) << "the newest epoch opens all history";
}

}  // namespace
}  // namespace kith::core
