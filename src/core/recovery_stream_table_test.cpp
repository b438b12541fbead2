#include "support/recovery_pair.hpp"

/// Everything that either side of a recovery may be told and must not take.
namespace kith::core {
namespace {

using testing::ListedEntries;
using testing::must;
using testing::PlayedRecovery;
using testing::spoken;
using Role = crypto::noise::Role;

struct RecoveryTable : testing::RecoveryPair {
  /// A reader to whom a device of the group was played, and what it is told from then on.
  struct Heard {
    Heard(RecoveryTable& t, std::vector<wire::Frame> const& frames) : reader(t.words, t.r.random) {
      PlayedRecovery device(Role::responder, t.a.identity.dx, t.a.random);
      static_cast<void>(must(device.read(behind_opening(said_by(reader)))));
      must(reader.on_bytes(device.giving(t.a.identity, t.a.replica.state().group(), t.words.locator), t.at));
      static_cast<void>(must(device.read(said_by(reader))));
      auto transport = device.split();
      for (auto const& frame : frames) {
        if (result) result = reader.on_bytes(spoken(transport.send, frame), t.at);
      }
    }
    RecoveryReader reader;
    Result<> result;
  };
  wire::Data beginning() { return {{{a.all_entries().front()}}}; }
};

TEST_F(RecoveryTable, FramesThatAreNotDue) {
  struct Case {
    std::vector<wire::Frame> frames;
    char const* what;
  };
  std::vector<Case> const cases = {{{wire::Tips{}}, "TIPS before the beginning"},
                                   {{wire::Data{}}, "DATA with nothing in it"},
                                   {{beginning(), wire::Data{}}, "the same later"},
                                   {{beginning(), wire::Ping{1}}, "PING"},
                                   {{beginning(), wire::Want{}}, "WANT"},
                                   {{beginning(), wire::Close{}}, "CLOSE"},
                                   {{wire::Ack{}}, "ACK"},
                                   {{beginning(), wire::Presence{}}, "PRESENCE"}};
  for (auto const& each : cases) {
    Heard heard(*this, each.frames);
    ASSERT_FALSE(heard.result.has_value()) << each.what;
    EXPECT_TRUE(heard.result.error().is(CoreError::protocol_violation)) << each.what;
    EXPECT_FALSE(heard.reader.done()) << each.what;
  }
  Heard fits(*this, {beginning(), wire::Tips{}, wire::Ping{1}});
  EXPECT_TRUE(fits.result.has_value()) << "what follows the end is not looked at";
  EXPECT_TRUE(fits.reader.done());
  Heard rekeyed(*this, {beginning(), wire::Rekey{}});
  EXPECT_TRUE(rekeyed.result.has_value());
}

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

TEST_F(RecoveryTable, EveryFrameInEveryStateOfTheReader) {
  for (bool const begun : {false, true}) {
    for (auto const& frame : every_frame()) {
      std::vector<wire::Frame> said;
      if (begun) said.push_back(beginning());
      said.push_back(frame);
      Heard heard(*this, said);
      auto const type = wire::type_of(frame);
      // DATA with something in it is due until TIPS end what has begun; REKEY is the channel's.
      bool const due = type == wire::FrameType::rekey || (begun && type == wire::FrameType::tips);
      EXPECT_EQ(heard.result.has_value(), due) << begun << " " << static_cast<int>(type);
      EXPECT_TRUE(due || heard.result.error().is(CoreError::protocol_violation));
      EXPECT_EQ(heard.reader.done(), begun && type == wire::FrameType::tips) << static_cast<int>(type);
      EXPECT_TRUE(said_by(heard.reader).empty());
    }
  }
  for (auto const& frame : every_frame()) {
    Heard heard(*this, {beginning(), wire::Tips{}, frame});
    EXPECT_TRUE(heard.result.has_value() && heard.reader.done()) << "what follows the end is not looked at";
  }
}

TEST_F(RecoveryTable, EveryFrameToTheGiverBehindTheProof) {
  for (auto const& frame : every_frame()) {
    ListedEntries source;
    source.entries = a.all_entries();
    auto giver = giver_of(a, source);
    PlayedRecovery dialler(Role::initiator, crypto::DhKeyPair::generate(r.random), r.random);
    giver.on_bytes(behind_opening(dialler.hello(words.locator)), at);
    static_cast<void>(must(dialler.read(said_by(giver))));
    giver.on_bytes(dialler.proof(words.sign), at);
    ASSERT_TRUE(giver.proved());
    auto transport = dialler.split();
    giver.on_bytes(spoken(transport.send, frame), at);
    EXPECT_TRUE(giver.done()) << static_cast<int>(wire::type_of(frame));
    EXPECT_TRUE(said_by(giver).empty());
  }
}

TEST_F(RecoveryTable, RefusalsOfTheGiver) {
  auto const key = crypto::DhKeyPair::generate(r.random);
  struct Case {
    Bytes bytes;  ///< behind the opening
    char const* what;
  };
  auto const played = [&](ByteView payload) {
    PlayedRecovery dialler(Role::initiator, key, r.random);
    return dialler.say(payload);
  };
  std::vector<Case> const cases = {{{0x00, 0x00}, "an empty message"},
                                   {{0x04, 0x01}, "a length above 1024"},
                                   {{0xff, 0xff}, "the largest length"},
                                   {{0x00, 0x1f}, ""},
                                   {testing::prefixed(Bytes(31, 1)), "less than a key"},
                                   {testing::prefixed(Bytes(32, 0)), "a key of small order, and nothing else"},
                                   {played({}), "no tag"},
                                   {played(Bytes(15, 0)), "a short tag"},
                                   {played(Bytes(16, 0)), "a tag of nothing"},
                                   {played(Bytes(64, 0)), "a session's tags"}};
  for (auto const& each : cases) {
    ListedEntries source;
    auto giver = giver_of(a, source);
    giver.on_bytes(each.bytes, at);
    EXPECT_TRUE(said_by(giver).empty()) << each.what;
    EXPECT_EQ(giver.done(), *each.what != '\0') << each.what;
    EXPECT_FALSE(giver.proved() || giver.failed_proof()) << each.what;
  }
}

TEST_F(RecoveryTable, ProofsThatProveNothing) {
  auto const proof_with = [&](ByteView label, crypto::SigningKey const& key, crypto::noise::HandshakeHash const& hash) {
    return wire::encode(wire::RecoveryProof{key.sign(text_of(label), hash.view())});
  };
  for (int lie = 0; lie < 6; ++lie) {
    ListedEntries source;
    source.entries = a.all_entries();
    auto giver = giver_of(a, source);
    PlayedRecovery dialler(Role::initiator, crypto::DhKeyPair::generate(r.random), r.random);
    giver.on_bytes(behind_opening(dialler.hello(words.locator)), at);
    auto const reply = said_by(giver);
    static_cast<void>(must(dialler.read(reply)));
    auto const before_tokens = dialler.state().hash();
    dialler.begin();
    auto const label = bytes_of(kRecoveryReadLabel);
    auto fits = proof_with(label, words.sign, dialler.state().hash());
    Bytes payload = fits;
    if (lie == 0) payload.pop_back();
    if (lie == 1) payload.push_back(0);
    if (lie == 2) payload = proof_with(label, other_words.sign, dialler.state().hash());
    if (lie == 3) payload = proof_with(bytes_of(kRecoveryGiveLabel), words.sign, dialler.state().hash());
    if (lie == 4) payload = proof_with(label, words.sign, before_tokens);
    if (lie == 5) payload = {};
    giver.on_bytes(dialler.end(payload), at);
    EXPECT_TRUE(giver.done() && giver.failed_proof() && !giver.proved()) << lie;
    EXPECT_TRUE(said_by(giver).empty()) << lie;
    EXPECT_EQ(source.at, 0U) << lie;
  }
}

/// Whoever reads says nothing more: neither is a word of it taken, nor is it held.
TEST_F(RecoveryTable, AWordBehindTheProofEndsIt) {
  ListedEntries source;
  source.entries = a.all_entries();
  auto giver = giver_of(a, source);
  PlayedRecovery dialler(Role::initiator, crypto::DhKeyPair::generate(r.random), r.random);
  giver.on_bytes(behind_opening(dialler.hello(words.locator)), at);
  static_cast<void>(must(dialler.read(said_by(giver))));
  giver.on_bytes(dialler.proof(words.sign), at);
  ASSERT_TRUE(giver.proved());
  auto transport = dialler.split();
  giver.on_bytes(spoken(transport.send, wire::Ping{1}), at);
  EXPECT_TRUE(giver.done());
  EXPECT_TRUE(said_by(giver).empty());
}

/// Any flipped bit of any message of the handshake, on its way to either side.
TEST_F(RecoveryTable, NoDamagedHandshakeGoesThrough) {
  for (int message = 1; message <= 3; ++message) {
    std::size_t bytes = 1;
    for (std::size_t at_byte = 0; at_byte < bytes; ++at_byte) {
      ListedEntries source;
      source.entries = {a.all_entries().front()};
      auto giver = giver_of(a, source);
      RecoveryReader reader(words, r.random);
      auto first = behind_opening(said_by(reader));
      auto const damage = [&](Bytes& said, int which) {
        if (message != which) return;
        bytes = said.size();
        said[at_byte] ^= static_cast<std::uint8_t>(1U << (at_byte % 8));
      };
      damage(first, 1);
      giver.on_bytes(first, at);
      auto second = said_by(giver);
      ASSERT_TRUE(message == 1 || !second.empty());
      damage(second, 2);
      EXPECT_EQ(reader.on_bytes(second, at).has_value(), message == 3 || second.empty());
      auto third = said_by(reader);
      ASSERT_TRUE(message != 3 || !third.empty());
      damage(third, 3);
      giver.on_bytes(third, at);
      EXPECT_FALSE(giver.proved()) << message << " " << at_byte;
      EXPECT_EQ(source.at, 0U);
    }
    EXPECT_GT(bytes, 60U);
  }
}

TEST_F(RecoveryTable, RefusalsOfTheReader) {
  for (Bytes const& bytes : {Bytes{0x04, 0x01}, Bytes{0xff, 0xff}, Bytes{0x00, 0x00}, Bytes(200, 'H'),
                             testing::prefixed(Bytes(96, 0)), testing::prefixed(Bytes(339, 7))}) {
    RecoveryReader reader(words, r.random);
    static_cast<void>(said_by(reader));
    EXPECT_FALSE(reader.on_bytes(bytes, at).has_value());
    EXPECT_TRUE(said_by(reader).empty());
  }
}

}  // namespace
}  // namespace kith::core
