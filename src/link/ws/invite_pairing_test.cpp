#include "link/ws/fake_mailboxes_testing.hpp"
#include "link/ws/invite_mailbox.hpp"
#include "link/ws/loop_testing.hpp"
#include "support/pairing_pair.hpp"

/// A device joins a group through a relay's mailboxes.
namespace kith::link {
namespace {

using kith::testing::PairingPair;
using testing::FakeMailboxes;
using namespace std::chrono_literals;

struct JoinerMachine final : StreamMachine {
  explicit JoinerMachine(PairingPair& both) : pair(both) {}
  void on_bytes(ByteView bytes) override {
    pair.to_joiner(bytes);
    pair.answer();
  }
  void on_closed() override {
    pair.joiner->on_closed(pair.now());
    pair.answer();
    closed = true;
  }
  bool poll_transmit(Bytes& out) override { return pair.joiner->poll_transmit(out); }
  bool done() const override { return pair.joiner->done(); }
  PairingPair& pair;
  bool closed = false;
};

struct InviterMachine final : StreamMachine {
  explicit InviterMachine(PairingPair& both) : pair(both) {}
  void on_bytes(ByteView bytes) override {
    pair.to_inviter(bytes);
    pair.answer();
  }
  void on_closed() override {
    if (pair.inviter) pair.inviter->on_closed(pair.now());
    pair.answer();
    closed = true;
  }
  bool poll_transmit(Bytes& out) override { return pair.inviter && pair.inviter->poll_transmit(out); }
  bool done() const override { return pair.inviter && pair.inviter->done(); }
  PairingPair& pair;
  bool closed = false;
};

struct InvitePairingTest : testing::LoopTest, PairingPair {
  /// Runs a whole conversation through the relay.
  void pair_through_relay(core::PairingCode with) {
    RelayAddress const address{false, "127.0.0.1", relay_server.port(), "/", {}};
    inviting_machine = std::make_shared<InviterMachine>(*this);
    joining_machine = std::make_shared<JoinerMachine>(*this);
    PairingPair::join(std::move(with), joining);
    bool opened = false;
    auto const listener = InviteListener::open(
        loop, address, code.lookup.symbols, 600s, making(inviting_machine),
        {[&](std::chrono::seconds) { opened = true; }, [&](Error e) { ADD_FAILURE() << e.name(); }});
    ASSERT_TRUE(run_until([&] { return opened; }));
    dial_invite(loop, address, code.lookup.symbols, 10s, making(joining_machine), on_failure());
    ASSERT_TRUE(run_until([&] { return inviting_machine->closed && joining_machine->closed; }));
    EXPECT_FALSE(error);
  }
  FakeMailboxes relay_server;
  std::shared_ptr<InviterMachine> inviting_machine;
  std::shared_ptr<JoinerMachine> joining_machine;
};

TEST_F(InvitePairingTest, ADeviceJoins) {
  pair_through_relay(code.clone());
  EXPECT_EQ(count<core::JoinDone>(joiner_events), 1U) << joiner_failure();
  EXPECT_EQ(count<core::PairDone>(inviter_events), 1U) << inviter_failure();
  auto const* welcomed = find<core::PairWelcomed>(joiner_events);
  ASSERT_NE(welcomed, nullptr);
  EXPECT_EQ(welcomed->offer, offer());
  auto const boxes = relay_server.count("POST", "/") - relay_server.count("POST", "/claim") - 1;
  EXPECT_LE(boxes, 9U) << "one for each message at most";
}

TEST_F(InvitePairingTest, AWrongCodeIsRefused) {
  auto wrong = code.clone();
  Bytes password(wrong.password.view().begin(), wrong.password.view().end());
  password.back() ^= 1;
  wrong.password = core::PairPassword(std::move(password));
  pair_through_relay(std::move(wrong));
  EXPECT_EQ(joiner_failure(), "core.wrong_code");
  EXPECT_EQ(inviter_failure(), "core.wrong_code");
  EXPECT_EQ(invites.invites.at(code.lookup).tries, 1);
}

}  // namespace
}  // namespace kith::link
