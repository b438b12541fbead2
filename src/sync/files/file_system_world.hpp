#pragma once

#include <functional>
#include <memory>
#include <string>

#include <gtest/gtest.h>

#include "sync/files/file_system.hpp"

/// For tests of and above a FileSystem: a disk that has a user besides kith.
namespace kith::files::conformance {

/// A file system and its user: someone whose programs change the same disk.
class World {
 public:
  virtual ~World() = default;
  virtual FileSystem& fs() = 0;
  virtual void write(std::string const& path, std::string_view text) = 0;    ///< in place; makes directories
  virtual void replace(std::string const& path, std::string_view text) = 0;  ///< a new file renamed over it
  virtual void make_directory(std::string const& path) = 0;
  virtual void make_symlink(std::string const& path, std::string const& target) = 0;
  virtual void make_pipe(std::string const& path) = 0;
  virtual void move(std::string const& from, std::string const& to) = 0;
  virtual void remove(std::string const& path) = 0;
  virtual std::optional<std::string> read(std::string const& path) = 0;
  virtual void later() = 0;  ///< enough time passes for timestamps to differ
};

struct NamedWorld {
  std::string name;
  std::function<std::unique_ptr<World>()> make;
};
inline void PrintTo(NamedWorld const& world, std::ostream* out) { *out << world.name; }

inline RelPath path(std::string_view text) { return *RelPath::parse(text); }
constexpr WallTime kNow{1795269792000};  // 2026-11-21T14:03:12Z
constexpr auto kStamp = "20261121-140312";

/// The names of a listing, each with a blank after it, or its error.
inline std::string joined(Result<std::vector<Entry>> const& entries) {
  if (!entries) return entries.error().name();
  std::string out;
  for (auto const& entry : *entries) out += entry.name + ' ';
  return out;
}

/// Whether a Result failed with `error`.
template <class T>
::testing::AssertionResult fails_with(Result<T> const& result, FilesError error) {
  if (!result && result.error().is(error)) return ::testing::AssertionSuccess();
  return ::testing::AssertionFailure() << (result ? "it succeeded" : result.error().name());
}

}  // namespace kith::files::conformance
