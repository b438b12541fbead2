#include <gtest/gtest.h>

#include "support/pairing_pair.hpp"

/// Conversations between an inviter and a joiner that go as they should, and the ways in which they end.
namespace kith::core {
namespace {

using testing::must;
using testing::PairingPair;
using namespace std::chrono_literals;

struct Pairing : ::testing::Test, PairingPair {
  void run_again_with(PairingCode with, Identity const& identity) {
    inviter_events.clear(), joiner_events.clear();
    join(std::move(with), identity);
    run();
  }
  void run_again() { run_again_with(code.clone(), joining); }
  [[nodiscard]] PairingCode wrong_code() const {
    auto wrong = code.clone();
    Bytes password(wrong.password.view().begin(), wrong.password.view().end());
    password.back() = password.back() == '0' ? '1' : '0';
    wrong.password = PairPassword(std::move(password));
    return wrong;
  }
  [[nodiscard]] std::uint8_t tries() { return invites.invites.at(code.lookup).tries; }
  [[nodiscard]] bool joined() const {
    return count<JoinDone>(joiner_events) == 1 && count<PairDone>(inviter_events) == 1;
  }
};

TEST_F(Pairing, BringsANewDeviceEverythingItNeeds) {
  for (std::size_t const bytes_at_once : {std::size_t{1} << 20, std::size_t{1}}) {
    piece = bytes_at_once;
    run_again();
    ASSERT_TRUE(joined()) << inviter_failure() << joiner_failure();
    auto const* requested = find<PairRequested>(inviter_events);
    ASSERT_NE(requested, nullptr);
    EXPECT_EQ(requested->lookup, code.lookup);
    EXPECT_EQ(requested->cert, joining.cert);
    EXPECT_EQ(requested->name, "phone");
    EXPECT_FALSE(requested->again);
    auto const* commit = find<PairCommit>(inviter_events);
    ASSERT_NE(commit, nullptr);
    EXPECT_EQ(commit->cert, joining.cert);
    EXPECT_EQ(commit->pseudonyms, std::vector{relay_face(joining.root, relay, offer().group).pseudonym()});
    EXPECT_EQ(find<PairDone>(inviter_events)->device, joining.device());

    auto const* waiting = find<PairWaiting>(joiner_events);
    ASSERT_NE(waiting, nullptr);
    EXPECT_EQ(waiting->inviter.cert, inviting.cert);
    EXPECT_EQ(waiting->inviter.name, "laptop");
    auto const* welcomed = find<PairWelcomed>(joiner_events);
    ASSERT_NE(welcomed, nullptr);
    EXPECT_EQ(welcomed->offer, offer());
    EXPECT_EQ(group_id(welcomed->welcome.genesis), offer().group);
    ASSERT_EQ(welcomed->welcome.secrets.size(), 1U);
    EXPECT_TRUE(welcomed->welcome.secrets[0] == epoch);
    EXPECT_EQ(welcomed->welcome.device_add, welcome().device_add);
    EXPECT_EQ(welcomed->welcome.addresses[0].text, "10.0.0.1:4711");
    EXPECT_TRUE(inviter->done() && joiner->done());
    EXPECT_EQ(tries(), 0);
  }
}

TEST_F(Pairing, ServesLinksWhosePasswordIsASecret) {
  auto const secret = random.bytes<32>();
  PairingCode const link{{"00000000"}, PairPassword(Bytes(secret.begin(), secret.end()))};
  invites.add(link);
  run_again_with(link.clone(), joining);
  EXPECT_TRUE(joined());
}

TEST_F(Pairing, ShowsNothingInTheClear) {
  Bytes all;
  alter = [&](Bytes& bytes, bool) { append(all, bytes); };
  run_again();
  ASSERT_TRUE(joined());
  for (auto const text :
       {std::string_view("phone"), std::string_view("laptop"), std::string_view("ws://relay"), code.password.text()}) {
    EXPECT_EQ(text_of(all).find(text), std::string_view::npos) << text;
  }
  auto const group = offer().group;
  for (ByteView const id : {joining.cert.device.view(), inviting.cert.device.view(), group.view()}) {
    EXPECT_EQ(text_of(all).find(text_of(id)), std::string_view::npos);
  }
}

TEST_F(Pairing, AsksThePersonAndTheProgramBeforeGoingOn) {
  approves = false;
  join();
  run();
  EXPECT_EQ(count<PairRequested>(inviter_events), 1U);
  EXPECT_EQ(count<PairWaiting>(joiner_events), 1U);
  EXPECT_EQ(count<PairCommit>(inviter_events), 0U);
  commits = false;
  inviter->approve(offer(), now());
  run();
  EXPECT_EQ(count<PairCommit>(inviter_events), 1U);
  EXPECT_EQ(count<PairWelcomed>(joiner_events), 0U);
  stores = false;
  inviter->welcome(welcome(), now());
  run();
  EXPECT_EQ(count<PairWelcomed>(joiner_events), 1U);
  EXPECT_EQ(count<PairDone>(inviter_events), 0U) << "the joiner has not stored it yet";
  joiner->stored();
  run();
  EXPECT_TRUE(joined());
}

TEST_F(Pairing, AnswersThatAreNotDueChangeNothing) {
  join();
  to_inviter(from_joiner());
  inviter->approve(offer(), now());
  inviter->welcome(welcome(), now());
  inviter->deny();
  joiner->stored();
  run();
  EXPECT_TRUE(joined());
  inviter->approve(offer(), now());
  inviter->welcome(welcome(), now());
  inviter->deny();
  inviter->cancel();
  joiner->stored();
  joiner->cancel();
  EXPECT_TRUE(from_inviter().empty() && from_joiner().empty());
  EXPECT_FALSE(answer());
  EXPECT_TRUE(joined());
}

TEST_F(Pairing, BurnsAnInviteAfterThreeWrongTries) {
  for (std::uint8_t left : {std::uint8_t{2}, std::uint8_t{1}, std::uint8_t{0}}) {
    run_again_with(wrong_code(), joining);
    EXPECT_EQ(joiner_failure(), "core.wrong_code");
    EXPECT_EQ(std::get<CountDetail>(find<JoinFailed>(joiner_events)->reason.detail()).count, left);
    EXPECT_EQ(inviter_failure(), "core.wrong_code");
    EXPECT_EQ(find<PairFailed>(inviter_events)->reason.detail(), ErrorDetail(CountDetail{left, InviteBook::kMaxTries}));
    EXPECT_EQ(find<PairFailed>(inviter_events)->lookup, code.lookup);
    EXPECT_EQ(count<PairRequested>(inviter_events), 0U);
  }
  run_again();
  EXPECT_EQ(joiner_failure(), "core.invite_void") << "even with the right code";
  EXPECT_EQ(inviter_failure(), "core.invite_void");
}

TEST_F(Pairing, TakesNoTryFromWhoKnowsTheCode) {
  run_again_with(wrong_code(), joining);
  run_again_with(wrong_code(), joining);
  EXPECT_EQ(tries(), 2);
  run_again();
  EXPECT_TRUE(joined());
  EXPECT_EQ(tries(), 2);
}

/// Whoever leaves after the inviter's tag has had a guess.
TEST_F(Pairing, CountsATryOfWhoeverLeaves) {
  join(wrong_code(), joining);
  to_inviter(from_joiner());
  EXPECT_EQ(tries(), 1) << "before the tag goes out";
  EXPECT_FALSE(from_inviter().empty());
  inviter->on_closed(now());
  EXPECT_EQ(tries(), 1);
  join();
  to_inviter(from_joiner());
  from_inviter();
  elapsed = PairInviter::kStepTime;
  inviter->on_timer(now());
  EXPECT_EQ(tries(), 2);
}

/// Otherwise a full disk or a busy database would make guesses free.
TEST_F(Pairing, SaysNothingWhereATryCannotBeCounted) {
  invites.disk_full = true;
  for (auto const state : {InviteState::open, InviteState::used}) {
    invites.invites.at(code.lookup).state = state;
    inviter_events.clear();
    join();
    to_inviter(from_joiner());
    EXPECT_TRUE(from_inviter().empty()) << "no tag";
    EXPECT_TRUE(inviter->done());
    answer();
    EXPECT_EQ(inviter_failure(), "core.closed");
  }
}

TEST_F(Pairing, BurnsAUsedInviteAfterThreeWrongTriesToo) {
  auto& invite = invites.invites.at(code.lookup);
  invite.state = InviteState::used, invite.used_by = joining.device();
  for (std::uint8_t left : {std::uint8_t{2}, std::uint8_t{1}, std::uint8_t{0}}) {
    run_again_with(wrong_code(), joining);
    EXPECT_EQ(std::get<CountDetail>(find<JoinFailed>(joiner_events)->reason.detail()).count, left);
  }
  run_again();
  EXPECT_EQ(joiner_failure(), "core.invite_void") << "even for the device that used it";
}

TEST_F(Pairing, SaysNothingToWhoNamesNoInvite) {
  auto other = code.clone();
  other.lookup.symbols = other.lookup.symbols == "00000000" ? "11111111" : "00000000";
  join(std::move(other), joining);
  to_inviter(from_joiner());
  EXPECT_TRUE(from_inviter().empty());
  EXPECT_TRUE(inviter->done());
  answer();
  EXPECT_EQ(inviter_failure(), "core.closed");
  EXPECT_FALSE(find<PairFailed>(inviter_events)->lookup);
  EXPECT_EQ(tries(), 0);
}

TEST_F(Pairing, SaysWhyAnInviteIsOver) {
  std::pair<InviteState, char const*> const cases[] = {{InviteState::expired, "core.invite_expired"},
                                                       {InviteState::voided, "core.invite_void"},
                                                       {InviteState::cancelled, "core.invite_cancelled"},
                                                       {InviteState::used, "core.invite_used"}};
  for (auto const& [state, reason] : cases) {
    invites.invites.at(code.lookup).state = state;
    run_again();
    EXPECT_EQ(joiner_failure(), reason);
    EXPECT_EQ(inviter_failure(), reason);
    EXPECT_EQ(tries(), 0);
  }
}

TEST_F(Pairing, LetsTheSameDeviceJoinAgain) {
  auto& invite = invites.invites.at(code.lookup);
  invite.state = InviteState::used, invite.used_by = joining.device();
  run_again();
  EXPECT_TRUE(joined());
  EXPECT_TRUE(find<PairRequested>(inviter_events)->again);
}

TEST_F(Pairing, LetsNoOtherDeviceUseAUsedCode) {
  auto& invite = invites.invites.at(code.lookup);
  invite.state = InviteState::used, invite.used_by = joining.device();
  auto const other = Identity::generate(random, {0});
  run_again_with(code.clone(), other);
  EXPECT_EQ(joiner_failure(), "core.invite_used");
  EXPECT_EQ(inviter_failure(), "core.invite_used");
  EXPECT_EQ(count<PairRequested>(inviter_events), 0U);
  EXPECT_EQ(tries(), 0) << "it knew the code";
  run_again_with(wrong_code(), joining);
  EXPECT_EQ(joiner_failure(), "core.wrong_code");
  EXPECT_EQ(tries(), 1) << "guesses at a used code are counted as well";
}

TEST_F(Pairing, TellsTheJoinerThatItWasDenied) {
  approves = false;
  join();
  run();
  inviter->deny();
  run();
  EXPECT_EQ(joiner_failure(), "core.invite_denied");
  EXPECT_EQ(inviter_failure(), "core.invite_denied");
}

TEST_F(Pairing, TellsTheJoinerThatAnotherWasQuicker) {
  approves = false;
  join();
  run();
  inviter->refuse_as_used();
  run();
  EXPECT_EQ(joiner_failure(), "core.invite_used");
  EXPECT_EQ(inviter_failure(), "core.invite_used");
}

TEST_F(Pairing, CanBeTakenBackByEitherSide) {
  approves = false;
  join();
  run();
  inviter->cancel();
  run();
  EXPECT_EQ(joiner_failure(), "core.invite_cancelled");
  EXPECT_EQ(inviter_failure(), "core.invite_cancelled");

  run_again();
  joiner->cancel();
  run();
  EXPECT_EQ(joiner_failure(), "core.invite_cancelled");
  EXPECT_EQ(inviter_failure(), "core.closed");
}

TEST_F(Pairing, SaysThatTheCommitDidNotWork) {
  commits = false;
  join();
  run();
  inviter->fail_internally(CoreError::entry_too_large);
  run();
  EXPECT_EQ(inviter_failure(), "core.entry_too_large");
  EXPECT_EQ(joiner_failure(), "core.closed");
}

TEST_F(Pairing, EndsWithItsLink) {
  approves = false;
  join();
  run();
  inviter->on_closed(now());
  joiner->on_closed(now());
  EXPECT_TRUE(inviter->done() && joiner->done());
  answer();
  EXPECT_EQ(inviter_failure(), "core.closed");
  EXPECT_EQ(joiner_failure(), "core.closed");
}

TEST_F(Pairing, GivesEachStepTenSecondsAndPeopleTenMinutes) {
  join();
  auto const expect_deadlines = [&](std::chrono::seconds of_inviter, std::chrono::seconds of_joiner) {
    if (inviter) {
      EXPECT_EQ(inviter->next_deadline(), now().mono + of_inviter);
    }
    EXPECT_EQ(joiner->next_deadline(), now().mono + of_joiner);
  };
  expect_deadlines(0s, 10s);
  to_inviter(from_joiner());
  expect_deadlines(10s, 10s);
  approves = commits = false;
  run();
  expect_deadlines(600s, 600s);
  inviter->approve(offer(), now());
  run();
  expect_deadlines(10s, 10s);
  stores = false;
  inviter->welcome(welcome(), now());
  run();
  EXPECT_EQ(inviter->next_deadline(), now().mono + 10s);
  EXPECT_FALSE(joiner->next_deadline()) << "storing takes as long as it takes";
  elapsed += 9999ms;
  inviter->on_timer(now());
  EXPECT_FALSE(inviter->done());
  elapsed += 1ms;
  inviter->on_timer(now());
  joiner->on_timer(now());
  answer();
  EXPECT_EQ(inviter_failure(), "core.timed_out");
  EXPECT_EQ(joiner_failure(), "");
  EXPECT_FALSE(inviter->next_deadline());
}

TEST_F(Pairing, TimesOutAtEachStepOfTheJoiner) {
  join();
  elapsed = 10s;
  joiner->on_timer(now());
  answer();
  EXPECT_EQ(joiner_failure(), "core.timed_out");

  approves = false;
  run_again();
  elapsed += 600s - 1ms;
  joiner->on_timer(now());
  EXPECT_FALSE(joiner->done());
  elapsed += 1ms;
  joiner->on_timer(now());
  answer();
  EXPECT_EQ(joiner_failure(), "core.timed_out");
}

/// The tries that are left are a courtesy: without an answer the code is known to be wrong all the same.
TEST_F(Pairing, WaitsTwoSecondsForTheTriesThatAreLeft) {
  join(wrong_code(), joining);
  to_inviter(from_joiner());
  to_joiner(from_inviter());
  EXPECT_EQ(joiner->next_deadline(), now().mono + 2s);
  elapsed = 2s;
  joiner->on_timer(now());
  answer();
  EXPECT_EQ(joiner_failure(), "core.wrong_code");
}

}  // namespace
}  // namespace kith::core
