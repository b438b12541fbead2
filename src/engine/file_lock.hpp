#pragma once

#include <filesystem>
#include <optional>

#include "engine/error.hpp"

namespace kith::engine {

/// The right to be the one process of a home that talks to other devices. Held while the object lives; the system takes
/// it back when the process dies.
class NetworkLock {
 public:
  /// @return nullopt where another process holds it
  [[nodiscard]] static Result<std::optional<NetworkLock>> try_take(std::filesystem::path const& file);
  NetworkLock(NetworkLock&& other) noexcept : descriptor_(std::exchange(other.descriptor_, -1)) {}
  NetworkLock& operator=(NetworkLock&&) = delete;
  ~NetworkLock();

 private:
  explicit NetworkLock(int descriptor) : descriptor_(descriptor) {}
  int descriptor_;
};

}  // namespace kith::engine
