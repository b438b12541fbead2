#include "core/session.hpp"

#include <gtest/gtest.h>

#include "support/seeds.hpp"
#include "support/session_pair.hpp"

/// Sessions that are open: what they carry, when they ask, and how they end.
namespace kith::core {
namespace {

using testing::must;
using testing::only;
using namespace std::chrono_literals;

struct OpenSessions : ::testing::Test, testing::SessionPair {
  OpenSessions() {
    connect();
    a.events();
    b.events();
  }
  [[nodiscard]] static std::vector<wire::Frame> frames(std::vector<SessionEvent> const& events) {
    std::vector<wire::Frame> frames;
    for (auto const& event : events) {
      if (auto const* frame = std::get_if<SessionFrame>(&event)) frames.push_back(frame->frame);
    }
    return frames;
  }
  void wait(std::chrono::milliseconds time) {
    elapsed += time;
    a.session->on_timer(now());
    b.session->on_timer(now());
  }
};

TEST(Sessions, OpenForTwoDevicesOfOneGroup) {
  for (std::size_t const piece : {std::size_t{1} << 20, std::size_t{7}, std::size_t{1}}) {
    testing::SessionPair pair;
    pair.piece = piece;
    pair.b.membership.secrets.insert(pair.b.membership.secrets.begin(), pair.b.random.secret<EpochSecret>());
    pair.elapsed = 5s;
    pair.connect();
    ASSERT_TRUE(pair.a.session->open() && pair.b.session->open()) << piece;
    EXPECT_TRUE(pair.a.session->dialled_by_us());
    EXPECT_FALSE(pair.b.session->dialled_by_us());
    auto const of_a = only<SessionOpened>(pair.a.events()), of_b = only<SessionOpened>(pair.b.events());
    ASSERT_TRUE(of_a && of_b);
    EXPECT_EQ(of_a->peer.cert, pair.b.identity.cert);
    EXPECT_EQ(of_b->peer.cert, pair.a.identity.cert);
    EXPECT_EQ(of_b->peer.incarnation, Incarnation{77});
    EXPECT_TRUE(of_b->peer.version.starts_with("1-1 kith/"));
    EXPECT_EQ(of_b->peer.clock_ahead.count(), 0);
  }
}

TEST(Sessions, TellHowFarTheOthersClockIsOff) {
  testing::SessionPair pair;
  pair.dial();
  auto const hello = pair.a.transmit(pair.now());
  pair.elapsed = 1h;
  ASSERT_TRUE(pair.accept(hello));
  auto const reply = pair.b.transmit(pair.now());
  pair.elapsed = 0s;
  pair.a.session->on_bytes(reply, pair.now());
  EXPECT_EQ(only<SessionOpened>(pair.a.events())->peer.clock_ahead, 1h);
}

TEST(Sessions, MayUseAnyEpochThatBothHold) {
  testing::SessionPair pair;
  auto shared = pair.a.membership.secrets[0].clone();
  pair.a.membership.secrets.clear();
  for (int i = 0; i < 3; ++i) pair.a.membership.secrets.push_back(pair.a.random.secret<EpochSecret>());
  pair.a.membership.secrets.push_back(std::move(shared));
  pair.connect();
  EXPECT_TRUE(pair.a.session->open() && pair.b.session->open());
}

TEST(Sessions, OfferNoMoreThanFourEpochs) {
  testing::SessionPair pair;
  auto shared = pair.a.membership.secrets[0].clone();
  pair.a.membership.secrets.clear();
  for (int i = 0; i < 4; ++i) pair.a.membership.secrets.push_back(pair.a.random.secret<EpochSecret>());
  pair.a.membership.secrets.push_back(std::move(shared));
  pair.connect();
  EXPECT_FALSE(pair.a.session->open() || pair.b.session->open());
}

/// One that asks for signs of life and never reads them.
TEST_F(OpenSessions, AnswerPingsOnlyAsFarAsTheyAreRead) {
  for (std::uint64_t token = 1; token <= 100'000; ++token) {
    a.session->send(wire::Ping{token});
    if (token % 1000 == 0) b.session->on_bytes(a.transmit(now()), now());
  }
  EXPECT_TRUE(b.session->open());
  EXPECT_LE(b.session->queued_bytes(), Session::kMostQueuedForPong + 1000);
  EXPECT_GE(b.session->queued_bytes(), Session::kMostQueuedForPong);
  a.session->on_bytes(b.transmit(now()), now());
  a.session->send(wire::Ping{7});
  b.session->on_bytes(a.transmit(now()), now());
  EXPECT_LT(b.session->queued_bytes(), 100U);
  EXPECT_GT(b.session->queued_bytes(), 0U);
}

TEST_F(OpenSessions, CarryFramesBothWays) {
  wire::Data data;
  data.entries.push_back({Bytes(80'000, 3)});
  a.session->send(data);
  b.session->send(wire::Credit{7});
  piece = 1000;
  pump();
  EXPECT_EQ(frames(b.events()), std::vector<wire::Frame>{data});
  EXPECT_EQ(frames(a.events()), std::vector<wire::Frame>{wire::Credit{7}});
  EXPECT_EQ(a.session->queued_bytes(), 0U);
}

TEST_F(OpenSessions, SendControlBeforeBulk) {
  for (std::uint64_t i = 0; i < 3; ++i) a.session->send_bulk(wire::FileChunk{{}, i, 10, {}, Bytes(10)});
  EXPECT_GT(a.session->queued_bulk_bytes(), 0U);
  a.session->send(wire::Credit{1});
  pump();
  auto const got = frames(b.events());
  ASSERT_EQ(got.size(), 4U);
  EXPECT_EQ(got[0], wire::Frame(wire::Credit{1}));
}

TEST_F(OpenSessions, AskWhetherTheOtherIsThereAfterFiveSeconds) {
  EXPECT_EQ(a.session->next_deadline(), now().mono + 5s);
  wait(4999ms);
  EXPECT_TRUE(a.transmit(now()).empty());
  wait(1ms);
  auto const ping = a.transmit(now());
  EXPECT_FALSE(ping.empty());
  EXPECT_EQ(a.session->next_deadline(), now().mono + 10s);
  a.session->on_timer(now());
  EXPECT_TRUE(a.transmit(now()).empty()) << "it asked already";
  elapsed += 30ms;
  deliver(*b.session, ping);
  pump();
  EXPECT_EQ(a.session->round_trip(), std::optional(std::chrono::microseconds(30ms)));
  EXPECT_TRUE(frames(a.events()).empty()) << "pings and pongs are the session's own business";
  EXPECT_TRUE(frames(b.events()).empty());
  EXPECT_EQ(a.session->next_deadline(), now().mono + 5s);
}

TEST_F(OpenSessions, TakeAnyFrameForASignOfLife) {
  for (int i = 0; i < 10; ++i) {
    elapsed += 4s;
    b.session->send(wire::Credit{1});
    deliver(*a.session, b.transmit(now()));
    a.session->on_timer(now());
  }
  EXPECT_TRUE(a.session->open());
  EXPECT_TRUE(a.transmit(now()).empty());
}

TEST_F(OpenSessions, GiveUpASilentDeviceAfterFifteenSeconds) {
  wait(5s);
  a.transmit(now());
  wait(9999ms);
  EXPECT_TRUE(a.session->open());
  wait(1ms);
  EXPECT_FALSE(a.session->open());
  auto const closed = only<SessionClosed>(a.events());
  ASSERT_TRUE(closed);
  EXPECT_TRUE(closed->reason.is(CoreError::timed_out));
}

TEST_F(OpenSessions, LiveForADayAtMost) {
  while (elapsed < 24h - 3s) {
    elapsed += 3s;
    b.session->send(wire::Credit{1});
    a.session->send(wire::Credit{1});
    pump();
    a.session->on_timer(now());
    b.session->on_timer(now());
    a.events(), b.events();
  }
  ASSERT_TRUE(a.session->open());
  elapsed = 24h - 1ms;
  a.session->on_timer(now());
  ASSERT_TRUE(a.session->open());
  EXPECT_EQ(a.session->next_deadline(), now().mono + 1ms);
  elapsed += 1ms;
  a.session->on_timer(now());
  EXPECT_FALSE(a.session->open());
  pump();
  auto const closed = only<SessionClosed>(b.events());
  ASSERT_TRUE(closed && closed->close);
  EXPECT_EQ(closed->close->code, wire::CloseCode::renew);
}

TEST_F(OpenSessions, ChangeKeysEveryTwoMinutesUnnoticed) {
  for (int i = 0; i < 20; ++i) {
    elapsed += 70s;
    a.session->send(wire::Credit{1});
    b.session->send(wire::Credit{2});
    auto const sent = a.transmit(now());
    std::size_t const messages = i % 2 == 0 ? 1 : 2;  // REKEY goes ahead in a message of its own
    EXPECT_EQ(sent.size(), messages == 1 ? 25U : 25U + 24U) << i;
    deliver(*b.session, sent);
    pump();
    EXPECT_EQ(frames(a.events()).size(), 1U) << i;
    EXPECT_EQ(frames(b.events()).size(), 1U) << i;
  }
}

TEST_F(OpenSessions, SayGoodbye) {
  a.session->send_bulk(wire::FileChunk{{}, 0, 10, {}, Bytes(10)});
  a.session->close(wire::CloseCode::shutting_down, "bye");
  EXPECT_FALSE(a.session->open());
  EXPECT_FALSE(a.session->done()) << "the last words are still to go";
  auto const ours = only<SessionClosed>(a.events());
  ASSERT_TRUE(ours);
  EXPECT_TRUE(ours->reason.is(CoreError::closed));
  pump();
  EXPECT_TRUE(a.session->done());
  EXPECT_FALSE(a.session->next_deadline());
  auto const events = b.events();
  EXPECT_TRUE(frames(events).empty()) << "bulk is dropped";
  auto const theirs = only<SessionClosed>(events);
  ASSERT_TRUE(theirs && theirs->close);
  EXPECT_TRUE(theirs->reason.is(CoreError::closed));
  EXPECT_EQ(*theirs->close, (wire::Close{wire::CloseCode::shutting_down, "bye"}));
  EXPECT_TRUE(b.session->done());
  b.session->send(wire::Credit{1});
  a.session->close(wire::CloseCode::done);
  EXPECT_TRUE(a.transmit(now()).empty() && b.transmit(now()).empty() && a.events().empty());
}

TEST_F(OpenSessions, TellARemovedDeviceWhatItIs) {
  a.session->close(wire::CloseCode::removed);
  pump();
  auto const closed = only<SessionClosed>(b.events());
  ASSERT_TRUE(closed);
  EXPECT_TRUE(closed->reason.is(CoreError::removed_self));
}

TEST_F(OpenSessions, DoNotWaitForALinkThatTakesNothing) {
  a.session->close(wire::CloseCode::done);
  wait(15s);
  EXPECT_TRUE(a.session->done());
  EXPECT_TRUE(a.transmit(now()).empty());
}

TEST_F(OpenSessions, EndWithTheirLink) {
  a.session->send(wire::Credit{1});
  a.session->on_closed(now());
  auto const closed = only<SessionClosed>(a.events());
  ASSERT_TRUE(closed);
  EXPECT_TRUE(closed->reason.is(CoreError::closed));
  EXPECT_TRUE(a.session->done());
  EXPECT_TRUE(a.transmit(now()).empty());
}

TEST_F(OpenSessions, EndOnWhatIsNoMessageOfTheOthers) {
  a.session->send(wire::Credit{1});
  auto message = a.transmit(now());
  message.back() ^= 1;
  deliver(*b.session, message);
  auto const closed = only<SessionClosed>(b.events());
  ASSERT_TRUE(closed);
  EXPECT_EQ(closed->reason.name(), "crypto.not_authentic");
  pump();
  auto const told = only<SessionClosed>(a.events());
  ASSERT_TRUE(told && told->close);
  EXPECT_EQ(told->close->code, wire::CloseCode::bad_frame);
  EXPECT_EQ(told->close->text, "crypto.not_authentic");
}

TEST_F(OpenSessions, IgnorePongsThatNobodyAskedFor) {
  b.session->send(wire::Pong{4});
  pump();
  EXPECT_TRUE(a.session->open());
  EXPECT_TRUE(a.events().empty());
  EXPECT_FALSE(a.session->round_trip());
  wait(5s);
  b.session->send(wire::Pong{4});
  deliver(*a.session, b.transmit(now()));
  EXPECT_FALSE(a.session->round_trip()) << "not the token that was asked with";
}

TEST_F(OpenSessions, HearNothingBehindAGoodbye) {
  a.session->send(wire::Credit{1});
  a.session->close(wire::CloseCode::done);
  auto bytes = a.transmit(now());
  append(bytes, Bytes{0, 5, 1, 2, 3, 4, 5});
  deliver(*b.session, bytes);
  auto const events = b.events();
  EXPECT_EQ(frames(events).size(), 1U);
  EXPECT_TRUE(only<SessionClosed>(events));
}

}  // namespace
}  // namespace kith::core
