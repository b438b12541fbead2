#include "sync/relays/object_book.hpp"

#include <algorithm>
#include <array>
#include <tuple>

namespace kith::sync {
namespace {

constexpr std::array kObjectKinds{ObjectBook::Kind::others_object, ObjectBook::Kind::own_object,
                                  ObjectBook::Kind::gone_object, ObjectBook::Kind::leaving_object,
                                  ObjectBook::Kind::uploading_object};

ObjectBook::Kind chunk_kind(ObjectBook::Kind kind) {
  bool const there = kind == ObjectBook::Kind::others_object || kind == ObjectBook::Kind::own_object;
  return there ? ObjectBook::Kind::chunk : ObjectBook::Kind::gone_chunk;
}

/// Devices that may be noted to have taken an object.
constexpr std::size_t kMostTakers = 256;

/// An item as it came; no bytes where only its place is remembered.
struct KeptItem {
  wire::RelayItem item;
  std::int64_t expires_ms = 0;
  void write(wire::Writer& writer) const { core::write_row(writer, item, expires_ms); }
  void read(wire::Reader& reader) { core::read_row(reader, item, expires_ms); }
};

}  // namespace

using store::Table;

void ObjectBook::Place::write(wire::Writer& writer) const { core::write_row(writer, object, expires_ms, device); }
void ObjectBook::Place::read(wire::Reader& reader) { core::read_row(reader, object, expires_ms, device); }

void ObjectBook::Noted::write(wire::Writer& writer) const {
  std::vector<DeviceId> const takers(taken_by.begin(), taken_by.end());
  core::write_row(writer, device, expires_ms, cursor, wire::list(chunks, ContainerIndex::kMostChunks),
                  wire::list(takers, kMostTakers));
}
void ObjectBook::Noted::read(wire::Reader& reader) {
  std::vector<DeviceId> takers;
  core::read_row(reader, device, expires_ms, cursor, wire::list(chunks, ContainerIndex::kMostChunks),
                 wire::list(takers, kMostTakers));
  if (std::ranges::adjacent_find(takers, std::ranges::greater_equal{}) != takers.end())
    return reader.fail(wire::WireError::bad_value);
  taken_by = std::set<DeviceId>(takers.begin(), takers.end());
}

Bytes ObjectBook::prefix(Kind kind) const {
  auto const byte = static_cast<std::uint8_t>(kind);
  return core::key_of(relay_.view(), ByteView{&byte, 1});
}
Bytes ObjectBook::key(Kind kind, wire::ObjectId const& object) const {
  return core::key_of(prefix(kind), object.view());
}
Bytes ObjectBook::key(Kind kind, ChunkId const& chunk, wire::ObjectId const& object) const {
  return core::key_of(core::key_of(prefix(kind), chunk.view()), object.view());
}
Bytes ObjectBook::key(wire::RelayCursor cursor) const {
  Bytes bytes;
  append_be(bytes, cursor.value);
  return core::key_of(prefix(Kind::kept_item), bytes);
}

Result<> ObjectBook::load(store::Store& store, WallTime now) {
  KITH_CHECK(forget_expired(store, now));
  counts_.clear();
  objects_.clear();
  kept_.clear();
  kept_bytes_ = 0;
  for (auto const kind : kObjectKinds) {
    KITH_CHECK(store.scan(Table::relay_chunks, prefix(kind), {}, [&](ByteView row_key, ByteView value) {
      auto const noted = core::decode_record<Noted>(value);
      auto const object = wire::ObjectId::from(row_key.last(wire::ObjectId{}.bytes.size()));
      if (!noted || !object) return store::Store::Next::go_on;
      auto const count = noted->chunks.size();
      ++counts_[noted->device].objects;
      counts_[noted->device].chunks += count;
      bool const others = noted->device != self_;
      objects_[*object] = {kind,
                           noted->device,
                           noted->cursor,
                           noted->expires_ms,
                           count,
                           std::vector<bool>(others ? count : 0),
                           others ? count : 0,
                           noted->taken_by};
      return store::Store::Next::go_on;
    }));
  }
  return store.scan(Table::relay_chunks, prefix(Kind::kept_item), {}, [&](ByteView, ByteView value) {
    if (auto const row = core::decode_record<KeptItem>(value)) {
      kept_[row->item.cursor] = row->item.sealed.size();
      kept_bytes_ += row->item.sealed.size();
    }
    return store::Store::Next::go_on;
  });
}

Result<std::optional<ObjectBook::Noted>> ObjectBook::read(store::Store& store, wire::ObjectId const& object) const {
  auto const known = objects_.find(object);
  if (known == objects_.end()) return std::nullopt;
  return core::get_record<Noted>(store, Table::relay_chunks, key(known->second.kind, object));
}

Result<> ObjectBook::put(store::Store& store, Kind kind, wire::ObjectId const& object, Noted const& noted) {
  KITH_CHECK(store.put(Table::relay_chunks, key(kind, object), core::encode_record(noted)));
  Bytes const place = core::encode_record(Place{object, noted.expires_ms, noted.device});
  for (auto const& chunk : noted.chunks)
    KITH_CHECK(store.put(Table::relay_chunks, key(chunk_kind(kind), chunk, object), place));
  ++counts_[noted.device].objects;
  counts_[noted.device].chunks += noted.chunks.size();
  auto const count = noted.device == self_ ? 0 : noted.chunks.size();
  objects_[object] = {
      kind,  noted.device,  noted.cursor, noted.expires_ms, noted.chunks.size(), std::vector<bool>(count),
      count, noted.taken_by};
  return {};
}

Result<> ObjectBook::erase(store::Store& store, wire::ObjectId const& object, Noted const& noted) {
  auto const kind = objects_.at(object).kind;
  for (auto const& chunk : noted.chunks)
    KITH_CHECK(store.erase(Table::relay_chunks, key(chunk_kind(kind), chunk, object)));
  auto& count = counts_[noted.device];
  count.objects -= std::min<std::size_t>(count.objects, 1);  // before load() nothing is counted
  count.chunks -= std::min(count.chunks, noted.chunks.size());
  objects_.erase(object);
  return store.erase(Table::relay_chunks, key(kind, object));
}

/// Objects of which all is here, or that are gone, have done what they were noted for: the oldest of a device's go
/// first.
Result<bool> ObjectBook::make_room(store::Store& store, DeviceId const& device, std::size_t chunks) {
  auto const& count = counts_[device];
  while (count.chunks + chunks > kMostChunksOfOne || count.objects >= kMostObjectsOfOne) {
    auto oldest = objects_.end();
    for (auto each = objects_.begin(); each != objects_.end(); ++each) {
      bool const wanted = each->second.missing > 0 && each->second.kind != Kind::gone_object;
      if (each->second.device != device || wanted) continue;
      if (oldest == objects_.end() || each->second.cursor < oldest->second.cursor) oldest = each;
    }
    if (oldest == objects_.end()) return false;
    KITH_CHECK(forget(store, wire::ObjectId(oldest->first)));
  }
  return true;
}

Result<bool> ObjectBook::note(store::Store& store, wire::ObjectId const& object, Noted const& noted) {
  bool const own = noted.device == self_;
  if (auto const known = objects_.find(object); known != objects_.end()) {
    // An object has one uploader: who names another's wants its place. One that is gone does not come back.
    bool const others = !own && known->second.device != noted.device;
    if (others || (!known->second.lies_there() && known->second.kind != Kind::uploading_object)) return true;
    KITH_CHECK(forget(store, object));
  }
  if (!own) {
    KITH_TRY(room, make_room(store, noted.device, noted.chunks.size()));
    if (!room) return false;
  }
  KITH_CHECK(put(store, own ? Kind::own_object : Kind::others_object, object, noted));
  return true;
}

Result<> ObjectBook::begin(store::Store& store, wire::ObjectId const& object, WallTime now) {
  return put(store, Kind::uploading_object, object,
             {self_, now.ms + std::chrono::milliseconds(kGoneTime).count(), {}, {}});
}

Result<> ObjectBook::retire(store::Store& store, wire::ObjectId const& object, Kind kind,
                            std::set<DeviceId> const& taken_by, WallTime now) {
  KITH_TRY(noted, read(store, object));
  if (!noted) return {};
  auto before = std::move(objects_.at(object));
  KITH_CHECK(erase(store, object, *noted));
  noted->expires_ms = now.ms + std::chrono::milliseconds(kGoneTime).count();
  for (auto const& device : taken_by) {
    if (noted->taken_by.size() < kMostTakers) noted->taken_by.insert(device);
  }
  KITH_CHECK(put(store, kind, object, *noted));
  auto& after = objects_.at(object);
  after.stored = std::move(before.stored);
  after.missing = before.missing;
  return {};
}

Result<> ObjectBook::forget(store::Store& store, wire::ObjectId const& object) {
  KITH_TRY(noted, read(store, object));
  return noted ? erase(store, object, *noted) : Result<>{};
}

Result<> ObjectBook::forget_all(store::Store& store) {
  std::vector<Bytes> keys;
  KITH_CHECK(store.scan(Table::relay_chunks, relay_.view(), {}, [&](ByteView row_key, ByteView) {
    keys.emplace_back(row_key.begin(), row_key.end());
    return store::Store::Next::go_on;
  }));
  for (auto const& row_key : keys) KITH_CHECK(store.erase(Table::relay_chunks, row_key));
  counts_.clear();
  objects_.clear();
  kept_.clear();
  kept_bytes_ = 0;
  return {};
}

/// Before load() too.
Result<> ObjectBook::forget_expired(store::Store& store, WallTime now) {
  std::vector<std::pair<wire::ObjectId, Noted>> over;
  for (auto const kind : kObjectKinds) {
    auto const margin = kind == Kind::others_object ? std::chrono::milliseconds(kExpiryMargin).count() : 0;
    KITH_CHECK(store.scan(Table::relay_chunks, prefix(kind), {}, [&](ByteView row_key, ByteView value) {
      auto noted = core::decode_record<Noted>(value);
      auto const object = wire::ObjectId::from(row_key.last(wire::ObjectId{}.bytes.size()));
      if (!object || !noted || noted->expires_ms + margin > now.ms) return store::Store::Next::go_on;
      objects_[*object].kind = kind;
      over.emplace_back(*object, std::move(*noted));
      return store::Store::Next::go_on;
    }));
  }
  for (auto const& [object, noted] : over) KITH_CHECK(erase(store, object, noted));
  std::vector<wire::RelayCursor> places;
  KITH_CHECK(store.scan(Table::relay_chunks, prefix(Kind::kept_item), {}, [&](ByteView, ByteView value) {
    auto const row = core::decode_record<KeptItem>(value);
    if (row && row->expires_ms <= now.ms) places.push_back(row->item.cursor);
    return store::Store::Next::go_on;
  }));
  for (auto const place : places) KITH_CHECK(unkeep(store, place));
  return {};
}

Result<std::optional<ObjectBook::Place>> ObjectBook::find(store::Store& store, core::Roster const& roster,
                                                          ChunkId const& chunk) const {
  std::optional<Place> best;
  auto const worth = [&](Place const& place) {
    return std::tuple(roster.active(place.device), place.device == self_, place.expires_ms);
  };
  bool damaged = false;
  KITH_CHECK(store.scan(Table::relay_chunks, core::key_of(prefix(Kind::chunk), chunk.view()), {},
                        [&](ByteView, ByteView value) {
                          auto const place = core::decode_record<Place>(value);
                          damaged = !place;
                          if (damaged) return store::Store::Next::stop;
                          if (!best || worth(*best) < worth(*place)) best = *place;
                          return store::Store::Next::go_on;
                        }));
  if (damaged) return fail(core::CoreError::corrupt_record);
  return best;
}

Result<std::vector<ObjectBook::Own>> ObjectBook::own_objects(store::Store& store) const {
  std::vector<Own> objects;
  KITH_CHECK(store.scan(Table::relay_chunks, prefix(Kind::own_object), {}, [&](ByteView row_key, ByteView value) {
    auto noted = core::decode_record<Noted>(value);
    auto const object = wire::ObjectId::from(row_key.last(wire::ObjectId{}.bytes.size()));
    if (object && noted) objects.push_back({*object, std::move(*noted)});
    return store::Store::Next::go_on;
  }));
  return objects;
}

// What is here of it.

Result<std::vector<wire::ObjectId>> ObjectBook::objects_with(store::Store& store, ChunkId const& chunk) const {
  std::vector<wire::ObjectId> objects;
  for (auto const kind : {Kind::chunk, Kind::gone_chunk}) {
    KITH_CHECK(
        store.scan(Table::relay_chunks, core::key_of(prefix(kind), chunk.view()), {}, [&](ByteView row_key, ByteView) {
          auto const object = wire::ObjectId::from(row_key.last(wire::ObjectId{}.bytes.size()));
          if (object) objects.push_back(*object);
          return store::Store::Next::go_on;
        }));
  }
  return objects;
}

Result<std::vector<ChunkId>> ObjectBook::chunks_in(store::Store& store, wire::ObjectId const& object) const {
  KITH_TRY(noted, read(store, object));
  return noted ? std::move(noted->chunks) : std::vector<ChunkId>{};
}

Result<bool> ObjectBook::look(store::Store& store, wire::ObjectId const& object, Holds const& holds) {
  auto const known = objects_.find(object);
  if (known == objects_.end() || known->second.missing == 0) return false;
  KITH_TRY(chunks, chunks_in(store, object));
  auto& stored = known->second.stored;
  auto& missing = known->second.missing;
  auto const before = missing;
  for (std::size_t i = 0; i < std::min(chunks.size(), stored.size()); ++i) {
    if (stored[i]) continue;
    KITH_TRY(here, holds(chunks[i]));
    if (!here) continue;
    stored[i] = true;
    --missing;
  }
  return missing != before;
}

Result<bool> ObjectBook::set_stored(store::Store& store, ChunkId const& chunk, bool stored) {
  KITH_TRY(objects, objects_with(store, chunk));
  bool news = false;
  for (auto const& object : objects) {
    auto const known = objects_.find(object);
    // Of an object of this device nothing is counted.
    if (known == objects_.end() || known->second.stored.empty()) continue;
    if (known->second.missing == (stored ? 0 : known->second.stored.size())) continue;
    KITH_TRY(chunks, chunks_in(store, object));
    for (std::size_t i = 0; i < std::min(chunks.size(), known->second.stored.size()); ++i) {
      if (chunks[i] != chunk || known->second.stored[i] == stored) continue;
      known->second.stored[i] = stored;
      stored ? --known->second.missing : ++known->second.missing;
      news = true;
    }
  }
  return news;
}

// Items that could not be opened.

Result<> ObjectBook::keep(store::Store& store, wire::RelayItem const& item, WallTime now) {
  if (kept_.contains(item.cursor) || kept_.size() >= kMostKeptPlaces) return {};
  auto const whole =
      static_cast<std::size_t>(std::ranges::count_if(kept_, [](auto const& each) { return each.second > 0; }));
  auto const lives = std::min<std::chrono::seconds>(std::chrono::seconds{item.ttl_s}, kGoneTime) + kExpiryMargin;
  KeptItem row{item, now.ms + std::chrono::milliseconds(lives).count()};
  if (whole >= kMostKept || kept_bytes_ + item.sealed.size() > kMostKeptBytes) row.item.sealed.clear();
  kept_[item.cursor] = row.item.sealed.size();
  kept_bytes_ += row.item.sealed.size();
  return store.put(Table::relay_chunks, key(item.cursor), core::encode_record(row));
}

Result<std::vector<wire::RelayItem>> ObjectBook::kept(store::Store& store) const {
  std::vector<wire::RelayItem> items;
  KITH_CHECK(store.scan(Table::relay_chunks, prefix(Kind::kept_item), {}, [&](ByteView, ByteView value) {
    auto row = core::decode_record<KeptItem>(value);
    if (row && !row->item.sealed.empty()) items.push_back(std::move(row->item));
    return store::Store::Next::go_on;
  }));
  return items;
}

Result<> ObjectBook::unkeep(store::Store& store, wire::RelayCursor cursor) {
  if (auto const found = kept_.find(cursor); found != kept_.end()) {
    kept_bytes_ -= found->second;
    kept_.erase(found);
  }
  return store.erase(Table::relay_chunks, key(cursor));
}

}  // namespace kith::sync
