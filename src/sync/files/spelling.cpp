#include "sync/files/spelling.hpp"

#include "sync/files/unicode.hpp"

namespace kith::files {
namespace {

/// The name with small ASCII letters for capitals and the other way round; nullopt where it has none. Any disk that
/// ignores case takes it for the same.
std::optional<std::string> other_case(std::string_view name) {
  std::string other(name);
  bool any = false;
  for (char& c : other) {
    bool const letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
    if (letter) c = static_cast<char>(c ^ 0x20);
    any |= letter;
  }
  return any ? std::optional(std::move(other)) : std::nullopt;
}

}  // namespace

bool Spellings::otherwise(FileSystem& disk, RelPath const& path) {
  DirPath directory;
  for (auto const part : path.parts()) {
    auto const here = child(directory, part);
    if (!here || !disk.stat(*here)) return false;  // nothing there, or nothing that can be looked at
    if (last_part_otherwise(disk, directory, *here)) return true;
    directory = *here;
  }
  return false;
}

bool Spellings::last_part_otherwise(FileSystem& disk, DirPath const& directory, RelPath const& path) {
  if (auto const name = other_case(path.name())) {
    auto const other = child(directory, *name);
    if (other && !disk.stat(*other)) return false;  // this disk does not ignore case
  }
  if (!listed_ || listed_->directory != directory) {
    listed_.reset();
    auto const entries = disk.list(directory);
    if (!entries) return true;  // what cannot be known to be the same is not touched
    listed_.emplace(Listed{directory, {}});
    for (auto const& entry : *entries) listed_->names.insert(nfc(entry.name));
  }
  return !listed_->names.contains(nfc(path.name()));
}

}  // namespace kith::files
