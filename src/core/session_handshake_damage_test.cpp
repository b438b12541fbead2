#include "support/handshakes.hpp"
#include "support/seeds.hpp"

/// Messages of a handshake that were damaged on the way, or are none.
namespace kith::core {
namespace {

using testing::Handshakes;

TEST_F(Handshakes, RefuseLengthsThatNoMessageOfTheirsHas) {
  Bytes const oversize{0x10, 0x01};
  dial();
  a.session->on_bytes(oversize, now());
  EXPECT_EQ(reason(a), "wire.too_large");
  ASSERT_TRUE(accept(wire::encode(wire::Opening{})));
  b.session->on_bytes(oversize, now());
  EXPECT_EQ(reason(b), "wire.too_large");
  EXPECT_TRUE(b.transmit(now()).empty());
  ASSERT_TRUE(accept(first_message()));
  second_message();
  b.session->on_bytes(oversize, now());
  EXPECT_EQ(reason(b), "wire.too_large");
}

TEST_F(Handshakes, EndOnGarbageAtEachStep) {
  testing::Dice dice(1);
  for (int tries = 0; tries < 300; ++tries) {
    Bytes garbage(dice.below(600));
    for (auto& byte : garbage) byte = static_cast<std::uint8_t>(dice.next());
    Bytes framed;
    wire::append_message(framed, garbage);
    auto const hello = first_message();
    a.session->on_bytes(framed, now());
    EXPECT_FALSE(a.session->open());
    EXPECT_NE(reason(a), "still there");

    ASSERT_TRUE(accept(wire::encode(wire::Opening{})));
    b.session->on_bytes(framed, now());
    EXPECT_NE(reason(b), "still there");
    EXPECT_TRUE(b.transmit(now()).empty());

    ASSERT_TRUE(accept(hello));
    second_message();
    b.session->on_bytes(framed, now());
    EXPECT_FALSE(b.session->open());
    EXPECT_NE(reason(b), "still there");
    EXPECT_TRUE(b.transmit(now()).empty());
  }
}

TEST_F(Handshakes, EndOnMessagesOfNothing) {
  dial();
  a.session->on_bytes(Bytes{0, 0}, now());
  EXPECT_NE(reason(a), "still there");
  ASSERT_TRUE(accept(Bytes{'K', 'I', 'T', 'H', 1, 1, 1, 0, 0, 0, 0, 0, 0}));
  EXPECT_NE(reason(b), "still there");
}

#if defined(__SANITIZE_ADDRESS__)
constexpr std::size_t kEachBit = 11;  // an eleventh of them: each is a handshake of its own
#else
constexpr std::size_t kEachBit = 1;
#endif

Bytes with_flipped(Bytes bytes, std::size_t bit) {
  bytes[bit / 8] = static_cast<std::uint8_t>(bytes[bit / 8] ^ (1 << bit % 8));
  return bytes;
}

TEST_F(Handshakes, OpenNothingOnAnyFlippedBitOfTheFirstMessage) {
  auto const good = first_message();
  for (std::size_t bit = 0; bit < good.size() * 8; bit += kEachBit) {
    b.session.reset();
    if (!accept(with_flipped(good, bit))) continue;  // no opening of a session
    ASSERT_TRUE(second_message().empty()) << "byte " << bit / 8;
    ASSERT_FALSE(b.session->open()) << "byte " << bit / 8;
  }
}

TEST_F(Handshakes, OpenNothingOnAnyFlippedBitOfTheSecondMessage) {
  std::size_t bits = 8;
  for (std::size_t bit = 0; bit < bits; bit += kEachBit) {
    ASSERT_TRUE(accept(first_message()));
    auto const reply = second_message();
    bits = reply.size() * 8;
    deliver(*a.session, with_flipped(reply, bit));
    ASSERT_FALSE(a.session->open()) << "byte " << bit / 8;
    ASSERT_TRUE(a.transmit(now()).empty()) << "byte " << bit / 8;
  }
}

TEST_F(Handshakes, OpenNothingOnAnyFlippedBitOfTheThirdMessage) {
  std::size_t bits = 8;
  for (std::size_t bit = 0; bit < bits; bit += kEachBit) {
    ASSERT_TRUE(accept(first_message()));
    deliver(*a.session, second_message());
    auto const proof = a.transmit(now());
    bits = proof.size() * 8;
    deliver(*b.session, with_flipped(proof, bit));
    ASSERT_FALSE(b.session->open()) << "byte " << bit / 8;
    ASSERT_TRUE(b.transmit(now()).empty()) << "byte " << bit / 8;
  }
}

}  // namespace
}  // namespace kith::core
