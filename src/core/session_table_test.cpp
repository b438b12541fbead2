#include <gtest/gtest.h>

#include "base/assert.hpp"
#include "support/must.hpp"
#include "support/session_pair.hpp"

/// What a session makes of every type of frame in every state. @see docs/spec/session.md, "Frames in each state"
namespace kith::core {
namespace {

using testing::SessionPair;

/// One frame of each type there is.
template <std::size_t... kIndex>
std::vector<wire::Frame> every_frame(std::index_sequence<kIndex...>) {
  std::vector<wire::Frame> frames;
  (frames.emplace_back(std::in_place_index<kIndex>), ...);
  return frames;
}
std::vector<wire::Frame> every_frame() {
  return every_frame(std::make_index_sequence<std::variant_size_v<wire::Frame>>());
}

enum class Answer {
  handed_on,  ///< the caller gets it
  answered,   ///< by a frame, and the caller does not hear of it
  ignored,
  ends,  ///< the session, in order
};
struct Expected {
  Answer open, hearing;
};
Expected expected(wire::FrameType type) {
  switch (type) {
    case wire::FrameType::data:
    case wire::FrameType::tips: return {Answer::handed_on, Answer::handed_on};
    case wire::FrameType::file_chunk:
    case wire::FrameType::presence:
    case wire::FrameType::ack:
    case wire::FrameType::want:
    case wire::FrameType::chunk_want:
    case wire::FrameType::credit:
    case wire::FrameType::digest_want:
    case wire::FrameType::digest: return {Answer::handed_on, Answer::ignored};
    case wire::FrameType::ping: return {Answer::answered, Answer::answered};
    case wire::FrameType::pong: return {Answer::ignored, Answer::ignored};
    case wire::FrameType::close: return {Answer::ends, Answer::ends};
    case wire::FrameType::rekey: return {Answer::ignored, Answer::ignored};  // the channel's own
  }
  KITH_UNREACHABLE();
}

/// What became of a frame that `from` sent and `to` was given.
Answer heard(SessionPair& pair, testing::SessionEnd& from, testing::SessionEnd& to, wire::Frame const& frame) {
  from.session->send(frame);
  pair.deliver(*to.session, from.transmit(pair.now()));
  auto const events = to.events();
  bool const answers = !to.transmit(pair.now()).empty();
  EXPECT_LE(events.size(), 1U);
  if (events.empty()) return answers ? Answer::answered : Answer::ignored;
  EXPECT_FALSE(answers);
  if (auto const* handed = std::get_if<SessionFrame>(&events.front())) {
    EXPECT_TRUE(handed->frame == frame);
    return Answer::handed_on;
  }
  EXPECT_TRUE(std::holds_alternative<SessionClosed>(events.front()));
  return Answer::ends;
}

/// That a session still carries what it is given: nothing before has changed its state.
void expect_goes_on(SessionPair& pair, testing::SessionEnd& from, testing::SessionEnd& to) {
  EXPECT_TRUE(heard(pair, from, to, wire::Tips{}) == Answer::handed_on);
}

TEST(SessionTable, EveryFrameInAnOpenSession) {
  for (auto const& frame : every_frame()) {
    for (bool const to_dialler : {false, true}) {
      SessionPair pair;
      pair.connect();
      auto& from = to_dialler ? pair.b : pair.a;
      auto& to = to_dialler ? pair.a : pair.b;
      to.events();
      auto const wanted = expected(wire::type_of(frame)).open;
      EXPECT_TRUE(heard(pair, from, to, frame) == wanted) << static_cast<int>(wire::type_of(frame));
      EXPECT_EQ(to.session->open(), wanted != Answer::ends);
      if (wanted != Answer::ends && wire::type_of(frame) != wire::FrameType::rekey) expect_goes_on(pair, from, to);
    }
  }
}

TEST(SessionTable, EveryFrameOfADeviceThatIsOnlyHeard) {
  for (auto const verdict : {Membership::Verdict::removed, Membership::Verdict::unknown}) {
    for (auto const& frame : every_frame()) {
      SessionPair pair;
      pair.b.membership.verdict = [verdict](wire::Devcert const&) { return verdict; };
      pair.connect();
      pair.b.events();
      EXPECT_FALSE(pair.b.session->open());
      EXPECT_TRUE(heard(pair, pair.a, pair.b, frame) == expected(wire::type_of(frame)).hearing)
          << static_cast<int>(wire::type_of(frame));
      EXPECT_FALSE(pair.b.session->open()) << "no frame lets it in";
    }
  }
}

TEST(SessionTable, NoFrameIsHeardOnceASessionHasEnded) {
  for (auto const& frame : every_frame()) {
    SessionPair pair;
    pair.connect();
    pair.b.session->close(wire::CloseCode::done);
    pair.b.transmit(pair.now());
    pair.b.events();
    EXPECT_TRUE(heard(pair, pair.a, pair.b, frame) == Answer::ignored) << static_cast<int>(wire::type_of(frame));
  }
}

/// Before a session is open there are no frames: the bytes of one are a damaged handshake message.
TEST(SessionTable, EveryFrameInPlaceOfAHandshakeMessage) {
  enum class Step { await_hello, await_reply, await_proof };
  for (auto const& frame : every_frame()) {
    Bytes encoded, bytes;
    wire::encode_frame(encoded, frame);
    wire::append_message(bytes, encoded);
    for (auto const step : {Step::await_hello, Step::await_reply, Step::await_proof}) {
      SessionPair pair;
      pair.dial();
      auto const hello = pair.a.transmit(pair.now());
      auto* end = &pair.b;
      if (step == Step::await_hello) {
        ASSERT_TRUE(pair.accept(wire::encode(wire::Opening{})));
      } else if (step == Step::await_proof) {
        ASSERT_TRUE(pair.accept(hello));
        ASSERT_FALSE(pair.b.transmit(pair.now()).empty());
      } else {
        end = &pair.a;
      }
      pair.deliver(*end->session, bytes);
      EXPECT_TRUE(testing::only<SessionClosed>(end->events())) << static_cast<int>(wire::type_of(frame));
      EXPECT_FALSE(end->session->open());
      EXPECT_TRUE(end->transmit(pair.now()).empty()) << "a stranger gets no answer";
    }
  }
}

}  // namespace
}  // namespace kith::core
