#pragma once

#include <chrono>
#include <optional>

#include "base/time.hpp"
#include "core/records.hpp"

namespace kith::files {

/// When a folder's trash was last looked at, and since when its looks agree that the clock goes evenly.
///
/// What is in the trash is named by the clock's time, and a clock may be wrong: it may begin at 1970 until the network
/// sets it, or jump ahead by months. So nothing is deleted before looks have agreed for a day. After a jump the wait
/// begins anew, and so it does after the device was off for long, which looks the same. @see docs/spec/folders.md
struct TrashLook {
  static constexpr auto kWait = std::chrono::hours{24};
  /// Looks may be apart by half of the time that the trash is kept, or by this: a clock that jumps by less takes no
  /// more than half of that time away.
  static constexpr auto kLeastApart = std::chrono::hours{48};
  static constexpr auto kNoteEvery = std::chrono::hours{1};  ///< looks in between need not be kept

  WallTime at;
  WallTime even_since;

  /// The look that comes after `before`.
  [[nodiscard]] static TrashLook after(std::optional<TrashLook> const& before, WallTime now,
                                       std::chrono::milliseconds keep);
  [[nodiscard]] bool may_purge() const { return at.ms - even_since.ms >= std::chrono::milliseconds(kWait).count(); }

  void write(wire::Writer& writer) const { core::write_row(writer, at.ms, even_since.ms); }
  void read(wire::Reader& reader) { core::read_row(reader, at.ms, even_since.ms); }
  friend bool operator==(TrashLook const&, TrashLook const&) = default;
};

}  // namespace kith::files
