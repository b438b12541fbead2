#pragma once

#include <string>
#include <variant>
#include <vector>

#include "crypto/hash.hpp"
#include "wire/codec.hpp"
#include "wire/relay_ids.hpp"

/// What two devices say to each other inside a session. @see docs/spec/session.md
namespace kith::wire {

/// Frame types; DATA to ACK keep the founding protocol's numbers. 0x03 FILE_META is reserved for one-shot transfers.
enum class FrameType : std::uint8_t {
  data = 0x01,
  file_chunk = 0x02,
  presence = 0x04,
  ack = 0x05,
  tips = 0x10,
  want = 0x11,
  chunk_want = 0x12,
  credit = 0x13,
  ping = 0x14,
  pong = 0x15,
  close = 0x16,
  rekey = 0x17,
  digest_want = 0x18,
  digest = 0x19,
};

/// Sealed entries, as they were stored. An empty list answers a WANT to its end.
struct Data {
  static constexpr FrameType kType = FrameType::data;
  using Sealed = BoundedBytes<kLimits.max_sealed_entry_bytes>;
  std::vector<Sealed> entries;
  template <class Archive, class Self>
  static void fields(Archive& a, Self& s) {
    a(list(s.entries, kLimits.max_frame_bytes));
  }
  friend bool operator==(Data const&, Data const&) = default;
};

enum class ChunkCodec : std::uint8_t { raw = 0, lz4 = 1, zstd = 2, not_held = 3 };
constexpr bool valid(ChunkCodec codec) { return codec <= ChunkCodec::not_held; }

/// A piece of one chunk in its sent form. `codec` says how the sent form becomes the plain chunk; `total` is the sent
/// form's length. not_held, with total 0, says that the sender has no such chunk.
struct FileChunk {
  static constexpr FrameType kType = FrameType::file_chunk;
  ChunkId id;
  std::uint64_t offset = 0;
  std::uint64_t total = 0;
  ChunkCodec codec = ChunkCodec::raw;
  Bytes bytes;
  template <class Archive, class Self>
  static void fields(Archive& a, Self& s) {
    a(s.id, s.offset, s.total, s.codec, blob(s.bytes, kLimits.max_chunk_frame_bytes));
  }
  friend bool operator==(FileChunk const&, FileChunk const&) = default;
};

/// Where another device can be dialled, as far as the sender knows: a hint, which the handshake checks.
struct Contact {
  DeviceId device;
  std::vector<Address> addresses;
  template <class Archive, class Self>
  static void fields(Archive& a, Self& s) {
    a(s.device, list(s.addresses, kLimits.max_addresses));
  }
  friend bool operator==(Contact const&, Contact const&) = default;
};

/// Where a device stands and can be dialled. A lower counter than one seen before is ignored.
struct Presence {
  static constexpr FrameType kType = FrameType::presence;
  std::uint64_t counter = 0;
  std::vector<Tip> tips;           ///< entries durably applied
  std::vector<Tip> content_tips;   ///< entries whose chunks it holds as well, but for those of `held` paths
  std::uint16_t held = 0;          ///< paths that it leaves alone, whose chunks it therefore lacks; more count as most
  std::uint64_t acked_cursor = 0;  ///< a relay's; 0 between devices
  std::vector<Address> addresses;
  std::vector<FolderId> folders;  ///< those that it keeps a copy of
  std::vector<Contact> contacts;  ///< of other devices, so that two that never met find each other
  template <class Archive, class Self>
  static void fields(Archive& a, Self& s) {
    a(s.counter, list(s.tips, kLimits.max_tips), list(s.content_tips, kLimits.max_tips), s.held, s.acked_cursor,
      list(s.addresses, kLimits.max_addresses), list(s.folders, kLimits.max_folders),
      list(s.contacts, kLimits.max_contacts));
  }
  friend bool operator==(Presence const&, Presence const&) = default;
};

/// All tips of the sender, again, after it has durably applied what came.
struct Ack {
  static constexpr FrameType kType = FrameType::ack;
  std::vector<Tip> tips;
  template <class Archive, class Self>
  static void fields(Archive& a, Self& s) {
    a(list(s.tips, kLimits.max_tips));
  }
  friend bool operator==(Ack const&, Ack const&) = default;
};

/// All tips of the sender.
struct Tips {
  static constexpr FrameType kType = FrameType::tips;
  std::vector<Tip> tips;
  template <class Archive, class Self>
  static void fields(Archive& a, Self& s) {
    a(list(s.tips, kLimits.max_tips));
  }
  friend bool operator==(Tips const&, Tips const&) = default;
};

/// Ranges of entries that the sender lacks; `hash` is that of the entry numbered `to`, which names the branch.
struct Want {
  static constexpr FrameType kType = FrameType::want;
  struct Range {
    LogId log;
    Seq from;
    Seq to;
    EntryHash hash;
    template <class Archive, class Self>
    static void fields(Archive& a, Self& s) {
      a(s.log.device, s.log.incarnation, s.from, s.to, s.hash);
    }
    friend bool operator==(Range const&, Range const&) = default;
  };
  std::vector<Range> ranges;
  template <class Archive, class Self>
  static void fields(Archive& a, Self& s) {
    a(list(s.ranges, kLimits.max_wants));
  }
  friend bool operator==(Want const&, Want const&) = default;
};

struct ChunkWant {
  static constexpr FrameType kType = FrameType::chunk_want;
  std::vector<ChunkId> ids;
  template <class Archive, class Self>
  static void fields(Archive& a, Self& s) {
    a(list(s.ids, kLimits.max_chunk_wants));
  }
  friend bool operator==(ChunkWant const&, ChunkWant const&) = default;
};

/// So many more bytes of FILE_CHUNK content may be sent.
struct Credit {
  static constexpr FrameType kType = FrameType::credit;
  std::uint64_t bytes = 0;
  template <class Archive, class Self>
  static void fields(Archive& a, Self& s) {
    a(s.bytes);
  }
  friend bool operator==(Credit const&, Credit const&) = default;
};

struct Ping {
  static constexpr FrameType kType = FrameType::ping;
  std::uint64_t token = 0;
  template <class Archive, class Self>
  static void fields(Archive& a, Self& s) {
    a(s.token);
  }
  friend bool operator==(Ping const&, Ping const&) = default;
};

struct Pong {
  static constexpr FrameType kType = FrameType::pong;
  std::uint64_t token = 0;  ///< the PING's
  template <class Archive, class Self>
  static void fields(Archive& a, Self& s) {
    a(s.token);
  }
  friend bool operator==(Pong const&, Pong const&) = default;
};

enum class CloseCode : std::uint8_t {
  done = 0,            ///< nothing more to say
  shutting_down = 1,   ///< the program ends
  replaced = 2,        ///< a newer session of the same device took over; the text is that session's incarnation in hex
  removed = 3,         ///< the other device was removed from the group
  bad_frame = 4,       ///< a frame that does not decode or is not due
  renew = 5,           ///< the session is a day old: dial again
  silent = 6,          ///< nothing was heard for 15 s
  internal = 7,        ///< a fault of the sender's own (disk full, say)
  unknown_device = 8,  ///< the other device is not in the sender's roster, perhaps not yet
};
constexpr bool valid(CloseCode code) { return code <= CloseCode::unknown_device; }

/// The last frame.
struct Close {
  static constexpr FrameType kType = FrameType::close;
  CloseCode code = CloseCode::done;
  std::string text;
  template <class Archive, class Self>
  static void fields(Archive& a, Self& s) {
    a(s.code, wire::text(s.text, kLimits.max_name_bytes));
  }
  friend bool operator==(Close const&, Close const&) = default;
};

/// The next Noise message from this sender is under the next key. The last frame in its Noise message.
struct Rekey {
  static constexpr FrameType kType = FrameType::rekey;
  template <class Archive, class Self>
  static void fields(Archive& a, Self&) {
    a();
  }
  friend bool operator==(Rekey const&, Rekey const&) = default;
};

/// Asks for a DIGEST.
struct DigestWant {
  static constexpr FrameType kType = FrameType::digest_want;
  /// The token of one that asks for nothing but what relays have shown: the digests of the answer are zeros.
  static constexpr std::uint64_t kRelaysAlone = 0;
  std::uint64_t token = 0;
  template <class Archive, class Self>
  static void fields(Archive& a, Self& s) {
    a(s.token);
  }
  friend bool operator==(DigestWant const&, DigestWant const&) = default;
};

/// What a relay has shown the sender of the group's mailbox, which it is connected to now.
struct RelayWitness {
  static constexpr std::size_t kMost = 4;        ///< relays in one DIGEST
  static constexpr std::size_t kMostTips = 128;  ///< of one relay
  RelayKey relay;
  ChannelId channel;
  LogEpoch log_epoch;
  RelayCursor cursor;     ///< everything below was shown up to here, or stored by the sender and acknowledged
  std::vector<Tip> tips;  ///< all that these reach was there
  template <class Archive, class Self>
  static void fields(Archive& a, Self& s) {
    a(s.relay, s.channel, s.log_epoch, s.cursor, list(s.tips, kMostTips));
  }
  friend bool operator==(RelayWitness const&, RelayWitness const&) = default;
};

/// What the sender holds, as hashes: equal entries give equal heads and equal views. @see docs/spec/views.md
struct Digest {
  static constexpr FrameType kType = FrameType::digest;
  std::uint64_t token = 0;
  crypto::Hash256 heads;
  crypto::Hash256 roster;
  crypto::Hash256 messages;
  crypto::Hash256 folders;
  std::vector<RelayWitness> relays;
  template <class Archive, class Self>
  static void fields(Archive& a, Self& s) {
    a(s.token, s.heads, s.roster, s.messages, s.folders, list(s.relays, RelayWitness::kMost));
  }
  friend bool operator==(Digest const&, Digest const&) = default;
};

using Frame = std::variant<Data, FileChunk, Presence, Ack, Tips, Want, ChunkWant, Credit, Ping, Pong, Close, Rekey,
                           DigestWant, Digest>;

[[nodiscard]] FrameType type_of(Frame const& frame);

/// Appends a frame, at most Limits::max_frame_bytes long. What keeps its own limits fits, but for a PRESENCE's
/// contacts: as many go out as there is room for.
///
///     0               4      5
///     +---------------+------+------------------
///     | length (u32)  | type | payload (MessagePack)     length = 1 + payload
///     +---------------+------+------------------
void encode_frame(Bytes& out, Frame const& frame);

/// Decodes type and payload (without the length).
[[nodiscard]] Result<Frame> decode_frame(ByteView type_and_payload);

/// Cuts a stream of bytes into frames. Holds at most one frame.
class FrameSplitter {
 public:
  void feed(ByteView bytes) { append(buffer_, bytes); }
  /// The next whole frame's type and payload, nullopt when more bytes are needed.
  /// @return WireError::too_large, or truncated for a length of 0, as soon as the length is known
  [[nodiscard]] Result<std::optional<Bytes>> next();
  [[nodiscard]] std::size_t held_bytes() const { return buffer_.size() - taken_; }

 private:
  Bytes buffer_;
  std::size_t taken_ = 0;
};

}  // namespace kith::wire
