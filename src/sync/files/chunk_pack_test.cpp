#include "sync/files/chunk_pack.hpp"

#include <gtest/gtest.h>

namespace kith::files {
namespace {

using wire::ChunkCodec;

Bytes text(std::size_t size) {
  Bytes bytes(size);
  for (std::size_t i = 0; i < size; ++i) bytes[i] = static_cast<std::uint8_t>("all work and no play "[i % 21]);
  return bytes;
}

TEST(ChunkPack, WhatWasPackedComesOutAsItWas) {
  for (std::size_t const size : {std::size_t{0}, std::size_t{1}, std::size_t{255}, std::size_t{256},
                                 std::size_t{70'000}, kLimits.max_chunk_bytes}) {
    for (bool const slow : {false, true}) {
      auto packed = pack_chunk(text(size), slow);
      EXPECT_EQ(packed.codec, size < 256 ? ChunkCodec::raw : slow ? ChunkCodec::zstd : ChunkCodec::lz4);
      EXPECT_LE(packed.bytes.size(), size);
      EXPECT_EQ(unpack_chunk(packed.codec, std::move(packed.bytes)), text(size)) << size;
    }
  }
}

TEST(ChunkPack, WhatIsUnpackedTakesNoMoreMemoryThanItsBytes) {
  for (bool const slow : {false, true}) {
    auto packed = pack_chunk(text(1000), slow);
    ASSERT_NE(packed.codec, ChunkCodec::raw);
    auto const out = unpack_chunk(packed.codec, std::move(packed.bytes));
    ASSERT_TRUE(out);
    EXPECT_LE(out->capacity(), 2 * out->size());
  }
}

TEST(ChunkPack, WhatIsNoPackedChunkOrALargerOneIsRefused) {
  for (auto const codec : {ChunkCodec::lz4, ChunkCodec::zstd}) {
    EXPECT_FALSE(unpack_chunk(codec, Bytes(100, 0xff)));
    EXPECT_FALSE(unpack_chunk(codec, text(5)));
    auto packed = pack_chunk(text(kLimits.max_chunk_bytes + 1), codec == ChunkCodec::zstd);
    ASSERT_EQ(packed.codec, codec);
    EXPECT_FALSE(unpack_chunk(codec, std::move(packed.bytes)));
  }
  EXPECT_FALSE(unpack_chunk(ChunkCodec::not_held, {}));
}

}  // namespace
}  // namespace kith::files
