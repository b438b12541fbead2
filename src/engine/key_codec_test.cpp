#include "engine/key_codec.hpp"

#include <fstream>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "base/encoding.hpp"
#include "crypto/hash.hpp"
#include "support/must.hpp"
#include "support/seeded_random.hpp"

namespace kith::engine {
namespace {

using kith::testing::must;
using kith::testing::SeededRandom;

constexpr crypto::Argon2Cost kCheap{1, 8};
constexpr std::string_view kPassphrase = "correct horse battery staple";

core::Identity some_identity(std::uint64_t seed = 1) {
  SeededRandom random(seed);
  return core::Identity::generate(random, {1'800'000'000'000});
}

Bytes copy(SecretBytes const& bytes) { return {bytes.view().begin(), bytes.view().end()}; }
Bytes plain_file() { return copy(encode_key_file(some_identity())); }
Bytes wrapped_file() {
  SeededRandom random(2);
  return copy(must(encode_key_file(some_identity(), bytes_of(kPassphrase), random, kCheap)));
}

/// Puts the check at the end right again, as somebody would who changes a file on purpose.
Bytes rechecked(Bytes file) {
  auto const check = crypto::hash128("kith/key-file-check/1", {ByteView(file).first(file.size() - 16)});
  std::copy(check.bytes.begin(), check.bytes.end(), file.end() - 16);
  return file;
}

Result<core::Identity> read(Bytes file, std::optional<std::string_view> passphrase = kPassphrase) {
  auto parsed = KeyFile::parse(SecretBytes(std::move(file)));
  if (!parsed) return fail(parsed.error());
  return passphrase ? parsed->open(bytes_of(*passphrase)) : parsed->open();
}

void expect_same(core::Identity const& a, core::Identity const& b) {
  EXPECT_EQ(a.cert, b.cert);
  EXPECT_TRUE(a.sign.seed() == b.sign.seed());
  EXPECT_TRUE(a.dx.secret_key == b.dx.secret_key);
  EXPECT_TRUE(a.root == b.root);
  EXPECT_TRUE(a.storage == b.storage);
}

TEST(KeyCodec, GivesBackWhatItWasGiven) {
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    auto const identity = some_identity(seed);
    expect_same(must(read(copy(encode_key_file(identity)), std::nullopt)), identity);
    SeededRandom random(seed + 100);
    auto const wrapped = copy(must(encode_key_file(identity, bytes_of(kPassphrase), random, kCheap)));
    expect_same(must(read(wrapped)), identity);
  }
}

TEST(KeyCodec, WrappedFilesHoldNoSecretInClear) {
  auto const identity = some_identity();
  auto const wrapped = wrapped_file();
  for (ByteView const secret : {ByteView(identity.sign.seed().view()), ByteView(identity.dx.secret_key.view()),
                                ByteView(identity.root.view()), ByteView(identity.storage.view())}) {
    EXPECT_NE(text_of(plain_file()).find(text_of(identity.root.view())), std::string_view::npos);
    EXPECT_EQ(text_of(wrapped).find(text_of(secret.first(8))), std::string_view::npos);
  }
}

TEST(KeyCodec, TheSamePassphraseSealsDifferentlyEachTime) {
  SeededRandom random(3);
  auto const identity = some_identity();
  auto const first = copy(must(encode_key_file(identity, bytes_of(kPassphrase), random, kCheap)));
  auto const second = copy(must(encode_key_file(identity, bytes_of(kPassphrase), random, kCheap)));
  EXPECT_NE(Bytes(first.begin() + 18, first.end()), Bytes(second.begin() + 18, second.end()));
}

TEST(KeyCodec, ReadsTheFilesOfTheSpecification) {
  std::ifstream file("tests/vectors/key_file.json");
  auto const vectors = nlohmann::json::parse(file).at("files");
  ASSERT_EQ(vectors.size(), 2U);
  for (auto const& each : vectors) {
    auto const bytes = *from_hex(each.at("file").get<std::string>());
    auto const hex = [&](char const* name) { return each.at(name).get<std::string>(); };
    auto const identity = must(read(bytes, each.at("passphrase").get<std::string>()));
    EXPECT_EQ(to_hex(identity.sign.seed().view()), hex("sign_seed"));
    EXPECT_EQ(to_hex(identity.dx.secret_key.view()), hex("dx"));
    EXPECT_EQ(to_hex(identity.root.view()), hex("root"));
    EXPECT_EQ(to_hex(identity.storage.view()), hex("storage"));
    EXPECT_EQ(identity.cert.created_s, each.at("created_s").get<std::uint64_t>());
    if (KeyFile::parse(SecretBytes(bytes))->protection() == KeyProtection::plain) {
      EXPECT_EQ(copy(encode_key_file(identity)), bytes);
    }
  }
}

TEST(KeyCodec, WrongPassphrasesAreTold) {
  for (auto const* wrong :
       {"", "correct horse battery stapl", "correct horse battery staple ", "Correct horse battery staple"})
    EXPECT_TRUE(read(wrapped_file(), wrong).error().is(KeyError::wrong_passphrase)) << wrong;
  EXPECT_TRUE(read(wrapped_file(), std::nullopt).error().is(KeyError::locked));
  EXPECT_TRUE(read(plain_file(), "not needed"));
}

TEST(KeyCodec, PassphrasesHaveBounds) {
  SeededRandom random(4);
  auto const encode = [&](std::string const& text) {
    return encode_key_file(some_identity(), bytes_of(text), random, kCheap);
  };
  EXPECT_TRUE(encode("").error().is(KeyError::passphrase_empty));
  EXPECT_TRUE(encode(std::string(kMaxPassphraseBytes, 'x')));
  EXPECT_EQ(encode(std::string(kMaxPassphraseBytes + 1, 'x')).error(),
            (Error{KeyError::passphrase_too_long, CountDetail{kMaxPassphraseBytes + 1, kMaxPassphraseBytes}}));
  EXPECT_EQ(encode_key_file(some_identity(), bytes_of("x"), random, {0, 8}).error(),
            Error(crypto::CryptoError::cost_out_of_range));
}

/// One edit of a good file: what is changed, and what must be said of it.
struct BadRow {
  char const* about;
  std::function<Bytes()> make;
  KeyError error;
};

Bytes with(Bytes file, std::size_t at, Bytes const& bytes) {
  std::copy(bytes.begin(), bytes.end(), file.begin() + static_cast<std::ptrdiff_t>(at));
  return file;
}
Bytes cut(Bytes file, std::size_t size) {
  file.resize(size);
  return file;
}
Bytes longer(Bytes file) {
  file.push_back(0);
  return file;
}

TEST(KeyCodec, RefusesBadFiles) {
  auto const cost = [](std::uint32_t passes, std::uint32_t kib) {
    Bytes bytes;
    append_be(bytes, passes);
    append_be(bytes, kib);
    return rechecked(with(wrapped_file(), 10, bytes));
  };
  std::vector<BadRow> const rows{
      {"empty", [] { return Bytes{}; }, KeyError::damaged},
      {"one byte", [] { return Bytes{'K'}; }, KeyError::damaged},
      {"magic only", [] { return cut(plain_file(), 8); }, KeyError::damaged},
      {"no protection byte", [] { return cut(plain_file(), 9); }, KeyError::damaged},
      {"head only", [] { return cut(plain_file(), 10); }, KeyError::damaged},
      {"plain, one byte short", [] { return cut(plain_file(), 161); }, KeyError::damaged},
      {"plain, one byte more", [] { return longer(plain_file()); }, KeyError::damaged},
      {"plain, check cut off", [] { return cut(plain_file(), 146); }, KeyError::damaged},
      {"plain, twice",
       [] {
         auto file = plain_file();
         append(file, plain_file());
         return file;
       },
       KeyError::damaged},
      {"wrapped, one byte short", [] { return cut(wrapped_file(), 257); }, KeyError::damaged},
      {"wrapped, one byte more", [] { return longer(wrapped_file()); }, KeyError::damaged},
      {"wrapped, cut at the salt", [] { return cut(wrapped_file(), 18); }, KeyError::damaged},
      {"wrapped, cut at the nonce", [] { return cut(wrapped_file(), 34); }, KeyError::damaged},
      {"wrapped, cut at the commitment", [] { return cut(wrapped_file(), 58); }, KeyError::damaged},
      {"wrapped, cut at the ciphertext", [] { return cut(wrapped_file(), 90); }, KeyError::damaged},
      {"another magic", [] { return rechecked(with(plain_file(), 0, {'k'})); }, KeyError::damaged},
      {"version 0", [] { return rechecked(with(plain_file(), 8, {0})); }, KeyError::damaged},
      {"version 2", [] { return rechecked(with(plain_file(), 8, {2})); }, KeyError::newer_version},
      {"version 255, another size", [] { return cut(with(plain_file(), 8, {255}), 60); }, KeyError::newer_version},
      {"unknown protection", [] { return rechecked(with(plain_file(), 9, {2})); }, KeyError::damaged},
      {"plain that calls itself wrapped", [] { return rechecked(with(plain_file(), 9, {1})); }, KeyError::damaged},
      {"wrapped that calls itself plain", [] { return rechecked(with(wrapped_file(), 9, {0})); }, KeyError::damaged},
      {"plain, wrong check", [] { return with(plain_file(), 161, {static_cast<std::uint8_t>(plain_file()[161] ^ 1)}); },
       KeyError::damaged},
      {"plain, another seed, old check",
       [] {
         return with(plain_file(), 10, {1, 2, 3, 4});
       },
       KeyError::damaged},
      {"no pass", [&] { return cost(0, 8); }, KeyError::damaged},
      {"too many passes", [&] { return cost(17, 8); }, KeyError::damaged},
      {"too little memory", [&] { return cost(1, 7); }, KeyError::damaged},
      {"too much memory", [&] { return cost(1, 1024 * 1024 + 1); }, KeyError::damaged},
      {"the most there is", [&] { return cost(0xFFFFFFFF, 0xFFFFFFFF); }, KeyError::damaged},
      {"another cost, fitting check", [&] { return cost(2, 8); }, KeyError::wrong_passphrase},
      {"another salt, fitting check", [] { return rechecked(with(wrapped_file(), 18, Bytes(16))); },
       KeyError::wrong_passphrase},
      {"another nonce, fitting check", [] { return rechecked(with(wrapped_file(), 34, Bytes(24))); },
       KeyError::wrong_passphrase},
      {"no commitment, fitting check", [] { return rechecked(with(wrapped_file(), 58, Bytes(32))); },
       KeyError::wrong_passphrase},
      {"no ciphertext, fitting check", [] { return rechecked(with(wrapped_file(), 90, Bytes(136))); },
       KeyError::damaged},
      {"no tag, fitting check", [] { return rechecked(with(wrapped_file(), 226, Bytes(16))); }, KeyError::damaged},
  };
  EXPECT_GE(rows.size(), 25U);
  for (auto const& row : rows) {
    auto const got = read(row.make());
    ASSERT_FALSE(got) << row.about;
    EXPECT_TRUE(got.error().is(row.error)) << row.about << ": " << got.error().name();
  }
}

TEST(KeyCodec, ANewerVersionNamesBoth) {
  auto const error = read(rechecked(with(plain_file(), 8, {7}))).error();
  EXPECT_EQ(error, (Error{KeyError::newer_version, VersionsDetail{1, 1, 7, 7}}));
}

TEST(KeyCodec, EveryFlippedBitOfAnyFileShows) {
  for (auto const& good : {plain_file(), wrapped_file()}) {
    for (std::size_t bit = 0; bit < good.size() * 8; ++bit) {
      auto file = good;
      file[bit / 8] ^= static_cast<std::uint8_t>(1U << (bit % 8));
      auto const parsed = KeyFile::parse(SecretBytes(std::move(file)));
      ASSERT_FALSE(parsed) << "bit " << bit;
      auto const expected = bit / 8 == 8 && bit % 8 != 0 ? KeyError::newer_version : KeyError::damaged;
      EXPECT_TRUE(parsed.error().is(expected)) << "bit " << bit << ": " << parsed.error().name();
    }
  }
}

TEST(KeyCodec, EveryBitOfAWrappedFileThatIsFlippedOnPurposeIsRefused) {
  auto const good = wrapped_file();
  std::size_t wrong = 0, damaged = 0;
  for (std::size_t bit = 0; bit < (good.size() - 16) * 8; ++bit) {
    auto file = good;
    file[bit / 8] ^= static_cast<std::uint8_t>(1U << (bit % 8));
    auto const opened = read(rechecked(std::move(file)));
    ASSERT_FALSE(opened) << "bit " << bit;
    wrong += opened.error().is(KeyError::wrong_passphrase) ? 1 : 0;
    damaged += opened.error().is(KeyError::damaged) ? 1 : 0;
  }
  EXPECT_GE(wrong, (16U + 24 + 32) * 8);    // salt, nonce, commitment
  EXPECT_GE(damaged, (136U + 16 + 8) * 8);  // ciphertext, tag, magic
}

/// Two passphrases that open one file would let a thief of half a secret choose what it means.
TEST(KeyCodec, AFileOpensUnderOnePassphraseOnly) {
  for (int i = 0; i < 200; ++i)
    EXPECT_TRUE(read(wrapped_file(), "guess " + std::to_string(i)).error().is(KeyError::wrong_passphrase));
}

}  // namespace
}  // namespace kith::engine
