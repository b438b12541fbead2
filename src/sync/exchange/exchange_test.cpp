#include "support/exchanges.hpp"
#include "support/raw_entry.hpp"

/// Exchanges of real replicas over links in memory: entries, sessions, dialling.
namespace kith::sync {
namespace {

using testing::ExchangeDevice;
using testing::Exchanges;
using testing::must;
using namespace std::chrono_literals;

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

/// Who has not looked at its disk claims nothing; who lacks something, what it claimed before.
TEST_F(Exchanges, TellWhoseContentsAreWhole) {
  auto const claimed = [&] { return b.exchange->peers().find(a.identity.device())->content; };
  dial(b, a);
  pump();
  wait(300ms);
  EXPECT_TRUE(claimed().empty());
  a.exchange->set_contents({}, Contents::complete, 0, now());
  wait(300ms);
  auto const whole = must(a.replica.tips());
  EXPECT_EQ(claimed(), whole);
  a.exchange->set_contents({}, Contents::lacking, 0, now());
  a.push("more");
  changed(a);
  pump();
  wait(300ms);
  EXPECT_NE(must(a.replica.tips()), whole);
  EXPECT_EQ(claimed(), whole);
  a.exchange->set_contents({}, Contents::unknown, 0, now());
  wait(300ms);
  EXPECT_TRUE(claimed().empty());
}

/// Who leaves something alone says how much, at tips whose other contents it has. While that comes after all, only what
/// was whole before counts.
TEST_F(Exchanges, TellHowMuchIsLeftAlone) {
  auto const claimed = [&] { return *b.exchange->peers().find(a.identity.device()); };
  auto const expect_claim = [&](std::vector<Tip> const& content, unsigned held) {
    wait(300ms);
    EXPECT_EQ(claimed().content, content);
    EXPECT_EQ(claimed().held, held);
    EXPECT_EQ(b.events<ContentsMoved>().empty(), false);
    b.seen.clear();
  };
  dial(b, a);
  pump();
  a.exchange->set_contents({}, Contents::complete, 0, now());
  auto const whole = must(a.replica.tips());
  expect_claim(whole, 0);
  a.push("more");
  changed(a);
  a.exchange->set_contents({}, Contents::complete, 2, now());
  pump();
  auto const later = must(a.replica.tips());
  ASSERT_NE(later, whole);
  expect_claim(later, 2);
  a.exchange->set_contents({}, Contents::complete, 1, now());
  expect_claim(later, 1);
  EXPECT_EQ(core::decode_record<PeerRecord>(core::encode_record(claimed()))->held, 1U);
  a.exchange->set_contents({}, Contents::lacking, 1, now());
  expect_claim(whole, 0);
  a.exchange->set_contents({}, Contents::complete, 100000, now());
  expect_claim(later, 65535);
  a.exchange->set_contents({}, Contents::unknown, 1, now());
  expect_claim({}, 0);
  a.exchange->set_contents({}, Contents::complete, 0, now());
  expect_claim(later, 0);
}

/// The contents of what has just come may be missing: nothing is claimed of it before that was looked at.
TEST_F(Exchanges, ClaimNoContentsOfWhatHasJustCome) {
  dial(b, a);
  pump();
  a.exchange->set_contents({}, Contents::complete, 0, now());
  wait(300ms);
  auto const whole = must(a.replica.tips());
  ASSERT_EQ(b.exchange->peers().find(a.identity.device())->content, whole);
  b.push("with pieces");
  changed(b);
  pump();
  ASSERT_NE(must(a.replica.tips()), whole);
  wait(300ms);
  EXPECT_EQ(b.exchange->peers().find(a.identity.device())->content, whole);
  a.exchange->set_contents({}, Contents::lacking, 0, now());
  wait(300ms);
  EXPECT_EQ(b.exchange->peers().find(a.identity.device())->content, whole);
  a.exchange->set_contents({}, Contents::complete, 0, now());
  wait(300ms);
  EXPECT_EQ(b.exchange->peers().find(a.identity.device())->content, must(a.replica.tips()));
}

/// Whoever hands something over may stay only until it knows that it has come.
TEST_F(Exchanges, SayWhatTheyHoldBeforeTheyLeave) {
  dial(b, a);
  wait(300ms);
  a.push("the last word");
  changed(a);
  pump();
  auto const tips = must(a.replica.tips());
  ASSERT_EQ(must(b.replica.tips()), tips);
  b.exchange->set_contents({}, Contents::complete, 0, now());
  b.exchange->leave(now());
  pump();
  EXPECT_TRUE(a.exchange->connected().empty());
  EXPECT_EQ(a.exchange->peers().find(b.identity.device())->acked, tips);
  EXPECT_EQ(a.exchange->peers().find(b.identity.device())->content, tips);
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

/// Who remembers an epoch gets as far as saying why it goes.
TEST_F(Exchanges, DoNotTakeARemovedDevicesWordForACopy) {
  all_meet();
  leave(b);
  must(a.replica.remove_device(b.identity.device(), wire::RemoveReason::lost, nullptr, now()));
  changed(a);
  pump();
  for (std::size_t i = 0; i <= Exchange::kCloneHits; ++i) {
    testing::Puppet liar(b, a, now());
    liar.pump(now());
    liar.session.close(wire::CloseCode::replaced, "0123456789abcdef");
    liar.pump(now());
    wait(1s);
  }
  EXPECT_FALSE(a.exchange->cloned());
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

TEST_F(Exchanges, DoNotTakeThemselvesForACopyWhileTheyStartAnew) {
  dial(a, b);
  pump();
  for (std::size_t i = 0; i <= Exchange::kCloneHits; ++i) {
    dial(a, b);
    EXPECT_TRUE(pump_once());  // now the new session is open at a, and b has not heard yet that it replaces the old one
    must(b.replica.start_incarnation());
    must(b.exchange->on_local_change(now()));
    pump();
  }
  EXPECT_FALSE(b.exchange->cloned());
  expect_equal(a, b);
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

/// What members hand on must not make a stranger's hello dear, nor keep members from coming in.
TEST_F(Exchanges, HoldAHelloAgainstABoundedNumberOfEpochs) {
  add_third();
  dial(b, a);
  dial(c, a);
  pump();
  for (auto* member : {&b, &c}) {
    for (std::size_t i = 0; i < kLimits.max_taught_secrets / kLimits.max_entry_secrets; ++i) {
      wire::EpochSecrets handed_on;
      for (std::size_t k = 0; k < kLimits.max_entry_secrets; ++k) {
        handed_on.secrets.push_back(member->random.secret<core::EpochSecret>());
      }
      std::vector<wire::Op> ops;
      ops.emplace_back(std::move(handed_on));
      must(member->replica.write(std::move(ops), now()));
    }
    changed(*member);
    pump();
  }
  ASSERT_GT(a.replica.state().secrets().size(), kLimits.max_hello_epochs);
  core::Membership const& asked = *a.exchange;
  EXPECT_EQ(asked.epochs_for_hello().size(), kLimits.max_hello_epochs);
  EXPECT_EQ(asked.epochs_for_hello().front(), *a.replica.sealing_epoch());
  leave(b);
  ASSERT_EQ(a.exchange->connected(), ids(c));
  dial(b, a);
  pump();
  EXPECT_EQ(a.exchange->connected().size(), 2U);
}

/// A program that uses one relay, and says that it has seen so much of the mailbox there.
void use_a_relay(ExchangeDevice& device, std::uint64_t cursor) {
  device.exchange->set_witnesses([cursor]() -> Result<Exchange::Shown> {
    wire::RelayWitness witness;
    witness.cursor = {cursor};
    return Exchange::Shown{{witness}};
  });
}

TEST_F(Exchanges, HearWhatARelayWasJustShowingOnceItHas) {
  use_a_relay(a, 7);
  b.exchange->set_witnesses([]() -> Result<Exchange::Shown> { return Exchange::Shown{{}, true}; });
  dial(b, a);
  pump();
  ASSERT_EQ(a.events<DigestArrived>().size(), 1U);
  EXPECT_TRUE(a.events<DigestArrived>()[0].digest.relays.empty());
  must(b.exchange->tell_owed_witnesses());
  pump();
  EXPECT_EQ(a.events<DigestArrived>().size(), 1U);
  use_a_relay(b, 8);
  must(b.exchange->tell_owed_witnesses());
  must(b.exchange->tell_owed_witnesses());
  pump();
  ASSERT_EQ(a.events<DigestArrived>().size(), 2U);
  EXPECT_EQ(a.events<DigestArrived>()[1].digest.relays.at(0).cursor.value, 8U);
}

TEST_F(Exchanges, HearFromEachOtherWhatRelaysHaveShownThemWhenTheyMeet) {
  use_a_relay(a, 7);
  use_a_relay(b, 8);
  dial(b, a);
  pump();
  wait(6s);
  ASSERT_EQ(a.events<DigestArrived>().size(), 1U);
  ASSERT_EQ(b.events<DigestArrived>().size(), 1U);
  auto const heard = b.events<DigestArrived>().front().digest;
  EXPECT_EQ(heard.token, wire::DigestWant::kRelaysAlone);
  EXPECT_TRUE(heard.heads.is_zero());  // nothing is read for it
  ASSERT_EQ(heard.relays.size(), 1U);
  EXPECT_EQ(heard.relays[0].cursor.value, 7U);

  // One of them has been shown all that there is only now: the other one hears that as well.
  use_a_relay(a, 9);
  a.exchange->ask_witnesses(now());
  pump();
  EXPECT_EQ(a.events<DigestArrived>().size(), 2U);
  ASSERT_EQ(b.events<DigestArrived>().size(), 2U);
  EXPECT_EQ(b.events<DigestArrived>().back().digest.relays[0].cursor.value, 9U);
}

TEST_F(Exchanges, LookAtNoDigestsThatNobodyAskedFor) {
  use_a_relay(a, 7);
  testing::Puppet puppet(b, a, now());
  puppet.pump(now());
  ASSERT_TRUE(puppet.session.open());
  auto const say = [&](std::uint64_t token, std::size_t times) {
    wire::Digest digest;
    digest.token = token;
    for (std::size_t i = 0; i < times; ++i) puppet.session.send(digest);
    puppet.pump(now());
    pump();
    return a.events<DigestArrived>().size();
  };
  EXPECT_EQ(say(5, 3), 0U);
  a.exchange->ask_digests();
  EXPECT_EQ(say(5, 3), 1U);
  EXPECT_EQ(say(wire::DigestWant::kRelaysAlone, 40), 1 + Exchange::kMostDigestsDue);
}

TEST_F(Exchanges, AskNobodyAboutRelaysWhereTheyUseNone) {
  use_a_relay(a, 7);
  dial(b, a);
  pump();
  EXPECT_EQ(b.events<DigestArrived>().size(), 0U);
  ASSERT_EQ(a.events<DigestArrived>().size(), 1U);
  EXPECT_TRUE(a.events<DigestArrived>().front().digest.relays.empty());
}

}  // namespace
}  // namespace kith::sync
