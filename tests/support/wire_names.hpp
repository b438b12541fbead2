#pragma once

#include <string_view>

#include "base/assert.hpp"
#include "wire/entry.hpp"
#include "wire/frame.hpp"
#include "wire/handshake.hpp"
#include "wire/opening.hpp"
#include "wire/pairing.hpp"
#include "wire/relay.hpp"

/// The names that fields have in tests/vectors, bound to members and not to their order: a vector read by these names
/// and encoded by the wire format's own field lists shows when two fields have changed places.
namespace kith::testing {

template <class T>
struct Names;  ///< of(archive, self) calls archive("name", member) for each field

// One line per type; `self` is const where values are read and not where they are filled.
#define KITH_NAMES(type, ...)                         \
  template <>                                         \
  struct Names<type> {                                \
    static void of(auto& a, auto& s) { __VA_ARGS__; } \
  }
#define KITH_NAMED(field) a(#field, s.field)

KITH_NAMES(LogId, KITH_NAMED(device), KITH_NAMED(incarnation));
KITH_NAMES(Tip, Names<LogId>::of(a, s.log), KITH_NAMED(seq), KITH_NAMED(hash));
KITH_NAMES(wire::Devcert, KITH_NAMED(format), KITH_NAMED(device), KITH_NAMED(dx), KITH_NAMED(created_s),
           KITH_NAMED(caps), KITH_NAMED(signature));

KITH_NAMES(wire::ChunkRef, KITH_NAMED(length), KITH_NAMED(id));
KITH_NAMES(wire::Content, KITH_NAMED(hash_alg), KITH_NAMED(level), KITH_NAMED(refs));
KITH_NAMES(wire::ManifestNode, KITH_NAMED(level), KITH_NAMED(refs));

KITH_NAMES(wire::Opening, KITH_NAMED(purpose), KITH_NAMED(version_min), KITH_NAMED(version_max), KITH_NAMED(features));
KITH_NAMES(wire::EntryHeader, KITH_NAMED(suite), KITH_NAMED(epoch), KITH_NAMED(entry), KITH_NAMED(nonce),
           KITH_NAMED(commitment));
KITH_NAMES(wire::EpochPrefix, KITH_NAMED(suite), KITH_NAMED(epoch), KITH_NAMED(ephemeral), KITH_NAMED(wraps));
KITH_NAMES(wire::EntryBody, KITH_NAMED(author), KITH_NAMED(incarnation), KITH_NAMED(seq), KITH_NAMED(prev),
           KITH_NAMED(tips), KITH_NAMED(hlc), KITH_NAMED(compression), KITH_NAMED(ops));

KITH_NAMES(wire::Genesis, KITH_NAMED(format), KITH_NAMED(creator), KITH_NAMED(recovery_sign), KITH_NAMED(recovery_dx),
           KITH_NAMED(locator_secret), KITH_NAMED(content_secret), KITH_NAMED(name), KITH_NAMED(random));
KITH_NAMES(wire::GenesisOp, KITH_NAMED(record));
KITH_NAMES(wire::DeviceAdd, KITH_NAMED(cert), KITH_NAMED(name), KITH_NAMED(epoch), KITH_NAMED(recovery));
KITH_NAMES(wire::DeviceRemove, KITH_NAMED(device), KITH_NAMED(reason), KITH_NAMED(recovery));
KITH_NAMES(wire::DeviceRename, KITH_NAMED(device), KITH_NAMED(name));
KITH_NAMES(wire::DevicePause, KITH_NAMED(device), KITH_NAMED(on));
KITH_NAMES(wire::Rotate, KITH_NAMED(epoch_no), KITH_NAMED(recipients), KITH_NAMED(prefix_hash), KITH_NAMED(replaced));
KITH_NAMES(wire::EpochSecrets, KITH_NAMED(secrets));
KITH_NAMES(wire::IncarnationOp, KITH_NAMED(cert), KITH_NAMED(old_tip));
KITH_NAMES(wire::RelaySet, KITH_NAMED(url), KITH_NAMED(relay), KITH_NAMED(channel));
KITH_NAMES(wire::RelayRemove, KITH_NAMED(relay), KITH_NAMED(channel));
KITH_NAMES(wire::DeviceRelay, KITH_NAMED(device), KITH_NAMED(relay), KITH_NAMED(pseudonym));
KITH_NAMES(wire::Message, KITH_NAMED(topic), KITH_NAMED(ttl_s), KITH_NAMED(content));
KITH_NAMES(wire::FolderAdd, KITH_NAMED(folder), KITH_NAMED(name));
KITH_NAMES(wire::FileSet, KITH_NAMED(folder), KITH_NAMED(path), KITH_NAMED(kind), KITH_NAMED(size),
           KITH_NAMED(mtime_ns), KITH_NAMED(mode), KITH_NAMED(content), KITH_NAMED(parents));
KITH_NAMES(wire::FileRemove, KITH_NAMED(folder), KITH_NAMED(path), KITH_NAMED(parents));
KITH_NAMES(wire::UnknownOp, KITH_NAMED(kind), KITH_NAMED(encoding));

KITH_NAMES(wire::Data, KITH_NAMED(entries));
KITH_NAMES(wire::FileChunk, KITH_NAMED(id), KITH_NAMED(offset), KITH_NAMED(total), KITH_NAMED(codec),
           KITH_NAMED(bytes));
KITH_NAMES(wire::Contact, KITH_NAMED(device), KITH_NAMED(addresses));
KITH_NAMES(wire::Presence, KITH_NAMED(counter), KITH_NAMED(tips), KITH_NAMED(content_tips), KITH_NAMED(held),
           KITH_NAMED(acked_cursor), KITH_NAMED(addresses), KITH_NAMED(folders), KITH_NAMED(contacts));
KITH_NAMES(wire::Ack, KITH_NAMED(tips));
KITH_NAMES(wire::Tips, KITH_NAMED(tips));
KITH_NAMES(wire::Want::Range, Names<LogId>::of(a, s.log), KITH_NAMED(from), KITH_NAMED(to), KITH_NAMED(hash));
KITH_NAMES(wire::Want, KITH_NAMED(ranges));
KITH_NAMES(wire::ChunkWant, KITH_NAMED(ids));
KITH_NAMES(wire::Credit, KITH_NAMED(bytes));
KITH_NAMES(wire::Ping, KITH_NAMED(token));
KITH_NAMES(wire::Pong, KITH_NAMED(token));
KITH_NAMES(wire::Close, KITH_NAMED(code), KITH_NAMED(text));
KITH_NAMES(wire::Rekey, static_cast<void>(a), static_cast<void>(s));
KITH_NAMES(wire::DigestWant, KITH_NAMED(token));
KITH_NAMES(wire::RelayWitness, KITH_NAMED(relay), KITH_NAMED(channel), KITH_NAMED(log_epoch), KITH_NAMED(cursor),
           KITH_NAMED(tips));
KITH_NAMES(wire::Digest, KITH_NAMED(token), KITH_NAMED(heads), KITH_NAMED(roster), KITH_NAMED(messages),
           KITH_NAMED(folders), KITH_NAMED(relays));

KITH_NAMES(wire::SyncCapability, KITH_NAMED(supports_crdt), KITH_NAMED(max_file_size), KITH_NAMED(supported_formats),
           KITH_NAMED(bandwidth_optimization));
KITH_NAMES(wire::SyncHandshake, KITH_NAMED(version), KITH_NAMED(device), KITH_NAMED(workspace), KITH_NAMED(timestamp_s),
           KITH_NAMED(nonce), KITH_NAMED(capability), KITH_NAMED(signature), KITH_NAMED(incarnation));
KITH_NAMES(wire::HandshakePayload, KITH_NAMED(cert), KITH_NAMED(handshake));

KITH_NAMES(wire::PairHello, KITH_NAMED(lookup), KITH_NAMED(share), KITH_NAMED(nonce));
KITH_NAMES(wire::PairShare, KITH_NAMED(share), KITH_NAMED(nonce), KITH_NAMED(tag));
KITH_NAMES(wire::PairConfirm, KITH_NAMED(tag), KITH_NAMED(box));
template <wire::PairMessageType type>
struct Names<wire::PairSealed<type>> {
  static void of(auto& a, auto& s) { KITH_NAMED(box); }
};
KITH_NAMES(wire::PairEnd, KITH_NAMED(code), KITH_NAMED(tries_left));
KITH_NAMES(wire::PairIdentityBox, KITH_NAMED(cert), KITH_NAMED(name), KITH_NAMED(proof));
KITH_NAMES(wire::PairOfferBox::Relay, KITH_NAMED(url), KITH_NAMED(relay), KITH_NAMED(channel));
KITH_NAMES(wire::PairOfferBox, KITH_NAMED(group), KITH_NAMED(name), KITH_NAMED(relays));
KITH_NAMES(wire::PairPseudonymsBox, KITH_NAMED(pseudonyms));
KITH_NAMES(wire::PairWelcomeBox, KITH_NAMED(genesis), KITH_NAMED(secrets), KITH_NAMED(device_add),
           KITH_NAMED(addresses));
KITH_NAMES(wire::PairJoinedBox, static_cast<void>(a), static_cast<void>(s));

KITH_NAMES(wire::Hello, KITH_NAMED(request), KITH_NAMED(min_version), KITH_NAMED(max_version), KITH_NAMED(features),
           KITH_NAMED(channel), KITH_NAMED(pseudonym), KITH_NAMED(proof), KITH_NAMED(last_cursor),
           KITH_NAMED(last_item));
KITH_NAMES(wire::HelloProof, KITH_NAMED(relay), KITH_NAMED(channel), KITH_NAMED(handshake), KITH_NAMED(last_cursor));
KITH_NAMES(wire::Welcome, KITH_NAMED(request), KITH_NAMED(version), KITH_NAMED(features), KITH_NAMED(log_epoch),
           KITH_NAMED(head), KITH_NAMED(floor), KITH_NAMED(acl_version), KITH_NAMED(acl_hash),
           KITH_NAMED(last_push_seq), KITH_NAMED(quota_bytes), KITH_NAMED(used_bytes), KITH_NAMED(credit_bytes),
           KITH_NAMED(object_ttl_s));
KITH_NAMES(wire::Done, KITH_NAMED(request));
KITH_NAMES(wire::Push::Item, KITH_NAMED(ttl_s), KITH_NAMED(sealed));
KITH_NAMES(wire::Push, KITH_NAMED(request), KITH_NAMED(first_seq), KITH_NAMED(items));
KITH_NAMES(wire::PushAck, KITH_NAMED(request), KITH_NAMED(first_seq), KITH_NAMED(cursors));
KITH_NAMES(wire::Pull, KITH_NAMED(request), KITH_NAMED(after), KITH_NAMED(max_bytes));
KITH_NAMES(wire::RelayItem, KITH_NAMED(cursor), KITH_NAMED(sender), KITH_NAMED(stored_s), KITH_NAMED(ttl_s),
           KITH_NAMED(sealed));
KITH_NAMES(wire::PullResponse, KITH_NAMED(request), KITH_NAMED(items), KITH_NAMED(next_after), KITH_NAMED(has_more));
KITH_NAMES(wire::RelayAck, KITH_NAMED(request), KITH_NAMED(cursor));
KITH_NAMES(wire::RelayPresence::Slot, KITH_NAMED(pseudonym), KITH_NAMED(counter), KITH_NAMED(sealed));
KITH_NAMES(wire::RelayPresence, KITH_NAMED(request), KITH_NAMED(slots));
KITH_NAMES(wire::Notify, KITH_NAMED(request), KITH_NAMED(head));
KITH_NAMES(wire::LiveItems, KITH_NAMED(request), KITH_NAMED(items));
KITH_NAMES(wire::DeleteItems, KITH_NAMED(request), KITH_NAMED(cursors));
KITH_NAMES(wire::Trim, KITH_NAMED(request), KITH_NAMED(upto));
KITH_NAMES(wire::AclRecord, KITH_NAMED(channel), KITH_NAMED(version), KITH_NAMED(prev), KITH_NAMED(pseudonyms),
           KITH_NAMED(signer), KITH_NAMED(signature));
KITH_NAMES(wire::AclPut, KITH_NAMED(request), KITH_NAMED(record), KITH_NAMED(stamp));
KITH_NAMES(wire::AclGet, KITH_NAMED(request), KITH_NAMED(from_version));
KITH_NAMES(wire::AclRecords, KITH_NAMED(request), KITH_NAMED(records), KITH_NAMED(has_more));
KITH_NAMES(wire::RecPut, KITH_NAMED(request), KITH_NAMED(locator), KITH_NAMED(sealed));
KITH_NAMES(wire::RecGet, KITH_NAMED(request), KITH_NAMED(locator));
KITH_NAMES(wire::RecRecords, KITH_NAMED(request), KITH_NAMED(records));
KITH_NAMES(wire::ObjPut, KITH_NAMED(request), KITH_NAMED(object), KITH_NAMED(total), KITH_NAMED(offset),
           KITH_NAMED(ttl_s), KITH_NAMED(bytes));
KITH_NAMES(wire::ObjGet, KITH_NAMED(request), KITH_NAMED(object), KITH_NAMED(offset), KITH_NAMED(max_bytes));
KITH_NAMES(wire::ObjPart, KITH_NAMED(request), KITH_NAMED(object), KITH_NAMED(total), KITH_NAMED(offset),
           KITH_NAMED(bytes));
KITH_NAMES(wire::ObjHave, KITH_NAMED(request), KITH_NAMED(objects));
KITH_NAMES(wire::ObjHeld::Held, KITH_NAMED(object), KITH_NAMED(total), KITH_NAMED(expires_s));
KITH_NAMES(wire::ObjHeld, KITH_NAMED(request), KITH_NAMED(objects));
KITH_NAMES(wire::ObjDelete, KITH_NAMED(request), KITH_NAMED(objects));
KITH_NAMES(wire::RelayFailure, KITH_NAMED(request), KITH_NAMED(code), KITH_NAMED(text), KITH_NAMED(retry_after_s),
           KITH_NAMED(number), KITH_NAMED(detail));

#undef KITH_NAMED
#undef KITH_NAMES

[[nodiscard]] constexpr std::string_view name_of(wire::OpKind kind) {
  switch (kind) {
    case wire::OpKind::genesis: return "genesis";
    case wire::OpKind::device_add: return "device_add";
    case wire::OpKind::device_remove: return "device_remove";
    case wire::OpKind::device_rename: return "device_rename";
    case wire::OpKind::device_pause: return "device_pause";
    case wire::OpKind::rotate: return "rotate";
    case wire::OpKind::epoch_secrets: return "epoch_secrets";
    case wire::OpKind::incarnation: return "incarnation";
    case wire::OpKind::relay_set: return "relay_set";
    case wire::OpKind::relay_remove: return "relay_remove";
    case wire::OpKind::device_relay: return "device_relay";
    case wire::OpKind::message: return "message";
    case wire::OpKind::folder_add: return "folder_add";
    case wire::OpKind::file_set: return "file_set";
    case wire::OpKind::file_remove: return "file_remove";
  }
  KITH_UNREACHABLE();
}

[[nodiscard]] constexpr std::string_view name_of(wire::FrameType type) {
  switch (type) {
    case wire::FrameType::data: return "DATA";
    case wire::FrameType::file_chunk: return "FILE_CHUNK";
    case wire::FrameType::presence: return "PRESENCE";
    case wire::FrameType::ack: return "ACK";
    case wire::FrameType::tips: return "TIPS";
    case wire::FrameType::want: return "WANT";
    case wire::FrameType::chunk_want: return "CHUNK_WANT";
    case wire::FrameType::credit: return "CREDIT";
    case wire::FrameType::ping: return "PING";
    case wire::FrameType::pong: return "PONG";
    case wire::FrameType::close: return "CLOSE";
    case wire::FrameType::rekey: return "REKEY";
    case wire::FrameType::digest_want: return "DIGEST_WANT";
    case wire::FrameType::digest: return "DIGEST";
  }
  KITH_UNREACHABLE();
}

[[nodiscard]] constexpr std::string_view name_of(wire::PairMessageType type) {
  switch (type) {
    case wire::PairMessageType::hello: return "hello";
    case wire::PairMessageType::share: return "share";
    case wire::PairMessageType::confirm: return "confirm";
    case wire::PairMessageType::identity: return "identity";
    case wire::PairMessageType::offer: return "offer";
    case wire::PairMessageType::pseudonyms: return "pseudonyms";
    case wire::PairMessageType::welcome: return "welcome";
    case wire::PairMessageType::joined: return "joined";
    case wire::PairMessageType::end: return "end";
  }
  KITH_UNREACHABLE();
}

[[nodiscard]] constexpr std::string_view name_of(wire::RelayMessageType type) {
  switch (type) {
    case wire::RelayMessageType::hello: return "HELLO";
    case wire::RelayMessageType::welcome: return "WELCOME";
    case wire::RelayMessageType::done: return "DONE";
    case wire::RelayMessageType::push: return "PUSH";
    case wire::RelayMessageType::push_ack: return "PUSH_ACK";
    case wire::RelayMessageType::pull: return "PULL";
    case wire::RelayMessageType::pull_response: return "PULL_RESPONSE";
    case wire::RelayMessageType::ack: return "ACK";
    case wire::RelayMessageType::presence: return "PRESENCE";
    case wire::RelayMessageType::notify: return "NOTIFY";
    case wire::RelayMessageType::blob: return "BLOB";
    case wire::RelayMessageType::delete_items: return "DELETE";
    case wire::RelayMessageType::trim: return "TRIM";
    case wire::RelayMessageType::acl_put: return "ACL_PUT";
    case wire::RelayMessageType::acl_get: return "ACL_GET";
    case wire::RelayMessageType::rec_put: return "REC_PUT";
    case wire::RelayMessageType::rec_get: return "REC_GET";
    case wire::RelayMessageType::acl_records: return "ACL_RECORDS";
    case wire::RelayMessageType::rec_records: return "REC_RECORDS";
    case wire::RelayMessageType::obj_put: return "OBJ_PUT";
    case wire::RelayMessageType::obj_get: return "OBJ_GET";
    case wire::RelayMessageType::obj_have: return "OBJ_HAVE";
    case wire::RelayMessageType::obj_delete: return "OBJ_DELETE";
    case wire::RelayMessageType::obj_part: return "OBJ_PART";
    case wire::RelayMessageType::obj_held: return "OBJ_HELD";
    case wire::RelayMessageType::error: return "ERROR";
  }
  KITH_UNREACHABLE();
}

}  // namespace kith::testing
