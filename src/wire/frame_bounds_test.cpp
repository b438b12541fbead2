#include <gtest/gtest.h>

#include "wire/frame.hpp"

/// Whatever keeps the limits of its lists makes a frame that keeps the frame's.
namespace kith::wire {
namespace {

constexpr auto kLargest = std::numeric_limits<std::uint64_t>::max();

template <class Id>
Id full(std::size_t number) {
  Id id;
  id.bytes.fill(0xff);
  store_be(id.bytes.data(), static_cast<std::uint32_t>(number));
  return id;
}

std::vector<Tip> most_tips() {
  std::vector<Tip> tips;
  for (std::size_t i = 0; i < kLimits.max_tips; ++i) {
    tips.push_back({{full<DeviceId>(i), {kLargest}}, {kLargest}, full<EntryHash>(i)});
  }
  return tips;
}

std::vector<Address> most_addresses() {
  return std::vector<Address>(kLimits.max_addresses, Address{std::string(kLimits.max_name_bytes, 'x')});
}

Presence largest_presence(std::size_t contacts) {
  Presence presence;
  presence.counter = presence.acked_cursor = kLargest;
  presence.tips = presence.content_tips = most_tips();
  presence.held = std::numeric_limits<std::uint16_t>::max();
  presence.addresses = most_addresses();
  for (std::size_t i = 0; i < kLimits.max_folders; ++i) presence.folders.push_back(full<FolderId>(i));
  for (std::size_t i = 0; i < contacts; ++i) presence.contacts.push_back({full<DeviceId>(i), most_addresses()});
  return presence;
}

template <class T>
T over_the_wire(T const& sent) {
  Bytes bytes;
  encode_frame(bytes, Frame{sent});
  EXPECT_LE(bytes.size(), kLimits.max_frame_bytes + 4);
  FrameSplitter splitter;
  splitter.feed(bytes);
  auto const frame = splitter.next();
  if (!frame || !*frame) {
    ADD_FAILURE() << "no frame";
    return {};
  }
  auto const decoded = decode_frame(**frame);
  EXPECT_TRUE(decoded) << decoded.error().name();
  return decoded ? std::get<T>(*decoded) : T{};
}

TEST(FrameBounds, AllTipsFit) {
  EXPECT_EQ(over_the_wire(Tips{most_tips()}), Tips{most_tips()});
  EXPECT_EQ(over_the_wire(Ack{most_tips()}), Ack{most_tips()});
}

TEST(FrameBounds, AllWantsFit) {
  Want want;
  for (std::size_t i = 0; i < kLimits.max_wants; ++i) {
    want.ranges.push_back({{full<DeviceId>(i), {kLargest}}, {kLargest}, {kLargest}, full<EntryHash>(i)});
  }
  EXPECT_EQ(over_the_wire(want), want);
  ChunkWant chunks;
  for (std::size_t i = 0; i < kLimits.max_chunk_wants; ++i) chunks.ids.push_back(full<ChunkId>(i));
  EXPECT_EQ(over_the_wire(chunks), chunks);
}

TEST(FrameBounds, ADigestWithAllRelaysFits) {
  Digest digest;
  for (std::size_t i = 0; i < RelayWitness::kMost; ++i) {
    auto tips = most_tips();
    tips.resize(RelayWitness::kMostTips);
    digest.relays.push_back({full<RelayKey>(i), full<ChannelId>(i), full<LogEpoch>(i), {kLargest}, std::move(tips)});
  }
  EXPECT_EQ(over_the_wire(digest), digest);
}

TEST(FrameBounds, APresenceLeavesOutTheContactsThatDoNotFit) {
  auto const sent = largest_presence(kLimits.max_contacts);
  auto const received = over_the_wire(sent);
  EXPECT_EQ(received.tips, sent.tips);
  EXPECT_EQ(received.content_tips, sent.content_tips);
  EXPECT_EQ(received.held, sent.held);
  EXPECT_EQ(received.addresses, sent.addresses);
  EXPECT_EQ(received.folders, sent.folders);
  ASSERT_GE(received.contacts.size(), 1U);
  EXPECT_LT(received.contacts.size(), sent.contacts.size());
  EXPECT_TRUE(std::equal(received.contacts.begin(), received.contacts.end(), sent.contacts.begin()));

  Presence few = sent;
  few.tips.clear(), few.content_tips.clear(), few.folders.clear();
  few.contacts.resize(40);
  EXPECT_EQ(over_the_wire(few), few) << "what fits stays whole";
}

TEST(FrameBounds, MoreTipsThanTheLimitAreRefused) {
  Tips tips{most_tips()};
  tips.tips.push_back(tips.tips.back());
  Bytes payload{static_cast<std::uint8_t>(FrameType::tips)};
  encode_to(payload, tips);
  EXPECT_FALSE(decode_frame(payload));
}

}  // namespace
}  // namespace kith::wire
