#include "sync/relays/container.hpp"

#include "crypto/padding.hpp"

namespace kith::sync {
namespace {

constexpr std::string_view kSubkey = "object";
constexpr std::string_view kAnnouncementContext = "announcement";
constexpr std::size_t kLengthBytes = 4;
/// An object's plain bytes at most.
constexpr std::size_t kMostPlainBytes = wire::kRelayLimits.max_object_bytes - core::kBoxOverheadBytes;
/// Of one index entry: id, codec, length, and their headers.
constexpr std::size_t kEntryBytes = 34 + 1 + 5 + 1;
constexpr std::size_t kIndexHeadBytes = 16;

Bytes padded(Bytes plain, std::size_t most) {
  plain.resize(std::min(crypto::padding_bucket(plain.size()), most));
  return plain;
}

}  // namespace

bool ContainerBuilder::add(ChunkId const& id, files::PackedChunk const& chunk) {
  std::size_t const index_bytes = kLengthBytes + kIndexHeadBytes + (index_.chunks.size() + 1) * kEntryBytes;
  if (index_.chunks.size() == ContainerIndex::kMostChunks) return false;
  if (index_bytes + chunks_.size() + chunk.bytes.size() > kMostPlainBytes) return false;
  index_.chunks.push_back({id, chunk.codec, static_cast<std::uint32_t>(chunk.bytes.size())});
  append(chunks_, chunk.bytes);
  return true;
}

std::vector<ChunkId> ContainerBuilder::chunks() const {
  std::vector<ChunkId> ids;
  for (auto const& entry : index_.chunks) ids.push_back(entry.id);
  return ids;
}

Bytes ContainerBuilder::finish() const {
  Bytes const index = wire::encode(index_);
  Bytes plain;
  append_be(plain, static_cast<std::uint32_t>(index.size()));
  append(plain, index);
  append(plain, chunks_);
  return padded(std::move(plain), kMostPlainBytes);
}

Result<std::vector<std::pair<ChunkId, Bytes>>> open_container(ByteView plain) {
  if (plain.size() < kLengthBytes) return fail(wire::WireError::truncated);
  std::size_t const length = load_be<std::uint32_t>(plain.data());
  if (length > plain.size() - kLengthBytes) return fail(wire::WireError::truncated);
  KITH_TRY(index, wire::decode<ContainerIndex>(plain.subspan(kLengthBytes, length)));
  ByteView rest = plain.subspan(kLengthBytes + length);
  std::vector<std::pair<ChunkId, Bytes>> chunks;
  for (auto const& entry : index.chunks) {
    if (entry.bytes > rest.size()) return fail(wire::WireError::truncated);
    auto const sent = rest.first(entry.bytes);
    rest = rest.subspan(entry.bytes);
    if (auto chunk = files::unpack_chunk(entry.codec, Bytes(sent.begin(), sent.end())))
      chunks.emplace_back(entry.id, std::move(*chunk));
  }
  return chunks;
}

Bytes seal_object(core::Replica& replica, EpochId const& epoch, wire::ObjectId const& object, ByteView plain,
                  RandomSource& random) {
  auto const& state = replica.state();
  return core::seal_box(state.group(), *state.secret(epoch), kSubkey, object.view(), plain, random);
}

Result<Bytes> open_object(core::GroupState const& state, wire::ObjectId const& object, ByteView sealed) {
  return core::open_box(state, kSubkey, object.view(), sealed);
}

Bytes seal_announcement(core::Replica& replica, EpochId const& epoch, Announcement const& announcement,
                        RandomSource& random) {
  auto const& state = replica.state();
  Bytes const record = wire::encode(announcement);
  Bytes plain;
  append_be(plain, static_cast<std::uint32_t>(record.size()));
  append(plain, record);
  plain = padded(std::move(plain), kLimits.max_entry_plaintext_bytes);
  return core::seal_box(state.group(), *state.secret(epoch), kSubkey, bytes_of(kAnnouncementContext), plain, random);
}

Result<Announcement> open_announcement(core::GroupState const& state, ByteView sealed) {
  KITH_TRY(plain, core::open_box(state, kSubkey, bytes_of(kAnnouncementContext), sealed));
  if (plain.size() < kLengthBytes) return fail(wire::WireError::truncated);
  std::size_t const length = load_be<std::uint32_t>(plain.data());
  if (length > plain.size() - kLengthBytes) return fail(wire::WireError::truncated);
  return wire::decode<Announcement>(ByteView{plain}.subspan(kLengthBytes, length));
}

}  // namespace kith::sync
