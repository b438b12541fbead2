#include "property.hpp"
#include "wire/msgpack.hpp"

/// Canonical MessagePack: whatever Reader::value() accepts can be read part by part, and written again to the same
/// bytes.
namespace {

using namespace kith;
using wire::Reader;
using wire::Writer;

void rewrite(Reader& reader, Writer& writer) {
  constexpr std::uint8_t kUint64 = 0xCF;
  constexpr std::size_t kAny = 1 << 30;
  switch (reader.next_kind()) {
    case Reader::Kind::none: return fuzz::require(false, "an accepted value is of a known kind");
    case Reader::Kind::boolean: return writer.boolean(reader.boolean());
    case Reader::Kind::bin: return writer.bin(reader.bin(kAny));
    case Reader::Kind::str: return writer.str(reader.str(kAny));
    case Reader::Kind::integer:
      return reader.rest().front() == kUint64 ? writer.unsigned_integer(reader.unsigned_integer())
                                              : writer.integer(reader.integer());
    case Reader::Kind::array: {
      auto const count = reader.array();
      writer.array(count);
      for (std::size_t i = 0; i < count; ++i) rewrite(reader, writer);
      return;
    }
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
  ByteView const in(data, size);
  Reader reader(in);
  auto const value = reader.value();
  if (!reader.ok()) return 0;
  fuzz::require(value.size() + reader.rest().size() == size, "a value takes its own bytes only");
  Reader again(value);
  Bytes out;
  Writer writer(out);
  rewrite(again, writer);
  fuzz::require(again.finish().has_value(), "an accepted value can be read part by part");
  fuzz::require(equal(out, value), "an accepted value re-encodes to itself");
  return 0;
}
