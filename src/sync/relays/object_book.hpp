#pragma once

#include <functional>
#include <map>
#include <optional>
#include <set>

#include "core/records.hpp"
#include "core/roster.hpp"
#include "sync/relays/container.hpp"

namespace kith::sync {

/// Which chunks are said to be in which object at one relay: by announcements of others, and by what this device left
/// there itself. A chunk may be said to be in several. Each object is forgotten when it expires. One that is not there
/// any more is remembered for a while as gone: what others have taken out of it need not be left there again. Rows of
/// Table::relay_chunks: one for each object, with what it holds, and one for each chunk in it; and items that could not
/// be opened yet.
class ObjectBook {
 public:
  /// Of one device, other than this one: objects of which all is here give way to new ones, and what it announces
  /// beyond is passed over.
  static constexpr std::size_t kMostChunksOfOne = 256 * 1024;
  /// Likewise: these are gone through for each that comes. As many as hold all those chunks where an object is full (1
  /// MiB) of chunks of 64 KiB; somebody who announces objects of a chunk each gets no more.
  static constexpr std::size_t kMostObjectsOfOne = kMostChunksOfOne / 16;
  /// What is gone is remembered so long: a transfer that is much larger than its room may take weeks.
  static constexpr auto kGoneTime = std::chrono::hours{28 * 24};
  /// An object of another device is remembered so much longer than it lives: its uploader's clock may be behind.
  static constexpr auto kExpiryMargin = std::chrono::hours{24};
  /// Items that could not be opened yet: so many, and so many bytes of them.
  static constexpr std::size_t kMostKept = 256;
  static constexpr std::size_t kMostKeptBytes = std::size_t{2} << 20;
  /// Of those beyond only the place is remembered.
  static constexpr std::size_t kMostKeptPlaces = 4096;

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
    std::set<DeviceId> taken_by = {};  ///< of one that is gone: who had all of it by then
    void write(wire::Writer& writer) const;
    void read(wire::Reader& reader);
  };
  struct Own {
    wire::ObjectId object;
    Noted noted;
  };
  enum class Kind : std::uint8_t {
    chunk = 1,
    others_object = 2,
    own_object = 3,
    gone_chunk = 4,
    gone_object = 5,
    leaving_object = 6,  ///< of this device: the relay has not said yet that it is deleted
    kept_item = 7,
    uploading_object = 8,  ///< of this device: to be deleted unless it is announced
  };
  /// What is kept at hand of an object.
  struct Known {
    Kind kind = Kind::others_object;
    DeviceId device;
    wire::RelayCursor cursor;
    std::int64_t expires_ms = 0;
    std::size_t chunks = 0;
    std::vector<bool> stored;     ///< of another device's: which chunks are durably here, as far as was looked
    std::size_t missing = 0;      ///< of these how many are not
    std::set<DeviceId> taken_by;  ///< as noted
    [[nodiscard]] bool lies_there() const { return kind == Kind::others_object || kind == Kind::own_object; }
  };
  using Holds = std::function<Result<bool>(ChunkId const&)>;

  ObjectBook(wire::RelayKey const& relay, DeviceId const& self) : relay_(relay), self_(self) {}

  /// Counts what is noted. In the caller's transaction, forgets what has expired.
  [[nodiscard]] Result<> load(store::Store& store, WallTime now);

  /// In the caller's transaction, all of these.
  /// @return false where it was passed over for want of room
  [[nodiscard]] Result<bool> note(store::Store& store, wire::ObjectId const& object, Noted const& noted);
  /// This device is about to upload an object.
  [[nodiscard]] Result<> begin(store::Store& store, wire::ObjectId const& object, WallTime now);
  /// The object is not there any more, or is being deleted; what was in it is remembered, and who had it.
  /// @param taken_by  beside those that are noted
  [[nodiscard]] Result<> retire(store::Store& store, wire::ObjectId const& object, Kind kind,
                                std::set<DeviceId> const& taken_by, WallTime now);
  [[nodiscard]] Result<> forget(store::Store& store, wire::ObjectId const& object);
  [[nodiscard]] Result<> forget_all(store::Store& store);
  [[nodiscard]] Result<> forget_expired(store::Store& store, WallTime now);

  /// Where a chunk is, or was: of several what an active device says, then what this one does, then the one that is
  /// there longest.
  [[nodiscard]] Result<std::optional<Place>> find(store::Store& store, core::Roster const& roster,
                                                  ChunkId const& chunk) const;
  /// Objects that this device uploaded and that have not expired.
  [[nodiscard]] Result<std::vector<Own>> own_objects(store::Store& store) const;

  // What is here of what others left, and what was there. All objects that are known: after load().
  [[nodiscard]] std::map<wire::ObjectId, Known> const& objects() const { return objects_; }
  /// Objects that hold, or held, a chunk.
  [[nodiscard]] Result<std::vector<wire::ObjectId>> objects_with(store::Store& store, ChunkId const& chunk) const;
  [[nodiscard]] Result<std::vector<ChunkId>> chunks_in(store::Store& store, wire::ObjectId const& object) const;
  /// Looks which chunks of another device's object are here. @return whether any is that was not before
  [[nodiscard]] Result<bool> look(store::Store& store, wire::ObjectId const& object, Holds const& holds);
  /// A chunk is durably here, or is not any more. @return whether that is news of any object
  [[nodiscard]] Result<bool> set_stored(store::Store& store, ChunkId const& chunk, bool stored);

  // Items that could not be opened yet, as they came.
  [[nodiscard]] Result<> keep(store::Store& store, wire::RelayItem const& item, WallTime now);
  [[nodiscard]] Result<std::vector<wire::RelayItem>> kept(store::Store& store) const;
  [[nodiscard]] Result<> unkeep(store::Store& store, wire::RelayCursor cursor);
  /// Where they are, with those of which only that is known.
  [[nodiscard]] std::map<wire::RelayCursor, std::size_t> const& kept_places() const { return kept_; }

 private:
  [[nodiscard]] Bytes prefix(Kind kind) const;
  [[nodiscard]] Bytes key(Kind kind, wire::ObjectId const& object) const;
  [[nodiscard]] Bytes key(Kind kind, ChunkId const& chunk, wire::ObjectId const& object) const;
  [[nodiscard]] Bytes key(wire::RelayCursor cursor) const;
  [[nodiscard]] Result<std::optional<Noted>> read(store::Store& store, wire::ObjectId const& object) const;
  [[nodiscard]] Result<> erase(store::Store& store, wire::ObjectId const& object, Noted const& noted);
  [[nodiscard]] Result<> put(store::Store& store, Kind kind, wire::ObjectId const& object, Noted const& noted);
  [[nodiscard]] Result<bool> make_room(store::Store& store, DeviceId const& device, std::size_t chunks);

  struct Count {
    std::size_t objects = 0;
    std::size_t chunks = 0;
  };

  wire::RelayKey relay_;
  DeviceId self_;
  std::map<DeviceId, Count> counts_;
  std::map<wire::ObjectId, Known> objects_;
  std::map<wire::RelayCursor, std::size_t> kept_;  ///< with the bytes that are kept
  std::size_t kept_bytes_ = 0;
};

}  // namespace kith::sync
