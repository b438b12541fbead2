#include <gtest/gtest.h>

#include "core/entry.hpp"
#include "crypto/mnemonic.hpp"
#include "support/raw_seal.hpp"
#include "support/seeded_random.hpp"
#include "support/test_device.hpp"
#include "support/vector_file.hpp"

/// The vectors of tests/vectors/keys.json and entries.json.
namespace kith::core {
namespace {

using testing::Json;
using testing::must;
using testing::SeededRandom;
using testing::stated;
using testing::stated_hex;
using testing::vector_file;

template <class T>
std::string hex(T const& bytes) {
  return to_hex(bytes.view());
}
std::string hex(Bytes const& bytes) { return to_hex(bytes); }

Json const& keys() {
  static Json const file = vector_file("keys.json");
  return file;
}

TEST(GoldenKeys, Devcerts) {
  ASSERT_GE(keys().at("devcerts").size(), 2U);
  for (auto const& vector : keys().at("devcerts")) {
    auto const identity =
        Identity::restore(stated<crypto::SignSeed>(vector, "sign_seed"),
                          stated<crypto::DhSecretKey>(vector, "dx_secret"), {}, {}, vector.at("created_s"));
    EXPECT_EQ(hex(wire::encode(identity.cert)), stated_hex(vector, "encoding"));
    EXPECT_EQ(hex(identity.cert.signed_part()), stated_hex(vector, "signed_part"));
    EXPECT_EQ(testing::to_json(identity.cert), vector.at("fields"));
    auto cert = testing::read_json<wire::Devcert>(vector.at("fields"));
    EXPECT_TRUE(signature_fits(cert));
    ++cert.created_s;
    EXPECT_FALSE(signature_fits(cert));
  }
}

TEST(GoldenKeys, GroupIds) {
  ASSERT_GE(keys().at("groups").size(), 1U);
  for (auto const& vector : keys().at("groups")) {
    auto const genesis = testing::read_json<wire::Genesis>(vector.at("genesis"));
    EXPECT_EQ(hex(wire::encode(genesis)), stated_hex(vector, "encoding"));
    EXPECT_EQ(hex(group_id(genesis)), stated_hex(vector, "group_id"));
  }
}

TEST(GoldenKeys, EpochsAndTheirSubkeys) {
  ASSERT_GE(keys().at("epochs").size(), 2U);
  for (auto const& vector : keys().at("epochs")) {
    auto const group = stated<GroupId>(vector, "group_id");
    auto const secret = stated<EpochSecret>(vector, "secret");
    EXPECT_EQ(hex(epoch_id(group, secret)), stated_hex(vector, "epoch_id"));
    EXPECT_EQ(vector.at("subkeys").size(), 6U);
    for (auto const& [use, key] : vector.at("subkeys").items())
      EXPECT_EQ(hex(epoch_subkey(group, secret, use)), key.get<std::string>()) << use;
  }
}

TEST(GoldenKeys, ChunkIds) {
  auto const& vector = keys().at("content");
  auto const secret = stated<Secret<32>>(vector, "content_secret");
  auto const key = crypto::hkdf<crypto::ChunkKey>({}, secret.view(), bytes_of("kith/chunk/1"));
  EXPECT_EQ(hex(key), stated_hex(vector, "chunk_key"));
  ASSERT_GE(vector.at("chunks").size(), 3U);
  for (auto const& chunk : vector.at("chunks"))
    EXPECT_EQ(hex(crypto::keyed_hash256(key, stated(chunk, "bytes"))), stated_hex(chunk, "chunk_id"));
}

TEST(GoldenKeys, RecoveryWords) {
  ASSERT_GE(keys().at("recoveries").size(), 2U);
  for (auto const& vector : keys().at("recoveries")) {
    auto const entropy = must(crypto::from_words(vector.at("words").get<std::string>()));
    EXPECT_EQ(hex(entropy), stated_hex(vector, "entropy"));
    EXPECT_EQ(crypto::to_words(entropy), vector.at("words").get<std::string>());
    EXPECT_EQ(hex(crypto::mnemonic_seed(vector.at("words").get<std::string>())), stated_hex(vector, "bip39_seed"));
    auto const recovery = RecoveryKeys::from_entropy(entropy);
    EXPECT_EQ(hex(recovery.sign.seed()), stated_hex(vector, "recovery_sign_seed"));
    EXPECT_EQ(hex(recovery.sign.public_key()), stated_hex(vector, "recovery_sign"));
    EXPECT_EQ(hex(recovery.dx.secret_key), stated_hex(vector, "recovery_dx_secret"));
    EXPECT_EQ(hex(recovery.dx.public_key), stated_hex(vector, "recovery_dx"));
    EXPECT_EQ(hex(recovery.locator), stated_hex(vector, "locator_secret"));
  }
}

TEST(GoldenKeys, RecoverySignatures) {
  auto const recovery_sign = stated<crypto::SignPublicKey>(keys().at("recoveries").at(0), "recovery_sign");
  ASSERT_GE(keys().at("recovery_signatures").size(), 2U);
  for (auto const& vector : keys().at("recovery_signatures")) {
    auto const group = stated<GroupId>(vector, "group_id");
    auto const author = stated<DeviceId>(vector, "author");
    Incarnation const incarnation{vector.at("incarnation")};
    Seq const seq{vector.at("seq")};
    auto const op = testing::read_json<wire::Op>(vector.at("op"));
    EXPECT_EQ(hex(recovery_message(group, author, incarnation, seq, op)), stated_hex(vector, "message"));
    auto const signed_op = testing::read_json<wire::Op>(vector.at("signed_op"));
    EXPECT_TRUE(recovery_signature_fits(recovery_sign, group, author, incarnation, seq, signed_op));
    EXPECT_FALSE(recovery_signature_fits(recovery_sign, group, author, incarnation, {seq.value + 1}, signed_op));
    EXPECT_FALSE(recovery_signature_fits(recovery_sign, group, author, incarnation, seq, op)) << "without a signature";
  }
}

TEST(GoldenKeys, PseudonymsTowardsRelays) {
  ASSERT_GE(keys().at("pseudonyms").size(), 3U);
  for (auto const& vector : keys().at("pseudonyms")) {
    auto const face = relay_face(stated<DeviceRoot>(vector, "root"), stated<wire::RelayKey>(vector, "relay_key"),
                                 stated<GroupId>(vector, "group_id"));
    EXPECT_EQ(hex(face.sign.seed()), stated_hex(vector, "sign_seed"));
    EXPECT_EQ(hex(face.pseudonym()), stated_hex(vector, "pseudonym"));
    EXPECT_EQ(hex(face.dx.secret_key), stated_hex(vector, "dx_secret"));
    EXPECT_EQ(hex(face.dx.public_key), stated_hex(vector, "dx"));
  }
}

std::string heads_of(std::vector<Tip> const& tips) {
  Bytes encoding;
  wire::Encoder{encoding}(wire::list(tips, tips.size()));
  return hex(crypto::hash256("kith/heads/1", {encoding}));
}

TEST(GoldenKeys, Heads) {
  ASSERT_GE(keys().at("heads").size(), 3U);
  for (auto const& vector : keys().at("heads")) {
    EXPECT_EQ(heads_of(testing::read_json<std::vector<Tip>>(vector.at("tips"))), stated_hex(vector, "heads"));
  }
  testing::TestDevice device(1);
  must(device.replica.create_group("home", "laptop", testing::test_recovery(1), device.now()));
  EXPECT_EQ(heads_of(must(device.replica.tips())), hex(must(device.replica.heads()))) << "what a replica computes";
}

struct GoldenEntries : ::testing::Test {
  template <class Check>
  void for_each(Check check) {
    auto const file = vector_file("entries.json");
    ASSERT_GE(file.at("entries").size(), 9U);
    for (auto const& vector : file.at("entries")) {
      SCOPED_TRACE(vector.at("name").get<std::string>());
      check(vector);
    }
  }
};

TEST_F(GoldenEntries, OpenWithTheStatedSecret) {
  for_each([](Json const& vector) {
    Bytes sealed = stated(vector, "sealed");
    auto const group = stated<GroupId>(vector, "group_id");
    auto const secret = stated<EpochSecret>(vector, "epoch_secret");
    auto const parts = must(wire::decode_sealed(sealed));
    EXPECT_EQ(testing::to_json(parts.header), vector.at("header"));
    EXPECT_EQ(parts.header.epoch, epoch_id(group, secret));
    auto const opened = must(open(parts, group, secret, Check::everything));
    EXPECT_EQ(hex(opened.hash), stated_hex(vector, "entry_hash"));
    EXPECT_EQ(testing::to_json(opened.body), vector.at("body_fields"));
    EXPECT_EQ(hex(wire::encode(opened.body)), stated_hex(vector, "body"));
    EXPECT_EQ(testing::to_json(opened.ops), vector.at("ops"));
    EXPECT_EQ(hex(wire::encode_ops(opened.ops)),
              hex(wire::encode_ops(testing::read_json<std::vector<wire::Op>>(vector.at("ops")))));
    EXPECT_EQ(parts.ciphertext.size(), vector.at("plaintext_bytes").get<std::size_t>() + crypto::kAeadTagBytes);
    sealed.back() ^= 1;
    EXPECT_FALSE(open(must(wire::decode_sealed(sealed)), group, secret, Check::everything));
  });
}

TEST_F(GoldenEntries, SealToTheStatedBytes) {
  std::size_t sealed_again = 0;
  for_each([&](Json const& vector) {
    if (!vector.contains("random_seed")) return;  // compressed by hand
    ++sealed_again;
    SeededRandom random(vector.at("random_seed").get<std::uint64_t>());
    auto const group = stated<GroupId>(vector, "group_id");
    auto const secret = stated<EpochSecret>(vector, "epoch_secret");
    Draft draft{testing::read_json<wire::EntryBody>(vector.at("body_fields")),
                testing::read_json<std::vector<wire::Op>>(vector.at("ops")),
                {}};
    if (vector.contains("recipients")) {
      std::vector<crypto::DhPublicKey> recipients;
      for (auto const& recipient : vector.at("recipients"))
        recipients.push_back(stated<crypto::DhPublicKey>(recipient, "dx"));
      draft.prefix = make_prefix(group, secret, recipients, random);
      EXPECT_EQ(hex(draft.prefix->encoding()), stated_hex(vector, "prefix"));
    }
    draft.body.ops = {};
    auto const sealed = must(seal(std::move(draft), group, secret,
                                  crypto::SigningKey(stated<crypto::SignSeed>(vector, "author_seed")), random));
    EXPECT_EQ(hex(sealed.hash), stated_hex(vector, "entry_hash"));
    EXPECT_EQ(hex(sealed.bytes), stated_hex(vector, "sealed"));
  });
  EXPECT_GE(sealed_again, 8U);
}

TEST_F(GoldenEntries, AreSealedStepByStepAsTheSpecificationSays) {
  for_each([](Json const& vector) {
    auto const header = testing::read_json<wire::EntryHeader>(vector.at("header"));
    auto const raw = testing::raw_seal(
        stated(vector, "body"), stated<GroupId>(vector, "group_id"), stated<EpochSecret>(vector, "epoch_secret"),
        crypto::SigningKey(stated<crypto::SignSeed>(vector, "author_seed")), header.entry, header.nonce);
    EXPECT_EQ(hex(raw.aad), stated_hex(vector, "aad"));
    EXPECT_EQ(hex(raw.key), stated_hex(vector, "key"));
    EXPECT_EQ(raw.header, header);
    EXPECT_EQ(hex(raw.hash), stated_hex(vector, "entry_hash"));
    EXPECT_EQ(hex(raw.signature), stated_hex(vector, "signature"));
    Bytes sealed = vector.contains("prefix") ? stated(vector, "prefix") : Bytes{};
    append(sealed, raw.bytes);
    EXPECT_EQ(hex(sealed), stated_hex(vector, "sealed"));
  });
}

TEST_F(GoldenEntries, EveryRecipientUnwrapsTheSecret) {
  std::size_t unwrapped = 0;
  for_each([&](Json const& vector) {
    if (!vector.contains("recipients")) return;
    auto const group = stated<GroupId>(vector, "group_id");
    auto const parts = must(wire::decode_sealed(stated(vector, "sealed")));
    ASSERT_TRUE(parts.prefix);
    EXPECT_EQ(testing::to_json(*parts.prefix), vector.at("prefix_fields"));
    EXPECT_EQ(parts.prefix->wraps.size(), vector.at("recipients").size());
    EXPECT_EQ(crypto::DhKeyPair::from(stated<crypto::DhSecretKey>(vector, "ephemeral_secret")).public_key,
              parts.prefix->ephemeral);
    for (auto const& recipient : vector.at("recipients")) {
      auto const pair = crypto::DhKeyPair::from(stated<crypto::DhSecretKey>(recipient, "dx_secret"));
      EXPECT_EQ(hex(pair.public_key), stated_hex(recipient, "dx"));
      EXPECT_EQ(hex(must(unwrap(group, *parts.prefix, pair))), stated_hex(vector, "epoch_secret"));
      ++unwrapped;
    }
    EXPECT_FALSE(unwrap(group, *parts.prefix, crypto::DhKeyPair::from(crypto::DhSecretKey{})));
  });
  EXPECT_GE(unwrapped, 5U);
}

}  // namespace
}  // namespace kith::core
