#include "crypto/hash.hpp"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>
#include <sodium/crypto_generichash_blake2b.h>

#include "crypto/blake2s.hpp"
#include "crypto/vector_files.hpp"

namespace kith::crypto {
namespace {

using vectors::from_text;
using vectors::hex;

/// RFC 7693, appendix E: a deterministic sequence of bytes.
Bytes selftest_sequence(std::size_t length, std::uint32_t seed) {
  Bytes out(length);
  std::uint32_t a = 0xDEAD4BAD * seed;
  std::uint32_t b = 1;
  for (auto& byte : out) {
    std::uint32_t const t = a + b;
    a = b;
    b = t;
    byte = static_cast<std::uint8_t>(t >> 24);
  }
  return out;
}

TEST(Blake2b, TheLibraryPassesTheSelfTestOfRfc7693) {
  crypto_generichash_blake2b_state all;
  ASSERT_EQ(crypto_generichash_blake2b_init(&all, nullptr, 0, 32), 0);
  auto const add_hash = [&](std::size_t output_bytes, Bytes const& in, Bytes const& key) {
    Bytes out(output_bytes);
    ASSERT_EQ(crypto_generichash_blake2b(out.data(), out.size(), in.data(), in.size(), key.data(), key.size()), 0);
    ASSERT_EQ(crypto_generichash_blake2b_update(&all, out.data(), out.size()), 0);
  };
  for (std::uint32_t const output_bytes : {20U, 32U, 48U, 64U}) {
    for (std::uint32_t const input_bytes : {0U, 3U, 128U, 129U, 255U, 1024U}) {
      auto const in = selftest_sequence(input_bytes, input_bytes);
      add_hash(output_bytes, in, {});
      add_hash(output_bytes, in, selftest_sequence(output_bytes, output_bytes));
    }
  }
  Hash256 result;
  ASSERT_EQ(crypto_generichash_blake2b_final(&all, result.bytes.data(), 32), 0);
  EXPECT_EQ(to_hex(result.view()), "c23a7800d98123bd10f506c61e29da5603d763b8bbad2e737f5e765a7bccd475");
}

TEST(Blake2s, KnownAnswers) {
  EXPECT_EQ(to_hex(blake2s({bytes_of("abc")})),  // RFC 7693, appendix B
            "508c5e8c327c14e2e1a72ba34eeb452f37458b209ed63a294d999b4c86675982");
  EXPECT_EQ(blake2s({bytes_of("a"), {}, bytes_of("bc")}), blake2s({bytes_of("abc")}));
  EXPECT_EQ(to_hex(blake2s({})), "69217a3079908094e11121d042354a7c1f55b6482ca1a51e1b250dfd1ed0eef9");
}

TEST(Blake2s, HmacKnownAnswersFromPython) {
  std::array<std::uint8_t, 32> mac;
  hmac_blake2s(bytes_of("key"), {bytes_of("The quick brown fox "), bytes_of("jumps over the lazy dog")}, mac);
  EXPECT_EQ(to_hex(mac), "f93215bb90d4af4c3061cd932fb169fb8bb8a91d0b4022baea1271e1323cd9a0");
  hmac_blake2s(Bytes(131, 0xaa), {}, mac);  // a key above the block size of 64 bytes
  EXPECT_EQ(to_hex(mac), "97f56ab16fb962132159269be7c5dbc3b6d0e0871c163d7659de2e0972be2c91");
}

TEST(Hash, KnownAnswersOfTheConventions) {
  auto const file = vectors::read_json(vectors::kOwnFolder / "conventions.json");
  ASSERT_EQ(file["hash"].size(), 6U);
  for (auto const& vector : file["hash"]) {
    auto const label = vector["label"].get<std::string>();
    Hasher hasher(label);
    std::vector<Bytes> parts;
    for (auto const& part : vector["parts"]) hasher.part(parts.emplace_back(hex(part)));
    EXPECT_EQ(hasher.finish(), from_text<Hash256>(vector["h"])) << vector;
    if (parts.empty()) {
      EXPECT_EQ(hash256(label, {}), from_text<Hash256>(vector["h"]));
      EXPECT_EQ(hash128(label, {}), from_text<Hash128>(vector["h16"]));
    } else if (parts.size() == 1) {
      EXPECT_EQ(hash256(label, {parts[0]}), from_text<Hash256>(vector["h"]));
      EXPECT_EQ(hash128(label, {parts[0]}), from_text<Hash128>(vector["h16"]));
    } else if (parts.size() == 2) {
      EXPECT_EQ(hash256(label, {parts[0], parts[1]}), from_text<Hash256>(vector["h"]));
      EXPECT_EQ(hash128(label, {parts[0], parts[1]}), from_text<Hash128>(vector["h16"]));
    }
  }
  ASSERT_EQ(file["keyed_hash"].size(), 3U);
  for (auto const& vector : file["keyed_hash"]) {
    EXPECT_EQ(keyed_hash256(from_text<ChunkKey>(vector["key"]), hex(vector["bytes"])),
              from_text<Hash256>(vector["hash"]));
  }
}

RC_GTEST_PROP(Hash, WhereOnePartEndsMatters, (Bytes const& a, Bytes const& b)) {
  RC_PRE(!b.empty());
  Bytes joined = a;
  append(joined, b);
  auto const apart = hash256("kith/test/1", {a, b});
  RC_ASSERT(apart != hash256("kith/test/1", {joined}));
  RC_ASSERT(apart != hash256("kith/test/1", {joined, {}}));
  RC_ASSERT(apart != hash256("kith/test/2", {a, b}));
  RC_ASSERT(!equal(hash128("kith/test/1", {a, b}).view(), apart.view().first(16)));
}

TEST(Hash, FinishingTwiceIsABug) {
  Hasher hasher("kith/test/1");
  (void)hasher.finish();
  EXPECT_DEATH((void)hasher.finish(), "bug at");
}

TEST(Hash, RenamesToTheIdItStandsFor) {
  auto const hash = hash256("kith/test/1", {});
  EXPECT_TRUE(equal(as_id<EntryHash>(hash).view(), hash.view()));
}

}  // namespace
}  // namespace kith::crypto
