#include "sync/files/conflict_name.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "base/encoding.hpp"
#include "base/limits.hpp"
#include "base/text.hpp"

namespace kith::files {
namespace {

/// What is longer is no extension but a name with a dot in it.
constexpr std::size_t kMaxExtensionBytes = 32;
constexpr std::size_t kAuthorDigits = 7;

/// Where the extension begins, its dot included; the name's length where it has none. Leading dots belong to the stem:
/// `.bashrc` has no extension.
std::size_t extension_start(std::string_view name) {
  auto const first = name.find_first_not_of('.');
  auto const dot = name.rfind('.');
  if (first == std::string_view::npos || dot == std::string_view::npos || dot < first) return name.size();
  std::size_t const length = name.size() - dot;
  return length > 1 && length <= kMaxExtensionBytes ? dot : name.size();
}

/// The longest prefix of at most `limit` bytes that ends between two characters.
std::string_view cut_utf8(std::string_view text, std::size_t limit) {
  if (text.size() <= limit) return text;
  while (limit > 0 && (static_cast<unsigned char>(text[limit]) & 0xC0) == 0x80) --limit;
  return text.substr(0, limit);
}

std::size_t room_for_name(RelPath const& path) {
  return std::min(kLimits.max_path_part_bytes, kLimits.max_path_bytes - (path.text().size() - path.name().size()));
}

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_hex(char c) { return is_digit(c) || (c >= 'a' && c <= 'f'); }

/// How many characters of `text` from `at` on are of a kind.
std::size_t run_of(std::string_view text, std::size_t at, bool (*kind)(char)) {
  std::size_t end = at;
  while (end < text.size() && kind(text[end])) ++end;
  return end - at;
}

/// The length of "<UTC>-<author, 7 hex>[-<number>]" at the beginning of a text; 0 where it begins with something else.
std::size_t tail_length(std::string_view text) {
  constexpr std::size_t kDateDigits = 8, kTimeDigits = 6;  // a date has more from the year 10000 on
  auto const dash = [&](std::size_t at) { return at < text.size() && text[at] == '-'; };
  std::size_t const date = run_of(text, 0, is_digit);
  if (date < kDateDigits || !dash(date) || run_of(text, date + 1, is_digit) != kTimeDigits) return 0;
  std::size_t const author = date + 1 + kTimeDigits + 1;
  if (!dash(author - 1) || run_of(text, author, is_hex) != kAuthorDigits) return 0;
  std::size_t const end = author + kAuthorDigits;
  std::size_t const number = dash(end) ? run_of(text, end + 1, is_digit) : 0;
  return number > 0 ? end + 1 + number : end;
}

}  // namespace

std::string compact_utc(WallTime time) {
  std::string out;
  for (char c : rfc3339(time)) {  // 2026-11-21T14:03:12Z
    if (c == 'T') out += '-';
    if (c >= '0' && c <= '9') out += c;
  }
  return out;
}

std::string_view conflict_stem(std::string_view name) { return name.substr(0, extension_start(name)); }

Result<RelPath> conflict_path(RelPath const& path, WallTime written, DeviceId const& author, std::uint32_t number) {
  auto const name = path.name();
  auto const stem = conflict_stem(name);
  auto const extension = name.substr(stem.size());
  std::string tail =
      fmt::format("{}{}-{}", kConflictMark, compact_utc(written), to_hex(author.view()).substr(0, kAuthorDigits));
  if (number > 1) tail += fmt::format("-{}", number);
  tail += extension;

  auto const parent = path.parent();
  std::size_t const room = room_for_name(path);
  auto const kept = tail.size() < room ? cut_utf8(stem, room - tail.size()) : std::string_view{};
  if (kept.empty()) return fail(FilesError::bad_path, SubjectDetail{path.text()});
  return child(parent, std::string(kept) + tail);
}

std::optional<ConflictName> parse_conflict_name(RelPath const& copy) {
  auto const name = copy.name();
  for (auto at = name.rfind(kConflictMark); at != std::string_view::npos && at > 0;
       at = name.rfind(kConflictMark, at - 1)) {
    auto const tail = name.substr(at + kConflictMark.size());
    auto const length = tail_length(tail);
    if (length == 0 || (length < tail.size() && tail[length] != '.')) continue;
    constexpr std::size_t kLongestCut = 3;  // bytes that a cut between characters may leave free
    return ConflictName{std::string(name.substr(0, at)), std::string(tail.substr(length)),
                        name.size() + kLongestCut >= room_for_name(copy)};
  }
  return std::nullopt;
}

}  // namespace kith::files
