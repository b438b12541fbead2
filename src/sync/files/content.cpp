#include "sync/files/content.hpp"

#include <algorithm>

#include "base/assert.hpp"
#include "base/limits.hpp"
#include "sync/files/chunk_id.hpp"

namespace kith::files {
namespace {

static_assert(kMaxNodeRefs == kLimits.max_manifest_refs);

/// The bytes that a reference to something of `level` can name at most; at kMaxLevel that is 2^51, so sums never
/// overflow.
std::uint64_t most_bytes(std::uint8_t level) { return std::uint64_t{kLimits.max_chunk_bytes} << (8 * level); }
static_assert(kMaxNodeRefs == 1 << 8);

/// @param level  of what the references name: 0 for chunks
Result<std::uint64_t> checked_sum(std::span<ChunkRef const> refs, std::uint8_t level) {
  std::uint64_t sum = 0;
  for (auto const& ref : refs) {
    if (ref.length == 0 || ref.length > most_bytes(level))
      return fail(FilesError::bad_chunk_length, CountDetail{ref.length, most_bytes(level)});
    sum += ref.length;
  }
  return sum;
}

/// How many of the references go into the node that begins here.
std::size_t node_length(std::span<ChunkRef const> refs) {
  std::size_t const most = std::min(refs.size(), kMaxNodeRefs);
  for (std::size_t count = kMinNodeRefs; count < most; ++count) {
    if (load_be<std::uint16_t>(refs[count - 1].id.bytes.data()) < kNodeCutBelow) return count;
  }
  return most;
}

}  // namespace

Result<BuiltContent> build_content(crypto::ChunkKey const& key, std::vector<ChunkRef> chunks) {
  KITH_CHECK(checked_sum(chunks, 0));
  BuiltContent built;
  if (chunks.size() <= kLimits.max_inline_refs) {
    built.content.refs = std::move(chunks);
    return built;
  }
  for (std::vector<ChunkRef> refs = std::move(chunks);;) {
    if (built.content.level == kMaxLevel) return fail(FilesError::too_deep);
    ++built.content.level;
    bool const root = refs.size() <= kMaxNodeRefs;  // one node whatever the ids are: a list that is short stays flat
    std::vector<ChunkRef> parents;
    for (std::span<ChunkRef const> rest = refs; !rest.empty();) {
      std::size_t const count = root ? rest.size() : node_length(rest);
      ManifestNode node{built.content.level, {rest.begin(), rest.begin() + static_cast<std::ptrdiff_t>(count)}};
      NodeBlob blob{{}, wire::encode(node)};
      blob.id = chunk_id(key, blob.bytes);
      std::uint64_t length = 0;
      for (auto const& ref : node.refs) length += ref.length;
      parents.push_back({length, blob.id});
      built.nodes.push_back(std::move(blob));
      rest = rest.subspan(count);
    }
    if (root) {
      built.content.refs = std::move(parents);
      return built;
    }
    refs = std::move(parents);
  }
}

std::uint64_t content_size(Content const& content) {
  std::uint64_t size = 0;
  for (auto const& ref : content.refs) size += ref.length;
  return size;
}

Result<> check_content(Content const& content) {
  if (content.level > kMaxLevel) return fail(FilesError::too_deep, CountDetail{content.level, kMaxLevel});
  if (content.level > 0 && content.refs.size() != 1)
    return fail(FilesError::bad_level, CountDetail{content.refs.size(), 1});
  KITH_CHECK(checked_sum(content.refs, content.level));
  return {};
}

Result<ManifestNode> decode_node(ByteView bytes, ChunkRef const& ref, std::uint8_t level) {
  KITH_ASSERT(level > 0 && level <= kMaxLevel);
  KITH_TRY(node, wire::decode<ManifestNode>(bytes));
  if (node.level != level) return fail(FilesError::bad_level, CountDetail{node.level, level});
  if (node.refs.empty()) return fail(FilesError::empty_node);
  KITH_TRY(sum, checked_sum(node.refs, static_cast<std::uint8_t>(level - 1)));
  if (sum != ref.length) return fail(FilesError::length_mismatch, CountDetail{sum, ref.length});
  return std::move(node);
}

ChunkWalk::ChunkWalk(Content content, NodeResolver resolve) : top_(content.level), resolve_(std::move(resolve)) {
  if (auto checked = check_content(content); !checked) error_ = checked.error();
  path_.push_back({std::move(content.refs), 0});
}

Result<std::optional<ChunkRef>> ChunkWalk::next() {
  if (error_) return fail(*error_);
  auto found = step();
  if (!found) error_ = found.error();
  return found;
}

Result<std::optional<ChunkRef>> ChunkWalk::step() {
  while (!path_.empty()) {
    auto& here = path_.back();
    if (here.at == here.refs.size()) {
      path_.pop_back();
      continue;
    }
    ChunkRef const ref = here.refs[here.at++];
    auto const level = static_cast<std::uint8_t>(top_ + 1 - path_.size());  // of what `ref` names
    if (level == 0) return ref;
    KITH_TRY(bytes, resolve_(ref.id));
    KITH_TRY(node, decode_node(bytes, ref, level));
    path_.push_back({std::move(node.refs), 0});
  }
  return std::nullopt;
}

}  // namespace kith::files
