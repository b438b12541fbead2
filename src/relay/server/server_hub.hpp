#pragma once

#include <map>
#include <unordered_map>

#include "base/time.hpp"
#include "relay/server/server_stream.hpp"
#include "relay/server/websocket_server.hpp"

/// For the files of WebSocketServer only: what its connections share.
namespace kith::relay::server {

class SocketSession;

/// One open connection, for the sweep that closes those whose time is over.
class Session {
 public:
  virtual ~Session() = default;
  virtual void expire() = 0;          ///< closes the connection; its operations end with an error
  Instant deadline = Instant::max();  ///< of what the connection is at
};

struct WebSocketServer::Hub : std::enable_shared_from_this<Hub> {
  using Acceptor = asio::basic_socket_acceptor<asio::ip::tcp, asio::io_context::executor_type>;
  using Timer = asio::basic_waitable_timer<Clock, asio::wait_traits<Clock>, asio::io_context::executor_type>;

  Hub(asio::io_context& context, ServerSettings taken, HttpHandler handler, SocketHandler* over_sockets)
      : settings(std::move(taken)),
        http(std::move(handler)),
        sockets(over_sockets),
        acceptor(context),
        pause(context),
        sweep(context) {}

  [[nodiscard]] Result<> listen();
  [[nodiscard]] Result<> load_certificate();
  void accept();
  void sweep_later();
  void close();

  /// Counts a connection for a client, until the ticket is gone. Null: it has as many as it may.
  using Ticket = std::shared_ptr<void>;
  [[nodiscard]] Ticket admit(std::string const& client);

  ServerSettings settings;
  HttpHandler http;
  SocketHandler* sockets;  ///< null once the server is gone
  std::shared_ptr<asio::ssl::context> tls;
  Acceptor acceptor;
  Timer pause;  ///< of accepting, when the process has no descriptor left
  Timer sweep;
  bool closed = false;
  ServerCounts counts;
  std::uint64_t last_socket = 0;
  std::unordered_map<Session*, std::weak_ptr<Session>> sessions;
  std::unordered_map<std::uint64_t, std::weak_ptr<SocketSession>> by_socket;
  std::map<std::string, std::size_t> per_client;

 private:
  void welcome(Socket socket);
};

/// Enters a session into the hub's books for as long as it lives.
class Registered {
 public:
  Registered(std::shared_ptr<WebSocketServer::Hub> hub, std::shared_ptr<Session> const& session)
      : hub_(std::move(hub)), session_(session.get()) {
    hub_->sessions.emplace(session_, session);
  }
  Registered(Registered const&) = delete;
  Registered& operator=(Registered const&) = delete;
  ~Registered() { hub_->sessions.erase(session_); }

 private:
  std::shared_ptr<WebSocketServer::Hub> hub_;
  Session* session_;
};

}  // namespace kith::relay::server
