#include <gtest/gtest.h>

#include "relay/channel/channel.hpp"
#include "support/must.hpp"
#include "support/seeded_random.hpp"
#include "support/vector_file.hpp"

/// The vectors of tests/vectors/relay.json.
namespace kith::relay {
namespace {

using crypto::noise::HandshakeState;
using crypto::noise::Pattern;
using crypto::noise::Role;
using testing::Json;
using testing::must;
using testing::SeededRandom;
using testing::stated;
using testing::stated_hex;
using Messages = std::vector<wire::RelayMessage>;

template <class T>
std::string hex(T const& bytes) {
  if constexpr (requires { bytes.view(); }) {
    return to_hex(bytes.view());
  } else {
    return to_hex(bytes);
  }
}

Bytes prefixed(ByteView message) {
  Bytes out;
  wire::append_message(out, message);
  return out;
}

crypto::SigningKey signing_key(Json const& of, char const* seed) {
  return crypto::SigningKey(stated<crypto::SignSeed>(of, seed));
}

struct GoldenRelay : ::testing::Test {
  Json const file = testing::vector_file("relay.json");
  Json const& vector = file.at("conversations").at(0);
  Json const& handshake = vector.at("handshake");
  crypto::DhKeyPair const face = keys("device"), relay_keys = keys("relay");
  SeededRandom device_random{seed("device")}, relay_random{seed("relay")};

  [[nodiscard]] crypto::DhKeyPair keys(char const* side) const {
    return crypto::DhKeyPair::from(stated<crypto::DhSecretKey>(vector.at(side), "dx_secret"));
  }
  [[nodiscard]] std::uint64_t seed(char const* side) const { return vector.at(side).at("random_seed"); }
  [[nodiscard]] Bytes message(std::size_t index) const { return testing::json::bytes_from(handshake.at(index)); }

  /// Our own channel, through the stated handshake, against the other side's stated words.
  [[nodiscard]] Channel opened_device() {
    auto channel = Channel::initiate(wire::RelayKey{relay_keys.public_key.bytes}, face, device_random);
    expect_says(channel, message(0));
    Messages none;
    must(channel.on_bytes(prefixed(message(1)), none));
    expect_says(channel, message(2));
    return channel;
  }
  [[nodiscard]] Channel opened_relay() {
    auto channel = Channel::accept(relay_keys, relay_random);
    Messages none;
    must(channel.on_bytes(prefixed(message(0)), none));
    expect_says(channel, message(1));
    must(channel.on_bytes(prefixed(message(2)), none));
    return channel;
  }
  static void expect_says(Channel& channel, Bytes const& noise_message) {
    Bytes said;
    ASSERT_TRUE(channel.poll_transmit(said));
    EXPECT_EQ(hex(said), hex(prefixed(noise_message)));
  }

  /// Says and hears what the vector states, from one side.
  void replay(Channel& channel, std::string const& us) {
    ASSERT_TRUE(channel.open());
    EXPECT_EQ(hex(channel.handshake_hash()), stated_hex(vector, "handshake_hash"));
    std::size_t said = 0, heard = 0;
    for (auto const& step : vector.at("transport")) {
      auto const completes = testing::read_json<Messages>(step.at("completes"));
      if (step.at("from") != us) {
        Messages got;
        must(channel.on_bytes(prefixed(stated(step, "message")), got));
        EXPECT_EQ(got, completes);
        ++heard;
      } else if (!step.at("cut").get<bool>()) {
        for (auto const& each : completes) channel.send(each);
        expect_says(channel, stated(step, "message"));
        ++said;
      }
    }
    EXPECT_GE(said, 3U);
    EXPECT_GE(heard, 5U);
  }
};

TEST_F(GoldenRelay, HandshakeAndMessagesAreAsNoiseSays) {
  Bytes const prologue = stated(vector, "prologue");
  EXPECT_EQ(prologue, Bytes(bytes_of("kith/relay/1").begin(), bytes_of("kith/relay/1").end()));
  HandshakeState device(Pattern::xx, Role::initiator, prologue, face, device_random);
  HandshakeState relay(Pattern::xx, Role::responder, prologue, relay_keys, relay_random);
  ASSERT_EQ(handshake.size(), 3U);
  for (std::size_t i = 0; i < handshake.size(); ++i) {
    Bytes said, payload;
    must((i == 1 ? relay : device).write_message({}, said));
    EXPECT_EQ(hex(said), hex(message(i)));
    must((i == 1 ? device : relay).read_message(message(i), payload));
    EXPECT_TRUE(payload.empty());
  }
  auto d = device.split(), r = relay.split();
  EXPECT_EQ(hex(d.hash), stated_hex(vector, "handshake_hash"));
  for (auto const& step : vector.at("transport")) {
    bool const by_device = step.at("from") == "device";
    Bytes said, plain;
    must((by_device ? d : r).send.encrypt_with_ad({}, stated(step, "plaintext"), said));
    EXPECT_EQ(hex(said), stated_hex(step, "message"));
    must((by_device ? r : d).receive.decrypt_with_ad({}, said, plain));
    EXPECT_EQ(hex(plain), stated_hex(step, "plaintext"));
  }
}

TEST_F(GoldenRelay, OurDeviceHoldsTheStatedConversation) {
  auto channel = opened_device();
  channel.set_max_message_bytes(wire::kRelayLimits.max_message_bytes);
  replay(channel, "device");
}

TEST_F(GoldenRelay, OurRelayHoldsTheStatedConversation) {
  auto channel = opened_relay();
  EXPECT_EQ(hex(channel.remote_static()), stated_hex(vector.at("device"), "dx"));
  replay(channel, "relay");
}

TEST_F(GoldenRelay, TheProofOfHelloBindsItToTheConversation) {
  auto const& proof = vector.at("hello_proof");
  auto const fields = testing::read_json<wire::HelloProof>(proof.at("fields"));
  EXPECT_EQ(fields.relay, (wire::RelayKey{relay_keys.public_key.bytes}));
  EXPECT_EQ(hex(fields.handshake), stated_hex(vector, "handshake_hash"));
  EXPECT_EQ(hex(wire::encode(fields)), stated_hex(proof, "encoding"));
  auto const sign = signing_key(vector.at("device"), "sign_seed");
  EXPECT_EQ(hex(sign.sign("kith/hello/1", stated(proof, "encoding"))), stated_hex(proof, "signature"));
  auto const hello =
      std::get<wire::Hello>(testing::read_json<Messages>(vector.at("transport").at(0).at("completes")).at(0));
  EXPECT_EQ(hex(hello.proof), stated_hex(proof, "signature"));
  EXPECT_EQ(hex(hello.pseudonym), hex(sign.public_key()));
  EXPECT_EQ(hello.last_cursor, fields.last_cursor);
}

TEST_F(GoldenRelay, AccessRecordsFollowEachOtherAsStated) {
  std::optional<wire::AclRecord> last;
  char const* const signers[]{"channel_seed", "laptop_seed", "phone_seed"};
  ASSERT_EQ(file.at("acl_chain").size(), std::size(signers));
  for (std::size_t i = 0; i < std::size(signers); ++i) {
    auto const& stated_record = file.at("acl_chain").at(i);
    auto const record = testing::read_json<wire::AclRecord>(stated_record.at("fields"));
    EXPECT_EQ(hex(wire::encode(record)), stated_hex(stated_record, "encoding"));
    EXPECT_EQ(hex(wire::acl_record_hash(record)), stated_hex(stated_record, "hash"));
    EXPECT_EQ(hex(crypto::hash256("kith/acl-record/1", {stated(stated_record, "encoding")})),
              stated_hex(stated_record, "hash"));
    EXPECT_EQ(hex(wire::acl_signed_part(record)), stated_hex(stated_record, "signed_part"));
    auto const key = signing_key(file, signers[i]);
    EXPECT_EQ(record.signer, key.public_key());
    EXPECT_EQ(hex(record.signature), hex(key.sign("kith/acl/1", stated(stated_record, "signed_part"))));
    EXPECT_EQ(wire::begins_acl(record), i == 0);
    EXPECT_EQ(last && wire::follows_acl(*last, record), i > 0);
    last = record;
  }
  ASSERT_GE(file.at("acl_followers").size(), 8U);
  for (auto const& next : file.at("acl_followers")) {
    auto const record = testing::read_json<wire::AclRecord>(next.at("fields"));
    EXPECT_EQ(wire::follows_acl(*last, record), next.at("follows").get<bool>()) << next.at("name");
  }
  ASSERT_GE(file.at("acl_overrulers").size(), 6U);
  for (auto const& next : file.at("acl_overrulers")) {
    auto const record = testing::read_json<wire::AclRecord>(next.at("fields"));
    EXPECT_FALSE(wire::follows_acl(*last, record)) << next.at("name");
    EXPECT_EQ(wire::overrules_acl(*last, record), next.at("overrules").get<bool>()) << next.at("name");
  }
}

TEST_F(GoldenRelay, StampsAndItemsHashAsStated) {
  ASSERT_GE(file.at("stamps").size(), 4U);
  for (auto const& stamp : file.at("stamps")) {
    auto const relay = stated<wire::RelayKey>(stamp, "relay_key");
    auto const channel = stated<wire::ChannelId>(stamp, "channel_id");
    auto const nonce = stated(stamp, "nonce");
    unsigned const bits = stamp.at("bits");
    EXPECT_EQ(wire::stamp_bits(relay, channel, nonce), bits);
    auto const hash = crypto::hash256("kith/stamp/1", {relay.view(), channel.view(), nonce});
    EXPECT_EQ(hex(hash), stated_hex(stamp, "hash"));
    for (unsigned bit = 0; bit <= bits; ++bit) {
      EXPECT_EQ((hash.bytes[bit / 8] >> (7 - bit % 8)) & 1, bit == bits ? 1 : 0) << bit;
    }
  }
  for (auto const& item : file.at("items")) {
    EXPECT_EQ(hex(wire::item_hash(stated(item, "sealed"))), stated_hex(item, "item_hash"));
  }
}

}  // namespace
}  // namespace kith::relay
