#include "crypto/mnemonic.hpp"

#include <algorithm>
#include <cctype>
#include <set>

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>
#include <sodium/crypto_hash_sha256.h>

#include "crypto/vector_files.hpp"

namespace kith::crypto {
namespace {

using vectors::from_text;

constexpr std::string_view kZeroWords =
    "abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon "
    "abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon art";

std::vector<std::string> split(std::string_view text) {
  std::istringstream stream{std::string(text)};
  std::vector<std::string> words;
  for (std::string word; stream >> word;) words.push_back(word);
  return words;
}

std::string join(std::vector<std::string> const& words, std::string_view separator) {
  std::string text;
  for (auto const& word : words) text.append(text.empty() ? "" : separator).append(word);
  return text;
}

TEST(MnemonicWords, AreTheListOfBip39) {
  std::string text;
  for (auto const word : mnemonic_words()) text.append(word).append("\n");
  std::array<std::uint8_t, crypto_hash_sha256_BYTES> digest;
  crypto_hash_sha256(digest.data(), bytes_of(text).data(), text.size());
  EXPECT_EQ(to_hex(digest), "2f5eed53a4727b4bf8880d8f3f199efc90e58503646d9ff8eff3a2ed3b24dbda");
}

/// What reading shortened words relies on.
TEST(MnemonicWords, AreSortedAndToldApartByFourLetters) {
  auto const& words = mnemonic_words();
  EXPECT_TRUE(std::is_sorted(words.begin(), words.end()));
  std::set<std::string_view> starts;
  for (auto const word : words) {
    starts.insert(word.substr(0, 4));
    EXPECT_LE(word.size(), 8U);
  }
  EXPECT_EQ(starts.size(), 2048U);
}

TEST(Mnemonic, KnownAnswersOfBip39) {
  auto const file = vectors::read_json(vectors::kOwnFolder / "bip39.json");
  int whole = 0;
  for (auto const& vector : file["english"]) {
    auto const words = vector[1].get<std::string>();
    EXPECT_EQ(mnemonic_seed(words, "TREZOR"), from_text<MnemonicSeed>(vector[2])) << words;
    if (split(words).size() != 24) {
      EXPECT_TRUE(from_words(words).error().is(CryptoError::bad_word_count)) << words;
      continue;
    }
    auto const entropy = from_text<MnemonicEntropy>(vector[0]);
    EXPECT_EQ(to_words(entropy), words);
    EXPECT_EQ(from_words(words).value(), entropy) << words;
    ++whole;
  }
  EXPECT_EQ(whole, 4);
}

TEST(Mnemonic, ThePassphraseIsEmptyUnlessGiven) {
  EXPECT_EQ(mnemonic_seed(kZeroWords), mnemonic_seed(kZeroWords, ""));
  EXPECT_FALSE(mnemonic_seed(kZeroWords) == mnemonic_seed(kZeroWords, "TREZOR"));
}

RC_GTEST_PROP(Mnemonic, RoundTrip, (std::array<std::uint8_t, 32> const& bytes)) {
  MnemonicEntropy const entropy{bytes};
  RC_ASSERT(from_words(to_words(entropy)).value() == entropy);
}

/// The same words as people write and type them.
RC_GTEST_PROP(Mnemonic, ReadsWhatPeopleType, (std::array<std::uint8_t, 32> const& bytes)) {
  MnemonicEntropy const entropy{bytes};
  auto words = split(to_words(entropy));
  for (std::size_t i = 0; i < words.size(); ++i) {
    auto& word = words[i];
    if (*rc::gen::arbitrary<bool>()) {
      word.resize(*rc::gen::inRange<std::size_t>(std::min<std::size_t>(4, word.size()), word.size() + 1));
    }
    if (*rc::gen::arbitrary<bool>()) word[0] = static_cast<char>(std::toupper(word[0]));
    auto const number = std::to_string(i + 1);
    word = *rc::gen::element(std::string(), number + " ", number + ". ", number + ".", number + ") ", number) + word;
  }
  auto const separator = *rc::gen::element<std::string>(" ", "\n", "\t", "\r\n", "-", " - ", "   ");
  auto const typed = *rc::gen::element<std::string>("", " ", "\n-") + join(words, separator) +
                     *rc::gen::element<std::string>("", " ", "\r\n");
  RC_ASSERT(from_words(typed).value() == entropy);
}

TEST(Mnemonic, NamesThePlaceOfAWordThatIsNotInTheList) {
  for (std::size_t place = 0; place < 24; ++place) {
    auto words = split(kZeroWords);
    for (auto const* bad :
         {"abandonx", "aban1don", "aba", "ab\xc3\xa1ndon", "abandonabandon", "zzzz", "a", "3.x", "abax"}) {
      words[place] = bad;
      auto const entropy = from_words(join(words, " "));
      ASSERT_FALSE(entropy) << bad;
      EXPECT_TRUE(entropy.error().is(CryptoError::bad_word)) << bad;
      EXPECT_EQ(entropy.error().subject(), std::to_string(place + 1)) << bad;
    }
  }
}

TEST(Mnemonic, CountsTheWords) {
  auto const count = [](std::string_view typed) {
    auto const error = from_words(typed).error();
    EXPECT_TRUE(error.is(CryptoError::bad_word_count)) << typed;
    return std::get<CountDetail>(error.detail());
  };
  EXPECT_EQ(count(""), (CountDetail{0, 24}));
  EXPECT_EQ(count(" 1. 2. - \n"), (CountDetail{0, 24}));
  EXPECT_EQ(count(kZeroWords.substr(8)), (CountDetail{23, 24}));
  EXPECT_EQ(count("abandon " + std::string(kZeroWords)), (CountDetail{25, 24}));
  EXPECT_EQ(count(std::string(kZeroWords) + " " + std::string(kZeroWords)), (CountDetail{48, 24}));
}

/// Eight bits of checksum: of the 2047 other words in one place, about one in 256 fits by chance.
TEST(Mnemonic, TheChecksumCatchesAnotherWord) {
  std::size_t accepted = 0;
  for (auto const other : mnemonic_words()) {
    auto words = split(kZeroWords);
    words[11] = other;
    auto const entropy = from_words(join(words, " "));
    accepted += entropy.has_value();
    EXPECT_TRUE(entropy || entropy.error().is(CryptoError::bad_checksum)) << other;
  }
  EXPECT_GE(accepted, 1U);
  EXPECT_LE(accepted, 24U);

  auto swapped = split(to_words(MnemonicEntropy{std::array<std::uint8_t, 32>{1, 2, 3, 4, 5}}));
  std::swap(swapped[0], swapped[1]);
  EXPECT_TRUE(from_words(join(swapped, " ")).error().is(CryptoError::bad_checksum));
}

}  // namespace
}  // namespace kith::crypto
