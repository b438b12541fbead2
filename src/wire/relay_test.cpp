#include "wire/relay.hpp"

#include <gtest/gtest.h>

#include "support/codec_properties.hpp"
#include "support/seeded_random.hpp"
#include "support/spelled.hpp"

namespace kith::wire {
namespace {

using testing::spell;
using enum WireError;

template <class Id>
Id filled(std::uint8_t byte) {
  Id id;
  id.bytes.fill(byte);
  return id;
}

void expect_spelling(RelayMessage const& message, std::string const& spelled) {
  Bytes const bytes = spell(spelled);
  Bytes encoded;
  encode_relay_message(encoded, message);
  ASSERT_GE(encoded.size(), 4u);
  EXPECT_EQ(load_be<std::uint32_t>(encoded.data()), encoded.size() - 4);
  EXPECT_EQ(to_hex(ByteView{encoded}.subspan(4)), to_hex(bytes)) << spelled;
  auto const decoded = decode_relay_message(bytes);
  ASSERT_TRUE(decoded) << spelled << ": " << decoded.error().name();
  EXPECT_TRUE(*decoded == message) << spelled;
}

AclRecord signed_first(crypto::SigningKey const& channel, std::vector<Pseudonym> pseudonyms) {
  AclRecord record;
  record.channel = {channel.public_key().bytes};
  record.pseudonyms = std::move(pseudonyms);
  sign_acl(record, channel);
  return record;
}

TEST(RelayMessages, StandAsTheSpecificationSays) {
  auto const channel = filled<ChannelId>(1);
  auto const name = filled<Pseudonym>(2);
  expect_spelling(Hello{7, 1, 1, 0, channel, name, filled<crypto::Signature>(3), {9}, filled<crypto::Hash128>(4)},
                  "[10 u:1 u:7 u:1 u:1 u:0 b:32=01 b:32=02 b:64=03 u:9 b:16=04");
  expect_spelling(Welcome{7, 1, 0, filled<LogEpoch>(5), {20}, {3}, 2, filled<crypto::Hash256>(6), {8}, 100, 50, 64, 30},
                  "[14 u:2 u:7 u:1 u:0 b:8=05 u:20 u:3 u:2 b:32=06 u:8 u:100 u:50 u:64 u:30");
  expect_spelling(Done{7}, "[2 u:3 u:7");
  expect_spelling(Push{7, {1}, {{0, Bytes(20, 1)}, {60, Bytes(2, 2)}}},
                  "[4 u:16 u:7 u:1 [2 [2 u:0 b:20=01 [2 u:60 b:2=02");
  expect_spelling(PushAck{7, {1}, {{4}, {5}}}, "[4 u:17 u:7 u:1 [2 u:4 u:5");
  expect_spelling(Pull{7, {3}, 1000}, "[4 u:32 u:7 u:3 u:1000");
  expect_spelling(PullResponse{7, {{{4}, name, 3600, 0, Bytes(3, 9)}}, {4}, true},
                  "[5 u:33 u:7 [1 [5 u:4 b:32=02 u:3600 u:0 b:3=09 u:4 t");
  expect_spelling(RelayAck{0, {4}}, "[3 u:34 u:0 u:4");
  expect_spelling(RelayPresence{0, {{name, 5, Bytes(2, 7)}}}, "[3 u:48 u:0 [1 [3 b:32=02 u:5 b:2=07");
  expect_spelling(Notify{0, {4}}, "[3 u:49 u:0 u:4");
  expect_spelling(LiveItems{0, {}}, "[3 u:50 u:0 [0");
  expect_spelling(DeleteItems{7, {{4}}}, "[3 u:64 u:7 [1 u:4");
  expect_spelling(Trim{7, {4}}, "[3 u:65 u:7 u:4");
  expect_spelling(AclGet{7, 2}, "[3 u:81 u:7 u:2");
  expect_spelling(RecPut{7, filled<RecoveryLocator>(1), Bytes(4, 5)}, "[4 u:82 u:7 b:32=01 b:4=05");
  expect_spelling(RecGet{7, filled<RecoveryLocator>(1)}, "[3 u:83 u:7 b:32=01");
  expect_spelling(RecRecords{7, {{Bytes(4, 5)}}}, "[3 u:85 u:7 [1 b:4=05");
  expect_spelling(ObjPut{7, filled<ObjectId>(1), 10, 0, 60, Bytes(10, 5)}, "[7 u:96 u:7 b:32=01 u:10 u:0 u:60 b:10=05");
  expect_spelling(ObjGet{7, filled<ObjectId>(1), 0, 99}, "[5 u:97 u:7 b:32=01 u:0 u:99");
  expect_spelling(ObjHave{7, {filled<ObjectId>(1)}}, "[3 u:98 u:7 [1 b:32=01");
  expect_spelling(ObjDelete{7, {filled<ObjectId>(1)}}, "[3 u:99 u:7 [1 b:32=01");
  expect_spelling(ObjPart{7, filled<ObjectId>(1), 10, 0, Bytes(10, 5)}, "[6 u:100 u:7 b:32=01 u:10 u:0 b:10=05");
  expect_spelling(ObjHeld{7, {{filled<ObjectId>(1), 10, 99}}}, "[3 u:101 u:7 [1 [3 b:32=01 u:10 u:99");
  expect_spelling(RelayFailure{7, RelayErrorCode::seq_gap, "gap", 0, 4, {}}, "[7 u:255 u:7 u:6 'gap' u:0 u:4 b:0");
}

TEST(RelayMessages, RefuseWhatIsNone) {
  auto const refused = [](std::string const& spelled) {
    auto const decoded = decode_relay_message(spell(spelled));
    return decoded ? std::string("accepted") : decoded.error().name();
  };
  EXPECT_EQ(refused("[0"), "wire.truncated");
  EXPECT_EQ(refused("[1 u:3"), "wire.wrong_length");
  EXPECT_EQ(refused("[3 u:3 u:7 u:1"), "wire.wrong_length");
  EXPECT_EQ(refused("[2 u:4 u:7"), "wire.unknown_type");
  EXPECT_EQ(refused("[2 u:112 u:7"), "wire.unknown_type");
  EXPECT_EQ(refused("[2 u:259 u:7"), "wire.unknown_type");
  EXPECT_EQ(refused("[4 u:16 u:7 u:1 [1 [2 u:0 b:81921"), "wire.too_large");
  EXPECT_EQ(refused("[3 u:85 u:7 [1 b:1025"), "wire.too_large");
  EXPECT_EQ(refused("[7 u:255 u:7 u:0 'x' u:0 u:4 b:0"), "wire.bad_value");
  EXPECT_EQ(refused("[7 u:255 u:7 u:17 'x' u:0 u:4 b:0"), "wire.bad_value");
  EXPECT_EQ(refused("[5 u:33 u:7 [0 u:4 u:1"), "wire.wrong_type");
}

TEST(RelaySplitter, CutsAStreamAndRefusesALengthAsSoonAsItIsSeen) {
  Bytes stream;
  encode_relay_message(stream, Done{1});
  std::size_t const first = stream.size();
  encode_relay_message(stream, Pull{2, {3}, 4});
  RelaySplitter splitter;
  std::vector<RelayMessage> got;
  for (auto const byte : stream) {
    splitter.feed(ByteView{&byte, 1});
    auto const next = splitter.next(100);
    ASSERT_TRUE(next);
    if (*next) got.push_back(decode_relay_message(**next).value());
  }
  EXPECT_EQ(got, (std::vector<RelayMessage>{Done{1}, Pull{2, {3}, 4}}));
  RelaySplitter small;
  small.feed(ByteView{stream}.first(4));
  EXPECT_FALSE(small.next(first - 5).has_value());
  EXPECT_TRUE(RelaySplitter{}.next(1).has_value());
}

TEST(AclRecords, AreSignedByTheChannelAndThenByMembers) {
  testing::SeededRandom random(3);
  auto const channel = crypto::SigningKey::generate(random);
  auto const a = crypto::SigningKey::generate(random), b = crypto::SigningKey::generate(random);
  Pseudonym const name_a{a.public_key().bytes}, name_b{b.public_key().bytes};
  auto const first = signed_first(channel, {name_a});
  EXPECT_TRUE(begins_acl(first));

  AclRecord second;
  second.channel = first.channel;
  second.version = 2;
  second.prev = acl_record_hash(first);
  second.pseudonyms = {std::min(name_a, name_b), std::max(name_a, name_b)};
  sign_acl(second, a);
  EXPECT_TRUE(follows_acl(first, second));
  EXPECT_FALSE(begins_acl(second));

  auto const changed = [&](auto&& change, crypto::SigningKey const& key) {
    AclRecord record = second;
    change(record);
    sign_acl(record, key);
    return follows_acl(first, record);
  };
  auto const nothing = [](AclRecord&) {};
  EXPECT_FALSE(changed(nothing, b)) << "not a member of the version before";
  EXPECT_TRUE(changed(nothing, channel));
  EXPECT_FALSE(changed([](AclRecord& r) { r.version = 3; }, a)) << "a member may not jump";
  EXPECT_TRUE(changed([](AclRecord& r) { r.version = 3; }, channel));
  EXPECT_TRUE(changed([](AclRecord& r) { r.version = 1 + kMaxAclJump; }, channel));
  EXPECT_FALSE(changed([](AclRecord& r) { r.version = 2 + kMaxAclJump; }, channel));
  EXPECT_FALSE(changed([](AclRecord& r) { r.version = ~std::uint64_t{0}; }, channel));
  EXPECT_FALSE(changed([](AclRecord& r) { r.version = 1; }, channel));
  EXPECT_FALSE(changed([](AclRecord& r) { r.prev = {}; }, a));
  EXPECT_FALSE(changed([](AclRecord& r) { std::swap(r.pseudonyms[0], r.pseudonyms[1]); }, a));
  EXPECT_FALSE(changed([](AclRecord& r) { r.pseudonyms[1] = r.pseudonyms[0]; }, a));
  AclRecord forged = second;
  forged.pseudonyms.pop_back();
  EXPECT_FALSE(follows_acl(first, forged)) << "the signature is of another list";
  forged = second;
  forged.signer = b.public_key();
  EXPECT_FALSE(follows_acl(first, forged));
  AclRecord stolen = first;
  stolen.channel = filled<ChannelId>(9);
  EXPECT_FALSE(begins_acl(stolen));
}

TEST(AclRecords, OfTheChannelsKeyAloneOverruleWhateverTheyName) {
  testing::SeededRandom random(4);
  auto const channel = crypto::SigningKey::generate(random), a = crypto::SigningKey::generate(random);
  Pseudonym const name{a.public_key().bytes};
  auto const first = signed_first(channel, {name});
  auto last = first;
  last.version = 7;
  auto const overrules = [&](auto&& change, crypto::SigningKey const& key) {
    AclRecord record = last;
    record.version = 8;
    record.prev = acl_record_hash(first);
    change(record);
    sign_acl(record, key);
    EXPECT_FALSE(follows_acl(last, record));
    return overrules_acl(last, record);
  };
  EXPECT_TRUE(overrules([](AclRecord&) {}, channel));
  EXPECT_FALSE(overrules([](AclRecord&) {}, a)) << "who is a member follows, or has nothing to say";
  EXPECT_TRUE(overrules([](AclRecord& r) { r.version = 7 + kMaxAclJump; }, channel));
  EXPECT_FALSE(overrules([](AclRecord& r) { r.version = 8 + kMaxAclJump; }, channel));
  EXPECT_FALSE(overrules([](AclRecord& r) { r.version = ~std::uint64_t{0}; }, channel));
  EXPECT_FALSE(overrules([](AclRecord& r) { r.version = 7; }, channel));
  EXPECT_FALSE(overrules([](AclRecord& r) { r.prev = {}; }, channel));
  EXPECT_FALSE(overrules([](AclRecord& r) { r.channel = filled<ChannelId>(9); }, channel));
  EXPECT_FALSE(overrules([&](AclRecord& r) { r.pseudonyms = {name, name}; }, channel));
  AclRecord forged = last;
  forged.version = 8;
  forged.prev = acl_record_hash(first);
  sign_acl(forged, a);
  forged.signer = channel.public_key();
  EXPECT_FALSE(overrules_acl(last, forged));
}

TEST(Stamp, CountsLeadingZeroBits) {
  RelayKey const relay = filled<RelayKey>(1);
  ChannelId const channel = filled<ChannelId>(2);
  Bytes nonce(kStampBytes, 0);
  unsigned most = 0;
  for (std::uint64_t i = 0; i < 4096; ++i) {
    store_be(nonce.data(), i);
    most = std::max(most, stamp_bits(relay, channel, nonce));
  }
  EXPECT_GE(most, 8u);  // of 4096 hashes, all but (1 - 2^-8)^4096, one in ten million cases
  EXPECT_LE(most, 40u);
  store_be(nonce.data(), std::uint64_t{5});
  EXPECT_NE(crypto::hash256("kith/stamp/1", {relay.view(), channel.view(), nonce}), crypto::Hash256{});
}

TEST(RelayMessages, HoldTheCodecProperties) {
  testing::check_codec(
      testing::CodecUnderTest{[](testing::Extent extent) { return testing::draw_alternative<RelayMessage>(extent); },
                              [](RelayMessage const& message) {
                                Bytes out;
                                encode_relay_message(out, message);
                                return Bytes(out.begin() + 4, out.end());
                              },
                              decode_relay_message});
}

TEST(RelayCodecs, HoldAllPropertiesOfTheWireFormat) {
  testing::check_codec(testing::record_codec<Hello>());
  testing::check_codec(testing::record_codec<Welcome>());
  testing::check_codec(testing::record_codec<Push>());
  testing::check_codec(testing::record_codec<PullResponse>());
  testing::check_codec(testing::record_codec<RelayPresence>());
  testing::check_codec(testing::record_codec<AclPut>());
  testing::check_codec(testing::record_codec<ObjHeld>());
  testing::check_codec(testing::record_codec<RelayFailure>());
}

}  // namespace
}  // namespace kith::wire
