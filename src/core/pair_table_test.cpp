#include <gtest/gtest.h>

#include "support/pairing_pair.hpp"

/// Every message of a pairing in every state of either side: one is due, and all others end it.
namespace kith::core {
namespace {

using testing::PairingPair;
using wire::PairMessage;

/// A message of each type that anybody can make up.
std::vector<PairMessage> made_up_messages(RandomSource& random, wire::Lookup const& lookup) {
  static_assert(std::variant_size_v<PairMessage> == 9, "a new message belongs into both tables");
  Bytes const box(60, 1);
  auto const share = crypto::cpace::make_share(pair_generator(bytes_of("x"), lookup, {}), random).share;
  return {wire::PairHello{{"ZZZZZZZZ"}, share, {}},
          wire::PairShare{share, {}, {}},
          wire::PairConfirm{{}, box},
          wire::PairIdentity{box},
          wire::PairOffer{box},
          wire::PairPseudonyms{box},
          wire::PairWelcome{box},
          wire::PairJoined{box},
          wire::PairEnd{wire::PairEndCode::denied, 0}};
}

struct Step {
  char const* state;
  int turns;               ///< messages of the conversation that have been said before
  std::size_t due;         ///< the type that is due then, as an index into made_up_messages
  char const* due_reason;  ///< how a made-up one of that type fails
};
constexpr std::size_t kHello = 0, kShare = 1, kConfirm = 2, kIdentity = 3, kOffer = 4, kPseudonyms = 5, kWelcome = 6,
                      kJoined = 7, kEnd = 8, kNone = 99;

/// Lets `said` messages be said, counted over both directions, and the answers of people and programs between them.
void say(PairingPair& pair, int said) {
  pair.join();
  for (bool by_joiner = true; said > 0; by_joiner = !by_joiner) {
    auto const bytes = by_joiner ? pair.from_joiner() : pair.from_inviter();
    if (bytes.empty()) {
      if (!pair.answer()) continue;
      by_joiner = !by_joiner;
      continue;
    }
    by_joiner ? pair.to_inviter(bytes) : pair.to_joiner(bytes);
    --said;
  }
}

TEST(PairingTable, EveryMessageInEveryStateOfTheInviter) {
  Step const steps[] = {{"await_hello", 0, kHello, "core.closed"},
                        {"await_confirm", 1, kConfirm, "core.wrong_code"},
                        {"await_user", 3, kNone, ""},
                        {"await_pseudonyms", 5, kPseudonyms, "crypto.not_authentic"},
                        {"await_commit", 6, kNone, ""},
                        {"await_joined", 7, kJoined, "crypto.not_authentic"}};
  for (auto const& step : steps) {
    for (std::size_t type = 0; type < 9; ++type) {
      PairingPair pair;
      pair.approves = step.turns > 3;
      pair.commits = step.turns > 6;
      pair.stores = false;
      if (step.turns == 0) {
        pair.join();
        pair.to_inviter(wire::encode(wire::Opening{.purpose = wire::Purpose::pairing}));
      } else {
        say(pair, step.turns);
      }
      pair.answer();
      pair.from_inviter();
      pair.inviter_events.clear();
      auto const message = made_up_messages(pair.random, pair.code.lookup)[type];
      Bytes bytes;
      wire::append_message(bytes, wire::encode_pair_message(message));
      pair.approves = pair.commits = pair.stores = false;
      pair.to_inviter(bytes);
      pair.answer();
      ASSERT_EQ(pair.inviter_events.size(), 1U) << step.state << " type " << type + 1;
      EXPECT_EQ(pair.inviter_failure(), type == step.due ? step.due_reason
                                        : type == kEnd   ? "core.closed"
                                                         : "core.protocol_violation")
          << step.state << " type " << type + 1;
      pair.from_inviter();
      EXPECT_TRUE(pair.inviter->done());
      pair.to_inviter(bytes);  // and in the last state nothing is heard
      EXPECT_TRUE(pair.from_inviter().empty());
      EXPECT_FALSE(pair.inviter->poll_event());
    }
  }
}

TEST(PairingTable, EveryMessageInEveryStateOfTheJoiner) {
  Step const steps[] = {{"await_share", 1, kShare, "core.wrong_code"},
                        {"await_identity", 3, kIdentity, "crypto.not_authentic"},
                        {"await_offer", 4, kOffer, "crypto.not_authentic"},
                        {"await_welcome", 6, kWelcome, "crypto.not_authentic"},
                        {"await_stored", 7, kNone, ""}};
  for (auto const& step : steps) {
    for (std::size_t type = 0; type < 9; ++type) {
      PairingPair pair;
      pair.approves = step.turns > 4;
      pair.commits = step.turns > 6;
      pair.stores = false;
      say(pair, step.turns);
      pair.answer();
      pair.from_joiner();
      pair.joiner_events.clear();
      auto const message = made_up_messages(pair.random, pair.code.lookup)[type];
      Bytes bytes;
      wire::append_message(bytes, wire::encode_pair_message(message));
      pair.to_joiner(bytes);
      if (type == kShare && step.due == kShare) {  // await_tries: whatever comes, the code was wrong
        pair.from_joiner();
        pair.to_joiner(bytes);
      }
      pair.answer();
      ASSERT_EQ(pair.joiner_events.size(), 1U) << step.state << " type " << type + 1;
      char const* const expected = type == kEnd                           ? "core.invite_denied"
                                   : type == kShare && step.due == kShare ? "core.protocol_violation"
                                   : type == step.due                     ? step.due_reason
                                                                          : "core.protocol_violation";
      EXPECT_EQ(pair.joiner_failure(), expected) << step.state << " type " << type + 1;
      pair.from_joiner();
      EXPECT_TRUE(pair.joiner->done());
      pair.to_joiner(bytes);
      EXPECT_TRUE(pair.from_joiner().empty());
      EXPECT_FALSE(pair.joiner->poll_event());
    }
  }
}

}  // namespace
}  // namespace kith::core
