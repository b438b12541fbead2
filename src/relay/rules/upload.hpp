#pragma once

#include <optional>

#include "wire/relay.hpp"

namespace kith::relay {

/// Collects the pieces of one object, in order.
///
///     Empty --piece at 0--> Collecting --piece at the end of the last--> Collecting --last piece--> Empty
///     any --piece at 0 of an object that is too large--> Refused --its other pieces--> Refused
class Upload {
 public:
  enum class Step {
    more,       ///< taken; more is to come
    whole,      ///< that was the last: take()
    too_large,  ///< refused, once; the rest of it is passed over
    not_due,    ///< no piece that follows
  };
  [[nodiscard]] Step add(wire::ObjPut const& piece);
  /// The bytes of the object that has become whole.
  [[nodiscard]] Bytes take();

 private:
  std::optional<wire::ObjectId> object_;   ///< being collected
  std::optional<wire::ObjectId> refused_;  ///< being passed over
  std::uint32_t total_ = 0;
  Bytes bytes_;
};

}  // namespace kith::relay
