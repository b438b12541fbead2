#pragma once

#include <optional>

#include "core/identity.hpp"
#include "crypto/kdf.hpp"
#include "engine/key_error.hpp"

/// The bytes of a key file, without the file. @see docs/spec/home.md, section "Key file"
namespace kith::engine {

enum class KeyProtection : std::uint8_t {
  plain = 0,       ///< readable by whoever can read the file
  passphrase = 1,  ///< sealed under a key that Argon2id makes of a passphrase
};

inline constexpr std::uint8_t kKeyFileVersion = 1;
inline constexpr std::size_t kMaxKeyFileBytes = 4096;  ///< more is none of ours, of any version
inline constexpr std::size_t kMaxPassphraseBytes = 1024;
/// What a file may ask of us: 16 passes over 1 GiB. A file that asks for more was not written here.
inline constexpr crypto::Argon2Cost kMostKeyCost{16, 1024 * 1024};

/// The file's bytes, plain.
[[nodiscard]] SecretBytes encode_key_file(core::Identity const& identity);
/// The file's bytes, under a passphrase. @return KeyError::passphrase_empty, passphrase_too_long; CryptoError
[[nodiscard]] Result<SecretBytes> encode_key_file(core::Identity const& identity, ByteView passphrase,
                                                  RandomSource& random, crypto::Argon2Cost cost = {});

/// A key file's bytes that are whole. Only the passphrase can still be wrong.
class KeyFile {
 public:
  /// @return KeyError::damaged, or newer_version with VersionsDetail
  [[nodiscard]] static Result<KeyFile> parse(SecretBytes bytes);

  [[nodiscard]] KeyProtection protection() const { return protection_; }
  [[nodiscard]] crypto::Argon2Cost cost() const { return cost_; }  ///< of the passphrase

  /// @param passphrase  is not looked at where the file is plain
  /// @return KeyError::locked without a passphrase where one is needed, wrong_passphrase, damaged where somebody made
  ///         the file's parts fit that do not; CryptoError::out_of_memory
  [[nodiscard]] Result<core::Identity> open(std::optional<ByteView> passphrase = std::nullopt) const;

 private:
  KeyFile(SecretBytes bytes, KeyProtection protection, crypto::Argon2Cost cost)
      : bytes_(std::move(bytes)), protection_(protection), cost_(cost) {}
  SecretBytes bytes_;
  KeyProtection protection_;
  crypto::Argon2Cost cost_;
};

}  // namespace kith::engine
