#include "sync/files/content.hpp"

#include <map>
#include <set>

#include <gtest/gtest.h>
#include <openssl/sha.h>
#include <rapidcheck/gtest.h>

#include "crypto/vector_files.hpp"
#include "sync/files/chunk_id.hpp"
#include "sync/files/chunker.hpp"

namespace kith::files {
namespace {

using crypto::vectors::from_text;
using crypto::vectors::Json;

Json const& vectors() {
  static Json const all = crypto::vectors::read_json("tests/vectors/content.json");
  return all;
}

crypto::ChunkKey const& key() {
  static auto const made = chunk_key(from_text<wire::ContentSecret>(vectors()["content_secret"]));
  return made;
}

ChunkRef numbered(std::size_t i) {
  return {65536 + 977 * i % 458752, chunk_id(key(), bytes_of(fmt::format("chunk {}", i)))};
}

std::vector<ChunkRef> numbered_list(std::size_t count) {
  std::vector<ChunkRef> refs;
  for (std::size_t i = 0; i < count; ++i) refs.push_back(numbered(i));
  return refs;
}

using NodeMap = std::map<ChunkId, Bytes>;
NodeMap as_map(std::vector<NodeBlob> const& nodes) {
  NodeMap map;
  for (auto const& node : nodes) map[node.id] = node.bytes;
  return map;
}

NodeResolver resolver(NodeMap const& nodes) {
  return [&nodes](ChunkId const& id) -> Result<Bytes> {
    auto const found = nodes.find(id);
    if (found == nodes.end()) return fail(FilesError::not_found);
    return found->second;
  };
}

Result<std::vector<ChunkRef>> walk(Content const& content, NodeMap const& nodes) {
  ChunkWalk chunks(content, resolver(nodes));
  std::vector<ChunkRef> refs;
  for (;;) {
    KITH_TRY(ref, chunks.next());
    if (!ref) return refs;
    refs.push_back(*ref);
  }
}

std::string sha256(ByteView bytes) {
  Bytes digest(SHA256_DIGEST_LENGTH);
  SHA256(bytes.data(), bytes.size(), digest.data());
  return to_hex(digest);
}

TEST(ContentVectors, ContentsAndNodes) {
  ASSERT_EQ(vectors()["cases"].size(), 8U);
  for (auto const& test : vectors()["cases"]) {
    auto const built = build_content(key(), numbered_list(test["count"]));
    ASSERT_TRUE(built);
    EXPECT_EQ(built->content.level, test["level"]);
    EXPECT_EQ(built->nodes.size(), test["nodes"]);
    EXPECT_EQ(content_size(built->content), test["size"]);
    if (built->content.level > 0) {
      EXPECT_EQ(built->content.refs.at(0).length, test["top"][0][0]);
      EXPECT_EQ(to_hex(built->content.refs.at(0).id.view()), test["top"][0][1]);
    }
    Bytes ids;
    for (auto const& node : built->nodes) append(ids, node.id.view());
    EXPECT_EQ(sha256(ids), test["nodes_sha256"]);
    EXPECT_EQ(sha256(wire::encode(built->content)), test["content_sha256"]);
  }
}

RC_GTEST_PROP(Content, WhatIsBuiltIsWalked, ()) {
  auto const count = *rc::gen::oneOf(rc::gen::inRange<std::size_t>(0, 300), rc::gen::inRange<std::size_t>(300, 5000));
  auto const refs = numbered_list(count);
  auto const built = build_content(key(), refs);
  RC_ASSERT(built.has_value());
  RC_ASSERT(check_content(built->content).has_value());
  auto const decoded = wire::decode<Content>(wire::encode(built->content));
  RC_ASSERT(decoded.has_value());
  RC_ASSERT(*decoded == built->content);
  auto const walked = walk(built->content, as_map(built->nodes));
  RC_ASSERT(walked.has_value());
  RC_ASSERT(*walked == refs);
  for (auto const& node : built->nodes) RC_ASSERT(chunk_id(key(), node.bytes) == node.id);
}

/// The nodes of `after` that `before` does not have.
std::size_t new_nodes(std::vector<NodeBlob> const& before, std::vector<NodeBlob> const& after) {
  auto const known = as_map(before);
  return static_cast<std::size_t>(
      std::count_if(after.begin(), after.end(), [&](NodeBlob const& node) { return !known.contains(node.id); }));
}

TEST(Content, OneMoreChunkInALongListChangesFewNodes) {
  auto const refs = numbered_list(16'384);
  auto const before = build_content(key(), refs);
  ASSERT_TRUE(before);
  ASSERT_GT(before->nodes.size(), 100U);
  std::size_t total = 0, most = 0, cases = 0;
  for (std::size_t at = 0; at <= refs.size(); at += 512, ++cases) {
    auto changed = refs;
    changed.insert(changed.begin() + static_cast<std::ptrdiff_t>(at), numbered(1'000'000 + at));
    auto const after = build_content(key(), changed);
    ASSERT_TRUE(after);
    std::size_t const count = new_nodes(before->nodes, after->nodes);
    EXPECT_GE(count, 2U);
    most = std::max(most, count);
    total += count;
  }
  EXPECT_LE(most, 8U);              // leaf nodes around the place, and the root
  EXPECT_LE(total, cases * 5 / 2);  // usually one leaf node and the root
}

TEST(Content, NodesHaveTheDocumentedSizes) {
  auto const built = build_content(key(), numbered_list(40'000));
  ASSERT_TRUE(built);
  std::size_t leaves = 0;
  for (auto const& blob : built->nodes) {
    auto const node = wire::decode<ManifestNode>(blob.bytes);
    ASSERT_TRUE(node);
    EXPECT_LE(node->refs.size(), kMaxNodeRefs);
    if (node->level == 1) ++leaves;
  }
  double const average = 40'000.0 / static_cast<double>(leaves);
  EXPECT_GT(average, 115);
  EXPECT_LT(average, 141);
}

TEST(Content, BuildRefusesImpossibleChunks) {
  using Lengths = std::vector<std::uint64_t>;
  for (auto const& lengths : {Lengths{0}, Lengths{kMaxChunkBytes + 1}, Lengths{kMinChunkBytes - 1, 1}}) {
    std::vector<ChunkRef> refs;
    for (auto const length : lengths) refs.push_back({length, {}});
    auto const built = build_content(key(), refs);
    ASSERT_FALSE(built);
    EXPECT_TRUE(built.error().is(FilesError::bad_chunk_length));
  }
  EXPECT_TRUE(build_content(key(), {{kMinChunkBytes, {}}, {1, {}}}));
}

TEST(Content, CheckRefusesWhatContradictsItself) {
  auto const refused = [](std::uint8_t level, std::vector<ChunkRef> refs, FilesError error) {
    auto const checked = check_content({wire::HashAlg::blake2b_256_keyed, level, std::move(refs)});
    return !checked && checked.error().is(error);
  };
  EXPECT_TRUE(refused(5, {{1, {}}}, FilesError::too_deep));
  EXPECT_TRUE(refused(1, {}, FilesError::bad_level));
  EXPECT_TRUE(refused(1, {{1, {}}, {1, {}}}, FilesError::bad_level));
  EXPECT_TRUE(refused(0, {{0, {}}}, FilesError::bad_chunk_length));
  EXPECT_TRUE(refused(0, {{kMaxChunkBytes + 1, {}}}, FilesError::bad_chunk_length));
  EXPECT_TRUE(refused(0, {{kMinChunkBytes - 1, {}}, {1, {}}}, FilesError::bad_chunk_length));
  EXPECT_TRUE(refused(1, {{256 * kMaxChunkBytes + 1, {}}}, FilesError::bad_chunk_length));
  EXPECT_TRUE(refused(4, {{~std::uint64_t{0}, {}}}, FilesError::bad_chunk_length));
  EXPECT_TRUE(check_content({wire::HashAlg::blake2b_256_keyed, 4, {{std::uint64_t{1} << 51, {}}}}));
  EXPECT_TRUE(check_content({}));
}

/// A content whose root is `root`, and the walk's error.
Result<std::vector<ChunkRef>> walk_of(ManifestNode const& root, std::uint64_t length, std::uint8_t level,
                                      NodeMap nodes = {}) {
  auto const bytes = wire::encode(root);
  auto const id = chunk_id(key(), bytes);
  nodes[id] = bytes;
  return walk({wire::HashAlg::blake2b_256_keyed, level, {{length, id}}}, nodes);
}

TEST(ChunkWalk, RefusesHostileManifests) {
  auto const fails = [](Result<std::vector<ChunkRef>> const& walked, FilesError error) {
    return !walked && walked.error().is(error);
  };
  constexpr std::uint64_t kLeast = kMinChunkBytes, kLeastNode = kMinChunkBytes * kMinNodeRefs;
  EXPECT_TRUE(walk_of({1, {{kLeast, {}}, {6, {}}}}, kLeast + 6, 1));
  EXPECT_TRUE(fails(walk_of({1, {}}, 1, 1), FilesError::empty_node));
  EXPECT_TRUE(fails(walk_of({2, {{5, {}}}}, 5, 1), FilesError::bad_level));
  EXPECT_TRUE(fails(walk_of({1, {{5, {}}}}, 5, 2), FilesError::bad_level));
  EXPECT_TRUE(fails(walk_of({1, {{5, {}}}}, 6, 1), FilesError::length_mismatch));
  EXPECT_TRUE(fails(walk_of({1, {{kLeast, {}}, {6, {}}}}, kLeast + 5, 1), FilesError::length_mismatch));
  EXPECT_TRUE(fails(walk_of({1, {{kLeast, {}}, {0, {}}}}, kLeast, 1), FilesError::bad_chunk_length));
  // Only what ends a content may be short.
  EXPECT_TRUE(fails(walk_of({1, {{kLeast - 1, {}}, {6, {}}}}, kLeast + 5, 1), FilesError::bad_chunk_length));
  EXPECT_TRUE(fails(walk_of({2, {{kLeastNode - 1, {}}, {6, {}}}}, kLeastNode + 5, 2), FilesError::bad_chunk_length));
  ManifestNode const ends_short{
      1, {{kMaxChunkBytes, {}}, {kMaxChunkBytes, {}}, {kMaxChunkBytes, {}}, {kMaxChunkBytes, {}}, {1, {}}}};
  auto const bytes = wire::encode(ends_short);
  ChunkRef const short_node{4 * kMaxChunkBytes + 1, chunk_id(key(), bytes)};
  NodeMap const nodes{{short_node.id, bytes}};
  EXPECT_TRUE(walk_of({2, {short_node}}, short_node.length, 2, nodes));
  EXPECT_TRUE(
      fails(walk_of({2, {short_node, short_node}}, 2 * short_node.length, 2, nodes), FilesError::bad_chunk_length));
  EXPECT_TRUE(fails(walk_of({1, {{kMaxChunkBytes + 1, {}}}}, kMaxChunkBytes + 1, 1), FilesError::bad_chunk_length));
  // Lengths that would wrap around to the right sum.
  EXPECT_TRUE(fails(walk_of({3, {{~std::uint64_t{0}, {}}, {12, {}}}}, 11, 3), FilesError::bad_chunk_length));
  EXPECT_TRUE(fails(walk_of({2, {{5, {}}}}, 5, 2), FilesError::not_found));  // the resolver's own error comes through

  auto const garbage = walk({wire::HashAlg::blake2b_256_keyed, 1, {{5, {}}}}, {{ChunkId{}, Bytes{0x93, 0x01}}});
  ASSERT_FALSE(garbage);
  EXPECT_TRUE(garbage.error().holds<wire::WireError>());
}

TEST(ChunkWalk, AnErrorStays) {
  auto const built = build_content(key(), numbered_list(1000));
  ASSERT_TRUE(built);
  auto nodes = as_map(built->nodes);
  nodes.erase(built->nodes[1].id);
  ChunkWalk chunks(built->content, resolver(nodes));
  std::size_t count = 0;
  auto next = chunks.next();
  for (; next; next = chunks.next()) ++count;
  EXPECT_GE(count, kMinNodeRefs);
  EXPECT_TRUE(next.error().is(FilesError::not_found));
  nodes = as_map(built->nodes);
  EXPECT_FALSE(chunks.next());
}

TEST(ChunkWalk, HoldsOneNodeOfEachLevel) {
  auto const built = build_content(key(), numbered_list(40'000));
  ASSERT_TRUE(built);
  auto const nodes = as_map(built->nodes);
  std::size_t resolved = 0;
  ChunkWalk chunks(built->content, [&](ChunkId const& id) -> Result<Bytes> {
    ++resolved;
    return nodes.at(id);
  });
  ASSERT_TRUE(chunks.next());
  EXPECT_EQ(resolved, built->content.level);  // nothing is read ahead
  while (*chunks.next()) {
  }
  EXPECT_EQ(resolved, nodes.size());  // and nothing twice
  EXPECT_EQ(*chunks.next(), std::nullopt);
}

}  // namespace
}  // namespace kith::files
