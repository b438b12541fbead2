#include "crypto/kdf.hpp"
#include "support/handshakes.hpp"

/// The handshake of a session, and everything that must not open one.
namespace kith::core {
namespace {

using testing::Handshakes;
using testing::must;
using testing::only;
using Verdict = Membership::Verdict;
using namespace std::chrono_literals;

Bytes prologue_of(wire::Opening const& opening) {
  Bytes prologue;
  append(prologue, bytes_of("kith/session/1"));
  prologue.push_back(0);
  append(prologue, wire::encode(opening));
  return prologue;
}

crypto::noise::HandshakeState initiator(wire::Opening const& opening, Identity const& identity, RandomSource& random) {
  return {crypto::noise::Pattern::xx_psk3, crypto::noise::Role::initiator, prologue_of(opening), identity.dx, random};
}

/// A dialler of any versions, by the specification: what Session::initiate would send if it spoke them.
/// @param observed_tags  in place of those that it could make itself
Bytes dial_with(wire::Opening const& opening, crypto::noise::HandshakeState& state,
                testing::TestMembership const& membership, RandomSource& random, Bytes observed_tags = {}) {
  Bytes message, tagged;
  must(state.write_tokens(message));
  append(tagged, bytes_of("kith/tag/1"));
  tagged.push_back(0);
  append(tagged, state.ephemeral_public().view());
  Bytes tags;
  for (int i = 0; i < 3; ++i) append(tags, random.bytes<16>());
  auto const mac = crypto::hmac_sha256(membership.psk(membership.epochs_for_hello().front()).view(), tagged);
  append(tags, ByteView{mac.bytes}.first(16));  // the last of the four will do
  must(state.write_payload(observed_tags.empty() ? tags : observed_tags, message));
  Bytes out = wire::encode(opening);
  wire::append_message(out, message);
  return out;
}
Bytes dial_with(wire::Opening const& opening, testing::TestMembership const& membership, Identity const& identity,
                RandomSource& random, Bytes observed_tags = {}) {
  auto state = initiator(opening, identity, random);
  return dial_with(opening, state, membership, random, std::move(observed_tags));
}

/// The tags of a message 1, which everybody on the path can read.
Bytes tags_in(ByteView hello, RandomSource& random) {
  crypto::noise::HandshakeState observer(crypto::noise::Pattern::xx_psk3, crypto::noise::Role::responder,
                                         prologue_of(wire::Opening{}), crypto::DhKeyPair::generate(random), random);
  Bytes tags;
  must(observer.read_message(hello.subspan(wire::Opening::kBytes + 2), tags));
  return tags;
}

/// A stranger hears nothing at all: it cannot even tell that this is kith.
TEST_F(Handshakes, GiveAStrangerNotOneByte) {
  a.membership.secrets[0] = a.random.secret<EpochSecret>();
  ASSERT_TRUE(accept(first_message()));
  EXPECT_TRUE(second_message().empty());
  EXPECT_TRUE(b.session->done());
  EXPECT_EQ(reason(b), "core.handshake_failed");
}

/// A hello costs whoever sends it nothing, and must not cost us much more.
TEST_F(Handshakes, DeriveAnEpochsPskOnceForAllStrangers) {
  a.membership.secrets[0] = a.random.secret<EpochSecret>();
  for (int hellos = 0; hellos < 5; ++hellos) {
    ASSERT_TRUE(accept(first_message()));
    EXPECT_EQ(reason(b), "core.handshake_failed");
  }
  EXPECT_EQ(b.membership.asked, static_cast<int>(b.membership.secrets.size()));
}

/// Secrets that turn out to be of no use are dropped, and may be learnt again.
TEST_F(Handshakes, KeepNoPskOfWhatIsNotHeld) {
  a.membership.secrets[0] = a.random.secret<EpochSecret>();
  auto const hear = [&] {
    ASSERT_TRUE(accept(first_message()));
    EXPECT_EQ(reason(b), "core.handshake_failed");
  };
  auto& held = b.membership.secrets;
  for (int i = 0; i < 3; ++i) held.push_back(b.random.secret<EpochSecret>());
  hear();
  EXPECT_EQ(b.membership.asked, 4);
  auto dropped = std::move(held.back());
  held.pop_back();
  hear();
  EXPECT_EQ(b.membership.asked, 4);
  held.push_back(std::move(dropped));
  hear();
  EXPECT_EQ(b.membership.asked, 5) << "it had not been kept";
}

TEST_F(Handshakes, GoOnUnderASecretThatIsDroppedMeanwhile) {
  dial(b.identity.device());
  a.membership.secrets.clear();
  pump();
  EXPECT_TRUE(a.session->open());
  EXPECT_TRUE(b.session->open());
}

TEST_F(Handshakes, GiveAMemberOfAnotherGroupNotOneByte) {
  a.membership.group_id = a.random.id<GroupId>();
  ASSERT_TRUE(accept(first_message()));
  EXPECT_TRUE(second_message().empty());
  EXPECT_EQ(reason(b), "core.handshake_failed");
}

TEST_F(Handshakes, GiveAThiefOfTagsNotOneByte) {
  auto const tags = tags_in(first_message(), a.random);
  ASSERT_EQ(tags.size(), 64U);
  ASSERT_TRUE(accept(dial_with({}, a.membership, a.identity, a.random)));
  EXPECT_FALSE(second_message().empty());
  ASSERT_TRUE(accept(dial_with({}, a.membership, a.identity, a.random, tags)));
  EXPECT_TRUE(second_message().empty()) << "tags are made for one ephemeral key";
  EXPECT_EQ(reason(b), "core.handshake_failed");
}

TEST_F(Handshakes, OpenNothingForAReplay) {
  auto const observed = first_message();
  ASSERT_TRUE(accept(observed));
  deliver(*a.session, second_message());
  auto const proof = a.transmit(now());
  deliver(*b.session, proof);
  ASSERT_TRUE(b.session->open());
  ASSERT_TRUE(accept(observed));
  second_message();
  deliver(*b.session, proof);
  EXPECT_FALSE(b.session->open());
  EXPECT_EQ(reason(b), "crypto.not_authentic");
}

TEST_F(Handshakes, NeedTheSecretBehindTheTags) {
  auto state = initiator({}, a.identity, a.random);
  ASSERT_TRUE(accept(dial_with({}, state, a.membership, a.random)));  // it can show a tag, and knows no more
  auto const answer = second_message();
  Bytes payload, proof, framed;
  must(state.read_message(ByteView{answer}.subspan(2), payload));
  state.set_psk(a.random.secret<crypto::noise::Psk>());
  must(state.write_message(payload, proof));
  wire::append_message(framed, proof);
  deliver(*b.session, framed);
  EXPECT_FALSE(b.session->open());
  EXPECT_EQ(reason(b), "crypto.not_authentic");
}

TEST_F(Handshakes, RefuseAnotherDeviceThanTheOneDialled) {
  testing::SeededRandom random(9);
  dial(Identity::generate(random, {0}).device());
  pump();
  EXPECT_FALSE(a.session->open() || b.session->open());
  EXPECT_EQ(reason(a), "core.handshake_failed");
  elapsed = 10s;
  b.session->on_timer(now());
  EXPECT_EQ(reason(b), "core.timed_out");
}

TEST_F(Handshakes, HearOfARemovedDeviceItsTipsAndEntriesAlone) {
  b.membership.verdict = [](auto const&) { return Verdict::removed; };
  connect();
  EXPECT_FALSE(b.session->open());
  auto const unwelcome = only<SessionUnwelcome>(b.events());
  ASSERT_TRUE(unwelcome);
  EXPECT_EQ(unwelcome->peer.cert, a.identity.cert);
  ASSERT_TRUE(a.session->open());
  ASSERT_TRUE(only<SessionOpened>(a.events()));
  wire::Tips tips;
  tips.tips.push_back({{a.identity.device(), {1}}, {3}, {}});
  a.session->send(wire::Presence{});
  a.session->send(wire::Want{});
  a.session->send(tips);
  a.session->send(wire::DigestWant{4});
  wire::Data brought;
  brought.entries.push_back({{4, 5}});
  a.session->send(brought);
  pump();
  auto const heard = b.events();
  ASSERT_EQ(heard.size(), 2U);
  EXPECT_EQ(std::get<wire::Tips>(std::get<SessionFrame>(heard[0]).frame), tips);
  EXPECT_EQ(std::get<wire::Data>(std::get<SessionFrame>(heard[1]).frame), brought);

  wire::Data proof;
  proof.entries.push_back({{1, 2, 3}});
  b.session->send(proof);
  b.session->close(wire::CloseCode::removed);
  pump();
  EXPECT_TRUE(b.session->done());
  EXPECT_EQ(reason(b), "core.removed_peer");
  auto const told = a.events();
  ASSERT_EQ(told.size(), 2U) << "the proof, then the claim";
  EXPECT_EQ(std::get<wire::Data>(std::get<SessionFrame>(told[0]).frame), proof);
  EXPECT_TRUE(std::get<SessionClosed>(told[1]).reason.is(CoreError::removed_self));
}

struct Refusal {
  Verdict verdict;
  wire::CloseCode code;
  std::string reason;
  CoreError heard_as;
};
struct Refusals : Handshakes, ::testing::WithParamInterface<Refusal> {};

TEST_P(Refusals, DoNotWaitLongForAnUnwelcomeDevice) {
  b.membership.verdict = [](auto const&) { return GetParam().verdict; };
  connect();
  auto const unwelcome = only<SessionUnwelcome>(b.events());
  ASSERT_TRUE(unwelcome);
  EXPECT_EQ(unwelcome->verdict, GetParam().verdict);
  elapsed += Session::kHearingTime - 1ms;
  b.session->on_timer(now());
  pump();
  EXPECT_FALSE(b.session->done());
  EXPECT_EQ(b.session->next_deadline(), now().mono + 1ms);
  elapsed += 1ms;
  static_cast<void>(a.events());
  b.session->on_timer(now());
  pump();
  EXPECT_TRUE(b.session->done());
  EXPECT_EQ(reason(b), GetParam().reason);
  auto const told = only<SessionClosed>(a.events());
  ASSERT_TRUE(told && told->close);
  EXPECT_TRUE(told->reason.is(GetParam().heard_as));
  EXPECT_EQ(told->close->code, GetParam().code);
}

INSTANTIATE_TEST_SUITE_P(Handshakes, Refusals,
                         ::testing::Values(Refusal{Verdict::removed, wire::CloseCode::removed, "core.removed_peer",
                                                   CoreError::removed_self},
                                           Refusal{Verdict::unknown, wire::CloseCode::unknown_device,
                                                   "core.unknown_device", CoreError::closed}));

TEST_F(Handshakes, SayNothingToARemovedDeviceThatWasDialled) {
  for (auto const& [verdict, expected] :
       {std::pair{Verdict::removed, "core.removed_peer"}, {Verdict::unknown, "core.unknown_device"}}) {
    a.membership.verdict = [verdict](auto const&) { return verdict; };
    ASSERT_TRUE(accept(first_message()));
    deliver(*a.session, second_message());
    EXPECT_TRUE(a.transmit(now()).empty());
    EXPECT_EQ(reason(a), expected);
  }
}

TEST_F(Handshakes, JudgeWhoTheyHear) {
  std::vector<DeviceId> judged;
  auto const note = [&](wire::Devcert const& cert) { return judged.push_back(cert.device), Verdict::welcome; };
  a.membership.verdict = b.membership.verdict = note;
  connect();
  EXPECT_EQ(judged, (std::vector<DeviceId>{b.identity.device(), a.identity.device()}));
}

TEST_F(Handshakes, NeedTheKeysOfTheDevcertThatTheyShow) {
  testing::SeededRandom random(9);
  auto const thief = Identity::generate(random, {0});
  auto const victim = a.identity.clone();
  a.identity = thief.clone(), a.identity.cert = victim.cert;  // neither key
  connect();
  EXPECT_EQ(reason(b), "core.handshake_failed");
  a.identity = victim.clone(), a.identity.sign = crypto::SigningKey(thief.sign.seed());  // not the signing key
  connect();
  EXPECT_EQ(reason(b), "core.handshake_failed");
  a.identity = victim.clone(), a.identity.dx = thief.dx.clone();  // not the Noise key
  connect();
  EXPECT_EQ(reason(b), "core.handshake_failed");
  a.identity = victim.clone();
  a.identity.dx = thief.dx.clone(), a.identity.cert.dx = thief.dx.public_key;  // a devcert that the device did not sign
  connect();
  EXPECT_EQ(reason(b), "core.handshake_failed");
  a.identity = victim.clone();
  connect();
  EXPECT_TRUE(b.session->open());

  b.identity.sign = crypto::SigningKey(thief.sign.seed());
  connect();
  EXPECT_EQ(reason(a), "core.handshake_failed");
}

TEST_F(Handshakes, BelongToTheirLink) {
  binding_a = {1}, binding_b = {1};
  connect();
  EXPECT_TRUE(b.session->open());
  binding_b = {2};
  connect();
  EXPECT_FALSE(a.session->open() || b.session->open());
  EXPECT_TRUE(second_message().empty());
}

TEST_F(Handshakes, EndAfterTenSeconds) {
  dial();
  EXPECT_EQ(a.session->next_deadline(), now().mono + 10s);
  auto const hello = a.transmit(now());
  elapsed = 9999ms;
  a.session->on_timer(now());
  EXPECT_TRUE(a.events().empty());
  elapsed = 10s;
  a.session->on_timer(now());
  EXPECT_EQ(reason(a), "core.timed_out");
  EXPECT_TRUE(a.session->done());

  ASSERT_TRUE(accept(ByteView{hello}.first(50)));
  EXPECT_EQ(b.session->next_deadline(), now().mono + 10s);
  elapsed += 10s;
  b.session->on_timer(now());
  EXPECT_EQ(reason(b), "core.timed_out");
  EXPECT_TRUE(b.session->done() && b.transmit(now()).empty());
}

TEST_F(Handshakes, AnswerAMemberOfALaterVersionWithBothRanges) {
  wire::Opening const later{wire::Purpose::session, 2, 2, 0};
  ASSERT_TRUE(accept(dial_with(later, a.membership, a.identity, a.random)));
  auto const closed = only<SessionClosed>(b.events());
  ASSERT_TRUE(closed);
  EXPECT_TRUE(closed->reason.is(CoreError::version_mismatch));
  EXPECT_EQ(closed->reason.detail(), ErrorDetail(VersionsDetail{1, 1, 2, 2}));
  auto const answer = second_message();
  EXPECT_EQ(answer, wire::encode(wire::Opening{wire::Purpose::refusal, 1, 1, 0}));
  EXPECT_TRUE(b.session->done());

  dial();
  a.session->on_bytes(wire::encode(wire::Opening{wire::Purpose::refusal, 2, 3, 0}), now());
  auto const told = only<SessionClosed>(a.events());
  ASSERT_TRUE(told);
  EXPECT_TRUE(told->reason.is(CoreError::version_mismatch));
  EXPECT_EQ(told->reason.detail(), ErrorDetail(VersionsDetail{1, 1, 2, 3}));
}

TEST_F(Handshakes, TalkToAMemberThatSpeaksLaterVersionsAsWell) {
  ASSERT_TRUE(accept(dial_with({wire::Purpose::session, 1, 9, 0}, a.membership, a.identity, a.random)));
  EXPECT_GT(second_message().size(), 100U);
}

TEST_F(Handshakes, GiveAStrangerOfALaterVersionNotOneByte) {
  testing::TestMembership strange;
  strange.secrets.push_back(a.random.secret<EpochSecret>());
  ASSERT_TRUE(accept(dial_with({wire::Purpose::session, 2, 2, 0}, strange, a.identity, a.random)));
  EXPECT_TRUE(second_message().empty());
  EXPECT_EQ(reason(b), "core.handshake_failed");
}

}  // namespace
}  // namespace kith::core
