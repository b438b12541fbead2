#include "sync/files/chunk_id.hpp"

#include "crypto/kdf.hpp"

namespace kith::files {

crypto::ChunkKey chunk_key(wire::ContentSecret const& secret) {
  return crypto::hkdf<crypto::ChunkKey>({}, secret.view(), bytes_of("kith/chunk/1"));
}

ChunkId chunk_id(crypto::ChunkKey const& key, ByteView chunk) {
  return crypto::as_id<ChunkId>(crypto::keyed_hash256(key, chunk));
}

}  // namespace kith::files
