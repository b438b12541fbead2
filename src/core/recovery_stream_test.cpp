#include "support/recovery_pair.hpp"

/// Somebody who has the recovery words reads a group from one of its devices, and nobody else does.
namespace kith::core {
namespace {

using testing::ListedEntries;
using testing::must;
using testing::PlayedRecovery;
using testing::RecoveryPair;
using testing::TestDevice;
using Role = crypto::noise::Role;

struct RecoveryStream : RecoveryPair {
  /// Takes over what a reader has read.
  void take_over(RecoveryReader& reader) {
    must(r.replica.adopt_recovered(*reader.genesis(), words, r.now()));
    r.receive(reader.take_entries());
  }
  crypto::DhKeyPair any_key() { return crypto::DhKeyPair::generate(r.random); }
  wire::LocatorSecret const& locator() { return a.replica.state().genesis().locator_secret; }
};

TEST_F(RecoveryStream, TheWordsReadAllAndComeBack) {
  StoredEntries source(a.replica, a.store);
  auto giver = giver_of(a, source);
  RecoveryReader reader(words, r.random);
  must(talk(reader, giver));
  ASSERT_TRUE(reader.done());
  EXPECT_TRUE(giver.done());
  EXPECT_TRUE(giver.proved());
  EXPECT_EQ(reader.giver()->cert, a.identity.cert);
  EXPECT_EQ(reader.giver()->group, a.replica.state().group());
  EXPECT_EQ(reader.tips(), must(a.replica.tips()));
  take_over(reader);
  EXPECT_EQ(r.texts(), a.texts());
  EXPECT_EQ(must(r.replica.missing(10)), std::vector<Tip>{});
  EXPECT_EQ(must(r.replica.come_back(words, "again", {a.replica.self()}, r.now())), 1U);
  EXPECT_EQ(a.receive(r.sealed_entries()).refused, 0U);
  EXPECT_TRUE(a.replica.state().roster().active(r.replica.self()));
  EXPECT_TRUE(a.replica.state().roster().removed(b.replica.self()));
}

TEST_F(RecoveryStream, TheBytesMayComeOneByOne) {
  StoredEntries source(a.replica, a.store);
  auto giver = giver_of(a, source);
  RecoveryReader reader(words, r.random);
  for (auto const byte : behind_opening(said_by(reader))) giver.on_bytes({&byte, 1}, at);
  for (auto const byte : said_by(giver)) must(reader.on_bytes({&byte, 1}, at));
  for (auto const byte : said_by(reader)) giver.on_bytes({&byte, 1}, at);
  for (auto const byte : said_by(giver)) must(reader.on_bytes({&byte, 1}, at));
  EXPECT_TRUE(reader.done());
  EXPECT_EQ(reader.take_entries(), a.all_entries());
}

/// Nothing tells a stranger that there is a group, or that this is kith.
TEST_F(RecoveryStream, OtherWordsGetNotOneByte) {
  StoredEntries source(a.replica, a.store);
  auto giver = giver_of(a, source);
  RecoveryReader reader(other_words, r.random);
  must(talk(reader, giver));
  EXPECT_TRUE(giver.done());
  EXPECT_FALSE(giver.proved());
  EXPECT_FALSE(giver.failed_proof());
  EXPECT_FALSE(reader.giver().has_value());
  EXPECT_FALSE(reader.done());
}

/// Who is or was a member knows the locator secret, and both of the recovery key's public halves.
TEST_F(RecoveryStream, AMemberWithoutTheWordsReadsNothing) {
  ListedEntries source;
  source.entries = a.all_entries();
  auto giver = giver_of(a, source);
  PlayedRecovery member(Role::initiator, b.identity.dx, b.random);
  giver.on_bytes(behind_opening(member.hello(locator())), at);
  auto const reply = said_by(giver);
  ASSERT_FALSE(reply.empty());
  static_cast<void>(must(member.read(reply)));
  giver.on_bytes(member.proof(b.identity.sign), at);
  EXPECT_TRUE(said_by(giver).empty());
  EXPECT_TRUE(giver.done());
  EXPECT_FALSE(giver.proved());
  EXPECT_TRUE(giver.failed_proof());
  EXPECT_EQ(source.at, 0U) << "nothing was even read";
}

/// The same bytes again: what was signed was another handshake.
TEST_F(RecoveryStream, ARecordedReaderReadsNothing) {
  StoredEntries source(a.replica, a.store), again(a.replica, a.store);
  auto giver = giver_of(a, source);
  RecoveryReader reader(words, r.random);
  auto const first = behind_opening(said_by(reader));
  giver.on_bytes(first, at);
  must(reader.on_bytes(said_by(giver), at));
  auto const third = said_by(reader);
  auto other = giver_of(a, again);
  other.on_bytes(first, at);
  EXPECT_FALSE(said_by(other).empty()) << "to whoever sent that once, and only it can read this";
  other.on_bytes(third, at);
  EXPECT_TRUE(said_by(other).empty());
  EXPECT_FALSE(other.proved());
  giver.on_bytes(third, at);
  EXPECT_TRUE(giver.proved());
}

/// A device that was removed sits between, and plays each to the other.
TEST_F(RecoveryStream, AProofIsGoodForOneHandshake) {
  RecoveryReader reader(words, r.random);
  PlayedRecovery to_reader(Role::responder, b.identity.dx, b.random);
  static_cast<void>(must(to_reader.read(behind_opening(said_by(reader)))));
  must(reader.on_bytes(to_reader.giving(b.identity, a.replica.state().group(), locator()), at));
  auto const proof = must(to_reader.read(said_by(reader)));

  StoredEntries source(a.replica, a.store);
  auto giver = giver_of(a, source);
  PlayedRecovery to_giver(Role::initiator, any_key(), b.random);
  giver.on_bytes(behind_opening(to_giver.hello(locator())), at);
  static_cast<void>(must(to_giver.read(said_by(giver))));
  giver.on_bytes(to_giver.say(proof), at);
  EXPECT_FALSE(giver.proved());
  EXPECT_TRUE(said_by(giver).empty());
}

/// The words' holder shows the proof to nobody who does not know the locator secret: it stays unread.
TEST_F(RecoveryStream, AStrangerThatAnswersCannotReadTheProof) {
  RecoveryReader reader(words, r.random);
  PlayedRecovery stranger(Role::responder, b.identity.dx, b.random);
  static_cast<void>(must(stranger.read(behind_opening(said_by(reader)))));
  must(reader.on_bytes(stranger.giving(b.identity, a.replica.state().group(), other_words.locator), at));
  EXPECT_FALSE(stranger.read(said_by(reader)).has_value());
}

/// Only a device that knows its keys answers as that device.
TEST_F(RecoveryStream, NobodyGivesInAnothersName) {
  for (int lie = 0; lie < 3; ++lie) {
    RecoveryReader reader(words, r.random);
    PlayedRecovery liar(Role::responder, lie == 0 ? b.identity.dx : a.identity.dx, b.random);
    static_cast<void>(must(liar.read(behind_opening(said_by(reader)))));
    liar.begin();
    wire::RecoveryGiving giving{a.identity.cert, a.replica.state().group(), {}};
    auto const& signs = lie == 1 ? b.identity : a.identity;
    giving.signature = signs.sign.sign(lie == 2 ? kRecoveryReadLabel : kRecoveryGiveLabel, liar.state().hash().view());
    auto const heard = reader.on_bytes(liar.end(wire::encode(giving)), at);
    ASSERT_FALSE(heard.has_value()) << lie;
    EXPECT_TRUE(heard.error().is(CoreError::handshake_failed)) << lie;
    EXPECT_TRUE(said_by(reader).empty()) << lie;
  }
}

/// Whoever knows the public halves can found a group under them, and not under the id of another one.
TEST_F(RecoveryStream, WhatDoesNotBeginWithTheGroupIsRefused) {
  auto const group = a.replica.state().group();
  TestDevice c{3, "impostor"};
  must(c.replica.create_group("home", "laptop", other_words, c.now()));
  for (auto const& first : {c.all_entries().front(), a.all_entries().back(), Bytes(200, 1)}) {
    ListedEntries source;
    source.entries = {first};
    RecoveryReader reader(words, r.random);
    PlayedRecovery device(Role::responder, b.identity.dx, b.random);
    static_cast<void>(must(device.read(behind_opening(said_by(reader)))));
    must(reader.on_bytes(device.giving(b.identity, group, locator()), at));
    static_cast<void>(must(device.read(said_by(reader))));
    auto transport = device.split();
    auto const heard = reader.on_bytes(testing::spoken(transport.send, wire::Data{{{first}}}), at);
    ASSERT_FALSE(heard.has_value());
    EXPECT_TRUE(heard.error().is(CoreError::wrong_recovery));
    EXPECT_TRUE(reader.take_entries().empty());
  }
}

/// A giver can hold entries back; what others name, and what it says itself that it holds, shows.
TEST_F(RecoveryStream, WhatIsHeldBackIsMissed) {
  ListedEntries source;
  source.entries = a.all_entries();
  source.told = must(a.replica.tips());
  source.entries.erase(source.entries.end() - 3);
  auto giver = giver_of(a, source);
  RecoveryReader reader(words, r.random);
  must(talk(reader, giver));
  ASSERT_TRUE(reader.done());
  take_over(reader);
  EXPECT_FALSE(must(r.replica.missing(10)).empty());
  auto const held = [&](Tip const& tip) { return must(r.replica.has(tip.hash)); };
  EXPECT_FALSE(std::ranges::all_of(reader.tips(), held));
}

TEST_F(RecoveryStream, AStreamThatBreaksOffIsNotDone) {
  StoredEntries source(a.replica, a.store);
  auto giver = giver_of(a, source);
  RecoveryReader reader(words, r.random);
  giver.on_bytes(behind_opening(said_by(reader)), at);
  must(reader.on_bytes(said_by(giver), at));
  giver.on_bytes(said_by(reader), at);
  auto said = said_by(giver);
  said.pop_back();
  must(reader.on_bytes(said, at));
  EXPECT_FALSE(reader.done());
}

TEST_F(RecoveryStream, TheGiverDoesNotWaitForEver) {
  StoredEntries source(a.replica, a.store);
  auto silent = giver_of(a, source);
  silent.on_timer(at + RecoveryGiver::kHandshakeTime - std::chrono::milliseconds{1});
  EXPECT_FALSE(silent.done());
  EXPECT_EQ(silent.next_deadline(), at + RecoveryGiver::kHandshakeTime);
  silent.on_timer(*silent.next_deadline());
  EXPECT_TRUE(silent.done());

  auto giver = giver_of(a, source);
  RecoveryReader reader(words, r.random);
  giver.on_bytes(behind_opening(said_by(reader)), at);
  must(reader.on_bytes(said_by(giver), at));
  at += std::chrono::seconds{5};
  giver.on_bytes(said_by(reader), at);
  at += std::chrono::seconds{5};
  Bytes out;
  ASSERT_TRUE(must(giver.poll_transmit(out, at)));
  EXPECT_EQ(giver.next_deadline(), at + RecoveryGiver::kStallTime) << "from the last that it took";
  giver.on_timer(*giver.next_deadline());
  EXPECT_TRUE(giver.done());
  EXPECT_FALSE(must(giver.poll_transmit(out, at)));
}

/// One frame waits, and the source is asked for the next when that has gone.
TEST_F(RecoveryStream, TheGiverReadsNoFurtherThanIsTaken) {
  ListedEntries source;
  source.entries.assign(50, Bytes(80'000, 1));  // each of which takes two Noise messages
  auto giver = giver_of(a, source);
  RecoveryReader reader(words, r.random);
  giver.on_bytes(behind_opening(said_by(reader)), at);
  must(reader.on_bytes(said_by(giver), at));
  giver.on_bytes(said_by(reader), at);
  EXPECT_EQ(source.at, 0U);
  for (std::size_t taken = 1; taken < 9; ++taken) {
    Bytes out;
    ASSERT_TRUE(must(giver.poll_transmit(out, at)));
    EXPECT_EQ(source.at, (taken + 1) / 2);
  }
}

TEST_F(RecoveryStream, AFaultOfTheSourceEndsIt) {
  struct Broken final : SealedSource {
    Result<std::vector<Bytes>> next(std::size_t) override { return fail(CoreError::corrupt_record); }
    Result<std::vector<Tip>> tips() override { return fail(CoreError::corrupt_record); }
  } source;
  auto giver = giver_of(a, source);
  RecoveryReader reader(words, r.random);
  giver.on_bytes(behind_opening(said_by(reader)), at);
  must(reader.on_bytes(said_by(giver), at));
  giver.on_bytes(said_by(reader), at);
  Bytes out;
  EXPECT_TRUE(giver.poll_transmit(out, at).error().is(CoreError::corrupt_record));
  EXPECT_TRUE(giver.done());
}

/// As in a session, and only to who knows the group.
TEST_F(RecoveryStream, VersionsThatDoNotMeetAreToldToWhoeverKnowsTheGroup) {
  wire::Opening const later{wire::Purpose::recovery, 7, 9, 0};
  StoredEntries source(a.replica, a.store);
  for (bool const knows : {false, true}) {
    PlayedRecovery dialler(Role::initiator, any_key(), r.random, later);
    auto giver = giver_of(a, source, later);
    giver.on_bytes(behind_opening(dialler.hello(knows ? words.locator : other_words.locator)), at);
    auto const said = said_by(giver);
    EXPECT_TRUE(giver.done());
    EXPECT_EQ(said, knows ? wire::encode(wire::Opening{.purpose = wire::Purpose::refusal}) : Bytes{});
    if (!knows) continue;
    RecoveryReader reader(words, r.random);
    auto const heard = reader.on_bytes(said, at);
    EXPECT_TRUE(!heard && heard.error().is(CoreError::version_mismatch));
  }
}

}  // namespace
}  // namespace kith::core
