#pragma once

#include <optional>

#include "base/bytes.hpp"
#include "wire/error.hpp"

/// How Noise messages travel over a link: each behind its length as u16, big-endian. @see docs/spec/session.md
namespace kith::wire {

/// Cuts a stream of bytes into messages that each follow a u16 length, big-endian. Holds at most one message.
class MessageSplitter {
 public:
  void feed(ByteView bytes) { append(buffer_, bytes); }
  /// The next whole message; nullopt when more bytes are needed.
  /// @return WireError::too_large as soon as a length above `max_bytes` is seen
  [[nodiscard]] Result<std::optional<Bytes>> next(std::size_t max_bytes);

 private:
  Bytes buffer_;
  std::size_t taken_ = 0;
};

void append_message(Bytes& out, ByteView message);

}  // namespace kith::wire
