#pragma once

#include <future>
#include <map>
#include <thread>

#include "relay/server/raw_client_testing.hpp"
#include "relay/server/websocket_server.hpp"

/// A server on a loop of its own thread, for tests.
namespace kith::relay::server {

class ServerThread {
 public:
  explicit ServerThread(ServerSettings settings, HttpHandler http, SocketHandler* sockets = nullptr) {
    settings.listen = {"127.0.0.1", 0};
    server = WebSocketServer::open(loop, std::move(settings), std::move(http), sockets).value();
    port = server->port();
    thread_ = std::thread([this] { loop.run(); });
  }
  ~ServerThread() {
    loop.post([this] {
      server.reset();
      loop.post([this] { loop.stop(); });
    });
    thread_.join();
  }
  /// Runs a function on the loop's thread, and waits for it.
  template <class Work>
  auto on_loop(Work work) {
    std::packaged_task<std::invoke_result_t<Work>()> task(std::move(work));
    auto done = task.get_future();
    loop.post([&task] { task(); });
    return done.get();
  }
  ServerCounts counts() {
    return on_loop([this] { return server->counts(); });
  }
  /// Whether it holds within 5 s; looked at on the loop's thread.
  bool soon(std::function<bool(ServerCounts const&)> const& holds) {
    for (int tries = 0; tries < 500; ++tries) {
      if (on_loop([&] { return holds(server->counts()); })) return true;
      std::this_thread::sleep_for(std::chrono::milliseconds{10});
    }
    return false;
  }

  link::Loop loop;
  std::unique_ptr<WebSocketServer> server;
  std::uint16_t port = 0;

 private:
  std::thread thread_;
};

}  // namespace kith::relay::server
