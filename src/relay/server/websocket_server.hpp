#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "base/bytes.hpp"
#include "base/ids.hpp"
#include "link/tcp/address.hpp"
#include "link/tcp/loop.hpp"
#include "relay/server/client_address.hpp"
#include "relay/server/error.hpp"
#include "relay/server/http.hpp"

namespace kith::relay::server {

/// Names one WebSocket connection of a server, never again another.
struct SocketId {
  std::uint64_t value = 0;
  friend auto operator<=>(SocketId const&, SocketId const&) = default;
};

/// What runs over WebSockets. All calls come on the loop's thread.
class SocketHandler {
 public:
  virtual ~SocketHandler() = default;
  /// @param client  whom limits count it for, as in HttpRequest
  virtual void on_open(SocketId socket, std::string const& client) = 0;
  /// The next bytes of binary messages, which are one stream: a message may come in pieces, so that nobody can make us
  /// hold more than one read.
  virtual void on_bytes(SocketId socket, ByteView bytes) = 0;
  virtual void on_closed(SocketId socket) = 0;  ///< the connection is gone; nothing is called for it after this
  /// Appends one binary message; false when there is nothing to send now. Asked again only when that one is written, so
  /// a slow reader's messages wait where their maker can count them.
  [[nodiscard]] virtual bool poll_transmit(SocketId socket, Bytes& out) = 0;
  /// Whether more of its bytes should be read now; looked at after on_bytes() and wake().
  [[nodiscard]] virtual bool reading(SocketId) const { return true; }
  [[nodiscard]] virtual bool done(SocketId socket) const = 0;  ///< to be closed when there is nothing more to send
};

/// How much of the machine strangers may use.
struct ServerLimits {
  std::size_t max_connections = 1000;
  std::size_t connections_per_client = 64;  ///< of one limit key
  std::size_t max_head_bytes = 16 * 1024;   ///< of an HTTP request
  std::size_t max_body_bytes = 64 * 1024;
  std::size_t max_message_bytes = 1258291;           ///< 1.2 MiB in one WebSocket message
  std::chrono::milliseconds within_head{10'000};     ///< from the connection's begin to the end of its first head
  std::chrono::milliseconds http_idle{30'000};       ///< from a response to the end of the next head
  std::chrono::milliseconds within_write{60'000};    ///< for one response or message to be taken
  std::chrono::milliseconds websocket_idle{60'000};  ///< without a byte; a ping asks for one after half of it
};

struct ServerSettings {
  link::HostPort listen;  ///< port 0 takes a free one; "::" listens on IPv4 as well
  ServerLimits limits = {};
  std::vector<IpRange> trusted_proxies = {};
  std::filesystem::path certificate = {};  ///< PEM, with its chain; empty: no TLS
  std::filesystem::path key = {};
};

/// What a server has seen since it began.
struct ServerCounts {
  std::uint64_t connections = 0;        ///< open now, of any kind
  std::uint64_t websockets = 0;         ///< open now
  std::uint64_t accepted = 0;           ///< connections
  std::uint64_t refused_full = 0;       ///< because max_connections were open
  std::uint64_t refused_client = 0;     ///< because the client had connections_per_client
  std::uint64_t timed_out = 0;          ///< closed because a deadline passed
  std::uint64_t received_bytes = 0;     ///< in WebSocket messages
  std::uint64_t transmitted_bytes = 0;  ///< in WebSocket messages
  std::uint64_t http_responses = 0;
};

/// Listens at one address and speaks HTTP/1.1 there and, upgraded by a GET of "/" or "/relay", WebSocket (RFC 6455).
/// Lives on its loop's thread; is made and destroyed there or while the loop does not run.
class WebSocketServer {
 public:
  /// @param sockets  outlives the server; null: no WebSockets here
  /// @return ServerError::bad_address, address_in_use, not_permitted, io, bad_certificate
  [[nodiscard]] static Result<std::unique_ptr<WebSocketServer>> open(link::Loop& loop, ServerSettings settings,
                                                                     HttpHandler http, SocketHandler* sockets);
  ~WebSocketServer();
  WebSocketServer(WebSocketServer const&) = delete;
  WebSocketServer& operator=(WebSocketServer const&) = delete;

  /// Looks whether there is something to send, whether to read on, and whether the handler is done with the connection.
  void wake(SocketId socket);
  /// Takes no new connections; those that are open go on.
  void stop_listening();
  /// Limits and proxies count for connections from now on; the certificate's files are read again.
  /// @return ServerError::bad_certificate: then the old certificate, limits and proxies stay
  [[nodiscard]] Result<> reload(ServerSettings const& settings);
  [[nodiscard]] std::uint16_t port() const;
  [[nodiscard]] ServerCounts counts() const;

  struct Hub;  ///< what the connections share, for the files of this class

 private:
  explicit WebSocketServer(std::shared_ptr<Hub> hub);
  std::shared_ptr<Hub> hub_;
};

}  // namespace kith::relay::server
