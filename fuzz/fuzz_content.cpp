#include <vector>

#include "property.hpp"
#include "samples.hpp"
#include "sync/files/chunk_id.hpp"
#include "sync/files/chunker.hpp"
#include "sync/files/content.hpp"

/// Contents and manifest nodes. An even first byte: the rest is blobs behind u16 lengths, a content and then nodes,
/// given out in the order in which the walk asks. An odd one: the rest is a list of chunks that is built and walked.
namespace {

using namespace kith;

constexpr std::size_t kMostSteps = 5000;

void walk_theirs(fuzz::Input in) {
  std::vector<ByteView> blobs;
  while (!in.at_end()) blobs.push_back(in.take(in.u16()));
  if (blobs.empty()) return;
  auto const content = wire::decode<wire::Content>(blobs.front());
  if (!content) return;
  fuzz::require(equal(wire::encode(*content), blobs.front()), "a content re-encodes to itself");
  std::size_t asked = 0, steps = 0;
  files::ChunkWalk walk(*content, [&](ChunkId const&) -> Result<Bytes> {
    if (++asked >= blobs.size()) return fail(wire::WireError::truncated);
    return Bytes(blobs[asked].begin(), blobs[asked].end());
  });
  std::uint64_t bytes = 0;
  for (; steps < kMostSteps; ++steps) {
    auto const ref = walk.next();
    if (!ref) {
      fuzz::require(!walk.next(), "a walk that has failed goes no further");
      return;
    }
    if (!*ref) break;
    fuzz::require((*ref)->length > 0 && (*ref)->length <= kLimits.max_chunk_bytes, "a chunk has a chunk's length");
    bytes += (*ref)->length;
  }
  if (steps == kMostSteps) return;
  fuzz::require(files::check_content(*content).has_value(), "a content that was walked is a good one");
  fuzz::require(bytes == files::content_size(*content), "the chunks make up the content's size");
}

void build_ours(fuzz::Input in) {
  auto const key = files::chunk_key(samples::counted<wire::ContentSecret>(0xE0));
  std::vector<wire::ChunkRef> chunks;
  while (!in.at_end() && chunks.size() < 2000) {  // three bytes make four chunks
    std::uint64_t const length = files::kMinChunkBytes + (std::uint64_t{in.u16()} << 3);
    auto const first = in.byte();
    for (std::uint8_t i = 0; i < 4; ++i) {
      auto id = samples::counted<ChunkId>(static_cast<std::uint8_t>(chunks.size() + i));
      id.bytes[0] = static_cast<std::uint8_t>(first >> i);
      chunks.push_back({std::min<std::uint64_t>(length + i, kLimits.max_chunk_bytes), id});
    }
  }
  auto const built = files::build_content(key, chunks);
  fuzz::require(built.has_value(), "a list of chunks makes a content");
  fuzz::require(files::check_content(built->content).has_value(), "our content is a good one");
  files::ChunkWalk walk(built->content, [&](ChunkId const& id) -> Result<Bytes> {
    auto const found = std::ranges::find(built->nodes, id, &files::NodeBlob::id);
    fuzz::require(found != built->nodes.end(), "every node that is named was built");
    return found->bytes;
  });
  for (auto const& chunk : chunks) {
    auto const ref = walk.next();
    fuzz::require(ref && *ref == chunk, "a walk gives the list back");
  }
  auto const end = walk.next();
  fuzz::require(end && !*end, "a walk ends with the list");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
  ByteView const whole(data, size);
  if (auto const node = wire::decode<wire::ManifestNode>(whole)) {
    fuzz::require(equal(wire::encode(*node), whole), "a node re-encodes to itself");
    for (std::uint8_t level = 1; level <= files::kMaxLevel; ++level) {
      std::uint64_t sum = 0;
      for (auto const& ref : node->refs) sum += ref.length;
      auto const checked = files::decode_node(whole, {{}, sum, level, true});
      fuzz::require(!checked || (node->level == level && !node->refs.empty()), "a node stands at its level");
    }
  }
  fuzz::Input in(whole);
  if (in.byte() % 2 == 0) {
    walk_theirs(in);
  } else {
    build_ours(in);
  }
  return 0;
}
