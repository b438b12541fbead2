#include "link/ws/invite_mailbox.hpp"

#include "link/ws/fake_mailboxes_testing.hpp"
#include "link/ws/loop_testing.hpp"

/// Machines that talk through mailboxes.
namespace kith::link {
namespace {

using testing::FakeMailboxes;
using testing::ServerSide;
using testing::Talker;
using testing::TestAuthority;
using namespace std::chrono_literals;

std::string const kKey = "7F3K9QDM";

struct InviteTest : testing::LoopTest {
  explicit InviteTest(std::optional<testing::TestCertificate> const& certificate = std::nullopt)
      : relay(certificate), address{certificate.has_value(), "localhost", relay.port(), "/", {}} {}

  /// Opens the invite, and waits until the relay holds it.
  void open(MachineFactory factory) {
    begin_to_open(std::move(factory));
    ASSERT_TRUE(run_until([&] { return opened.has_value() || owner_error; })) << "not opened";
    ASSERT_FALSE(owner_error) << owner_error->name();
  }
  void begin_to_open(MachineFactory factory) {
    listener = InviteListener::open(loop, address, kKey, 600s, std::move(factory),
                                    {[this](std::chrono::seconds time) { opened = time; },
                                     [this](Error e) {
                                       EXPECT_FALSE(owner_error) << "told twice";
                                       owner_error = e;
                                     }});
  }
  void join(std::shared_ptr<StreamMachine> machine, std::string const& key = kKey) {
    dial_invite(loop, address, key, 10s, making(std::move(machine)), on_failure());
  }
  std::atomic<int> hooked = 0;  ///< for what `relay` calls, whose threads outlive a test's own variables
  FakeMailboxes relay;
  RelayAddress address;
  std::unique_ptr<InviteListener> listener;
  std::optional<std::chrono::seconds> opened;
  std::optional<Error> owner_error;
};

TEST_F(InviteTest, CarriesBytesBothWaysInBoxes) {
  std::string const question(20'000, 'q'), answer(30'000, 'a');
  auto const owner = std::make_shared<Talker>(answer, question.size());
  auto const joiner = std::make_shared<Talker>(question, answer.size());
  open([&](std::string const&) { return owner; });
  EXPECT_EQ(opened, 600s);
  EXPECT_EQ(relay.invites(), 1U);
  join(joiner);
  ASSERT_TRUE(run_until([&] { return owner->closed == 1 && joiner->closed == 1; }));
  EXPECT_EQ(text_of(owner->heard), question);
  EXPECT_EQ(text_of(joiner->heard), answer);
  EXPECT_FALSE(error || owner_error);
  EXPECT_EQ(remote, host_port(address));
  EXPECT_EQ(relay.count("POST", kKey + "/"), 1 + 5 + 7U) << "a claim, and boxes that are full";
  EXPECT_EQ(relay.claims(), 0U) << "both sides said that they have ended";
}

TEST_F(InviteTest, RunsOneMachineForEachJoiner) {
  std::vector<std::shared_ptr<Talker>> owners, joiners;
  open([&](std::string const&) {
    owners.push_back(std::make_shared<Talker>("welcome " + std::to_string(owners.size()), 5));
    return owners.back();
  });
  for (int i = 0; i < 3; ++i) {
    joiners.push_back(std::make_shared<Talker>("join" + std::to_string(i), 9));
    join(joiners.back());
  }
  auto const closed = [](auto const& each) { return each->closed == 1; };
  ASSERT_TRUE(run_until([&] { return std::ranges::all_of(joiners, closed) && std::ranges::all_of(owners, closed); }));
  ASSERT_EQ(owners.size(), 3U);
  std::set<std::string> heard, said;
  for (auto const& each : owners) heard.emplace(text_of(each->heard));
  for (auto const& each : joiners) said.emplace(text_of(each->heard));
  EXPECT_EQ(heard, (std::set<std::string>{"join0", "join1", "join2"}));
  EXPECT_EQ(said, (std::set<std::string>{"welcome 0", "welcome 1", "welcome 2"}));
}

TEST_F(InviteTest, SendsWhatIsSaidLater) {
  auto const owner = std::make_shared<Talker>("");
  auto const joiner = std::make_shared<Talker>("one", 8);
  open([&](std::string const&) { return owner; });
  join(joiner);
  ASSERT_TRUE(run_until([&] { return owner->heard.size() == 3; }));
  joiner->say(" more");
  ASSERT_TRUE(run_until([&] { return owner->heard.size() == 8; }));
  owner->say("answered");
  ASSERT_TRUE(run_until([&] { return joiner->closed == 1; }));
  EXPECT_EQ(text_of(owner->heard), "one more");
  ASSERT_TRUE(run_until([&] { return owner->closed == 1; })) << "the joiner's end is the connection's";
}

TEST_F(InviteTest, TheJoinerHearsOfTheOwnersEnd) {
  auto const owner = std::make_shared<Talker>("bye", 0);
  auto const joiner = std::make_shared<Talker>("hello");
  open([&](std::string const&) { return owner; });
  join(joiner);
  ASSERT_TRUE(run_until([&] { return joiner->closed == 1 && owner->closed == 1; }));
  EXPECT_EQ(text_of(joiner->heard), "bye");
  EXPECT_FALSE(joiner->late);
}

TEST_F(InviteTest, ClaimsWhatNobodyMade) {
  auto const joiner = std::make_shared<Talker>("hello", SIZE_MAX, 200ms);
  join(joiner);
  ASSERT_TRUE(run_until([&] { return joiner->closed == 1; }));
  EXPECT_TRUE(joiner->late) << "its own deadline ended it";
  EXPECT_FALSE(error);
}

TEST_F(InviteTest, TakesItBackWhenDestroyed) {
  auto const owner = std::make_shared<Talker>("");
  auto const joiner = std::make_shared<Talker>("hello");
  open([&](std::string const&) { return owner; });
  join(joiner);
  ASSERT_TRUE(run_until([&] { return owner->heard.size() == 5; }));
  listener.reset();
  ASSERT_TRUE(run_until([&] { return joiner->closed == 1 && owner->closed == 1 && relay.invites() == 0; }));
  EXPECT_FALSE(owner_error) << "who left is told nothing";
}

TEST_F(InviteTest, TakesItBackWhenDestroyedBeforeItWasMade) {
  relay.before = [this](ServerSide&, ServerSide::HttpAsked const&) {
    if (hooked++ == 0) std::this_thread::sleep_for(100ms);
    return false;
  };
  begin_to_open([](std::string const&) { return nullptr; });
  ASSERT_TRUE(run_until([&] { return hooked != 0; }));
  listener.reset();
  ASSERT_TRUE(run_until([&] { return relay.count("DELETE", kKey) == 1 && relay.invites() == 0; }));
  EXPECT_FALSE(opened || owner_error);
}

TEST_F(InviteTest, SendsAwayWhomNobodyWants) {
  open([](std::string const&) { return nullptr; });
  auto const joiner = std::make_shared<Talker>("hello");
  join(joiner);
  ASSERT_TRUE(run_until([&] { return joiner->closed == 1; }));
  join(nullptr);
  ASSERT_TRUE(run_until([&] { return relay.count("POST", "/claim") == 2 && relay.claims() == 0; }));
}

TEST_F(InviteTest, TakesEightClaimsAndNoMore) {
  std::size_t made = 0;
  open([&](std::string const&) {
    ++made;
    return std::make_shared<Talker>("", 1);
  });
  std::vector<std::shared_ptr<Talker>> joiners;
  for (std::size_t i = 0; i < InviteListener::kMaxClaims + 2; ++i) {
    joiners.push_back(std::make_shared<Talker>("x"));
    join(joiners.back());
  }
  auto const closed = [&] {
    return std::ranges::count_if(joiners, [](auto const& each) { return each->closed == 1; });
  };
  ASSERT_TRUE(run_until([&] { return closed() == InviteListener::kMaxClaims && relay.claims() == 2; }));
  run_for(100ms);
  EXPECT_EQ(made, InviteListener::kMaxClaims);
  EXPECT_EQ(closed(), InviteListener::kMaxClaims) << "nobody speaks to the others";
}

TEST_F(InviteTest, EndsWhenTheRelayForgets) {
  auto const owner = std::make_shared<Talker>("");
  auto const joiner = std::make_shared<Talker>("hello");
  open([&](std::string const&) { return owner; });
  join(joiner);
  ASSERT_TRUE(run_until([&] { return owner->heard.size() == 5; }));
  relay.forget();
  ASSERT_TRUE(run_until([&] { return joiner->closed == 1 && owner->closed == 1 && owner_error; }));
  EXPECT_TRUE(owner_error->is(LinkError::invite_gone));
  EXPECT_FALSE(joiner->late);
}

TEST_F(InviteTest, SaysThatTheKeyIsTaken) {
  open([](std::string const&) { return nullptr; });
  auto const first = std::move(listener);
  begin_to_open([](std::string const&) { return nullptr; });
  ASSERT_TRUE(run_until([&] { return owner_error.has_value(); }));
  EXPECT_TRUE(owner_error->is(LinkError::invite_taken));
  EXPECT_EQ(relay.invites(), 1U);
}

TEST_F(InviteTest, SaysHowLongToWait) {
  relay.before = [](ServerSide& side, ServerSide::HttpAsked const&) {
    return side.answer(429, R"({"error":"rate_limited"})", "Retry-After: 7\r\n");
  };
  begin_to_open([](std::string const&) { return nullptr; });
  join(nullptr);
  ASSERT_TRUE(run_until([&] { return owner_error && error; }));
  EXPECT_EQ(*owner_error, Error(LinkError::rate_limited, CountDetail{7, 0}));
  EXPECT_EQ(*error, Error(LinkError::rate_limited, CountDetail{7, 0}));
}

TEST_F(InviteTest, AsksAgainWhereConnectionsBreak) {
  relay.before = [this](ServerSide&, ServerSide::HttpAsked const& asked) {
    return asked.method == "GET" && ++hooked % 3 != 0;  // two of three polls
  };
  auto const owner = std::make_shared<Talker>("answer", 8);
  auto const joiner = std::make_shared<Talker>("question", 6);
  open([&](std::string const&) { return owner; });
  join(joiner);
  ASSERT_TRUE(run_until([&] { return owner->closed == 1 && joiner->closed == 1; }));
  EXPECT_EQ(text_of(owner->heard), "question");
  EXPECT_EQ(text_of(joiner->heard), "answer");
  EXPECT_GE(hooked, 4);
}

TEST_F(InviteTest, NeverSendsABoxTwice) {
  relay.swallow = [](ServerSide::HttpAsked const& asked) {  // it was taken, and nobody was told
    return asked.method == "POST" && asked.body.find("box") != std::string::npos && asked.bearer.empty();
  };
  auto const owner = std::make_shared<Talker>("");
  auto const joiner = std::make_shared<Talker>("hello");
  open([&](std::string const&) { return owner; });
  join(joiner);
  ASSERT_TRUE(run_until([&] { return joiner->closed == 1 && owner->closed == 1; }));
  EXPECT_EQ(text_of(owner->heard), "hello");
  EXPECT_FALSE(joiner->late) << "it ends, since nobody knows whether the box was taken";
}

TEST_F(InviteTest, AsksARelayThatDoesNotWaitNowAndThen) {
  relay.before = [](ServerSide& side, ServerSide::HttpAsked const& asked) {
    return asked.method == "GET" && side.answer(200, R"({"boxes":[],"next":0})");
  };
  open([](std::string const&) { return nullptr; });
  auto const start = Clock::now();
  ASSERT_TRUE(run_until([&] { return relay.count("GET", "") == 4; }));
  EXPECT_GE(Clock::now() - start, 1200ms) << "half a second between one and the next";
}

TEST_F(InviteTest, EndsWithItsLoop) {
  auto const owner = std::make_shared<Talker>("");
  {
    Loop other;
    bool is_open = false;
    auto const made = InviteListener::open(other, address, kKey, 600s, [&](std::string const&) { return owner; },
                                           {[&](std::chrono::seconds) { is_open = true; }, {}});
    ASSERT_TRUE(run_until(
        other, [&] { return is_open; }, 20s));
    dial_invite(other, address, kKey, 10s, making(std::make_shared<Talker>("hello")), on_failure());
    ASSERT_TRUE(run_until(
        other, [&] { return owner->heard.size() == 5; }, 20s));
    dial_invite(other, address, kKey, 10s, making(owner), on_failure());  // and never runs
  }
  EXPECT_EQ(owner->closed, 0);
}

/// The same through TLS.
struct TestTrust {
  TestTrust() { authority.trust(); }
  ~TestTrust() {
    ::unsetenv("SSL_CERT_FILE");
    ::unsetenv("SSL_CERT_DIR");
  }
  TestAuthority authority;
};
struct TlsInviteTest : TestTrust, InviteTest {
  TlsInviteTest() : InviteTest(authority.certificate("DNS:localhost")) {}
};

TEST_F(TlsInviteTest, CarriesBytesBothWays) {
  auto const owner = std::make_shared<Talker>("answer", 8);
  auto const joiner = std::make_shared<Talker>("question", 6);
  open([&](std::string const&) { return owner; });
  join(joiner);
  ASSERT_TRUE(run_until([&] { return owner->closed == 1 && joiner->closed == 1; }));
  EXPECT_EQ(text_of(owner->heard), "question");
  EXPECT_EQ(text_of(joiner->heard), "answer");
}

TEST_F(TlsInviteTest, TellsWhomItDoesNotTrust) {
  address.host = "127.0.0.1";
  begin_to_open([](std::string const&) { return nullptr; });
  join(nullptr);
  ASSERT_TRUE(run_until([&] { return owner_error && error; }));
  EXPECT_TRUE(owner_error->is(LinkError::tls_untrusted));
  EXPECT_TRUE(error->is(LinkError::tls_untrusted));
}

}  // namespace
}  // namespace kith::link
