#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/time.hpp"

namespace kith {

/// Whether the bytes are well-formed UTF-8 (RFC 3629): no surrogates, no overlong forms, nothing above U+10FFFF.
[[nodiscard]] bool is_utf8(std::string_view text);

/// 'A' to 'Z' as small letters, whatever the locale; all else as it is.
[[nodiscard]] constexpr char ascii_lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

/// A text that came from a peer or a disk, safe to show on a terminal: control characters, bidirectional overrides and
/// bytes that are not UTF-8 become \x escapes, so that a device or file name can neither move the cursor nor hide
/// itself.
[[nodiscard]] std::string printable(std::string_view text);

/// 1572864 -> "1.5 MiB".
[[nodiscard]] std::string human_bytes(std::uint64_t bytes);

/// "2026-11-21T14:03:12Z" (RFC 3339, UTC, whole seconds).
[[nodiscard]] std::string rfc3339(WallTime time);

/// "10m", "90s", "2h", "7d", "1500ms"; nullopt for anything else or more than 10 years.
[[nodiscard]] std::optional<std::chrono::milliseconds> parse_duration(std::string_view text);

/// The member of `words` that is nearest to `typed` by edit distance, if it is near enough to be meant.
template <class Range>
[[nodiscard]] std::optional<std::string> nearest_word(std::string_view typed, Range const& words);

/// Slips between two words, in bytes: left out, too many, wrong, or two neighbours swapped (optimal string alignment).
[[nodiscard]] std::size_t edit_distance(std::string_view a, std::string_view b);

template <class Range>
std::optional<std::string> nearest_word(std::string_view typed, Range const& words) {
  std::optional<std::string> best;
  std::size_t best_distance = typed.size() / 3 + 2;  // one slip in short words, more in long ones
  for (auto const& word : words) {
    if (auto const distance = edit_distance(typed, word); distance < best_distance) {
      best_distance = distance;
      best = std::string(word);
    }
  }
  return best;
}

}  // namespace kith
