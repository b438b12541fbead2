#include "support/exchanges.hpp"

/// Devices that do not belong to the group, or not any more.
namespace kith::sync {
namespace {

using testing::ExchangeDevice;
using testing::Exchanges;
using testing::must;
using testing::Puppet;
using namespace std::chrono_literals;

TEST_F(Exchanges, HearOfADeviceThatLeftWhileTheyWereApart) {
  cut(dial(a, b));
  a.push("before it left");
  must(a.replica.remove_device(a.identity.device(), wire::RemoveReason::retired, nullptr, now()));
  must(a.exchange->on_local_change(now()));
  dial(b, a);
  pump();
  wait(2s);
  EXPECT_TRUE(b.replica.state().roster().removed(a.identity.device()));
  EXPECT_EQ(b.texts().back(), "before it left");
}

TEST_F(Exchanges, TellARemovedDeviceAndCutItOff) {
  all_meet();
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

/// b brought in c when it was removed already. What is written behind that is not for c to see, not by its size either.
TEST_F(Exchanges, ShowADeviceThatNobodyLetInNoMoreThanWhy) {
  auto const recovery = testing::test_recovery(7);
  ExchangeDevice other{5, "tablet"};
  pair(a, other);
  dial(b, a);
  pump();
  leave(b);
  auto const is_out = must(a.replica.remove_device(b.identity.device(), wire::RemoveReason::lost, nullptr, now()));
  pair(b, c);
  c.pull_from(b);
  ExchangeDevice d{4, "of the one that nobody let in"};
  pair(c, d);
  d.pull_from(c);
  ASSERT_TRUE(c.replica.self_active() && d.replica.self_active());
  a.receive(b.all_entries()), a.receive(d.all_entries());
  for (int i = 0; i < 30; ++i) a.push("between " + std::to_string(i));
  other.pull_from(a);
  must(other.replica.remove_device(b.identity.device(), wire::RemoveReason::lost, &recovery, now()));
  ASSERT_GT(a.pull_from(other).applied, 0U);
  for (auto* straw : {&c, &d}) {
    auto const before = straw->all_entries().size();
    start(*straw);
    for (int times = 0; times < 3; ++times) {
      dial(*straw, a);
      pump();
      wait(Exchange::kHearingPause);
    }
    EXPECT_FALSE(straw->replica.self_active());
    EXPECT_TRUE(must(straw->replica.has(is_out.entry)));
    EXPECT_EQ(straw->all_entries().size(), before + 1) << "the remove";
    std::size_t unopened = 0;
    must(straw->store.scan(store::Table::unopened, {}, {}, [&](ByteView, ByteView) {
      ++unopened;
      return store::Store::Next::go_on;
    }));
    EXPECT_EQ(unopened, 0U);
  }
}

/// b was away: it lacks what was written meanwhile, and the removal rests on that.
TEST_F(Exchanges, ShowADeviceThatWasAwayWhyItIsRemoved) {
  all_meet();
  leave(b);
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
  leave(b);
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
  leave(b);
  must(b.replica.rotate(now()));
  b.push("while a was away");
  pair(b, c);
  start(c);
  dial(c, b);
  pump();
  ASSERT_TRUE(c.replica.self_active());
  leave(b);

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
  all_meet();
  leave(b);
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
  all_meet();
  leave(b);
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
