#include "wire/noise_stream.hpp"

#include "base/assert.hpp"
#include "base/limits.hpp"

namespace kith::wire {
namespace {
constexpr std::size_t kLengthBytes = 2;
}

Result<std::optional<Bytes>> MessageSplitter::next(std::size_t max_bytes) {
  ByteView const held = ByteView{buffer_}.subspan(taken_);
  if (held.size() >= kLengthBytes) {
    std::size_t const length = load_be<std::uint16_t>(held.data());
    if (length > max_bytes) return fail(wire::WireError::too_large, CountDetail{length, max_bytes});
    if (held.size() >= kLengthBytes + length) {
      auto const message = held.subspan(kLengthBytes, length);
      taken_ += kLengthBytes + length;
      return Bytes(message.begin(), message.end());
    }
  }
  buffer_.erase(buffer_.begin(), buffer_.begin() + static_cast<std::ptrdiff_t>(taken_));
  taken_ = 0;
  return std::nullopt;
}

void append_message(Bytes& out, ByteView message) {
  KITH_ASSERT(message.size() <= kLimits.max_noise_message_bytes);
  append_be(out, static_cast<std::uint16_t>(message.size()));
  append(out, message);
}

}  // namespace kith::wire
