#include "wire/msgpack.hpp"

#include <limits>

#include "base/assert.hpp"
#include "base/text.hpp"

namespace kith::wire {
namespace {

// Tags of the MessagePack specification that kith uses.
constexpr std::uint8_t kFixArray = 0x90, kFixStr = 0xA0, kFalse = 0xC2, kTrue = 0xC3;
constexpr std::uint8_t kBin8 = 0xC4, kBin16 = 0xC5, kBin32 = 0xC6;
constexpr std::uint8_t kUint8 = 0xCC, kUint16 = 0xCD, kUint32 = 0xCE, kUint64 = 0xCF;
constexpr std::uint8_t kInt8 = 0xD0, kInt16 = 0xD1, kInt32 = 0xD2, kInt64 = 0xD3;
constexpr std::uint8_t kStr8 = 0xD9, kStr16 = 0xDA, kStr32 = 0xDB, kArray16 = 0xDC, kArray32 = 0xDD;
constexpr std::uint8_t kNegativeFix = 0xE0;

template <class T>
void tagged(Bytes& out, std::uint8_t tag, T value) {
  out.push_back(tag);
  append_be(out, value);
}

bool is_array(std::uint8_t tag) { return (tag & 0xF0) == kFixArray || tag == kArray16 || tag == kArray32; }
bool is_str(std::uint8_t tag) { return (tag & 0xE0) == kFixStr || (tag >= kStr8 && tag <= kStr32); }
bool is_bin(std::uint8_t tag) { return tag >= kBin8 && tag <= kBin32; }
bool is_integer(std::uint8_t tag) {
  return tag < 0x80 || tag >= kNegativeFix || (tag >= kUint8 && tag <= kUint64) || (tag >= kInt8 && tag <= kInt64);
}

}  // namespace

void Writer::array(std::size_t count) {
  if (count < 16) {
    out_.push_back(static_cast<std::uint8_t>(kFixArray | count));
  } else if (count <= 0xFFFF) {
    tagged(out_, kArray16, static_cast<std::uint16_t>(count));
  } else {
    tagged(out_, kArray32, static_cast<std::uint32_t>(count));
  }
}

void Writer::unsigned_integer(std::uint64_t value) {
  if (value < 0x80) {
    out_.push_back(static_cast<std::uint8_t>(value));
  } else if (value <= 0xFF) {
    tagged(out_, kUint8, static_cast<std::uint8_t>(value));
  } else if (value <= 0xFFFF) {
    tagged(out_, kUint16, static_cast<std::uint16_t>(value));
  } else if (value <= 0xFFFFFFFF) {
    tagged(out_, kUint32, static_cast<std::uint32_t>(value));
  } else {
    tagged(out_, kUint64, value);
  }
}

void Writer::integer(std::int64_t value) {
  auto const bits = static_cast<std::uint64_t>(value);
  if (value >= 0) {
    unsigned_integer(bits);
  } else if (value >= -32) {
    out_.push_back(static_cast<std::uint8_t>(bits));
  } else if (value >= std::numeric_limits<std::int8_t>::min()) {
    tagged(out_, kInt8, static_cast<std::uint8_t>(bits));
  } else if (value >= std::numeric_limits<std::int16_t>::min()) {
    tagged(out_, kInt16, static_cast<std::uint16_t>(bits));
  } else if (value >= std::numeric_limits<std::int32_t>::min()) {
    tagged(out_, kInt32, static_cast<std::uint32_t>(bits));
  } else {
    tagged(out_, kInt64, bits);
  }
}

void Writer::bin(ByteView bytes) {
  if (bytes.size() <= 0xFF) {
    tagged(out_, kBin8, static_cast<std::uint8_t>(bytes.size()));
  } else if (bytes.size() <= 0xFFFF) {
    tagged(out_, kBin16, static_cast<std::uint16_t>(bytes.size()));
  } else {
    tagged(out_, kBin32, static_cast<std::uint32_t>(bytes.size()));
  }
  append(out_, bytes);
}

void Writer::str(std::string_view text) {
  if (text.size() < 32) {
    out_.push_back(static_cast<std::uint8_t>(kFixStr | text.size()));
  } else if (text.size() <= 0xFF) {
    tagged(out_, kStr8, static_cast<std::uint8_t>(text.size()));
  } else if (text.size() <= 0xFFFF) {
    tagged(out_, kStr16, static_cast<std::uint16_t>(text.size()));
  } else {
    tagged(out_, kStr32, static_cast<std::uint32_t>(text.size()));
  }
  append(out_, bytes_of(text));
}

void Reader::fail(Error error) {
  if (!error_) error_ = std::move(error);
  in_ = {};
}

std::uint8_t Reader::byte() {
  if (in_.empty()) {
    fail(WireError::truncated);
    return 0;
  }
  auto const value = in_.front();
  in_ = in_.subspan(1);
  return value;
}

template <class T>
std::uint64_t Reader::big_endian() {
  if (in_.size() < sizeof(T)) {
    fail(WireError::truncated);
    return 0;
  }
  auto const value = load_be<T>(in_.data());
  in_ = in_.subspan(sizeof(T));
  return value;
}

/// A length behind one of three consecutive tags for 8, 16 and 32 bits.
std::size_t Reader::length(std::uint8_t tag8, std::uint8_t tag, std::uint64_t smallest_for_8) {
  std::uint64_t value = 0, smallest = 0;
  switch (tag - tag8) {
    case 0: value = big_endian<std::uint8_t>(), smallest = smallest_for_8; break;
    case 1: value = big_endian<std::uint16_t>(), smallest = 0x100; break;
    default: value = big_endian<std::uint32_t>(), smallest = 0x10000; break;
  }
  if (ok() && value < smallest) fail(WireError::not_canonical);
  return value;
}

ByteView Reader::take(std::size_t count, std::size_t max_bytes) {
  if (!ok()) return {};
  if (count > max_bytes) {
    fail({WireError::too_large, CountDetail{count, max_bytes}});
    return {};
  }
  if (count > in_.size()) {
    fail(WireError::truncated);
    return {};
  }
  auto const taken = in_.first(count);
  in_ = in_.subspan(count);
  return taken;
}

std::size_t Reader::array() {
  std::uint8_t const tag = byte();
  if (!ok()) return 0;
  if (!is_array(tag)) {
    fail(WireError::wrong_type);
    return 0;
  }
  std::uint64_t count = tag & 0x0F;
  if (tag == kArray16) {
    count = big_endian<std::uint16_t>();
    if (ok() && count < 16) fail(WireError::not_canonical);
  } else if (tag == kArray32) {
    count = big_endian<std::uint32_t>();
    if (ok() && count <= 0xFFFF) fail(WireError::not_canonical);
  }
  if (ok() && count > in_.size()) fail(WireError::truncated);  // each value takes at least one byte
  return ok() ? count : 0;
}

std::uint64_t Reader::unsigned_integer() {
  std::uint8_t const tag = byte();
  if (!ok() || tag < 0x80) return tag;
  std::uint64_t value = 0, smallest = 0;
  switch (tag) {
    case kUint8: value = big_endian<std::uint8_t>(), smallest = 0x80; break;
    case kUint16: value = big_endian<std::uint16_t>(), smallest = 0x100; break;
    case kUint32: value = big_endian<std::uint32_t>(), smallest = 0x10000; break;
    case kUint64: value = big_endian<std::uint64_t>(), smallest = 0x100000000; break;
    default: fail(is_integer(tag) ? WireError::bad_value : WireError::wrong_type);
  }
  if (ok() && value < smallest) fail(WireError::not_canonical);
  return ok() ? value : 0;
}

std::int64_t Reader::integer() {
  if (in_.empty()) {
    fail(WireError::truncated);
    return 0;
  }
  std::uint8_t const tag = in_.front();
  if (tag >= kNegativeFix) return static_cast<std::int8_t>(byte());
  if (tag < kInt8 || tag > kInt64) {
    std::uint64_t const value = unsigned_integer();
    if (value > static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max())) fail(WireError::bad_value);
    return ok() ? static_cast<std::int64_t>(value) : 0;
  }
  static_cast<void>(byte());
  std::int64_t value = 0, largest = 0;  // of the negative numbers that need this form
  switch (tag) {
    case kInt8: value = static_cast<std::int8_t>(big_endian<std::uint8_t>()), largest = -33; break;
    case kInt16: value = static_cast<std::int16_t>(big_endian<std::uint16_t>()), largest = -129; break;
    case kInt32: value = static_cast<std::int32_t>(big_endian<std::uint32_t>()), largest = -32769; break;
    default: value = static_cast<std::int64_t>(big_endian<std::uint64_t>()), largest = -2147483649LL; break;
  }
  if (ok() && value > largest) fail(WireError::not_canonical);
  return ok() ? value : 0;
}

bool Reader::boolean() {
  std::uint8_t const tag = byte();
  if (ok() && tag != kTrue && tag != kFalse) fail(WireError::wrong_type);
  return ok() && tag == kTrue;
}

ByteView Reader::bin(std::size_t max_bytes) {
  std::uint8_t const tag = byte();
  if (!ok()) return {};
  if (!is_bin(tag)) {
    fail(WireError::wrong_type);
    return {};
  }
  return take(length(kBin8, tag, 0), max_bytes);
}

std::string_view Reader::str(std::size_t max_bytes) {
  std::uint8_t const tag = byte();
  if (!ok()) return {};
  if (!is_str(tag)) {
    fail(WireError::wrong_type);
    return {};
  }
  auto const text = text_of(take((tag & 0xE0) == kFixStr ? tag & 0x1FU : length(kStr8, tag, 32), max_bytes));
  if (ok() && !is_utf8(text)) fail(WireError::not_utf8);
  return ok() ? text : std::string_view{};
}

Reader::Kind Reader::next_kind() const {
  if (in_.empty()) return Kind::none;
  std::uint8_t const tag = in_.front();
  if (is_array(tag)) return Kind::array;
  if (is_str(tag)) return Kind::str;
  if (is_bin(tag)) return Kind::bin;
  if (tag == kTrue || tag == kFalse) return Kind::boolean;
  return is_integer(tag) ? Kind::integer : Kind::none;
}

void Reader::skip_value(std::size_t depth) {
  constexpr auto kAnySize = std::numeric_limits<std::size_t>::max();
  switch (next_kind()) {
    case Kind::none: return fail(in_.empty() ? WireError::truncated : WireError::wrong_type);
    case Kind::boolean: static_cast<void>(boolean()); return;
    case Kind::bin: static_cast<void>(bin(kAnySize)); return;
    case Kind::str: static_cast<void>(str(kAnySize)); return;
    case Kind::integer:
      if (in_.front() == kUint64) {
        static_cast<void>(unsigned_integer());
      } else {
        static_cast<void>(integer());
      }
      return;
    case Kind::array:
      if (depth > kLimits.max_depth) return fail(WireError::too_deep);
      for (std::size_t left = array(); left > 0 && ok(); --left) skip_value(depth + 1);
      return;
  }
  KITH_UNREACHABLE();
}

ByteView Reader::value() {
  ByteView const start = in_;
  skip_value(1);
  return ok() ? start.first(start.size() - in_.size()) : ByteView{};
}

Result<> Reader::finish() {
  if (error_) return kith::fail(*error_);
  if (!in_.empty()) return kith::fail(WireError::trailing_bytes);
  return {};
}

}  // namespace kith::wire
