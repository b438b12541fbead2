#pragma once

#include <chrono>
#include <filesystem>
#include <optional>
#include <utility>

#include "engine/error.hpp"

namespace kith::engine {

/// A lock of the home on a file of its own (flock). Held while the object lives; the system takes it back when the
/// process dies. The file stays.
class FileLock {
 public:
  enum class Kind { exclusive, shared };
  /// @param file  made where it is missing, and not followed where it is a symbolic link
  /// @return nullopt where others hold it in a way that does not go together; EngineError::home_unusable with errno and
  ///         path
  [[nodiscard]] static Result<std::optional<FileLock>> try_take(std::filesystem::path const& file,
                                                                Kind kind = Kind::exclusive);
  /// The same, but tries for as long as `patience`.
  [[nodiscard]] static Result<std::optional<FileLock>> take(std::filesystem::path const& file, Kind kind,
                                                            std::chrono::milliseconds patience);
  /// Whether somebody holds it now, exclusively. Makes nothing, and keeps nothing.
  [[nodiscard]] static bool held(std::filesystem::path const& file);
  FileLock(FileLock&& other) noexcept : descriptor_(std::exchange(other.descriptor_, -1)) {}
  FileLock& operator=(FileLock&&) = delete;
  ~FileLock();

 private:
  explicit FileLock(int descriptor) : descriptor_(descriptor) {}
  int descriptor_;
};

}  // namespace kith::engine
