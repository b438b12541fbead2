#pragma once

#include <cstdint>
#include <vector>

#include "base/ids.hpp"
#include "wire/codec.hpp"

namespace kith::wire {

enum class HashAlg : std::uint8_t { blake2b_256_keyed = 1 };
constexpr bool valid(HashAlg alg) { return alg == HashAlg::blake2b_256_keyed; }

/// Names `length` plain bytes: one chunk, or everything below a manifest node.
struct ChunkRef {
  std::uint64_t length = 0;
  ChunkId id;
  template <class Archive, class Self>
  static void fields(Archive& a, Self& s) {
    a(s.length, s.id);
  }
  friend bool operator==(ChunkRef const&, ChunkRef const&) = default;
};

/// What a file or a large message consists of: [hash_alg, level, refs]. Level 0: up to 64 references to chunks, in
/// order. Level n > 0: one reference to a manifest node of level n, for contents of more chunks. @see
/// docs/spec/content.md
struct Content {
  HashAlg hash_alg = HashAlg::blake2b_256_keyed;
  std::uint8_t level = 0;
  std::vector<ChunkRef> refs;
  template <class Archive, class Self>
  static void fields(Archive& a, Self& s) {
    a(s.hash_alg, s.level, list(s.refs, kLimits.max_inline_refs));
  }
  friend bool operator==(Content const&, Content const&) = default;
};

/// One node of a manifest: [level, refs], stored and sent as a chunk whose id is the keyed hash of these bytes. At
/// level 1 the references name chunks, above nodes of one level less.
struct ManifestNode {
  std::uint8_t level = 1;
  std::vector<ChunkRef> refs;
  template <class Archive, class Self>
  static void fields(Archive& a, Self& s) {
    a(s.level, list(s.refs, kLimits.max_manifest_refs));
  }
  friend bool operator==(ManifestNode const&, ManifestNode const&) = default;
};

}  // namespace kith::wire
