#include "sync/relays/mailbox_claim.hpp"

#include <gtest/gtest.h>

#include "core/recovery.hpp"
#include "support/relay_net.hpp"

/// A device that has nothing but the words and a relay's address.
namespace kith::sync {
namespace {

using namespace std::chrono_literals;
using testing::must;
using testing::RelayDevice;
using testing::RelayNet;
using testing::TestRelay;
using Texts = std::vector<std::string>;

struct WithTheWords : ::testing::Test {
  WithTheWords() {
    net.add(relay);
    for (auto* device : {&a, &b}) net.add(*device);
    must(a.replica.create_group("home", "a", words, net.now()));
    registered = net.enlist(a, relay);
    net.let_in(a, b);
    a.push("from a");
    net.changed(a);
    net.wait(2s);
    b.push("from b");
    net.changed(b);
    net.wait(2s);
  }
  /// Carries bytes between a machine and the relay, and lets the others live meanwhile.
  template <class Machine>
  Result<> talk(
      Machine& machine, std::function<void()> const& meanwhile = [] {}) {
    auto const connection = relay.rules->open("there", net.now());
    Result<> said;
    for (bool moved = true; said && moved && !machine.done();) {
      moved = false;
      Bytes out;
      while (machine.poll_transmit(out)) moved = true;
      if (!out.empty()) relay.rules->on_bytes(connection, out, net.now());
      while (relay.work(net.now())) moved = true;
      Bytes back;
      while (relay.rules->poll_transmit(connection, back, net.now())) moved = true;
      meanwhile();
      if constexpr (requires { machine.next_deadline(); }) {
        if (!back.empty()) said = machine.on_bytes(back, net.now().mono);
        if (said && machine.next_deadline()) {
          net.wait(10ms);
          machine.on_timer(net.now().mono);
          moved = true;
        }
      } else if (!back.empty()) {
        said = machine.on_bytes(back);
      }
    }
    relay.rules->on_closed(connection, net.now());
    return said;
  }
  std::vector<core::Escrow> look_up() {
    RecordLookup lookup(words, relay.relay_key(), r.random);
    must(talk(lookup));
    return std::move(lookup.opened());
  }
  MailboxClaim claim(core::Escrow const& escrow) {
    return {words, escrow, relay.relay_key(), core::relay_face(r.identity.root, relay.relay_key(), escrow.group),
            r.random};
  }
  /// Reads the mailbox into r.
  void read(core::Escrow const& escrow) {
    auto reading = claim(escrow);
    must(talk(reading));
    must(r.replica.adopt_recovered(reading.genesis().value(), words, net.now()));
    net.add(r);
    net.use(r, {"ws://relay", relay.relay_key(), escrow.channel});
    net.wait(1s);
  }
  std::vector<wire::Pseudonym> wanted() { return wanted_pseudonyms(r.replica.state().roster(), relay.relay_key()); }
  wire::Pseudonym name_of(RelayDevice& device) {
    return core::relay_face(device.identity.root, relay.relay_key(), a.replica.state().group()).pseudonym();
  }
  std::vector<wire::Pseudonym> served() {
    AclChain chain(registered.channel);
    must(chain.load(r.store));
    return chain.last().value().pseudonyms;
  }
  /// Says something as a member of a mailbox: what a thief could.
  void put_record(RelayDevice& device, wire::ChannelId const& channel, Bytes record) {
    auto const face = core::relay_face(device.identity.root, relay.relay_key(), a.replica.state().group());
    auto link = relay::Channel::initiate(relay.relay_key(), face.dx, device.random);
    auto const connection = relay.rules->open("there", net.now());
    bool greeted = false, welcomed = false, done = false;
    for (int round = 0; round < 50 && !done; ++round) {
      Bytes out, back;
      while (link.poll_transmit(out)) {
      }
      if (!out.empty()) relay.rules->on_bytes(connection, out, net.now());
      while (relay.work(net.now())) {
      }
      while (relay.rules->poll_transmit(connection, back, net.now())) {
      }
      std::vector<wire::RelayMessage> messages;
      if (!back.empty()) must(link.on_bytes(back, messages));
      if (link.open() && !greeted) {
        greeted = true;
        wire::Hello hello;
        hello.request = 1;
        hello.channel = channel;
        hello.pseudonym = face.pseudonym();
        hello.proof = face.sign.sign(
            wire::kHelloLabel, wire::encode(wire::HelloProof{relay.relay_key(), channel, link.handshake_hash(), {}}));
        link.send(hello);
      }
      for (auto const& message : messages) {
        if (std::holds_alternative<wire::Welcome>(message) && !welcomed) {
          welcomed = true;
          link.send(wire::RecPut{2, core::recovery_locator(words.locator, relay.relay_key()), record});
        }
        done |= std::holds_alternative<wire::Done>(message);
      }
    }
    ASSERT_TRUE(done);
    relay.rules->on_closed(connection, net.now());
  }

  RelayNet net;
  TestRelay relay{100};
  core::RecoveryKeys words = testing::test_recovery(9), others = testing::test_recovery(10);
  RelayDevice a{1, "a"}, b{2, "b"}, r{9, "again"};
  Registered registered;
};

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

/// A member that puts its own list whenever it has changed: the first so many times, and what comes of it.
struct AThiefAtTheList : WithTheWords {
  void fight() {
    auto const face = core::relay_face(b.identity.root, relay.relay_key(), a.replica.state().group());
    for (auto read = after(last); !read.empty(); read = after(last)) last = read.back();
    if (puts >= most || last.signer == face.sign.public_key()) return;
    auto next = last;
    next.version += 1;
    next.prev = wire::acl_record_hash(last);
    next.pseudonyms = {face.pseudonym()};
    wire::sign_acl(next, face.sign);
    ASSERT_TRUE(std::holds_alternative<relay::AclStored>(store(relay::PutAcl{next})));
    last = next;
    ++puts;
  }
  std::vector<wire::AclRecord> after(wire::AclRecord const& record) {
    return std::get<relay::AclRead>(store(relay::ReadAcl{registered.channel, record.version + 1})).records;
  }
  relay::StoreAnswer store(relay::StoreTask task) {
    relay::StoreRequest const request{{}, net.now().wall, std::move(task)};
    return relay.store.work(std::span(&request, 1)).front().answer;
  }
  wire::AclRecord last;
  unsigned puts = 0, most = 0;
};

TEST_F(AThiefAtTheList, IsOverruledHoweverOftenItPutsItsOwn) {
  auto const found = look_up();
  most = 60;
  std::optional<wire::Genesis> genesis;
  for (int connection = 0; connection < 60 && !genesis; ++connection) {
    auto reading = claim(found.front());
    if (connection > 0) reading.expect_contest();
    auto const said = talk(reading, [&] { fight(); });
    if (said) genesis = std::move(reading.genesis());
    ASSERT_TRUE(said || said.error().is(RecoveryError::contested));
  }
  EXPECT_EQ(puts, most);
  EXPECT_TRUE(genesis.has_value());
  EXPECT_GT(last.version, MailboxClaim::kJump) << "what others put meanwhile has a lower version";
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
