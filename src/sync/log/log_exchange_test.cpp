#include "sync/log/log_exchange.hpp"

#include <gtest/gtest.h>

#include "support/log_network.hpp"

/// Two and three honest devices that replicate to each other.
namespace kith::sync {
namespace {

using core::Table;
using testing::LogLink;
using testing::LogNetwork;
using testing::must;
using testing::TestDevice;

std::size_t rows(TestDevice& device, Table table) {
  std::size_t count = 0;
  must(device.store.scan(table, {}, {}, [&](ByteView, ByteView) {
    ++count;
    return store::Store::Next::go_on;
  }));
  return count;
}

void expect_same(TestDevice& x, TestDevice& y) {
  EXPECT_EQ(must(x.replica.heads()), must(y.replica.heads()));
  EXPECT_EQ(x.replica.state().roster().digest(), y.replica.state().roster().digest());
  EXPECT_EQ(must(x.messages.digest()), must(y.messages.digest()));
  for (auto* device : {&x, &y}) {
    for (auto const table : {Table::pending, Table::unopened, Table::waiting}) EXPECT_EQ(rows(*device, table), 0U);
  }
}

/// An entry that takes nearly all the room that there is.
void push_large(TestDevice& device) {
  Bytes noise(27 * 1024);
  std::vector<wire::Op> ops;
  for (int i = 0; i < 2; ++i) {
    device.random.fill(noise);
    ops.emplace_back(wire::Message{"default", 0, {noise}});
  }
  EXPECT_EQ(must(device.replica.write(std::move(ops), device.now())).size(), 2U);
}

/// `a` and `b` are of one group and hold the same; `c` was told the group's secrets and holds nothing yet.
struct Exchanges : ::testing::Test {
  Exchanges() {
    must(a.replica.create_group("home", "laptop", testing::test_recovery(7), a.now()));
    a.invite(b);
    b.pull_from(a);
    a.invite(c);
    b.pull_from(a);
  }
  LogLink& run(TestDevice& one, TestDevice& other) {
    auto& link = network.join(one, other);
    EXPECT_TRUE(network.run());
    return link;
  }
  TestDevice a{1, "laptop"};
  TestDevice b{2, "desktop"};
  TestDevice c{3, "phone"};
  LogNetwork network;
};

TEST_F(Exchanges, OfEqualDevicesAreOneTipsEach) {
  auto& link = run(a, b);
  for (auto const* end : {&link.a, &link.b}) {
    EXPECT_EQ(end->sent.tips, 1U);
    EXPECT_EQ(end->sent.acks + end->sent.wants + end->sent.data + end->sent.ends, 0U);
  }
  EXPECT_TRUE(must(link.a.log.equal()));
  EXPECT_TRUE(must(link.b.log.equal()));
}

TEST_F(Exchanges, BringBothWhatTheOtherHas) {
  for (int i = 0; i < 10; ++i) {
    a.push("a" + std::to_string(i));
    b.push("b" + std::to_string(i));
  }
  auto& link = network.join(a, b);
  EXPECT_FALSE(must(link.a.log.equal())) << "nothing was said yet";
  EXPECT_TRUE(network.run());
  expect_same(a, b);
  EXPECT_EQ(a.texts().size(), 20U);
  EXPECT_TRUE(must(link.a.log.equal()));
  EXPECT_TRUE(must(link.b.log.equal()));
  for (auto const* end : {&link.a, &link.b}) {
    EXPECT_EQ(end->sent.entries, 10U);
    EXPECT_EQ(end->sent.wants, 1U);
    EXPECT_EQ(end->sent.ends, 1U);
    EXPECT_EQ(end->received.duplicates + end->received.refused, 0U);
  }
}

/// The newest epoch's secret comes first, so that nothing has to wait sealed.
TEST_F(Exchanges, OpenEverythingAtOnceHoweverManyEpochsThereAre) {
  auto const entries_before = a.sealed_entries().size();
  for (int i = 0; i < 12; ++i) {
    a.push("under epoch " + std::to_string(i));
    must(a.replica.rotate(a.now()));
  }
  auto& link = run(a, b);
  expect_same(a, b);
  EXPECT_EQ(link.a.sent.entries, a.sealed_entries().size() - entries_before);
  EXPECT_EQ(link.b.received.unopened, 0U);
  EXPECT_LE(link.b.received.pending, 12U) << "the entries that start epochs wait for their pasts, and nothing else";
}

/// The newcomer is no recipient of an epoch that somebody started who did not know of it; a later one carries that
/// epoch.
TEST_F(Exchanges, OpenWhatOnlyALaterEpochCarries) {
  TestDevice d{4, "tablet"};
  a.invite(d);
  must(b.replica.rotate(b.now()));
  for (int i = 0; i < 5; ++i) b.push("under an epoch that the tablet was not given");
  a.pull_from(b);
  must(a.replica.rotate(a.now()));
  auto& link = run(a, d);
  expect_same(a, d);
  EXPECT_EQ(d.texts().size(), 5U);
  EXPECT_EQ(link.b.received.unopened, 0U);
}

TEST_F(Exchanges, GiveANewcomerTheWholeLog) {
  for (int i = 0; i < 30; ++i) {
    (i % 2 == 0 ? a : b).push("m" + std::to_string(i));
    if (i % 7 == 0) run(a, b);
  }
  run(a, b);
  network.cut_all();
  auto& link = run(b, c);
  expect_same(b, c);
  EXPECT_EQ(c.texts().size(), 30U);
  EXPECT_EQ(link.a.sent.entries, b.sealed_entries().size());
  EXPECT_EQ(link.b.received.pending, 0U) << "causes come before effects";
  EXPECT_TRUE(c.replica.self_active());
  c.push("from the newcomer");
  network.changed(c);
  EXPECT_TRUE(network.run());
  expect_same(b, c);
}

TEST_F(Exchanges, PushWhatIsWrittenWhileTheyAreOpen) {
  auto& link = run(a, b);
  a.push("live");
  network.changed(a);
  EXPECT_TRUE(network.run());
  EXPECT_EQ(b.texts(), std::vector<std::string>{"live"});
  EXPECT_EQ(link.a.sent.data, 1U);
  EXPECT_EQ(link.a.sent.tips, 1U) << "only that of the beginning";
  EXPECT_EQ(link.b.sent.acks, 1U);
  EXPECT_EQ(link.b.sent.wants, 0U);
  EXPECT_TRUE(must(link.a.log.equal())) << "the other side has said that it is safe there";
  auto const tips = must(b.replica.tips());
  EXPECT_EQ(link.a.log.peer_tips(), std::set<Tip>(tips.begin(), tips.end()));
}

TEST_F(Exchanges, PushARotationAndWhatIsUnderIt) {
  run(a, b);
  must(a.replica.rotate(a.now()));
  a.push("under the new epoch");
  network.changed(a);
  EXPECT_TRUE(network.run());
  expect_same(a, b);
  EXPECT_EQ(b.texts().size(), 1U);
}

TEST_F(Exchanges, AnnounceManyEntriesInsteadOfPushingThem) {
  auto& link = run(a, b);
  for (int i = 0; i < 200; ++i) a.push("m" + std::to_string(i));
  network.changed(a);
  EXPECT_TRUE(network.run());
  expect_same(a, b);
  EXPECT_EQ(link.a.sent.tips, 2U);
  EXPECT_EQ(link.b.sent.wants, 1U);
  EXPECT_EQ(link.a.sent.entries, 200U);
}

TEST_F(Exchanges, CarryEntriesOnToThoseTheirAuthorDoesNotMeet) {
  network.join(a, b);
  network.join(b, c);
  EXPECT_TRUE(network.run());
  a.push("from a");
  network.changed(a);
  c.push("from c");
  network.changed(c);
  EXPECT_TRUE(network.run());
  expect_same(a, b);
  expect_same(b, c);
  EXPECT_EQ(a.texts().size(), 2U);
}

TEST_F(Exchanges, FillTheGapsBetweenEntriesThatWait) {
  for (int i = 0; i < 8; ++i) a.push("m" + std::to_string(i));
  auto const all = a.sealed_entries();
  ASSERT_EQ(b.receive({all.end()[-1]}).pending, 1U);
  ASSERT_EQ(b.receive({all.end()[-4]}).pending, 1U);
  auto& link = run(a, b);
  expect_same(a, b);
  EXPECT_EQ(link.b.received.applied, 8U);
  EXPECT_EQ(link.b.sent.wants, 1U);
  EXPECT_LE(link.b.received.duplicates, 1U) << "what waits between two gaps may come once more";
}

/// However many there are, what fills them is sent once.
TEST_F(Exchanges, FillManyGapsWithOneAnswer) {
  constexpr std::size_t kGaps = 200;
  for (std::size_t i = 0; i < 2 * kGaps; ++i) a.push("m" + std::to_string(i));
  auto const all = a.sealed_entries();
  for (std::size_t i = 0; i < kGaps; ++i) ASSERT_EQ(b.receive({all[all.size() - 1 - 2 * i]}).pending, 1U);
  auto& link = run(a, b);
  expect_same(a, b);
  EXPECT_EQ(link.b.sent.wants, 1U);
  EXPECT_LE(link.a.sent.entries, 2 * kGaps);
}

/// An entry came by some other way before the one that starts its epoch.
TEST_F(Exchanges, FetchTheEntryThatStartsTheEpochOfOneThatWaits) {
  must(a.replica.rotate(a.now()));
  a.push("cannot be opened yet");
  ASSERT_EQ(b.receive({a.sealed_entries().back()}).unopened, 1U);
  auto& link = run(a, b);
  expect_same(a, b);
  EXPECT_EQ(b.texts().size(), 1U);
  EXPECT_EQ(link.b.received.refused, 0U);
}

TEST_F(Exchanges, SendBigLogsInBoundedSlices) {
  for (int i = 0; i < 1500; ++i) a.push("m" + std::to_string(i));
  Bytes noise(30 * 1024);
  for (int i = 0; i < 30; ++i) {
    a.random.fill(noise);
    a.push({reinterpret_cast<char const*>(noise.data()), noise.size()});
    if (i % 2 == 0) push_large(a);
  }
  auto& link = run(a, c);
  expect_same(a, c);
  EXPECT_LE(link.a.sent.largest_frame, kLimits.max_frame_bytes + sizeof(std::uint32_t));
  EXPECT_LE(link.a.sent.data, 2 * link.a.sent.entry_bytes / EntryStream::kFrameBytes + 2) << "frames are well filled";
  EXPECT_EQ(link.a.sent.entries, a.sealed_entries().size());
  EXPECT_EQ(link.b.received.duplicates, 0U);
  EXPECT_EQ(link.b.received.applied, link.a.sent.entries);
}

TEST_F(Exchanges, PushLargeEntriesInFramesThatFit) {
  auto& link = run(a, b);
  for (int i = 0; i < 5; ++i) {
    a.push("small");
    push_large(a);
  }
  network.changed(a);
  EXPECT_TRUE(network.run());
  expect_same(a, b);
  EXPECT_EQ(link.a.sent.entries, 10U);
  EXPECT_EQ(link.a.sent.tips, 1U) << "pushed, not announced";
  EXPECT_LE(link.a.sent.largest_frame, kLimits.max_frame_bytes + sizeof(std::uint32_t));
}

TEST_F(Exchanges, GoOnWhereAnEarlierOneWasCut) {
  for (int i = 0; i < 1000; ++i) a.push("m" + std::to_string(i));
  auto const all = a.sealed_entries().size();
  std::size_t sent = 0;
  int sessions = 0;
  for (; must(a.replica.heads()) != must(c.replica.heads()) && sessions < 100; ++sessions) {
    auto& link = network.join(a, c);
    EXPECT_TRUE(network.run(9));
    sent += link.a.sent.entries;
    network.cut(link);
  }
  expect_same(a, c);
  EXPECT_GT(sessions, 3);
  EXPECT_LT(sent, 3 * all) << "each goes on from what the one before brought";
}

/// A home that was restored from an old copy hears of its own later entries.
TEST_F(Exchanges, GiveARestoredHomeItsOwnEntriesAndANewIncarnation) {
  b.push("before the copy was made");
  run(a, b);
  network.cut_all();
  auto const restored = b.copied(50);
  for (int i = 0; i < 5; ++i) b.push("after " + std::to_string(i));
  run(a, b);
  network.cut_all();

  auto const before = must(restored->replica.incarnation());
  auto& link = run(a, *restored);
  EXPECT_TRUE(link.b.own_was_beyond);
  EXPECT_NE(must(restored->replica.incarnation()), before);
  expect_same(a, *restored);
  EXPECT_EQ(restored->texts().size(), 6U);
  restored->push("in the new incarnation");
  network.changed(*restored);
  EXPECT_TRUE(network.run());
  expect_same(a, *restored);
  EXPECT_EQ(rows(a, Table::alarms), 0U) << "no number was used twice";
}

/// What a removed device wrote last and nobody vouched for is not in the heads, and nobody is told of it.
TEST_F(Exchanges, LeaveOutWhatIsSetAside) {
  b.push("too late");
  a.receive(b.sealed_entries());
  must(a.replica.remove_device(b.identity.device(), wire::RemoveReason::lost, nullptr, a.now()));
  b.push("even later");
  a.receive(b.sealed_entries());
  auto& link = run(a, c);
  expect_same(a, c);
  EXPECT_EQ(link.a.sent.entries, a.sealed_entries().size());
  EXPECT_LT(a.sealed_entries().size(), a.all_entries().size());
  EXPECT_EQ(c.all_entries().size(), c.sealed_entries().size());
}

}  // namespace
}  // namespace kith::sync
