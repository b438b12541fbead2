#include "wire/content.hpp"

#include <gtest/gtest.h>

#include "support/codec_properties.hpp"
#include "support/spelled.hpp"

namespace kith::wire {
namespace {

using testing::spell;
using enum WireError;

/// `count` references of 100 bytes each.
std::string refs(std::size_t count) {
  std::string out = fmt::format("[{}", count);
  for (std::size_t i = 0; i < count; ++i) out += " [2 u:100 b:32";
  return out;
}

TEST(Content, FieldsStandInTheirOrder) {
  ChunkRef ref{100, {}};
  ref.id.bytes.fill(0x11);
  EXPECT_EQ(encode(Content{HashAlg::blake2b_256_keyed, 2, {ref}}), spell("[3 u:1 u:2 [1 [2 u:100 b:32"));
  EXPECT_EQ(encode(ManifestNode{3, {ref, ref}}), spell("[2 u:3 [2 [2 u:100 b:32 [2 u:100 b:32"));
  EXPECT_EQ(encode(Content{}), spell("[3 u:1 u:0 [0"));
}

TEST(Content, HoldsAsManyReferencesAsItsLimit) {
  EXPECT_EQ(decode<Content>(spell("[3 u:1 u:0 " + refs(64))).value().refs.size(), 64U);
  EXPECT_EQ(decode<ManifestNode>(spell("[2 u:1 " + refs(256))).value().refs.size(), 256U);
}

TEST(ContentRefusals, Content) {
  testing::expect_refusals({{"", truncated},
                            {"[2 u:1 u:0", wrong_length},
                            {"[4 u:1 u:0 [0 u:0", wrong_length},
                            {"[3 u:0 u:0 [0", bad_value},
                            {"[3 u:2 u:0 [0", bad_value, "a hash of a later version"},
                            {"[3 u:257 u:0 [0", bad_value},
                            {"[3 t u:0 [0", wrong_type},
                            {"[3 u:1 u:256 [0", bad_value},
                            {"[3 u:1 i:-1 [0", bad_value},
                            {"[3 u:1 u:0 u:0", wrong_type},
                            {"[3 u:1 u:0 " + refs(65), too_large},
                            {"[3 u:1 u:0 dcffff", truncated},
                            {"[3 u:1 u:0 [1 b:32", wrong_type},
                            {"[3 u:1 u:0 [1 [1 u:100", wrong_length},
                            {"[3 u:1 u:0 [1 [3 u:100 b:32 u:0", wrong_length},
                            {"[3 u:1 u:0 [1 [2 u:100 b:31", wrong_length},
                            {"[3 u:1 u:0 [1 [2 i:-1 b:32", bad_value},
                            {"[3 u:1 u:0 [1 [2 cc64 b:32", not_canonical},
                            {"[3 u:1 u:0 [1 [2 b:32 u:100", wrong_type},
                            {"[3 u:1 u:0 [0 00", trailing_bytes}},
                           [](ByteView bytes) { return decode<Content>(bytes); });
}

TEST(ContentRefusals, ManifestNode) {
  testing::expect_refusals({{"", truncated},
                            {"[1 u:1", wrong_length},
                            {"[3 u:1 [0 u:0", wrong_length},
                            {"[2 u:256 [0", bad_value},
                            {"[2 t [0", wrong_type},
                            {"[2 u:1 " + refs(257), too_large},
                            {"[2 u:1 ddffffffff", truncated},
                            {"[2 u:1 b:0", wrong_type},
                            {"[2 u:1 [1 [2 u:100 s:32", wrong_type},
                            {"[2 u:1 [1 [2 u:100 b:33", wrong_length},
                            {"[2 u:1 [1 [2 cf0000000000000064 b:32", not_canonical},
                            {"[2 u:1 [2 [2 u:100 b:32", truncated},
                            {"dc0002 u:1 [0", not_canonical},
                            {"[2 u:1 [0 [0", trailing_bytes}},
                           [](ByteView bytes) { return decode<ManifestNode>(bytes); });
}

TEST(Content, HoldsTheCodecProperties) {
  testing::check_codec(testing::record_codec<ChunkRef>());
  testing::check_codec(testing::record_codec<Content>());
  testing::check_codec(testing::record_codec<ManifestNode>());
}

}  // namespace
}  // namespace kith::wire
