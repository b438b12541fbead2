#include "relay/server/websocket_server.hpp"

#include <boost/asio/ip/v6_only.hpp>
#include <netinet/tcp.h>

#include "link/tcp/loop_impl.hpp"
#include "relay/server/http_session.hpp"
#include "relay/server/server_hub.hpp"
#include "relay/server/socket_session.hpp"

namespace kith::relay::server {
namespace {

using asio::ip::tcp;
using namespace std::chrono_literals;

constexpr auto kAcceptPause = 100ms;
constexpr auto kSweep = 500ms;
/// Bytes that the kernel may hold unsent: what is further behind waits with its maker.
constexpr int kUnsentBytes = 128 * 1024;

void tune(Socket& socket) {
  error_code ignored;
  socket.set_option(tcp::no_delay(true), ignored);
  socket.set_option(asio::socket_base::keep_alive(true), ignored);
  int const unsent = kUnsentBytes;
  setsockopt(socket.native_handle(), IPPROTO_TCP, TCP_NOTSENT_LOWAT, &unsent, sizeof unsent);
}

/// Says why a connection is closed at once, where that costs nothing.
void turn_away(Socket& socket, bool tls, std::string_view answer) {
  error_code ignored;
  socket.non_blocking(true, ignored);
  if (!tls) socket.write_some(asio::buffer(answer), ignored);
  socket.shutdown(tcp::socket::shutdown_send, ignored);
  socket.close(ignored);
}

constexpr std::string_view kFull =
    "HTTP/1.1 503 Service Unavailable\r\nRetry-After: 10\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
constexpr std::string_view kTooManyOfOne =
    "HTTP/1.1 429 Too Many Requests\r\nRetry-After: 10\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";

}  // namespace

Result<> WebSocketServer::Hub::listen() {
  auto const name = link::to_text(settings.listen);
  error_code ec;
  auto const address =
      asio::ip::make_address(settings.listen.host == "localhost" ? "127.0.0.1" : settings.listen.host, ec);
  if (ec) return fail(ServerError::bad_address, SubjectDetail{name});
  tcp::endpoint const endpoint(address, settings.listen.port);
  acceptor.open(endpoint.protocol(), ec);
  if (!ec) acceptor.set_option(asio::socket_base::reuse_address(true), ec);
  if (!ec && address.is_v6()) acceptor.set_option(asio::ip::v6_only(!address.is_unspecified()), ec);
  if (!ec) acceptor.bind(endpoint, ec);
  if (!ec) acceptor.listen(asio::socket_base::max_listen_connections, ec);
  if (ec) return fail(system_error(ec.value(), name));
  return {};
}

Result<> WebSocketServer::Hub::load_certificate() {
  if (settings.certificate.empty()) {
    tls.reset();
    return {};
  }
  auto fresh = std::make_shared<asio::ssl::context>(asio::ssl::context::tls_server);
  error_code ec;
  auto const bad = [&](std::filesystem::path const& file) {
    return fail(ServerError::bad_certificate, SubjectDetail{file.native()});
  };
  fresh->set_options(asio::ssl::context::default_workarounds | asio::ssl::context::no_tlsv1 |
                         asio::ssl::context::no_tlsv1_1 | asio::ssl::context::no_compression,
                     ec);
  if (!ec) fresh->use_certificate_chain_file(settings.certificate.native(), ec);
  if (ec) return bad(settings.certificate);
  fresh->use_private_key_file(settings.key.native(), asio::ssl::context::pem, ec);
  if (ec || SSL_CTX_check_private_key(fresh->native_handle()) != 1) return bad(settings.key);
  tls = std::move(fresh);
  return {};
}

void WebSocketServer::Hub::accept() {
  acceptor.async_accept([self = shared_from_this()](error_code ec, Socket socket) {
    if (self->closed || !self->acceptor.is_open()) return;
    if (!ec) {
      self->welcome(std::move(socket));
      self->accept();
    } else {  // most likely no descriptor is left: some connection will end
      self->pause.expires_after(kAcceptPause);
      self->pause.async_wait([self](error_code over) {
        if (!over && !self->closed && self->acceptor.is_open()) self->accept();
      });
    }
  });
}

void WebSocketServer::Hub::welcome(Socket socket) {
  error_code ec;
  auto const peer = socket.remote_endpoint(ec);
  if (ec) return;
  auto const address = IpAddress::parse(peer.address().to_string());
  if (!address) return;
  ++counts.accepted;
  if (sessions.size() >= settings.limits.max_connections) {
    ++counts.refused_full;
    return turn_away(socket, tls != nullptr, kFull);
  }
  // Whom a trusted proxy serves is known when the head is there; it counts then.
  Ticket ticket;
  bool const proxy =
      std::ranges::any_of(settings.trusted_proxies, [&](auto const& range) { return range.contains(*address); });
  if (!proxy && (ticket = admit(address->limit_key())) == nullptr) {
    ++counts.refused_client;
    return turn_away(socket, tls != nullptr, kTooManyOfOne);
  }
  tune(socket);
  HttpSession::start(shared_from_this(), std::make_unique<ServerStream>(std::move(socket), tls), *address,
                     std::move(ticket));
}

WebSocketServer::Hub::Ticket WebSocketServer::Hub::admit(std::string const& client) {
  auto& count = per_client[client];
  if (count >= settings.limits.connections_per_client) {
    if (count == 0) per_client.erase(client);
    return nullptr;
  }
  ++count;
  return {this, [hub = shared_from_this(), client](void*) {
            auto const found = hub->per_client.find(client);
            if (--found->second == 0) hub->per_client.erase(found);
          }};
}

void WebSocketServer::Hub::sweep_later() {
  sweep.expires_after(kSweep);
  sweep.async_wait([self = shared_from_this()](error_code over) {
    if (over || self->closed) return;
    auto const now = Clock::now();
    std::vector<std::shared_ptr<Session>> late;
    for (auto const& [session, weak] : self->sessions) {
      if (session->deadline > now) continue;
      if (auto alive = weak.lock()) late.push_back(std::move(alive));
    }
    for (auto const& session : late) {
      ++self->counts.timed_out;
      session->deadline = Instant::max();
      session->expire();
    }
    self->sweep_later();
  });
}

void WebSocketServer::Hub::close() {
  closed = true;
  sockets = nullptr;
  http = nullptr;
  error_code ignored;
  acceptor.close(ignored);
  pause.cancel();
  sweep.cancel();
  std::vector<std::shared_ptr<Session>> all;
  for (auto const& [session, weak] : sessions)
    if (auto alive = weak.lock()) all.push_back(std::move(alive));
  for (auto const& session : all) session->expire();
}

Result<std::unique_ptr<WebSocketServer>> WebSocketServer::open(link::Loop& loop, ServerSettings settings,
                                                               HttpHandler http, SocketHandler* sockets) {
  auto hub = std::make_shared<Hub>(loop.impl().context, std::move(settings), std::move(http), sockets);
  KITH_CHECK(hub->load_certificate());
  KITH_CHECK(hub->listen());
  hub->accept();
  hub->sweep_later();
  return std::unique_ptr<WebSocketServer>(new WebSocketServer(std::move(hub)));
}

WebSocketServer::WebSocketServer(std::shared_ptr<Hub> hub) : hub_(std::move(hub)) {}
WebSocketServer::~WebSocketServer() { hub_->close(); }

void WebSocketServer::wake(SocketId socket) {
  auto const found = hub_->by_socket.find(socket.value);
  if (found == hub_->by_socket.end()) return;
  if (auto const session = found->second.lock()) session->wake();
}

void WebSocketServer::stop_listening() {
  error_code ignored;
  hub_->acceptor.close(ignored);
}

Result<> WebSocketServer::reload(ServerSettings const& settings) {
  auto old = std::exchange(hub_->settings, settings);
  hub_->settings.listen = old.listen;
  if (auto loaded = hub_->load_certificate(); !loaded) {
    hub_->settings = std::move(old);
    return loaded;
  }
  return {};
}

std::uint16_t WebSocketServer::port() const {
  error_code ignored;
  return hub_->acceptor.local_endpoint(ignored).port();
}

ServerCounts WebSocketServer::counts() const {
  auto counts = hub_->counts;
  counts.connections = hub_->sessions.size();
  counts.websockets = hub_->by_socket.size();
  return counts;
}

}  // namespace kith::relay::server
