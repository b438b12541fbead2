#pragma once

#include <optional>

#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/message.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/string_body.hpp>

#include "relay/server/server_hub.hpp"

namespace kith::relay::server {

/// One connection that speaks HTTP/1.1, until it ends or becomes a WebSocket. Beast's callbacks keep it alive.
///
///     [Handshake ->] Head -> Body -> Answering -> Writing -> Head ...
///                      \-> WebSocket (SocketSession takes the stream)
class HttpSession final : public Session, public std::enable_shared_from_this<HttpSession> {
 public:
  using Hub = WebSocketServer::Hub;

  static void start(std::shared_ptr<Hub> hub, std::unique_ptr<ServerStream> stream, IpAddress peer, Hub::Ticket ticket);
  void expire() override {
    if (stream_) stream_->close();
  }

  using Parser = beast::http::request_parser<beast::http::string_body>;

 private:
  using Message = beast::http::response<beast::http::string_body>;

  HttpSession(std::shared_ptr<Hub> hub, std::unique_ptr<ServerStream> stream, IpAddress peer, Hub::Ticket ticket);
  void handshake();
  void read_head();
  void on_head(error_code ec);
  void read_body();
  void on_body(error_code ec);
  void upgrade();
  void too_many();
  void answer(HttpRequest request);
  void refuse(error_code ec);
  void respond(HttpResponse response, bool keep_alive);
  void on_written(error_code ec, bool keep_alive);
  void end();
  void linger(std::size_t most);
  [[nodiscard]] std::string client() const;
  [[nodiscard]] Instant in(std::chrono::milliseconds time) const { return Clock::now() + time; }

  std::shared_ptr<Hub> hub_;
  std::unique_ptr<ServerStream> stream_;  ///< null once it is a WebSocket's
  IpAddress peer_;
  Hub::Ticket ticket_;          ///< of the connection; null where a trusted proxy has it
  Hub::Ticket request_ticket_;  ///< then, of the request that is being answered
  std::optional<Registered> registered_;
  beast::flat_buffer buffer_;
  std::optional<Parser> parser_;
  std::optional<Message> message_;
  bool head_only_ = false;
};

}  // namespace kith::relay::server
