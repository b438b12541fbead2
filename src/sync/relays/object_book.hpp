#pragma once

#include <map>
#include <optional>

#include "core/records.hpp"
#include "core/roster.hpp"
#include "sync/relays/container.hpp"

namespace kith::sync {

/// Which chunks are said to be in which object at one relay: by announcements of others, and by what this device left
/// there itself. A chunk may be said to be in several. Each object is forgotten when it expires. Rows of
/// Table::relay_chunks: one for each object, with what it holds, and one for each chunk in it.
class ObjectBook {
 public:
  /// Of one device, other than this one: whatever it announces beyond is passed over.
  static constexpr std::size_t kMostChunksOfOne = 256 * 1024;

  struct Place {
    wire::ObjectId object;
    std::int64_t expires_ms = 0;
    DeviceId device;  ///< who says so
    void write(wire::Writer& writer) const;
    void read(wire::Reader& reader);
    friend bool operator==(Place const&, Place const&) = default;
  };
  /// An object, and who says so.
  struct Noted {
    DeviceId device;
    std::int64_t expires_ms = 0;
    wire::RelayCursor cursor;  ///< of the announcement; 0 where it is not known
    std::vector<ChunkId> chunks;
    void write(wire::Writer& writer) const;
    void read(wire::Reader& reader);
  };
  struct Own {
    wire::ObjectId object;
    Noted noted;
  };

  ObjectBook(wire::RelayKey const& relay, DeviceId const& self) : relay_(relay), self_(self) {}

  /// Counts what is noted. In the caller's transaction, forgets what has expired.
  [[nodiscard]] Result<> load(store::Store& store, WallTime now);

  /// In the caller's transaction, all of these.
  [[nodiscard]] Result<> note(store::Store& store, wire::ObjectId const& object, Noted const& noted);
  /// The object is not there (any more).
  [[nodiscard]] Result<> forget(store::Store& store, wire::ObjectId const& object);
  [[nodiscard]] Result<> forget_all(store::Store& store);
  [[nodiscard]] Result<> forget_expired(store::Store& store, WallTime now);

  /// Where a chunk is, or was: of several what an active device says, then what this one does, then the one that is
  /// there longest.
  [[nodiscard]] Result<std::optional<Place>> find(store::Store& store, core::Roster const& roster,
                                                  ChunkId const& chunk) const;
  /// Objects that this device uploaded and that have not expired.
  [[nodiscard]] Result<std::vector<Own>> own_objects(store::Store& store) const;

 private:
  enum class Kind : std::uint8_t { chunk = 1, others_object = 2, own_object = 3 };
  [[nodiscard]] Bytes prefix(Kind kind) const;
  [[nodiscard]] Bytes key(Kind kind, wire::ObjectId const& object) const;
  [[nodiscard]] Bytes key(ChunkId const& chunk, wire::ObjectId const& object) const;
  [[nodiscard]] Result<> erase(store::Store& store, Kind kind, wire::ObjectId const& object, Noted const& noted);

  wire::RelayKey relay_;
  DeviceId self_;
  std::map<DeviceId, std::size_t> chunks_of_;
};

}  // namespace kith::sync
