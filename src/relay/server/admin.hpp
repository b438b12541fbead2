#pragma once

#include <filesystem>
#include <functional>
#include <memory>

#include <nlohmann/json_fwd.hpp>

#include "link/tcp/loop.hpp"
#include "relay/server/error.hpp"

/// How an operator's commands reach a running relay: a unix socket in its data directory (0600, and whoever connects
/// must be the relay's own user or root). One line of JSON each way, then the connection ends:
///
///     {"command":"backup","to":"/srv/backup.db"}      {"ok":true,...} or {"ok":false,"error":"..."}
namespace kith::relay::server {

/// Answers one command; may answer later, on the loop's thread.
using AdminHandler = std::function<void(nlohmann::json const& command, std::function<void(nlohmann::json)> answer)>;

class AdminServer {
 public:
  /// Replaces a socket file that an earlier process has left.
  /// @return ServerError::io, not_permitted
  [[nodiscard]] static Result<std::unique_ptr<AdminServer>> open(link::Loop& loop, std::filesystem::path socket,
                                                                 AdminHandler handler);
  ~AdminServer();
  AdminServer(AdminServer const&) = delete;
  AdminServer& operator=(AdminServer const&) = delete;

  struct Impl;

 private:
  explicit AdminServer(std::shared_ptr<Impl> impl);
  std::shared_ptr<Impl> impl_;
};

/// Sends a command to the relay that has this socket, and waits for its answer.
/// @return ServerError::not_running where there is none; refused with its reason; io
[[nodiscard]] Result<nlohmann::json> ask_relay(std::filesystem::path const& socket, nlohmann::json const& command);

}  // namespace kith::relay::server
