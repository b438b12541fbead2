#pragma once

#include <initializer_list>
#include <string_view>

#include "base/bytes.hpp"
#include "base/ids.hpp"
#include "base/secret.hpp"

namespace kith::crypto {

using Hash256 = ByteId<struct Hash256Tag, 32>;
using Hash128 = ByteId<struct Hash128Tag, 16>;
using ChunkKey = Secret<32, struct ChunkKeyTag>;

/// H(label, a, b...): BLAKE2b-256 (RFC 7693) over the label, a zero byte, and each part as u32 big-endian length and
/// bytes. Labels are ASCII, end in "/1", and none serves two purposes. @see docs/spec/conventions.md
[[nodiscard]] Hash256 hash256(std::string_view label, std::initializer_list<ByteView> parts);

/// H16: the same with 16 bytes of output (not a truncation: BLAKE2b is parametrised by its length).
[[nodiscard]] Hash128 hash128(std::string_view label, std::initializer_list<ByteView> parts);

/// Keyed BLAKE2b-256 without label, for content ids: the key is what separates its uses.
[[nodiscard]] Hash256 keyed_hash256(ChunkKey const& key, ByteView bytes);

/// The same part by part, for what does not fit in memory (view digests, whole files).
class Hasher {
 public:
  static constexpr std::size_t kStateBytes = 384;
  static constexpr std::size_t kStateAlignment = 64;

  explicit Hasher(std::string_view label);
  Hasher& part(ByteView bytes);    ///< u32 length and bytes, as hash256 does; bytes.size() < 4 GiB
  [[nodiscard]] Hash256 finish();  ///< once

 private:
  alignas(kStateAlignment) std::array<std::uint8_t, kStateBytes> state_;  ///< crypto_generichash_blake2b_state
};

/// Renames a hash to the id type it stands for: `as_id<EntryHash>(hash256(...))`.
template <class Id, class Tag, std::size_t N>
[[nodiscard]] Id as_id(ByteId<Tag, N> const& hash) {
  static_assert(Id::kBytes == N);
  return Id{hash.bytes};
}

}  // namespace kith::crypto
