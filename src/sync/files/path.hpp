#pragma once

#include <compare>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "sync/files/error.hpp"

/// Paths inside a folder, as they travel between devices. @see docs/spec/paths.md
namespace kith::files {

/// Why a text is no path.
enum class PathFault {
  empty,          ///< no text at all
  absolute,       ///< it begins with /
  empty_part,     ///< // inside, or / at the end
  dot_part,       ///< a part that is . or ..
  nul,            ///< a zero byte
  not_utf8,       ///< not well-formed UTF-8 (RFC 3629)
  reserved,       ///< a part that is .kith, in any letter case and with or without characters that show nothing
  part_too_long,  ///< a part of more than 255 bytes
  too_long,       ///< more than 4096 bytes
};

/// What is wrong with `text` as a path, nullopt where it is one.
[[nodiscard]] std::optional<PathFault> path_fault(std::string_view text);

/// The fault's name, for logs and JSON: "dot_part".
[[nodiscard]] std::string_view path_fault_name(PathFault fault);

/// A relative path that stays inside its folder: UTF-8, parts separated by /, none empty, `.`, `..` or `.kith`. Kept as
/// it was found: equal means equal bytes. Names that only look alike are a matter of name_key() and clash_key().
class RelPath {
 public:
  /// @return FilesError::bad_path with the text as detail
  [[nodiscard]] static Result<RelPath> parse(std::string_view text);

  [[nodiscard]] std::string const& text() const { return text_; }
  [[nodiscard]] std::string_view name() const;                ///< the last part
  [[nodiscard]] std::optional<RelPath> parent() const;        ///< nullopt for a path of one part: the folder's root
  [[nodiscard]] std::vector<std::string_view> parts() const;  ///< views into this path
  /// Whether this path lies below `directory`, at any depth.
  [[nodiscard]] bool is_below(RelPath const& directory) const;

  friend auto operator<=>(RelPath const&, RelPath const&) = default;

 private:
  explicit RelPath(std::string text) : text_(std::move(text)) {}
  std::string text_;
};

/// A directory of a folder; nullopt is its root.
using DirPath = std::optional<RelPath>;

/// The path of an entry of a directory. @return FilesError::bad_path for a name that cannot travel (or holds a /)
[[nodiscard]] Result<RelPath> child(DirPath const& directory, std::string_view name);

/// What two paths that name the same thing have in common: NFC. Unicode promises that it never changes for characters
/// that are assigned, so devices with different versions of Unicode agree on every name that both know.
[[nodiscard]] std::string name_key(RelPath const& path);

/// What two paths have in common that some file systems cannot hold both of: caseless and NFC, part by part.
[[nodiscard]] std::string clash_key(RelPath const& path);

}  // namespace kith::files
