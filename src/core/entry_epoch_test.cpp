#include "support/entries.hpp"

/// What hands out an epoch's secret: the prefix of the entry that starts it.
namespace kith::core {
namespace {

using testing::Entries;
using testing::must;
using wire::WireError;

TEST_F(Entries, ThatStartAnEpochRefuseEveryFlippedBit) {
  auto const good = started().bytes;
  ASSERT_TRUE(opened(good));
  for (std::size_t bit = 0; bit < good.size() * 8; ++bit) {
    auto bad = good;
    bad[bit / 8] = static_cast<std::uint8_t>(bad[bit / 8] ^ (1 << bit % 8));
    ASSERT_FALSE(opened(bad)) << "byte " << bit / 8;
  }
}

/// A rotate and its prefix belong together.
TEST_F(Entries, ThatStartAnEpochKeepTheirPrefix) {
  auto const one = started(), two = started();
  auto const prefix_bytes = must(wire::decode_sealed(one.bytes)).prefix_bytes.size();
  Bytes swapped(two.bytes.begin(), two.bytes.begin() + static_cast<std::ptrdiff_t>(prefix_bytes));
  append(swapped, ByteView{one.bytes}.subspan(prefix_bytes));
  expect_refused(opened(swapped), CoreError::bad_prefix);
  expect_refused(opened(ByteView{one.bytes}.subspan(prefix_bytes)), CoreError::bad_prefix);

  auto const ordinary = sealed(ops_of(message("x"))).bytes;
  Bytes dressed(two.bytes.begin(), two.bytes.begin() + static_cast<std::ptrdiff_t>(prefix_bytes));
  append(dressed, ordinary);
  expect_refused(opened(dressed), CoreError::bad_prefix);

  secret = random.secret<EpochSecret>();
  auto const later = started();
  Bytes foreign(later.bytes.begin(), later.bytes.begin() + static_cast<std::ptrdiff_t>(prefix_bytes));
  append(foreign, ByteView{one.bytes}.subspan(prefix_bytes));
  expect_refused(opened(foreign), WireError::bad_value);
}

TEST_F(Entries, ThatRotateHoldNothingElseButGenesisOrIncarnation) {
  EXPECT_TRUE(opened(started(ops_of(wire::IncarnationOp{author.cert, {}})).bytes));
  wire::GenesisOp genesis;
  genesis.record.creator = author.cert;
  EXPECT_TRUE(opened(started(ops_of(std::move(genesis))).bytes));
  expect_refused(opened(started(ops_of(message("x"))).bytes), CoreError::bad_entry);
  expect_refused(opened(started(ops_of(wire::DeviceRemove{other.device(), {}, {}})).bytes), CoreError::bad_entry);
  expect_refused(opened(started(ops_of(wire::Rotate{3, {}, {}, {}})).bytes), CoreError::bad_entry);
  expect_refused(opened(sealed(ops_of(wire::Rotate{2, {}, {}, {}})).bytes), CoreError::bad_prefix);
}

struct Prefixes : Entries {};

TEST_F(Prefixes, OpenForTheirRecipientsAndNobodyElse) {
  auto const third = Identity::generate(random, {0}), stranger = Identity::generate(random, {0});
  std::vector<crypto::DhPublicKey> const keys{author.cert.dx, other.cert.dx, third.cert.dx};
  auto const prefix = make_prefix(group, secret, keys, random);
  EXPECT_EQ(prefix.epoch, epoch_id(group, secret));
  ASSERT_EQ(prefix.wraps.size(), 3U);
  for (Identity const* recipient : std::initializer_list<Identity const*>{&author, &other, &third}) {
    EXPECT_TRUE(must(unwrap(group, prefix, recipient->dx)) == secret);
  }
  auto const refused = unwrap(group, prefix, stranger.dx);
  ASSERT_FALSE(refused);
  EXPECT_TRUE(refused.error().is(CoreError::unknown_epoch));
  EXPECT_FALSE(unwrap(random.id<GroupId>(), prefix, author.dx));
}

TEST_F(Prefixes, DoNotShowByTheirOrderWhoIsWho) {
  std::vector<crypto::DhPublicKey> const keys{author.cert.dx, other.cert.dx};
  std::set<std::size_t> places;
  for (int i = 0; i < 40; ++i) {
    auto prefix = make_prefix(group, secret, keys, random);
    prefix.wraps[0] = {};
    // The head names the number of wraps, so the other wrap still opens.
    places.insert(unwrap(group, prefix, author.dx) ? 1 : 0);
  }
  EXPECT_EQ(places.size(), 2U);
}

TEST_F(Prefixes, RefuseEveryFlippedBit) {
  std::vector<crypto::DhPublicKey> const keys{author.cert.dx};
  auto const good = make_prefix(group, secret, keys, random);
  for (std::size_t bit = 0; bit < wire::Wrap::kBytes * 8; ++bit) {
    auto bad = good;
    bad.wraps[0].bytes[bit / 8] ^= static_cast<std::uint8_t>(1 << bit % 8);
    ASSERT_FALSE(unwrap(group, bad, author.dx)) << bit;
  }
  for (std::size_t bit = 0; bit < 255; ++bit) {  // X25519 ignores the last bit of a public key, the wrap's aad does not
    auto bad = good;
    bad.ephemeral.bytes[bit / 8] ^= static_cast<std::uint8_t>(1 << bit % 8);
    ASSERT_FALSE(unwrap(group, bad, author.dx)) << bit;
  }
  auto bad = good;
  bad.wraps.push_back(bad.wraps[0]);
  EXPECT_FALSE(unwrap(group, bad, author.dx)) << "the number of wraps is authenticated";
  bad = good, bad.epoch.bytes[0] ^= 1;
  EXPECT_FALSE(unwrap(group, bad, author.dx));
}

/// A device that announces a key of small order gets nothing; the others get theirs.
TEST_F(Prefixes, SurviveARecipientWithoutAKey) {
  std::vector<crypto::DhPublicKey> const keys{{}, author.cert.dx};
  auto const prefix = make_prefix(group, secret, keys, random);
  EXPECT_EQ(prefix.wraps.size(), 2U);
  EXPECT_TRUE(must(unwrap(group, prefix, author.dx)) == secret);
}

TEST(Epochs, AreNamedByTheirSecretInTheirGroup) {
  testing::SeededRandom random(2);
  auto const a = random.secret<EpochSecret>(), b = random.secret<EpochSecret>();
  auto const group = random.id<GroupId>(), other = random.id<GroupId>();
  EXPECT_EQ(epoch_id(group, a), epoch_id(group, a.clone()));
  EXPECT_NE(epoch_id(group, a), epoch_id(group, b));
  EXPECT_NE(epoch_id(group, a), epoch_id(other, a));
  EXPECT_TRUE(epoch_subkey(group, a, "entry") == epoch_subkey(group, a, "entry"));
  EXPECT_FALSE(epoch_subkey(group, a, "entry") == epoch_subkey(group, a, "noise-psk"));
  EXPECT_FALSE(epoch_subkey(group, a, "entry") == epoch_subkey(group, b, "entry"));
  EXPECT_FALSE(epoch_subkey(group, a, "entry") == epoch_subkey(other, a, "entry"));
}

}  // namespace
}  // namespace kith::core
