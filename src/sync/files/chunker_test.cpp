#include "sync/files/chunker.hpp"

#include <numeric>

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "crypto/vector_files.hpp"
#include "sync/files/chunk_id.hpp"

namespace kith::files {
namespace {

using crypto::vectors::from_text;
using crypto::vectors::Json;
using crypto::vectors::read_json;

Json const& vectors() {
  static Json const all = read_json("tests/vectors/chunker.json");
  return all;
}

GearTable const& gear() {
  static GearTable const table(from_text<wire::ContentSecret>(vectors()["tables"][0]["content_secret"]));
  return table;
}

Bytes lcg(std::uint64_t seed, std::size_t length, unsigned symbols = 256) {
  Bytes out(length);
  for (auto& byte : out) {
    seed = seed * 6364136223846793005U + 1442695040888963407U;
    byte = static_cast<std::uint8_t>((seed >> 56) % symbols);
  }
  return out;
}

Bytes make_input(Json const& input) {
  std::size_t const length = input["length"];
  if (input["kind"] == "lcg") return lcg(input["seed"], length, input["symbols"]);
  Bytes out(length);
  if (input["kind"] == "cycle") {
    for (std::size_t i = 0; i < length; ++i) out[i] = static_cast<std::uint8_t>(i % 251);
  }
  return out;
}

/// docs/spec/content.md word by word, one byte after the other.
std::size_t cut_by_the_book(GearTable const& table, ByteView data) {
  std::size_t const left = std::min(data.size(), kMaxChunkBytes);
  std::uint64_t hash = 0;
  for (std::size_t i = kMinChunkBytes; i < left; ++i) {
    hash = (hash << 1) + table[data[i]];
    std::uint64_t const mask = i < kNormalChunkBytes ? 0x7FFFF00000000000 : 0x7FFF000000000000;
    if ((hash & mask) == 0) return i;
  }
  return left;
}

std::vector<std::size_t> cuts_by_the_book(GearTable const& table, ByteView data) {
  std::vector<std::size_t> lengths;
  for (; !data.empty(); data = data.subspan(lengths.back())) lengths.push_back(cut_by_the_book(table, data));
  return lengths;
}

/// Cuts with windows, as a scan does.
std::vector<std::size_t> cuts_by_window(GearTable const& table, ByteView data) {
  std::vector<std::size_t> lengths;
  while (!data.empty()) {
    lengths.push_back(next_cut(table, data, true));
    data = data.subspan(lengths.back());
  }
  return lengths;
}

/// Cuts a stream that comes in pieces; `piece` gives the size of the next one.
template <class Piece>
std::vector<std::size_t> cuts_by_stream(ByteView data, Piece piece) {
  std::vector<std::size_t> lengths;
  Chunker chunker(gear());
  while (!data.empty()) {
    ByteView fed = data.first(std::min<std::size_t>(piece(), data.size()));
    data = data.subspan(fed.size());
    while (!fed.empty()) {
      if (auto const length = chunker.feed(fed)) lengths.push_back(*length);
    }
  }
  if (auto const rest = chunker.finish(); rest > 0) lengths.push_back(rest);
  return lengths;
}

TEST(ChunkerVectors, GearTableAndChunkKey) {
  for (auto const& table : vectors()["tables"]) {
    auto const secret = from_text<wire::ContentSecret>(table["content_secret"]);
    EXPECT_EQ(to_hex(chunk_key(secret).view()), table["chunk_key"]);
    GearTable const made(secret);
    for (auto const& [index, value] : table["gear"].items()) {
      auto const byte = static_cast<std::uint8_t>(std::stoi(index));
      EXPECT_EQ(fmt::format("{:016x}", made[byte]), value);
      EXPECT_EQ(made.shifted(byte), made[byte] << 1);
    }
  }
}

TEST(ChunkerVectors, CutsAndIds) {
  ASSERT_EQ(vectors()["cases"].size(), 13U);
  for (auto const& test : vectors()["cases"]) {
    auto const secret = from_text<wire::ContentSecret>(test["content_secret"]);
    auto const data = make_input(test["input"]);
    auto const lengths = cuts_by_window(GearTable(secret), data);
    EXPECT_EQ(lengths, test["lengths"].get<std::vector<std::size_t>>()) << test["input"];
    auto const key = chunk_key(secret);
    ByteView rest = data;
    std::vector<std::string> ids;
    for (auto const length : lengths) {
      ids.push_back(to_hex(chunk_id(key, rest.first(length)).view()));
      rest = rest.subspan(length);
    }
    EXPECT_EQ(ids, test["ids"].get<std::vector<std::string>>()) << test["input"];
  }
}

RC_GTEST_PROP(Chunker, CutsDoNotDependOnThePieces, ()) {
  auto const seed = *rc::gen::arbitrary<std::uint64_t>();
  auto const symbols = *rc::gen::element(1U, 2U, 256U);
  auto const data = lcg(seed, *rc::gen::inRange<std::size_t>(0, 1'200'000), symbols);
  auto const largest = *rc::gen::element<std::size_t>(7, 1000, 65536, 65537, 200'000);
  std::uint64_t random = seed;
  auto const lengths = cuts_by_stream(data, [&] {
    random = random * 6364136223846793005U + 1442695040888963407U;
    return 1 + (random >> 33) % largest;
  });
  RC_ASSERT(lengths == cuts_by_the_book(gear(), data));
  RC_ASSERT(lengths == cuts_by_window(gear(), data));
  RC_ASSERT(std::accumulate(lengths.begin(), lengths.end(), std::size_t{0}) == data.size());
  for (std::size_t i = 0; i < lengths.size(); ++i) {
    RC_ASSERT(lengths[i] <= kMaxChunkBytes);
    RC_ASSERT(lengths[i] >= kMinChunkBytes || i + 1 == lengths.size());
  }
}

TEST(Chunker, OneByteAtATime) {
  auto const data = lcg(3, 700'000);
  EXPECT_EQ(cuts_by_stream(data, [] { return std::size_t{1}; }), cuts_by_window(gear(), data));
}

TEST(Chunker, EveryChunkBeginsWithAHashOfZero) {
  // What a hash began with is forgotten after 64 bytes, so this takes a chunk that is cut within 64 bytes of its
  // minimum.
  Bytes early(kMinChunkBytes, 'e');
  std::size_t length = 0;
  for (std::uint64_t seed = 1; length == 0 || length >= kMinChunkBytes + 60; ++seed) {
    early.resize(kMinChunkBytes);
    append(early, lcg(seed, 64));
    length = cut_by_the_book(gear(), early);
  }
  Bytes data(kMaxChunkBytes);  // zeros: one chunk, which leaves a hash behind
  append(data, early);
  append(data, early);
  auto const lengths = cuts_by_the_book(gear(), data);
  ASSERT_EQ(lengths[1], length);
  EXPECT_EQ(cuts_by_stream(data, [] { return std::size_t{1000}; }), lengths);
  EXPECT_EQ(cuts_by_stream(data, [&] { return data.size(); }), lengths);
}

TEST(Chunker, AWindowDecidesOnlyWhatItHolds) {
  auto const data = lcg(1, 1'000'003);
  std::size_t const first = next_cut(gear(), data, true);
  ASSERT_GT(first, kMinChunkBytes);
  // The byte after the cut is what decides it.
  EXPECT_EQ(next_cut(gear(), ByteView(data).first(first), false), 0U);
  EXPECT_EQ(next_cut(gear(), ByteView(data).first(first + 1), false), first);
  EXPECT_EQ(next_cut(gear(), ByteView(data).first(first), true), first);
  EXPECT_EQ(next_cut(gear(), {}, true), 0U);
  EXPECT_EQ(next_cut(gear(), {}, false), 0U);
  // Zeros have no cut, so the maximum makes it, without a byte more.
  Bytes const zeros(kMaxChunkBytes);
  EXPECT_EQ(next_cut(gear(), zeros, false), kMaxChunkBytes);
  EXPECT_EQ(next_cut(gear(), ByteView(zeros).first(kMaxChunkBytes - 1), false), 0U);
}

TEST(Chunker, AnInsertionMovesOneBoundary) {
  auto const data = lcg(9, 16 * 1024 * 1024);
  Bytes moved{'x'};
  append(moved, data);
  auto const before = cuts_by_window(gear(), data), after = cuts_by_window(gear(), moved);
  // Cut after cut from the end, the two are the same but for the first chunks.
  std::size_t same = 0;
  while (same < std::min(before.size(), after.size()) &&
         before[before.size() - 1 - same] == after[after.size() - 1 - same])
    ++same;
  EXPECT_GE(same + 2, before.size());
}

TEST(Chunker, LengthsAreAsDocumented) {
  auto const data = lcg(11, 64 * 1024 * 1024);
  auto const lengths = cuts_by_window(gear(), data);
  double const average = static_cast<double>(data.size()) / static_cast<double>(lengths.size());
  EXPECT_GT(average, 120 * 1024);
  EXPECT_LT(average, 130 * 1024);
  auto const early =
      std::count_if(lengths.begin(), lengths.end(), [](auto length) { return length < kNormalChunkBytes; });
  double const share = static_cast<double>(early) / static_cast<double>(lengths.size());
  EXPECT_GT(share, 0.03);
  EXPECT_LT(share, 0.10);
}

TEST(Chunker, AnotherGroupCutsElsewhere) {
  auto const data = lcg(1, 1'000'003);
  GearTable const other(from_text<wire::ContentSecret>(vectors()["tables"][1]["content_secret"]));
  EXPECT_NE(cuts_by_window(other, data), cuts_by_window(gear(), data));
}

}  // namespace
}  // namespace kith::files
