#pragma once

#include <string_view>

#include "base/random.hpp"
#include "core/identity.hpp"

namespace kith::core {

/// Seals secrets for the database under the device's storage key, so that a copy of the database alone opens nothing:
/// nonce 24 | XChaCha20-Poly1305 ciphertext, the row's name as aad.
[[nodiscard]] Bytes seal_at_rest(StorageKey const& key, std::string_view name, ByteView secret, RandomSource& random);
/// @return CoreError::corrupt_record where key, name or bytes do not fit
[[nodiscard]] Result<SecretBytes> open_at_rest(StorageKey const& key, std::string_view name, ByteView sealed);

}  // namespace kith::core
