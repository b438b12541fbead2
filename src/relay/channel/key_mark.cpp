#include "relay/channel/key_mark.hpp"

#include "base/encoding.hpp"

namespace kith::relay {

std::string key_mark(wire::RelayKey const& key) {
  auto const digits = to_hex(key.view());
  return digits.substr(0, 4) + "-" + digits.substr(4, 4) + "-" + digits.substr(8, 4);
}

}  // namespace kith::relay
