#include "wire/device.hpp"

namespace kith::wire {

Bytes Devcert::signed_part() const {
  Bytes out;
  Encoder encoder(out);
  encoder(format, device, dx, created_s, caps);
  return out;
}

}  // namespace kith::wire
