#pragma once

#include <map>
#include <optional>
#include <vector>

#include "core/replica.hpp"
#include "core/sealed_box.hpp"
#include "sync/files/chunk_id.hpp"
#include "sync/files/chunk_pack.hpp"
#include "wire/relay.hpp"

/// Chunks on their way to devices that are away: packed together, padded, sealed, and left at a relay as one object.
/// @see docs/spec/objects.md
namespace kith::sync {

/// What a container holds, in front of the chunks themselves.
struct ContainerIndex {
  struct Entry {
    ChunkId id;
    wire::ChunkCodec codec = wire::ChunkCodec::raw;
    std::uint32_t bytes = 0;  ///< in its sent form; one behind the other, in this order
    template <class Archive, class Self>
    static void fields(Archive& a, Self& s) {
      a(s.id, s.codec, s.bytes);
    }
    friend bool operator==(Entry const&, Entry const&) = default;
  };
  static constexpr std::size_t kMostChunks = 1024;
  std::uint64_t format = 1;
  std::vector<Entry> chunks;
  template <class Archive, class Self>
  static void fields(Archive& a, Self& s) {
    a(wire::version(s.format, 1), wire::list(s.chunks, kMostChunks));
  }
  friend bool operator==(ContainerIndex const&, ContainerIndex const&) = default;
};

/// Says in the mailbox, outside the log, which chunks an object holds.
struct Announcement {
  std::uint64_t format = 1;
  wire::ObjectId object;
  std::uint32_t size_bytes = 0;  ///< of the sealed object
  std::vector<ChunkId> chunks;
  template <class Archive, class Self>
  static void fields(Archive& a, Self& s) {
    a(wire::version(s.format, 1), s.object, s.size_bytes, wire::list(s.chunks, ContainerIndex::kMostChunks));
  }
  friend bool operator==(Announcement const&, Announcement const&) = default;
};

/// Collects chunks until an object is full.
class ContainerBuilder {
 public:
  /// @return false, and nothing is changed, where it has no room for this one
  [[nodiscard]] bool add(ChunkId const& id, files::PackedChunk const& chunk);
  [[nodiscard]] bool empty() const { return index_.chunks.empty(); }
  [[nodiscard]] std::vector<ChunkId> chunks() const;
  /// The object's plain bytes: u32 length | index | chunks | zeros, padded so that the sealed object has a size that
  /// says little.
  [[nodiscard]] Bytes finish() const;

 private:
  ContainerIndex index_;
  Bytes chunks_;
};

/// Takes a container apart.
/// @param key  by which the group names its chunks
/// @return a WireError for one that contradicts itself; chunks that do not unpack, or are not what their ids name, are
/// left out
[[nodiscard]] Result<std::vector<std::pair<ChunkId, Bytes>>> open_container(crypto::ChunkKey const& key,
                                                                            ByteView plain);

/// Seals what goes to a relay, under the epoch that entries are sealed under now.
[[nodiscard]] Bytes seal_object(core::Replica& replica, EpochId const& epoch, wire::ObjectId const& object,
                                ByteView plain, RandomSource& random);
[[nodiscard]] Result<Bytes> open_object(core::GroupState const& state, wire::ObjectId const& object, ByteView sealed);

/// Which mailbox an announcement is in, and who put it there.
struct AnnouncedAt {
  wire::RelayKey relay;
  wire::Pseudonym sender;
};
/// Seals and signs what this device announces.
[[nodiscard]] Bytes seal_announcement(core::Replica& replica, EpochId const& epoch, AnnouncedAt const& at,
                                      Announcement const& announcement, RandomSource& random);
struct OpenedAnnouncement {
  DeviceId device;
  Announcement announcement;
};
/// Opens an item and checks that the active device whose pseudonym its sender is has signed it.
/// @return CoreError::unknown_epoch, unknown_device: may open when more of the log is here; bad_seal, removed_peer,
/// bad_signature; a WireError
[[nodiscard]] Result<OpenedAnnouncement> open_announcement(core::GroupState const& state, AnnouncedAt const& at,
                                                           ByteView sealed);

}  // namespace kith::sync
