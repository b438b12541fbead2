#include "wire/frame.hpp"

#include "base/assert.hpp"

namespace kith::wire {
namespace {

constexpr std::size_t kLengthBytes = 4;

template <class T>
Result<Frame> decode_as(ByteView payload) {
  KITH_TRY(frame, decode<T>(payload));
  return Frame{std::move(frame)};
}

/// What a frame's bytes are where the payload is put as it is. @return its length
template <class T>
std::size_t append_frame(Bytes& out, T const& payload) {
  std::size_t const start = out.size();
  append_be(out, std::uint32_t{0});
  out.push_back(static_cast<std::uint8_t>(T::kType));
  encode_to(out, payload);
  std::size_t const length = out.size() - start - kLengthBytes;
  store_be(out.data() + start, static_cast<std::uint32_t>(length));
  return length;
}

/// Contacts come from other devices' words, and are hints: those that do not fit are left out, the last first.
std::size_t append_frame(Bytes& out, Presence const& presence) {
  std::size_t const start = out.size();
  std::size_t length = append_frame<Presence>(out, presence);
  if (length <= kLimits.max_frame_bytes) return length;
  Presence shorter = presence;
  do {
    KITH_ASSERT(!shorter.contacts.empty());
    shorter.contacts.pop_back();
    out.resize(start);
    length = append_frame<Presence>(out, shorter);
  } while (length > kLimits.max_frame_bytes);
  return length;
}

}  // namespace

FrameType type_of(Frame const& frame) {
  return std::visit([]<class T>(T const&) { return T::kType; }, frame);
}

void encode_frame(Bytes& out, Frame const& frame) {
  std::size_t const length = std::visit([&](auto const& payload) { return append_frame(out, payload); }, frame);
  KITH_ASSERT(length <= kLimits.max_frame_bytes);
}

Result<Frame> decode_frame(ByteView in) {
  if (in.empty()) return fail(WireError::truncated);
  ByteView const payload = in.subspan(1);
  switch (static_cast<FrameType>(in.front())) {
    case FrameType::data: return decode_as<Data>(payload);
    case FrameType::file_chunk: return decode_as<FileChunk>(payload);
    case FrameType::presence: return decode_as<Presence>(payload);
    case FrameType::ack: return decode_as<Ack>(payload);
    case FrameType::tips: return decode_as<Tips>(payload);
    case FrameType::want: return decode_as<Want>(payload);
    case FrameType::chunk_want: return decode_as<ChunkWant>(payload);
    case FrameType::credit: return decode_as<Credit>(payload);
    case FrameType::ping: return decode_as<Ping>(payload);
    case FrameType::pong: return decode_as<Pong>(payload);
    case FrameType::close: return decode_as<Close>(payload);
    case FrameType::rekey: return decode_as<Rekey>(payload);
    case FrameType::digest_want: return decode_as<DigestWant>(payload);
    case FrameType::digest: return decode_as<Digest>(payload);
  }
  return fail(WireError::unknown_type, CountDetail{in.front(), 0});
}

Result<std::optional<Bytes>> FrameSplitter::next() {
  ByteView const held = ByteView{buffer_}.subspan(taken_);
  if (held.size() >= kLengthBytes) {
    std::size_t const length = load_be<std::uint32_t>(held.data());
    if (length == 0) return fail(WireError::truncated);
    if (length > kLimits.max_frame_bytes) {
      return fail(WireError::too_large, CountDetail{length, kLimits.max_frame_bytes});
    }
    if (held.size() >= kLengthBytes + length) {
      auto const frame = held.subspan(kLengthBytes, length);
      taken_ += kLengthBytes + length;
      return Bytes(frame.begin(), frame.end());
    }
  }
  buffer_.erase(buffer_.begin(), buffer_.begin() + static_cast<std::ptrdiff_t>(taken_));
  taken_ = 0;
  return std::nullopt;
}

}  // namespace kith::wire
