#include <gtest/gtest.h>

#include "support/played_recovery.hpp"
#include "support/seeded_random.hpp"
#include "support/vector_file.hpp"

/// The vector of tests/vectors/recovery.json.
namespace kith::core {
namespace {

using testing::Json;
using testing::must;
using testing::prefixed;
using testing::SeededRandom;
using testing::stated;

struct GoldenRecovery : ::testing::Test {
  Json const vector = testing::vector_file("recovery.json");
  Json const& giver_json = vector.at("giver");
  GroupId const group = stated<GroupId>(vector, "group_id");
  Identity const giver =
      Identity::restore(stated<crypto::SignSeed>(giver_json, "sign_seed"),
                        stated<crypto::DhSecretKey>(giver_json, "dx_secret"), {}, {}, giver_json.at("created_s"));
  RecoveryKeys const words{crypto::SigningKey(stated<crypto::SignSeed>(vector, "recovery_sign_seed")),
                           crypto::DhKeyPair::from(stated<crypto::DhSecretKey>(vector, "recovery_dx_secret")),
                           stated<wire::LocatorSecret>(vector, "locator_secret")};
  SeededRandom of_reader{vector.at("reader").at("random_seed").get<std::uint64_t>()};
  SeededRandom of_giver{giver_json.at("random_seed").get<std::uint64_t>()};

  Bytes message(char const* name) { return prefixed(stated(vector, name)); }
  wire::Genesis genesis() {
    auto found = genesis_in(founding(), group, words);
    EXPECT_TRUE(found.has_value());
    return std::move(*found);
  }
  Bytes founding() {
    auto const frame = stated(vector.at("transport_of_giver").at(0), "plaintext");
    auto const data = must(wire::decode_frame(ByteView{frame}.subspan(4)));
    return std::get<wire::Data>(data).entries.at(0).bytes;
  }
};

TEST_F(GoldenRecovery, KeysAndTagAreDerivedAsStated) {
  Bytes psk(32);
  crypto::hkdf_sha256({}, words.locator.view(), bytes_of("kith/recovery-psk/1"), psk);
  EXPECT_EQ(psk, stated(vector, "psk"));
  Bytes prologue;
  append(prologue, bytes_of("kith/recovery-stream/1"));
  prologue.push_back(0);
  append(prologue, stated(vector, "opening"));
  EXPECT_EQ(prologue, stated(vector, "prologue"));
  Bytes tagged;
  append(tagged, bytes_of("kith/recovery-tag/1"));
  tagged.push_back(0);
  auto const message_1 = stated(vector, "message_1");
  append(tagged, ByteView{message_1}.first(32));
  auto const mac = crypto::hmac_sha256(psk, tagged);
  EXPECT_EQ(Bytes(mac.bytes.begin(), mac.bytes.begin() + 16), stated(vector, "tag"));
}

TEST_F(GoldenRecovery, OurReaderHoldsTheStatedConversation) {
  RecoveryReader reader(words, of_reader);
  Bytes expected = stated(vector, "opening"), said;
  append(expected, message("message_1"));
  ASSERT_TRUE(reader.poll_transmit(said));
  EXPECT_EQ(to_hex(said), to_hex(expected));
  must(reader.on_bytes(message("message_2"), {}));
  ASSERT_TRUE(reader.poll_transmit(said = {}));
  EXPECT_EQ(to_hex(said), to_hex(message("message_3")));
  for (auto const& each : vector.at("transport_of_giver")) must(reader.on_bytes(prefixed(stated(each, "message")), {}));
  ASSERT_TRUE(reader.done());
  EXPECT_EQ(reader.take_entries(), std::vector<Bytes>{founding()});
  EXPECT_EQ(reader.tips().size(), 1U);
}

TEST_F(GoldenRecovery, OurGiverHoldsTheStatedConversation) {
  testing::ListedEntries source;
  source.entries = {founding()};
  auto const opening = must(wire::decode_opening(stated(vector, "opening")));
  RecoveryGiver machine(giver, genesis(), source, opening, of_giver, {});
  machine.on_bytes(message("message_1"), {});
  Bytes said;
  ASSERT_TRUE(must(machine.poll_transmit(said, {})));
  EXPECT_EQ(to_hex(said), to_hex(message("message_2")));
  machine.on_bytes(message("message_3"), {});
  EXPECT_TRUE(machine.proved());
  ASSERT_TRUE(must(machine.poll_transmit(said = {}, {})));
  EXPECT_EQ(to_hex(said), to_hex(prefixed(stated(vector.at("transport_of_giver").at(0), "message"))));
}

}  // namespace
}  // namespace kith::core
