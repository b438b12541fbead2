#include "base/limits.hpp"
#include "property.hpp"
#include "sync/files/path.hpp"

/// Paths from other devices: none that is accepted leads out of its folder, and its parts make it up again.
extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
  using namespace kith;
  std::string_view const text = text_of({data, size});
  auto const path = files::RelPath::parse(text);
  auto const fault = files::path_fault(text);
  fuzz::require(path.has_value() != fault.has_value(), "a text is a path or has a fault");
  if (fault) {
    fuzz::require(!files::path_fault_name(*fault).empty(), "a fault has a name");
    fuzz::require(path.error().subject() == text, "an error names the path");
    return 0;
  }
  fuzz::require(path->text() == text, "a path is kept as it came");
  fuzz::require(text.size() <= kLimits.max_path_bytes && text.find('\0') == text.npos, "a path is one to the system");
  std::string joined;
  files::DirPath directory;
  for (auto const part : path->parts()) {
    fuzz::require(!part.empty() && part != "." && part != ".." && part.find('/') == part.npos,
                  "a part is a plain name");
    fuzz::require(part.size() <= kLimits.max_path_part_bytes, "a part keeps its limit");
    joined += (joined.empty() ? "" : "/") + std::string(part);
    auto const next = files::child(directory, part);
    fuzz::require(next.has_value() && next->text() == joined && next->name() == part,
                  "a child is its directory and its name");
    fuzz::require(next->parent() == directory, "a child's parent is its directory");
    if (directory)
      fuzz::require(next->is_below(*directory) && !directory->is_below(*next), "a child is below its directory");
    directory = *next;
  }
  fuzz::require(joined == text, "the parts make up the path");
  fuzz::require(!path->is_below(*path), "a path is not below itself");
  auto const key = files::name_key(*path);
  if (auto const normal = files::RelPath::parse(key)) {
    fuzz::require(files::name_key(*normal) == key, "a name key is its own");
    fuzz::require(files::clash_key(*normal) == files::clash_key(*path), "what is one name clashes as one");
  }
  return 0;
}
