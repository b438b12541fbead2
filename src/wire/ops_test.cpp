#include "wire/ops.hpp"

#include <gtest/gtest.h>

#include "support/codec_properties.hpp"
#include "support/spelled.hpp"

namespace kith::wire {
namespace {

using testing::spell;
using enum WireError;

constexpr auto kCert = "[6 u:1 b:32=01 b:32=02 u:5 u:0 b:64=03";
constexpr auto kTip = "[4 b:32=01 u:3 u:7 b:32=04";
constexpr auto kContent = "[3 u:1 u:0 [1 [2 u:9 b:32=05";

template <class Id>
Id filled(std::uint8_t byte) {
  Id id;
  id.bytes.fill(byte);
  return id;
}
template <class S>
S secret(std::uint8_t byte) {
  return *S::from(Bytes(S::kBytes, byte));
}

Devcert cert() {
  Devcert out;
  out.device = filled<DeviceId>(1);
  out.dx = filled<crypto::DhPublicKey>(2);
  out.created_s = 5;
  out.signature = filled<crypto::Signature>(3);
  return out;
}
Tip tip() { return {{filled<DeviceId>(1), {3}}, {7}, filled<EntryHash>(4)}; }
Content content() { return {HashAlg::blake2b_256_keyed, 0, {{9, filled<ChunkId>(5)}}}; }

Genesis genesis() {
  Genesis out;
  out.creator = cert();
  out.recovery_sign = filled<crypto::SignPublicKey>(6);
  out.recovery_dx = filled<crypto::DhPublicKey>(7);
  out.locator_secret = secret<LocatorSecret>(8);
  out.content_secret = secret<ContentSecret>(9);
  out.name = "home";
  out.random = filled<decltype(out.random)>(0x0A);
  return out;
}
std::string const kGenesis = std::string("[8 u:1 ") + kCert + " b:32=06 b:32=07 b:32=08 b:32=09 'home' b:16=0a";

template <class T>
std::vector<T> one(T value) {
  std::vector<T> out;
  out.push_back(std::move(value));
  return out;
}

Bytes encoded(Op op) {
  Bytes out;
  encode_op(out, op);
  return out;
}

Result<std::vector<Op>> one_op(ByteView op) {
  Bytes list = spell("[1");
  append(list, op);
  return decode_ops(list);
}

void expect_spelling(Op op, std::string const& spelled) {
  Bytes const bytes = spell(spelled);
  EXPECT_EQ(to_hex(encoded(std::move(op))), to_hex(bytes)) << spelled;
  auto const decoded = one_op(bytes);
  ASSERT_TRUE(decoded) << spelled << ": " << decoded.error().name();
  Bytes again;
  encode_op(again, decoded->front());
  EXPECT_EQ(to_hex(again), to_hex(bytes)) << spelled;
}

TEST(Ops, RosterOpsStandAsTheSpecificationSays) {
  std::string const certificate = kCert;
  expect_spelling(GenesisOp{genesis()}, "[2 u:1 " + kGenesis);
  expect_spelling(DeviceAdd{cert(), "phone", filled<EpochId>(0x0B), std::nullopt},
                  "[4 u:2 " + certificate + " 'phone' b:16=0b");
  expect_spelling(DeviceAdd{cert(), "phone", filled<EpochId>(0x0B), filled<crypto::Signature>(0x0C)},
                  "[5 u:2 " + certificate + " 'phone' b:16=0b b:64=0c");
  expect_spelling(DeviceRemove{filled<DeviceId>(1), RemoveReason::lost, std::nullopt}, "[3 u:3 b:32=01 u:1");
  expect_spelling(DeviceRemove{filled<DeviceId>(1), RemoveReason::compromised, filled<crypto::Signature>(0x0C)},
                  "[4 u:3 b:32=01 u:2 b:64=0c");
  expect_spelling(DeviceRename{filled<DeviceId>(1), "desk"}, "[3 u:4 b:32=01 'desk'");
  expect_spelling(DevicePause{filled<DeviceId>(1), true}, "[3 u:5 b:32=01 t");
  expect_spelling(
      Rotate{
          2, {filled<DeviceId>(1), filled<DeviceId>(2)}, filled<crypto::Hash256>(0x0D), one(secret<EpochSecret>(0x0E))},
      "[5 u:6 u:2 [2 b:32=01 b:32=02 b:32=0d [1 b:32=0e");
  expect_spelling(EpochSecrets{one(secret<EpochSecret>(0x0E))}, "[2 u:7 [1 b:32=0e");
  expect_spelling(IncarnationOp{cert(), tip()}, "[3 u:8 " + certificate + " " + kTip);
  expect_spelling(RelaySet{"wss://r", filled<RelayKey>(1), filled<ChannelId>(2)}, "[4 u:9 'wss://r' b:32=01 b:32=02");
  expect_spelling(RelayRemove{filled<RelayKey>(1), filled<ChannelId>(2)}, "[3 u:10 b:32=01 b:32=02");
  expect_spelling(DeviceRelay{filled<DeviceId>(1), filled<RelayKey>(2), filled<Pseudonym>(3)},
                  "[4 u:11 b:32=01 b:32=02 b:32=03");
}

TEST(Ops, ViewOpsStandAsTheSpecificationSays) {
  expect_spelling(Message{"chat", 60, {Bytes{0x68, 0x69}}}, "[4 u:32 'chat' u:60 c4026869");
  expect_spelling(Message{"", 0, {content()}}, std::string("[4 u:32 s:0 u:0 ") + kContent);
  expect_spelling(FolderAdd{filled<FolderId>(1), "photos"}, "[3 u:64 b:16=01 'photos'");
  FileSet set{filled<FolderId>(1), "a/b.txt", FileKind::file, 9, -1, 0644, content(), {filled<VersionId>(2)}};
  expect_spelling(set, std::string("[9 u:65 b:16=01 'a/b.txt' u:0 u:9 i:-1 u:420 ") + kContent + " [1 b:16=02");
  expect_spelling(FileSet{filled<FolderId>(1), "a", FileKind::directory, 0, 0, 0755, {}, {}},
                  "[9 u:65 b:16=01 'a' u:1 u:0 u:0 u:493 [3 u:1 u:0 [0 [0");
  expect_spelling(FileRemove{filled<FolderId>(1), "a", {filled<VersionId>(2)}}, "[4 u:66 b:16=01 'a' [1 b:16=02");
}

TEST(Ops, AnUnknownKindIsKeptAsItCame) {
  for (auto const* spelled :
       {"[1 u:12", "[1 u:0", "[3 u:31 [2 t f 'x'", "[2 u:65535 b:300", "[1 u:33", "[2 u:300 [1 [1 [1 [0"}) {
    auto const ops = one_op(spell(spelled));
    ASSERT_TRUE(ops) << spelled;
    auto const* unknown = std::get_if<UnknownOp>(&ops->front());
    ASSERT_NE(unknown, nullptr) << spelled;
    EXPECT_EQ(unknown->encoding, spell(spelled));
    Bytes list = spell("[1");
    append(list, unknown->encoding);
    EXPECT_EQ(encode_ops(*ops), list);
  }
  EXPECT_EQ(std::get<UnknownOp>(one_op(spell("[2 u:65535 t"))->front()).kind, 65535);
}

TEST(Ops, SeveralStandInOneArray) {
  std::vector<Op> ops;
  ops.emplace_back(DeviceRename{filled<DeviceId>(1), "a"});
  ops.emplace_back(EpochSecrets{});
  ops.emplace_back(Message{});
  EXPECT_EQ(encode_ops(ops), spell("[3 [3 u:4 b:32=01 'a' [2 u:7 [0 [4 u:32 s:0 u:0 b:0"));
  EXPECT_EQ(decode_ops(encode_ops(ops)).value().size(), 3U);
  EXPECT_TRUE(decode_ops(spell("[0")).value().empty());
}

TEST(Ops, RosterOpsAreThoseBelowKind32) {
  for (auto const* spelled :
       {"[3 u:3 b:32 u:0", "[3 u:4 b:32 'a'", "[3 u:5 b:32 t", "[2 u:7 [0", "[3 u:10 b:32 b:32"}) {
    EXPECT_TRUE(is_roster_op(one_op(spell(spelled))->front())) << spelled;
  }
  for (auto const* spelled :
       {"[4 u:32 s:0 u:0 b:0", "[3 u:64 b:16 'a'", "[4 u:66 b:16 'a' [0", "[1 u:12", "[1 u:999"}) {
    EXPECT_FALSE(is_roster_op(one_op(spell(spelled))->front())) << spelled;
  }
}

TEST(OpsRefusals, Lists) {
  testing::expect_refusals({{"", truncated},
                            {"[1", truncated},
                            {"[2 [1 u:12", truncated},
                            {"u:1", wrong_type},
                            {"b:5", wrong_type},
                            {"dc0001 [1 u:12", not_canonical},
                            {"ddffffffff", truncated},
                            {"[1 u:12", wrong_type, "an op is an array"},
                            {"[1 b:3", wrong_type},
                            {"[1 [0", wrong_length, "an op has a kind"},
                            {"[1 [1 t", wrong_type},
                            {"[1 [1 'genesis'", wrong_type},
                            {"[1 [1 i:-1", bad_value},
                            {"[1 [1 u:65536", bad_value},
                            {"[1 [1 cc0c", not_canonical},
                            {"[1 dc0001 u:12", not_canonical},
                            {"[1 [1 c0", wrong_type},
                            {"[1 [2 u:12 c0", wrong_type, "nil inside an unknown op"},
                            {"[1 [2 u:12 81 00 00", wrong_type},
                            {"[1 [2 u:12 cb x:8", wrong_type, "a float"},
                            {"[1 [2 u:12 d0 05", not_canonical},
                            {"[1 [2 u:12 a1 ff", not_utf8},
                            {"[1 [2 u:12 x:16=91 90", too_deep},
                            {"[1 [2 u:12", truncated},
                            {"[1 [1 u:12 00", trailing_bytes},
                            {"[0 00", trailing_bytes}},
                           decode_ops);
}

TEST(OpsRefusals, GenesisAndIncarnation) {
  std::string const certificate = kCert, later = "[6 u:2 b:32 b:32 u:5 u:0 b:64", keys = " b:32 b:32 b:32 b:32 ";
  auto const record = [&](std::string const& cert, std::string const& rest) { return "[2 u:1 [8 u:1 " + cert + rest; };
  testing::expect_refusals({{"[1 u:1", wrong_length},
                            {"[3 u:1 " + kGenesis + " u:0", wrong_length},
                            {"[2 u:1 u:1", wrong_type},
                            {"[2 u:1 [7 u:1 " + certificate + keys + "'home'", wrong_length},
                            {"[2 u:1 [8 u:2 " + certificate + keys + "'home' b:16", unknown_version},
                            {"[2 u:1 [9 u:2 x:8", unknown_version, "of another shape"},
                            {record(later, keys + "'home' b:16"), unknown_version},
                            {record(certificate, keys + "b:4 b:16"), wrong_type},
                            {record(certificate, keys + "s:256 b:16"), too_large},
                            {record(certificate, keys + "a2c080 b:16"), not_utf8},
                            {record(certificate, keys + "'home' b:15"), wrong_length},
                            {record(certificate, " b:32 b:32 b:31 b:32 'home' b:16"), wrong_length, "a short secret"},
                            {record("b:32", keys + "'home' b:16"), wrong_type},
                            {"[2 u:8 " + certificate, wrong_length},
                            {"[4 u:8 " + certificate + " " + kTip + " u:0", wrong_length},
                            {"[3 u:8 " + later + " " + kTip, unknown_version},
                            {"[3 u:8 " + certificate + " [3 b:32 u:1 u:1", wrong_length},
                            {"[3 u:8 " + certificate + " b:32", wrong_type},
                            {std::string("[3 u:8 ") + kTip + " " + certificate, wrong_type, "the wrong way round"},
                            {"[3 u:8 " + certificate + " [4 b:32 u:1 i:-1 b:32", bad_value}},
                           one_op);
}

TEST(OpsRefusals, Devices) {
  std::string const certificate = kCert;
  testing::expect_refusals({{"[3 u:2 " + certificate + " 'phone'", wrong_length},
                            {"[6 u:2 " + certificate + " 'phone' b:16 b:64 u:0", wrong_length},
                            {"[4 u:2 " + certificate + " b:5 b:16", wrong_type},
                            {"[4 u:2 " + certificate + " s:256 b:16", too_large},
                            {"[4 u:2 " + certificate + " a180 b:16", not_utf8},
                            {"[4 u:2 " + certificate + " 'phone' b:32", wrong_length},
                            {"[5 u:2 " + certificate + " 'phone' b:16 b:63", wrong_length},
                            {"[5 u:2 " + certificate + " 'phone' b:16 c0", wrong_type},
                            {"[4 u:2 [6 u:1 b:32 b:32 u:5 u:0 b:65 'phone' b:16", wrong_length},
                            {"[4 u:2 b:32 'phone' b:16", wrong_type},
                            {"[2 u:3 b:32", wrong_length},
                            {"[5 u:3 b:32 u:0 b:64 u:0", wrong_length},
                            {"[3 u:3 b:32 u:3", bad_value, "no such reason"},
                            {"[3 u:3 b:32 u:256", bad_value},
                            {"[3 u:3 b:32 t", wrong_type},
                            {"[3 u:3 b:16 u:0", wrong_length},
                            {"[3 u:3 s:32 u:0", wrong_type},
                            {"[4 u:3 b:32 u:0 b:32", wrong_length},
                            {"[3 u:3 b:32 cc01", not_canonical},
                            {"[2 u:4 b:32", wrong_length},
                            {"[4 u:4 b:32 'a' 'b'", wrong_length},
                            {"[3 u:4 b:33 'a'", wrong_length},
                            {"[3 u:4 b:32 s:256", too_large},
                            {"[3 u:4 b:32 a1ff", not_utf8},
                            {"[3 u:4 'a' b:32", wrong_type},
                            {"[2 u:5 b:32", wrong_length},
                            {"[4 u:5 b:32 t t", wrong_length},
                            {"[3 u:5 b:32 u:1", wrong_type, "a boolean is no number"},
                            {"[3 u:5 b:0 t", wrong_length},
                            {"[3 u:5 t b:32", wrong_type}},
                           one_op);
}

TEST(OpsRefusals, Epochs) {
  testing::expect_refusals({{"[4 u:6 u:1 [0 b:32", wrong_length},
                            {"[6 u:6 u:1 [0 b:32 [0 u:0", wrong_length},
                            {"[5 u:6 i:-1 [0 b:32 [0", bad_value},
                            {"[5 u:6 t [0 b:32 [0", wrong_type},
                            {"[5 u:6 u:1 b:32 b:32 [0", wrong_type},
                            {"[5 u:6 u:1 [1 b:31 b:32 [0", wrong_length},
                            {"[5 u:6 u:1 dc00ff x:255 b:32 [0", too_large, "255 recipients"},
                            {"[5 u:6 u:1 ddffffffff b:32 [0", truncated},
                            {"[5 u:6 u:1 [0 b:33 [0", wrong_length},
                            {"[5 u:6 u:1 [0 b:32 [1 b:16", wrong_length},
                            {"[5 u:6 u:1 [0 b:32 [1 s:32", wrong_type},
                            {"[5 u:6 u:1 [0 b:32 dc1001 x:4097", too_large},
                            {"[5 u:6 u:1 [0 b:32 dc0000", not_canonical},
                            {"[1 u:7", wrong_length},
                            {"[3 u:7 [0 [0", wrong_length},
                            {"[2 u:7 b:32", wrong_type},
                            {"[2 u:7 [1 b:33", wrong_length},
                            {"[2 u:7 [1 [1 b:32", wrong_type},
                            {"[2 u:7 dc1001 x:4097", too_large},
                            {"[2 u:7 [2 b:32", truncated}},
                           one_op);
}

TEST(OpsRefusals, Relays) {
  testing::expect_refusals({{"[3 u:9 'wss://r' b:32", wrong_length},
                            {"[5 u:9 'wss://r' b:32 b:32 u:0", wrong_length},
                            {"[4 u:9 b:7 b:32 b:32", wrong_type},
                            {"[4 u:9 s:256 b:32 b:32", too_large},
                            {"[4 u:9 a1ff b:32 b:32", not_utf8},
                            {"[4 u:9 'wss://r' b:31 b:32", wrong_length},
                            {"[4 u:9 'wss://r' b:32 b:33", wrong_length},
                            {"[2 u:10 b:32", wrong_length},
                            {"[4 u:10 b:32 b:32 b:32", wrong_length},
                            {"[3 u:10 b:32 'x'", wrong_type},
                            {"[3 u:10 b:32 b:0", wrong_length},
                            {"[3 u:11 b:32 b:32", wrong_length},
                            {"[5 u:11 b:32 b:32 b:32 b:32", wrong_length},
                            {"[4 u:11 b:32 b:32 b:31", wrong_length},
                            {"[4 u:11 b:32 u:1 b:32", wrong_type},
                            {"[4 u:11 b:32 b:32 [0", wrong_type},
                            {"[4 u:11 b:32 b:32 b:32 00", trailing_bytes}},
                           one_op);
}

TEST(OpsRefusals, MessagesAndFolders) {
  std::string const content = kContent;
  auto const file = [&](std::string const& fields) { return "[9 u:65 b:16 " + fields; };
  testing::expect_refusals(
      {{"[3 u:32 'a' u:0", wrong_length},
       {"[5 u:32 'a' u:0 b:0 u:0", wrong_length},
       {"[4 u:32 b:1 u:0 b:0", wrong_type},
       {"[4 u:32 s:256 u:0 b:0", too_large},
       {"[4 u:32 a1ff u:0 b:0", not_utf8},
       {"[4 u:32 'a' i:-1 b:0", bad_value},
       {"[4 u:32 'a' u:0 b:32769", too_large, "more than 32 KiB inline"},
       {"[4 u:32 'a' u:0 'text'", wrong_type, "content is bytes"},
       {"[4 u:32 'a' u:0 u:5", wrong_type},
       {"[4 u:32 'a' u:0 [0", wrong_length},
       {"[4 u:32 'a' u:0 [3 u:2 u:0 [0", bad_value},
       {"[4 u:32 'a' u:0 c50001 00", not_canonical},
       {"[2 u:64 b:16", wrong_length},
       {"[4 u:64 b:16 'a' 'b'", wrong_length},
       {"[3 u:64 b:32 'a'", wrong_length},
       {"[3 u:64 b:16 b:1", wrong_type},
       {"[3 u:64 b:16 s:256", too_large},
       {"[8 u:65 b:16 'a' u:0 u:0 u:0 u:0 " + content, wrong_length},
       {"[10 u:65 b:16 'a' u:0 u:0 u:0 u:0 " + content + " [0 u:0", wrong_length},
       {file("s:4097 u:0 u:0 u:0 u:0 " + content + " [0"), too_large},
       {file("a2c0af u:0 u:0 u:0 u:0 " + content + " [0"), not_utf8},
       {file("'a' u:2 u:0 u:0 u:0 " + content + " [0"), bad_value, "no such kind"},
       {file("'a' u:0 i:-1 u:0 u:0 " + content + " [0"), bad_value},
       {file("'a' u:0 u:0 cb3ff0000000000000 u:0 " + content + " [0"), wrong_type, "a float for a time"},
       {file("'a' u:0 u:0 cf8000000000000000 u:0 " + content + " [0"), bad_value},
       {file("'a' u:0 u:0 d0ff u:0 " + content + " [0"), not_canonical},
       {file("'a' u:0 u:0 u:0 u:65536 " + content + " [0"), bad_value},
       {file("'a' u:0 u:0 u:0 u:0 b:0 [0"), wrong_type},
       {file("'a' u:0 u:0 u:0 u:0 [3 u:1 u:0 [1 [2 u:9 b:31 [0"), wrong_length},
       {file("'a' u:0 u:0 u:0 u:0 " + content + " [1 b:15"), wrong_length},
       {file("'a' u:0 u:0 u:0 u:0 " + content + " dc1001 x:4097"), too_large},
       {"[3 u:66 b:16 'a'", wrong_length},
       {"[5 u:66 b:16 'a' [0 [0", wrong_length},
       {"[4 u:66 b:15 'a' [0", wrong_length},
       {"[4 u:66 b:16 b:1 [0", wrong_type},
       {"[4 u:66 b:16 'a' [1 b:32", wrong_length},
       {"[4 u:66 b:16 'a' b:16", wrong_type}},
      one_op);
}

TEST(Ops, HoldTheCodecProperties) {
  auto const encode_one = [](Op const& op) {
    Bytes out = spell("[1");
    encode_op(out, op);
    return out;
  };
  testing::check_codec(
      testing::CodecUnderTest{testing::draw_op,
                              [&](auto const& value) {
                                if constexpr (std::is_same_v<std::remove_cvref_t<decltype(value)>, Op>) {
                                  return encode_one(value);
                                } else {
                                  return encode_ops(value);
                                }
                              },
                              decode_ops});
  testing::check_codec(testing::record_codec<Genesis>());
}

}  // namespace
}  // namespace kith::wire
