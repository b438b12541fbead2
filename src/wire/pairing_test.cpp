#include "wire/pairing.hpp"

#include <gtest/gtest.h>

#include "support/codec_properties.hpp"
#include "support/spelled.hpp"

namespace kith::wire {
namespace {

using testing::Extent;
using testing::spell;
using enum WireError;

constexpr auto kCert = "[6 u:1 b:32=01 b:32=02 u:5 u:0 b:64=03";
std::string const kGenesis = std::string("[8 u:1 ") + kCert + " b:32 b:32 b:32 b:32 'home' b:16";

template <class Id>
Id filled(std::uint8_t byte) {
  Id id;
  id.bytes.fill(byte);
  return id;
}

void expect_spelling(PairMessage const& message, std::string const& spelled) {
  Bytes const bytes = spell(spelled);
  EXPECT_EQ(to_hex(encode_pair_message(message)), to_hex(bytes)) << spelled;
  auto const decoded = decode_pair_message(bytes);
  ASSERT_TRUE(decoded) << spelled << ": " << decoded.error().name();
  EXPECT_TRUE(*decoded == message) << spelled;
}

TEST(PairMessages, StandAsTheSpecificationSays) {
  auto const share = filled<crypto::cpace::Share>(1);
  auto const nonce = filled<PairNonce>(2);
  auto const tag = filled<crypto::Mac256>(3);
  Bytes const box(20, 0x11);
  expect_spelling(PairHello{{"7F3K9QDM"}, share, nonce}, "[4 u:1 '7F3K9QDM' b:32=01 b:32=02");
  expect_spelling(PairShare{share, nonce, tag}, "[4 u:2 b:32=01 b:32=02 b:32=03");
  expect_spelling(PairConfirm{tag, box}, "[3 u:3 b:32=03 b:20");
  expect_spelling(PairIdentity{box}, "[2 u:4 b:20");
  expect_spelling(PairOffer{box}, "[2 u:5 b:20");
  expect_spelling(PairPseudonyms{box}, "[2 u:6 b:20");
  expect_spelling(PairWelcome{box}, "[2 u:7 b:20");
  expect_spelling(PairJoined{{}}, "[2 u:8 b:0");
  expect_spelling(PairEnd{PairEndCode::wrong_code, 2}, "[3 u:9 u:1 u:2");
}

TEST(PairBoxes, StandAsTheSpecificationSays) {
  std::string const certificate = kCert;
  Devcert const cert = decode<Devcert>(spell(certificate)).value();
  EXPECT_EQ(encode(PairIdentityBox{cert, "phone", filled<crypto::Signature>(4)}),
            spell("[3 " + certificate + " 'phone' b:64=04"));
  EXPECT_EQ(encode(PairOfferBox{filled<GroupId>(1), "home", {{"wss://r", filled<RelayKey>(2), filled<ChannelId>(3)}}}),
            spell("[3 b:32=01 'home' [1 [3 'wss://r' b:32=02 b:32=03"));
  EXPECT_EQ(encode(PairPseudonymsBox{{filled<Pseudonym>(1)}}), spell("[1 [1 b:32=01"));
  EXPECT_EQ(encode(PairJoinedBox{}), spell("[0"));
  PairWelcomeBox welcome;
  welcome.genesis = decode<Genesis>(spell(kGenesis)).value();
  welcome.secrets.push_back(*EpochSecret::from(Bytes(32, 4)));
  welcome.device_add = filled<EntryHash>(5);
  welcome.addresses = {{"a:1"}};
  EXPECT_EQ(encode(welcome), spell("[4 " + kGenesis + " [1 b:32=04 b:32=05 [1 'a:1'"));
}

TEST(PairMessageRefusals, Envelope) {
  testing::expect_refusals({{"", truncated},
                            {"[0", truncated},
                            {"[0 u:9", wrong_length},
                            {"[1", truncated},
                            {"u:1", wrong_type},
                            {"b:5", wrong_type},
                            {"4b495448 01 01 01 00000000", wrong_type, "an opening"},
                            {"[1 t", wrong_type},
                            {"[1 i:-1", bad_value},
                            {"[1 u:0", unknown_type},
                            {"[1 u:10", unknown_type},
                            {"[1 u:255", unknown_type},
                            {"[1 u:257", unknown_type, "not 1"},
                            {"[1 cfffffffffffffff01", unknown_type},
                            {"[1 cc01", not_canonical},
                            {"dc0002 u:4 b:0", not_canonical},
                            {"ddffffffff u:4", truncated},
                            {"[2 u:4 b:4094", too_large},
                            {"x:4097", too_large},
                            {"x:100000=ff", too_large},
                            {"[2 u:4 b:0 00", trailing_bytes}},
                           decode_pair_message);
}

TEST(PairMessageRefusals, KeyExchange) {
  testing::expect_refusals({{"[3 u:1 '7F3K9QDM' b:32", wrong_length},
                            {"[5 u:1 '7F3K9QDM' b:32 b:32 u:0", wrong_length},
                            {"[4 u:1 b:8 b:32 b:32", wrong_type},
                            {"[4 u:1 '7F3K9QD' b:32 b:32", bad_value, "seven symbols"},
                            {"[4 u:1 '7F3K9QDMX' b:32 b:32", too_large, "nine"},
                            {"[4 u:1 '7f3k9qdm' b:32 b:32", bad_value, "lower case is for people"},
                            {"[4 u:1 '7F3K-QDM' b:32 b:32", bad_value},
                            {"[4 u:1 '7F3KIQDM' b:32 b:32", bad_value, "I is no symbol"},
                            {"[4 u:1 '7F3KUQDM' b:32 b:32", bad_value, "nor is U"},
                            {"[4 u:1 s:0 b:32 b:32", bad_value},
                            {"[4 u:1 a8 ffffffffffffffff b:32 b:32", not_utf8},
                            {"[4 u:1 '7F3K9QDM' b:31 b:32", wrong_length},
                            {"[4 u:1 '7F3K9QDM' b:32 b:33", wrong_length},
                            {"[4 u:1 '7F3K9QDM' b:32", truncated},
                            {"[3 u:2 b:32 b:32", wrong_length},
                            {"[5 u:2 b:32 b:32 b:32 b:32", wrong_length},
                            {"[4 u:2 b:32 b:32 b:16", wrong_length},
                            {"[4 u:2 u:1 b:32 b:32", wrong_type},
                            {"[4 u:2 b:32 s:32 b:32", wrong_type},
                            {"[4 u:2 c50020 x:32 b:32 b:32", not_canonical},
                            {"[4 u:2 b:32 b:32 b:32 00", trailing_bytes}},
                           decode_pair_message);
}

TEST(PairMessageRefusals, SealedAndEnd) {
  testing::expect_refusals({{"[2 u:3 b:32", wrong_length},
                            {"[4 u:3 b:32 b:20 u:0", wrong_length},
                            {"[3 u:3 b:31 b:20", wrong_length},
                            {"[3 u:3 b:32 s:20", wrong_type},
                            {"[3 u:3 b:32 c514", truncated},
                            {"[3 u:3 b:20 b:32", wrong_length, "the wrong way round"},
                            {"[1 u:4", wrong_length},
                            {"[3 u:4 b:20 b:20", wrong_length},
                            {"[2 u:5 'box'", wrong_type},
                            {"[2 u:5 [0", wrong_type},
                            {"[2 u:6 c0", wrong_type},
                            {"[2 u:6 c50000", not_canonical},
                            {"[2 u:7 c410 x:15", truncated},
                            {"[1 u:8", wrong_length},
                            {"[2 u:8 t", wrong_type},
                            {"[2 u:9 u:1", wrong_length},
                            {"[4 u:9 u:1 u:1 u:1", wrong_length},
                            {"[3 u:9 u:0 u:1", bad_value},
                            {"[3 u:9 u:8 u:1", bad_value, "no such code"},
                            {"[3 u:9 u:257 u:1", bad_value},
                            {"[3 u:9 u:1 u:256", bad_value},
                            {"[3 u:9 u:1 i:-1", bad_value},
                            {"[3 u:9 t u:1", wrong_type},
                            {"[3 u:9 u:1 cc01", not_canonical}},
                           decode_pair_message);
}

TEST(PairBoxRefusals, Identity) {
  std::string const certificate = kCert;
  testing::expect_refusals({{"", truncated},
                            {"[2 " + certificate + " 'a'", wrong_length, "no proof"},
                            {"[4 " + certificate + " 'a' b:64 u:0", wrong_length},
                            {"[3 b:32 'a' b:64", wrong_type},
                            {"[3 " + certificate + " b:1 b:64", wrong_type},
                            {"[3 " + certificate + " s:256 b:64", too_large},
                            {"[3 " + certificate + " a1ff b:64", not_utf8},
                            {"[3 " + certificate + " 'a' b:63", wrong_length},
                            {"[3 " + certificate + " 'a' s:64", wrong_type},
                            {"[3 [6 u:2 b:32 b:32 u:5 u:0 b:64 'a' b:64", unknown_version},
                            {"[3 'a' " + certificate + " b:64", wrong_type},
                            {"[3 " + certificate, truncated},
                            {"[3 " + certificate + " 'a'", truncated},
                            {"[3 " + certificate + " 'a' b:64 00", trailing_bytes}},
                           [](ByteView bytes) { return decode<PairIdentityBox>(bytes); });
}

TEST(PairBoxRefusals, OfferAndPseudonyms) {
  testing::expect_refusals({{"", truncated},
                            {"[2 b:32 'home'", wrong_length},
                            {"[3 b:31 'home' [0", wrong_length},
                            {"[3 b:32 b:4 [0", wrong_type},
                            {"[3 b:32 s:256 [0", too_large},
                            {"[3 b:32 'home' b:0", wrong_type},
                            {"[3 b:32 'home' [9 x:9", too_large, "nine relays"},
                            {"[3 b:32 'home' [1 [2 'r' b:32", wrong_length},
                            {"[3 b:32 'home' [1 [3 s:256 b:32 b:32", too_large},
                            {"[3 b:32 'home' [1 [3 'r' b:31 b:32", wrong_length},
                            {"[3 b:32 'home' [1 [3 b:1 b:32 b:32", wrong_type},
                            {"[3 b:32 'home' [0 00", trailing_bytes}},
                           [](ByteView bytes) { return decode<PairOfferBox>(bytes); });
  testing::expect_refusals({{"", truncated},
                            {"[0", wrong_length},
                            {"[2 [0 [0", wrong_length},
                            {"[1 b:32", wrong_type},
                            {"[1 [9 x:9", too_large},
                            {"[1 [1 b:31", wrong_length},
                            {"[1 [1 s:32", wrong_type},
                            {"[1 [2 b:32", truncated},
                            {"[1 dc0000", not_canonical},
                            {"[1 [0 00", trailing_bytes}},
                           [](ByteView bytes) { return decode<PairPseudonymsBox>(bytes); });
}

TEST(PairBoxRefusals, WelcomeAndJoined) {
  auto const welcome = [](std::string const& rest) { return "[4 " + kGenesis + " " + rest; };
  testing::expect_refusals({{"", truncated},
                            {"[3 " + kGenesis + " [0 b:32", wrong_length},
                            {"[5 " + kGenesis + " [0 b:32 [0 u:0", wrong_length},
                            {"[4 u:1 [0 b:32 [0", wrong_type},
                            {"[4 [8 u:2 x:7 [0 b:32 [0", unknown_version},
                            {welcome("b:32 b:32 [0"), wrong_type},
                            {welcome("[1 b:31 b:32 [0"), wrong_length},
                            {welcome("dc1001 x:4097"), too_large},
                            {welcome("[0 b:31 [0"), wrong_length},
                            {welcome("[0 b:32 [9 x:9=a0"), too_large},
                            {welcome("[0 b:32 [1 s:256"), too_large},
                            {welcome("[0 b:32 [1 b:1"), wrong_type},
                            {welcome("[0 b:32 [0 00"), trailing_bytes}},
                           [](ByteView bytes) { return decode<PairWelcomeBox>(bytes); });
  testing::expect_refusals({{"", truncated},
                            {"[1 u:0", wrong_length},
                            {"b:0", wrong_type},
                            {"c0", wrong_type},
                            {"00", wrong_type},
                            {"80", wrong_type},
                            {"dc0000", not_canonical},
                            {"dd00000000", not_canonical},
                            {"[0 00", trailing_bytes},
                            {"[0 [0", trailing_bytes}},
                           [](ByteView bytes) { return decode<PairJoinedBox>(bytes); });
}

TEST(PairMessages, HoldTheCodecProperties) {
  auto const draw = [](Extent extent) {
    auto message = testing::draw_alternative<PairMessage>(extent);
    std::visit(
        []<class T>(T& known) {
          if constexpr (requires { known.box; })
            known.box.resize(std::min<std::size_t>(known.box.size(), 4000));  // the whole is bounded too
        },
        message);
    return message;
  };
  testing::check_codec(testing::CodecUnderTest{draw, encode_pair_message, decode_pair_message});
}

TEST(PairBoxes, HoldTheCodecProperties) {
  testing::check_codec(testing::record_codec<PairIdentityBox>());
  testing::check_codec(testing::record_codec<PairOfferBox>());
  testing::check_codec(testing::record_codec<PairPseudonymsBox>());
  testing::check_codec(testing::record_codec<PairWelcomeBox>());
  testing::check_codec(testing::record_codec<PairJoinedBox>());
}

}  // namespace
}  // namespace kith::wire
