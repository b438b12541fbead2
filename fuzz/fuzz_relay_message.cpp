#include <vector>

#include "property.hpp"
#include "wire/relay.hpp"

/// A stream of messages between a device and a relay: the same comes out whether it is fed whole or in pieces, and what
/// is accepted re-encodes to itself. The first byte of the input decides the pieces, and whether it is a stranger's.
namespace {

using namespace kith;

struct Split {
  std::vector<Bytes> messages;
  std::optional<Error> error;
  friend bool operator==(Split const&, Split const&) = default;
};

void drain(wire::RelaySplitter& splitter, std::size_t max_bytes, Split& split) {
  while (!split.error) {
    auto next = splitter.next(max_bytes);
    if (!next) split.error = next.error();
    if (!next || !*next) break;
    fuzz::require((*next)->size() <= max_bytes, "no message is larger than was said");
    split.messages.push_back(std::move(**next));
  }
}

/// What is left behind the whole messages is refused for its length, and for nothing else.
void check_rest(ByteView stream, std::size_t max_bytes, Split const& split) {
  for (auto const& message : split.messages) stream = stream.subspan(4 + message.size());
  bool const too_long = stream.size() >= 4 && load_be<std::uint32_t>(stream.data()) > max_bytes;
  fuzz::require(split.error.has_value() == too_long, "a length above the limit is refused as soon as it is seen");
}

/// The records of who may use a mailbox are signed and hashed as they are encoded.
void check_record(wire::AclRecord const& record) {
  auto const again = wire::decode<wire::AclRecord>(wire::encode(record));
  fuzz::require(again.has_value() && *again == record, "an access record re-encodes to itself");
  fuzz::require(!(record.version == 1 && !record.prev.is_zero() && wire::begins_acl(record)),
                "what names a record before it begins no chain");
  fuzz::require(!wire::follows_acl(record, record), "no record follows itself");
  fuzz::require(!wire::overrules_acl(record, record), "no record overrules itself");
}

void check_message(ByteView bytes) {
  auto const message = wire::decode_relay_message(bytes);
  if (!message) return;
  Bytes out;
  wire::encode_relay_message(out, *message);
  fuzz::require(load_be<std::uint32_t>(out.data()) == out.size() - 4, "the length is the message's");
  fuzz::require(equal(ByteView{out}.subspan(4), bytes), "a message re-encodes to itself");
  if (auto const* put = std::get_if<wire::AclPut>(&*message)) check_record(put->record);
  if (auto const* records = std::get_if<wire::AclRecords>(&*message)) {
    for (auto const& record : records->records) check_record(record);
  }
  if (auto const* failure = std::get_if<wire::RelayFailure>(&*message)) {
    auto const record = wire::decode<wire::AclRecord>(failure->detail);
    if (record) fuzz::require(wire::encode(*record) == failure->detail, "a detail re-encodes to itself");
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
  fuzz::Input in(data, size);
  auto const seed = in.byte();
  auto const max_bytes =
      (seed & 0x80) != 0 ? wire::kRelayLimits.max_stranger_bytes : wire::kRelayLimits.max_message_bytes;
  Split whole, pieces;
  wire::RelaySplitter splitter;
  splitter.feed(in.rest());
  drain(splitter, max_bytes, whole);
  check_rest(in.rest(), max_bytes, whole);
  wire::RelaySplitter other;
  fuzz::in_pieces(in.rest(), seed, [&](ByteView piece) {
    if (pieces.error) return;
    other.feed(piece);
    drain(other, max_bytes, pieces);
  });
  fuzz::require(pieces == whole, "pieces make no difference");
  for (auto const& message : whole.messages) check_message(message);
  check_message(in.rest());  // without a length, so that a mutation of it hits the message itself
  return 0;
}
