#include "property.hpp"
#include "wire/entry.hpp"
#include "wire/ops.hpp"

/// The outer form of an entry, its body and its ops: whatever is accepted re-encodes to itself.
extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
  using namespace kith;
  ByteView const in(data, size);
  if (auto const parts = wire::decode_sealed(in)) {
    Bytes out = parts->prefix ? parts->prefix->encoding() : Bytes{};
    fuzz::require(equal(out, parts->prefix_bytes), "a prefix re-encodes to itself");
    append(out, wire::encode_header(parts->header));
    append(out, parts->ciphertext);
    fuzz::require(equal(out, in), "a sealed entry re-encodes to itself");
    fuzz::require(size <= kLimits.max_sealed_entry_bytes, "a sealed entry keeps its limit");
  }
  if (auto const body = wire::decode_body(in)) {
    fuzz::require(equal(wire::encode(*body), in), "a body re-encodes to itself");
    fuzz::require(std::ranges::is_sorted(body->tips), "tips ascend");
  }
  if (auto const ops = wire::decode_ops(in))
    fuzz::require(equal(wire::encode_ops(*ops), in), "ops re-encode to themselves");
  return 0;
}
