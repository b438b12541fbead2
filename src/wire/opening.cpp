#include "wire/opening.hpp"

#include <algorithm>

namespace kith::wire {
namespace {
constexpr std::array<std::uint8_t, 4> kMagic{'K', 'I', 'T', 'H'};
}

std::optional<std::uint8_t> Opening::common_version() const {
  std::uint8_t const newest = std::min(version_max, kProtocolMax);
  if (newest < std::max(version_min, kProtocolMin)) return std::nullopt;
  return newest;
}

Bytes encode(Opening const& opening) {
  Bytes out(kMagic.begin(), kMagic.end());
  out.push_back(static_cast<std::uint8_t>(opening.purpose));
  out.push_back(opening.version_min);
  out.push_back(opening.version_max);
  append_be(out, opening.features);
  return out;
}

Result<Opening> decode_opening(ByteView in) {
  if (!equal(in.first(std::min(in.size(), kMagic.size())),
             ByteView{kMagic}.first(std::min(in.size(), kMagic.size())))) {
    return fail(WireError::unknown_magic);
  }
  if (in.size() < Opening::kBytes) return fail(WireError::truncated);
  if (in.size() > Opening::kBytes) return fail(WireError::trailing_bytes);
  if (in[4] > static_cast<std::uint8_t>(Purpose::recovery)) return fail(WireError::unknown_type, CountDetail{in[4], 0});
  Opening const opening{static_cast<Purpose>(in[4]), in[5], in[6], load_be<std::uint32_t>(&in[7])};
  if (opening.version_min > opening.version_max) return fail(WireError::bad_value);
  return opening;
}

}  // namespace kith::wire
