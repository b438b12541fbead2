#pragma once

#include <filesystem>
#include <memory>

#include "base/time.hpp"
#include "engine/error.hpp"

namespace kith::engine {

/// How the threads and processes of one home tell each other that the database has changed: each listener has a
/// named pipe in one directory, and whoever has committed writes a byte into all of them. What changed is in the
/// database; a ring says nothing but "look". Rings may be lost when a listener is behind, never when it is waiting.
///
/// Pipes and not sockets: they are opened beneath the directory's descriptor, so that a home may lie deeper than the
/// 108 bytes of a socket's address, without a detour through /proc: what that shows to a process that lets nobody look
/// into its memory is the system's to say.
class Doorbell {
 public:
  /// @param directory  private to the user (0700); made where it is missing
  [[nodiscard]] static Result<std::unique_ptr<Doorbell>> open(std::filesystem::path const& directory);
  ~Doorbell();
  Doorbell(Doorbell const&) = delete;
  Doorbell& operator=(Doorbell const&) = delete;

  /// Wakes every other listener of the home. Removes the pipes of processes that are gone.
  void ring();
  /// Takes all rings that have come. @return whether there was one
  bool take();
  /// Waits for a ring. @return false when the time is over
  bool wait(std::chrono::milliseconds most);
  [[nodiscard]] int descriptor() const { return pipe_; }  ///< readable when somebody rang

 private:
  Doorbell(int directory, int pipe, std::string name) : directory_(directory), pipe_(pipe), name_(std::move(name)) {}
  int directory_;
  int pipe_;
  std::string name_;
};

}  // namespace kith::engine
