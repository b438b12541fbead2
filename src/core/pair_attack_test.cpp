#include <gtest/gtest.h>

#include "support/pairing_pair.hpp"
#include "support/seeds.hpp"

/// Pairing against whoever sits on the path, or at one end, and does not keep to the rules.
namespace kith::core {
namespace {

using testing::must;
using testing::PairingPair;
using wire::PairMessage;
using namespace std::chrono_literals;

struct PairingAttacks : ::testing::Test, PairingPair {
  void run_again() {
    inviter_events.clear(), joiner_events.clear();
    join();
    run();
  }
  static Bytes framed(PairMessage const& message) {
    Bytes out;
    wire::append_message(out, wire::encode_pair_message(message));
    return out;
  }
};

// What each side says, in its turns. The opening goes before the hello.
enum class Said { hello, share, confirm, identity, offer, pseudonyms, welcome, joined };
constexpr Said kSaid[] = {Said::hello, Said::share,      Said::confirm, Said::identity,
                          Said::offer, Said::pseudonyms, Said::welcome, Said::joined};

#if defined(__SANITIZE_ADDRESS__)
constexpr std::size_t kEachBit = 23;  // each is a conversation of its own
#else
constexpr std::size_t kEachBit = 3;
#endif

/// One bit is flipped on the way. Nobody is let in who was not, and nobody joins what was not offered.
TEST_F(PairingAttacks, AFlippedBitNeverLeadsOn) {
  for (Said const said : kSaid) {
    std::size_t bits = 8;
    for (std::size_t bit = static_cast<std::size_t>(said) % kEachBit; bit < bits; bit += kEachBit) {
      std::size_t heard = 0;
      invites.invites.at(code.lookup).tries = 0;
      alter = [&](Bytes& bytes, bool) {
        if (heard++ != static_cast<std::size_t>(said)) return;
        bits = bytes.size() * 8;
        bytes[bit / 8] = static_cast<std::uint8_t>(bytes[bit / 8] ^ (1 << bit % 8));
      };
      run_again();
      ASSERT_TRUE(heard > static_cast<std::size_t>(said)) << "the message was never said";
      ASSERT_EQ(count<JoinDone>(joiner_events), said == Said::joined ? 1U : 0U)
          << static_cast<int>(said) << " byte " << bit / 8;
      ASSERT_EQ(count<PairWelcomed>(joiner_events), said == Said::joined ? 1U : 0U)
          << static_cast<int>(said) << " byte " << bit / 8;
      ASSERT_EQ(count<PairCommit>(inviter_events), said >= Said::welcome ? 1U : 0U)
          << static_cast<int>(said) << " byte " << bit / 8;
      ASSERT_EQ(count<PairDone>(inviter_events), 0U) << static_cast<int>(said) << " byte " << bit / 8;
      ASSERT_EQ(count<PairRequested>(inviter_events), said > Said::confirm ? 1U : 0U)
          << static_cast<int>(said) << " byte " << bit / 8;
    }
  }
}

TEST_F(PairingAttacks, AnAlteredOpeningIsNoticed) {
  for (std::size_t const byte : {std::size_t{6}, std::size_t{10}}) {  // version_max and features
    alter = [&, first = true](Bytes& bytes, bool) mutable {
      if (std::exchange(first, false)) ++bytes[byte];
    };
    run_again();
    EXPECT_EQ(joiner_failure(), "core.wrong_code") << "the tags cover the opening";
    EXPECT_EQ(count<PairRequested>(inviter_events), 0U);
  }
}

TEST_F(PairingAttacks, VersionsThatDoNotMeetAreNamed) {
  alter = [first = true](Bytes& bytes, bool) mutable {
    if (std::exchange(first, false)) bytes[5] = bytes[6] = 2;
  };
  run_again();
  auto const* told = find<JoinFailed>(joiner_events);
  ASSERT_NE(told, nullptr);
  EXPECT_TRUE(told->reason.is(CoreError::version_mismatch));
  auto const* failed = find<PairFailed>(inviter_events);
  ASSERT_NE(failed, nullptr);
  EXPECT_EQ(failed->reason.detail(), ErrorDetail(VersionsDetail{1, 1, 2, 2}));
  EXPECT_EQ(invites.invites.at(code.lookup).tries, 0);

  join();
  to_joiner(wire::encode(wire::Opening{wire::Purpose::refusal, 3, 4, 0}));
  joiner_events.clear();
  answer();
  EXPECT_EQ(find<JoinFailed>(joiner_events)->reason.detail(), ErrorDetail(VersionsDetail{1, 1, 3, 4}));

  // In the middle of a message it says nothing of versions.
  join();
  joiner_events.clear();
  to_joiner(Bytes{0});
  answer();
  to_joiner(wire::encode(wire::Opening{wire::Purpose::refusal, 3, 4, 0}));
  answer();
  EXPECT_EQ(find<JoinFailed>(joiner_events), nullptr);
}

TEST_F(PairingAttacks, SharesThatAreNoPointsAreRefused) {
  join();
  from_joiner();
  Bytes hello = wire::encode(wire::Opening{.purpose = wire::Purpose::pairing});
  append(hello, framed(wire::PairHello{code.lookup, {}, {}}));
  to_inviter(hello);
  EXPECT_TRUE(from_inviter().empty());
  answer();
  EXPECT_EQ(inviter_failure(), "crypto.weak_point");

  to_joiner(framed(wire::PairShare{{}, {}, {}}));
  EXPECT_TRUE(from_joiner().empty());
  answer();
  EXPECT_EQ(joiner_failure(), "crypto.weak_point");
}

/// Without the password an inviter cannot make the tag, and so never hears who the joiner is.
TEST_F(PairingAttacks, AFalseInviterLearnsNothing) {
  join();
  from_joiner();
  auto const share = crypto::cpace::make_share(pair_generator(bytes_of("guessed!"), code.lookup, {}), random);
  to_joiner(framed(wire::PairShare{share.share, random.id<wire::PairNonce>(), random.id<crypto::Mac256>()}));
  auto const said = from_joiner();
  EXPECT_EQ(said, framed(wire::PairEnd{wire::PairEndCode::wrong_code, 0}));
}

TEST_F(PairingAttacks, AJoinerWhoseTagIsWrongIsNotHeard) {
  join();
  to_inviter(from_joiner());
  from_inviter();
  to_inviter(framed(wire::PairConfirm{random.id<crypto::Mac256>(), Bytes(100)}));
  EXPECT_EQ(from_inviter(), framed(wire::PairEnd{wire::PairEndCode::wrong_code, 2}));
  answer();
  EXPECT_EQ(inviter_failure(), "core.wrong_code");
  EXPECT_EQ(invites.invites.at(code.lookup).tries, 1);
}

TEST_F(PairingAttacks, OneConversationIsOneTry) {
  join();
  auto const hello = from_joiner();
  to_inviter(hello);
  to_inviter(ByteView{hello}.subspan(wire::Opening::kBytes));
  answer();
  EXPECT_EQ(inviter_failure(), "core.protocol_violation");
  EXPECT_EQ(invites.invites.at(code.lookup).tries, 1);
}

TEST_F(PairingAttacks, DevcertsMustBeSignedByTheirDevices) {
  auto forged = joining.clone();
  forged.cert.dx = random.id<crypto::DhPublicKey>();
  join(code.clone(), forged);
  run();
  EXPECT_EQ(inviter_failure(), "core.bad_signature");
  EXPECT_EQ(count<PairRequested>(inviter_events), 0U);

  inviter_events.clear(), joiner_events.clear();
  inviting.cert.caps = 1;
  join();
  run();
  EXPECT_EQ(joiner_failure(), "core.bad_signature");
  EXPECT_EQ(count<PairWaiting>(joiner_events), 0U);
}

/// A devcert is no secret: every member has all of them. Whoever has the code too shows one, and cannot prove it.
TEST_F(PairingAttacks, AReplayedDevcertProvesNothing) {
  auto& invite = invites.invites.at(code.lookup);
  for (bool const joined_before : {false, true}) {
    invite.state = joined_before ? InviteState::used : InviteState::open;
    if (joined_before) invite.used_by = joining.device();
    auto thief = Identity::generate(random, {0});
    thief.cert = joining.cert;
    inviter_events.clear(), joiner_events.clear();
    join(code.clone(), thief);
    run();
    EXPECT_EQ(inviter_failure(), "core.bad_signature");
    EXPECT_EQ(count<PairRequested>(inviter_events), 0U);
    EXPECT_EQ(count<PairWaiting>(joiner_events), 0U) << "nor does it hear who the inviter is";
  }
}

TEST_F(PairingAttacks, AnInviterProvesItsDevcertToo) {
  auto thief = Identity::generate(random, {0});
  thief.cert = inviting.cert;
  inviting = std::move(thief);
  join();
  run();
  EXPECT_EQ(joiner_failure(), "core.bad_signature");
  EXPECT_EQ(count<PairWaiting>(joiner_events), 0U);
}

/// The proof of one conversation or side is none for another.
TEST_F(PairingAttacks, ProofsAreOfOneConversationAndOneSide) {
  Bytes const transcript(200, 7), other(200, 8);
  for (auto const type : {wire::PairMessageType::confirm, wire::PairMessageType::identity}) {
    bool const joiners = type == wire::PairMessageType::confirm;
    wire::PairIdentityBox const box{joining.cert, "phone", pair_proof(joining.sign, type, transcript)};
    EXPECT_TRUE(check_identity(box, type, transcript));
    EXPECT_FALSE(check_identity(box, type, other));
    EXPECT_FALSE(
        check_identity(box, joiners ? wire::PairMessageType::identity : wire::PairMessageType::confirm, transcript));
    auto by_another = box;
    by_another.cert = inviting.cert;
    EXPECT_FALSE(check_identity(by_another, type, transcript));
    auto altered = box;
    altered.proof.bytes[5] ^= 1;
    EXPECT_FALSE(check_identity(altered, type, transcript));
  }
}

/// Who knows the code can be the inviter to a joiner and the joiner to an inviter. What the one proves there is worth
/// nothing here: the shares differ, and with them the transcript.
TEST_F(PairingAttacks, AProofIsNotPassedOnBySomebodyBetween) {
  join();
  auto const from_victim = from_joiner();
  Bytes transcript(from_victim.begin(), from_victim.begin() + wire::Opening::kBytes);
  Bytes const hello_bytes(from_victim.begin() + wire::Opening::kBytes + 2, from_victim.end());
  auto const hello = std::get<wire::PairHello>(must(wire::decode_pair_message(hello_bytes)));
  auto const generator = pair_generator(code.password.view(), code.lookup, hello.nonce);
  auto const as_inviter = crypto::cpace::make_share(generator, random);
  auto const isk = must(crypto::cpace::derive(as_inviter.scalar, hello.share, hello.nonce.view(),
                                              {hello.share, {}, as_inviter.share, {}}));
  append(transcript, hello_bytes);
  append(transcript, as_inviter.share.view());
  wire::PairShare share{as_inviter.share, random.id<wire::PairNonce>(), {}};
  append(transcript, share.nonce.view());
  auto with_joiner = PairKeys::derive(isk, hello.nonce, share.nonce, transcript);
  share.tag = with_joiner.inviter_tag;
  to_joiner(framed(share));
  auto const confirm = std::get<wire::PairConfirm>(must(wire::decode_pair_message(ByteView{from_joiner()}.subspan(2))));
  auto const identity = must(with_joiner.from_joiner.open(wire::PairMessageType::confirm, confirm.box));

  auto const as_joiner = crypto::cpace::make_share(generator, random);
  transcript = wire::encode(wire::Opening{.purpose = wire::Purpose::pairing});
  Bytes said = transcript;
  wire::PairHello const ours{code.lookup, as_joiner.share, hello.nonce};
  append(transcript, wire::encode_pair_message(ours));
  append(said, framed(ours));
  to_inviter(said);
  Bytes const answered = from_inviter();
  auto const theirs = std::get<wire::PairShare>(must(wire::decode_pair_message(ByteView{answered}.subspan(2))));
  auto const other_isk = must(crypto::cpace::derive(as_joiner.scalar, theirs.share, hello.nonce.view(),
                                                    {as_joiner.share, {}, theirs.share, {}}));
  auto with_inviter = PairKeys::derive(other_isk, hello.nonce, theirs.nonce, {});
  append(transcript, ByteView{answered}.subspan(2));
  to_inviter(framed(wire::PairConfirm{with_inviter.joiner_tag(transcript),
                                      with_inviter.from_joiner.seal(wire::PairMessageType::confirm, identity)}));
  answer();
  EXPECT_EQ(inviter_failure(), "core.bad_signature") << "the tag and the box are right, the proof is not";
  EXPECT_EQ(count<PairRequested>(inviter_events), 0U);
}

TEST_F(PairingAttacks, EachRelayOfTheOfferNeedsAName) {
  for (std::size_t const names : {std::size_t{0}, std::size_t{1}, std::size_t{2}}) {
    inviter.reset();
    inviter_events.clear();
    auto const nonce = random.id<wire::PairNonce>();
    auto const share = crypto::cpace::make_share(pair_generator(code.password.view(), code.lookup, nonce), random);
    Bytes transcript = wire::encode(wire::Opening{.purpose = wire::Purpose::pairing});
    Bytes said = transcript;
    wire::PairHello const hello{code.lookup, share.share, nonce};
    append(transcript, wire::encode_pair_message(hello));
    append(said, framed(hello));
    to_inviter(said);
    Bytes const answered = from_inviter();
    auto const theirs = std::get<wire::PairShare>(must(wire::decode_pair_message(ByteView{answered}.subspan(2))));
    auto const isk =
        must(crypto::cpace::derive(share.scalar, theirs.share, nonce.view(), {share.share, {}, theirs.share, {}}));
    auto keys = PairKeys::derive(isk, nonce, theirs.nonce, {});
    append(transcript, ByteView{answered}.subspan(2));
    auto const tag = keys.joiner_tag(transcript);
    append(transcript, tag.view());
    auto const proof = pair_proof(joining.sign, wire::PairMessageType::confirm, transcript);
    auto const box = wire::encode(wire::PairIdentityBox{joining.cert, "phone", proof});
    to_inviter(framed(wire::PairConfirm{tag, keys.from_joiner.seal(wire::PairMessageType::confirm, box)}));
    while (auto const event = inviter->poll_event()) {
      if (std::holds_alternative<PairRequested>(*event)) inviter->approve(offer(), now());
    }
    wire::PairPseudonymsBox const own{std::vector<wire::Pseudonym>(names)};
    auto const sealed = keys.from_joiner.seal(wire::PairMessageType::pseudonyms, wire::encode(own));
    to_inviter(framed(wire::PairPseudonyms{sealed}));
    while (auto event = inviter->poll_event()) inviter_events.push_back(std::move(*event));
    EXPECT_EQ(count<PairCommit>(inviter_events), names == 1 ? 1U : 0U) << names;
    EXPECT_EQ(inviter_failure(), names == 1 ? "" : "core.protocol_violation") << names;
  }
}

TEST_F(PairingAttacks, ADeviceDoesNotInviteItself) {
  join(code.clone(), inviting);
  run();
  EXPECT_EQ(inviter_failure(), "core.bad_signature");
}

TEST_F(PairingAttacks, TheWelcomeIsOfTheGroupThatWasOffered) {
  commits = false;
  join();
  run();
  auto other = welcome();
  other.genesis.name = "another group";
  inviter->welcome(other, now());
  run();
  EXPECT_EQ(joiner_failure(), "core.protocol_violation");
  EXPECT_EQ(count<PairWelcomed>(joiner_events), 0U);

  run_again();
  auto empty = welcome();
  empty.secrets.clear();
  inviter->welcome(empty, now());
  run();
  EXPECT_EQ(joiner_failure(), "core.protocol_violation");
}

TEST_F(PairingAttacks, LengthsAboveFourKibibytesAreRefusedAtOnce) {
  join();
  from_joiner();
  to_joiner(Bytes{0x10, 0x01});
  answer();
  EXPECT_EQ(joiner_failure(), "wire.too_large");
  Bytes opening = wire::encode(wire::Opening{.purpose = wire::Purpose::pairing});
  append(opening, Bytes{0x10, 0x01});
  to_inviter(opening);
  answer();
  EXPECT_EQ(inviter_failure(), "wire.too_large");
}

TEST_F(PairingAttacks, GarbageEndsIt) {
  testing::Dice dice(1);
  for (int tries = 0; tries < 300; ++tries) {
    Bytes garbage(dice.below(300));
    for (auto& byte : garbage) byte = static_cast<std::uint8_t>(dice.next());
    Bytes message;
    wire::append_message(message, garbage);
    inviter_events.clear(), joiner_events.clear();
    join();
    to_inviter(from_joiner());
    from_inviter();
    to_inviter(message);
    to_joiner(message);
    answer();
    ASSERT_FALSE(inviter_failure().empty());
    ASSERT_FALSE(joiner_failure().empty());
  }
}

}  // namespace
}  // namespace kith::core
