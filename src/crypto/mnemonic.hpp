#pragma once

#include <array>
#include <string>
#include <string_view>

#include "base/random.hpp"
#include "base/secret.hpp"
#include "crypto/error.hpp"

/// BIP-39 mnemonics of 24 English words: 256 bits of entropy and a checksum of 8. Generated, never chosen.
namespace kith::crypto {

using MnemonicEntropy = Secret<32, struct MnemonicEntropyTag>;
using MnemonicSeed = Secret<64, struct MnemonicSeedTag>;

/// The 24 words, lower case, one space between. The caller wipes the text.
[[nodiscard]] std::string to_words(MnemonicEntropy const& entropy);

/// Reads what people type: either case, any white space or dashes between words, numbers like "3." before them ignored,
/// words shortened to their first four letters or more.
/// @return CryptoError::bad_word_count, bad_word with the place as detail, or bad_checksum
[[nodiscard]] Result<MnemonicEntropy> from_words(std::string_view typed);

/// The BIP-39 seed: PBKDF2-HMAC-SHA512, 2048 rounds, salt "mnemonic" + passphrase.
[[nodiscard]] MnemonicSeed mnemonic_seed(std::string_view words, std::string_view passphrase = {});

/// The list itself, sorted: what completion and tests look at.
[[nodiscard]] std::array<std::string_view, 2048> const& mnemonic_words();

}  // namespace kith::crypto
