#include "sync/relays/container.hpp"

#include "crypto/padding.hpp"

namespace kith::sync {
namespace {

constexpr std::string_view kSubkey = "object";
constexpr std::string_view kAnnouncementContext = "announcement";
constexpr std::string_view kAnnouncementLabel = "kith/announce/1";
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

struct SignedAnnouncement {
  DeviceId device;
  Announcement announcement;
  crypto::Signature signature;
  template <class Archive, class Self>
  static void fields(Archive& a, Self& s) {
    a(s.device, s.announcement, s.signature);
  }
};

/// [group, relay, pseudonym, announcement]
Bytes signed_part(GroupId const& group, AnnouncedAt const& at, Announcement const& announcement) {
  Bytes out;
  wire::Encoder{out}(group, at.relay, at.sender, announcement);
  return out;
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

Result<std::vector<std::pair<ChunkId, Bytes>>> open_container(crypto::ChunkKey const& key, ByteView plain) {
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
    auto chunk = files::unpack_chunk(entry.codec, Bytes(sent.begin(), sent.end()));
    if (chunk && files::chunk_id(key, *chunk) == entry.id) chunks.emplace_back(entry.id, std::move(*chunk));
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

Bytes seal_announcement(core::Replica& replica, EpochId const& epoch, AnnouncedAt const& at,
                        Announcement const& announcement, RandomSource& random) {
  auto const& state = replica.state();
  SignedAnnouncement record{replica.self(), announcement, {}};
  record.signature = replica.identity().sign.sign(kAnnouncementLabel, signed_part(state.group(), at, announcement));
  Bytes const encoded = wire::encode(record);
  Bytes plain;
  append_be(plain, static_cast<std::uint32_t>(encoded.size()));
  append(plain, encoded);
  plain = padded(std::move(plain), kLimits.max_entry_plaintext_bytes);
  return core::seal_box(state.group(), *state.secret(epoch), kSubkey, bytes_of(kAnnouncementContext), plain, random);
}

Result<OpenedAnnouncement> open_announcement(core::GroupState const& state, AnnouncedAt const& at, ByteView sealed) {
  KITH_TRY(plain, core::open_box(state, kSubkey, bytes_of(kAnnouncementContext), sealed));
  if (plain.size() < kLengthBytes) return fail(wire::WireError::truncated);
  std::size_t const length = load_be<std::uint32_t>(plain.data());
  if (length > plain.size() - kLengthBytes) return fail(wire::WireError::truncated);
  KITH_TRY(record, wire::decode<SignedAnnouncement>(ByteView{plain}.subspan(kLengthBytes, length)));
  auto const* member = state.roster().find(record.device);
  if (member == nullptr) return fail(core::CoreError::unknown_device);
  if (member->state != core::MemberState::active) return fail(core::CoreError::removed_peer);
  auto const name = member->pseudonyms.find(at.relay);
  if (name == member->pseudonyms.end()) return fail(core::CoreError::unknown_device);
  bool const fits = name->second == at.sender &&
                    crypto::verify({record.device.bytes}, kAnnouncementLabel,
                                   signed_part(state.group(), at, record.announcement), record.signature);
  if (!fits) return fail(core::CoreError::bad_signature);
  return OpenedAnnouncement{record.device, std::move(record.announcement)};
}

}  // namespace kith::sync
