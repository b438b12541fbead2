#include <algorithm>

#include "samples.hpp"

/// A relay, the mailbox of the group there, and everything that is said about it.
namespace kith::samples {
namespace {

wire::AclRecord record(std::vector<wire::Pseudonym> pseudonyms, wire::AclRecord const* before,
                       crypto::SigningKey const& signer) {
  wire::AclRecord record;
  record.channel = channel();
  if (before != nullptr) {
    record.version = before->version + 1;
    record.prev = wire::acl_record_hash(*before);
  }
  std::ranges::sort(pseudonyms);
  record.pseudonyms = std::move(pseudonyms);
  wire::sign_acl(record, signer);
  return record;
}

}  // namespace

crypto::DhKeyPair relay() { return crypto::DhKeyPair::from(counted<crypto::DhSecretKey>(0x91)); }
wire::RelayKey relay_key() { return {relay().public_key.bytes}; }
crypto::SigningKey channel_key() { return crypto::SigningKey(counted<crypto::SignSeed>(0xB1)); }
wire::ChannelId channel() { return {channel_key().public_key().bytes}; }
core::RelayFace face_of(core::Identity const& device) { return core::relay_face(device.root, relay_key(), group()); }

Samples<wire::AclRecord> acl_records() {
  auto const laptop_face = face_of(laptop()), phone_face = face_of(phone());
  auto const first = record({laptop_face.pseudonym()}, nullptr, channel_key());
  auto const second = record({laptop_face.pseudonym(), phone_face.pseudonym()}, &first, laptop_face.sign);
  auto const third = record({phone_face.pseudonym()}, &second, phone_face.sign);
  return {{"the first, by the channel's key: the laptop", first},
          {"by the laptop: the phone too", second},
          {"by the phone: the laptop no more", third}};
}

Samples<wire::HelloProof> hello_proofs() {
  auto const handshake = counted<crypto::noise::HandshakeHash>(0x61);
  return {{"of a device that has seen nothing", {counted<wire::RelayKey>(0x31), channel(), handshake, {0}}},
          {"after 70000 items", {counted<wire::RelayKey>(0x31), channel(), handshake, {70000}}}};
}

Samples<wire::RelayMessage> relay_messages() {
  using namespace wire;
  auto const name = counted<Pseudonym>(0x71);
  auto const object = counted<ObjectId>(0x81);
  auto const locator = counted<RecoveryLocator>(0x41);
  auto const acl = acl_records();
  RelayItem const entry{{12}, name, 1'800'000'000, 0, Bytes(20, 0xAA)};
  RelayItem const passing{{14}, name, 1'800'003'600, 3600, Bytes(3, 0xBB)};
  return {
      {"HELLO",
       Hello{1, 1, 1, 0, channel(), name, counted<crypto::Signature>(1), {12}, counted<crypto::Hash128>(0x21)}},
      {"HELLO of a device that has seen nothing",
       Hello{1, 1, 2, 0x8000000000000001, channel(), name, counted<crypto::Signature>(1), {0}, {}}},
      {"WELCOME", Welcome{1,
                          1,
                          0,
                          counted<LogEpoch>(0x51),
                          {0x100000000},
                          {3},
                          2,
                          counted<crypto::Hash256>(0x21),
                          {7},
                          1U << 30,
                          4096,
                          262144,
                          604800}},
      {"DONE", Done{0xFFFFFFFFFFFFFFFF}},
      {"PUSH of an entry and of an item that passes", Push{2, {8}, {{0, Bytes(20, 0xAA)}, {3600, Bytes(3, 0xBB)}}}},
      {"PUSH_ACK", PushAck{2, {8}, {{12}, {70000}}}},
      {"PULL", Pull{3, {11}, 524288}},
      {"PULL_RESPONSE", PullResponse{3, {entry, passing}, {14}, true}},
      {"PULL_RESPONSE of nothing", PullResponse{3, {}, {14}, false}},
      {"ACK", RelayAck{0, {14}}},
      {"PRESENCE", RelayPresence{0, {{name, 9, Bytes(40, 0xCC)}}}},
      {"PRESENCE of nobody", RelayPresence{}},
      {"NOTIFY", Notify{0, {70000}}},
      {"BLOB", LiveItems{0, {entry}}},
      {"DELETE", DeleteItems{4, {{14}}}},
      {"TRIM", Trim{5, {12}}},
      {"ACL_PUT of the first record, with a stamp", AclPut{6, acl[0].value, Bytes{0, 0, 0, 0, 0, 0, 0x12, 0x34}}},
      {"ACL_PUT of a later record", AclPut{6, acl[1].value, {}}},
      {"ACL_GET", AclGet{7, 2}},
      {"REC_PUT", RecPut{8, locator, Bytes(48, 0xDD)}},
      {"REC_GET", RecGet{9, locator}},
      {"ACL_RECORDS", AclRecords{7, {acl[1].value, acl[2].value}, false}},
      {"REC_RECORDS", RecRecords{9, {{Bytes(48, 0xDD)}, {Bytes{}}}}},
      {"OBJ_PUT", ObjPut{10, object, 1048576, 262144, 604800, Bytes(300, 0xEE)}},
      {"OBJ_GET", ObjGet{11, object, 262144, 262144}},
      {"OBJ_HAVE", ObjHave{12, {object, counted<ObjectId>(0x82)}}},
      {"OBJ_DELETE", ObjDelete{13, {object}}},
      {"OBJ_PART", ObjPart{11, object, 1048576, 262144, Bytes(300, 0xEE)}},
      {"OBJ_HELD", ObjHeld{12, {{object, 1048576, 1'800'604'800}}}},
      {"ERROR, a gap", RelayFailure{2, RelayErrorCode::seq_gap, "", 0, 7, {}}},
      {"ERROR with an access record", RelayFailure{1, RelayErrorCode::not_allowed, "", 0, 0, encode(acl[2].value)}},
      {"ERROR that ends the connection",
       RelayFailure{0, RelayErrorCode::draining, "the relay is about to end", 5, 0, {}}},
  };
}

}  // namespace kith::samples
