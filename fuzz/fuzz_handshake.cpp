#include "property.hpp"
#include "wire/handshake.hpp"
#include "wire/opening.hpp"

/// The opening of a connection and what handshakes carry: whatever is accepted re-encodes to itself.
extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
  using namespace kith;
  ByteView const in(data, size);
  if (auto const opening = wire::decode_opening(in)) {
    fuzz::require(equal(wire::encode(*opening), in), "an opening re-encodes to itself");
    if (auto const version = opening->common_version()) {
      fuzz::require(*version >= opening->version_min && *version <= opening->version_max, "a common version is theirs");
      fuzz::require(*version >= wire::kProtocolMin && *version <= wire::kProtocolMax, "a common version is ours");
    }
  }
  if (auto const payload = wire::decode<wire::HandshakePayload>(in)) {
    fuzz::require(equal(wire::encode(*payload), in), "a payload re-encodes to itself");
  }
  if (auto const cert = wire::decode<wire::Devcert>(in)) {
    fuzz::require(equal(wire::encode(*cert), in), "a devcert re-encodes to itself");
    Bytes const covered = cert->signed_part();  // the same fields behind a header for five
    fuzz::require(equal(ByteView{covered}.subspan(1), in.subspan(1, covered.size() - 1)),
                  "a devcert signs its own beginning");
  }
  return 0;
}
