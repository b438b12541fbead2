#include <map>
#include <set>

#include <gtest/gtest.h>

#include "support/vector_file.hpp"
#include "support/wire_types.hpp"

/// The vectors of tests/vectors/wire.json: fields to bytes, and bytes to fields.
namespace kith::wire {
namespace {

using testing::Json;

Json const& vectors() {
  static Json const file = testing::vector_file("wire.json");
  return file.at("vectors");
}

TEST(GoldenWire, FieldsEncodeToTheStatedBytes) {
  for (auto const& vector : vectors()) {
    auto const& type = testing::wire_types().at(vector.at("type"));
    EXPECT_EQ(to_hex(type.encode(vector.at("fields"))), vector.at("encoding").get<std::string>())
        << vector.at("type") << " " << vector.at("name");
  }
}

TEST(GoldenWire, BytesDecodeToTheStatedFields) {
  for (auto const& vector : vectors()) {
    auto const& type = testing::wire_types().at(vector.at("type"));
    auto const decoded = type.decode(testing::json::bytes_from(vector.at("encoding")));
    ASSERT_TRUE(decoded) << vector.at("type") << " " << vector.at("name") << ": " << decoded.error().name();
    EXPECT_EQ(decoded->dump(), vector.at("fields").dump()) << vector.at("type") << " " << vector.at("name");
  }
}

TEST(GoldenWire, NoVectorIsOneWithAByteMoreOrLess) {
  for (auto const& vector : vectors()) {
    std::string const type = vector.at("type");
    if (type == "entry_header" || type == "epoch_prefix") continue;  // not whole values: bytes follow them
    auto const& decode = testing::wire_types().at(type).decode;
    Bytes bytes = testing::json::bytes_from(vector.at("encoding"));
    bytes.push_back(0);
    EXPECT_FALSE(decode(bytes)) << vector.at("name");
    EXPECT_FALSE(decode(ByteView{bytes}.first(bytes.size() - 2))) << vector.at("name");
  }
}

/// The same inside of what follows a length.
TEST(GoldenWire, NothingFollowsTheFieldsOfAFrameOrRelayMessage) {
  std::size_t checked = 0;
  for (auto const& vector : vectors()) {
    std::string const type = vector.at("type");
    if (type != "frame" && type != "relay_message") continue;
    Bytes bytes = testing::json::bytes_from(vector.at("encoding"));
    bytes.push_back(0);
    store_be(bytes.data(), static_cast<std::uint32_t>(bytes.size() - 4));
    EXPECT_FALSE(testing::wire_types().at(type).decode(bytes)) << vector.at("name");
    ++checked;
  }
  EXPECT_GE(checked, std::variant_size_v<Frame> + std::variant_size_v<RelayMessage>);
}

TEST(GoldenWire, EveryTypeHasAVector) {
  std::set<std::string> types;
  std::map<std::string, std::set<std::string>> alternatives;
  for (auto const& vector : vectors()) {
    std::string const type = vector.at("type");
    types.insert(type);
    if (vector.at("fields").contains("type")) alternatives[type].insert(vector.at("fields").at("type"));
  }
  EXPECT_EQ(types.size(), testing::wire_types().size());
  EXPECT_EQ(alternatives["op"].size(), std::variant_size_v<Op>);
  EXPECT_EQ(alternatives["frame"].size(), std::variant_size_v<Frame>);
  EXPECT_EQ(alternatives["pair_message"].size(), std::variant_size_v<PairMessage>);
  EXPECT_EQ(alternatives["relay_message"].size(), std::variant_size_v<RelayMessage>);
}

}  // namespace
}  // namespace kith::wire
