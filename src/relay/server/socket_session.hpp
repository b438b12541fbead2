#pragma once

#include <boost/beast/http/message.hpp>
#include <boost/beast/http/string_body.hpp>
#include <boost/beast/websocket/stream.hpp>

#include "relay/server/server_hub.hpp"

namespace kith::relay::server {

/// One WebSocket: one read and one write at a time, and a handler that is asked for more when there is room for it.
///
///     Accepting -> Open -> Closing (the closing handshake) -> gone
class SocketSession final : public Session, public std::enable_shared_from_this<SocketSession> {
 public:
  using Hub = WebSocketServer::Hub;
  using Upgrade = beast::http::request<beast::http::string_body>;

  static void start(std::shared_ptr<Hub> hub, std::unique_ptr<ServerStream> stream, Hub::Ticket ticket,
                    std::string client, Instant accepted_by, Upgrade request);
  ~SocketSession() override;
  void expire() override;
  /// Sends what the handler has, one message at a time, or closes where it is done; reads on where it may.
  void wake();

 private:
  SocketSession(std::shared_ptr<Hub> hub, std::unique_ptr<ServerStream> stream, Hub::Ticket ticket, std::string client);
  void accept(Upgrade request);
  void on_accepted();
  void read_on();
  void pump();
  void on_read(error_code ec, std::size_t count);
  void on_written(error_code ec);
  void close(beast::websocket::close_code code);
  void gone();

  std::shared_ptr<Hub> hub_;
  std::unique_ptr<ServerStream> stream_;
  Hub::Ticket ticket_;
  std::string client_;
  std::optional<Registered> registered_;
  beast::websocket::stream<ServerStream&, false> socket_;  // without compression: what relays carry is sealed
  SocketId id_;
  std::shared_ptr<SocketSession> self_;  ///< while open_: the handler may be the only one to know of it
  Bytes incoming_;
  Bytes outgoing_;
  bool open_ = false;     ///< the handler knows of it
  bool writing_ = false;  ///< a message is on its way, or the handler is being asked for one
  bool reading_ = false;
  bool closing_ = false;
  beast::websocket::close_code close_code_ = beast::websocket::close_code::normal;
};

}  // namespace kith::relay::server
