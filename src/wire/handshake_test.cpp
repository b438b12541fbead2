#include "wire/handshake.hpp"

#include <gtest/gtest.h>

#include "support/codec_properties.hpp"
#include "support/spelled.hpp"

namespace kith::wire {
namespace {

using testing::spell;
using enum WireError;

constexpr auto kCert = "[6 u:1 b:32=01 b:32=02 u:1800000000 u:0 b:64=03";
constexpr auto kCapability = "[4 f u:0 [2 'lz4' 'zstd' f";

/// version, device, workspace, timestamp, nonce, capability, signature, incarnation
std::string handshake(std::string_view version = "'1-1'", std::string_view capability = kCapability,
                      std::string_view rest = "b:64=06 u:7") {
  return fmt::format("[8 {} b:32=01 b:32=04 u:1800000001 b:32=05 {} {}", version, capability, rest);
}

template <class Id>
Id filled(std::uint8_t byte) {
  Id id;
  id.bytes.fill(byte);
  return id;
}

TEST(Handshake, FieldsStandInTheirOrder) {
  HandshakePayload payload;
  payload.cert.device = payload.handshake.device = filled<DeviceId>(1);
  payload.cert.dx = filled<crypto::DhPublicKey>(2);
  payload.cert.created_s = 1'800'000'000;
  payload.cert.signature = filled<crypto::Signature>(3);
  payload.handshake.version = "1-1";
  payload.handshake.workspace = filled<GroupId>(4);
  payload.handshake.timestamp_s = 1'800'000'001;
  payload.handshake.nonce = filled<decltype(SyncHandshake::nonce)>(5);
  payload.handshake.capability.supported_formats = {{"lz4"}, {"zstd"}};
  payload.handshake.signature = filled<crypto::Signature>(6);
  payload.handshake.incarnation = {7};
  Bytes const expected = spell("[2 " + std::string(kCert) + " " + handshake());
  EXPECT_EQ(to_hex(encode(payload)), to_hex(expected));
  EXPECT_EQ(decode<HandshakePayload>(expected).value(), payload);
}

TEST(Handshake, TheCertificateSignsItsFirstFiveFields) {
  auto const cert = decode<Devcert>(spell(kCert)).value();
  EXPECT_EQ(to_hex(cert.signed_part()), to_hex(spell("[5 u:1 b:32=01 b:32=02 u:1800000000 u:0")));
}

TEST(HandshakeRefusals, Devcert) {
  testing::expect_refusals({{"", truncated},
                            {"[5 u:1 b:32 b:32 u:0 u:0", wrong_length},
                            {"[7 u:1 b:32 b:32 u:0 u:0 b:64 u:0", wrong_length},
                            {"[6 u:2 b:32 b:32 u:0 u:0 b:64", unknown_version},
                            {"[7 u:2 b:32 b:32 u:0 u:0 u:0 b:64", unknown_version},
                            {"[6 u:0 b:32 b:32 u:0 u:0 b:64", unknown_version},
                            {"[6 u:1 b:31 b:32 u:0 u:0 b:64", wrong_length},
                            {"[6 u:1 b:32 b:33 u:0 u:0 b:64", wrong_length},
                            {"[6 u:1 b:32 b:32 i:-1 u:0 b:64", bad_value},
                            {"[6 u:1 b:32 b:32 u:0 f b:64", wrong_type},
                            {"[6 u:1 b:32 b:32 u:0 u:0 b:63", wrong_length},
                            {"[6 u:1 b:32 b:32 u:0 u:0 s:64", wrong_type},
                            {"[6 u:1 s:32 b:32 u:0 u:0 b:64", wrong_type},
                            {"[6 u:1 b:32 b:32 cc00 u:0 b:64", not_canonical},
                            {"[6 u:1 b:32 b:32 u:0 u:0 b:64 00", trailing_bytes},
                            {"[6 u:1 b:32 b:32 u:0 u:0", truncated}},
                           [](ByteView bytes) { return decode<Devcert>(bytes); });
}

TEST(HandshakeRefusals, Payload) {
  auto const payload = [](std::string const& handshake) { return "[2 " + std::string(kCert) + " " + handshake; };
  auto const capability = [&](std::string_view spelled) { return payload(handshake("'1-1'", spelled)); };
  testing::expect_refusals({{"", truncated},
                            {"[0", wrong_length},
                            {"[1 " + std::string(kCert), wrong_length},
                            {"[3 " + std::string(kCert) + " " + handshake() + " u:0", wrong_length},
                            {payload(""), truncated},
                            {"[2 " + handshake() + " " + kCert, wrong_type, "the wrong way round"},
                            {payload(handshake("b:3")), wrong_type},
                            {payload(handshake("s:65")), too_large},
                            {payload(handshake("a1ff")), not_utf8},
                            {payload(handshake("d90161")), not_canonical},
                            {payload("[7 'a' b:32 b:32 u:1 b:32 " + std::string(kCapability) + " b:64"), wrong_length,
                             "without an incarnation"},
                            {capability("[3 f u:0 [0"), wrong_length},
                            {capability("[4 u:0 u:0 [0 f"), wrong_type},
                            {capability("[4 f u:0 [0 u:0"), wrong_type},
                            {capability("[4 f i:-1 [0 f"), bad_value},
                            {capability("[4 f u:0 [17 x:17=a0 f"), too_large},
                            {capability("[4 f u:0 [1 s:33 f"), too_large},
                            {capability("[4 f u:0 [1 b:3 f"), wrong_type},
                            {capability("[4 f u:0 [1 a1ff f"), not_utf8},
                            {payload(handshake("'1-1'", kCapability, "b:63 u:7")), wrong_length},
                            {payload(handshake("'1-1'", kCapability, "b:64 i:-7")), bad_value},
                            {payload(handshake("'1-1'", kCapability, "u:7 b:64")), wrong_type},
                            {payload(handshake()) + " 00", trailing_bytes}},
                           [](ByteView bytes) { return decode<HandshakePayload>(bytes); });
}

TEST(Handshake, HoldsTheCodecProperties) {
  testing::check_codec(testing::record_codec<Devcert>());
  testing::check_codec(testing::record_codec<SyncCapability>());
  testing::check_codec(testing::record_codec<SyncHandshake>());
  testing::check_codec(testing::record_codec<HandshakePayload>());
}

}  // namespace
}  // namespace kith::wire
