#include "relay/rules/upload.hpp"

#include <utility>

namespace kith::relay {

Upload::Step Upload::add(wire::ObjPut const& piece) {
  if (piece.offset == 0) {
    bytes_ = {};
    object_.reset();
    refused_.reset();
    if (piece.total > wire::kRelayLimits.max_object_bytes) {
      refused_ = piece.object;
      return Step::too_large;
    }
    object_ = piece.object;
    total_ = piece.total;
  } else if (refused_ && *refused_ == piece.object) {
    return Step::more;
  }
  bool const follows = object_ && *object_ == piece.object && total_ == piece.total && bytes_.size() == piece.offset;
  // A piece of nothing could be repeated for ever.
  if (!follows || piece.bytes.empty() || piece.bytes.size() > total_ - bytes_.size()) return Step::not_due;
  append(bytes_, piece.bytes);
  return bytes_.size() == total_ ? Step::whole : Step::more;
}

Bytes Upload::take() {
  object_.reset();
  return std::exchange(bytes_, {});
}

}  // namespace kith::relay
