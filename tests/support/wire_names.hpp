#pragma once

#include <string_view>

#include "base/assert.hpp"
#include "wire/entry.hpp"
#include "wire/frame.hpp"
#include "wire/handshake.hpp"
#include "wire/opening.hpp"
#include "wire/pairing.hpp"

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
KITH_NAMES(wire::Digest, KITH_NAMED(token), KITH_NAMED(heads), KITH_NAMED(roster), KITH_NAMED(messages),
           KITH_NAMED(folders));

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

}  // namespace kith::testing
