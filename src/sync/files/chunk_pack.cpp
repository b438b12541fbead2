#include "sync/files/chunk_pack.hpp"

#include <lz4.h>
#include <zstd.h>

#include "base/assert.hpp"

namespace kith::files {
namespace {

/// Packing must save one part in twenty, or the plain bytes go out.
constexpr std::size_t kWorthParts = 20;
constexpr std::size_t kLeastPackedBytes = 256;
constexpr int kZstdLevel = 1;

/// Room to unpack into, for one thread: what is kept takes no more memory than its bytes.
Bytes& scratch() {
  thread_local Bytes room(kLimits.max_chunk_bytes);
  return room;
}

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
  auto const unpacked = [](std::size_t size) { return Bytes(scratch().data(), scratch().data() + size); };
  switch (codec) {
    case wire::ChunkCodec::raw: return sent;
    case wire::ChunkCodec::lz4: {
      auto& out = scratch();
      int const size =
          LZ4_decompress_safe(chars(sent), chars(out), static_cast<int>(sent.size()), static_cast<int>(out.size()));
      if (size < 0) return std::nullopt;
      return unpacked(static_cast<std::size_t>(size));
    }
    case wire::ChunkCodec::zstd: {
      auto& out = scratch();
      std::size_t const size = ZSTD_decompress(out.data(), out.size(), sent.data(), sent.size());
      if (ZSTD_isError(size)) return std::nullopt;
      return unpacked(size);
    }
    case wire::ChunkCodec::not_held: return std::nullopt;
  }
  KITH_UNREACHABLE();
}

}  // namespace kith::files
