#pragma once

#include <functional>
#include <string>
#include <vector>

#include "base/bytes.hpp"

/// One valid instance, or two, of everything that is sealed or signed.
namespace kith::testing {

/// Bytes that somebody checks before he believes them.
struct Structure {
  std::string name;
  Bytes good;
  /// Whether bytes are believed: opened, or verified, to a value. It may be asked any number of times.
  std::function<bool(ByteView)> accepted;
  /// So many bytes of it count; behind them is padding inside a seal, which says nothing.
  std::size_t counted = 0;
  /// Every so many bits are flipped: those for which a handshake is done anew take long.
  std::size_t every_bit = 1;
  /// A byte behind it is a fault, and neither padding nor the beginning of another message.
  bool ends = true;
};
[[nodiscard]] std::vector<Structure> sealed_structures();
[[nodiscard]] std::vector<Structure> signed_structures();
[[nodiscard]] std::vector<Structure> conversation_structures();

/// Two valid ones of a kind, taken apart into the same fields.
struct Pair {
  std::string name;
  std::vector<Bytes> one, other;
  /// Put together again.
  std::function<Bytes(std::vector<Bytes> const&)> joined;
  std::function<bool(ByteView)> accepted;
};
[[nodiscard]] std::vector<Pair> structure_pairs();

/// Bytes cut at these lengths; the rest is the last part.
[[nodiscard]] std::vector<Bytes> cut(ByteView bytes, std::vector<std::size_t> const& lengths);
[[nodiscard]] Bytes concatenated(std::vector<Bytes> const& parts);
/// The fields of a record's array, each as it is encoded; and the array of them.
[[nodiscard]] std::vector<Bytes> fields_of(ByteView record);
[[nodiscard]] Bytes array_of(std::vector<Bytes> const& fields);

}  // namespace kith::testing
