#include "proof/structures.hpp"
#include "support/must.hpp"
#include "wire/msgpack.hpp"

namespace kith::testing {

std::vector<Bytes> cut(ByteView bytes, std::vector<std::size_t> const& lengths) {
  std::vector<Bytes> parts;
  for (auto const length : lengths) {
    parts.emplace_back(bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(length));
    bytes = bytes.subspan(length);
  }
  parts.emplace_back(bytes.begin(), bytes.end());
  return parts;
}

Bytes concatenated(std::vector<Bytes> const& parts) {
  Bytes whole;
  for (auto const& part : parts) append(whole, part);
  return whole;
}

std::vector<Bytes> fields_of(ByteView record) {
  wire::Reader reader(record);
  std::vector<Bytes> fields(reader.array());
  for (auto& field : fields) {
    auto const value = reader.value();
    field.assign(value.begin(), value.end());
  }
  must(reader.finish());
  return fields;
}

Bytes array_of(std::vector<Bytes> const& fields) {
  Bytes whole;
  wire::Writer(whole).array(fields.size());
  append(whole, concatenated(fields));
  return whole;
}

}  // namespace kith::testing
