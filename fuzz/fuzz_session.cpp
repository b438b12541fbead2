#include "property.hpp"
#include "session_world.hpp"

/// Both sides of a session against whatever the other end may say. The first byte decides who says it and when, the
/// second how the bytes are cut.
namespace {

using namespace kith;
using fuzz::SessionWorld;
using fuzz::WatchedSession;
using testing::PlayedSession;
using testing::prefixed;
using testing::SeededRandom;

SessionWorld const& world() {
  static SessionWorld const only;
  return only;
}

/// One session of ours with the randomness that it keeps a reference to.
struct Ours {
  explicit Ours(bool dials)
      : random(dials ? SessionWorld::kDiallerSeed : SessionWorld::kAnswererSeed),
        watched(dials ? core::Session::initiate(world().dialler, world().membership, world().answerer.device(), {},
                                                random, SessionWorld::kNow)
                      : core::Session::accept(world().answerer, world().membership, wire::Opening{}, {}, random,
                                              SessionWorld::kNow)) {}
  SeededRandom random;
  WatchedSession watched;
};

/// The beginning of our own message 1, which a stranger who recorded it can send again.
Bytes recorded_ephemeral() {
  SeededRandom random(SessionWorld::kDiallerSeed);
  auto const key = crypto::DhKeyPair::generate(random).public_key;
  return {key.bytes.begin(), key.bytes.end()};
}

void end_in_time(Ours& ours) {
  ours.watched.run_out();
  fuzz::require(ours.watched.session().done() && ours.watched.closed(),
                "a session with a silent other side comes to its end");
}

/// How many bytes a session said inside its Noise messages.
std::size_t plain_bytes(Ours const& ours, bool we_dial) {
  wire::MessageSplitter messages;
  messages.feed(ByteView{ours.watched.sent()}.subspan(we_dial ? wire::Opening::kBytes : 0));
  std::size_t bytes = 0;
  while (auto const message = testing::must(messages.next(65535))) bytes += message->size() - crypto::kAeadTagBytes;
  return bytes;
}

/// Bytes of a stranger, whole and in pieces.
void stranger(bool we_dial, ByteView bytes, std::uint8_t cut) {
  Ours whole(we_dial), pieces(we_dial);
  whole.watched.feed(bytes);
  fuzz::in_pieces(bytes, cut, [&](ByteView piece) { pieces.watched.feed(piece); });
  // A refusal is looked for at the start of what comes at once; cut up, it is a message of a wrong length.
  bool const refusal = we_dial && text_of(bytes).starts_with("KITH");
  fuzz::require(whole.watched.closed() == pieces.watched.closed(), "pieces make no difference to the end");
  if (!refusal) {
    fuzz::require(whole.watched.story() == pieces.watched.story(), "pieces make no difference to what happens");
    // An open session puts frames that are due together, a PONG and a CLOSE, say, into one Noise message.
    bool const same = whole.watched.opened() ? plain_bytes(whole, we_dial) == plain_bytes(pieces, we_dial)
                                             : whole.watched.sent() == pieces.watched.sent();
    fuzz::require(same, "pieces make no difference to what is said");
  }
  if (!we_dial && !whole.watched.sent().empty()) {
    static Bytes const recorded = recorded_ephemeral();
    fuzz::require(bytes.size() > 34 && equal(bytes.subspan(2, 32), recorded), "a stranger gets no answer");
  }
  end_in_time(whole);
  end_in_time(pieces);
}

/// Message 1 with any payload: tags that prove nothing get no answer.
void tags(ByteView payload) {
  SeededRandom random(SessionWorld::kDiallerSeed);
  auto dialler = world().played_dialler(random);
  auto const fitting = dialler.tag(world().epoch);
  dialler.begin();
  Ours ours(false);
  ours.watched.feed(prefixed(dialler.end(payload)));
  bool proves = false;
  for (std::size_t i = 0; i < wire::kEpochTags && payload.size() == 64; ++i)
    proves |= equal(payload.subspan(16 * i, 16), fitting.view());
  fuzz::require(proves == !ours.watched.sent().empty(), "a session answers whoever knows the epoch, and nobody else");
  end_in_time(ours);
}

/// Message 2 from a member that says what it likes.
void reply(ByteView payload) {
  Ours ours(true);
  SeededRandom random(SessionWorld::kAnswererSeed);
  auto answerer = world().played_answerer(random);
  static_cast<void>(testing::must(answerer.read(ByteView{ours.watched.sent()}.subspan(wire::Opening::kBytes + 2))));
  answerer.prove(world().epoch);
  answerer.begin();
  ours.watched.feed(prefixed(answerer.end(payload)));
  auto const said =
      payload.empty() ? fail(wire::WireError::truncated) : wire::decode<wire::HandshakePayload>(payload.subspan(1));
  fuzz::require(!ours.watched.opened() || (said && said->cert == world().answerer.cert &&
                                           said->handshake.workspace == world().group && payload.front() == 0),
                "only who it was dialled is let in");
  end_in_time(ours);
}

/// A handshake up to message 3, played by a member.
struct Dialled {
  Dialled() : random(SessionWorld::kDiallerSeed), dialler(world().played_dialler(random)), ours(false) {
    Bytes const tags = world().tags(dialler);
    dialler.begin();
    ours.watched.feed(prefixed(dialler.end(tags)));
    static_cast<void>(testing::must(dialler.read(ByteView{ours.watched.sent()}.subspan(2))));
    dialler.prove(world().epoch);
    dialler.begin();
  }
  SeededRandom random;
  PlayedSession dialler;
  Ours ours;
};

void proof(ByteView payload) {
  Dialled dialled;
  dialled.ours.watched.feed(prefixed(dialled.dialler.end(payload)));
  auto const said = wire::decode<wire::HandshakePayload>(payload);
  fuzz::require(!dialled.ours.watched.opened() ||
                    (said && said->cert == world().dialler.cert && said->handshake.workspace == world().group),
                "only a device that proves itself is let in");
  end_in_time(dialled.ours);
}

/// A member that is let in and then sends any plaintext, cut into Noise messages.
void frames(ByteView plaintext, std::uint8_t cut) {
  Dialled dialled;
  auto& watched = dialled.ours.watched;
  auto const honest = dialled.dialler.honest("1-1 kith/0.1.0", 1'800'000'000, {7});
  watched.feed(prefixed(dialled.dialler.end(wire::encode(honest))));
  fuzz::require(watched.opened() && !watched.closed(), "an honest member is let in");
  std::size_t const before = watched.sent().size();
  auto transport = dialled.dialler.split();
  fuzz::in_pieces(plaintext, cut, [&](ByteView piece) {
    Bytes message;
    testing::must(transport.send.encrypt_with_ad({}, piece, message));
    watched.feed(prefixed(message));
  });
  for (auto const& frame : watched.frames()) {
    auto const type = wire::type_of(frame);
    using enum wire::FrameType;
    fuzz::require(type != ping && type != pong && type != close && type != rekey,
                  "the session keeps its own frames to itself");
  }
  wire::MessageSplitter said;
  said.feed(ByteView{watched.sent()}.subspan(before));
  wire::FrameSplitter stream;
  while (auto const message = testing::must(said.next(65535))) {
    Bytes plain;
    testing::must(transport.receive.decrypt_with_ad({}, *message, plain));
    stream.feed(plain);
  }
  while (auto const frame = testing::must(stream.next())) {
    auto const type = wire::type_of(testing::must(wire::decode_frame(*frame)));
    fuzz::require(type == wire::FrameType::pong || type == wire::FrameType::close,
                  "a session by itself says PONG and CLOSE only");
  }
  end_in_time(dialled.ours);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
  fuzz::Input in(data, size);
  auto const mode = in.byte();
  auto const cut = in.byte();
  auto const rest = in.rest();
  constexpr std::size_t kMostPayload = 60'000;
  switch (mode % 6) {
    case 0: stranger(false, rest, cut); break;
    case 1: stranger(true, rest, cut); break;
    case 2: tags(rest.first(std::min<std::size_t>(rest.size(), kMostPayload))); break;
    case 3: reply(rest.first(std::min<std::size_t>(rest.size(), kMostPayload))); break;
    case 4: proof(rest.first(std::min<std::size_t>(rest.size(), kMostPayload))); break;
    default: frames(rest, cut); break;
  }
  return 0;
}
