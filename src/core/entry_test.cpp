#include "core/entry.hpp"

#include <lz4.h>

#include "support/entries.hpp"

namespace kith::core {
namespace {

using testing::Entries;
using testing::must;
using wire::WireError;

TEST_F(Entries, ComeBackAsTheyWereWritten) {
  auto entry = draft(ops_of(message("hello"), wire::DeviceRename{other.device(), "x"}));
  entry.body.seq = {7};
  entry.body.prev = random.id<EntryHash>();
  entry.body.tips = {{{DeviceId{}, {1}}, {3}, random.id<EntryHash>()}};
  auto const expected = entry.body;
  auto const one = must(seal(std::move(entry), group, secret, author.sign, random));
  auto const back = must(opened(one.bytes));
  EXPECT_EQ(back.hash, one.hash);
  EXPECT_EQ(back.epoch, epoch_id(group, secret));
  EXPECT_EQ(back.body.author, expected.author);
  EXPECT_EQ(back.body.log(), (LogId{author.device(), {5}}));
  EXPECT_EQ(back.body.seq, expected.seq);
  EXPECT_EQ(back.body.prev, expected.prev);
  EXPECT_EQ(back.body.tips, expected.tips);
  EXPECT_EQ(back.body.hlc, expected.hlc);
  ASSERT_EQ(back.ops.size(), 2U);
  EXPECT_EQ(std::get<wire::Message>(back.ops[0]).content.value, message("hello").content.value);
  EXPECT_EQ(std::get<wire::DeviceRename>(back.ops[1]).name, "x");
}

TEST_F(Entries, AreSealedAsTheSpecificationHasIt) {
  auto const body = body_with(ops_of(message("by hand")));
  auto const back = must(opened(raw(body).sealed(random)));
  EXPECT_EQ(back.body.ops, body.ops);
}

TEST_F(Entries, HideTheirLengthInBuckets) {
  EXPECT_EQ(sealed(ops_of(message("a"))).bytes.size(), 91 + 256 + 16U);
  EXPECT_EQ(sealed(ops_of(message("a little more"))).bytes.size(), 91 + 256 + 16U);
  EXPECT_EQ(sealed(ops_of(message(std::string(200, 'x')))).bytes.size(), 91 + 512 + 16U);
  EXPECT_NE(sealed(ops_of(message("a"))).bytes, sealed(ops_of(message("a"))).bytes);
}

TEST_F(Entries, RefuseEveryFlippedBit) {
  auto const good = sealed(ops_of(message("hello"))).bytes;
  ASSERT_TRUE(opened(good));
  for (std::size_t bit = 0; bit < good.size() * 8; ++bit) {
    auto bad = good;
    bad[bit / 8] = static_cast<std::uint8_t>(bad[bit / 8] ^ (1 << bit % 8));
    ASSERT_FALSE(opened(bad)) << "byte " << bit / 8;
    ASSERT_FALSE(opened(bad, Check::own_storage)) << "byte " << bit / 8;
  }
}

TEST_F(Entries, RefuseEveryTruncationAndOneByteMore) {
  for (auto const& good : {sealed(ops_of(message("hello"))).bytes, started().bytes}) {
    for (std::size_t size = 0; size < good.size(); ++size) ASSERT_FALSE(opened(ByteView{good}.first(size))) << size;
    auto longer = good;
    longer.push_back(0);
    EXPECT_FALSE(opened(longer));
  }
}

TEST_F(Entries, ShowNothingToAnotherGroupOrEpoch) {
  auto const good = sealed(ops_of(message("hello"))).bytes;
  auto const parts = must(wire::decode_sealed(good));
  expect_refused(open(parts, random.id<GroupId>(), secret, Check::everything), CoreError::bad_seal);
  expect_refused(open(parts, group, random.secret<EpochSecret>(), Check::everything), CoreError::bad_seal);
}

TEST_F(Entries, HaveOneKeyAndNoOther) {
  auto const one = sealed(ops_of(message("one"))).bytes, two = sealed(ops_of(message("two"))).bytes;
  auto swapped = one;
  std::copy_n(two.begin() + 59, 32, swapped.begin() + 59);
  expect_refused(opened(swapped), CoreError::bad_seal);
  auto liar = raw(body_with(ops_of(message("x"))));
  liar.announce_other_commitment = true;
  expect_refused(opened(liar.sealed(random)), CoreError::bad_seal);
}

TEST_F(Entries, AreTheirAuthorsAlone) {
  auto body = body_with(ops_of(message("not mine")));
  auto forged = raw(body);
  forged.signer = &other.sign;
  auto const bytes = forged.sealed(random);
  expect_refused(opened(bytes), CoreError::bad_signature);
  EXPECT_TRUE(opened(bytes, Check::own_storage)) << "what was verified before it was stored is not verified again";
  body.author = other.device();
  auto claimed = raw(body);
  expect_refused(opened(claimed.sealed(random)), CoreError::bad_signature);
  claimed.signer = &other.sign;
  EXPECT_TRUE(opened(claimed.sealed(random)));
}

TEST_F(Entries, KeepToTheirPadding) {
  auto const body = body_with(ops_of(message("x")));
  auto dirty = raw(body);
  dirty.padding_tail = {1};
  expect_refused(opened(dirty.sealed(random)), CoreError::bad_seal);
  auto wide = raw(body);
  wide.extra_padding = 256;
  expect_refused(opened(wide.sealed(random)), CoreError::bad_seal);
  for (std::uint32_t const lie : {1U, 1000U, 0x8000'0000U, 0xFFFF'FFFFU}) {
    auto liar = raw(body);
    liar.body_length_lie = lie;
    EXPECT_FALSE(opened(liar.sealed(random))) << lie;
  }
}

TEST_F(Entries, HaveTipsInOneOrderAndNoneOfTheirOwnLog) {
  Tip const a{{DeviceId{{1}}, {1}}, {2}, random.id<EntryHash>()}, b{{DeviceId{{2}}, {1}}, {2}, random.id<EntryHash>()};
  auto const with_tips = [&](std::vector<Tip> tips) {
    auto body = body_with(ops_of(message("x")));
    body.tips = std::move(tips);
    return opened(raw(body).sealed(random));
  };
  EXPECT_TRUE(with_tips({a, b}));
  expect_refused(with_tips({b, a}), WireError::bad_value);
  expect_refused(with_tips({a, a}), WireError::bad_value);
  expect_refused(with_tips({{{author.device(), {5}}, {2}, b.hash}}), WireError::bad_value);
  EXPECT_TRUE(with_tips({{{author.device(), {6}}, {2}, b.hash}})) << "a log before this one";
  expect_refused(with_tips({{a.log, {0}, a.hash}}), WireError::bad_value);
}

TEST_F(Entries, NameTheOneBeforeThemUnlessTheyAreTheFirst) {
  auto body = body_with(ops_of(message("x")));
  body.prev = random.id<EntryHash>();
  expect_refused(opened(raw(body).sealed(random)), WireError::bad_value);
  body.seq = {2};
  EXPECT_TRUE(opened(raw(body).sealed(random)));
  body.prev = {};
  expect_refused(opened(raw(body).sealed(random)), WireError::bad_value);
}

TEST_F(Entries, AreCompressedWhereThatSavesBytes) {
  auto const plain = must(opened(sealed(ops_of(message("short"))).bytes));
  EXPECT_EQ(plain.body.compression, wire::Compression::none);
  auto const text = std::string(30'000, 'x');
  auto const one = sealed(ops_of(message(text)));
  EXPECT_LT(one.bytes.size(), 1000U);
  auto const back = must(opened(one.bytes));
  EXPECT_EQ(back.body.compression, wire::Compression::lz4);
  EXPECT_EQ(std::get<wire::Message>(back.ops[0]).content.value, message(text).content.value);
  auto const noise = random.bytes<2000>();
  auto const random_bytes =
      must(opened(sealed(ops_of(wire::Message{"t", 0, {Bytes(noise.begin(), noise.end())}})).bytes));
  EXPECT_EQ(random_bytes.body.compression, wire::Compression::none);
}

/// Compression would tell by its length how alike a secret and what somebody else wrote beside it are.
TEST_F(Entries, WithSecretsAreNotCompressed) {
  wire::EpochSecrets handed;
  auto const one = random.secret<EpochSecret>();
  for (int i = 0; i < 50; ++i) handed.secrets.push_back(one.clone());
  auto const back = must(opened(sealed(ops_of(std::move(handed), message(std::string(5000, 'x')))).bytes));
  EXPECT_EQ(back.body.compression, wire::Compression::none);
}

TEST_F(Entries, MayUnpackToOneMebibyteAndNoMore) {
  auto const packed = [&](std::size_t bytes) {
    Bytes const zeros(bytes, 0xC2);
    Bytes out(static_cast<std::size_t>(LZ4_compressBound(static_cast<int>(bytes))));
    out.resize(static_cast<std::size_t>(LZ4_compress_default(reinterpret_cast<char const*>(zeros.data()),
                                                             reinterpret_cast<char*>(out.data()),
                                                             static_cast<int>(bytes), static_cast<int>(out.size()))));
    auto body = draft({}).body;
    body.compression = wire::Compression::lz4;
    body.ops = std::move(out);
    return opened(raw(body).sealed(random));
  };
  expect_refused(packed(kLimits.max_ops_bytes + 1), CoreError::bad_entry);
  expect_refused(packed(12 * kLimits.max_ops_bytes), CoreError::bad_entry);
  auto const fits = packed(kLimits.max_ops_bytes);
  ASSERT_FALSE(fits);
  EXPECT_TRUE(fits.error().holds<WireError>()) << "unpacked, but no ops";

  std::vector<wire::Op> ops;
  for (int i = 0; i < 31; ++i) ops.emplace_back(message(std::string(32 * 1024, 'x')));
  EXPECT_EQ(must(opened(sealed(std::move(ops)).bytes)).ops.size(), 31U);
}

TEST_F(Entries, WithDamagedCompressionAreRefused) {
  auto body = draft({}).body;
  body.compression = wire::Compression::lz4;
  body.ops = {0xFF, 0xFF, 0xFF, 0xFF};
  expect_refused(opened(raw(body).sealed(random)), CoreError::bad_entry);
}

TEST_F(Entries, ThatNobodyCouldOpenAreNotSealed) {
  Bytes noise(kLimits.max_inline_message_bytes);
  std::vector<wire::Op> ops;
  for (int i = 0; i < 2; ++i) {
    random.fill(noise);
    ops.emplace_back(wire::Message{"t", 0, {noise}});
  }
  auto const too_large = seal(draft(std::move(ops)), group, secret, author.sign, random);
  ASSERT_FALSE(too_large);
  EXPECT_TRUE(too_large.error().is(CoreError::entry_too_large));
  EXPECT_EQ(std::get<CountDetail>(too_large.error().detail()).limit, kLimits.max_entry_plaintext_bytes);

  std::vector<wire::Op> packs_well;
  for (int i = 0; i < 33; ++i) packs_well.emplace_back(message(std::string(32 * 1024, 'x')));
  auto const too_many = seal(draft(std::move(packs_well)), group, secret, author.sign, random);
  ASSERT_FALSE(too_many);
  EXPECT_TRUE(too_many.error().is(CoreError::entry_too_large));
}

TEST_F(Entries, WithOpsThatAreNoneAreRefused) {
  for (Bytes const& ops : {Bytes{}, Bytes{0x91}, Bytes{0x90, 0x00}, Bytes{0x91, 0x91, 0x02}, Bytes{0xC0}}) {
    auto body = draft({}).body;
    body.ops = ops;
    auto const refused = opened(raw(body).sealed(random));
    ASSERT_FALSE(refused) << ops.size();
    EXPECT_TRUE(refused.error().holds<WireError>());
  }
}

TEST_F(Entries, OfALaterVersionKeepOpsThatThisOneDoesNotKnow) {
  auto body = draft({}).body;
  body.ops = {0x91, 0x92, 0xCD, 0x03, 0xE7, 0x01};  // [[999, 1]]
  auto const back = must(opened(raw(body).sealed(random)));
  ASSERT_EQ(back.ops.size(), 1U);
  EXPECT_EQ(std::get<wire::UnknownOp>(back.ops[0]).kind, 999);
  EXPECT_EQ(wire::encode_ops(back.ops), body.ops);
}

}  // namespace
}  // namespace kith::core
