#include "samples.hpp"

/// Ops, frames and pairing messages.
namespace kith::samples {
namespace {

template <class T>
std::vector<T> list_of(T a) {
  std::vector<T> out;
  out.push_back(std::move(a));
  return out;
}
template <class T>
std::vector<T> list_of(T a, T b) {
  auto out = list_of(std::move(a));
  out.push_back(std::move(b));
  return out;
}

}  // namespace

Samples<wire::Op> ops() {
  using namespace wire;
  auto const folder = counted<FolderId>(0x61);
  auto const signature = counted<crypto::Signature>(0x01);
  Samples<Op> out;
  auto const add = [&](std::string name, Op op) { out.push_back({std::move(name), std::move(op)}); };
  add("genesis", GenesisOp{genesis()});
  add("device_add", DeviceAdd{phone().cert, "Ana's phone", counted<EpochId>(1), std::nullopt});
  add("device_add, signed for recovery", DeviceAdd{phone().cert, "phone", counted<EpochId>(1), signature});
  add("device_remove", DeviceRemove{phone().device(), RemoveReason::lost, std::nullopt});
  add("device_remove, signed for recovery", DeviceRemove{phone().device(), RemoveReason::compromised, signature});
  add("device_rename", DeviceRename{phone().device(), "t\xC3\xA9l\xC3\xA9phone \xF0\x9F\x93\xB1"});
  add("device_pause on", DevicePause{phone().device(), true});
  add("device_pause off", DevicePause{phone().device(), false});
  add("rotate",
      Rotate{2, {laptop().device(), phone().device()}, counted<crypto::Hash256>(0x21), list_of(first_epoch())});
  add("rotate, the first", Rotate{1, {laptop().device()}, counted<crypto::Hash256>(0x21), {}});
  add("epoch_secrets", EpochSecrets{list_of(first_epoch(), second_epoch())});
  add("incarnation", IncarnationOp{laptop().cert, tip(0x10, 1, 9)});
  add("relay_set", RelaySet{"wss://relay.example/", counted<RelayKey>(0x31), counted<ChannelId>(0x51)});
  add("relay_remove", RelayRemove{counted<RelayKey>(0x31), counted<ChannelId>(0x51)});
  add("device_relay", DeviceRelay{phone().device(), counted<RelayKey>(0x31), counted<Pseudonym>(0x71)});
  add("message, inline", Message{"default", 0, {Bytes{'h', 'e', 'l', 'l', 'o'}}});
  add("message, empty, with a time to live", Message{"", 86400, {Bytes{}}});
  add("message of chunks", Message{"photos", 0, {contents()[1].value}});
  add("folder_add", FolderAdd{folder, "photos"});
  add("file_set", FileSet{folder,
                          "2026/\xC3\xBC"
                          "ber.txt",
                          FileKind::file,
                          5,
                          1'800'000'000'123'456'789,
                          0644,
                          contents()[1].value,
                          {counted<VersionId>(0x11), counted<VersionId>(0x12)}});
  add("file_set, a directory from before 1970", FileSet{folder, "2026", FileKind::directory, 0, -1, 0755, {}, {}});
  add("file_remove", FileRemove{folder, "a b/c", {counted<VersionId>(0x11)}});
  add("of a kind that nobody knows", UnknownOp{999, Bytes{0x93, 0xCD, 0x03, 0xE7, 0xC3, 0x92, 0x01, 0xA1, 0x78}});
  return out;
}

Samples<wire::Frame> frames() {
  using namespace wire;
  return {
      {"DATA of two entries (not real ones)", Data{{{Bytes(5, 0xAA)}, {Bytes{}}}}},
      {"DATA, the end of an answer", Data{}},
      {"FILE_CHUNK, raw", FileChunk{counted<ChunkId>(1), 0, 5, ChunkCodec::raw, Bytes{'h', 'e', 'l', 'l', 'o'}}},
      {"FILE_CHUNK, a later piece, zstd",
       FileChunk{counted<ChunkId>(1), 61440, 131072, ChunkCodec::zstd, Bytes(300, 0x5A)}},
      {"FILE_CHUNK, not held", FileChunk{counted<ChunkId>(1), 0, 0, ChunkCodec::not_held, {}}},
      {"PRESENCE", Presence{7,
                            {tip(1, 1, 1), tip(2, 9, 300)},
                            {tip(1, 1, 1)},
                            0,
                            12,
                            {{"192.0.2.1:4711"}, {"[2001:db8::1]:4711"}},
                            {counted<FolderId>(0x61)},
                            {{counted<DeviceId>(3), {{"198.51.100.7:4711"}}}}}},
      {"PRESENCE of one who leaves paths alone", Presence{8, {tip(1, 1, 1)}, {tip(1, 1, 1)}, 300, 0, {}, {}, {}}},
      {"PRESENCE of nothing", Presence{}},
      {"ACK", Ack{{tip(1, 1, 1)}}},
      {"TIPS", Tips{{tip(1, 1, 1), tip(1, 1, 0x100000000), tip(2, 0xFFFFFFFFFFFFFFFF, 2)}}},
      {"TIPS of an empty home", Tips{}},
      {"WANT", Want{{{{counted<DeviceId>(1), {1}}, {5}, {70000}, counted<EntryHash>(0x41)}}}},
      {"CHUNK_WANT", ChunkWant{{counted<ChunkId>(1), counted<ChunkId>(2)}}},
      {"CREDIT", Credit{262144}},
      {"PING", Ping{0x0102030405060708}},
      {"PONG", Pong{0xFFFFFFFFFFFFFFFF}},
      {"CLOSE", Close{CloseCode::renew, ""}},
      {"CLOSE with a text", Close{CloseCode::bad_frame, "wire.wrong_type"}},
      {"REKEY", Rekey{}},
      {"DIGEST_WANT", DigestWant{3}},
      {"DIGEST", Digest{3,
                        counted<crypto::Hash256>(1),
                        counted<crypto::Hash256>(2),
                        counted<crypto::Hash256>(3),
                        counted<crypto::Hash256>(4),
                        {}}},
      {"DIGEST, and what a relay has shown",
       Digest{3,
              counted<crypto::Hash256>(1),
              counted<crypto::Hash256>(2),
              counted<crypto::Hash256>(3),
              counted<crypto::Hash256>(4),
              {{counted<RelayKey>(5), counted<ChannelId>(6), counted<LogEpoch>(7), {300}, {tip(1, 1, 1)}}}}},
  };
}

Samples<wire::PairMessage> pair_messages() {
  using namespace wire;
  auto const share = counted<crypto::cpace::Share>(1);
  auto const nonce = counted<PairNonce>(0x21);
  auto const tag = counted<crypto::Mac256>(0x41);
  Bytes const box(48, 0x99);
  return {{"hello", PairHello{{"7F3K9QDM"}, share, nonce}},
          {"share", PairShare{share, nonce, tag}},
          {"confirm", PairConfirm{tag, box}},
          {"identity", PairIdentity{box}},
          {"offer", PairOffer{box}},
          {"pseudonyms", PairPseudonyms{box}},
          {"welcome", PairWelcome{Bytes(700, 0x98)}},
          {"joined", PairJoined{Bytes(17, 0x97)}},
          {"end, a wrong code with two tries left", PairEnd{PairEndCode::wrong_code, 2}},
          {"end, denied", PairEnd{PairEndCode::denied, 0}}};
}

wire::PairIdentityBox identity_box() { return {phone().cert, "phone", counted<crypto::Signature>(0x01)}; }

wire::PairOfferBox offer_box() {
  return {group(), "home", {{"wss://relay.example/", counted<wire::RelayKey>(0x31), counted<wire::ChannelId>(0x51)}}};
}

wire::PairPseudonymsBox pseudonyms_box() {
  return {{core::relay_face(phone().root, counted<wire::RelayKey>(0x31), group()).pseudonym()}};
}

wire::PairWelcomeBox welcome_box() {
  wire::PairWelcomeBox box;
  box.genesis = genesis();
  box.secrets = list_of(second_epoch(), first_epoch());
  box.device_add = counted<EntryHash>(0x81);
  box.addresses = {{"192.0.2.1:4711"}};
  return box;
}

}  // namespace kith::samples
