#include "sync/files/content.hpp"

#include <algorithm>

#include "base/assert.hpp"
#include "base/limits.hpp"
#include "sync/files/chunk_id.hpp"
#include "sync/files/chunker.hpp"

namespace kith::files {
namespace {

static_assert(kMaxNodeRefs == kLimits.max_manifest_refs);

/// The bytes that a reference to something of `level` can name at most; at kMaxLevel that is 2^51, so sums never
/// overflow.
std::uint64_t most_bytes(std::uint8_t level) { return std::uint64_t{kLimits.max_chunk_bytes} << (8 * level); }
static_assert(kMaxNodeRefs == 1 << 8);

/// The bytes that a reference to something of `level` names at least, unless the content ends with it.
std::uint64_t least_bytes(std::uint8_t level) { return std::uint64_t{kMinChunkBytes} << (5 * level); }
static_assert(kMinNodeRefs == 1 << 5);

/// @param level    of what the references name: 0 for chunks
/// @param is_last  whether the content ends with the last of them
Result<std::uint64_t> checked_sum(std::span<ChunkRef const> refs, std::uint8_t level, bool is_last) {
  std::uint64_t sum = 0;
  for (std::size_t i = 0; i < refs.size(); ++i) {
    auto const length = refs[i].length;
    bool const ends = is_last && i + 1 == refs.size();
    std::uint64_t const least = ends ? 1 : least_bytes(level);
    if (length < least) return fail(FilesError::bad_chunk_length, CountDetail{length, least});
    if (length > most_bytes(level)) return fail(FilesError::bad_chunk_length, CountDetail{length, most_bytes(level)});
    sum += length;
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
  KITH_CHECK(checked_sum(chunks, 0, true));
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
  KITH_CHECK(checked_sum(content.refs, content.level, true));
  return {};
}

bool is_bad_content(Error const& error) {
  return error.holds<wire::WireError>() || error.is(FilesError::bad_chunk_length) || error.is(FilesError::bad_level) ||
         error.is(FilesError::too_deep) || error.is(FilesError::empty_node) || error.is(FilesError::length_mismatch);
}

std::optional<NodeRef> top_node(Content const& content) {
  if (content.level == 0) return std::nullopt;
  auto const& ref = content.refs.front();
  return NodeRef{ref.id, ref.length, content.level, true};
}

NodeRef child_node(NodeRef const& parent, ManifestNode const& node, std::size_t index) {
  auto const& ref = node.refs[index];
  return {ref.id, ref.length, static_cast<std::uint8_t>(parent.level - 1),
          parent.is_last && index + 1 == node.refs.size()};
}

Result<ManifestNode> decode_node(ByteView bytes, NodeRef const& ref) {
  KITH_ASSERT(ref.level > 0 && ref.level <= kMaxLevel);
  KITH_TRY(node, wire::decode<ManifestNode>(bytes));
  if (node.level != ref.level) return fail(FilesError::bad_level, CountDetail{node.level, ref.level});
  if (node.refs.empty()) return fail(FilesError::empty_node);
  KITH_TRY(sum, checked_sum(node.refs, static_cast<std::uint8_t>(ref.level - 1), ref.is_last));
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

/// Whether nothing comes after what was taken last and is below it.
bool ChunkWalk::at_end() const {
  return std::ranges::all_of(path_, [](Level const& level) { return level.at == level.refs.size(); });
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
    KITH_TRY(node, decode_node(bytes, {ref.id, ref.length, level, at_end()}));
    path_.push_back({std::move(node.refs), 0});
  }
  return std::nullopt;
}

}  // namespace kith::files
