#include "wire/relay.hpp"

#include <algorithm>
#include <bit>

#include "base/assert.hpp"

namespace kith::wire {
namespace {

constexpr std::size_t kLengthBytes = 4;

template <class T>
Result<RelayMessage> read_as(Reader& reader, std::size_t fields_left) {
  T message{};
  Decoder decoder(reader, fields_left);
  T::fields(decoder, message);
  KITH_CHECK(reader.finish());
  return RelayMessage{std::move(message)};
}

bool in_order(std::vector<Pseudonym> const& pseudonyms) {
  return std::ranges::adjacent_find(pseudonyms, std::greater_equal{}) == pseudonyms.end();
}

bool signed_by(AclRecord const& record, crypto::SignPublicKey const& key) {
  return record.signer == key && crypto::verify(key, kAclLabel, acl_signed_part(record), record.signature);
}

crypto::SignPublicKey key_of(ChannelId const& channel) { return {channel.bytes}; }

}  // namespace

RelayMessageType type_of(RelayMessage const& message) {
  return std::visit([]<class T>(T const&) { return T::kType; }, message);
}

std::uint64_t request_of(RelayMessage const& message) {
  return std::visit([](auto const& known) { return known.request; }, message);
}

void encode_relay_message(Bytes& out, RelayMessage const& message) {
  std::size_t const start = out.size();
  append_be(out, std::uint32_t{0});
  std::visit(
      [&]<class T>(T const& known) {
        Encoder encoder(out, static_cast<std::uint64_t>(T::kType));
        T::fields(encoder, known);
      },
      message);
  std::size_t const length = out.size() - start - kLengthBytes;
  KITH_ASSERT(length <= kRelayLimits.max_message_bytes);
  store_be(out.data() + start, static_cast<std::uint32_t>(length));
}

Result<RelayMessage> decode_relay_message(ByteView in) {
  Reader reader(in);
  std::size_t const count = reader.array();
  std::uint64_t const type = reader.unsigned_integer();
  if (!reader.ok()) return fail(reader.finish().error());
  if (count == 0) return fail(WireError::wrong_length);
  switch (type <= 0xFF ? static_cast<RelayMessageType>(type) : RelayMessageType{}) {
    case RelayMessageType::hello: return read_as<Hello>(reader, count - 1);
    case RelayMessageType::welcome: return read_as<Welcome>(reader, count - 1);
    case RelayMessageType::done: return read_as<Done>(reader, count - 1);
    case RelayMessageType::push: return read_as<Push>(reader, count - 1);
    case RelayMessageType::push_ack: return read_as<PushAck>(reader, count - 1);
    case RelayMessageType::pull: return read_as<Pull>(reader, count - 1);
    case RelayMessageType::pull_response: return read_as<PullResponse>(reader, count - 1);
    case RelayMessageType::ack: return read_as<RelayAck>(reader, count - 1);
    case RelayMessageType::presence: return read_as<RelayPresence>(reader, count - 1);
    case RelayMessageType::notify: return read_as<Notify>(reader, count - 1);
    case RelayMessageType::blob: return read_as<LiveItems>(reader, count - 1);
    case RelayMessageType::delete_items: return read_as<DeleteItems>(reader, count - 1);
    case RelayMessageType::trim: return read_as<Trim>(reader, count - 1);
    case RelayMessageType::acl_put: return read_as<AclPut>(reader, count - 1);
    case RelayMessageType::acl_get: return read_as<AclGet>(reader, count - 1);
    case RelayMessageType::rec_put: return read_as<RecPut>(reader, count - 1);
    case RelayMessageType::rec_get: return read_as<RecGet>(reader, count - 1);
    case RelayMessageType::acl_records: return read_as<AclRecords>(reader, count - 1);
    case RelayMessageType::rec_records: return read_as<RecRecords>(reader, count - 1);
    case RelayMessageType::obj_put: return read_as<ObjPut>(reader, count - 1);
    case RelayMessageType::obj_get: return read_as<ObjGet>(reader, count - 1);
    case RelayMessageType::obj_have: return read_as<ObjHave>(reader, count - 1);
    case RelayMessageType::obj_delete: return read_as<ObjDelete>(reader, count - 1);
    case RelayMessageType::obj_part: return read_as<ObjPart>(reader, count - 1);
    case RelayMessageType::obj_held: return read_as<ObjHeld>(reader, count - 1);
    case RelayMessageType::error: return read_as<RelayFailure>(reader, count - 1);
  }
  return fail(WireError::unknown_type, CountDetail{type, 0});
}

Result<std::optional<Bytes>> RelaySplitter::next(std::size_t max_bytes) {
  ByteView const held = ByteView{buffer_}.subspan(taken_);
  if (held.size() >= kLengthBytes) {
    std::size_t const length = load_be<std::uint32_t>(held.data());
    if (length > max_bytes) return fail(WireError::too_large, CountDetail{length, max_bytes});
    if (held.size() >= kLengthBytes + length) {
      auto const message = held.subspan(kLengthBytes, length);
      taken_ += kLengthBytes + length;
      return Bytes(message.begin(), message.end());
    }
  }
  buffer_.erase(buffer_.begin(), buffer_.begin() + static_cast<std::ptrdiff_t>(taken_));
  taken_ = 0;
  return std::nullopt;
}

crypto::Hash128 item_hash(ByteView sealed) { return crypto::hash128("kith/item/1", {sealed}); }

crypto::Hash256 acl_record_hash(AclRecord const& record) {
  return crypto::hash256("kith/acl-record/1", {encode(record)});
}

Bytes acl_signed_part(AclRecord const& record) {
  Bytes out;
  Encoder{out}(record.channel, record.version, record.prev, list(record.pseudonyms, kRelayLimits.max_members),
               record.signer);
  return out;
}

void sign_acl(AclRecord& record, crypto::SigningKey const& key) {
  record.signer = key.public_key();
  record.signature = key.sign(kAclLabel, acl_signed_part(record));
}

bool begins_acl(AclRecord const& record) {
  return record.version == 1 && record.prev.is_zero() && in_order(record.pseudonyms) &&
         signed_by(record, key_of(record.channel));
}

bool follows_acl(AclRecord const& before, AclRecord const& record) {
  if (record.channel != before.channel || record.version <= before.version || !in_order(record.pseudonyms))
    return false;
  if (record.version - before.version > kMaxAclJump || record.prev != acl_record_hash(before)) return false;
  if (signed_by(record, key_of(record.channel))) return true;
  bool const member = std::ranges::binary_search(before.pseudonyms, Pseudonym{record.signer.bytes});
  return member && record.version == before.version + 1 && signed_by(record, record.signer);
}

bool overrules_acl(AclRecord const& last, AclRecord const& record) {
  return record.channel == last.channel && record.version > last.version &&
         record.version - last.version <= kMaxAclJump && !record.prev.is_zero() && in_order(record.pseudonyms) &&
         signed_by(record, key_of(record.channel));
}

unsigned stamp_bits(RelayKey const& relay, ChannelId const& channel, ByteView nonce) {
  unsigned bits = 0;
  for (auto const byte : crypto::hash256("kith/stamp/1", {relay.view(), channel.view(), nonce}).bytes) {
    bits += static_cast<unsigned>(std::countl_zero(byte));
    if (byte != 0) break;
  }
  return bits;
}

}  // namespace kith::wire
