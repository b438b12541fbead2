#include "core/secure_channel.hpp"

#include <gtest/gtest.h>

#include "support/must.hpp"
#include "support/seeded_random.hpp"
#include "support/seeds.hpp"

namespace kith::core {
namespace {

using crypto::AeadKey;
using crypto::noise::CipherState;
using testing::must;
using wire::Frame;

TEST(MessageSplitter, CutsAStreamHoweverItArrives) {
  testing::Dice dice(1);
  for (int tries = 0; tries < 200; ++tries) {
    std::vector<Bytes> messages;
    Bytes stream;
    for (std::size_t i = dice.below(6); i > 0; --i) {
      messages.emplace_back(dice.below(300), static_cast<std::uint8_t>(i));
      wire::append_message(stream, messages.back());
    }
    wire::MessageSplitter splitter;
    std::vector<Bytes> cut;
    for (ByteView rest = stream; !rest.empty();) {
      auto const piece = std::min<std::size_t>(rest.size(), dice.between(1, 40));
      splitter.feed(rest.first(piece));
      rest = rest.subspan(piece);
      while (auto message = must(splitter.next(300))) cut.push_back(std::move(*message));
    }
    ASSERT_EQ(cut, messages);
  }
}

TEST(MessageSplitter, RefusesALengthAsSoonAsItIsSeen) {
  wire::MessageSplitter splitter;
  splitter.feed(Bytes{0x01});
  EXPECT_FALSE(must(splitter.next(256)));
  splitter.feed(Bytes{0x01});
  auto const refused = splitter.next(256);
  ASSERT_FALSE(refused);
  EXPECT_TRUE(refused.error().is(wire::WireError::too_large));
  EXPECT_EQ(refused.error().detail(), ErrorDetail(CountDetail{257, 256}));
}

struct Channels : ::testing::Test {
  Channels() : sender(transport(one, two), start), receiver(transport(two, one), start) {}
  static crypto::noise::Transport transport(AeadKey const& sends, AeadKey const& receives) {
    return {CipherState(sends.clone()), CipherState(receives.clone()), {}, {}};
  }
  [[nodiscard]] std::vector<Bytes> messages(Instant now) {
    std::vector<Bytes> all;
    for (Bytes out; sender.poll_transmit(out, now); out.clear()) all.emplace_back(out.begin() + 2, out.end());
    return all;
  }
  [[nodiscard]] std::vector<Frame> carry(Instant now) {
    std::vector<Frame> frames;
    for (auto const& message : messages(now)) must(receiver.receive(message, frames));
    return frames;
  }
  static wire::FileChunk chunk(std::uint64_t number, std::size_t bytes) {
    return {{}, number, bytes, {}, Bytes(bytes, 7)};
  }
  /// A frame of a little more than `bytes`.
  static wire::Data data(std::size_t bytes) {
    wire::Data frame;
    frame.entries.push_back({Bytes(bytes, 9)});
    return frame;
  }

  testing::SeededRandom random{1};
  AeadKey one = random.secret<AeadKey>(), two = random.secret<AeadKey>();
  Instant start{};
  SecureChannel sender, receiver;
};

TEST_F(Channels, CarryFramesInOrder) {
  for (std::uint64_t i = 0; i < 50; ++i) sender.send(wire::Ping{i});
  auto const frames = carry(start);
  ASSERT_EQ(frames.size(), 50U);
  for (std::uint64_t i = 0; i < 50; ++i) EXPECT_EQ(frames[i], Frame(wire::Ping{i}));
  EXPECT_FALSE(carry(start).size());
}

TEST_F(Channels, PutSmallFramesIntoOneMessageAndLargeOnesIntoSeveral) {
  for (std::uint64_t i = 0; i < 50; ++i) sender.send(wire::Ping{i});
  EXPECT_EQ(messages(start).size(), 1U);
  sender.send(data(70'000));
  sender.send(data(70'000));
  EXPECT_EQ(messages(start).size(), 3U) << "the middle one has the end of the first frame and the start of the second";
}

TEST_F(Channels, FramesSpanMessages) {
  for (std::size_t const bytes : {65'000, 65'520, 70'000, 81'000}) sender.send(data(bytes));
  auto const frames = carry(start);
  ASSERT_EQ(frames.size(), 4U);
  EXPECT_EQ(frames[3], Frame(data(81'000)));
}

TEST_F(Channels, ControlGoesBeforeBulk) {
  sender.send_bulk(chunk(1, 100));
  sender.send_bulk(chunk(2, 100));
  sender.send(wire::Ping{3});
  auto const frames = carry(start);
  ASSERT_EQ(frames.size(), 3U);
  EXPECT_EQ(frames[0], Frame(wire::Ping{3}));
  EXPECT_EQ(frames[1], Frame(chunk(1, 100)));
  EXPECT_EQ(frames[2], Frame(chunk(2, 100)));
}

TEST_F(Channels, ControlWaitsForNoMoreThanOneBulkFrame) {
  for (std::uint64_t i = 0; i < 10; ++i) sender.send_bulk(chunk(i, 60'000));
  std::vector<Frame> frames;
  Bytes first;
  ASSERT_TRUE(sender.poll_transmit(first, start));  // the first frame whole, the second begun
  sender.send(wire::Ping{99});
  must(receiver.receive(ByteView{first}.subspan(2), frames));
  for (auto const& message : messages(start)) must(receiver.receive(message, frames));
  ASSERT_EQ(frames.size(), 11U);
  EXPECT_EQ(frames[2], Frame(wire::Ping{99}));
}

TEST_F(Channels, KnowHowMuchTheyHold) {
  EXPECT_EQ(sender.queued_bytes(), 0U);
  sender.send(wire::Ping{1});
  auto const control = sender.queued_bytes();
  EXPECT_EQ(control, 4 + 1 + 2U);
  sender.send_bulk(chunk(1, 60'000));
  sender.send_bulk(chunk(2, 60'000));
  EXPECT_GT(sender.queued_bulk_bytes(), 120'000U);
  EXPECT_EQ(sender.queued_bytes(), control + sender.queued_bulk_bytes());
  Bytes out;
  ASSERT_TRUE(sender.poll_transmit(out, start));
  EXPECT_LT(sender.queued_bytes(), 60'000U);
  EXPECT_GT(sender.queued_bytes(), 50'000U) << "what is left of the frame that has begun";
  EXPECT_EQ(sender.queued_bulk_bytes(), 0U);
  ASSERT_TRUE(sender.poll_transmit(out, start));
  EXPECT_EQ(sender.queued_bytes(), 0U);
  EXPECT_FALSE(sender.poll_transmit(out, start));
}

TEST_F(Channels, DroppingBulkKeepsTheFrameThatHasBegun) {
  for (std::uint64_t i = 0; i < 5; ++i) sender.send_bulk(chunk(i, 60'000));
  std::vector<Frame> frames;
  Bytes first;
  ASSERT_TRUE(sender.poll_transmit(first, start));
  must(receiver.receive(ByteView{first}.subspan(2), frames));
  sender.drop_bulk();
  sender.send(wire::Close{});
  for (auto const& message : messages(start)) must(receiver.receive(message, frames));
  ASSERT_EQ(frames.size(), 3U);
  EXPECT_EQ(frames[1], Frame(chunk(1, 60'000)));
  EXPECT_EQ(frames[2], Frame(wire::Close{}));
}

TEST_F(Channels, RefuseWhatWasAlteredRepeatedOrLeftOut) {
  for (std::uint64_t i = 0; i < 3; ++i) sender.send_bulk(chunk(i, 60'000));
  auto const all = messages(start);
  ASSERT_EQ(all.size(), 3U);
  std::vector<Frame> frames;
  auto const refused = [&](Bytes const& message) {
    auto const result = receiver.receive(message, frames);
    return !result && result.error().is(crypto::CryptoError::not_authentic);
  };
  EXPECT_TRUE(refused(all[1])) << "the first is missing";
  for (std::size_t bit = 0; bit < 2000; ++bit) {
    auto bad = all[0];
    bad[bit / 8] ^= static_cast<std::uint8_t>(1 << bit % 8);
    ASSERT_TRUE(refused(bad)) << bit;
  }
  EXPECT_TRUE(frames.empty());
  must(receiver.receive(all[0], frames));  // nothing that was refused moved the nonce
  EXPECT_TRUE(refused(all[0]));
  must(receiver.receive(all[1], frames));
  must(receiver.receive(all[2], frames));
  EXPECT_EQ(frames.size(), 3U);
}

TEST_F(Channels, RefuseFramesThatAreNone) {
  CipherState cipher(one.clone());
  auto const refused = [&](Bytes const& plaintext) {
    SecureChannel fresh(transport(two, one), start);
    CipherState liar(one.clone());
    Bytes message;
    must(liar.encrypt_with_ad({}, plaintext, message));
    std::vector<Frame> frames;
    auto const result = fresh.receive(message, frames);
    return result ? std::string("accepted") : result.error().name();
  };
  EXPECT_EQ(refused({0, 0, 0, 0}), "wire.truncated");
  EXPECT_EQ(refused({0, 1, 0x80, 1}), "wire.too_large");
  EXPECT_EQ(refused({0, 0, 0, 2, 0x7F, 0x90}), "wire.unknown_type");
  EXPECT_EQ(refused({0, 0, 0, 3, 0x14, 0x91, 0xC0}), "wire.wrong_type");
  EXPECT_EQ(refused({0, 0, 0, 3, 0x14, 0x91, 0x05}), "accepted");
}

bool is_rekey(Bytes const& message) { return message.size() == 4 + 1 + 1 + crypto::kAeadTagBytes; }

TEST_F(Channels, ChangeTheirKeysAfterTwoMinutes) {
  sender.send(wire::Ping{1});
  EXPECT_EQ(carry(start + SecureChannel::kRekeyAfter - std::chrono::milliseconds{1}).size(), 1U);
  auto const due = start + SecureChannel::kRekeyAfter;
  EXPECT_TRUE(messages(due).empty()) << "nothing to say, nothing to protect";
  sender.send(wire::Ping{2});
  auto const sent = messages(due);
  ASSERT_EQ(sent.size(), 2U);
  EXPECT_TRUE(is_rekey(sent[0]));
  std::vector<Frame> frames;
  must(receiver.receive(sent[0], frames));
  must(receiver.receive(sent[1], frames));
  EXPECT_EQ(frames, std::vector<Frame>{wire::Ping{2}});

  CipherState old_key(one.clone(), 2);
  Bytes plaintext;
  EXPECT_FALSE(old_key.decrypt_with_ad({}, sent[1], plaintext));
  old_key.rekey();
  EXPECT_TRUE(old_key.decrypt_with_ad({}, sent[1], plaintext));

  sender.send(wire::Ping{3});
  EXPECT_EQ(messages(due + std::chrono::seconds{119}).size(), 1U) << "the next one is two minutes after this one";
}

TEST_F(Channels, ChangeTheirKeysAtFrameBordersOnly) {
  sender.send_bulk(chunk(1, 60'000));
  sender.send_bulk(chunk(2, 60'000));
  Bytes first;
  ASSERT_TRUE(sender.poll_transmit(first, start));
  std::vector<Frame> frames;
  must(receiver.receive(ByteView{first}.subspan(2), frames));
  sender.send(wire::Ping{1});
  auto const sent = messages(start + SecureChannel::kRekeyAfter);
  for (auto const& message : sent) must(receiver.receive(message, frames));
  EXPECT_EQ(frames.size(), 3U);
}

/// After 2^30 bytes under one key. The receiver jumps to where the sender is: decrypting a gigabyte shows nothing more.
TEST_F(Channels, ChangeTheirKeysAfterAGigabyte) {
  auto const frame = chunk(1, 60'000);
  std::uint64_t sent_bytes = 0, sent_messages = 0;
  Bytes out;
  for (;; ++sent_messages) {
    if (sender.queued_bytes() < 200'000) {
      for (int i = 0; i < 8; ++i) sender.send_bulk(frame);
    }
    out.clear();
    ASSERT_TRUE(sender.poll_transmit(out, start));
    if (out.size() == 2 + 4 + 1 + 1 + crypto::kAeadTagBytes) break;
    sent_bytes += out.size() - 2;
    ASSERT_LT(sent_bytes, SecureChannel::kRekeyBytes + 3 * 65'535) << "frames that never cease put it off";
  }
  EXPECT_GE(sent_bytes, SecureChannel::kRekeyBytes);
  SecureChannel far_receiver({CipherState(two.clone()), CipherState(one.clone(), sent_messages), {}, {}}, start);
  std::vector<Frame> frames;
  must(far_receiver.receive(ByteView{out}.subspan(2), frames));
  Bytes next;
  ASSERT_TRUE(sender.poll_transmit(next, start));
  must(far_receiver.receive(ByteView{next}.subspan(2), frames));
  EXPECT_EQ(frames, std::vector<Frame>{frame});
}

TEST_F(Channels, RefuseBytesBehindAChangeOfKeys) {
  CipherState liar(one.clone());
  Bytes plaintext, message;
  wire::encode_frame(plaintext, wire::Rekey{});
  wire::encode_frame(plaintext, wire::Ping{1});
  must(liar.encrypt_with_ad({}, plaintext, message));
  std::vector<Frame> frames;
  auto const refused = receiver.receive(message, frames);
  ASSERT_FALSE(refused);
  EXPECT_TRUE(refused.error().is(CoreError::protocol_violation));
}

TEST_F(Channels, CarryAnythingInAnyMixture) {
  testing::for_each_seed(60, [&](std::uint64_t seed) -> ::testing::AssertionResult {
    testing::Dice dice(seed);
    SecureChannel from(transport(one, two), start), to(transport(two, one), start);
    std::vector<Frame> control, bulk, got_control, got_bulk, frames;
    Instant now = start;
    for (int i = 0; i < 60; ++i) {
      if (dice.chance(40)) from.send(control.emplace_back(wire::Ping{dice.next()}));
      if (dice.chance(20)) from.send(control.emplace_back(data(dice.below(81'000))));
      if (dice.chance(30)) from.send_bulk(bulk.emplace_back(chunk(dice.next(), dice.below(60'000))));
      if (dice.chance(30)) now += std::chrono::seconds{dice.below(100)};
      for (std::size_t polls = dice.below(4); polls > 0; --polls) {
        Bytes out;
        if (from.poll_transmit(out, now)) must(to.receive(ByteView{out}.subspan(2), frames));
      }
    }
    for (Bytes out; from.poll_transmit(out, now); out.clear()) must(to.receive(ByteView{out}.subspan(2), frames));
    for (auto const& frame : frames)
      (std::holds_alternative<wire::FileChunk>(frame) ? got_bulk : got_control).push_back(frame);
    if (got_control != control || got_bulk != bulk) return ::testing::AssertionFailure() << "other frames came";
    return from.queued_bytes() == 0 ? ::testing::AssertionSuccess()
                                    : ::testing::AssertionFailure() << "something is left";
  });
}

}  // namespace
}  // namespace kith::core
