#include "cli/room_wait.hpp"

#include <algorithm>

namespace kith::cli {
namespace {

/// Whether kith goes on by itself when it is over, as the remedy promises.
bool no_room(Error const& error) { return engine::explain(error).code == "disk-full"; }

}  // namespace

void RoomWait::prepare() {
  // Shared, so that nobody takes this moment for a disk without room.
  static_cast<void>(engine::FileLock::try_take(client_.options().paths.room_lock, engine::FileLock::Kind::shared));
}

Result<> RoomWait::meet(Error const& error) {
  if (!no_room(error)) return fail(error);
  if (!std::exchange(waiting_, true)) {
    context_.fail(error);
    auto lock = engine::FileLock::try_take(client_.options().paths.room_lock);
    if (lock && *lock) told_.emplace(std::move(**lock));  // else another process of the home tells it, or nobody can
  }
  client_.disconnect(std::chrono::milliseconds{0});
  next_ = Clock::now() + after_;
  after_ = std::min<std::chrono::seconds>(2 * after_, kLast);
  return {};
}

Result<bool> RoomWait::try_again() {
  if (client_.network() != nullptr) return true;
  if (Clock::now() < next_) return false;
  KITH_CHECK(client_.connect());
  return true;
}

void RoomWait::over() {
  waiting_ = false;
  told_.reset();
  after_ = kFirst;
}

}  // namespace kith::cli
