#pragma once

#include "base/result.hpp"

namespace kith::wire {

enum class WireError {
  truncated,        ///< the bytes end inside a value
  trailing_bytes,   ///< bytes are left over after the value
  wrong_type,       ///< another MessagePack type than the field has, or one that kith never uses (float, map, ext, nil)
  wrong_length,     ///< an array with another number of fields, or an id with another number of bytes
  not_canonical,    ///< an integer or length that has a shorter form
  too_large,        ///< above the field's limit; the detail has the size and the limit
  too_deep,         ///< arrays nested deeper than Limits::max_depth
  not_utf8,         ///< text that is not well-formed UTF-8
  bad_value,        ///< a number outside the field's range, or parts that contradict each other
  unknown_magic,    ///< not something that kith wrote
  unknown_suite,    ///< a cryptographic suite of a later version; the detail names both
  unknown_version,  ///< a format of a later version; the detail names both
  unknown_type,     ///< a frame or message type that does not exist
};

[[nodiscard]] ErrorDomain const& error_domain(WireError);

}  // namespace kith::wire
