#pragma once

#include "cli/home_client.hpp"
#include "engine/file_lock.hpp"

namespace kith::cli {

/// What a command that stays does while the home's database finds no room: says so once, leaves the network, and comes
/// back to it ever more seldom, until all goes on. Other processes see by a lock that it waits: a row would take room.
class RoomWait {
 public:
  static constexpr auto kFirst = std::chrono::seconds{1};  ///< between two tries; then ever longer
  static constexpr auto kLast = std::chrono::seconds{30};

  RoomWait(Context& context, engine::Client& client) : context_(context), client_(client) {}

  /// To be called by who stays, while there is room: later the lock's file has only to be opened.
  void prepare();
  /// Takes note of a failure. @return the failure, where it is another one
  [[nodiscard]] Result<> meet(Error const& error);
  /// Connects again where it is time for that, or was never left. Else there is nothing to be done now but to wait.
  /// @return whether the client is on the network
  [[nodiscard]] Result<bool> try_again();
  [[nodiscard]] bool waiting() const { return waiting_; }
  /// Something was written that could not be, or all was looked at again.
  void over();

 private:
  Context& context_;
  engine::Client& client_;
  bool waiting_ = false;
  std::optional<engine::FileLock> told_;
  std::chrono::seconds after_ = kFirst;
  Instant next_;
};

}  // namespace kith::cli
