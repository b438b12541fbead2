#include "core/identity.hpp"

#include <gtest/gtest.h>

#include "support/seeded_random.hpp"
#include "support/test_device.hpp"

namespace kith::core {
namespace {

struct Identities : ::testing::Test {
  testing::SeededRandom random{1};
  Identity ours = Identity::generate(random, {1'800'000'000'000});
};

TEST_F(Identities, ADevcertJoinsBothKeysAndIsSigned) {
  EXPECT_EQ(ours.cert.device.bytes, ours.sign.public_key().bytes);
  EXPECT_EQ(ours.cert.dx, ours.dx.public_key);
  EXPECT_EQ(ours.cert.created_s, 1'800'000'000U);
  EXPECT_EQ(ours.cert.caps, 0U);
  EXPECT_TRUE(signature_fits(ours.cert));
}

TEST_F(Identities, ADevcertWithAnotherFieldDoesNotFit) {
  auto const other = Identity::generate(random, {0});
  auto cert = ours.cert;
  cert.device = other.device();
  EXPECT_FALSE(signature_fits(cert));
  cert = ours.cert, cert.dx = other.cert.dx;
  EXPECT_FALSE(signature_fits(cert)) << "the key that epochs are wrapped for";
  cert = ours.cert, ++cert.created_s;
  EXPECT_FALSE(signature_fits(cert));
  cert = ours.cert, ++cert.caps;
  EXPECT_FALSE(signature_fits(cert));
  cert = ours.cert, cert.signature = other.cert.signature;
  EXPECT_FALSE(signature_fits(cert));
  for (std::size_t bit = 0; bit < 64 * 8; ++bit) {
    cert = ours.cert, cert.signature.bytes[bit / 8] ^= static_cast<std::uint8_t>(1 << bit % 8);
    EXPECT_FALSE(signature_fits(cert)) << bit;
  }
}

TEST_F(Identities, RestoringMakesTheSameDevice) {
  auto const copy = ours.clone();
  EXPECT_EQ(copy.cert, ours.cert);
  EXPECT_TRUE(copy.root == ours.root);
  EXPECT_TRUE(copy.storage == ours.storage);
  EXPECT_TRUE(copy.dx.secret_key == ours.dx.secret_key);
  EXPECT_EQ(copy.sign.sign("kith/x/1", bytes_of("m")), ours.sign.sign("kith/x/1", bytes_of("m")));
}

TEST_F(Identities, ARelaySeesAFaceThatLeadsNowhereElse) {
  auto const relay = random.id<wire::RelayKey>();
  auto const group = random.id<GroupId>();
  auto const face = relay_face(ours.root, relay, group);
  EXPECT_EQ(relay_face(ours.root, relay, group).pseudonym(), face.pseudonym());
  EXPECT_EQ(face.pseudonym().bytes, face.sign.public_key().bytes);
  EXPECT_NE(face.sign.public_key(), ours.sign.public_key());
  EXPECT_NE(face.dx.public_key, ours.dx.public_key);
  EXPECT_NE(relay_face(ours.root, random.id<wire::RelayKey>(), group).pseudonym(), face.pseudonym());
  EXPECT_NE(relay_face(ours.root, relay, random.id<GroupId>()).pseudonym(), face.pseudonym());
  auto const other = Identity::generate(random, {0});
  EXPECT_NE(relay_face(other.root, relay, group).pseudonym(), face.pseudonym());
  EXPECT_NE(relay_face(other.root, relay, group).dx.public_key, face.dx.public_key);
}

TEST_F(Identities, TheSameWordsGiveTheSameRecoveryKeys) {
  auto const recovery = testing::test_recovery(3);
  auto const again = testing::test_recovery(3);
  auto const other = testing::test_recovery(4);
  EXPECT_EQ(recovery.sign.public_key(), again.sign.public_key());
  EXPECT_EQ(recovery.dx.public_key, again.dx.public_key);
  EXPECT_TRUE(recovery.locator == again.locator);
  EXPECT_NE(recovery.sign.public_key(), other.sign.public_key());
  EXPECT_NE(recovery.dx.public_key, other.dx.public_key);
  EXPECT_FALSE(recovery.locator == other.locator);
}

/// A recovery signature is bound to the op and to the place it was written at: nobody can move it.
struct RecoverySignatures : Identities {
  RecoverySignatures() {
    remove.recovery =
        recovery.sign.sign(kRecoveryLabel, recovery_message(group, ours.device(), {7}, {3}, wire::Op{remove}));
  }
  [[nodiscard]] bool fits(GroupId const& at_group, DeviceId const& author, Incarnation incarnation, Seq seq,
                          wire::Op const& op) const {
    return recovery_signature_fits(recovery.sign.public_key(), at_group, author, incarnation, seq, op);
  }
  RecoveryKeys recovery = testing::test_recovery(3);
  GroupId group = random.id<GroupId>();
  wire::DeviceRemove remove{random.id<DeviceId>(), wire::RemoveReason::lost, std::nullopt};
};

TEST_F(RecoverySignatures, FitOnlyWhereTheyWereWritten) {
  EXPECT_TRUE(fits(group, ours.device(), {7}, {3}, remove));
  EXPECT_FALSE(fits(random.id<GroupId>(), ours.device(), {7}, {3}, remove));
  EXPECT_FALSE(fits(group, random.id<DeviceId>(), {7}, {3}, remove));
  EXPECT_FALSE(fits(group, ours.device(), {8}, {3}, remove));
  EXPECT_FALSE(fits(group, ours.device(), {7}, {4}, remove));
}

TEST_F(RecoverySignatures, FitOnlyTheOpTheyWereMadeFor) {
  auto other = remove;
  other.device = random.id<DeviceId>();
  EXPECT_FALSE(fits(group, ours.device(), {7}, {3}, other));
  other = remove, other.reason = wire::RemoveReason::retired;
  EXPECT_FALSE(fits(group, ours.device(), {7}, {3}, other));
  other = remove, other.recovery.reset();
  EXPECT_FALSE(fits(group, ours.device(), {7}, {3}, other));
  wire::DeviceAdd add{ours.cert, "x", {}, remove.recovery};
  EXPECT_FALSE(fits(group, ours.device(), {7}, {3}, add));
  EXPECT_FALSE(fits(group, ours.device(), {7}, {3}, wire::DeviceRename{ours.device(), "x"}));
}

TEST_F(RecoverySignatures, OfAnotherKeyDoNotFit) {
  auto const thief = testing::test_recovery(9);
  auto forged = remove;
  forged.recovery.reset();
  forged.recovery = thief.sign.sign(kRecoveryLabel, recovery_message(group, ours.device(), {7}, {3}, wire::Op{forged}));
  EXPECT_FALSE(fits(group, ours.device(), {7}, {3}, forged));
}

TEST_F(RecoverySignatures, LetADeviceAddItself) {
  wire::DeviceAdd add{ours.cert, "recovered", random.id<EpochId>(), std::nullopt};
  add.recovery = recovery.sign.sign(kRecoveryLabel, recovery_message(group, ours.device(), {1}, {1}, wire::Op{add}));
  EXPECT_TRUE(fits(group, ours.device(), {1}, {1}, add));
  add.epoch = random.id<EpochId>();
  EXPECT_FALSE(fits(group, ours.device(), {1}, {1}, add));
}

}  // namespace
}  // namespace kith::core
