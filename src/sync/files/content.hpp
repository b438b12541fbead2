#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <vector>

#include "crypto/hash.hpp"
#include "sync/files/error.hpp"
#include "wire/content.hpp"

/// The chunk list of a file: inline while it is short, a tree of manifest nodes beyond that. @see docs/spec/content.md
namespace kith::files {

using wire::ChunkRef;
using wire::Content;
using wire::ManifestNode;

/// Levels of nodes above the chunks: 4 hold 256^4 chunks.
inline constexpr std::uint8_t kMaxLevel = 4;
inline constexpr std::size_t kMinNodeRefs = 32;
inline constexpr std::size_t kMaxNodeRefs = 256;
/// A node ends after a reference whose id begins with a big-endian u16 below this. With the two bounds above a node has
/// 128 references on average: 32 + (1 - (1 - p)^224) / p for p = 592 / 65536.
inline constexpr std::uint16_t kNodeCutBelow = 592;

/// A manifest node as it is stored and sent: as a chunk of its own.
struct NodeBlob {
  ChunkId id;
  Bytes bytes;
};

/// A manifest node as its parent, or the content, names it. Ordered, so that each is looked at once wherever it is
/// named.
struct NodeRef {
  ChunkId id;
  std::uint64_t length = 0;  ///< the plain bytes below it
  std::uint8_t level = 1;
  bool is_last = true;  ///< the content ends with what is below it
  friend auto operator<=>(NodeRef const&, NodeRef const&) = default;
};

struct BuiltContent {
  Content content;
  std::vector<NodeBlob> nodes;  ///< children before parents; empty for up to 64 chunks
};

/// Makes the content of a file from its chunks in order. Equal lists give equal contents.
/// @param chunks  each of kMinChunkBytes to kMaxChunkBytes, the last one of 1 byte at least
/// @return FilesError::too_deep where the list does not fit below kMaxLevel
[[nodiscard]] Result<BuiltContent> build_content(crypto::ChunkKey const& key, std::vector<ChunkRef> chunks);

/// The plain bytes of the whole content.
[[nodiscard]] std::uint64_t content_size(Content const& content);

/// Checks what a content from elsewhere says by itself: its level, the number of references and their lengths. Only
/// what ends a content may be short: a content of so many bytes has no more chunks and nodes than that many bytes need,
/// whatever its author wants.
/// @return FilesError::bad_level, too_deep, bad_chunk_length
[[nodiscard]] Result<> check_content(Content const& content);

/// Whether an error says that a content can be made of no bytes at all: it contradicts itself, or names as a manifest
/// node what is none.
[[nodiscard]] bool is_bad_content(Error const& error);

/// The node at the top of a content that has one.
[[nodiscard]] std::optional<NodeRef> top_node(Content const& content);
/// A child of a node of level 2 or more.
[[nodiscard]] NodeRef child_node(NodeRef const& parent, ManifestNode const& node, std::size_t index);

/// Decodes the node that `ref` names. Whoever got the bytes has checked them against the id.
/// @return a WireError, FilesError::bad_level, empty_node, bad_chunk_length, length_mismatch
[[nodiscard]] Result<ManifestNode> decode_node(ByteView bytes, NodeRef const& ref);

/// Gives the bytes of a manifest node, checked against its id, or says why it cannot.
using NodeResolver = std::function<Result<Bytes>(ChunkId const&)>;

/// Walks over the chunks of a content in order. Holds one node of each level, at most kMaxLevel x kMaxNodeRefs
/// references.
class ChunkWalk {
 public:
  /// @param content  copied
  ChunkWalk(Content content, NodeResolver resolve);

  /// @return the next chunk; nullopt after the last; an error of check_content, decode_node or the resolver, after
  /// which
  ///         every further call returns it again
  [[nodiscard]] Result<std::optional<ChunkRef>> next();

 private:
  struct Level {
    std::vector<ChunkRef> refs;
    std::size_t at = 0;
  };
  [[nodiscard]] Result<std::optional<ChunkRef>> step();
  [[nodiscard]] bool at_end() const;

  std::uint8_t top_;
  NodeResolver resolve_;
  std::vector<Level> path_;  ///< the content's own references, then one node of each level down to where the walk is
  std::optional<Error> error_;
};

}  // namespace kith::files
