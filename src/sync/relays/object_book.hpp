#pragma once

#include <optional>

#include "core/records.hpp"
#include "sync/relays/container.hpp"

namespace kith::sync {

/// Which chunks are said to be in which object at one relay: by announcements of others, and by what this device left
/// there itself. Rows of Table::relay_chunks; each is forgotten when its object expires.
class ObjectBook {
 public:
  struct Place {
    wire::ObjectId object;
    std::int64_t expires_ms = 0;
    bool own = false;  ///< this device uploaded it
    void write(wire::Writer& writer) const;
    void read(wire::Reader& reader);
    friend bool operator==(Place const&, Place const&) = default;
  };

  explicit ObjectBook(wire::RelayKey const& relay) : relay_(relay) {}

  /// In the caller's transaction, all of these.
  [[nodiscard]] Result<> note(store::Store& store, Announcement const& announcement, std::int64_t expires_ms, bool own);
  /// The object is not there (any more).
  [[nodiscard]] Result<> forget(store::Store& store, wire::ObjectId const& object);
  [[nodiscard]] Result<> forget_all(store::Store& store);
  [[nodiscard]] Result<> forget_expired(store::Store& store, WallTime now);

  /// Where a chunk is, or was.
  [[nodiscard]] Result<std::optional<Place>> find(store::Store& store, ChunkId const& chunk) const;
  /// Objects that this device uploaded and that have not expired.
  [[nodiscard]] Result<std::vector<wire::ObjectId>> own_objects(store::Store& store) const;

 private:
  [[nodiscard]] Bytes key(ChunkId const& chunk) const { return core::key_of(relay_.view(), chunk.view()); }
  template <class Predicate>
  [[nodiscard]] Result<> erase_if(store::Store& store, Predicate&& is_over);
  wire::RelayKey relay_;
};

}  // namespace kith::sync
