#include "sync/relays/object_book.hpp"

#include <set>

namespace kith::sync {

using store::Table;

void ObjectBook::Place::write(wire::Writer& writer) const { core::write_row(writer, object, expires_ms, own); }
void ObjectBook::Place::read(wire::Reader& reader) { core::read_row(reader, object, expires_ms, own); }

Result<> ObjectBook::note(store::Store& store, Announcement const& announcement, std::int64_t expires_ms, bool own) {
  Bytes const row = core::encode_record(Place{announcement.object, expires_ms, own});
  for (auto const& chunk : announcement.chunks) KITH_CHECK(store.put(Table::relay_chunks, key(chunk), row));
  return {};
}

template <class Predicate>
Result<> ObjectBook::erase_if(store::Store& store, Predicate&& is_over) {
  std::vector<Bytes> over;
  KITH_CHECK(store.scan(Table::relay_chunks, relay_.view(), {}, [&](ByteView row_key, ByteView value) {
    auto const place = core::decode_record<Place>(value);
    if (!place || is_over(*place)) over.emplace_back(row_key.begin(), row_key.end());
    return store::Store::Next::go_on;
  }));
  for (auto const& row_key : over) KITH_CHECK(store.erase(Table::relay_chunks, row_key));
  return {};
}

Result<> ObjectBook::forget(store::Store& store, wire::ObjectId const& object) {
  return erase_if(store, [&](Place const& place) { return place.object == object; });
}
Result<> ObjectBook::forget_all(store::Store& store) {
  return erase_if(store, [](Place const&) { return true; });
}
Result<> ObjectBook::forget_expired(store::Store& store, WallTime now) {
  return erase_if(store, [&](Place const& place) { return place.expires_ms <= now.ms; });
}

Result<std::optional<ObjectBook::Place>> ObjectBook::find(store::Store& store, ChunkId const& chunk) const {
  return core::get_record<Place>(store, Table::relay_chunks, key(chunk));
}

Result<std::vector<wire::ObjectId>> ObjectBook::own_objects(store::Store& store) const {
  std::set<wire::ObjectId> objects;
  KITH_CHECK(store.scan(Table::relay_chunks, relay_.view(), {}, [&](ByteView, ByteView value) {
    auto const place = core::decode_record<Place>(value);
    if (place && place->own) objects.insert(place->object);
    return store::Store::Next::go_on;
  }));
  return std::vector(objects.begin(), objects.end());
}

}  // namespace kith::sync
