#include "crypto/cpace.hpp"

#include <gtest/gtest.h>
#include <sodium/crypto_core_ristretto255.h>
#include <sodium/crypto_hash_sha512.h>

#include "crypto/vector_files.hpp"

namespace kith::crypto::cpace {
namespace {

using vectors::from_text;
using vectors::hex;

/// Ours, so that each test can spoil one input of one side.
struct Side {
  std::string password = "8 letters of a code";
  Bytes channel_identifier{1, 2, 3};
  Bytes session_id{4, 5, 6};
  Bytes initiator_data;
  Bytes responder_data;
};

struct Outcome {
  IntermediateKey initiator;
  IntermediateKey responder;
};

Outcome exchange(Side const& initiator, Side const& responder) {
  vectors::ScriptedRandom random([] {
    Bytes script(128);
    for (std::size_t i = 0; i < script.size(); ++i) script[i] = static_cast<std::uint8_t>(i * 7 + 1);
    return script;
  }());
  auto const start = [&](Side const& side) {
    return make_share(generator(bytes_of(side.password), side.channel_identifier, side.session_id), random);
  };
  auto const a = start(initiator);
  auto const b = start(responder);
  auto const finish = [&](Side const& side, KeyShare const& ours, KeyShare const& theirs) {
    return derive(ours.scalar, theirs.share, side.session_id,
                  {a.share, side.initiator_data, b.share, side.responder_data})
        .value();
  };
  return {finish(initiator, a, b), finish(responder, b, a)};
}

TEST(CPace, KnownAnswersOfTheDraft) {
  auto const vector = vectors::read_json(vectors::kOwnFolder / "cpace.json")["G_Coffee25519"];
  auto const g = generator(hex(vector["PRS"]), hex(vector["CI"]), hex(vector["sid"]));
  EXPECT_EQ(g, from_text<Generator>(vector["g"]));

  auto const ya = from_text<Scalar>(vector["ya"]);
  auto const yb = from_text<Scalar>(vector["yb"]);
  auto const initiator_share = share_of(ya, g);
  auto const responder_share = share_of(yb, g);
  EXPECT_EQ(initiator_share, from_text<Share>(vector["Ya"]));
  EXPECT_EQ(responder_share, from_text<Share>(vector["Yb"]));

  auto const ada = hex(vector["ADa"]);
  auto const adb = hex(vector["ADb"]);
  Transcript const transcript{initiator_share, ada, responder_share, adb};
  auto const isk = from_text<IntermediateKey>(vector["ISK_IR"]);
  EXPECT_EQ(derive(ya, responder_share, hex(vector["sid"]), transcript).value(), isk);
  EXPECT_EQ(derive(yb, initiator_share, hex(vector["sid"]), transcript).value(), isk);
}

TEST(CPace, RefusesInvalidPointsAndTheIdentity) {
  auto const points = vectors::read_json(vectors::kOwnFolder / "cpace.json")["G_Coffee25519_points"];
  auto const scalar = from_text<Scalar>(points["Valid"]["s"]);
  auto const valid = from_text<Share>(points["Valid"]["X"]);
  Transcript const transcript{valid, {}, valid, {}};
  EXPECT_TRUE(derive(scalar, valid, {}, transcript));
  for (auto const* name : {"Invalid Y1", "Invalid Y2"}) {  // Y2 is the identity's encoding
    auto const key = derive(scalar, from_text<Share>(points[name]), {}, transcript);
    ASSERT_FALSE(key) << name;
    EXPECT_TRUE(key.error().is(CryptoError::weak_point)) << name;
  }
}

TEST(CPace, BothSidesGetOneKey) {
  auto const outcome = exchange({}, {});
  EXPECT_EQ(outcome.initiator, outcome.responder);
}

TEST(CPace, AnyDifferenceGivesOtherKeys) {
  std::vector<void (*)(Side&)> const differences{
      [](Side& side) { side.password = "8 letters of b code"; },
      [](Side& side) {
        side.channel_identifier = {1, 2, 4};
      },
      [](Side& side) {
        side.session_id = {4, 5, 7};
      },
      [](Side& side) { side.initiator_data = {0}; },
      [](Side& side) { side.responder_data = {0}; },
  };
  for (auto const& make_different : differences) {
    Side responder;
    make_different(responder);
    auto const outcome = exchange({}, responder);
    EXPECT_FALSE(outcome.initiator == outcome.responder);
  }
}

TEST(CPace, RefusesEveryFlippedBitOfAShare) {
  vectors::ScriptedRandom random(Bytes(128, 9));
  auto const g = generator(bytes_of("password"), {}, {});
  auto const a = make_share(g, random);
  Scalar const b =
      from_text<Scalar>(std::string_view{"0100000000000000000000000000000000000000000000000000000000000000"});
  auto const share = share_of(b, g);
  auto const expected = derive(a.scalar, share, {}, {a.share, {}, share, {}}).value();
  for (std::size_t bit = 0; bit < 256; ++bit) {
    auto altered = share;
    altered.bytes[bit / 8] ^= static_cast<std::uint8_t>(1U << (bit % 8));
    auto const key = derive(a.scalar, altered, {}, {a.share, {}, altered, {}});
    EXPECT_TRUE(!key || !(*key == expected)) << bit;
  }
}

/// The draft's generator string, written out here for passwords around the lengths where it changes: 108 bytes fill the
/// hash's first block, so no zeros follow; 128 and more have a length of two bytes.
TEST(CPace, HashesTheGeneratorStringOfTheDraft) {
  struct Case {
    std::size_t size;
    Bytes length;
    std::size_t zeros;
  };
  for (auto const& [size, length, zeros] :
       {Case{0, {0x00}, 108}, Case{107, {0x6b}, 1}, Case{108, {0x6c}, 0}, Case{127, {0x7f}, 0},
        Case{128, {0x80, 0x01}, 0}, Case{300, {0xac, 0x02}, 0}}) {
    Bytes const password(size, 'a');
    Bytes string{17};
    append(string, bytes_of("CPaceRistretto255"));
    append(string, length);
    append(string, password);
    string.push_back(static_cast<std::uint8_t>(zeros));
    append(string, Bytes(zeros));
    string.push_back(2);
    append(string, bytes_of("ci"));
    string.push_back(3);
    append(string, bytes_of("sid"));

    std::array<std::uint8_t, crypto_hash_sha512_BYTES> digest;
    crypto_hash_sha512(digest.data(), string.data(), string.size());
    std::array<std::uint8_t, 32> expected;
    ASSERT_EQ(crypto_core_ristretto255_from_hash(expected.data(), digest.data()), 0);
    EXPECT_TRUE(equal(generator(password, bytes_of("ci"), bytes_of("sid")).view(), expected)) << size;
  }
}

TEST(CPace, AScalarOfZeroIsABug) {
  vectors::ScriptedRandom random(Bytes(64, 0));
  auto const g = generator(bytes_of("password"), {}, {});
  EXPECT_DEATH((void)make_share(g, random), "bug at");
}

}  // namespace
}  // namespace kith::crypto::cpace
