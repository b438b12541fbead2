#pragma once

#include <filesystem>
#include <functional>
#include <optional>
#include <string_view>

#include "engine/environment.hpp"
#include "engine/key_codec.hpp"

namespace kith::engine {

/// Asks the user for a passphrase, without echo. @return KeyError::locked where nobody can be asked
using AskPassphrase = std::function<Result<SecretBytes>(std::string_view question)>;

/// Where a passphrase comes from. The first of these that there is, and no other:
/// --passphrase-file, KITH_PASSPHRASE_FILE, KITH_PASSPHRASE_COMMAND, the terminal.
///
/// A file is taken whole but for one line end at its end; it must not be readable by others. A command runs under
/// `/bin/sh -c` with nothing to read; its first line counts.
class PassphraseSource {
 public:
  /// @param file  --passphrase-file
  PassphraseSource(std::optional<std::string> const& file, Environment const& environment, AskPassphrase ask);

  /// The passphrase of a key file that has one.
  /// @return KeyError::locked where there is no source; passphrase_unreadable, _too_open, _command, _too_long, _empty
  [[nodiscard]] Result<SecretBytes> existing(std::string_view question = "Passphrase") const;
  /// A passphrase for keys that are about to be made: the one that a file or command names; else, where it is offered,
  /// what is typed twice, and none where just Enter is. @return also KeyError::passphrase_mismatch after three tries
  [[nodiscard]] Result<std::optional<SecretBytes>> for_new_keys(bool offer) const;

  /// Whether a file or command is named: then a new key file is to be protected by it.
  [[nodiscard]] bool configured() const { return file_.has_value() || command_.has_value(); }

 private:
  [[nodiscard]] Result<SecretBytes> from_elsewhere() const;
  [[nodiscard]] Result<SecretBytes> typed_again(SecretBytes first) const;
  std::optional<std::filesystem::path> file_;
  std::optional<std::string> command_;
  AskPassphrase ask_;
};

/// Opens a key file, with its passphrase where it needs one. Who types it may try three times.
/// @return what KeyFile::open and PassphraseSource::existing return
[[nodiscard]] Result<core::Identity> unlock(KeyFile const& file, PassphraseSource const& source);

/// Makes a device's keys and their file, under a passphrase where there is one.
/// @return KeyError::exists where there is a file; what create_key_file returns
[[nodiscard]] Result<core::Identity> make_keys(std::filesystem::path const& key_file,
                                               std::optional<SecretBytes> const& passphrase, RandomSource& random,
                                               WallTime now);
/// Makes the file of keys that were drawn before. @return likewise
[[nodiscard]] Result<> store_keys(std::filesystem::path const& key_file, core::Identity const& identity,
                                  std::optional<SecretBytes> const& passphrase, RandomSource& random);

}  // namespace kith::engine
