#pragma once

#include <algorithm>
#include <cstring>
#include <optional>

#include "base/bytes.hpp"

namespace kith::store {

/// Lexicographic order of unsigned bytes, a shorter key before its extensions: SQLite's order of blobs too.
struct KeyLess {
  using is_transparent = void;
  [[nodiscard]] bool operator()(ByteView a, ByteView b) const {
    auto const shared = std::min(a.size(), b.size());
    auto const order = shared == 0 ? 0 : std::memcmp(a.data(), b.data(), shared);  // an empty view may point nowhere
    return order != 0 ? order < 0 : a.size() < b.size();
  }
};

/// The keys from `first` on that are below `end`, if there is an end. It may be empty, with `first` >= `end`.
struct KeyRange {
  ByteView first;
  std::optional<Bytes> end;

  [[nodiscard]] bool empty() const { return end && !KeyLess{}(first, *end); }
};

/// The least key above all that begin with `prefix`: its last byte that can grow, grown. A prefix of 0xff bytes has
/// none.
[[nodiscard]] inline std::optional<Bytes> end_of_prefix(ByteView prefix) {
  while (!prefix.empty() && prefix.back() == 0xff) prefix = prefix.first(prefix.size() - 1);
  if (prefix.empty()) return std::nullopt;
  Bytes end(prefix.begin(), prefix.end());
  ++end.back();
  return end;
}

/// What Store::scan visits. `first` is one of the arguments, not a copy.
[[nodiscard]] inline KeyRange scan_range(ByteView prefix, ByteView from) {
  return {std::max(prefix, from, KeyLess{}), end_of_prefix(prefix)};
}

/// What Store::scan_back visits, from its last key down.
[[nodiscard]] inline KeyRange scan_back_range(ByteView prefix, ByteView from) {
  KeyRange range{prefix, end_of_prefix(prefix)};
  if (!from.empty()) {
    Bytes after_from(from.begin(), from.end());
    after_from.push_back(0);  // no key lies between k and k || 00
    if (!range.end || KeyLess{}(after_from, *range.end)) range.end = std::move(after_from);
  }
  return range;
}

}  // namespace kith::store
