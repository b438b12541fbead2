#include <gtest/gtest.h>

#include "support/log_network.hpp"

/// Two homes wrote under one device's name: its log has branches, and a branch leaves the other one below its end,
/// where nobody who holds only that one knows to look for it.
namespace kith::sync {
namespace {

using testing::LogLink;
using testing::LogNetwork;
using testing::must;
using testing::TestDevice;

/// The WANTs that bring a branch of so many entries: it is reached with 1, 8, 64... entries at a time.
std::size_t wants_for(std::size_t branch) {
  std::size_t wants = 0;
  for (std::size_t reached = 0, next = 1; reached < branch; next *= 8) reached += next, ++wants;
  return wants;
}

struct ForkedLogs : ::testing::Test {
  ForkedLogs() {
    must(a.replica.create_group("home", "laptop", testing::test_recovery(7), a.now()));
    a.invite(b);
    b.pull_from(a);
  }
  /// `a` meets b, and then the copy of b's home. @return how it met the copy
  LogLink& meet_both(TestDevice& copy) {
    network.join(a, b);
    EXPECT_TRUE(network.run());
    network.cut_all();
    auto& link = network.join(a, copy);
    EXPECT_TRUE(network.run());
    EXPECT_EQ(must(a.replica.heads()), must(copy.replica.heads()));
    EXPECT_EQ(must(a.messages.digest()), must(copy.messages.digest()));
    EXPECT_EQ(a.texts().size(), written);
    return link;
  }
  void write(TestDevice& home, std::size_t entries) {
    for (std::size_t i = 0; i < entries; ++i) home.push(std::to_string(written++));
  }
  TestDevice a{1, "laptop"};
  TestDevice b{2, "desktop"};
  LogNetwork network;
  std::size_t written = 0;
};

TEST_F(ForkedLogs, BringBothBranches) {
  auto const copy = b.copied(51);
  write(b, 12);
  write(*copy, 30);
  auto& link = meet_both(*copy);
  std::size_t alarms = 0;
  must(a.store.scan(core::Table::alarms, {}, {}, [&](ByteView, ByteView) {
    ++alarms;
    return store::Store::Next::go_on;
  }));
  EXPECT_EQ(alarms, 1U);
  EXPECT_EQ(wants_for(12), 3U);
  EXPECT_LE(std::max(link.a.sent.wants, link.b.sent.wants), wants_for(12));
  network.cut_all();
  network.join(a, b);
  ASSERT_TRUE(network.run());
  EXPECT_EQ(must(a.replica.heads()), must(b.replica.heads()));
}

/// However long the branch, and however long what it grew from: few WANTs, and a few times its entries.
TEST_F(ForkedLogs, CostWantsLikeTheLogarithmOfTheBranchAndEntriesLikeTheBranch) {
  constexpr std::size_t kBranch = 150;
  write(b, 600);
  auto const copy = b.copied(52);
  write(b, kBranch);
  write(*copy, kBranch + 50);
  auto& link = meet_both(*copy);
  EXPECT_EQ(wants_for(kBranch), 4U);
  for (auto const* end : {&link.a, &link.b}) {
    EXPECT_GE(end->received.applied, kBranch);
    EXPECT_LE(end->sent.wants, wants_for(kBranch));
    EXPECT_LE(end->received.duplicates, 7 * kBranch) << "a step reaches eight times as far as the one before";
  }
}

/// Reaching back ends with what it was for: later entries of the log are asked for by themselves.
TEST_F(ForkedLogs, DoNotMakeLaterEntriesComeTwice) {
  auto const copy = b.copied(53);
  write(b, 20);
  write(*copy, 40);
  meet_both(*copy);
  network.cut_all();
  write(*copy, 10);
  auto& link = meet_both(*copy);
  EXPECT_EQ(link.b.sent.entries, 10U);
  EXPECT_EQ(link.a.received.duplicates, 0U);

  write(*copy, 100);  // more than are pushed
  network.changed(*copy);
  ASSERT_TRUE(network.run());
  EXPECT_EQ(link.b.sent.entries, 110U);
  EXPECT_EQ(link.a.received.duplicates, 0U);
  EXPECT_EQ(link.a.sent.wants, 2U);
}

/// What was reached waits in the database, so that a session that is cut leaves less for the next.
TEST_F(ForkedLogs, GoOnWhereASessionWasCut) {
  auto const copy = b.copied(54);
  write(b, 150);
  write(*copy, 150);
  network.join(a, b);
  ASSERT_TRUE(network.run());
  network.cut_all();
  std::size_t sessions = 0;
  for (; must(a.replica.heads()) != must(copy->replica.heads()) && sessions < 50; ++sessions) {
    network.join(a, *copy);
    ASSERT_TRUE(network.run(40));
    network.cut_all();
  }
  EXPECT_GT(sessions, 1U);
  EXPECT_LT(sessions, 20U);
  EXPECT_EQ(must(a.replica.heads()), must(copy->replica.heads()));
}

/// The new epoch's secret is further back in the branch than what is asked for first. That came before, in a session
/// that was cut or from somebody else, so it is nothing new now.
TEST_F(ForkedLogs, AreReachedBehindWhatCannotBeOpenedYet) {
  auto const copy = b.copied(55);
  write(b, 12);
  write(*copy, 2);
  must(copy->replica.rotate(copy->now()));
  write(*copy, 20);
  network.join(a, b);
  ASSERT_TRUE(network.run());
  network.cut_all();
  auto const all = copy->sealed_entries();
  EXPECT_EQ(a.receive({all.end() - 11, all.end()}).unopened, 11U);
  meet_both(*copy);
}

/// A log that ends under an epoch which nobody tells: not for each entry that comes from elsewhere.
TEST(ClosedLogs, AreAskedForEverMoreSeldom) {
  TestDevice a{1, "laptop"}, b{2, "desktop"}, c{3, "tablet"};
  must(a.replica.create_group("home", "laptop", testing::test_recovery(7), a.now()));
  a.invite(b);
  a.invite(c);
  b.pull_from(a);
  c.pull_from(a);
  must(c.replica.remove_device(a.identity.device(), wire::RemoveReason::lost, nullptr, c.now()));
  must(c.replica.rotate(c.now()));
  constexpr std::size_t kClosed = 3000, kNews = 40;
  for (std::size_t i = 0; i < kClosed; ++i) c.push("closed");
  b.pull_from(c);
  LogNetwork network;
  auto& link = network.join(a, b);
  ASSERT_TRUE(network.run());
  auto const first = link.a.received.unopened + link.a.received.duplicates;
  EXPECT_GE(first, kClosed);
  for (std::size_t i = 0; i < kNews; ++i) {
    must(link.a.log.on_peer_tips(must(b.replica.tips())));
    ASSERT_TRUE(network.run());
  }
  EXPECT_LT(link.a.received.duplicates, 15 * kClosed);
}

}  // namespace
}  // namespace kith::sync
