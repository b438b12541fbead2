#include "engine/recovery.hpp"

#include <gtest/gtest.h>

namespace kith::engine {
namespace {

using Relays = std::vector<core::Roster::Relay>;

wire::RelayKey relay(std::uint8_t number) {
  wire::RelayKey key;
  key.bytes.fill(number);
  return key;
}
wire::ChannelId channel(std::uint8_t number) {
  wire::ChannelId id;
  id.bytes.fill(number);
  return id;
}

struct TheLastWord : ::testing::Test {
  core::Roster::Relay real{"ws://one", relay(1), channel(10)};
  core::Roster::Relay planted{"ws://one", relay(1), channel(66)};
  core::Roster::Relay elsewhere{"ws://two", relay(2), channel(20)};
};

/// Somebody who was a member planted it, or has taken it over and the group began anew. A relay may name it first.
TEST_F(TheLastWord, IsNotHadWithAMailboxThatTheGroupDoesNotUse) {
  auto const words = last_words(Relays{planted, real}, Relays{real}, relay(1));
  ASSERT_EQ(words.size(), 1U);
  EXPECT_EQ(words[0].mailbox, 1U);
  EXPECT_EQ(words[0].url, "ws://one");
  EXPECT_TRUE(words[0].decides);
}

TEST_F(TheLastWord, DecidesAtTheRelayThatTheUserNamedAndComesThereFirst) {
  auto const words = last_words(Relays{elsewhere, planted, real}, Relays{elsewhere, real}, relay(1));
  ASSERT_EQ(words.size(), 2U);
  EXPECT_EQ(words[0].mailbox, 2U);
  EXPECT_TRUE(words[0].decides);
  EXPECT_EQ(words[1].mailbox, 0U);
  EXPECT_FALSE(words[1].decides);
}

TEST_F(TheLastWord, DecidesNothingWhereTheGroupUsesThatRelayNoMore) {
  auto const words = last_words(Relays{real, elsewhere}, Relays{elsewhere}, relay(1));
  ASSERT_EQ(words.size(), 1U);
  EXPECT_FALSE(words[0].decides);
  EXPECT_TRUE(last_words(Relays{real}, Relays{}, relay(1)).empty());
}

}  // namespace
}  // namespace kith::engine
