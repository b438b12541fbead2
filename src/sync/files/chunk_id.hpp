#pragma once

#include "base/bytes.hpp"
#include "base/ids.hpp"
#include "crypto/hash.hpp"
#include "wire/ops.hpp"

namespace kith::files {

/// The key under which a group names its chunks: HKDF(content_secret, "kith/chunk/1"), with an empty salt.
[[nodiscard]] crypto::ChunkKey chunk_key(wire::ContentSecret const& secret);

/// A chunk's name: keyed BLAKE2b-256 of its plain bytes. Outsiders cannot ask whether the group holds a known file.
[[nodiscard]] ChunkId chunk_id(crypto::ChunkKey const& key, ByteView chunk);

}  // namespace kith::files
