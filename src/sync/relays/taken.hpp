#pragma once

#include <optional>
#include <set>
#include <vector>

#include "sync/relays/object_book.hpp"

namespace kith::sync {

/// What a device has taken out of the objects at one relay: all chunks of every object that it found announced there up
/// to a cursor, but for some. It tells so beside its presence. Who left them there deletes what everybody has taken,
/// and so what is larger than the room at the relay gets through it piece by piece. It is what is so now, not what was
/// done: told twice, or not heard once, it means the same. @see docs/spec/objects.md
struct Taken {
  static constexpr std::size_t kMostOpen = 64;
  static constexpr std::size_t kMostLacked = 16;
  static constexpr std::size_t kMostBitBytes = (ContainerIndex::kMostChunks + 7) / 8;

  /// Cursors of announcements of which something may still be wanted.
  struct Open {
    wire::RelayCursor first;
    wire::RelayCursor last;
    /// Where it is one announcement, the chunks that were taken: the lowest bit of the first byte is the first chunk.
    /// No zeros at the end.
    Bytes bits;
    template <class Archive, class Self>
    static void fields(Archive& a, Self& s) {
      a(s.first, s.last, wire::blob(s.bits, kMostBitBytes));
    }
    friend bool operator==(Open const&, Open const&) = default;
  };
  std::uint64_t format = 1;
  wire::LogEpoch log_epoch;  ///< in which the cursors count
  wire::RelayCursor upto;
  std::vector<Open> open;  ///< ascending
  /// The first 8 bytes of chunks that it wants and finds nowhere there: whoever takes them for taken is wrong.
  std::vector<std::uint64_t> lacked;
  template <class Archive, class Self>
  static void fields(Archive& a, Self& s) {
    a(wire::version(s.format, 1), s.log_epoch, s.upto, wire::list(s.open, kMostOpen),
      wire::list(s.lacked, kMostLacked));
  }
  friend bool operator==(Taken const&, Taken const&) = default;

  [[nodiscard]] static std::uint64_t mark_of(ChunkId const& chunk);
  /// Whether the spans are in order, and bits stand at single cursors only.
  [[nodiscard]] bool valid() const;
  /// The open span that a cursor is in.
  [[nodiscard]] Open const* find_open(wire::RelayCursor cursor) const;
  [[nodiscard]] bool covers(wire::RelayCursor cursor) const {
    return cursor.value > 0 && cursor <= upto && find_open(cursor) == nullptr;
  }
  /// Makes it smaller: says that more is open than is. @return false where it cannot be
  bool shorten();
};

/// What a book says of this device.
[[nodiscard]] Taken taken_of(ObjectBook const& book, DeviceId const& self, wire::LogEpoch const& log_epoch,
                             wire::RelayCursor upto);

}  // namespace kith::sync
