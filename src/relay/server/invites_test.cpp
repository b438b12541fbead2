#include "relay/server/invites.hpp"

#include <gtest/gtest.h>

#include "support/seeded_random.hpp"

namespace kith::relay::server {
namespace {

using namespace std::chrono_literals;

Bytes box(std::string_view text) { return {text.begin(), text.end()}; }
std::vector<std::string> texts(Invites::Boxes const& boxes) {
  std::vector<std::string> all;
  for (auto const each : boxes.boxes) all.emplace_back(text_of(each));
  return all;
}
/// "1:hello" for the first claim's box, "2:end" for the second's end.
std::vector<std::string> events(Invites::Events const& found, std::vector<InviteClaim> const& claims) {
  std::vector<std::string> all;
  for (auto const* each : found.events) {
    auto const at = std::ranges::find(claims, each->claim) - claims.begin() + 1;
    all.push_back(std::to_string(at) + ":" + (each->box ? std::string(text_of(*each->box)) : "end"));
  }
  return all;
}
std::uint64_t wait_of(Error const& error) {
  EXPECT_TRUE(error.is(InviteError::rate_limited)) << error.name();
  return std::get<CountDetail>(error.detail()).count;
}

struct InvitesTest : ::testing::Test {
  static constexpr InviteRateLimits kPlenty{1000, 1000, 1000};
  void with(InviteLimits limits, InviteRateLimits rates = kPlenty) { invites.emplace(limits, rates, random); }
  InvitesTest() { with({}); }
  InviteOwner create(std::string const& key = "7F3K9QDM") {
    return std::move(invites->create("a", key, 600s, now).value().owner);
  }
  InviteClaim claim(std::string const& key = "7F3K9QDM") { return invites->claim("b", key, now).value(); }

  kith::testing::SeededRandom random{7};
  std::optional<Invites> invites;
  Instant now{1h};
};
using Strings = std::vector<std::string>;

TEST_F(InvitesTest, CarriesBoxesBothWaysInOrder) {
  auto const owner = create();
  auto const first = claim(), second = claim();
  EXPECT_EQ(invites->post("7F3K9QDM", first, box("one")).value(), 1U);
  EXPECT_EQ(invites->post("7F3K9QDM", second, box("two")).value(), 1U);
  EXPECT_EQ(invites->post("7F3K9QDM", first, box("three")).value(), 2U);
  auto const all = invites->read_all("7F3K9QDM", owner, 0).value();
  EXPECT_EQ(events(all, {first, second}), (Strings{"1:one", "2:two", "1:three"}));
  EXPECT_EQ(all.next, 3U);
  EXPECT_EQ(events(invites->read_all("7F3K9QDM", owner, 2).value(), {first, second}), (Strings{"1:three"}));
  EXPECT_TRUE(invites->read_all("7F3K9QDM", owner, 99).value().events.empty());

  EXPECT_EQ(invites->answer("7F3K9QDM", owner, first, box("yes")).value(), 1U);
  EXPECT_EQ(invites->answer("7F3K9QDM", owner, first, box("no")).value(), 2U);
  auto const answers = invites->read("7F3K9QDM", first, 0).value();
  EXPECT_EQ(texts(answers), (Strings{"yes", "no"}));
  EXPECT_EQ(answers.next, 2U);
  EXPECT_FALSE(answers.end);
  EXPECT_EQ(texts(invites->read("7F3K9QDM", first, 1).value()), (Strings{"no"}));
  EXPECT_TRUE(invites->read("7F3K9QDM", second, 0).value().boxes.empty());
}

TEST_F(InvitesTest, NamesEachInviteOnce) {
  auto const owner = create();
  EXPECT_TRUE(invites->create("a", "7F3K9QDM", 600s, now).error().is(InviteError::taken));
  create("7F3K9QDN");
  ASSERT_TRUE(invites->revoke("7F3K9QDM", owner));
  create();
}

TEST_F(InvitesTest, ListensToItsOwnerOnly) {
  auto const owner = create();
  auto const other = create("7F3K9QDN");
  auto const who = claim();
  for (auto const* key : {"7F3K9QDM", "00000000"}) {
    EXPECT_TRUE(invites->read_all(key, other, 0).error().is(InviteError::not_found));
    EXPECT_TRUE(invites->answer(key, other, who, box("x")).error().is(InviteError::not_found));
    EXPECT_TRUE(invites->dismiss(key, other, who).error().is(InviteError::not_found));
    EXPECT_TRUE(invites->revoke(key, other).error().is(InviteError::not_found));
  }
  EXPECT_TRUE(invites->answer("7F3K9QDN", other, who, box("x")).error().is(InviteError::not_found));
  EXPECT_TRUE(invites->read("7F3K9QDM", who, 0)->boxes.empty());
  EXPECT_TRUE(invites->read("7F3K9QDN", who, 0).error().is(InviteError::not_found));
}

TEST_F(InvitesTest, AnswersClaimsOfNothingLikeAnyOther) {
  auto const nothing = claim("00000000");
  for (std::size_t i = 1; i <= 16; ++i) EXPECT_EQ(invites->post("00000000", nothing, box("x")).value(), i);
  EXPECT_TRUE(invites->post("00000000", nothing, box("x")).error().is(InviteError::full));
  auto const silence = invites->read("00000000", nothing, 0).value();
  EXPECT_TRUE(silence.boxes.empty() && !silence.end && silence.next == 0);
  for (int i = 1; i < 8; ++i) claim("00000000");
  EXPECT_EQ(wait_of(invites->claim("b", "00000000", now).error()), 60U);
  EXPECT_TRUE(invites->end("00000000", nothing));
  EXPECT_TRUE(invites->post("00000000", nothing, box("x")).error().is(InviteError::ended));
  // Somebody may still make an invite of that name; the one who guessed it has no part in it.
  auto const owner = create("00000000");
  EXPECT_TRUE(invites->read_all("00000000", owner, 0)->events.empty());
  EXPECT_TRUE(invites->answer("00000000", owner, nothing, box("x")).error().is(InviteError::not_found));
  EXPECT_EQ(invites->open_count(), 1U);
}

TEST_F(InvitesTest, TellsEachSideThatTheOtherHasEnded) {
  auto const owner = create();
  auto const who = claim();
  ASSERT_TRUE(invites->post("7F3K9QDM", who, box("bye")));
  ASSERT_TRUE(invites->end("7F3K9QDM", who));
  ASSERT_TRUE(invites->end("7F3K9QDM", who));  // once is enough
  EXPECT_EQ(events(invites->read_all("7F3K9QDM", owner, 0).value(), {who}), (Strings{"1:bye", "1:end"}));
  ASSERT_TRUE(invites->answer("7F3K9QDM", owner, who, box("bye")));
  ASSERT_TRUE(invites->dismiss("7F3K9QDM", owner, who));
  EXPECT_TRUE(invites->answer("7F3K9QDM", owner, who, box("more")).error().is(InviteError::ended));
  auto const last = invites->read("7F3K9QDM", who, 0).value();
  EXPECT_EQ(texts(last), (Strings{"bye"}));
  EXPECT_FALSE(last.end);
  EXPECT_TRUE(invites->read("7F3K9QDM", who, 1)->end);
}

TEST_F(InvitesTest, AcceptsBoxesForASideThatHasEnded) {
  auto const owner = create();
  auto const who = claim();
  ASSERT_TRUE(invites->dismiss("7F3K9QDM", owner, who));
  EXPECT_EQ(invites->post("7F3K9QDM", who, box("late")).value(), 1U);
  EXPECT_TRUE(invites->read_all("7F3K9QDM", owner, 0)->events.empty());
}

TEST_F(InvitesTest, EndsAllConversationsOfARevokedInvite) {
  auto const owner = create();
  auto const who = claim();
  ASSERT_TRUE(invites->answer("7F3K9QDM", owner, who, box("bye")));
  ASSERT_TRUE(invites->revoke("7F3K9QDM", owner));
  EXPECT_TRUE(invites->read_all("7F3K9QDM", owner, 0).error().is(InviteError::not_found));
  EXPECT_EQ(texts(invites->read("7F3K9QDM", who, 0).value()), (Strings{"bye"}));
  EXPECT_TRUE(invites->read("7F3K9QDM", who, 1)->end);
  EXPECT_FALSE(invites->read("7F3K9QDM", claim(), 0)->end);  // a claim that comes later is one of nothing
  EXPECT_EQ(invites->open_count(), 0U);
}

TEST_F(InvitesTest, TakesNoClaimsAfterItsTimeButLetsConversationsEnd) {
  auto const owner = create();
  auto const in_time = claim();
  now += 600s;
  auto const late = claim();
  invites->on_timer(now);
  EXPECT_EQ(invites->open_count(), 0U);
  EXPECT_TRUE(invites->answer("7F3K9QDM", owner, late, box("x")).error().is(InviteError::not_found));
  EXPECT_TRUE(invites->answer("7F3K9QDM", owner, in_time, box("x")));
  now += 600s;
  invites->on_timer(now);
  EXPECT_TRUE(invites->read_all("7F3K9QDM", owner, 0).error().is(InviteError::not_found));
  EXPECT_TRUE(invites->read("7F3K9QDM", in_time, 0).error().is(InviteError::not_found));
  EXPECT_TRUE(invites->read("7F3K9QDM", late, 0));
  now += 1200s;
  invites->on_timer(now);
  EXPECT_TRUE(invites->read("7F3K9QDM", late, 0).error().is(InviteError::not_found));
  EXPECT_FALSE(invites->next_deadline());
}

TEST_F(InvitesTest, ForgetsAnUnclaimedInviteWhenItsTimeIsOver) {
  auto const made = invites->create("a", "7F3K9QDM", 5s, now).value();
  EXPECT_EQ(made.expires, 5s);
  EXPECT_EQ(invites->next_deadline(), now + 5s);
  invites->on_timer(now + 4999ms);
  EXPECT_TRUE(invites->read_all("7F3K9QDM", made.owner, 0));
  invites->on_timer(now + 5s);
  EXPECT_FALSE(invites->read_all("7F3K9QDM", made.owner, 0));
  EXPECT_EQ(invites->create("a", "7F3K9QDM", 3600s, now + 5s)->expires, 600s);
}

TEST_F(InvitesTest, BoundsWhatItHolds) {
  InviteLimits limits;
  limits.max_open = 2;
  limits.max_held_bytes = 10000;
  with(limits);
  auto const owner = create();
  create("7F3K9QDN");
  EXPECT_EQ(wait_of(invites->create("a", "7F3K9QDP", 600s, now).error()), 60U);
  auto const who = claim();
  EXPECT_TRUE(invites->post("7F3K9QDM", who, Bytes(4609)).error().is(InviteError::too_large));
  EXPECT_TRUE(invites->post("7F3K9QDM", who, Bytes(4608)));
  EXPECT_TRUE(invites->answer("7F3K9QDM", owner, who, Bytes(4608)));
  wait_of(invites->post("7F3K9QDM", who, Bytes(785)).error());
  EXPECT_EQ(invites->post("7F3K9QDM", who, Bytes(784)).value(), 2U);
  for (int i = 1; i < 8; ++i) claim();
  EXPECT_EQ(wait_of(invites->claim("b", "7F3K9QDM", now).error()), 60U);
}

TEST_F(InvitesTest, ForgetsTheOldestOfTooManyGuesses) {
  InviteLimits limits;
  limits.max_void = 3;
  with(limits);
  std::vector<InviteClaim> claims;
  for (char i = '0'; i < '5'; ++i) {
    claims.push_back(claim(std::string("AAAAAAA") + i));
    now += 1s;
  }
  EXPECT_FALSE(invites->read("AAAAAAA0", claims[0], 0));
  EXPECT_FALSE(invites->read("AAAAAAA1", claims[1], 0));
  for (char i = '2'; i < '5'; ++i) EXPECT_TRUE(invites->read(std::string("AAAAAAA") + i, claims[i - '0'], 0));
}

TEST_F(InvitesTest, CountsTriesOfEachClient) {
  with({}, {});
  for (int i = 0; i < 5; ++i) {
    EXPECT_TRUE(invites->create("a", std::string("7F3K9QD") + std::to_string(i), 600s, now));
    now += 1s;
  }
  EXPECT_EQ(wait_of(invites->create("a", "7F3K9QD5", 600s, now).error()), 55U);
  EXPECT_TRUE(invites->create("b", "7F3K9QD5", 600s, now));
  EXPECT_TRUE(invites->create("a", "7F3K9QD6", 600s, now + 55s));
  for (int i = 0; i < 8; ++i) EXPECT_TRUE(invites->claim("c", "7F3K9QD0", now));
  for (int i = 0; i < 2; ++i) EXPECT_TRUE(invites->claim("c", "7F3K9QD1", now));
  EXPECT_EQ(wait_of(invites->claim("c", "7F3K9QD1", now).error()), 60U);
  EXPECT_TRUE(invites->claim("d", "7F3K9QD1", now));
}

TEST_F(InvitesTest, MakesThoseWaitLongerWhoGuess) {
  with({}, {5, 1000, 3});
  create();
  for (int i = 0; i < 3; ++i) EXPECT_TRUE(invites->claim("c", "00000000", now));
  for (std::uint64_t const wait : {60, 120, 240, 480, 960, 1920, 3600, 3600}) {
    EXPECT_EQ(wait_of(invites->claim("c", "7F3K9QDM", now).error()), wait);
    now += std::chrono::seconds{wait} - 1ms;
    EXPECT_EQ(wait_of(invites->claim("c", "7F3K9QDM", now).error()), 1U);
    now += 1ms;
    EXPECT_TRUE(invites->claim("c", "00000001", now));
  }
  EXPECT_TRUE(invites->claim("d", "00000000", now));
}

TEST(InviteRates, ForgetsThoseWhoAreQuiet) {
  InviteRates rates({});
  Instant now{1h};
  for (int i = 0; i < 100; ++i) EXPECT_TRUE(rates.create(std::to_string(i), now));
  rates.forget_idle(now + 1h);
  EXPECT_EQ(rates.clients(), 100U);
  rates.forget_idle(now + 2h);
  EXPECT_EQ(rates.clients(), 0U);
}

TEST(InviteRates, NeverHoldsMoreClientsThanItMay) {
  InviteRates rates({});
  Instant now{1h};
  for (std::size_t i = 0; i < InviteRates::kMaxClients + 10; ++i)
    EXPECT_TRUE(rates.create(std::to_string(i), now += 1ms));
  EXPECT_EQ(rates.clients(), InviteRates::kMaxClients);
}

TEST(InviteKey, IsEightSymbolsInNormalForm) {
  EXPECT_TRUE(is_invite_key("7F3K9QDM"));
  for (auto const* text :
       {"", "7F3K9QD", "7F3K9QDMM", "7f3k9qdm", "7F3K9QDI", "7F3K9QDL", "7F3K9QDO", "7F3K9QDU", "7F3K-QDM"})
    EXPECT_FALSE(is_invite_key(text)) << text;
}

}  // namespace
}  // namespace kith::relay::server
