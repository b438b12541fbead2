#include "sync/away/away.hpp"

#include "sync/away/away_testing.hpp"

/// What is left at relays for a device that is away.
namespace kith::sync {
namespace {

using namespace std::chrono_literals;
using testing::AtARelay;
using testing::AwayHome;
using testing::must;
using testing::TestRelay;

/// The first device has a message whose bytes are in a chunk; the second one has been let in, and is away.
struct Away : AtARelay {
  Away() {
    net.let_in(a, b);
    net.wait(40s);
    net.go_offline(b);
    must(home.exchange.start(net.now()));
    home.read_for_mailboxes();
  }
  ChunkId write(std::uint8_t fill, std::size_t size = 100) {
    auto const id = home.keep(fill, size);
    wire::Content content;
    content.refs.push_back({size, id});
    std::vector<wire::Op> ops;
    ops.emplace_back(wire::Message{"default", 0, {std::move(content)}});
    must(a.replica.write(std::move(ops), net.now()));
    net.changed(a);
    net.wait(1s);
    return id;
  }
  AwayServed serve() {
    return must(
        serve_away(home.mailboxes(), {a.replica, a.messages, home.folders, home.chunks}, home.exchange, net.now()));
  }
  /// The second device tells at another relay, or told long ago, that it has all.
  void hear_that_b_has_all() {
    wire::Presence presence;
    presence.counter = 5;
    presence.tips = presence.content_tips = must(a.replica.tips());
    must(home.exchange.hear_presence(b.identity.device(), presence, net.now()));
  }
  [[nodiscard]] bool all_is_left(TestRelay const& where) {
    return a.at(where).record().left == a.replica.state().counting().heads;
  }
  AwayHome home{a};
};

TEST_F(Away, WhatTheyLackIsLeftOnceAndNotedAsLeft) {
  auto const id = write(1);
  auto const first = serve();
  EXPECT_TRUE(first.looked);
  EXPECT_TRUE(first.uploads);
  EXPECT_FALSE(first.again);
  auto const second = serve();
  EXPECT_TRUE(second.again) << "it is on its way, and does not count as there yet";
  EXPECT_FALSE(second.looked);
  net.wait(5s);
  EXPECT_TRUE(has(a, id));
  EXPECT_FALSE(all_is_left(relay));
  auto const third = serve();
  EXPECT_TRUE(third.looked);
  EXPECT_FALSE(third.uploads);
  EXPECT_FALSE(third.again);
  EXPECT_TRUE(all_is_left(relay));
}

TEST_F(Away, WhatNobodyLacksAnyMoreGoes) {
  auto const id = write(1);
  serve();
  net.wait(5s);
  ASSERT_TRUE(must(a.at(relay).traces(id, net.now().wall)).ours);
  serve();
  net.wait(5s);
  EXPECT_TRUE(must(a.at(relay).traces(id, net.now().wall)).ours) << "it is lacked";
  hear_that_b_has_all();
  EXPECT_FALSE(serve().uploads);
  net.wait(5s);
  EXPECT_FALSE(must(a.at(relay).traces(id, net.now().wall)).ours);
  EXPECT_EQ(a.at(relay).record().left, core::Past{});
}

TEST_F(Away, NothingIsLeftWhereARelayIsOnlyAttendedOrNotConnected) {
  write(1);
  a.at(relay).set_attended(true, net.now());
  EXPECT_FALSE(serve().looked);
  a.at(relay).set_attended(false, net.now());
  net.stop(relay);
  EXPECT_FALSE(serve().looked);
  net.start(relay);
  net.wait(70s);
  EXPECT_TRUE(serve().uploads);
}

TEST_F(Away, ARelayWithoutRoomHoldsUpNoOther) {
  auto settings = TestRelay::easy_settings();
  settings.store.group_quota_bytes = 64 << 10;
  TestRelay small(101, settings);
  net.add(small);
  net.enlist(a, small);
  net.wait(5s);
  home.read_for_mailboxes();
  auto const large = write(1, 200 << 10);
  ASSERT_TRUE(serve().uploads);
  net.wait(5s);
  ASSERT_TRUE(a.at(small).upload_waits());
  auto const next = write(2);
  EXPECT_TRUE(serve().uploads);
  net.wait(5s);
  EXPECT_TRUE(has(a, large) && has(a, next));
  EXPECT_TRUE(a.at(small).upload_waits());
  EXPECT_FALSE(serve().again) << "it says by itself when it goes on";
  EXPECT_TRUE(all_is_left(relay));
  EXPECT_FALSE(all_is_left(small));
}

TEST_F(Away, WhatCanGoMakesRoomWhileSomethingIsOnItsWayElsewhere) {
  auto settings = TestRelay::easy_settings();
  settings.store.group_quota_bytes = 300 << 10;
  TestRelay small(101, settings);
  net.add(small);
  net.enlist(a, small);
  net.wait(5s);
  home.read_for_mailboxes();
  auto const first = write(1, 200 << 10);
  serve();
  net.wait(5s);
  ASSERT_TRUE(must(a.at(small).has_chunk(first, net.now().wall)));
  write(2, 200 << 10);
  serve();
  net.wait(5s);
  ASSERT_TRUE(a.at(small).upload_waits());
  hear_that_b_has_all();
  must(a.at(relay).upload({home.keep(3)}, net.now()));
  auto const served = serve();
  EXPECT_TRUE(served.looked);
  EXPECT_TRUE(served.again);
  net.wait(5s);
  EXPECT_FALSE(must(a.at(small).traces(first, net.now().wall)).ours);
}

}  // namespace
}  // namespace kith::sync
