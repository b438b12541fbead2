#pragma once

#include <optional>

#include "base/limits.hpp"
#include "wire/frame.hpp"

namespace kith::files {

/// A chunk in the form that it is sent in.
struct PackedChunk {
  wire::ChunkCodec codec = wire::ChunkCodec::raw;
  Bytes bytes;
};
/// Compresses where that saves enough. @param slow_link  harder (zstd instead of LZ4)
[[nodiscard]] PackedChunk pack_chunk(Bytes plain, bool slow_link);
/// Unpacks to at most one chunk; nullopt where the bytes are none. What they are is checked against the id by whoever
/// uses them.
[[nodiscard]] std::optional<Bytes> unpack_chunk(wire::ChunkCodec codec, Bytes sent);

}  // namespace kith::files
