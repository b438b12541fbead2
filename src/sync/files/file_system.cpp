#include "sync/files/file_system.hpp"

#include <algorithm>

#include "base/assert.hpp"
#include "sync/files/conflict_name.hpp"

namespace kith::files {

bool same_but_ctime(Stat const& a, Stat const& b) {
  Stat moved = a;
  moved.ctime_ns = b.ctime_ns;
  return moved == b;
}

bool trashed_before(std::string_view stamp, WallTime limit) {
  constexpr std::string_view kShape = "YYYYMMDD-HHMMSS";
  if (stamp.size() < kShape.size()) return false;
  for (std::size_t i = 0; i < kShape.size(); ++i) {
    bool const digit = stamp[i] >= '0' && stamp[i] <= '9';
    if (kShape[i] == '-' ? stamp[i] != '-' : !digit) return false;
  }
  return stamp.substr(0, kShape.size()) < compact_utc(limit);
}

bool TempName::valid(std::string_view text) {
  constexpr std::size_t kMaxBytes = 128;
  auto const allowed = [](char c) {
    return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c == '.' || c == '_' ||
           c == '-';
  };
  return !text.empty() && text.size() <= kMaxBytes && text.front() != '.' &&
         std::all_of(text.begin(), text.end(), allowed);
}

TempName::TempName(std::string text) : text_(std::move(text)) { KITH_ASSERT(valid(text_)); }

}  // namespace kith::files
