#include "crypto/mnemonic.hpp"

#include <algorithm>
#include <optional>

#include <sodium/crypto_hash_sha256.h>

#include "base/text.hpp"
#include "crypto/kdf.hpp"

namespace kith::crypto {
namespace {

constexpr std::array<std::string_view, 2048> kWords = {
#include "crypto/mnemonic_words.inc"
};
constexpr std::size_t kWordCount = 24;
constexpr std::size_t kBitsPerWord = 11;
constexpr std::size_t kLongestWord = 8;
constexpr std::size_t kTellingLetters = 4;  ///< BIP-39: no two words of the list share their first four letters
constexpr std::uint32_t kSeedRounds = 2048;

using Checked = Secret<33>;  ///< the entropy and its checksum, 264 bits

std::uint8_t checksum(MnemonicEntropy const& entropy) {
  Secret<crypto_hash_sha256_BYTES> digest;
  crypto_hash_sha256(digest.data(), entropy.data(), MnemonicEntropy::kBytes);
  return digest.view().front();
}

bool is_separator(char c) { return c == '-' || c == ' ' || (c >= '\t' && c <= '\r'); }
bool is_digit(char c) { return c >= '0' && c <= '9'; }

/// The word without a number such as "3", "3." or "3)" before it; empty where there was only the number.
std::string_view without_number(std::string_view word) {
  auto const letters = std::find_if_not(word.begin(), word.end(), is_digit);
  auto rest = word.substr(static_cast<std::size_t>(letters - word.begin()));
  if (rest.size() < word.size() && !rest.empty() && (rest.front() == '.' || rest.front() == ')')) rest.remove_prefix(1);
  return rest;
}

/// Takes the next word off the front of `text`; empty at its end.
std::string_view next_word(std::string_view& text) {
  while (!text.empty()) {
    auto const begin = std::find_if_not(text.begin(), text.end(), is_separator);
    auto const end = std::find_if(begin, text.end(), is_separator);
    std::string_view const found(begin, end);
    text.remove_prefix(static_cast<std::size_t>(end - text.begin()));
    if (auto const word = without_number(found); !word.empty()) return word;
  }
  return {};
}

/// The place in the list of what was typed, 0 to 2047.
std::optional<unsigned> look_up(std::string_view typed) {
  if (typed.size() > kLongestWord) return std::nullopt;
  Secret<kLongestWord> letters;
  std::transform(typed.begin(), typed.end(), letters.data(),
                 [](char c) { return static_cast<std::uint8_t>(ascii_lower(c)); });
  auto const word = text_of(letters.view().first(typed.size()));

  // A word comes before all that it begins, so this finds the word itself first, and else the one that it shortens.
  auto const* const found = std::lower_bound(kWords.begin(), kWords.end(), word);
  if (found == kWords.end()) return std::nullopt;
  bool const fits = *found == word || (word.size() >= kTellingLetters && found->starts_with(word));
  return fits ? std::optional{static_cast<unsigned>(found - kWords.begin())} : std::nullopt;
}

/// Eleven bits of `bits`, the first at `bit`, big-endian.
unsigned word_index(Checked const& bits, std::size_t bit) {
  unsigned index = 0;
  for (std::size_t i = bit; i < bit + kBitsPerWord; ++i) index = index << 1 | (bits.data()[i / 8] >> (7 - i % 8) & 1U);
  return index;
}

void put_word_index(Checked& bits, std::size_t bit, unsigned index) {
  for (std::size_t i = 0; i < kBitsPerWord; ++i) {
    unsigned const value = index >> (kBitsPerWord - 1 - i) & 1U;
    bits.data()[(bit + i) / 8] |= static_cast<std::uint8_t>(value << (7 - (bit + i) % 8));
  }
}

}  // namespace

std::array<std::string_view, 2048> const& mnemonic_words() { return kWords; }

std::string to_words(MnemonicEntropy const& entropy) {
  Checked bits;
  std::copy(entropy.view().begin(), entropy.view().end(), bits.data());
  bits.data()[MnemonicEntropy::kBytes] = checksum(entropy);

  std::string words;
  words.reserve(kWordCount * (kLongestWord + 1));  // growing would leave copies behind that nobody wipes
  for (std::size_t i = 0; i < kWordCount; ++i) {
    if (i > 0) words += ' ';
    words += kWords[word_index(bits, i * kBitsPerWord)];
  }
  return words;
}

Result<MnemonicEntropy> from_words(std::string_view typed) {
  std::array<std::string_view, kWordCount> words;
  std::size_t count = 0;
  for (auto word = next_word(typed); !word.empty(); word = next_word(typed), ++count) {
    if (count < kWordCount) words[count] = word;
  }
  if (count != kWordCount) return fail(CryptoError::bad_word_count, CountDetail{count, kWordCount});

  Checked bits;
  for (std::size_t i = 0; i < kWordCount; ++i) {
    auto const index = look_up(words[i]);
    if (!index) return fail(CryptoError::bad_word, SubjectDetail{std::to_string(i + 1)});
    put_word_index(bits, i * kBitsPerWord, *index);
  }
  MnemonicEntropy entropy{bits.view().first<MnemonicEntropy::kBytes>()};
  if (checksum(entropy) != bits.view().back()) return fail(CryptoError::bad_checksum);
  return entropy;
}

MnemonicSeed mnemonic_seed(std::string_view words, std::string_view passphrase) {
  Bytes salt;
  salt.reserve(8 + passphrase.size());
  append(salt, bytes_of("mnemonic"));
  append(salt, bytes_of(passphrase));
  MnemonicSeed seed;
  pbkdf2_hmac_sha512(bytes_of(words), salt, kSeedRounds, seed.mutable_view());
  wipe(salt);
  return seed;
}

}  // namespace kith::crypto
