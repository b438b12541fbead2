#include "relay/channel/channel.hpp"

#include <gtest/gtest.h>

#include "support/must.hpp"
#include "support/seeded_random.hpp"

namespace kith::relay {
namespace {

using testing::SeededRandom;

struct Pair {
  explicit Pair(std::optional<crypto::DhKeyPair> pinned_to = std::nullopt, bool pin = true)
      : device(Channel::initiate(
            pin ? std::optional(wire::RelayKey{(pinned_to ? *pinned_to : relay_key).public_key.bytes}) : std::nullopt,
            face, random)),
        relay(Channel::accept(relay_key, random)) {}

  /// Carries bytes both ways, cut into pieces, until nothing is left. @return the first error of either side
  Result<> run(std::size_t piece = 1 << 20) {
    for (bool moved = true; moved;) {
      moved = false;
      KITH_CHECK(carry(device, relay, at_relay, piece, moved));
      KITH_CHECK(carry(relay, device, at_device, piece, moved));
    }
    return {};
  }
  static Result<> carry(Channel& from, Channel& to, std::vector<wire::RelayMessage>& got, std::size_t piece,
                        bool& moved) {
    for (Bytes bytes; from.poll_transmit(bytes); bytes.clear()) {
      moved = true;
      for (std::size_t at = 0; at < bytes.size(); at += piece) {
        KITH_CHECK(to.on_bytes(ByteView{bytes}.subspan(at, std::min(piece, bytes.size() - at)), got));
      }
    }
    return {};
  }

  SeededRandom random{7};
  crypto::DhKeyPair relay_key = crypto::DhKeyPair::generate(random);
  crypto::DhKeyPair face = crypto::DhKeyPair::generate(random);
  Channel device;
  Channel relay;
  std::vector<wire::RelayMessage> at_relay, at_device;
};

wire::Push push_of(std::size_t items, std::size_t bytes_each) {
  wire::Push push{1, {1}, {}};
  for (std::size_t i = 0; i < items; ++i) push.items.push_back({0, Bytes(bytes_each, static_cast<std::uint8_t>(i))});
  return push;
}

TEST(Channel, CarriesMessagesBothWaysHoweverTheLinkCutsThem) {
  for (std::size_t const piece : {std::size_t{1}, std::size_t{7}, std::size_t{1000}, std::size_t{1} << 20}) {
    Pair pair;
    ASSERT_TRUE(pair.run(piece));
    ASSERT_TRUE(pair.device.open() && pair.relay.open());
    EXPECT_EQ(pair.device.handshake_hash(), pair.relay.handshake_hash());
    EXPECT_EQ(pair.device.remote_static(), pair.relay_key.public_key);
    EXPECT_EQ(pair.relay.remote_static(), pair.face.public_key);
    pair.relay.set_max_message_bytes(wire::kRelayLimits.max_message_bytes);
    auto const push = push_of(3, 70'000);  // spans Noise messages
    pair.device.send(push);
    pair.device.send(wire::RelayAck{0, {5}});
    pair.relay.send(wire::Done{9});
    ASSERT_TRUE(pair.run(piece));
    EXPECT_EQ(pair.at_relay, (std::vector<wire::RelayMessage>{push, wire::RelayAck{0, {5}}}));
    EXPECT_EQ(pair.at_device, (std::vector<wire::RelayMessage>{wire::Done{9}}));
    EXPECT_EQ(pair.device.queued_bytes(), 0u);
  }
}

TEST(Channel, RefusesARelayWithAnotherKey) {
  SeededRandom random(8);
  Pair pair(crypto::DhKeyPair::generate(random));
  auto const ended = pair.run();
  ASSERT_FALSE(ended);
  EXPECT_TRUE(ended.error().is(ChannelError::wrong_relay));
  EXPECT_FALSE(pair.device.open());
  EXPECT_FALSE(pair.relay.open());  // it never gets to see who dialled
}

TEST(Channel, WithoutAPinTellsTheKeyItFound) {
  Pair pair(std::nullopt, false);
  ASSERT_TRUE(pair.run());
  EXPECT_EQ(pair.device.remote_static(), pair.relay_key.public_key);
}

TEST(Channel, SendsBulkOnlyWhenNothingElseWaits) {
  Pair pair;
  ASSERT_TRUE(pair.run());
  pair.relay.set_max_message_bytes(wire::kRelayLimits.max_message_bytes);
  wire::ObjPut const part{1, {}, 600'000, 0, 0, Bytes(200'000, 1)};
  pair.device.send_bulk(part);
  pair.device.send_bulk(part);
  pair.device.send(wire::RelayAck{0, {1}});
  EXPECT_GT(pair.device.queued_bulk_bytes(), 400'000u);
  ASSERT_TRUE(pair.run());
  EXPECT_EQ(pair.at_relay, (std::vector<wire::RelayMessage>{wire::RelayAck{0, {1}}, part, part}));
  EXPECT_EQ(pair.device.queued_bulk_bytes(), 0u);
  EXPECT_EQ(pair.device.queued_bytes(), 0u);
}

TEST(Channel, TakesNoMoreThanAStrangersMessageUntilToldTo) {
  Pair pair;
  ASSERT_TRUE(pair.run());
  pair.device.send(push_of(1, 20'000));
  auto const ended = pair.run();
  ASSERT_FALSE(ended);
  EXPECT_TRUE(ended.error().is(wire::WireError::too_large));
}

TEST(Channel, EveryFlippedBitEndsIt) {
  Bytes first, second, third;
  {
    Pair pair;
    ASSERT_TRUE(pair.device.poll_transmit(first));
    ASSERT_TRUE(pair.relay.on_bytes(first, pair.at_relay));
    ASSERT_TRUE(pair.relay.poll_transmit(second));
    ASSERT_TRUE(pair.device.on_bytes(second, pair.at_device));
    ASSERT_TRUE(pair.device.poll_transmit(third));
  }
  for (std::size_t bit = 16; bit < second.size() * 8; ++bit) {
    Pair pair;
    Bytes damaged = second;
    damaged[bit / 8] ^= static_cast<std::uint8_t>(1u << (bit % 8));
    Bytes sent;
    ASSERT_TRUE(pair.device.poll_transmit(sent));
    auto const ended = pair.device.on_bytes(damaged, pair.at_device);
    ASSERT_FALSE(ended) << bit;
    EXPECT_TRUE(pair.at_device.empty());
    Bytes more;
    EXPECT_FALSE(pair.device.poll_transmit(more)) << bit;
    EXPECT_FALSE(pair.device.on_bytes(second, pair.at_device)) << "it is of no use any more";
  }
  for (std::size_t bit = 16; bit < third.size() * 8; ++bit) {
    Pair pair;
    Bytes damaged = third;
    damaged[bit / 8] ^= static_cast<std::uint8_t>(1u << (bit % 8));
    Bytes sent, answered;
    ASSERT_TRUE(pair.device.poll_transmit(sent));
    ASSERT_TRUE(pair.relay.on_bytes(sent, pair.at_relay));
    ASSERT_TRUE(pair.relay.poll_transmit(answered));
    EXPECT_FALSE(pair.relay.on_bytes(damaged, pair.at_relay)) << bit;
    EXPECT_FALSE(pair.relay.open());
  }
}

TEST(Channel, AMessageThatDoesNotDecodeEndsIt) {
  Pair pair;
  ASSERT_TRUE(pair.run());
  pair.device.send(wire::Trim{1, {2}});
  Bytes bytes;
  ASSERT_TRUE(pair.device.poll_transmit(bytes));
  bytes.back() ^= 1;
  auto const ended = pair.relay.on_bytes(bytes, pair.at_relay);
  ASSERT_FALSE(ended);
  EXPECT_TRUE(ended.error().is(crypto::CryptoError::not_authentic));
}

}  // namespace
}  // namespace kith::relay
