#include "sync/files/chunk_pack.hpp"

#include <lz4.h>
#include <zstd.h>

namespace kith::files {
namespace {

/// Packing must save one part in twenty, or the plain bytes go out.
constexpr std::size_t kWorthParts = 20;
constexpr std::size_t kLeastPackedBytes = 256;
constexpr int kZstdLevel = 1;

char* chars(Bytes& bytes) { return reinterpret_cast<char*>(bytes.data()); }

}  // namespace

PackedChunk pack_chunk(Bytes plain, bool slow_link) {
  if (plain.size() < kLeastPackedBytes) return {wire::ChunkCodec::raw, std::move(plain)};
  std::size_t const most = plain.size() - plain.size() / kWorthParts;
  Bytes out(most);
  if (slow_link) {
    std::size_t const size = ZSTD_compress(out.data(), out.size(), plain.data(), plain.size(), kZstdLevel);
    if (!ZSTD_isError(size)) {
      out.resize(size);
      return {wire::ChunkCodec::zstd, std::move(out)};
    }
  } else {
    int const size =
        LZ4_compress_default(chars(plain), chars(out), static_cast<int>(plain.size()), static_cast<int>(most));
    if (size > 0) {
      out.resize(static_cast<std::size_t>(size));
      return {wire::ChunkCodec::lz4, std::move(out)};
    }
  }
  return {wire::ChunkCodec::raw, std::move(plain)};
}

std::optional<Bytes> unpack_chunk(wire::ChunkCodec codec, Bytes sent) {
  if (codec == wire::ChunkCodec::raw) return sent;
  if (codec == wire::ChunkCodec::not_held) return std::nullopt;
  Bytes room(kLimits.max_chunk_bytes);
  std::size_t size = 0;
  if (codec == wire::ChunkCodec::lz4) {
    int const unpacked =
        LZ4_decompress_safe(chars(sent), chars(room), static_cast<int>(sent.size()), static_cast<int>(room.size()));
    if (unpacked < 0) return std::nullopt;
    size = static_cast<std::size_t>(unpacked);
  } else {
    size = ZSTD_decompress(room.data(), room.size(), sent.data(), sent.size());
    if (ZSTD_isError(size)) return std::nullopt;
  }
  // A copy, so that what is kept takes no more memory than its bytes.
  return Bytes(room.begin(), room.begin() + static_cast<std::ptrdiff_t>(size));
}

}  // namespace kith::files
