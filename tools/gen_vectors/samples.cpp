#include "samples.hpp"

#include "core/entry.hpp"

namespace kith::samples {
namespace {

constexpr std::uint64_t kCreated = 1'800'000'000;

core::Identity identity(std::uint8_t first) {
  auto const at = [&](int offset) { return static_cast<std::uint8_t>(first + offset); };
  return core::Identity::restore(counted<crypto::SignSeed>(at(0)), counted<crypto::DhSecretKey>(at(0x20)),
                                 counted<core::DeviceRoot>(at(0x40)), counted<core::StorageKey>(at(0x60)), kCreated);
}

wire::HandshakePayload handshake(wire::Devcert const& cert) {
  wire::HandshakePayload payload;
  payload.cert = cert;
  payload.handshake.version = "1-1 kith/0.1.0";
  payload.handshake.device = cert.device;
  payload.handshake.workspace = group();
  payload.handshake.timestamp_s = kCreated + 7;
  payload.handshake.nonce = counted<decltype(payload.handshake.nonce)>(0x21);
  payload.handshake.capability.supported_formats = {{"lz4"}, {"zstd"}};
  payload.handshake.signature = counted<crypto::Signature>(0x41);
  payload.handshake.incarnation = {0x0102030405060708};
  return payload;
}

}  // namespace

core::Identity laptop() { return identity(0x10); }
core::Identity phone() { return identity(0x11); }

core::RecoveryKeys recovery() { return core::RecoveryKeys::from_entropy(counted<crypto::MnemonicEntropy>(0)); }

wire::Genesis genesis() {
  auto const keys = recovery();
  wire::Genesis genesis;
  genesis.creator = laptop().cert;
  genesis.recovery_sign = keys.sign.public_key();
  genesis.recovery_dx = keys.dx.public_key;
  genesis.locator_secret = keys.locator.clone();
  genesis.content_secret = counted<wire::ContentSecret>(0xE0);
  genesis.name = "home";
  genesis.random = counted<decltype(genesis.random)>(0xF0);
  return genesis;
}

GroupId group() { return core::group_id(genesis()); }
wire::EpochSecret first_epoch() { return counted<wire::EpochSecret>(0xA0); }
wire::EpochSecret second_epoch() { return counted<wire::EpochSecret>(0xC0); }

Tip tip(std::uint8_t device, std::uint64_t incarnation, std::uint64_t seq) {
  return {
      {counted<DeviceId>(device), {incarnation}}, {seq}, counted<EntryHash>(static_cast<std::uint8_t>(device + 0x40))};
}

Samples<wire::Devcert> devcerts() {
  auto with_caps = laptop().cert;
  with_caps.caps = 0x8000000000000001;
  return {{"the laptop's", laptop().cert}, {"the phone's", phone().cert}, {"with feature bits, not signed", with_caps}};
}

Samples<wire::Content> contents() {
  wire::Content many;
  for (std::uint8_t i = 0; i < 64; ++i) many.refs.push_back({65536U + i, counted<ChunkId>(i)});
  return {{"of an empty file", {}},
          {"of one chunk", {wire::HashAlg::blake2b_256_keyed, 0, {{5, counted<ChunkId>(1)}}}},
          {"of 64 chunks", many},
          {"below a manifest", {wire::HashAlg::blake2b_256_keyed, 2, {{std::uint64_t{3} << 30, counted<ChunkId>(2)}}}}};
}

Samples<wire::ManifestNode> nodes() {
  wire::ManifestNode full{2, {}};
  for (int i = 0; i < 256; ++i)
    full.refs.push_back({0x10000000U + static_cast<unsigned>(i), counted<ChunkId>(static_cast<std::uint8_t>(i))});
  return {{"of two chunks", {1, {{65536, counted<ChunkId>(1)}, {1, counted<ChunkId>(2)}}}}, {"of 256 nodes", full}};
}

Samples<wire::Opening> openings() {
  using enum wire::Purpose;
  return {{"a session", {session, 1, 1, 0}},
          {"pairing", {pairing, 1, 1, 0}},
          {"a refusal", {refusal, 1, 1, 0}},
          {"of later versions", {session, 2, 255, 0x80000001}}};
}

Samples<wire::EntryHeader> headers() {
  return {{"a header",
           {wire::kSuite1, counted<EpochId>(1), counted<EntryId>(0x11), counted<crypto::XNonce>(0x21),
            counted<decltype(wire::EntryHeader::commitment)>(0x41)}}};
}

Samples<wire::EpochPrefix> prefixes() {
  wire::EpochPrefix const none{wire::kSuite1, counted<EpochId>(1), counted<crypto::DhPublicKey>(0x11), {}};
  auto two = none;
  two.wraps = {counted<wire::Wrap>(0x31), counted<wire::Wrap>(0x61)};
  return {{"for nobody", none}, {"for two", two}};
}

Samples<wire::EntryBody> bodies() {
  wire::EntryBody first;
  first.author = laptop().device();
  first.incarnation = {1};
  first.seq = {1};
  first.hlc = (kCreated * 1000) << 16;
  first.ops = wire::encode_ops({});
  auto outside = first;
  outside.seq = {0};
  auto later = first;
  later.incarnation = {0xFFFFFFFFFFFFFFFF};
  later.seq = {300};
  later.prev = counted<EntryHash>(0x71);
  later.tips = {tip(1, 1, 1), tip(1, 1, 2), tip(1, 2, 70000), tip(2, 1, 1)};
  later.hlc += 65535;
  later.compression = wire::Compression::lz4;
  later.ops = {0x10, 0x90};
  return {
      {"the first of a log", first}, {"outside the log", outside}, {"with tips, one log forked, compressed", later}};
}

Samples<wire::HandshakePayload> handshakes() {
  auto bare = handshake(phone().cert);
  bare.handshake.version.clear();
  bare.handshake.capability = {true, 1ULL << 40, {}, true};
  return {{"as kith says it", handshake(laptop().cert)}, {"other capabilities", bare}};
}

Bytes as_ops(wire::Op const& op) {
  Bytes out{0x91};
  wire::encode_op(out, op);
  return out;
}

}  // namespace kith::samples
