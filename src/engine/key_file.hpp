#pragma once

#include <filesystem>

#include "engine/key_codec.hpp"

/// The file that holds a device's secrets: its owner's alone, never reached through a symbolic link, replaced as a
/// whole.
namespace kith::engine {

/// Reads and checks the file, without opening it.
/// @return KeyError::missing, not_a_file, foreign_owner, too_open, damaged, newer_version; FilesError for what the
/// system
///         says
[[nodiscard]] Result<KeyFile> read_key_file(std::filesystem::path const& path);

/// Makes the file of a new device. `content` comes from encode_key_file().
/// @return KeyError::exists where there is one; FilesError
[[nodiscard]] Result<> create_key_file(std::filesystem::path const& path, SecretBytes const& content);

/// Puts the same secrets under another passphrase, or under none. The old file's blocks stay on the disk until the file
/// system uses them again: a file that was plain is no secret to whoever gets the disk.
/// @param passphrase      the present one; not looked at where the file is plain
/// @param new_passphrase  nullopt: store them plain
/// @return what reading, opening, encoding and writing return; then the old file is as it was
[[nodiscard]] Result<> change_passphrase(std::filesystem::path const& path, std::optional<ByteView> passphrase,
                                         std::optional<ByteView> new_passphrase, RandomSource& random,
                                         crypto::Argon2Cost cost = {});

}  // namespace kith::engine
