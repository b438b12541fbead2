// What a relay bears: strangers, floods, links that do not move, and its own end.
#include "relay/rules/relay_testing.hpp"

namespace kith::relay {
namespace {

using namespace std::chrono_literals;
using wire::RelayErrorCode;

class RelayBounds : public ::testing::Test {
 protected:
  static Settings settings() {
    auto settings = RelayWorld::defaults();
    settings.device_orders = {10, 20};
    settings.device_bytes = {100'000, 2'000'000};
    return settings;
  }
  /// The relay's last word on a connection that has ended.
  static RelayErrorCode last_word(RelayWorld::Link const& link) {
    auto const failures = all_of<wire::RelayFailure>(link);
    return failures.empty() ? RelayErrorCode{} : failures.back().code;
  }
  RelayWorld world_{settings()};
  TestGroup group_{world_.random, 3};
};

TEST_F(RelayBounds, AStrangerHasTenSeconds) {
  world_.make(group_, {0});
  auto& idle = world_.dial();
  auto const silent = world_.relay.open("", world_.now);
  auto& member = world_.join(group_, 0);
  world_.pass(9900ms);
  EXPECT_FALSE(world_.relay.done(idle.id));
  EXPECT_FALSE(world_.relay.done(silent));
  world_.pass(200ms);
  EXPECT_TRUE(world_.relay.done(idle.id));
  EXPECT_EQ(last_word(idle), RelayErrorCode::bad_frame);
  EXPECT_TRUE(world_.relay.done(silent));
  EXPECT_FALSE(world_.relay.done(member.id));
  EXPECT_EQ(world_.relay.figures().handshakes_failed, 1u);
}

TEST_F(RelayBounds, AStrangerIsNotToldOffForASlowStore) {
  world_.make(group_, {0});
  auto& link = world_.dial();
  world_.held = true;
  world_.say(link, world_.hello(link, group_, 0));
  world_.pass(30s);
  EXPECT_FALSE(world_.relay.done(link.id));
  world_.held = false;
  world_.run();
  EXPECT_EQ(all_of<wire::Welcome>(link).size(), 1u);
}

TEST_F(RelayBounds, AStrangerMaySendSixteenKibibytes) {
  auto& link = world_.dial();
  int heard = 0;
  for (; heard < 1000 && !world_.relay.done(link.id); ++heard) world_.say(link, wire::RecGet{1, {}});
  EXPECT_EQ(last_word(link), RelayErrorCode::too_large);
  EXPECT_GT(heard, 150);
  EXPECT_LT(heard, 300);  // of 64 bytes each, with their tags

  auto& large = world_.dial();
  large.channel.send(wire::AclPut{1, group_.record({0}), Bytes(200)});
  for (int i = 0; i < 500; ++i) large.channel.send(wire::RecGet{1, {}});
  world_.run();  // in one piece of 20 KB
  EXPECT_EQ(last_word(large), RelayErrorCode::too_large);
  EXPECT_TRUE(all_of<wire::RecRecords>(large).empty());
}

TEST_F(RelayBounds, OneLargeMessageOfAStrangerIsNotEvenCollected) {
  auto settings = RelayBounds::settings();
  settings.max_stranger_bytes = 1 << 20;  // the message's own bound is what ends it
  RelayWorld world(settings);
  auto& link = world.dial();
  world.say(link, wire::RecPut{1, {}, Bytes(1000)});
  EXPECT_EQ(last_word(link), RelayErrorCode::bad_frame);
  auto& second = world.dial();
  second.channel.send(push_of(1, {Bytes(20'000)}));
  Bytes first_bytes;
  ASSERT_TRUE(second.channel.poll_transmit(first_bytes));
  world.relay.on_bytes(second.id, first_bytes, world.now);
  world.run();
  EXPECT_EQ(last_word(second), RelayErrorCode::bad_frame);
}

TEST_F(RelayBounds, BadInputEndsAConnectionWhereverItIsDamaged) {
  world_.make(group_, {0});
  auto& link = world_.dial();
  link.channel.send(world_.hello(link, group_, 0));
  Bytes good;
  ASSERT_TRUE(link.channel.poll_transmit(good));
  world_.close(link);
  for (std::size_t at = 0; at < good.size(); at += 7) {
    auto& other = world_.dial();
    Bytes damaged = good;
    damaged[at] ^= 0x40;
    world_.relay.on_bytes(other.id, damaged, world_.now);
    world_.run();
    if (at < 2) {  // the length: more is awaited, for ten seconds
      world_.pass(11s);
    }
    EXPECT_TRUE(world_.relay.done(other.id)) << at;
    world_.close(other);
  }
}

TEST_F(RelayBounds, MessagesThatMakeNoSenseEndAConnection) {
  auto const piece = [](std::uint32_t total, std::uint32_t offset, std::size_t size, std::uint8_t id = 1) {
    return wire::ObjPut{1, {{id}}, total, offset, 60, Bytes(size)};
  };
  std::vector<std::vector<wire::RelayMessage>> const senseless{
      {wire::Push{1, {1}, {}}},
      {wire::RelayPresence{0, {}}},
      {wire::RelayPresence{0, {{{}, 1, {}}}}},
      {piece(10, 5, 5)},                             // nothing before it
      {piece(10, 0, 0)},                             // nothing in it
      {piece(0, 0, 0)},                              // an object of nothing
      {piece(10, 0, 11)},                            // more than there is
      {piece(10, 0, 5), piece(11, 5, 5)},            // another total
      {piece(10, 0, 5), piece(10, 6, 4)},            // a gap
      {piece(10, 0, 5), piece(10, 4, 5)},            // an overlap
      {piece(10, 0, 5), piece(10, 5, 5, 2)},         // another object's
      {piece(10, 0, 5), piece(10, 5, 6)},            // beyond the end
      {piece(10, 0, 10), piece(10, 10, 1)},          // after the end
      {piece(2'000'000, 0, 5), piece(10, 5, 5, 2)},  // of another one than was refused
  };
  world_.make(group_, {0});
  for (std::size_t i = 0; i < senseless.size(); ++i) {
    RelayWorld world;
    world.make(group_, {0});
    auto& link = world.join(group_, 0);
    for (auto const& message : senseless[i]) world.say(link, message);
    EXPECT_TRUE(world.relay.done(link.id)) << i;
    EXPECT_EQ(last_word(link), RelayErrorCode::bad_frame) << i;
  }
}

TEST_F(RelayBounds, WhatWasAskedBeforeComesBeforeTheReasonForTheEnd) {
  world_.make(group_, {0});
  auto& link = world_.join(group_, 0);
  wire::ObjectId const object{{7}};
  world_.ask<wire::Done>(link, wire::ObjPut{1, object, 3, 0, 60, Bytes(3)});
  link.got.clear();
  link.channel.send(wire::ObjGet{2, object, 0, 3});
  world_.say(link, wire::Push{3, {1}, {}});  // makes no sense
  EXPECT_TRUE(world_.relay.done(link.id));
  ASSERT_EQ(link.got.size(), 2u);
  EXPECT_TRUE(std::holds_alternative<wire::ObjPart>(link.got.front()));
  EXPECT_EQ(last_word(link), RelayErrorCode::bad_frame);
}

TEST_F(RelayBounds, AnObjectThatIsTooLargeIsRefusedOnceAndPassedOver) {
  world_.make(group_, {0});
  auto& link = world_.join(group_, 0);
  link.got.clear();
  wire::ObjectId const id{{1}};
  for (std::uint32_t offset = 0; offset < 2'000'000; offset += 250'000) {
    world_.say(link, wire::ObjPut{offset + 1, id, 2'000'000, offset, 60, Bytes(250'000)});
    world_.pass(3s);
  }
  ASSERT_EQ(link.got.size(), 1u);
  auto const failure = std::get<wire::RelayFailure>(link.got[0]);
  EXPECT_EQ(failure.code, RelayErrorCode::too_large);
  EXPECT_EQ(failure.number, wire::kRelayLimits.max_object_bytes);
  // Another one may come behind it, and take the place of one that was not finished.
  world_.say(link, wire::ObjPut{7, {{2}}, 10, 0, 60, Bytes(5)});
  world_.say(link, wire::ObjPut{8, {{3}}, 4, 0, 60, Bytes(4)});
  EXPECT_EQ(link.got.back(), wire::RelayMessage(wire::Done{8}));
}

TEST_F(RelayBounds, WhoOrdersTooFastIsReadLater) {
  world_.make(group_, {0});
  auto& link = world_.join(group_, 0);
  link.got.clear();
  for (int i = 0; i < 100; ++i) link.channel.send(wire::Trim{1, {}});
  world_.run();
  EXPECT_EQ(link.got.size(), 21u);  // the burst, and the one that goes into debt
  EXPECT_FALSE(world_.relay.reading(link.id));
  world_.pass(1s);
  EXPECT_NEAR(static_cast<double>(link.got.size()), 31, 2);
  // Dialling again gains nothing.
  auto& again = world_.dial();
  world_.say(again, world_.hello(again, group_, 0));
  again.got.clear();
  world_.say(again, wire::Trim{1, {}});
  world_.say(again, wire::Trim{1, {}});
  EXPECT_LE(again.got.size(), 1u);
  world_.pass(20s);
  EXPECT_EQ(again.got.size(), 2u);
  EXPECT_GT(world_.relay.figures().rate_limited, 0u);
}

TEST_F(RelayBounds, WhoSendsTooMuchIsReadLater) {
  world_.make(group_, {0});
  auto& link = world_.join(group_, 0);
  link.got.clear();
  for (std::uint64_t i = 0; i < 5; ++i) link.channel.send(push_of(1 + i * 10, std::vector<Bytes>(10, Bytes(75'000))));
  world_.run();
  EXPECT_LT(all_of<wire::PushAck>(link).size(), 4u);
  world_.pass(5s);
  EXPECT_LT(all_of<wire::PushAck>(link).size(), 5u);
  world_.pass(60s);
  EXPECT_EQ(all_of<wire::PushAck>(link).size(), 5u);
}

TEST_F(RelayBounds, WhatComesThoughItIsNotReadIsBounded) {
  world_.make(group_, {0});
  auto& link = world_.join(group_, 0);
  world_.held = true;
  world_.say(link, push_of(1, {{1}}));
  for (int i = 0; i < 100 && !world_.relay.done(link.id); ++i) {
    link.channel.send(push_of(2, {Bytes(75'000)}));
    for (Bytes bytes; link.channel.poll_transmit(bytes); bytes.clear())
      world_.relay.on_bytes(link.id, bytes, world_.now);
    world_.run();
  }
  EXPECT_EQ(last_word(link), RelayErrorCode::rate_limited);
}

TEST_F(RelayBounds, WhoDoesNotReadGetsNoticesThenPresenceLaterAndIsClosedAfterAMinute) {
  RelayWorld world;  // at full rate
  world.make(group_, {0, 1});
  auto& sender = world.join(group_, 0);
  auto& stuck = world.join(group_, 1);
  stuck.got.clear();
  stuck.reads = false;
  Settings generous = RelayWorld::defaults();
  generous.credit_bytes = 1 << 30;
  world.relay.change(generous);
  std::uint64_t seq = 1;
  for (int i = 0; i < 40; ++i, ++seq) {
    world.say(sender, push_of(seq, {Bytes(75'000)}));
    world.say(sender, wire::RelayPresence{0, {{group_.pseudonym(0), seq, {1}}}});
  }
  EXPECT_GT(world.relay.figures().dropped_to_pull, 0u);
  world.pass(30s);
  EXPECT_FALSE(world.relay.done(stuck.id));
  stuck.reads = true;
  world.run();
  auto const live = cursors_of(stuck);
  EXPECT_GE(live.size(), 13u);
  EXPECT_LE(live.size(), 16u);  // one MiB and what is too much
  EXPECT_EQ(all_of<wire::Notify>(stuck).back().head.value, seq - 1);
  EXPECT_EQ(all_of<wire::RelayPresence>(stuck).back().slots.at(0).counter, seq - 1);  // the newest, once it reads
  EXPECT_LE(all_of<wire::RelayPresence>(stuck).size(), live.size() + 2);

  stuck.reads = false;
  world.say(stuck, wire::Pull{1, {live.back()}, 100'000});
  world.pass(59s);
  EXPECT_FALSE(world.relay.done(stuck.id));
  world.pass(2s);
  EXPECT_TRUE(world.relay.done(stuck.id));
  EXPECT_FALSE(world.relay.done(sender.id));
}

TEST_F(RelayBounds, WhoAsksWithoutReadingIsNotReadEither) {
  RelayWorld world;
  world.make(group_, {0});
  auto& link = world.join(group_, 0);
  for (std::uint64_t i = 0; i < 3; ++i) world.say(link, push_of(1 + i * 10, std::vector<Bytes>(10, Bytes(75'000))));
  link.reads = false;
  for (int i = 0; i < 50; ++i) world.say(link, wire::Pull{1, {}, 0xFFFFFFFF});
  EXPECT_FALSE(world.relay.reading(link.id));
  EXPECT_LE(world.relay.figures().items_pulled, 3 * 13u);
  link.reads = true;
  link.got.clear();
  world.run();
  EXPECT_EQ(all_of<wire::PullResponse>(link).size(), 50u);
}

TEST_F(RelayBounds, StrangersComeLaterWhenTheStoreIsBusy) {
  auto settings = RelayBounds::settings();
  settings.max_waiting_requests = 3;
  RelayWorld world(settings);
  world.make(group_, {0});
  auto& member = world.join(group_, 0);
  world.held = true;
  std::vector<RelayWorld::Link*> links;
  for (int i = 0; i < 5; ++i) {
    links.push_back(&world.dial());
    world.say(*links.back(), wire::RecGet{1, {}});
  }
  EXPECT_EQ(last_word(*links.back()), RelayErrorCode::rate_limited);
  world.say(member, push_of(1, {{1}}));
  world.held = false;
  world.run();
  EXPECT_EQ(all_of<wire::PushAck>(member).size(), 1u);
  EXPECT_EQ(all_of<wire::RecRecords>(*links.front()).size(), 1u);
}

TEST_F(RelayBounds, AtItsEndARelayAnswersWhatIsInFlightAndSaysGoodbye) {
  world_.make(group_, {0, 1});
  auto& busy = world_.join(group_, 0);
  auto& idle = world_.join(group_, 1);
  auto& stranger = world_.dial();
  busy.got.clear();
  world_.held = true;
  busy.channel.send(push_of(1, {{1}}));
  busy.channel.send(push_of(2, {{2}}));  // not begun: it will push it elsewhere, or later
  world_.run();
  world_.relay.drain(world_.now);
  world_.run();
  EXPECT_EQ(last_word(idle), RelayErrorCode::draining);
  EXPECT_EQ(last_word(stranger), RelayErrorCode::draining);
  EXPECT_TRUE(busy.got.empty());
  EXPECT_FALSE(world_.relay.drained());
  auto const late = world_.relay.open("", world_.now);
  EXPECT_TRUE(world_.relay.done(late));
  world_.held = false;
  world_.run();
  ASSERT_EQ(busy.got.size(), 2u);
  EXPECT_TRUE(std::holds_alternative<wire::PushAck>(busy.got[0]));
  auto const failure = std::get<wire::RelayFailure>(busy.got[1]);
  EXPECT_EQ(failure.code, RelayErrorCode::draining);
  EXPECT_GT(failure.retry_after_s, 0u);
  EXPECT_TRUE(world_.relay.drained());
  EXPECT_EQ(world_.store.items(group_.channel()).size(), 1u);
}

TEST_F(RelayBounds, AtItsEndARelayWaitsFiveSecondsForWhoDoesNotRead) {
  world_.make(group_, {0});
  auto& link = world_.join(group_, 0);
  link.reads = false;
  world_.relay.drain(world_.now);
  EXPECT_FALSE(world_.relay.drained());
  world_.pass(6s);
  EXPECT_TRUE(world_.relay.drained());
}

TEST_F(RelayBounds, AReplyForAConnectionThatIsGoneStillReachesTheOthers) {
  world_.make(group_, {0, 1});
  auto& sender = world_.join(group_, 0);
  auto& other = world_.join(group_, 1);
  other.got.clear();
  world_.held = true;
  world_.say(sender, push_of(1, {{1}}));
  world_.relay.on_closed(sender.id, world_.now);
  world_.held = false;
  world_.run();
  EXPECT_EQ(cursors_of(other), std::vector<std::uint64_t>{1});
}

TEST_F(RelayBounds, IdleConnectionsAskForNoTime) {
  world_.make(group_, {0});
  world_.join(group_, 0);
  world_.pass(1s);
  auto const next = world_.relay.next_deadline();
  ASSERT_TRUE(next);
  EXPECT_GT(*next, world_.now.mono + 30s);  // the next sweep
}

}  // namespace
}  // namespace kith::relay
