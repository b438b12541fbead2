#include "relay/rules/relay_testing.hpp"

namespace kith::relay {
namespace {

using namespace std::chrono_literals;
using wire::RelayErrorCode;
using Cursors = std::vector<std::uint64_t>;

class RelayTest : public ::testing::Test {
 protected:
  RelayWorld world_;
  TestGroup group_{world_.random, 4};
};

TEST_F(RelayTest, WhoHasAStampMakesAMailboxAndItsMembersAreWelcome) {
  auto const record = world_.make(group_, {0, 1});
  wire::Welcome welcome;
  auto& link = world_.join(group_, 0, {}, {}, &welcome);
  EXPECT_EQ(welcome.acl_version, 1u);
  EXPECT_EQ(welcome.acl_hash, wire::acl_record_hash(record));
  EXPECT_EQ(welcome.head.value, 0u);
  EXPECT_EQ(welcome.quota_bytes, StoreLimits{}.group_quota_bytes);
  EXPECT_GT(welcome.used_bytes, 0u);
  EXPECT_FALSE(welcome.log_epoch.is_zero());
  EXPECT_EQ(welcome.object_ttl_s, 7u * 24 * 3600);
  ASSERT_EQ(link.got.size(), 2u);
  EXPECT_EQ(link.got[1], wire::RelayMessage(wire::RelayPresence{}));
  EXPECT_EQ(world_.relay.figures().members, 1u);
}

TEST_F(RelayTest, AMailboxNeedsAStampOrTheOperatorsToken) {
  auto& link = world_.dial();
  auto const record = group_.record({0});
  wire::AclPut put{5, record, {}};
  auto const failure = world_.ask<wire::RelayFailure>(link, put);
  EXPECT_EQ(failure.code, RelayErrorCode::stamp_needed);
  EXPECT_EQ(failure.number, RelayWorld::kBits);
  put.stamp = world_.stamp(group_.channel());
  put.stamp.push_back(0);  // fits no more: it has another length
  EXPECT_EQ(world_.refusal(link, put), RelayErrorCode::stamp_needed);

  Settings settings;
  settings.registration = TokenRegistration{{"correct horse"}};
  world_.relay.change(settings);
  put.stamp = world_.stamp(group_.channel());
  auto const token_failure = world_.ask<wire::RelayFailure>(link, put);
  EXPECT_EQ(token_failure.code, RelayErrorCode::stamp_needed);
  EXPECT_EQ(token_failure.number, 0u);
  put.stamp = Bytes(bytes_of("correct horse").begin(), bytes_of("correct horse").end());
  EXPECT_EQ(world_.ask<wire::Done>(link, put).request, 5u);
}

TEST_F(RelayTest, WhereNoWorkIsAskedForNoStampIs) {
  Settings settings;
  settings.registration = OpenRegistration{0};
  world_.relay.change(settings);
  auto& link = world_.dial();
  EXPECT_EQ(world_.ask<wire::Done>(link, wire::AclPut{5, group_.record({0}), {}}).request, 5u);
}

TEST_F(RelayTest, AForgedFirstRecordMakesNothing) {
  auto& link = world_.dial();
  auto record = group_.record({0});
  record.pseudonyms.push_back(group_.pseudonym(1));
  std::ranges::sort(record.pseudonyms);  // somebody added itself
  EXPECT_EQ(world_.refusal(link, wire::AclPut{5, record, world_.stamp(group_.channel())}), RelayErrorCode::not_allowed);
  EXPECT_EQ(world_.store.groups(), 0u);
}

TEST_F(RelayTest, SlowsDownWhoMakesManyMailboxesFromOneAddress) {
  auto settings = RelayWorld::defaults();
  settings.registrations = {1, 3};
  RelayWorld world(settings);
  int refused = 0;
  for (int i = 0; i < 6; ++i) {
    TestGroup const group(world.random, 1);
    auto& link = world.dial("198.51.100.7");
    world.say(link, wire::AclPut{1, group.record({0}), world.stamp(group.channel())});
    if (std::holds_alternative<wire::RelayFailure>(link.got.at(0))) ++refused;
  }
  EXPECT_EQ(refused, 2);  // three, and the one that takes the bucket into debt
  TestGroup const group(world.random, 1);
  auto& elsewhere = world.dial("198.51.100.8");
  EXPECT_EQ(world.ask<wire::Done>(elsewhere, wire::AclPut{1, group.record({0}), world.stamp(group.channel())}).request,
            1u);
}

TEST_F(RelayTest, HelloNeedsAProofForThisConversationAtThisRelay) {
  world_.make(group_, {0, 1});
  auto& link = world_.dial();
  auto const good = world_.hello(link, group_, 0);
  auto wrong = good;
  wrong.last_cursor = {1};  // the proof covers it
  EXPECT_EQ(world_.refusal(link, wrong), RelayErrorCode::not_allowed);
  wrong = good;
  wrong.pseudonym = group_.pseudonym(1);
  EXPECT_EQ(world_.refusal(link, wrong), RelayErrorCode::not_allowed);
  auto& other = world_.dial();
  EXPECT_EQ(world_.refusal(other, good), RelayErrorCode::not_allowed);  // of another connection
  EXPECT_EQ(world_.ask<wire::Welcome>(link, good).request, good.request);
}

TEST_F(RelayTest, StrangersCannotTellWhichMailboxesThereAre) {
  auto const record = world_.make(group_, {0, 1});
  TestGroup const nowhere(world_.random, 1);
  auto& link = world_.dial();
  auto const unknown = world_.ask<wire::RelayFailure>(link, world_.hello(link, nowhere, 0));
  auto const foreign = world_.ask<wire::RelayFailure>(link, world_.hello(link, group_, 2));
  EXPECT_EQ(unknown, foreign);
  EXPECT_EQ(unknown.code, RelayErrorCode::not_allowed);
  // A record that somebody made up about a mailbox it has nothing to do with.
  auto const strange = world_.ask<wire::RelayFailure>(link, wire::AclPut{7, group_.record({2}, &record, 2), {}});
  auto const absent = world_.ask<wire::RelayFailure>(link, wire::AclPut{7, nowhere.record({0}, &record, 0), {}});
  EXPECT_EQ(strange, absent);
  EXPECT_EQ(world_.refusal(link, wire::AclGet{8, 1}), RelayErrorCode::not_allowed);
}

TEST_F(RelayTest, ADroppedDeviceIsShownTheRecordThatDropsIt) {
  auto const first = world_.make(group_, {0, 1});
  auto& stays = world_.join(group_, 0);
  auto& leaves = world_.join(group_, 1);
  leaves.got.clear();
  auto const second = group_.record({0}, &first, 0);
  EXPECT_EQ(world_.ask<wire::Done>(stays, wire::AclPut{4, second, {}}).request, 4u);
  ASSERT_EQ(leaves.got.size(), 1u);  // at once
  auto const last_word = std::get<wire::RelayFailure>(leaves.got[0]);
  EXPECT_EQ(last_word.code, RelayErrorCode::not_allowed);
  EXPECT_EQ(last_word.request, 0u);
  EXPECT_EQ(last_word.detail, wire::encode(second));
  EXPECT_TRUE(world_.relay.done(leaves.id));
  EXPECT_FALSE(world_.relay.done(stays.id));

  auto& again = world_.dial();
  auto const failure = world_.ask<wire::RelayFailure>(again, world_.hello(again, group_, 1));
  EXPECT_EQ(failure.code, RelayErrorCode::not_allowed);
  EXPECT_EQ(failure.detail, wire::encode(second));
  // It proved that it once was in it: it may see the chain, too.
  EXPECT_EQ(world_.ask<wire::AclRecords>(again, wire::AclGet{8, 1}).records, (std::vector{first, second}));
}

TEST_F(RelayTest, AStaleRecordIsAnsweredByTheCurrentOne) {
  auto const first = world_.make(group_, {0, 1});
  auto& link = world_.join(group_, 0);
  auto const second = group_.record({0, 1, 2}, &first, 0);
  EXPECT_EQ(world_.ask<wire::Done>(link, wire::AclPut{4, second, {}}).request, 4u);
  auto const failure = world_.ask<wire::RelayFailure>(link, wire::AclPut{5, group_.record({0, 3}, &first, 0), {}});
  EXPECT_EQ(failure.code, RelayErrorCode::stale_acl);
  EXPECT_EQ(failure.detail, wire::encode(second));
  EXPECT_EQ(world_.ask<wire::Done>(link, wire::AclPut{6, second, {}}).request, 6u);  // the same again is no conflict
}

TEST_F(RelayTest, SpeaksItsVersionsOnly) {
  world_.make(group_, {0});
  for (auto const& [low, high] : {std::pair{2, 3}, {0, 0}}) {
    auto& link = world_.dial();
    auto hello = world_.hello(link, group_, 0);
    hello.min_version = static_cast<std::uint8_t>(low);
    hello.max_version = static_cast<std::uint8_t>(high);
    auto const failure = world_.ask<wire::RelayFailure>(link, hello);
    EXPECT_EQ(failure.code, RelayErrorCode::unsupported_version);
    EXPECT_EQ(failure.number, 0x0101u);
    EXPECT_TRUE(world_.relay.done(link.id));
  }
}

TEST_F(RelayTest, AcknowledgesAPushAndPassesItOnOnceTheStoreHasIt) {
  world_.make(group_, {0, 1, 2});
  auto& sender = world_.join(group_, 0);
  auto& live = world_.join(group_, 1);
  sender.got.clear(), live.got.clear();
  world_.held = true;
  world_.say(sender, push_of(1, {{1}, {2}}));
  EXPECT_TRUE(sender.got.empty() && live.got.empty());
  world_.held = false;
  world_.run();
  EXPECT_EQ(sender.got, (std::vector<wire::RelayMessage>{wire::PushAck{1, {1}, {{1}, {2}}}}));
  ASSERT_EQ(live.got.size(), 1u);
  auto const& items = std::get<wire::LiveItems>(live.got[0]).items;
  ASSERT_EQ(items.size(), 2u);
  EXPECT_EQ(items[0].sender, group_.pseudonym(0));
  EXPECT_EQ(items[1].sealed, Bytes{2});
  EXPECT_EQ(items[0].stored_s, 1'800'000'000u);  // an hour's beginning
  EXPECT_EQ(items[0].stored_s % 3600, 0u);
}

TEST_F(RelayTest, PipelinedPushesAreWorkedOffInOrder) {
  world_.make(group_, {0});
  auto& link = world_.join(group_, 0);
  link.got.clear();
  world_.held = true;
  for (std::uint64_t seq = 1; seq <= 5; ++seq)
    link.channel.send(push_of(seq, {Bytes(1, static_cast<std::uint8_t>(seq))}));
  world_.run();
  world_.held = false;
  world_.run();
  auto const acks = all_of<wire::PushAck>(link);
  ASSERT_EQ(acks.size(), 5u);
  for (std::uint64_t i = 0; i < 5; ++i) EXPECT_EQ(acks[i], (wire::PushAck{i + 1, {i + 1}, {{i + 1}}}));
}

TEST_F(RelayTest, AGapIsAnsweredByTheLastSeq) {
  world_.make(group_, {0});
  auto& link = world_.join(group_, 0);
  world_.say(link, push_of(1, {{1}, {2}}));
  auto const failure = world_.ask<wire::RelayFailure>(link, push_of(4, {{4}}));
  EXPECT_EQ(failure.code, RelayErrorCode::seq_gap);
  EXPECT_EQ(failure.number, 2u);
}

TEST_F(RelayTest, RefusesAPushOfTooManyBytes) {
  world_.make(group_, {0});
  auto& link = world_.join(group_, 0);
  auto const failure = world_.ask<wire::RelayFailure>(link, push_of(1, std::vector<Bytes>(15, Bytes(75'000))));
  EXPECT_EQ(failure.code, RelayErrorCode::too_large);
  EXPECT_EQ(failure.number, wire::kRelayLimits.max_push_bytes);
  EXPECT_FALSE(world_.relay.done(link.id));
}

TEST_F(RelayTest, WhoComesLaterPullsAndIsLiveFromTheHeadOn) {
  world_.make(group_, {0, 1});
  auto& sender = world_.join(group_, 0);
  world_.say(sender, push_of(1, {{1}, {2}, {3}}));
  wire::Welcome welcome;
  auto& late = world_.join(group_, 1, {}, {}, &welcome);
  EXPECT_EQ(welcome.head.value, 3u);
  late.got.clear();
  world_.pass(1s);
  EXPECT_TRUE(late.got.empty());  // WELCOME told the head
  world_.say(sender, push_of(4, {{4}}));
  EXPECT_EQ(all_of<wire::Notify>(late), (std::vector<wire::Notify>{{0, {4}}}));
  auto const part = world_.ask<wire::PullResponse>(late, wire::Pull{3, {}, 70});
  EXPECT_EQ(part.next_after.value, 1u);  // one fits, at 64 bytes each beside its own
  EXPECT_TRUE(part.has_more);
  auto const rest = world_.ask<wire::PullResponse>(late, wire::Pull{4, {1}, 1000});
  EXPECT_EQ(rest.items.size(), 3u);
  EXPECT_EQ(rest.next_after.value, 4u);
  EXPECT_FALSE(rest.has_more);
  late.got.clear();
  world_.say(sender, push_of(5, {{5}}));
  EXPECT_EQ(cursors_of(late), Cursors{5});
  EXPECT_TRUE(all_of<wire::Notify>(late).empty());
}

TEST_F(RelayTest, APullGivesAtLeastOneItemAndAtMostWhatFits) {
  world_.make(group_, {0, 1});
  auto& sender = world_.join(group_, 0);
  for (std::uint64_t i = 0; i < 3; ++i) world_.say(sender, push_of(1 + i * 12, std::vector<Bytes>(12, Bytes(80'000))));
  auto& late = world_.join(group_, 1);
  EXPECT_EQ(world_.ask<wire::PullResponse>(late, wire::Pull{3, {}, 0}).items.size(), 1u);
  auto const most = world_.ask<wire::PullResponse>(late, wire::Pull{4, {}, 0xFFFFFFFF});
  EXPECT_EQ(most.items.size(), 13u);  // 13 * 80,064 bytes are below 1 MiB
  EXPECT_TRUE(most.has_more);
}

TEST_F(RelayTest, NoticesComeOnceInAWhileUntilItPulls) {
  world_.make(group_, {0, 1});
  auto& sender = world_.join(group_, 0);
  world_.say(sender, push_of(1, {{1}}));
  auto& late = world_.join(group_, 1);
  late.got.clear();
  for (std::uint64_t seq = 2; seq <= 21; ++seq) {
    world_.say(sender, push_of(seq, {{1}}));
    world_.pass(10ms);
  }
  world_.pass(1s);
  auto const notices = all_of<wire::Notify>(late);
  ASSERT_EQ(notices.size(), 3u);  // 200 ms of pushes
  EXPECT_EQ(notices.front().head.value, 2u);
  EXPECT_EQ(notices.back().head.value, 21u);
  EXPECT_TRUE(cursors_of(late).empty());
}

TEST_F(RelayTest, ItemsGoLiveWithinTheCreditOnly) {
  auto settings = RelayWorld::defaults();
  settings.credit_bytes = 3000;
  RelayWorld world(settings);
  world.make(group_, {0, 1});
  auto& sender = world.join(group_, 0);
  auto& reader = world.join(group_, 1);
  reader.got.clear();
  world.say(sender, push_of(1, std::vector<Bytes>(5, Bytes(900))));
  EXPECT_EQ(cursors_of(reader), (Cursors{1, 2, 3}));
  EXPECT_EQ(all_of<wire::Notify>(reader), (std::vector<wire::Notify>{{0, {5}}}));
  world.say(reader, wire::RelayAck{0, {3}});  // credit alone does not make it live
  world.say(sender, push_of(6, {Bytes(900)}));
  EXPECT_EQ(cursors_of(reader), (Cursors{1, 2, 3}));
  EXPECT_EQ(world.relay.figures().dropped_to_pull, 1u);
  world.say(reader, wire::Pull{1, {3}, 100'000});
  world.say(sender, push_of(7, {Bytes(900)}));
  EXPECT_EQ(cursors_of(reader), (Cursors{1, 2, 3, 4, 5, 6, 7}));
}

TEST_F(RelayTest, ANewerConnectionReplacesTheOlder) {
  world_.make(group_, {0, 1});
  auto& older = world_.join(group_, 0);
  auto& other = world_.join(group_, 1);
  older.got.clear();
  auto& newer = world_.join(group_, 0);
  ASSERT_EQ(older.got.size(), 1u);
  EXPECT_EQ(std::get<wire::RelayFailure>(older.got[0]).code, RelayErrorCode::replaced);
  EXPECT_TRUE(world_.relay.done(older.id));
  world_.close(older);  // the newer one's place is not the older one's to leave
  newer.got.clear();
  world_.say(other, push_of(1, {{1}}));
  EXPECT_EQ(cursors_of(newer), Cursors{1});
  EXPECT_EQ(world_.relay.figures().members, 2u);
}

TEST_F(RelayTest, AMailboxThatIsNotWhatTheDeviceKnowsIsReset) {
  world_.make(group_, {0, 1});
  auto& sender = world_.join(group_, 0);
  world_.say(sender, push_of(1, {{1}, {2}}));
  auto const second = wire::item_hash(Bytes{2});
  auto const said = [&](std::uint64_t cursor, crypto::Hash128 hash) {
    auto& link = world_.dial();
    link.got.clear();
    world_.say(link, world_.hello(link, group_, 1, {cursor}, hash));
    auto const* const failure = std::get_if<wire::RelayFailure>(&link.got.at(0));
    if (failure == nullptr) return std::string("welcome");
    EXPECT_EQ(failure->code, RelayErrorCode::log_reset);
    // It may say HELLO again, from the beginning.
    EXPECT_EQ(world_.ask<wire::Welcome>(link, world_.hello(link, group_, 1)).head.value, 2u);
    return std::string("reset");
  };
  EXPECT_EQ(said(2, second), "welcome");
  EXPECT_EQ(said(0, {}), "welcome");
  EXPECT_EQ(said(3, second), "reset");  // beyond the head
  EXPECT_EQ(said(1, second), "reset");  // another item is there
  EXPECT_EQ(said(2, {}), "reset");      // zeros are for what is gone
  EXPECT_EQ(said(~std::uint64_t{0}, second), "reset");
}

TEST_F(RelayTest, AnItemThatIsGoneCannotBeCompared) {
  world_.make(group_, {0, 1});
  auto& sender = world_.join(group_, 0);
  world_.say(sender, push_of(1, {{1}}, 60));
  EXPECT_EQ(world_.ask<wire::Done>(sender, wire::DeleteItems{2, {{1}}}).request, 2u);
  wire::Welcome welcome;
  world_.join(group_, 1, {1}, {}, &welcome);
  EXPECT_EQ(welcome.head.value, 1u);
}

TEST_F(RelayTest, ARelayFromAnOldBackupIsNoticed) {
  world_.make(group_, {0, 1});
  auto& sender = world_.join(group_, 0);
  world_.say(sender, push_of(1, {{1}}));
  auto const backup = world_.store;
  world_.say(sender, push_of(2, {{2}}));
  world_.close(sender);
  world_.store = backup;
  wire::Welcome welcome;
  auto& again = world_.join(group_, 0, {}, {}, &welcome);
  EXPECT_EQ(welcome.last_push_seq.value, 1u);  // below its own: it pushes from there again
  world_.say(again, push_of(2, {{22}}));
  auto& other = world_.dial();
  EXPECT_EQ(world_.refusal(other, world_.hello(other, group_, 1, {2}, wire::item_hash(Bytes{2}))),
            RelayErrorCode::log_reset);
}

TEST_F(RelayTest, KeepsOnePresenceOfEachAndPassesItOn) {
  auto const first = world_.make(group_, {0, 1, 2});
  auto& one = world_.join(group_, 0);
  auto& two = world_.join(group_, 1);
  two.got.clear();
  auto const slot = [&](std::size_t device, std::uint64_t counter) {
    return wire::RelayPresence::Slot{group_.pseudonym(device), counter, Bytes(3, static_cast<std::uint8_t>(counter))};
  };
  world_.say(one, wire::RelayPresence{0, {slot(0, 5)}});
  world_.say(one, wire::RelayPresence{0, {slot(0, 4)}});  // too old: ignored
  world_.say(one, wire::RelayPresence{0, {slot(0, 5)}});  // likewise
  EXPECT_EQ(two.got, (std::vector<wire::RelayMessage>{wire::RelayPresence{0, {slot(0, 5)}}}));
  auto& three = world_.join(group_, 2);
  EXPECT_EQ(all_of<wire::RelayPresence>(three), (std::vector<wire::RelayPresence>{{0, {slot(0, 5)}}}));
  // What a dropped device said of itself goes with it.
  world_.say(two, wire::AclPut{3, group_.record({1, 2}, &first, 1), {}});
  auto& four = world_.join(group_, 2);
  EXPECT_EQ(all_of<wire::RelayPresence>(four), (std::vector<wire::RelayPresence>{{0, {}}}));
  // Nobody speaks for another.
  world_.say(two, wire::RelayPresence{0, {slot(2, 9)}});
  EXPECT_TRUE(world_.relay.done(two.id));
}

TEST_F(RelayTest, OfManyUnansweredOrdersTheNewestReachesTheStore) {
  world_.make(group_, {0, 1});
  auto& one = world_.join(group_, 0);
  auto& two = world_.join(group_, 1);
  two.got.clear();
  world_.held = true;
  for (std::uint64_t i = 1; i <= 50; ++i) {
    world_.say(one, wire::RelayPresence{0, {{group_.pseudonym(0), i, {}}}});
    world_.say(one, wire::RelayAck{0, {i}});
  }
  while (auto request = world_.relay.poll_request()) world_.waiting.push_back(std::move(*request));
  EXPECT_EQ(world_.waiting.size(), 2u);
  world_.held = false;
  world_.run();
  auto const slots = all_of<wire::RelayPresence>(two);
  ASSERT_EQ(slots.size(), 2u);
  EXPECT_EQ(slots[1].slots[0].counter, 50u);
}

TEST_F(RelayTest, ObjectsComeInPiecesAndGoInPieces) {
  world_.make(group_, {0, 1});
  auto& one = world_.join(group_, 0);
  auto& two = world_.join(group_, 1);
  auto const id = world_.random.id<wire::ObjectId>();
  Bytes whole(600'000);
  world_.random.fill(whole);
  auto const total = static_cast<std::uint32_t>(whole.size());
  auto const piece = [&](std::uint32_t from, std::uint32_t size) {
    auto const part = ByteView{whole}.subspan(from, size);
    return wire::ObjPut{from + 1, id, total, from, 3600, Bytes(part.begin(), part.end())};
  };
  one.got.clear();
  world_.say(one, piece(0, 262'144));
  world_.say(one, piece(262'144, 262'144));
  EXPECT_TRUE(one.got.empty());
  EXPECT_EQ(world_.refusal(two, wire::ObjGet{9, id, 0, 10}), RelayErrorCode::not_found);
  world_.say(one, piece(524'288, total - 524'288));
  EXPECT_EQ(one.got, (std::vector<wire::RelayMessage>{wire::Done{524'289}}));
  Bytes got;
  while (got.size() < whole.size()) {
    auto const from = static_cast<std::uint32_t>(got.size());
    auto const part = world_.ask<wire::ObjPart>(two, wire::ObjGet{9, id, from, 0xFFFFFFFF});
    ASSERT_EQ(part.total, total);
    ASSERT_FALSE(part.bytes.empty());
    EXPECT_LE(part.bytes.size(), wire::kRelayLimits.max_object_part_bytes);
    append(got, part.bytes);
  }
  EXPECT_EQ(got, whole);
  auto const held = world_.ask<wire::ObjHeld>(two, wire::ObjHave{9, {id, world_.random.id<wire::ObjectId>()}});
  EXPECT_EQ(held.objects, (std::vector<wire::ObjHeld::Held>{{id, total, 1'800'000'000 + 3600}}));
  world_.say(two, wire::ObjDelete{10, {id}});  // not its own
  EXPECT_EQ(world_.ask<wire::ObjHeld>(two, wire::ObjHave{9, {id}}).objects.size(), 1u);
  world_.say(one, wire::ObjDelete{10, {id}});
  EXPECT_TRUE(world_.ask<wire::ObjHeld>(two, wire::ObjHave{9, {id}}).objects.empty());
}

TEST_F(RelayTest, RecoveryRecordsAreReadByWhoKnowsTheLocator) {
  world_.make(group_, {0});
  auto& member = world_.join(group_, 0);
  auto const locator = world_.random.id<wire::RecoveryLocator>();
  EXPECT_EQ(world_.ask<wire::Done>(member, wire::RecPut{3, locator, {1, 2, 3}}).request, 3u);
  auto& stranger = world_.dial();
  auto const records = world_.ask<wire::RecRecords>(stranger, wire::RecGet{4, locator}).records;
  ASSERT_EQ(records.size(), 1u);
  EXPECT_EQ(records[0].bytes, (Bytes{1, 2, 3}));
  auto const other = world_.random.id<wire::RecoveryLocator>();
  EXPECT_TRUE(world_.ask<wire::RecRecords>(stranger, wire::RecGet{4, other}).records.empty());
}

TEST_F(RelayTest, TrimWaitsForSnapshots) {
  world_.make(group_, {0});
  auto& link = world_.join(group_, 0);
  EXPECT_EQ(world_.refusal(link, wire::Trim{3, {1}}), RelayErrorCode::no_snapshot);
  EXPECT_FALSE(world_.relay.done(link.id));
}

TEST_F(RelayTest, AFullDiskIsToldAndLosesNothing) {
  world_.make(group_, {0, 1});
  auto& link = world_.join(group_, 0);
  world_.store.fail_writes(Refusal::storage_full);
  auto const failure = world_.ask<wire::RelayFailure>(link, push_of(1, {{1}}));
  EXPECT_EQ(failure.code, RelayErrorCode::storage_full);
  EXPECT_GT(failure.retry_after_s, 0u);
  world_.store.fail_writes(std::nullopt);
  EXPECT_EQ(world_.ask<wire::PushAck>(link, push_of(1, {{1}})).cursors.at(0).value, 1u);
}

TEST_F(RelayTest, SweepsNowAndThen) {
  world_.make(group_, {0});
  auto& link = world_.join(group_, 0);
  for (std::uint64_t i = 0; i < 3; ++i) world_.say(link, push_of(1 + i * 200, std::vector<Bytes>(200, Bytes(1)), 30));
  EXPECT_EQ(world_.store.items(group_.channel()).size(), 600u);
  world_.pass(2min);
  EXPECT_TRUE(world_.store.items(group_.channel()).empty());
}

/// Nobody goes on with the number of a mailbox that is gone; who registers again is in a new one.
TEST_F(RelayTest, SendsAwayWhoIsInAMailboxThatIsRemoved) {
  TestGroup const other(world_.random, 1);
  world_.make(group_, {0, 1});
  world_.make(other, {0});
  auto& a = world_.join(group_, 0);
  auto& b = world_.join(group_, 1);
  auto& kept = world_.join(other, 0);
  world_.say(kept, push_of(1, {{1}}));
  b.got.clear();
  world_.pass(25h);  // nobody pushed anything into it
  EXPECT_TRUE(world_.relay.done(a.id));
  ASSERT_FALSE(b.got.empty());
  auto const last = std::get<wire::RelayFailure>(b.got.back());
  EXPECT_EQ(last.code, RelayErrorCode::not_allowed);
  EXPECT_EQ(last.request, 0U);
  EXPECT_TRUE(last.detail.empty());
  EXPECT_FALSE(world_.relay.done(kept.id));
  auto& again = world_.dial();
  EXPECT_EQ(world_.refusal(again, world_.hello(again, group_, 0)), RelayErrorCode::not_allowed);
  world_.make(group_, {0});
  world_.say(world_.join(group_, 0), push_of(1, {{1}}));
  EXPECT_EQ(world_.store.items(group_.channel()).size(), 1U);
  EXPECT_EQ(world_.relay.figures().groups_online, 2U);
}

}  // namespace
}  // namespace kith::relay
