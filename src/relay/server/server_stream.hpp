#pragma once

#include <memory>
#include <utility>

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl/context.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/beast/core/role.hpp>
#include <boost/beast/websocket/teardown.hpp>

/// For the files of WebSocketServer only: the stream under HTTP and WebSocket.
namespace kith::relay::server {

namespace asio = boost::asio;
namespace beast = boost::beast;
using boost::system::error_code;
using Socket = asio::basic_stream_socket<asio::ip::tcp, asio::io_context::executor_type>;

/// A TCP connection with TLS or without, one type, so that Beast's templates are compiled once. What TLS needs is only
/// there where it is used.
class ServerStream {
 public:
  using executor_type = Socket::executor_type;

  /// @param tls  null: none
  ServerStream(Socket socket, std::shared_ptr<asio::ssl::context> tls) : socket_(std::move(socket)) {
    if (tls) tls_ = std::make_unique<Tls>(std::move(tls), socket_);
  }
  /// Only before the handshake, of a stream whose TLS layer has not been used: the layer stays where it is.
  ServerStream(ServerStream&&) = delete;

  [[nodiscard]] executor_type get_executor() { return socket_.get_executor(); }
  [[nodiscard]] Socket& socket() { return socket_; }
  [[nodiscard]] bool is_tls() const { return tls_ != nullptr; }

  template <class Handler>
  void async_handshake(Handler&& handler) {
    tls_->stream.async_handshake(asio::ssl::stream_base::server, std::forward<Handler>(handler));
  }
  template <class Buffers, class Handler>
  void async_read_some(Buffers const& buffers, Handler&& handler) {
    if (tls_) {
      tls_->stream.async_read_some(buffers, std::forward<Handler>(handler));
    } else {
      socket_.async_read_some(buffers, std::forward<Handler>(handler));
    }
  }
  template <class Buffers, class Handler>
  void async_write_some(Buffers const& buffers, Handler&& handler) {
    if (tls_) {
      tls_->stream.async_write_some(buffers, std::forward<Handler>(handler));
    } else {
      socket_.async_write_some(buffers, std::forward<Handler>(handler));
    }
  }
  void close() {
    error_code ignored;
    socket_.close(ignored);
  }

 private:
  struct Tls {
    Tls(std::shared_ptr<asio::ssl::context> made_with, Socket& socket)
        : context(std::move(made_with)), stream(socket, *context) {}
    std::shared_ptr<asio::ssl::context> context;  ///< a reload replaces it for new connections only
    asio::ssl::stream<Socket&> stream;
  };
  Socket socket_;
  std::unique_ptr<Tls> tls_;
};

/// How Beast ends a stream after the closing handshake of a WebSocket. That handshake says that nothing was cut off, so
/// TLS need not say it again.
template <class Handler>
void async_teardown(beast::role_type role, ServerStream& stream, Handler&& handler) {
  beast::websocket::async_teardown(role, stream.socket(), std::forward<Handler>(handler));
}
inline void teardown(beast::role_type role, ServerStream& stream, error_code& ec) {
  beast::websocket::teardown(role, stream.socket(), ec);
}
/// How Beast ends a stream whose time is over.
inline void beast_close_socket(ServerStream& stream) { stream.close(); }

}  // namespace kith::relay::server
