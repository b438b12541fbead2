#pragma once

#include <functional>
#include <map>
#include <string>

#include "support/wire_json.hpp"

/// The types of tests/vectors by name: how their JSON fields become bytes, and bytes become fields again.
namespace kith::testing {

struct WireType {
  std::function<Bytes(Json const&)> encode;
  std::function<Result<Json>(ByteView)> decode;
};

namespace types {

template <wire::Record T>
WireType record() {
  return {[](Json const& fields) { return wire::encode(read_json<T>(fields)); },
          [](ByteView bytes) -> Result<Json> {
            KITH_TRY(value, wire::decode<T>(bytes));
            return to_json(value);
          }};
}

inline WireType body() {
  WireType type = record<wire::EntryBody>();
  type.decode = [](ByteView bytes) -> Result<Json> {
    KITH_TRY(value, wire::decode_body(bytes));
    return to_json(value);
  };
  return type;
}

inline WireType opening() {
  return {[](Json const& fields) { return wire::encode(read_json<wire::Opening>(fields)); },
          [](ByteView bytes) -> Result<Json> {
            KITH_TRY(value, wire::decode_opening(bytes));
            return to_json(value);
          }};
}

/// A header or prefix decodes as part of a sealed entry; what is added makes it one.
inline WireType header() {
  return {[](Json const& fields) { return wire::encode_header(read_json<wire::EntryHeader>(fields)); },
          [](ByteView bytes) -> Result<Json> {
            Bytes sealed(bytes.begin(), bytes.end());
            sealed.resize(sealed.size() + crypto::kAeadTagBytes);
            KITH_TRY(parts, wire::decode_sealed(sealed));
            return to_json(parts.header);
          }};
}

inline WireType prefix() {
  return {[](Json const& fields) { return read_json<wire::EpochPrefix>(fields).encoding(); },
          [](ByteView bytes) -> Result<Json> {
            wire::EntryHeader header;
            header.epoch = *EpochId::from(bytes.subspan(3, EpochId::kBytes));
            Bytes sealed(bytes.begin(), bytes.end());
            append(sealed, wire::encode_header(header));
            sealed.resize(sealed.size() + crypto::kAeadTagBytes);
            KITH_TRY(parts, wire::decode_sealed(sealed));
            return to_json(*parts.prefix);
          }};
}

/// One op, in the array that an entry carries.
inline WireType op() {
  return {[](Json const& fields) {
            auto const op = read_json<wire::Op>(fields);
            Bytes out;
            wire::encode_op(out, op);
            return out;
          },
          [](ByteView bytes) -> Result<Json> {
            Bytes list{0x91};
            append(list, bytes);
            KITH_TRY(ops, wire::decode_ops(list));
            return to_json(ops.at(0));
          }};
}

/// A frame with its length.
inline WireType frame() {
  return {[](Json const& fields) {
            Bytes out;
            wire::encode_frame(out, read_json<wire::Frame>(fields));
            return out;
          },
          [](ByteView bytes) -> Result<Json> {
            wire::FrameSplitter splitter;
            splitter.feed(bytes);
            KITH_TRY(whole, splitter.next());
            if (!whole || splitter.held_bytes() > 0) return fail(wire::WireError::trailing_bytes);
            KITH_TRY(frame, wire::decode_frame(*whole));
            return to_json(frame);
          }};
}

inline WireType pair_message() {
  return {[](Json const& fields) { return wire::encode_pair_message(read_json<wire::PairMessage>(fields)); },
          [](ByteView bytes) -> Result<Json> {
            KITH_TRY(message, wire::decode_pair_message(bytes));
            return to_json(message);
          }};
}

/// A message between a device and a relay, with its length.
inline WireType relay_message() {
  return {[](Json const& fields) {
            Bytes out;
            wire::encode_relay_message(out, read_json<wire::RelayMessage>(fields));
            return out;
          },
          [](ByteView bytes) -> Result<Json> {
            wire::RelaySplitter splitter;
            splitter.feed(bytes);
            KITH_TRY(whole, splitter.next(wire::kRelayLimits.max_message_bytes));
            if (!whole || bytes.size() != 4 + whole->size()) return fail(wire::WireError::trailing_bytes);
            KITH_TRY(message, wire::decode_relay_message(*whole));
            return to_json(message);
          }};
}

}  // namespace types

[[nodiscard]] inline std::map<std::string, WireType> const& wire_types() {
  static std::map<std::string, WireType> const table{
      {"devcert", types::record<wire::Devcert>()},
      {"genesis", types::record<wire::Genesis>()},
      {"content", types::record<wire::Content>()},
      {"manifest_node", types::record<wire::ManifestNode>()},
      {"handshake_payload", types::record<wire::HandshakePayload>()},
      {"pair_identity_box", types::record<wire::PairIdentityBox>()},
      {"pair_offer_box", types::record<wire::PairOfferBox>()},
      {"pair_pseudonyms_box", types::record<wire::PairPseudonymsBox>()},
      {"pair_welcome_box", types::record<wire::PairWelcomeBox>()},
      {"pair_joined_box", types::record<wire::PairJoinedBox>()},
      {"entry_body", types::body()},
      {"entry_header", types::header()},
      {"epoch_prefix", types::prefix()},
      {"opening", types::opening()},
      {"op", types::op()},
      {"frame", types::frame()},
      {"pair_message", types::pair_message()},
      {"relay_message", types::relay_message()},
      {"acl_record", types::record<wire::AclRecord>()},
      {"hello_proof", types::record<wire::HelloProof>()},
  };
  return table;
}

}  // namespace kith::testing
