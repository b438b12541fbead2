#include "sync/away/stalled_wants.hpp"

#include "sync/away/away_testing.hpp"

/// What is asked for gives way to what a relay has.
namespace kith::sync {
namespace {

using namespace std::chrono_literals;
using testing::AtARelay;
using testing::AwayHome;
using testing::must;

struct TwoAtARelay : AtARelay {
  TwoAtARelay() {
    net.let_in(a, b);
    net.wait(40s);
  }
};

/// The first device has left a chunk that the second one lacks and has not asked for yet.
struct Stalled : TwoAtARelay {
  Stalled() {
    giver.read_for_mailboxes();
    must(home.exchange.start(net.now()));
    b.at(relay).set_chunk_holder([this](ChunkId const& id) { return home.chunks.holds(id); });
    leave(offered);
  }
  void leave(ChunkId const& chunk) {
    must(a.at(relay).upload({chunk}, net.now()));
    net.wait(1s);
  }
  bool gives_way(std::vector<ChunkId> const& wanted) {
    return must(stalled.give_way(home.mailboxes(), wanted, home.exchange, net.now()));
  }
  AwayHome giver{a}, home{b};
  ChunkId const offered = giver.keep(1), asked = giver.keep(2), other = giver.keep(3);
  StalledWants stalled;
};

TEST_F(Stalled, AfterAWhileAndThenAnew) {
  for (int i = 0; i < 2; ++i) {
    auto const since = net.now().mono;
    EXPECT_FALSE(gives_way({asked, other}));
    EXPECT_EQ(stalled.next_deadline(), since + StalledWants::kStallTime);
    net.wait(StalledWants::kStallTime - 100ms);
    EXPECT_FALSE(gives_way({asked, other}));
    EXPECT_EQ(stalled.next_deadline(), since + StalledWants::kStallTime) << "it goes on";
    net.wait(100ms);
    EXPECT_TRUE(gives_way({asked, other}));
    EXPECT_FALSE(stalled.next_deadline());
  }
}

TEST_F(Stalled, NotWhereOneOfThemLiesThere) {
  EXPECT_FALSE(gives_way({asked, other}));
  leave(other);
  net.wait(StalledWants::kStallTime);
  EXPECT_FALSE(gives_way({asked, other}));
  EXPECT_FALSE(stalled.next_deadline());
}

TEST_F(Stalled, NotWhereNothingIsAskedFor) {
  EXPECT_FALSE(gives_way({asked}));
  net.wait(StalledWants::kStallTime);
  EXPECT_FALSE(gives_way({}));
  EXPECT_FALSE(stalled.next_deadline());
}

TEST_F(Stalled, NotWhereNothingElseIsThere) {
  EXPECT_FALSE(gives_way({asked}));
  ASSERT_EQ(home.keep(1), offered);
  net.wait(2 * Mailbox::kStoredEvery);  // it has been looked at again
  EXPECT_FALSE(gives_way({asked}));
  EXPECT_FALSE(stalled.next_deadline());
}

TEST_F(Stalled, NotWithoutAConnection) {
  net.go_offline(b);
  EXPECT_FALSE(gives_way({asked}));
  EXPECT_FALSE(stalled.next_deadline());
}

}  // namespace
}  // namespace kith::sync
