#include "recovery_stream_world.hpp"

/// Both sides of reading a group by its words, against whatever the other end may say. The first byte decides who says
/// it and when, the second how the bytes are cut.
namespace {

using namespace kith;
using fuzz::require;
using fuzz::WatchedGiver;
using fuzz::WatchedReader;
using testing::PlayedRecovery;
using Role = crypto::noise::Role;

fuzz::RecoveryStreamWorld const& world() {
  static fuzz::RecoveryStreamWorld const only;
  return only;
}

crypto::DhKeyPair any_key() {
  testing::SeededRandom random(63);
  return crypto::DhKeyPair::generate(random);
}

/// What our own reader says first, behind the opening: anybody who recorded it can send it again.
Bytes const& recorded_hello() {
  static Bytes const recorded = [] {
    auto const said = WatchedReader(world()).said;
    return Bytes(said.begin() + wire::Opening::kBytes, said.end());
  }();
  return recorded;
}

/// Bytes of a stranger to a giver, whole and in pieces.
void stranger(ByteView bytes, std::uint8_t cut) {
  WatchedGiver whole(world()), pieces(world());
  whole.feed(bytes);
  fuzz::in_pieces(bytes, cut, [&](ByteView piece) { pieces.feed(piece); });
  // An answer may have gone before what does not fit comes in a piece of its own: with that it is said no more.
  bool const broke_off = whole.said.empty() && whole.giver.done() && pieces.giver.done();
  require(whole.said == pieces.said || broke_off, "pieces make no difference to what is said");
  require(!whole.giver.proved() && whole.source.at == 0, "a stranger reads nothing");
  auto const& hello = recorded_hello();
  bool const replayed = bytes.size() >= hello.size() && equal(bytes.first(hello.size()), hello);
  require(replayed || whole.said.empty(), "a stranger gets no answer");
  whole.end_in_time();
  pieces.end_in_time();
}

/// Somebody who knows the group says what they like in message 3, and whatever they like afterwards.
void proof(ByteView payload, ByteView afterwards, bool honest) {
  testing::SeededRandom random(64);
  PlayedRecovery dialler(Role::initiator, any_key(), random);
  WatchedGiver ours(world());
  ours.feed(ByteView{dialler.hello(world().words.locator)}.subspan(wire::Opening::kBytes));
  static_cast<void>(testing::must(dialler.read(ours.said)));
  ours.said.clear();
  if (honest) {
    ours.feed(dialler.proof(world().words.sign));
    require(ours.giver.proved() && ours.source.at == ours.source.entries.size(), "who has the words reads all");
  } else {
    ours.feed(dialler.say(payload));
    require(!ours.giver.proved() && ours.said.empty() && ours.source.at == 0, "nobody else reads anything");
  }
  auto const before = ours.said.size();
  ours.feed(afterwards);
  require(ours.said.size() == before, "nothing is said to what follows");
  ours.end_in_time();
}

/// Bytes of a stranger to a reader.
void answer(ByteView bytes, std::uint8_t cut) {
  WatchedReader whole(world()), pieces(world());
  auto const before = whole.said.size();
  whole.feed(bytes);
  fuzz::in_pieces(bytes, cut, [&](ByteView piece) { pieces.feed(piece); });
  require(whole.said.size() == before && pieces.said.size() == before, "nobody who is no device sees the proof");
  require(whole.entries.empty() && !whole.reader.done() && !whole.reader.giver(), "a stranger gives nothing");
}

/// Somebody who knows the group answers with this payload, or as the device does and then with these frames.
void given(ByteView payload, ByteView frames, std::uint8_t cut, bool honest) {
  testing::SeededRandom random(65);
  PlayedRecovery device(Role::responder, world().founder.identity.dx, random);
  WatchedReader ours(world());
  static_cast<void>(testing::must(device.read(ByteView{ours.said}.subspan(wire::Opening::kBytes))));
  ours.said.clear();
  if (!honest) {
    device.state().set_psk(core::recovery_psk(world().words.locator));
    ours.feed(device.say(payload));
    auto const said = wire::decode<wire::RecoveryGiving>(payload);
    require(!ours.reader.giver() || (said && said->cert == world().founder.identity.cert),
            "a device answers in its own name alone");
    return;
  }
  ours.feed(device.giving(world().founder.identity, world().group(), world().words.locator));
  static_cast<void>(testing::must(device.read(ours.said)));
  ours.said.clear();
  auto transport = device.split();
  fuzz::in_pieces(frames, cut, [&](ByteView piece) { ours.feed(testing::spoken(transport.send, piece)); });
  require(ours.said.empty(), "a reader says nothing more");
  bool const begun = ours.reader.genesis().has_value();
  require(begun == !ours.entries.empty(), "what comes begins with the group");
  require(!begun || (core::group_id(*ours.reader.genesis()) == world().group() &&
                     equal(ours.entries.front(), world().entries.front())),
          "and that is this one");
  require(!ours.reader.done() || begun, "nothing ends that has not begun");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
  fuzz::Input in(data, size);
  auto const mode = in.byte();
  auto const cut = in.byte();
  auto const rest = in.rest().first(std::min<std::size_t>(in.rest().size(), 60'000));
  switch (mode % 6) {
    case 0: stranger(rest, cut); break;
    case 1: proof(rest, {}, false); break;
    case 2: proof({}, rest, true); break;
    case 3: answer(rest, cut); break;
    case 4: given(rest, {}, cut, false); break;
    default: given({}, rest, cut, true); break;
  }
  return 0;
}
