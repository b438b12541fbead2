#include <gtest/gtest.h>

#include "base/version.hpp"
#include "core/pair_inviter.hpp"
#include "core/pair_joiner.hpp"
#include "support/fixed_membership.hpp"
#include "support/one_invite.hpp"
#include "support/played_session.hpp"
#include "support/seeded_random.hpp"
#include "support/vector_file.hpp"
#include "support/wire_types.hpp"

/// The vectors of tests/vectors/session.json and pairing.json.
namespace kith::core {
namespace {

using testing::FixedMembership;
using testing::Json;
using testing::must;
using testing::PlayedSession;
using testing::prefixed;
using testing::SeededRandom;
using testing::stated;
using testing::stated_hex;

template <class T>
std::string hex(T const& bytes) {
  if constexpr (requires { bytes.view(); }) {
    return to_hex(bytes.view());
  } else {
    return to_hex(bytes);
  }
}

Identity identity_of(Json const& side) {
  return Identity::restore(stated<crypto::SignSeed>(side, "sign_seed"), stated<crypto::DhSecretKey>(side, "dx_secret"),
                           side.contains("root") ? stated<DeviceRoot>(side, "root") : DeviceRoot{}, {},
                           side.at("created_s"));
}

Now at(Json const& side) { return {Instant{}, {side.at("timestamp_s").get<std::int64_t>() * 1000}}; }

Bytes sent(Session& session, Now now) {
  Bytes out;
  while (session.poll_transmit(out, now)) continue;
  return out;
}

/// A handshake of session.json: what it states of both sides.
struct GoldenSession : ::testing::Test {
  Json const vector = testing::vector_file("session.json").at("handshakes").at(0);
  GroupId const group = stated<GroupId>(vector, "group_id");
  Identity const initiator = identity_of(vector.at("initiator"));
  Identity const responder = identity_of(vector.at("responder"));
  EpochSecret const shared = stated<EpochSecret>(vector.at("epochs_of_responder").at(0), "secret");
  SeededRandom random_i{vector.at("initiator").at("random_seed").get<std::uint64_t>()};
  SeededRandom random_r{vector.at("responder").at("random_seed").get<std::uint64_t>()};
  FixedMembership of_initiator{group, {vector.at("initiator").at("incarnation").get<std::uint64_t>()}};
  FixedMembership of_responder{group, {vector.at("responder").at("incarnation").get<std::uint64_t>()}};

  GoldenSession() {
    for (auto const& epoch : vector.at("epochs_of_initiator")) of_initiator.hold(stated<EpochSecret>(epoch, "secret"));
    for (auto const& epoch : vector.at("epochs_of_responder")) of_responder.hold(stated<EpochSecret>(epoch, "secret"));
    of_initiator.admit(responder.device());
    of_responder.admit(initiator.device());
  }

  PlayedSession played(PlayedSession::Role role) {
    bool const dials = role == PlayedSession::Role::initiator;
    return {role, dials ? initiator : responder, group, wire::Opening{}, dials ? random_i : random_r};
  }
  /// The stated payload, but for the program's version, which is the text that may differ between releases.
  void expect_payload(ByteView payload, char const* which) {
    auto const decoded = must(wire::decode<wire::HandshakePayload>(payload));
    EXPECT_EQ(decoded.handshake.version, fmt::format("1-1 kith/{}", kVersion));
    auto expected = testing::read_json<wire::HandshakePayload>(vector.at(which).at("fields"));
    expected.handshake.version = decoded.handshake.version;
    EXPECT_EQ(testing::to_json(decoded), testing::to_json(expected));
  }
};

TEST_F(GoldenSession, KeysAndTagsAreDerivedAsStated) {
  EXPECT_EQ(hex(wire::encode(initiator.cert)), stated_hex(vector.at("initiator"), "devcert"));
  EXPECT_EQ(hex(wire::encode(responder.cert)), stated_hex(vector.at("responder"), "devcert"));
  EXPECT_EQ(hex(PlayedSession::prologue({})), stated_hex(vector, "prologue"));
  auto const side = played(PlayedSession::Role::initiator);
  for (std::size_t i = 0; i < 2; ++i) {
    auto const& epoch = vector.at("epochs_of_initiator").at(i);
    EXPECT_EQ(hex(PlayedSession::psk(group, stated<EpochSecret>(epoch, "secret"))), stated_hex(epoch, "psk"));
    EXPECT_EQ(hex(side.tag(stated<EpochSecret>(epoch, "secret"))), vector.at("tags").at(i).get<std::string>());
  }
}

TEST_F(GoldenSession, ReplaysToTheStatedMessages) {
  auto i = played(PlayedSession::Role::initiator);
  auto r = played(PlayedSession::Role::responder);
  Bytes tags;
  for (auto const& tag : vector.at("tags")) append(tags, testing::json::bytes_from(tag));
  i.begin();
  EXPECT_EQ(hex(i.end(tags)), stated_hex(vector, "message_1"));
  EXPECT_EQ(must(r.read(stated(vector, "message_1"))), tags);
  r.prove(shared);
  r.begin();
  EXPECT_EQ(hex(r.end(stated(vector.at("payload_2"), "payload"))), stated_hex(vector, "message_2"));
  EXPECT_EQ(hex(must(i.read(stated(vector, "message_2")))), stated_hex(vector.at("payload_2"), "payload"));
  EXPECT_TRUE(i.signature_fits(testing::read_json<wire::HandshakePayload>(vector.at("payload_2").at("fields"))));
  i.prove(shared);
  i.begin();
  EXPECT_EQ(hex(i.end(stated(vector.at("payload_3"), "payload"))), stated_hex(vector, "message_3"));
  EXPECT_EQ(hex(must(r.read(stated(vector, "message_3")))), stated_hex(vector.at("payload_3"), "payload"));
  EXPECT_TRUE(r.signature_fits(testing::read_json<wire::HandshakePayload>(vector.at("payload_3").at("fields"))));

  auto a = i.split();
  auto b = r.split();
  EXPECT_EQ(hex(a.hash), stated_hex(vector, "handshake_hash"));
  ASSERT_GE(vector.at("transport").size(), 6U);
  for (auto const& said : vector.at("transport")) {
    bool const by_initiator = said.at("from") == "initiator";
    auto& send = by_initiator ? a.send : b.send;
    auto& receive = by_initiator ? b.receive : a.receive;
    Bytes message, plain;
    must(send.encrypt_with_ad({}, stated(said, "plaintext"), message));
    EXPECT_EQ(hex(message), stated_hex(said, "message"));
    must(receive.decrypt_with_ad({}, message, plain));
    EXPECT_EQ(hex(plain), stated_hex(said, "plaintext"));
    if (plain.at(4) == static_cast<std::uint8_t>(wire::FrameType::rekey)) send.rekey(), receive.rekey();
  }
}

TEST_F(GoldenSession, OurInitiatorHoldsTheStatedConversation) {
  auto const now = at(vector.at("initiator"));
  auto session = Session::initiate(initiator, of_initiator, responder.device(), {}, random_i, now);
  Bytes expected = stated(vector, "opening");
  append(expected, prefixed(stated(vector, "message_1")));
  EXPECT_EQ(hex(sent(session, now)), hex(expected));

  session.on_bytes(prefixed(stated(vector, "message_2")), now);
  ASSERT_TRUE(session.open());
  auto const opened = std::get<SessionOpened>(session.poll_event().value());
  EXPECT_EQ(hex(wire::encode(opened.peer.cert)), stated_hex(vector.at("responder"), "devcert"));
  EXPECT_EQ(opened.peer.version, "1-1 kith/0.1.0");
  EXPECT_EQ(opened.peer.clock_ahead, std::chrono::seconds{3});

  auto r = played(PlayedSession::Role::responder);
  must(r.read(stated(vector, "message_1")));
  r.prove(shared);
  r.begin();
  static_cast<void>(r.end(stated(vector.at("payload_2"), "payload")));
  Bytes const message_3 = sent(session, now);
  expect_payload(must(r.read(ByteView{message_3}.subspan(2))), "payload_3");

  auto transport = r.split();
  session.send(wire::Tips{});
  Bytes plain;
  must(transport.receive.decrypt_with_ad({}, ByteView{sent(session, now)}.subspan(2), plain));
  EXPECT_EQ(plain, (Bytes{0, 0, 0, 3, 0x10, 0x91, 0x90}));
}

TEST_F(GoldenSession, OurResponderHoldsTheStatedConversation) {
  auto const now = at(vector.at("responder"));
  auto session = Session::accept(responder, of_responder, must(wire::decode_opening(stated(vector, "opening"))), {},
                                 random_r, now);
  session.on_bytes(prefixed(stated(vector, "message_1")), now);
  Bytes const message_2 = sent(session, now);

  auto i = played(PlayedSession::Role::initiator);
  Bytes tags;
  for (auto const& tag : vector.at("tags")) append(tags, testing::json::bytes_from(tag));
  static_cast<void>(i.random_tag());
  static_cast<void>(i.random_tag());
  i.begin();
  EXPECT_EQ(hex(i.end(tags)), stated_hex(vector, "message_1"));
  Bytes const payload_2 = must(i.read(ByteView{message_2}.subspan(2)));
  EXPECT_EQ(payload_2.at(0), vector.at("payload_2").at("tag_index").get<std::uint8_t>());
  expect_payload(ByteView{payload_2}.subspan(1), "payload_2");

  i.prove(shared);
  i.begin();
  auto const proof = i.honest("1-1 kith/0.1.0", vector.at("initiator").at("timestamp_s"), of_initiator.incarnation());
  session.on_bytes(prefixed(i.end(wire::encode(proof))), now);
  ASSERT_TRUE(session.open());
  EXPECT_EQ(std::get<SessionOpened>(session.poll_event().value()).peer.cert, initiator.cert);
}

TEST(GoldenPairing, Codes) {
  auto const file = testing::vector_file("pairing.json");
  ASSERT_GE(file.at("codes").size(), 9U);
  for (auto const& vector : file.at("codes")) {
    auto const code = parse_code(vector.at("typed").get<std::string>());
    ASSERT_EQ(code.has_value(), vector.at("valid").get<bool>()) << vector.at("typed");
    if (!code) continue;
    EXPECT_EQ(to_text(*code), vector.at("text").get<std::string>());
    EXPECT_EQ(code->lookup.symbols, vector.at("lookup").get<std::string>());
    EXPECT_EQ(code->password.text(), vector.at("password").get<std::string>());
  }
}

TEST(GoldenPairing, Links) {
  auto const file = testing::vector_file("pairing.json");
  ASSERT_GE(file.at("links").size(), 3U);
  for (auto const& vector : file.at("links")) {
    PairingLink const link{
        {vector.at("lookup")}, PairPassword(stated(vector, "secret")), vector.at("addresses"), vector.at("relays")};
    EXPECT_EQ(to_text(link), vector.at("text").get<std::string>());
    auto const parsed = must(parse_link(vector.at("text").get<std::string>())).value();
    EXPECT_EQ(parsed.lookup, link.lookup);
    EXPECT_EQ(to_hex(parsed.secret.view()), stated_hex(vector, "secret"));
    EXPECT_EQ(parsed.addresses, link.addresses);
    EXPECT_EQ(parsed.relays, link.relays);
  }
}

struct GoldenPairingConversation : ::testing::Test {
  Json const vector = testing::vector_file("pairing.json").at("conversations").at(0);
  Json const& derived = vector.at("derived");
  Identity const joiner = identity_of(vector.at("joiner"));
  Identity const inviter = identity_of(vector.at("inviter"));
  PairingCode const code = parse_code(vector.at("code").get<std::string>()).value();
  [[nodiscard]] std::uint64_t seed(char const* side) const { return vector.at(side).at("random_seed"); }
};

TEST_F(GoldenPairingConversation, OurMachinesSayTheStatedMessages) {
  SeededRandom random_j(seed("joiner")), random_i(seed("inviter"));
  testing::OneInvite invite(code.clone());
  PairJoiner j(joiner, vector.at("joiner").at("name"), code.clone(), random_j, {});
  PairInviter i(inviter, vector.at("inviter").at("name"), invite, must(wire::decode_opening(stated(vector, "opening"))),
                random_i, {});
  Bytes expected = stated(vector, "opening");
  ASSERT_EQ(vector.at("messages").size(), 8U);
  auto const answer_events = [&] {
    while (auto event = i.poll_event()) {
      if (std::holds_alternative<PairRequested>(*event))
        i.approve(testing::read_json<wire::PairOfferBox>(vector.at("offer")), {});
      if (std::holds_alternative<PairCommit>(*event))
        i.welcome(testing::read_json<wire::PairWelcomeBox>(vector.at("welcome")), {});
    }
    while (auto event = j.poll_event()) {
      if (std::holds_alternative<PairWelcomed>(*event)) j.stored();
    }
  };
  for (auto const& message : vector.at("messages")) {
    bool const by_joiner = message.at("from") == "joiner";
    Bytes said;
    auto const poll = [&] { return by_joiner ? j.poll_transmit(said) : i.poll_transmit(said); };
    if (!poll()) {
      answer_events();
      ASSERT_TRUE(poll());
    }
    append(expected, prefixed(stated(message, "message")));
    EXPECT_EQ(hex(said), hex(expected)) << message.at("fields").at("type");
    if (by_joiner) {
      i.on_bytes(prefixed(stated(message, "message")), {});
    } else {
      j.on_bytes(said, {});
    }
    expected.clear();
  }
  EXPECT_TRUE(i.done());
  EXPECT_TRUE(std::holds_alternative<PairDone>(i.poll_event().value()));
  EXPECT_EQ(invite.tries, 0);
}

TEST_F(GoldenPairingConversation, KeysAreDerivedAsStated) {
  auto const nonce = stated<wire::PairNonce>(derived, "session_id");
  EXPECT_EQ(hex(pair_generator(code.password.view(), code.lookup, nonce)), stated_hex(derived, "generator"));
  EXPECT_EQ(hex(crypto::cpace::generator(code.password.view(), stated(derived, "channel_identifier"), nonce.view())),
            stated_hex(derived, "generator"));
  auto const scalar = stated<crypto::cpace::Scalar>(derived, "joiner_scalar");
  auto const a = stated<crypto::cpace::Share>(derived, "joiner_share"),
             b = stated<crypto::cpace::Share>(derived, "inviter_share");
  auto const isk = must(crypto::cpace::derive(scalar, b, nonce.view(), {a, {}, b, {}}));
  EXPECT_EQ(hex(isk), stated_hex(derived, "isk"));
  EXPECT_EQ(hex(must(crypto::cpace::derive(stated<crypto::cpace::Scalar>(derived, "inviter_scalar"), a, nonce.view(),
                                           {a, {}, b, {}}))),
            stated_hex(derived, "isk"));

  auto const inviter_nonce = *wire::PairNonce::from(ByteView{stated(derived, "salt")}.subspan(32));
  auto const keys = PairKeys::derive(isk, nonce, inviter_nonce, stated(derived, "before_inviter_tag"));
  EXPECT_EQ(hex(keys.inviter_tag), stated_hex(derived, "inviter_tag"));
  EXPECT_EQ(hex(keys.joiner_confirm), stated_hex(derived, "confirm_j"));
  EXPECT_EQ(hex(keys.joiner_tag(stated(derived, "before_joiner_tag"))), stated_hex(derived, "joiner_tag"));
  EXPECT_EQ(hex(crypto::hmac_sha256(stated(derived, "confirm_i"), stated(derived, "before_inviter_tag"))),
            stated_hex(derived, "inviter_tag"));
}

TEST_F(GoldenPairingConversation, ProofsAreMadeAsStated) {
  struct Side {
    Identity const& of;
    std::uint8_t type;  // of the message that carries it
    char const* proof;
    char const* box;
  };
  for (auto const& side : {Side{joiner, 3, "joiner_proof", "identity_of_joiner"},
                           Side{inviter, 4, "inviter_proof", "identity_of_inviter"}}) {
    Bytes transcript = stated(derived, "before_joiner_tag");
    append(transcript, stated(derived, "joiner_tag"));
    EXPECT_EQ(hex(transcript), stated_hex(derived, "before_proofs"));
    Bytes message{side.type};
    append(message, transcript);
    EXPECT_EQ(hex(side.of.sign.sign("kith/pair-proof/1", message)), stated_hex(derived, side.proof));
    EXPECT_EQ(vector.at(side.box).at("proof"), derived.at(side.proof));
  }
}

TEST_F(GoldenPairingConversation, BoxesOpenWithTheStatedKeys) {
  struct Box {
    char const* type;    // of tests/support/wire_types.hpp
    char const* stated;  // the field that has its contents
  };
  std::map<std::string, Box> const boxes{{"confirm", {"pair_identity_box", "identity_of_joiner"}},
                                         {"identity", {"pair_identity_box", "identity_of_inviter"}},
                                         {"offer", {"pair_offer_box", "offer"}},
                                         {"pseudonyms", {"pair_pseudonyms_box", "pseudonyms"}},
                                         {"welcome", {"pair_welcome_box", "welcome"}},
                                         {"joined", {"pair_joined_box", nullptr}}};
  std::map<std::string, std::uint64_t> counters;
  std::size_t opened = 0;
  for (auto const& message : vector.at("messages")) {
    auto const& fields = message.at("fields").at("fields");
    if (!fields.contains("box")) continue;
    auto const key = stated<crypto::AeadKey>(derived, message.at("from") == "joiner" ? "box_j" : "box_i");
    crypto::XNonce nonce;
    store_be(nonce.bytes.data() + 16, counters[message.at("from").get<std::string>()]++);
    Bytes aad;
    append(aad, bytes_of("kith/pair-box/1"));
    aad.push_back(0);
    aad.push_back(stated(message, "message").at(1));
    Bytes plain;
    must(crypto::xchacha_open(key, nonce, aad, stated(fields, "box"), plain));
    auto const& box = boxes.at(message.at("fields").at("type").get<std::string>());
    auto const contents = must(testing::wire_types().at(box.type).decode(plain));
    EXPECT_EQ(contents, box.stated != nullptr ? vector.at(box.stated) : Json::object()) << box.type;
    ++opened;
  }
  EXPECT_EQ(opened, 6U);
}

}  // namespace
}  // namespace kith::core
