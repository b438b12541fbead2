#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>

#include "base/bytes.hpp"
#include "wire/ops.hpp"

/// FastCDC, keyed by the group: cuts a file where its content says so, so that an insertion moves one boundary and not
/// all that follow. Source: Xia et al., "FastCDC", USENIX ATC 2016, with the two-byte step of "The Design of Fast
/// Content-Defined Chunking for Data Deduplication Based Storage Systems", IEEE TPDS 2020. @see docs/spec/content.md
namespace kith::files {

inline constexpr std::size_t kMinChunkBytes = 64 * 1024;
inline constexpr std::size_t kMaxChunkBytes = 512 * 1024;
/// Cuts are rare before this length and frequent after it (normalised chunking). With random data it makes chunks of
/// 125 KiB on average: 6 % end before it, the others 32 KiB after it.
inline constexpr std::size_t kNormalChunkBytes = 96 * 1024;

/// The gear table: 256 numbers from HKDF(content_secret, "kith/gear/1"), big-endian, in order. It is as secret as what
/// it comes from, because boundaries would otherwise tell which public files a group holds. Read-only, so any thread
/// may use it.
class GearTable {
 public:
  explicit GearTable(wire::ContentSecret const& secret);
  GearTable(GearTable const&) = delete;
  GearTable& operator=(GearTable const&) = delete;
  ~GearTable();

  [[nodiscard]] std::uint64_t operator[](std::uint8_t byte) const { return gear_[byte]; }
  [[nodiscard]] std::uint64_t shifted(std::uint8_t byte) const { return shifted_[byte]; }  ///< the same << 1

 private:
  std::array<std::uint64_t, 256> gear_;
  std::array<std::uint64_t, 256> shifted_;
};

/// Cuts a stream that comes in pieces of any size. The cuts depend on the bytes alone, never on the pieces.
class Chunker {
 public:
  explicit Chunker(GearTable const& gear) : gear_(gear) {}  ///< the table outlives the chunker

  /// Takes bytes from the front of `bytes` up to the end of the current chunk.
  /// @return the chunk's length in bytes, when it ends here; nullopt when all bytes were taken and it goes on
  [[nodiscard]] std::optional<std::size_t> feed(ByteView& bytes);
  /// The stream ends: the length of the last chunk, 0 where none is open. The chunker is then as new.
  [[nodiscard]] std::size_t finish();

 private:
  [[nodiscard]] std::size_t restart();

  GearTable const& gear_;
  std::size_t length_ = 0;  ///< bytes of the current chunk so far
  std::uint64_t hash_ = 0;
};

/// The length of the chunk at the start of `data`, for callers that hold a window of the file.
/// @param last  the file ends where `data` ends
/// @return 0 where `data` has no cut and the file goes on; never for kMaxChunkBytes or more
[[nodiscard]] std::size_t next_cut(GearTable const& gear, ByteView data, bool last);

}  // namespace kith::files
