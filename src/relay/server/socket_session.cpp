#include "relay/server/socket_session.hpp"

#include <boost/beast/http/write.hpp>

namespace kith::relay::server {
namespace {

namespace websocket = beast::websocket;

/// A connection that is idle owns a small buffer; one that fills it gets a large one until it is idle again.
constexpr std::size_t kIdleReadBytes = 256;
constexpr std::size_t kBusyReadBytes = 32 * 1024;
/// What an idle connection may keep of what its last message took.
constexpr std::size_t kIdleWriteBytes = 1024;

}  // namespace

void SocketSession::start(std::shared_ptr<Hub> hub, std::unique_ptr<ServerStream> stream, Hub::Ticket ticket,
                          std::string client, Instant accepted_by, Upgrade request) {
  std::shared_ptr<SocketSession> const session(
      new SocketSession(std::move(hub), std::move(stream), std::move(ticket), std::move(client)));
  session->registered_.emplace(session->hub_, session);
  session->hub_->by_socket.emplace(session->id_.value, session);
  session->deadline = accepted_by;
  session->accept(std::move(request));
}

SocketSession::SocketSession(std::shared_ptr<Hub> hub, std::unique_ptr<ServerStream> stream, Hub::Ticket ticket,
                             std::string client)
    : hub_(std::move(hub)),
      stream_(std::move(stream)),
      ticket_(std::move(ticket)),
      client_(std::move(client)),
      socket_(*stream_),
      id_{++hub_->last_socket},
      incoming_(kIdleReadBytes) {}

SocketSession::~SocketSession() {
  hub_->by_socket.erase(id_.value);
  gone();
}

void SocketSession::accept(Upgrade request) {
  auto const& limits = hub_->settings.limits;
  socket_.set_option(websocket::stream_base::timeout{limits.within_head, limits.websocket_idle, true});
  socket_.set_option(websocket::stream_base::decorator(
      [](websocket::response_type& response) { response.set(beast::http::field::server, "kith-relay"); }));
  socket_.read_message_max(limits.max_message_bytes);
  socket_.auto_fragment(false);  // a fragment of its own for each 4 KiB would cost a buffer and a copy
  socket_.binary(true);
  auto const kept = std::make_shared<Upgrade>(std::move(request));  // Beast reads it until it calls back
  socket_.async_accept(*kept, [self = shared_from_this(), kept](error_code ec) {
    if (!ec && !self->hub_->closed) self->on_accepted();
  });
}

void SocketSession::on_accepted() {
  deadline = Instant::max();
  open_ = true;
  self_ = shared_from_this();
  hub_->sockets->on_open(id_, client_);
  client_ = {};
  wake();
}

void SocketSession::wake() {
  pump();
  read_on();
}

void SocketSession::read_on() {
  if (!open_ || reading_ || closing_ || !hub_->sockets->reading(id_)) return;
  reading_ = true;
  socket_.async_read_some(asio::buffer(incoming_),
                          [self = shared_from_this()](error_code ec, std::size_t count) { self->on_read(ec, count); });
}

void SocketSession::on_read(error_code ec, std::size_t count) {
  reading_ = false;
  if (ec || hub_->closed) return gone();
  if (closing_) return;  // the closing handshake reads on its own
  if (!socket_.got_binary()) return close(websocket::close_code::unknown_data);
  hub_->counts.received_bytes += count;
  if (count > 0) hub_->sockets->on_bytes(id_, ByteView{incoming_}.first(count));
  if (count == incoming_.size() && count < kBusyReadBytes) {
    incoming_ = Bytes(kBusyReadBytes);
  } else if (count <= kIdleReadBytes && incoming_.size() > kIdleReadBytes) {
    incoming_ = Bytes(kIdleReadBytes);
  }
  wake();
}

void SocketSession::pump() {
  if (!open_ || writing_ || closing_) return;
  writing_ = true;
  outgoing_.clear();
  bool const more = hub_->sockets->poll_transmit(id_, outgoing_);
  if (!more) {
    writing_ = false;
    if (outgoing_.capacity() > kIdleWriteBytes) outgoing_ = {};
    if (hub_->sockets->done(id_)) close(websocket::close_code::normal);
    return;
  }
  deadline = Clock::now() + hub_->settings.limits.within_write;
  hub_->counts.transmitted_bytes += outgoing_.size();
  socket_.async_write(asio::buffer(outgoing_),
                      [self = shared_from_this()](error_code ec, std::size_t) { self->on_written(ec); });
}

void SocketSession::on_written(error_code ec) {
  writing_ = false;
  deadline = Instant::max();
  if (ec || hub_->closed) return expire();
  closing_ ? close(close_code_) : pump();
}

void SocketSession::close(websocket::close_code code) {
  closing_ = true;
  close_code_ = code;
  gone();  // whatever the client still does, nobody listens
  if (writing_) return;
  deadline = Clock::now() + hub_->settings.limits.within_head;
  socket_.async_close(code, [self = shared_from_this()](error_code) {});
}

void SocketSession::gone() {
  auto const self = std::exchange(self_, nullptr);
  if (!std::exchange(open_, false) || hub_->sockets == nullptr) return;
  hub_->sockets->on_closed(id_);
}

void SocketSession::expire() {
  stream_->close();
  if (hub_->closed || (!reading_ && !writing_)) gone();  // else the operation that ends tells
}

}  // namespace kith::relay::server
