#include "crypto/noise.hpp"
#include "samples.hpp"
#include "support/must.hpp"
#include "support/seeded_random.hpp"
#include "vectors.hpp"

namespace kith::vectors {
namespace {

using crypto::noise::CipherState;
using crypto::noise::HandshakeState;
using crypto::noise::Pattern;
using crypto::noise::Role;
using testing::must;
using testing::SeededRandom;

constexpr std::uint64_t kDeviceSeed = 41, kRelaySeed = 42;
constexpr std::string_view kPrologue = "kith/relay/1";

Json acl_chain() {
  Json list = Json::array();
  for (auto const& [name, record] : samples::acl_records()) {
    list.push_back({{"name", name},
                    {"fields", testing::to_json(record)},
                    {"signed_part", hex(wire::acl_signed_part(record))},
                    {"encoding", hex(wire::encode(record))},
                    {"hash", hex(wire::acl_record_hash(record))}});
  }
  return list;
}

/// Whether records may stand behind the last one of the chain, in which the phone is alone.
Json followers() {
  auto const last = samples::acl_records().back().value;
  auto const laptop = samples::face_of(samples::laptop()), phone = samples::face_of(samples::phone());
  Json list = Json::array();
  auto const add = [&](std::string_view name, crypto::SigningKey const& signer, std::uint64_t version, bool follows,
                       std::vector<wire::Pseudonym> pseudonyms) {
    wire::AclRecord record;
    record.channel = last.channel;
    record.version = version;
    record.prev = wire::acl_record_hash(last);
    record.pseudonyms = std::move(pseudonyms);
    wire::sign_acl(record, signer);
    KITH_ASSERT(wire::follows_acl(last, record) == follows);
    list.push_back({{"name", name}, {"fields", testing::to_json(record)}, {"follows", follows}});
  };
  auto const both = [&](bool ascending) {
    std::vector names{laptop.pseudonym(), phone.pseudonym()};
    if ((names[0] < names[1]) != ascending) std::swap(names[0], names[1]);
    return names;
  };
  add("the next, by a member", phone.sign, 4, true, both(true));
  add("the next, by one who is no member any more", laptop.sign, 4, false, both(true));
  add("the next, by a member, not in order", phone.sign, 4, false, both(false));
  add("the next, with one of them twice", phone.sign, 4, false, {phone.pseudonym(), phone.pseudonym()});
  add("a jump, by a member", phone.sign, 5, false, both(true));
  add("a jump, by the channel's key", samples::channel_key(), 5, true, both(true));
  add("a step back, by the channel's key", samples::channel_key(), 2, false, both(true));
  add("the next, of nobody, by the channel's key", samples::channel_key(), 4, true, {});
  return list;
}

/// Whether records that name the first of the chain, and not its last, may stand behind the last one.
Json overrulers() {
  auto const first = samples::acl_records().front().value, last = samples::acl_records().back().value;
  auto const phone = samples::face_of(samples::phone());
  Json list = Json::array();
  auto const add = [&](std::string_view name, crypto::SigningKey const& signer, std::uint64_t version,
                       crypto::Hash256 const& prev, bool overrules) {
    wire::AclRecord record;
    record.channel = last.channel;
    record.version = version;
    record.prev = prev;
    record.pseudonyms = {phone.pseudonym()};
    wire::sign_acl(record, signer);
    KITH_ASSERT(wire::overrules_acl(last, record) == overrules);
    list.push_back({{"name", name}, {"fields", testing::to_json(record)}, {"overrules", overrules}});
  };
  auto const named = wire::acl_record_hash(first);
  add("by the channel's key", samples::channel_key(), 4, named, true);
  add("by the channel's key, as far as it may jump", samples::channel_key(), 3 + wire::kMaxAclJump, named, true);
  add("by the channel's key, too far", samples::channel_key(), 4 + wire::kMaxAclJump, named, false);
  add("by the channel's key, with the last version", samples::channel_key(), 3, named, false);
  add("by the channel's key, naming none", samples::channel_key(), 4, {}, false);
  add("by a member", phone.sign, 4, named, false);
  return list;
}

/// The first nonces, counted up from zero, whose hash begins with so many zero bits.
Json stamps() {
  auto const relay = samples::relay_key();
  auto const channel = samples::channel();
  Json list = Json::array();
  Bytes nonce(wire::kStampBytes, 0);
  std::uint64_t counter = 0;
  for (unsigned const wanted : {0U, 3U, 8U, 16U}) {
    while (wire::stamp_bits(relay, channel, nonce) < wanted) store_be(nonce.data(), ++counter);
    list.push_back({{"relay_key", hex(relay)},
                    {"channel_id", hex(channel)},
                    {"nonce", hex(nonce)},
                    {"hash", hex(crypto::hash256("kith/stamp/1", {relay.view(), channel.view(), nonce}))},
                    {"bits", wire::stamp_bits(relay, channel, nonce)}});
  }
  return list;
}

Json items() {
  Json list = Json::array();
  for (auto const& bytes : {Bytes{}, Bytes(20, 0xAA), Bytes(300, 0xBB)}) {
    list.push_back({{"sealed", hex(bytes)}, {"item_hash", hex(wire::item_hash(bytes))}});
  }
  return list;
}

/// Both directions of a conversation that is open.
class Spoken {
 public:
  Spoken(crypto::noise::Transport device, crypto::noise::Transport relay)
      : device_(std::move(device)), relay_(std::move(relay)) {}

  /// One Noise message of whole messages, as kith packs them.
  void say(std::string_view from, std::vector<wire::RelayMessage> const& messages) {
    Bytes plaintext;
    for (auto const& message : messages) wire::encode_relay_message(plaintext, message);
    write_down(from, messages, plaintext, false);
  }
  /// A message that is cut into two Noise messages, which a reader takes as well.
  void say_cut(std::string_view from, wire::RelayMessage const& message, std::size_t at) {
    Bytes whole;
    wire::encode_relay_message(whole, message);
    write_down(from, {}, ByteView{whole}.first(at), true);
    write_down(from, {message}, ByteView{whole}.subspan(at), true);
  }
  [[nodiscard]] Json take() { return std::move(list_); }

 private:
  void write_down(std::string_view from, std::vector<wire::RelayMessage> const& complete, ByteView plaintext,
                  bool cut) {
    bool const by_device = from == "device";
    Bytes message, plain;
    must((by_device ? device_ : relay_).send.encrypt_with_ad({}, plaintext, message));
    must((by_device ? relay_ : device_).receive.decrypt_with_ad({}, message, plain));
    KITH_ASSERT(equal(plain, plaintext));
    list_.push_back({{"from", from},
                     {"completes", testing::to_json(complete)},
                     {"plaintext", to_hex(plaintext)},
                     {"message", hex(message)},
                     {"cut", cut}});
  }

  crypto::noise::Transport device_, relay_;
  Json list_ = Json::array();
};

Json side(crypto::DhKeyPair const& keys, std::uint64_t seed) {
  return {{"dx_secret", hex(keys.secret_key)},
          {"dx", hex(keys.public_key)},
          {"random_seed", seed},
          {"ephemeral_secret", hex(SeededRandom(seed).secret<crypto::DhSecretKey>())}};
}

wire::Welcome welcome() {
  wire::Welcome welcome;
  welcome.request = 1;
  welcome.log_epoch = samples::counted<wire::LogEpoch>(0x51);
  welcome.head = {2};
  welcome.acl_version = 2;
  welcome.acl_hash = wire::acl_record_hash(samples::acl_records()[1].value);
  welcome.last_push_seq = {2};
  welcome.quota_bytes = std::uint64_t{1} << 30;
  welcome.used_bytes = 1000;
  welcome.credit_bytes = 262144;
  welcome.object_ttl_s = 604800;
  return welcome;
}

Json conversation() {
  auto const face = samples::face_of(samples::laptop());
  auto const phone = samples::face_of(samples::phone()).pseudonym();
  auto const relay_keys = samples::relay();
  SeededRandom device_random(kDeviceSeed), relay_random(kRelaySeed);
  HandshakeState device(Pattern::xx, Role::initiator, bytes_of(kPrologue), face.dx, device_random);
  HandshakeState relay(Pattern::xx, Role::responder, bytes_of(kPrologue), relay_keys, relay_random);
  Json messages = Json::array();
  auto const carry = [&](HandshakeState& from, HandshakeState& to) {
    Bytes message, payload;
    must(from.write_message({}, message));
    must(to.read_message(message, payload));
    messages.push_back(hex(message));
  };
  carry(device, relay);
  carry(relay, device);
  carry(device, relay);
  auto device_open = device.split(), relay_open = relay.split();
  auto const hash = device_open.hash;

  // The laptop pushed two items before, and has pulled them; the phone's follows its third.
  Bytes const second_item(20, 0xAA);
  wire::HelloProof const proof{samples::relay_key(), samples::channel(), hash, {2}};
  wire::Hello hello;
  hello.request = 1;
  hello.channel = samples::channel();
  hello.pseudonym = face.pseudonym();
  hello.last_cursor = {2};
  hello.last_item = wire::item_hash(second_item);
  hello.proof = face.sign.sign(wire::kHelloLabel, wire::encode(proof));

  Spoken spoken(std::move(device_open), std::move(relay_open));
  spoken.say("device", {hello});
  spoken.say("relay", {welcome(), wire::RelayPresence{0, {{phone, 5, Bytes(40, 0xCC)}}}});
  spoken.say("device", {wire::Push{2, {3}, {{0, Bytes(30, 0x33)}, {3600, Bytes(7, 0x44)}}}});
  spoken.say("relay", {wire::PushAck{2, {3}, {{3}, {4}}}});
  spoken.say("device", {wire::RelayAck{0, {4}}});
  spoken.say("relay", {wire::LiveItems{0, {{{5}, phone, 1'800'000'000, 0, Bytes(25, 0x55)}}}});
  spoken.say_cut("device", wire::Pull{3, {5}, 524288}, 3);
  spoken.say_cut("relay", wire::PullResponse{3, {}, {5}, false}, 5);

  auto of_device = side(face.dx, kDeviceSeed);
  of_device["sign_seed"] = hex(face.sign.seed());
  of_device["pseudonym"] = hex(face.pseudonym());
  return {
      {"name", "Noise_XX_25519_ChaChaPoly_BLAKE2s between a device and a relay"},
      {"prologue", to_hex(bytes_of(kPrologue))},
      {"device", of_device},
      {"relay", side(relay_keys, kRelaySeed)},
      {"draws", "each side: ephemeral secret key, 32 bytes"},
      {"channel_id", hex(samples::channel())},
      {"handshake", messages},
      {"handshake_hash", hex(hash)},
      {"hello_proof",
       {{"fields", testing::to_json(proof)}, {"encoding", hex(wire::encode(proof))}, {"signature", hex(hello.proof)}}},
      {"transport", spoken.take()}};
}

}  // namespace

Json relay() {
  auto const key = [](crypto::SigningKey const& of) { return Json(hex(of.seed())); };
  return {
      {"note",
       std::string(kSeededRandom) +
           " In the stream each message of 'handshake' and each 'message' of 'transport' follows its length as u16. "
           "'completes' are the messages that a reader has whole once it has read that one."},
      {"channel_seed", key(samples::channel_key())},
      {"channel_id", hex(samples::channel())},
      {"laptop_seed", key(samples::face_of(samples::laptop()).sign)},
      {"phone_seed", key(samples::face_of(samples::phone()).sign)},
      {"acl_chain", acl_chain()},
      {"acl_followers", followers()},
      {"acl_overrulers", overrulers()},
      {"stamps", stamps()},
      {"items", items()},
      {"conversations", Json::array({conversation()})}};
}

}  // namespace kith::vectors
