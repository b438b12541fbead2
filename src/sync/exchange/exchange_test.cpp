#include "sync/exchange/exchange.hpp"

#include <algorithm>

#include <gtest/gtest.h>

#include "base/encoding.hpp"
#include "support/exchange_net.hpp"

/// Exchanges of real replicas over links in memory.
namespace kith::sync {
namespace {

using testing::ExchangeDevice;
using testing::must;
using namespace std::chrono_literals;

struct Exchanges : ::testing::Test, testing::ExchangeNet {
  Exchanges() {
    must(a.replica.create_group("home", "laptop", testing::test_recovery(7), a.now()));
    pair(a, b);
    start(a);
    start(b);
  }
  void expect_equal(ExchangeDevice& one, ExchangeDevice& other) {
    EXPECT_EQ(must(one.replica.heads()), must(other.replica.heads()));
    EXPECT_TRUE(must(one.exchange->equal_with(other.identity.device())));
    EXPECT_TRUE(must(other.exchange->equal_with(one.identity.device())));
    EXPECT_EQ(must(one.exchange->digest(1)), must(other.exchange->digest(1)));
  }
  /// Lets a third device in, which a and b then know.
  void add_third() {
    pair(a, c);
    changed(a);
    start(c);
    pump();
  }
  static std::vector<DeviceId> ids(ExchangeDevice const& device) { return {device.identity.device()}; }

  ExchangeDevice a{1, "laptop"};
  ExchangeDevice b{2, "desktop"};
  ExchangeDevice c{3, "phone"};
};

/// A session with a device whose exchange does not run: the test says what it says.
struct Puppet {
  Puppet(ExchangeDevice& self, ExchangeDevice& dialled, Now now)
      : session(core::Session::initiate(self.replica.identity(), *self.exchange, dialled.identity.device(), {},
                                        self.random, now)),
        other(*dialled.exchange) {}

  /// Carries bytes both ways until both are silent.
  void pump(Now now) {
    for (bool moved = true; moved;) {
      Bytes there, back;
      while (session.poll_transmit(there, now)) {
      }
      ByteView rest = there;
      if (!link && !there.empty()) {
        link = other.accepted(must(wire::decode_opening(rest.first(wire::Opening::kBytes))), "puppet", now);
        rest = rest.subspan(wire::Opening::kBytes);
      }
      if (!rest.empty()) must(other.on_bytes(*link, rest, now));
      while (link && must(other.poll_transmit(*link, back, now))) {
      }
      if (!back.empty()) session.on_bytes(back, now);
      moved = !there.empty() || !back.empty();
    }
  }

  core::Session session;
  Exchange& other;
  std::optional<LinkId> link;
};

TEST_F(Exchanges, BringTwoDevicesInStep) {
  for (int i = 0; i < 300; ++i) a.push("before " + std::to_string(i));
  dial(b, a);  // knows nobody but its inviter
  pump();
  EXPECT_EQ(b.events<PeerUp>().size(), 1U);
  EXPECT_TRUE(b.replica.self_active());
  EXPECT_EQ(b.texts().size(), 300U);
  expect_equal(a, b);
}

TEST_F(Exchanges, GoOnLiveBothWays) {
  dial(b, a);
  pump();
  a.push("from a");
  changed(a);
  b.push("from b");
  changed(b);
  pump();
  EXPECT_EQ(a.texts().size(), 2U);
  EXPECT_EQ(b.texts().size(), 2U);
  wait(300ms);  // presence, acknowledgements
  expect_equal(a, b);
  EXPECT_EQ(a.exchange->peers().find(b.identity.device())->acked, must(a.replica.tips()));
}

TEST_F(Exchanges, PassOnWhatOthersWrote) {
  add_third();
  dial(b, a);
  dial(c, a);
  pump();
  b.push("from b");
  changed(b);
  pump();
  EXPECT_EQ(c.texts(), std::vector<std::string>{"from b"});
  expect_equal(a, c);
}

TEST_F(Exchanges, KeepOneOfTwoSessionsThatCross) {
  auto& low = a.identity.device() < b.identity.device() ? a : b;
  auto& high = &low == &a ? b : a;
  dial(b, a);
  pump();
  wait(300ms);
  for (bool const low_first : {true, false}) {
    a.seen.clear();
    b.seen.clear();
    auto& first = low_first ? dial(low, high) : dial(high, low);
    auto& second = low_first ? dial(high, low) : dial(low, high);
    pump();
    wait(2s);
    auto& stays = first.ends[0] == &low ? first : second;
    auto& goes = first.ends[0] == &low ? second : first;
    EXPECT_FALSE(stays.gone) << low_first;
    EXPECT_TRUE(goes.gone) << low_first;
    EXPECT_EQ(a.exchange->connected(), ids(b));
    EXPECT_EQ(b.exchange->connected(), ids(a));
    EXPECT_TRUE(a.events<PeerDown>().empty() && b.events<PeerDown>().empty()) << "they were never apart";
    a.push("still there");
    changed(a);
    pump();
    wait(300ms);
    expect_equal(a, b);
  }
}

TEST_F(Exchanges, PreferTheCrossingSessionThatAnswers) {
  auto& low = a.identity.device() < b.identity.device() ? a : b;
  auto& high = &low == &a ? b : a;
  dial(b, a);
  pump();
  auto& dead = dial(low, high);
  pump();
  wait(300ms);
  dead.silent = true;
  auto& fresh = dial(high, low);
  pump();
  wait(2s);
  EXPECT_FALSE(fresh.gone);
  EXPECT_EQ(a.exchange->connected(), ids(b));
  a.push("by the fresh one");
  changed(a);
  pump();
  EXPECT_EQ(b.texts(), a.texts());
}

TEST_F(Exchanges, ReplaceASessionByANewerOneOfTheSameDialler) {
  auto& older = dial(b, a);
  pump();
  auto& newer = dial(b, a);
  pump();
  EXPECT_TRUE(older.gone);
  EXPECT_FALSE(newer.gone);
  EXPECT_EQ(a.exchange->connected(), ids(b));
  EXPECT_FALSE(b.exchange->cloned()) << "its own newer session";
}

TEST_F(Exchanges, StopWhenAnotherCopyOfTheHomeKeepsTakingOver) {
  dial(b, a);
  pump();
  auto copy = std::make_unique<ExchangeDevice>(2, "desktop", b.database->clone());
  copy->random = testing::SeededRandom(99);
  must(copy->replica.open());
  must(copy->replica.start_incarnation());
  start(*copy);
  for (std::size_t hits = 1; hits <= Exchange::kCloneHits; ++hits) {
    dial(b, a);
    pump();
    EXPECT_FALSE(b.exchange->cloned()) << hits;
    dial(*copy, a);
    pump();
  }
  EXPECT_TRUE(b.exchange->cloned());
  EXPECT_EQ(b.events<ClonedNotice>().size(), 1U);
  b.exchange->hurry(now());
  EXPECT_FALSE(b.exchange->poll_dial(now())) << "networking has stopped";
}

TEST_F(Exchanges, DoNotTakeRareReplacementsForACopy) {
  dial(b, a);
  pump();
  auto copy = std::make_unique<ExchangeDevice>(2, "desktop", b.database->clone());
  copy->random = testing::SeededRandom(99);
  must(copy->replica.open());
  must(copy->replica.start_incarnation());
  start(*copy);
  for (int i = 0; i < 5; ++i) {
    dial(b, a);
    pump();
    dial(*copy, a);
    pump();
    wait(std::chrono::duration_cast<std::chrono::milliseconds>(Exchange::kCloneWindow) / 2 + 1s);
  }
  EXPECT_FALSE(b.exchange->cloned());
}

TEST_F(Exchanges, TellARemovedDeviceAndCutItOff) {
  add_third();
  dial(b, a);
  dial(c, a);
  pump();
  must(a.replica.remove_device(b.identity.device(), wire::RemoveReason::lost, nullptr, now()));
  changed(a);
  pump();
  EXPECT_EQ(b.events<RemovedNotice>().size(), 1U);
  EXPECT_FALSE(b.replica.self_active()) << "it was shown the entry";
  EXPECT_TRUE(b.exchange->connected().empty());
  EXPECT_EQ(a.exchange->connected(), ids(c));
  a.push("not for b");
  changed(a);
  pump();
  EXPECT_EQ(c.texts().size(), 1U);

  b.exchange->hurry(now());
  EXPECT_FALSE(b.exchange->poll_dial(now())) << "it knows that it is out";
  auto& again = dial(b, a);
  pump();
  EXPECT_TRUE(again.gone);
  EXPECT_EQ(a.exchange->connected(), ids(c));
  EXPECT_TRUE(b.texts().empty());
}

/// b was away: it lacks what was written meanwhile, and the removal rests on that.
TEST_F(Exchanges, ShowADeviceThatWasAwayWhyItIsRemoved) {
  add_third();
  dial(b, a);
  dial(c, a);
  pump();
  b.exchange->close_all(wire::CloseCode::done);
  pump();
  b.push("unheard");
  must(a.replica.rotate(now()));
  for (int i = 0; i < 200; ++i) a.push("while b was away " + std::to_string(i));
  must(a.replica.remove_device(b.identity.device(), wire::RemoveReason::lost, nullptr, now()));
  a.push("not for b");
  changed(a);
  pump();

  b.seen.clear();
  auto& again = dial(b, a);
  pump();
  EXPECT_TRUE(again.gone);
  EXPECT_FALSE(b.replica.self_active()) << "by the proof, not by the claim";
  auto const texts = b.texts();
  EXPECT_EQ(texts.size(), 200U) << "all that was written before the removal; its own from then on does not count";
  EXPECT_EQ(std::ranges::count(texts, "not for b"), 0);
  EXPECT_EQ(b.events<RemovedNotice>().size(), 1U);
  EXPECT_FALSE(b.exchange->poll_dial(now()));
  EXPECT_TRUE(a.texts().size() == 201U && std::ranges::count(a.texts(), "unheard") == 0);
}

/// More than one session carries: each time b says tips that are further on.
TEST_F(Exchanges, ShowALongRemovalPieceByPiece) {
  dial(b, a);
  pump();
  b.exchange->close_all(wire::CloseCode::done);
  pump();
  auto const filler = [&] { return to_hex(a.random.bytes<2000>()); };  // which does not pack well
  b.push("unheard");
  for (int i = 0; i < 600; ++i) a.push(std::to_string(i) + filler());
  must(a.replica.remove_device(b.identity.device(), wire::RemoveReason::lost, nullptr, now()));
  changed(a);
  pump();
  std::size_t sessions = 0, before = b.texts().size();
  while (b.replica.self_active() && sessions < 10) {
    dial(b, a);
    pump();
    ++sessions;
    EXPECT_TRUE(b.texts().size() > before || !b.replica.self_active());
    before = b.texts().size();
  }
  EXPECT_FALSE(b.replica.self_active());
  EXPECT_GE(sessions, 2U);
  EXPECT_EQ(b.texts().size(), 600U);
}

/// A member may lie: its word alone takes nobody out.
TEST_F(Exchanges, DoNotBelieveThatTheyAreRemovedWithoutProof) {
  auto& pipe = dial(b, a);
  pump();
  cut(pipe);
  Puppet liar(a, b, now());
  liar.pump(now());
  ASSERT_TRUE(liar.session.open());
  liar.session.close(wire::CloseCode::removed);
  liar.pump(now());
  must(b.exchange->on_timer(now()));
  pump();
  EXPECT_EQ(b.events<RemovedNotice>().size(), 1U);
  EXPECT_TRUE(b.replica.self_active());
  wait(5s);
  EXPECT_TRUE(b.exchange->poll_dial(now())) << "it goes on trying";
}

/// b let c in while a was away: c itself brings the entry that says so, and b need not come.
TEST_F(Exchanges, HearADeviceThatAnotherLetIn) {
  dial(b, a);
  pump();
  b.exchange->close_all(wire::CloseCode::done);
  pump();
  must(b.replica.rotate(now()));
  b.push("while a was away");
  pair(b, c);
  start(c);
  dial(c, b);
  pump();
  ASSERT_TRUE(c.replica.self_active());
  b.exchange->close_all(wire::CloseCode::done);
  pump();

  a.push("unseen before c is let in");
  auto& hearing = dial(c, a);
  pump();
  EXPECT_TRUE(hearing.gone) << "it comes in with a session of its own";
  EXPECT_TRUE(a.replica.state().roster().active(c.identity.device()));
  EXPECT_EQ(c.texts(), std::vector<std::string>{"while a was away"});
  auto& session = dial(c, a);
  pump();
  wait(300ms);
  EXPECT_FALSE(session.gone);
  expect_equal(a, c);
  EXPECT_EQ(c.texts().size(), 2U);
}

/// a removed b, and b removed a for good with the recovery key; c heard a first.
TEST_F(Exchanges, HearARemovedDeviceThatIsRight) {
  add_third();
  dial(b, a);
  dial(c, a);
  pump();
  b.exchange->close_all(wire::CloseCode::done);
  pump();
  must(a.replica.remove_device(b.identity.device(), wire::RemoveReason::lost, nullptr, now()));
  changed(a);
  pump();
  auto const recovery = testing::test_recovery(7);
  must(b.replica.remove_device(a.identity.device(), wire::RemoveReason::compromised, &recovery, now()));
  changed(b);
  b.push("after that");

  dial(b, c);
  pump();
  EXPECT_TRUE(c.replica.state().roster().active(b.identity.device()));
  EXPECT_FALSE(c.replica.state().roster().active(a.identity.device()));
  EXPECT_TRUE(c.exchange->connected().empty()) << "a is cut off";
  EXPECT_FALSE(a.replica.self_active()) << "and was shown why";
  EXPECT_TRUE(b.replica.self_active());
  dial(b, c);
  pump();
  wait(300ms);
  expect_equal(b, c);
  EXPECT_EQ(c.texts(), std::vector<std::string>{"after that"});
}

/// One that stays unwelcome gets nothing, and what it brings moves nothing.
TEST_F(Exchanges, HearInVainWhoHasNoRight) {
  add_third();
  dial(b, a);
  dial(c, a);
  pump();
  b.exchange->close_all(wire::CloseCode::done);
  pump();
  for (int i = 0; i < 50; ++i) b.push("nobody hears " + std::to_string(i));
  must(a.replica.remove_device(b.identity.device(), wire::RemoveReason::lost, nullptr, now()));
  a.push("not for b");
  changed(a);
  pump();
  wait(300ms);
  auto const heads = must(a.replica.heads());
  for (int i = 0; i < 3; ++i) {
    EXPECT_TRUE((dial(b, a), pump(), wait(100ms), b.exchange->connected().empty()));
  }
  EXPECT_EQ(must(a.replica.heads()), heads);
  EXPECT_EQ(std::ranges::count(b.texts(), "not for b"), 0);
  EXPECT_EQ(a.texts(), std::vector<std::string>{"not for b"});
  expect_equal(a, c);
}

TEST_F(Exchanges, RefuseStrangers) {
  ExchangeDevice other{4, "stranger"};
  must(other.replica.create_group("elsewhere", "x", testing::test_recovery(8), other.now()));
  start(other);
  auto& pipe = dial(other, a);
  pump();
  EXPECT_TRUE(pipe.gone);
  EXPECT_TRUE(a.exchange->connected().empty());
  auto const failures = other.events<LinkFailed>();
  ASSERT_EQ(failures.size(), 1U);
  EXPECT_EQ(failures[0].device, a.identity.device());
}

TEST_F(Exchanges, DialAddressesThatPresenceTold) {
  add_third();
  a.exchange->set_addresses({"10.0.0.1:1", "[fd00::1]:1"}, now());
  c.exchange->set_addresses({"10.0.0.3:3"}, now());
  dial(c, a);
  auto& pipe = dial(b, a, "laptop.local:1");
  pump();
  wait(500ms);
  auto const of_a = b.exchange->peers().find(a.identity.device())->addresses;
  EXPECT_EQ(of_a, (std::vector<std::string>{"laptop.local:1", "10.0.0.1:1", "[fd00::1]:1"}));

  // Hearsay: a passes c's on, and c is dialled without ever having been met.
  auto const to_c = b.exchange->poll_dial(now());
  ASSERT_TRUE(to_c);
  EXPECT_EQ(to_c->device, c.identity.device());
  EXPECT_EQ(to_c->addresses, std::vector<std::string>{"10.0.0.3:3"});
  b.exchange->dial_failed(to_c->device, now());

  EXPECT_FALSE(b.exchange->poll_dial(now())) << "a is connected, c has to wait";
  cut(pipe);
  EXPECT_EQ(b.events<PeerDown>().size(), 1U);
  wait(1300ms);
  std::set<DeviceId> dialled;
  while (auto const next = b.exchange->poll_dial(now())) {
    dialled.insert(next->device);
    EXPECT_EQ(next->addresses, next->device == a.identity.device() ? of_a : std::vector<std::string>{"10.0.0.3:3"});
  }
  EXPECT_TRUE(dialled.contains(a.identity.device()));

  store::MemoryStore later(b.database);
  PeerBook kept(later);
  must(kept.load());
  EXPECT_EQ(kept.find(a.identity.device())->addresses, of_a) << "for the next run";
}

TEST_F(Exchanges, FetchChunksFromWhoHasThem) {
  add_third();
  dial(a, b);
  dial(a, c);
  pump();
  dial(b, a);
  dial(c, a);
  pump();
  ChunkId id;
  id.bytes[0] = 5;
  c.chunks[id] = Bytes(200'000, 7);
  a.exchange->want_chunks({{id, 200'000}});
  wait(1s);
  auto const arrived = a.events<ChunkArrived>();
  ASSERT_EQ(arrived.size(), 1U);
  EXPECT_EQ(arrived[0].bytes, c.chunks[id]);
  EXPECT_EQ(c.chunk_requests, 1U);
  EXPECT_EQ(a.exchange->chunks_wanted(), 0U);
}

TEST_F(Exchanges, AskAgainLaterForChunksThatNobodyHad) {
  dial(b, a);
  pump();
  ChunkId id;
  id.bytes[0] = 5;
  b.exchange->want_chunks({{id, 1000}});
  wait(Exchange::kNotHeldFor - 1s);
  EXPECT_EQ(a.chunk_requests, 1U);
  a.chunks[id] = Bytes(1000, 7);
  wait(2s);
  EXPECT_EQ(a.chunk_requests, 2U);
  EXPECT_EQ(b.events<ChunkArrived>().size(), 1U);
}

TEST_F(Exchanges, FetchFromOthersWhatOneSendsDamaged) {
  add_third();
  ChunkId id;
  id.bytes[0] = 5;
  Bytes const true_bytes(200'000, 7);
  a.contents[id] = true_bytes;
  b.chunks[id] = Bytes(200'000, 8);
  c.chunks[id] = true_bytes;
  dial(b, a);
  pump();
  a.exchange->want_chunks({{id, true_bytes.size()}});
  wait(Exchange::kDamagedFor - 1s);
  EXPECT_EQ(b.chunk_requests, 1U) << "and not again at once";
  EXPECT_TRUE(a.events<ChunkArrived>().empty());
  dial(c, a);
  wait(500ms);
  auto const arrived = a.events<ChunkArrived>();
  ASSERT_EQ(arrived.size(), 1U);
  EXPECT_EQ(arrived[0].bytes, true_bytes);
  EXPECT_EQ(b.chunk_requests, 1U);
}

TEST_F(Exchanges, AskWhoSendsDamagedChunksLessAndLess) {
  dial(b, a);
  pump();
  ChunkId id;
  id.bytes[0] = 5;
  a.contents[id] = Bytes(1000, 7);
  b.chunks[id] = Bytes(900, 7);  // of another length
  a.exchange->want_chunks({{id, 1000}});
  wait(Exchange::kDamagedFor / 2);
  b.exchange->set_contents({}, true, now());  // what it says of its contents does not make it believed
  cut(dial(b, a));
  dial(b, a);
  wait(Exchange::kDamagedFor / 2 - 1s);
  EXPECT_EQ(b.chunk_requests, 1U);
  wait(10 * Exchange::kDamagedFor);
  EXPECT_EQ(b.chunk_requests, 4U) << "after 30, 60 and 120 seconds more";
  b.chunks[id] = a.contents[id];
  wait(8 * Exchange::kDamagedFor);
  EXPECT_EQ(a.events<ChunkArrived>().size(), 1U) << "it may have been mended";
}

/// b lives, and never answers what it is asked for.
TEST_F(Exchanges, AskOthersWhereOneSaysNothing) {
  add_third();
  dial(c, a);
  pump();
  c.exchange->close_all(wire::CloseCode::done);
  pump();
  ChunkId id;
  id.bytes[0] = 5;
  a.contents[id] = c.chunks[id] = Bytes(1000, 7);
  Puppet silent(b, a, now());
  silent.pump(now());
  silent.session.send(wire::Tips{});
  a.exchange->want_chunks({{id, 1000}});
  silent.pump(now());
  ASSERT_TRUE(silent.session.open());
  dial(c, a);
  auto const pass = [&](auto time) {
    for (auto const end = now().mono + time; now().mono < end;) {
      wait(1s);
      silent.session.on_timer(now());
      silent.pump(now());
    }
  };
  pass(Exchange::kChunkPatience - 2s);
  EXPECT_TRUE(silent.session.open());
  EXPECT_EQ(c.chunk_requests, 0U);
  pass(3s);
  EXPECT_FALSE(silent.session.open());
  EXPECT_EQ(c.chunk_requests, 1U);
  EXPECT_EQ(a.events<ChunkArrived>().size(), 1U);
}

/// What a chunk is said to be long is its version's author's word.
TEST_F(Exchanges, TakeAChunkThatIsWhatItsIdSaysWhateverItsLength) {
  dial(b, a);
  pump();
  ChunkId id;
  id.bytes[0] = 5;
  a.contents[id] = b.chunks[id] = Bytes(1000, 7);
  a.exchange->want_chunks({{id, 1}});
  wait(1s);
  EXPECT_EQ(a.events<ChunkArrived>().size(), 1U);
}

TEST_F(Exchanges, RotateAfterARemovalWithoutBeingAsked) {
  add_third();
  dial(c, a);
  dial(b, a);
  pump();
  cut(dial(b, c));
  must(b.replica.remove_device(c.identity.device(), wire::RemoveReason::lost, nullptr, now()));
  changed(b);
  pump();
  wait(10s);
  EXPECT_EQ(a.exchange->connected(), ids(b));
  auto const epoch = a.replica.sealing_epoch().value();
  EXPECT_EQ(b.replica.sealing_epoch(), epoch);
  EXPECT_EQ(c.replica.state().secret(epoch), nullptr);
  expect_equal(a, b);
}

}  // namespace
}  // namespace kith::sync
