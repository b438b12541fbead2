#include "sync/relays/mailbox_claim_testing.hpp"

namespace kith::sync {
namespace {

TEST_F(WithTheWords, TheRecordLeadsToTheMailbox) {
  auto const found = look_up();
  ASSERT_EQ(found.size(), 1U);
  EXPECT_EQ(found.front().channel, registered.channel);
  EXPECT_EQ(found.front().group, a.replica.state().group());
  EXPECT_EQ(found.front().name, "home");
}

TEST_F(WithTheWords, OtherWordsFindNothing) {
  RecordLookup lookup(others, relay.relay_key(), r.random);
  auto const said = talk(lookup);
  ASSERT_FALSE(said);
  EXPECT_TRUE(said.error().is(RecoveryError::no_record));
}

TEST_F(WithTheWords, AllComesBackAndTheLostAreServedNoMore) {
  net.go_offline(a);
  net.go_offline(b);
  auto const found = look_up();
  read(found.front());
  EXPECT_EQ(r.texts(), (Texts{"from a", "from b"}));
  EXPECT_EQ(must(r.replica.come_back(words, "again", {}, net.now())), 2U);
  auto last = claim(found.front());
  last.serve_exactly(wanted());
  must(talk(last));
  net.changed(r);
  r.push("from r");
  net.changed(r);
  net.wait(3s);
  EXPECT_TRUE(r.at(relay).holds_all());
  EXPECT_EQ(served(), std::vector{name_of(r)});
  a.online = true;
  net.wait(70s);
  EXPECT_TRUE(a.saw(RelayTrouble::not_allowed));
  EXPECT_EQ(a.texts(), (Texts{"from a", "from b"}));
}

/// Whoever came with the words has not told yet, and may have lost its connection: the list goes on around it.
TEST_F(WithTheWords, WhoHasNotToldYetStaysOnTheListForADay) {
  auto const list = [&] {
    AclChain chain(registered.channel);
    must(chain.load(a.store));
    return chain.last().value().pseudonyms;
  };
  auto const names = [&](std::initializer_list<RelayDevice*> devices) {
    std::vector<wire::Pseudonym> all;
    for (auto* device : devices) all.push_back(name_of(*device));
    std::ranges::sort(all);
    return all;
  };
  auto const found = look_up();
  auto reading = claim(found.front());
  must(talk(reading));
  RelayDevice c{3, "c"};
  net.add(c);
  net.let_in(a, c);
  net.wait(5s);
  EXPECT_EQ(list(), names({&a, &b, &c, &r}));
  must(a.replica.remove_device(b.identity.device(), wire::RemoveReason::lost, nullptr, net.now()));
  net.changed(a);
  net.wait(2s);
  EXPECT_EQ(list(), names({&a, &c, &r}));
  net.wait(Mailbox::kWordsPatience - 2min);
  EXPECT_EQ(list(), names({&a, &c, &r}));
  net.wait(4min);
  EXPECT_EQ(list(), names({&a, &c}));
}

TEST_F(WithTheWords, WhomTheyTookOffTheListIsNotPutBackBeforeTheyHaveTold) {
  net.go_offline(a);
  net.go_offline(b);
  auto const found = look_up();
  auto last = claim(found.front());
  std::vector<wire::Pseudonym> both{name_of(a), name_of(r)};
  std::ranges::sort(both);
  last.serve_exactly(both);
  must(talk(last));
  a.online = true;
  net.wait(70s);
  AclChain chain(registered.channel);
  must(chain.load(a.store));
  EXPECT_EQ(chain.last().value().pseudonyms, both);
  net.wait(Mailbox::kWordsPatience);
  must(chain.load(a.store));
  std::vector<wire::Pseudonym> members{name_of(a), name_of(b)};
  std::ranges::sort(members);
  EXPECT_EQ(chain.last().value().pseudonyms, members) << "nobody has told anything";
}

TEST_F(WithTheWords, WhoIsKeptGoesOn) {
  net.go_offline(a);
  auto const found = look_up();
  read(found.front());
  must(r.replica.come_back(words, "again", {b.replica.self()}, net.now()));
  auto last = claim(found.front());
  last.serve_exactly(wanted());
  must(talk(last));
  net.changed(r);
  net.wait(70s);
  b.push("b goes on");
  net.changed(b);
  net.wait(5s);
  EXPECT_EQ(r.texts(), (Texts{"from a", "from b", "b goes on"}));
  EXPECT_EQ(must(r.replica.heads()), must(b.replica.heads()));
  EXPECT_EQ(served().size(), 2U);
}

/// Its connection broke before it could say that it came. Who is kept, and has not heard of it, does not shut it out.
TEST_F(WithTheWords, WhoIsKeptWaitsForWhoComes) {
  net.go_offline(a);
  net.go_offline(b);
  auto const found = look_up();
  read(found.front());
  net.go_offline(r);
  must(r.replica.come_back(words, "again", {b.replica.self()}, net.now()));
  auto last = claim(found.front());
  last.serve_exactly(wanted());
  must(talk(last));
  b.online = true;
  net.wait(70s);
  EXPECT_TRUE(b.at(relay).live());
  EXPECT_FALSE(b.replica.state().roster().active(r.replica.self())) << "b has not heard of it";
  b.push("meanwhile");
  net.changed(b);
  net.wait(5s);
  net.go_offline(b);
  r.online = true;
  net.changed(r);
  net.wait(70s);
  EXPECT_TRUE(r.at(relay).live());
  b.online = true;
  net.wait(70s);
  EXPECT_EQ(must(r.replica.heads()), must(b.replica.heads()));
  EXPECT_EQ(served().size(), 2U);
}

/// A second time: what is left there leads to the same mailbox.
TEST_F(WithTheWords, TheRecordIsGoodForTheNextTime) {
  auto const found = look_up();
  read(found.front());
  must(r.replica.come_back(words, "again", {}, net.now()));
  auto last = claim(found.front());
  last.serve_exactly(wanted());
  must(talk(last));
  auto const again = look_up();
  ASSERT_EQ(again.size(), 1U);
  EXPECT_EQ(again.front().channel, registered.channel);
}

TEST_F(WithTheWords, PlantedRecordsDoNotDisturb) {
  // Of a mailbox of its own: one that opens with nothing, then one that opens and leads there.
  auto const planted = net.enlist(b, relay);
  put_record(b, planted.channel, Bytes(560, 0x5a));
  ASSERT_EQ(look_up().size(), 1U);
  core::Escrow lie;
  auto const key = crypto::SigningKey::generate(b.random);
  lie.channel = planted.channel;  // and not the key of that
  lie.channel_key = key.seed();
  lie.group = a.replica.state().group();
  lie.name = "home";
  put_record(b, planted.channel, core::seal_escrow(lie, words.dx.public_key, relay.relay_key(), b.random));
  auto const found = look_up();
  ASSERT_EQ(found.size(), 1U);
  EXPECT_EQ(found.front().channel, registered.channel);
}

TEST_F(WithTheWords, OnlyRecordsThatDoNotOpenAreSaidToBeThat) {
  put_record(b, registered.channel, Bytes(560, 0x5a));  // a member can spoil the mailbox's own
  RecordLookup lookup(words, relay.relay_key(), r.random);
  auto const said = talk(lookup);
  ASSERT_FALSE(said);
  EXPECT_TRUE(said.error().is(RecoveryError::none_opens));
}

/// Who made it puts it back when it is next there, whatever became of it.
TEST_F(WithTheWords, WhoMadeTheRecordLooksAfterIt) {
  put_record(b, registered.channel, Bytes(560, 0x5a));
  net.go_offline(a);
  a.online = true;
  net.wait(70s);
  ASSERT_EQ(look_up().size(), 1U);
  EXPECT_EQ(look_up().front().channel, registered.channel);
}

TEST_F(WithTheWords, ARelayWithoutRoomForTheRecordIsAskedAgain) {
  put_record(b, registered.channel, Bytes(560, 0x5a));
  relay.store.fail_writes(relay::Refusal::storage_full);
  net.go_offline(a);
  a.online = true;
  net.wait(70s);
  ASSERT_TRUE(a.at(relay).live());
  relay.store.fail_writes(std::nullopt);
  net.go_offline(b);
  net.wait(1min);
  RecordLookup lookup(words, relay.relay_key(), r.random);
  EXPECT_FALSE(talk(lookup)) << "not at once";
  net.wait(Mailbox::kRecordAgain);
  ASSERT_EQ(look_up().size(), 1U);
}

TEST_F(WithTheWords, ARelayThatLostEverythingIsGivenTheRecordAgain) {
  net.stop(relay);
  relay.store = relay::MemoryRelayStore(relay.settings.store, relay.random);
  net.start(relay);
  net.wait(70s);
  auto const found = look_up();
  ASSERT_EQ(found.size(), 1U);
  read(found.front());
  EXPECT_EQ(r.texts().size(), 2U);
}

TEST_F(WithTheWords, AMailboxThatIsNotThere) {
  auto found = look_up();
  auto const key = crypto::SigningKey::generate(r.random);
  found.front().channel = {key.public_key().bytes};
  found.front().channel_key = key.seed();
  auto reading = claim(found.front());
  auto const said = talk(reading);
  ASSERT_FALSE(said);
  EXPECT_TRUE(said.error().is(RecoveryError::mailbox_gone));
}

TEST_F(WithTheWords, AMailboxWithoutTheGroupsBeginning) {
  RelayDevice stranger{7, "stranger"};
  auto other = testing::test_recovery(9);  // the same words
  must(stranger.replica.create_group("home", "stranger", other, net.now()));
  net.add(stranger);
  auto const planted = net.enlist(stranger, relay);
  net.wait(2s);
  auto found = look_up();
  ASSERT_EQ(found.size(), 2U);
  auto& of_stranger = found.front().channel == planted.channel ? found.front() : found.back();
  of_stranger.group = a.replica.state().group();
  auto reading = claim(of_stranger);
  auto const said = talk(reading);
  ASSERT_FALSE(said);
  EXPECT_TRUE(said.error().is(RecoveryError::no_beginning));
}

/// A relay that says for ever that more is to come, and gives nothing.
TEST_F(WithTheWords, AnEndlessMailboxOfNothing) {
  auto const found = look_up();
  auto reading = claim(found.front());
  auto there = relay::Channel::accept(relay.key, r.random);
  AclChain chain(registered.channel);
  must(chain.load(a.store));
  std::size_t answers = 0;
  Result<> said;
  while (said && !reading.done() && answers < 20'000) {
    Bytes out, back;
    std::vector<wire::RelayMessage> messages;
    while (reading.poll_transmit(out)) {
    }
    if (!out.empty()) must(there.on_bytes(out, messages));
    for (auto const& message : messages) {
      auto const request = wire::request_of(message);
      if (std::holds_alternative<wire::AclPut>(message)) {
        wire::RelayFailure stale;
        stale.request = request;
        stale.code = wire::RelayErrorCode::stale_acl;
        if (request == 1)
          there.send(stale);
        else
          there.send(wire::Done{request});
      } else if (std::holds_alternative<wire::AclGet>(message)) {
        there.send(wire::AclRecords{request, {registered.first}, false});
      } else if (std::holds_alternative<wire::Hello>(message)) {
        wire::Welcome welcome;
        welcome.request = request;
        there.send(welcome);
      } else {
        there.send(wire::PullResponse{request, {}, {++answers}, true});
      }
    }
    while (there.poll_transmit(back)) {
    }
    ASSERT_TRUE(!back.empty() || !out.empty());
    if (!back.empty()) said = reading.on_bytes(back, net.now().mono);
  }
  ASSERT_FALSE(said);
  EXPECT_TRUE(said.error().is(RecoveryError::no_beginning));
  EXPECT_LT(answers, 20'000U);
}

/// Who was a member knows where the records lie, and has left as many as the relay keeps.
TEST_F(WithTheWords, AMailboxIsMadeWhereTheRelayHasNoRoomForItsRecord) {
  for (int number = 0; number < 16; ++number) {
    auto const planted = net.enlist(b, relay);
    if (number < 15) put_record(b, planted.channel, Bytes(560, 0x5a));
  }
  auto const& state = a.replica.state();
  Registration again(a.identity, state.genesis(), state.group(), relay.relay_key(), "", a.random);
  must(talk(again));
  EXPECT_TRUE(again.done());
  EXPECT_FALSE(again.words_lead_here());
}

}  // namespace
}  // namespace kith::sync
