#include "sync/files/chunker.hpp"

#include <algorithm>

#include "base/limits.hpp"
#include "crypto/kdf.hpp"

namespace kith::files {
namespace {

static_assert(kMaxChunkBytes == kLimits.max_chunk_bytes);

/// `bits` ones from bit 62 down. A bit of the hash depends on as many bytes as its place says, so high bits see the
/// widest window; bit 63 stays free, so that the mask can be shifted for the first byte of a step.
constexpr std::uint64_t mask_of(unsigned bits) { return ((std::uint64_t{1} << bits) - 1) << (63 - bits); }

// 128 KiB is 2^17; normalisation level 2 makes the mask two bits harder before the normal length and two easier after
// it.
constexpr std::uint64_t kHardMask = mask_of(17 + 2);
constexpr std::uint64_t kEasyMask = mask_of(17 - 2);

/// Hashes bytes [at, end) and returns the place of the first one after which the hash has no bit of `mask`, or end.
/// Two bytes a step: (hash << 2) + (gear[a] << 1) is the hash after `a`, shifted once, and one add later that after
/// `b`.
std::size_t find_cut(GearTable const& gear, std::uint8_t const* data, std::size_t at, std::size_t end,
                     std::uint64_t mask, std::uint64_t& hash) {
  std::uint64_t h = hash;
  for (; at + 2 <= end; at += 2) {
    h = (h << 2) + gear.shifted(data[at]);
    if ((h & (mask << 1)) == 0) return at;
    h += gear[data[at + 1]];
    if ((h & mask) == 0) return at + 1;
  }
  if (at < end) {
    h = (h << 1) + gear[data[at]];
    if ((h & mask) == 0) return at;
    ++at;
  }
  hash = h;
  return at;
}

}  // namespace

GearTable::GearTable(wire::ContentSecret const& secret) {
  std::array<std::uint8_t, 256 * sizeof(std::uint64_t)> okm;
  crypto::hkdf_sha256({}, secret.view(), bytes_of("kith/gear/1"), okm);
  for (std::size_t i = 0; i < gear_.size(); ++i) {
    gear_[i] = load_be<std::uint64_t>(okm.data() + i * sizeof(std::uint64_t));
    shifted_[i] = gear_[i] << 1;
  }
  wipe(okm);
}

GearTable::~GearTable() {
  sodium_memzero(gear_.data(), sizeof gear_);
  sodium_memzero(shifted_.data(), sizeof shifted_);
}

std::size_t Chunker::restart() {
  hash_ = 0;
  return std::exchange(length_, 0);
}

std::optional<std::size_t> Chunker::feed(ByteView& bytes) {
  auto const take = [&](std::size_t count) {
    bytes = bytes.subspan(count);
    length_ += count;
  };
  if (length_ < kMinChunkBytes) take(std::min(bytes.size(), kMinChunkBytes - length_));
  for (auto const& [limit, mask] : {std::pair{kNormalChunkBytes, kHardMask}, std::pair{kMaxChunkBytes, kEasyMask}}) {
    if (bytes.empty() || length_ >= limit) continue;
    std::size_t const end = std::min(bytes.size(), limit - length_);
    std::size_t const cut = find_cut(gear_, bytes.data(), 0, end, mask, hash_);
    take(cut);
    if (cut < end) return restart();
  }
  if (length_ == kMaxChunkBytes) return restart();
  return std::nullopt;
}

std::size_t Chunker::finish() { return restart(); }

std::size_t next_cut(GearTable const& gear, ByteView data, bool last) {
  Chunker chunker(gear);
  if (auto const length = chunker.feed(data)) return *length;
  return last ? chunker.finish() : 0;
}

}  // namespace kith::files
