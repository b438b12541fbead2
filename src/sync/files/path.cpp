#include "sync/files/path.hpp"

#include "base/assert.hpp"
#include "base/limits.hpp"
#include "base/text.hpp"
#include "sync/files/unicode.hpp"

namespace kith::files {
namespace {

constexpr std::string_view kReserved = ".kith";

/// Calls `visit` with each part; an empty text has one empty part.
template <class Visit>
void for_each_part(std::string_view text, Visit visit) {
  for (;;) {
    auto const slash = text.find('/');
    visit(text.substr(0, slash));
    if (slash == std::string_view::npos) return;
    text.remove_prefix(slash + 1);
  }
}

std::optional<PathFault> part_fault(std::string_view part) {
  if (part.empty()) return PathFault::empty_part;
  if (part == "." || part == "..") return PathFault::dot_part;
  if (part.size() > kLimits.max_path_part_bytes) return PathFault::part_too_long;
  if (part.size() >= kReserved.size() && bare_caseless(part) == kReserved) return PathFault::reserved;
  return std::nullopt;
}

}  // namespace

std::optional<PathFault> path_fault(std::string_view text) {
  if (text.empty()) return PathFault::empty;
  if (text.size() > kLimits.max_path_bytes) return PathFault::too_long;
  if (text.find('\0') != std::string_view::npos) return PathFault::nul;
  if (!is_utf8(text)) return PathFault::not_utf8;
  if (text.front() == '/') return PathFault::absolute;
  std::optional<PathFault> fault;
  for_each_part(text, [&](std::string_view part) {
    if (!fault) fault = part_fault(part);
  });
  return fault;
}

std::string_view path_fault_name(PathFault fault) {
  switch (fault) {
    case PathFault::empty: return "empty";
    case PathFault::absolute: return "absolute";
    case PathFault::empty_part: return "empty_part";
    case PathFault::dot_part: return "dot_part";
    case PathFault::nul: return "nul";
    case PathFault::not_utf8: return "not_utf8";
    case PathFault::reserved: return "reserved";
    case PathFault::part_too_long: return "part_too_long";
    case PathFault::too_long: return "too_long";
  }
  KITH_UNREACHABLE();
}

Result<RelPath> RelPath::parse(std::string_view text) {
  if (path_fault(text)) return fail(FilesError::bad_path, SubjectDetail{std::string(text)});
  return RelPath(std::string(text));
}

std::string_view RelPath::name() const {
  auto const slash = text_.rfind('/');
  return std::string_view(text_).substr(slash == std::string::npos ? 0 : slash + 1);
}

std::optional<RelPath> RelPath::parent() const {
  auto const slash = text_.rfind('/');
  if (slash == std::string::npos) return std::nullopt;
  return RelPath(text_.substr(0, slash));
}

std::vector<std::string_view> RelPath::parts() const {
  std::vector<std::string_view> out;
  for_each_part(text_, [&](std::string_view part) { out.push_back(part); });
  return out;
}

bool RelPath::is_below(RelPath const& directory) const {
  auto const& above = directory.text_;
  return text_.size() > above.size() && text_[above.size()] == '/' && text_.starts_with(above);
}

Result<RelPath> child(DirPath const& directory, std::string_view name) {
  std::string const text = directory ? directory->text() + '/' + std::string(name) : std::string(name);
  if (name.empty() || name.find('/') != std::string_view::npos) return fail(FilesError::bad_path, SubjectDetail{text});
  return RelPath::parse(text);
}

std::string name_key(RelPath const& path) { return nfc(path.text()); }

// Neither normal form nor folding makes or takes a slash, so a path may be mapped in one piece: no character decomposes
// to a slash, folds to one, or composes with one.
std::string clash_key(RelPath const& path) { return caseless(path.text()); }

}  // namespace kith::files
