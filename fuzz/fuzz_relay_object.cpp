#include "property.hpp"
#include "support/object_world.hpp"

/// What lies at a relay besides the log. The first byte says what the rest is: a record; a container's plain bytes, or
/// a chunk in one of its sent forms; the plain bytes of a presence or an announcement, which are sealed with the right
/// keys; or something sealed, perhaps by the device itself for another place.
namespace {

using namespace kith;

template <class Record>
void check_record(ByteView in) {
  auto const record = wire::decode<Record>(in);
  if (record) fuzz::require(equal(wire::encode(*record), in), "a record re-encodes to itself");
}

/// Holds for every record of what was taken that may be told.
void check_taken(sync::Taken taken) {
  if (!taken.valid()) return;
  for (auto const& span : taken.open) {
    fuzz::require(!taken.covers(span.first) && !taken.covers(span.last), "what is open was not taken");
    fuzz::require(taken.find_open(span.first) == &span, "a span is found by its cursor");
  }
  fuzz::require(!taken.covers({0}) && !taken.covers({taken.upto.value + 1}), "nothing lies outside");
  auto const before = taken;
  if (!taken.shorten()) return;
  fuzz::require(taken.valid(), "what is shortened is a good record");
  fuzz::require(wire::encode(taken).size() < wire::encode(before).size(), "what is shortened is shorter");
  for (auto const& span : before.open)
    fuzz::require(!taken.covers(span.first) && !taken.covers(span.last), "it says that more is open, never less");
}

void check_container(testing::ObjectWorld const& world, ByteView plain) {
  auto const chunks = sync::open_container(world.chunk_key(), plain);
  if (!chunks) return;
  fuzz::require(chunks->size() <= sync::ContainerIndex::kMostChunks, "a container keeps its limit");
  for (auto const& [id, bytes] : *chunks) {
    fuzz::require(bytes.size() <= kLimits.max_chunk_bytes, "a chunk keeps its limit");
    fuzz::require(files::chunk_id(world.chunk_key(), bytes) == id, "a chunk is what its name says");
  }
}

void check_chunk(fuzz::Input in) {
  auto const codec = static_cast<wire::ChunkCodec>(in.byte() % 4);
  auto const rest = in.rest();
  auto const chunk = files::unpack_chunk(codec, Bytes(rest.begin(), rest.end()));
  if (!chunk || codec == wire::ChunkCodec::raw) return;
  fuzz::require(chunk->size() <= kLimits.max_chunk_bytes, "a chunk keeps its limit");
  for (bool const slow : {false, true}) {
    auto packed = files::pack_chunk(*chunk, slow);
    fuzz::require(files::unpack_chunk(packed.codec, std::move(packed.bytes)) == chunk, "packing gives the chunk back");
  }
}

void check_presence(testing::ObjectWorld const& world, ByteView plain) {
  wire::RelayPresence::Slot slot{world.face, 1, world.sealed("presence", world.presence_context(), plain)};
  auto const opened = sync::open_presence(world.state(), samples::relay_key(), slot);
  if (!opened) return;
  fuzz::require(opened->presence.counter == slot.counter, "a presence is its slot's");
  fuzz::require(!opened->extras.taken || opened->extras.taken->valid(), "what was taken is told soundly or not at all");
}

void check_sealed(testing::ObjectWorld const& world, ByteView sealed) {
  wire::RelayPresence::Slot slot{world.face, 1, {}};
  slot.sealed.assign(sealed.begin(), sealed.end());
  fuzz::require(!sync::open_presence(world.state(), samples::relay_key(), slot),
                "no presence is at a place that it was not sealed for");
  fuzz::require(!sync::open_announcement(world.state(), world.here(), sealed),
                "nothing is announced where it was not sealed for");
  fuzz::require(!sync::open_object(world.state(), samples::counted<wire::ObjectId>(1), sealed),
                "no object opens under another name");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
  enum Mode : std::uint8_t { record, container, chunk, presence, announcement, sealed };
  static testing::ObjectWorld const world;
  fuzz::Input in(data, size);
  switch (in.byte() % 6) {
    case record:
      check_record<sync::Taken>(in.rest());
      check_record<sync::Announcement>(in.rest());
      check_record<sync::ContainerIndex>(in.rest());
      check_record<wire::Presence>(in.rest());
      if (auto taken = wire::decode<sync::Taken>(in.rest())) check_taken(std::move(*taken));
      break;
    case container: check_container(world, in.rest()); break;
    case chunk: check_chunk(in); break;
    case presence: check_presence(world, in.rest()); break;
    case announcement: {
      auto const box = world.sealed("object", bytes_of("announcement"), in.rest());
      auto const opened = sync::open_announcement(world.state(), world.here(), box);
      if (opened) fuzz::require(opened->device == world.device.identity.device(), "only its author announces");
      break;
    }
    default: check_sealed(world, in.rest()); break;
  }
  return 0;
}
