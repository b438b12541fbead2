#include "sync/relays/object_book.hpp"

#include <tuple>

namespace kith::sync {

using store::Table;

void ObjectBook::Place::write(wire::Writer& writer) const { core::write_row(writer, object, expires_ms, device); }
void ObjectBook::Place::read(wire::Reader& reader) { core::read_row(reader, object, expires_ms, device); }

void ObjectBook::Noted::write(wire::Writer& writer) const {
  core::write_row(writer, device, expires_ms, cursor, wire::list(chunks, ContainerIndex::kMostChunks));
}
void ObjectBook::Noted::read(wire::Reader& reader) {
  core::read_row(reader, device, expires_ms, cursor, wire::list(chunks, ContainerIndex::kMostChunks));
}

Bytes ObjectBook::prefix(Kind kind) const {
  auto const byte = static_cast<std::uint8_t>(kind);
  return core::key_of(relay_.view(), ByteView{&byte, 1});
}
Bytes ObjectBook::key(Kind kind, wire::ObjectId const& object) const {
  return core::key_of(prefix(kind), object.view());
}
Bytes ObjectBook::key(ChunkId const& chunk, wire::ObjectId const& object) const {
  return core::key_of(core::key_of(prefix(Kind::chunk), chunk.view()), object.view());
}

Result<> ObjectBook::load(store::Store& store, WallTime now) {
  KITH_CHECK(forget_expired(store, now));
  chunks_of_.clear();
  for (auto const kind : {Kind::others_object, Kind::own_object}) {
    KITH_CHECK(store.scan(Table::relay_chunks, prefix(kind), {}, [&](ByteView, ByteView value) {
      if (auto const noted = core::decode_record<Noted>(value)) chunks_of_[noted->device] += noted->chunks.size();
      return store::Store::Next::go_on;
    }));
  }
  return {};
}

Result<> ObjectBook::note(store::Store& store, wire::ObjectId const& object, Noted const& noted) {
  bool const own = noted.device == self_;
  auto const kind = own ? Kind::own_object : Kind::others_object;
  for (auto const before : {Kind::others_object, Kind::own_object}) {
    KITH_TRY(known, core::get_record<Noted>(store, Table::relay_chunks, key(before, object)));
    // An object has one uploader: who names another's wants its place.
    if (known && !own && known->device != noted.device) return {};
    if (known) KITH_CHECK(erase(store, before, object, *known));
  }
  auto& count = chunks_of_[noted.device];
  if (!own && count + noted.chunks.size() > kMostChunksOfOne) return {};
  count += noted.chunks.size();
  KITH_CHECK(store.put(Table::relay_chunks, key(kind, object), core::encode_record(noted)));
  Bytes const place = core::encode_record(Place{object, noted.expires_ms, noted.device});
  for (auto const& chunk : noted.chunks) KITH_CHECK(store.put(Table::relay_chunks, key(chunk, object), place));
  return {};
}

Result<> ObjectBook::erase(store::Store& store, Kind kind, wire::ObjectId const& object, Noted const& noted) {
  for (auto const& chunk : noted.chunks) KITH_CHECK(store.erase(Table::relay_chunks, key(chunk, object)));
  auto& count = chunks_of_[noted.device];
  count -= std::min(count, noted.chunks.size());
  return store.erase(Table::relay_chunks, key(kind, object));
}

Result<> ObjectBook::forget(store::Store& store, wire::ObjectId const& object) {
  for (auto const kind : {Kind::others_object, Kind::own_object}) {
    KITH_TRY(noted, core::get_record<Noted>(store, Table::relay_chunks, key(kind, object)));
    if (noted) KITH_CHECK(erase(store, kind, object, *noted));
  }
  return {};
}

Result<> ObjectBook::forget_all(store::Store& store) {
  std::vector<Bytes> keys;
  KITH_CHECK(store.scan(Table::relay_chunks, relay_.view(), {}, [&](ByteView row_key, ByteView) {
    keys.emplace_back(row_key.begin(), row_key.end());
    return store::Store::Next::go_on;
  }));
  for (auto const& row_key : keys) KITH_CHECK(store.erase(Table::relay_chunks, row_key));
  chunks_of_.clear();
  return {};
}

Result<> ObjectBook::forget_expired(store::Store& store, WallTime now) {
  std::vector<wire::ObjectId> over;
  for (auto const kind : {Kind::others_object, Kind::own_object}) {
    KITH_CHECK(store.scan(Table::relay_chunks, prefix(kind), {}, [&](ByteView row_key, ByteView value) {
      auto const noted = core::decode_record<Noted>(value);
      auto const object = wire::ObjectId::from(row_key.last(wire::ObjectId{}.bytes.size()));
      if (object && noted && noted->expires_ms <= now.ms) over.push_back(*object);
      return store::Store::Next::go_on;
    }));
  }
  for (auto const& object : over) KITH_CHECK(forget(store, object));
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

}  // namespace kith::sync
