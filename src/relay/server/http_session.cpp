#include "relay/server/http_session.hpp"

#include <boost/asio/write.hpp>
#include <boost/beast/http/read.hpp>
#include <boost/beast/http/write.hpp>
#include <boost/beast/websocket/rfc6455.hpp>

#include "relay/server/socket_session.hpp"

namespace kith::relay::server {
namespace {

namespace http = beast::http;

constexpr int kHttp11 = 11;
/// Longer than any answer is held back: one that never comes does not hold the connection for ever.
constexpr auto kWithinAnswer = std::chrono::minutes{2};
constexpr auto kLinger = std::chrono::seconds{2};
constexpr std::size_t kLingerBytes = 256 * 1024;
constexpr std::size_t kLingerReadBytes = 8 * 1024;
constexpr std::string_view kContinue = "HTTP/1.1 100 Continue\r\n\r\n";

std::string_view view(beast::string_view text) { return {text.data(), text.size()}; }

HttpResponse plain(http::status status) {
  auto const value = static_cast<unsigned>(status);
  return {value, "text/plain; charset=utf-8", std::string(view(http::obsolete_reason(status))) + "\n", {}};
}

/// Where a body ends must be beyond doubt: what a proxy in front took for a body could be read here as another request.
/// Beast takes a request with a coding that it does not know for one without a body, or with the length that it says,
/// and lengths in a list. RFC 9112, section 6.3
bool body_has_one_end(HttpSession::Parser::value_type const& request) {
  auto const codings = request.count(http::field::transfer_encoding);
  auto const lengths = request.count(http::field::content_length);
  if (codings == 0) return lengths <= 1 && request[http::field::content_length].find(',') == beast::string_view::npos;
  return codings == 1 && lengths == 0 && request.version() >= kHttp11 &&
         beast::iequals(request[http::field::transfer_encoding], "chunked");
}

}  // namespace

void HttpSession::start(std::shared_ptr<Hub> hub, std::unique_ptr<ServerStream> stream, IpAddress peer,
                        Hub::Ticket ticket) {
  std::shared_ptr<HttpSession> const session(
      new HttpSession(std::move(hub), std::move(stream), peer, std::move(ticket)));
  session->registered_.emplace(session->hub_, session);
  session->deadline = session->in(session->hub_->settings.limits.within_head);
  session->stream_->is_tls() ? session->handshake() : session->read_head();
}

HttpSession::HttpSession(std::shared_ptr<Hub> hub, std::unique_ptr<ServerStream> stream, IpAddress peer,
                         Hub::Ticket ticket)
    : hub_(std::move(hub)),
      stream_(std::move(stream)),
      peer_(peer),
      ticket_(std::move(ticket)),
      buffer_(hub_->settings.limits.max_head_bytes + hub_->settings.limits.max_body_bytes) {}

void HttpSession::handshake() {
  stream_->async_handshake([self = shared_from_this()](error_code ec) {
    if (!ec) self->read_head();
  });
}

void HttpSession::read_head() {
  parser_.emplace();
  parser_->header_limit(static_cast<std::uint32_t>(hub_->settings.limits.max_head_bytes));
  parser_->body_limit(hub_->settings.limits.max_body_bytes);
  http::async_read_header(*stream_, buffer_, *parser_,
                          [self = shared_from_this()](error_code ec, std::size_t) { self->on_head(ec); });
}

void HttpSession::on_head(error_code ec) {
  if (hub_->closed) return;
  if (ec) return refuse(ec);
  auto const& request = parser_->get();
  head_only_ = request.method() == http::verb::head;
  if (!body_has_one_end(request)) return respond(plain(http::status::bad_request), false);
  if (beast::websocket::is_upgrade(request)) return upgrade();
  // What a trusted proxy brings is of one client after the other: each counts until it has its answer.
  if (!ticket_ && (request_ticket_ = hub_->admit(client())) == nullptr) return too_many();
  deadline = in(hub_->settings.limits.within_head);
  if (!parser_->is_done() && beast::iequals(request[http::field::expect], "100-continue")) {
    asio::async_write(*stream_, asio::buffer(kContinue), [self = shared_from_this()](error_code failed, std::size_t) {
      if (!failed) self->read_body();
    });
  } else {
    read_body();
  }
}

void HttpSession::read_body() {
  http::async_read(*stream_, buffer_, *parser_,
                   [self = shared_from_this()](error_code ec, std::size_t) { self->on_body(ec); });
}

void HttpSession::on_body(error_code ec) {
  if (hub_->closed) return;
  if (ec) return refuse(ec);
  auto& request = parser_->get();
  std::string const target(view(request.target()));
  auto const question = std::min(target.find('?'), target.size());
  HttpRequest taken;
  taken.method = head_only_ ? "GET" : std::string(view(request.method_string()));
  taken.path = target.substr(0, question);
  taken.query = target.substr(std::min(question + 1, target.size()));
  taken.client = client();
  taken.authorization = std::string(view(request[http::field::authorization]));
  taken.body = std::move(request.body());
  answer(std::move(taken));
}

void HttpSession::answer(HttpRequest request) {
  bool const keep_alive = parser_->keep_alive();
  deadline = in(kWithinAnswer);
  // The connection waits for its answer in this callback and nowhere else.
  hub_->http(std::move(request), [self = shared_from_this(), keep_alive](HttpResponse response) {
    if (!self->hub_->closed && !self->message_) self->respond(std::move(response), keep_alive);
  });
}

void HttpSession::refuse(error_code ec) {
  using http::error;
  if (ec == error::header_limit) return respond(plain(http::status::request_header_fields_too_large), false);
  if (ec == error::body_limit || ec == error::buffer_overflow)
    return respond(plain(http::status::payload_too_large), false);
  bool const said_something = parser_->got_some();
  bool const understood = ec.category() != http::make_error_code(error::bad_version).category() ||
                          ec == error::end_of_stream || ec == error::partial_message;
  if (understood || !said_something) return end();
  respond(plain(http::status::bad_request), false);
}

void HttpSession::upgrade() {
  auto const& request = parser_->get();
  auto const path = view(request.target()).substr(0, request.target().find('?'));
  if (hub_->sockets == nullptr || (path != "/" && path != "/relay"))
    return respond(plain(http::status::not_found), false);
  auto const who = client();
  if (!ticket_ && (ticket_ = hub_->admit(who)) == nullptr) return too_many();
  SocketSession::start(hub_, std::move(stream_), std::move(ticket_), who, deadline, parser_->release());
}

void HttpSession::too_many() {
  ++hub_->counts.refused_client;
  auto response = plain(http::status::too_many_requests);
  response.headers.emplace_back("Retry-After", "10");
  respond(std::move(response), false);
}

void HttpSession::respond(HttpResponse response, bool keep_alive) {
  ++hub_->counts.http_responses;
  auto& message = message_.emplace(static_cast<http::status>(response.status), kHttp11);
  message.set(http::field::server, "kith-relay");
  message.set("X-Content-Type-Options", "nosniff");
  message.set("Referrer-Policy", "no-referrer");
  message.set("X-Frame-Options", "DENY");
  message.set("Cross-Origin-Resource-Policy", "same-origin");
  message.set("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'");
  message.set(http::field::cache_control, "no-store");
  if (!response.content_type.empty()) message.set(http::field::content_type, response.content_type);
  for (auto const& [name, value] : response.headers) message.set(name, value);
  message.keep_alive(keep_alive);
  if (response.status != static_cast<unsigned>(http::status::no_content)) message.content_length(response.body.size());
  if (!head_only_) message.body() = std::move(response.body);
  deadline = in(hub_->settings.limits.within_write);
  http::async_write(*stream_, message, [self = shared_from_this(), keep_alive](error_code ec, std::size_t) {
    self->on_written(ec, keep_alive);
  });
}

void HttpSession::on_written(error_code ec, bool keep_alive) {
  message_.reset();
  request_ticket_.reset();
  head_only_ = false;
  if (ec || !keep_alive || hub_->closed) return end();
  deadline = in(hub_->settings.limits.http_idle);
  read_head();
}

/// Lets the client read what was written: closing a socket that holds unread bytes would throw that away.
void HttpSession::end() {
  error_code ignored;
  stream_->socket().shutdown(Socket::shutdown_send, ignored);
  deadline = in(kLinger);
  linger(kLingerBytes);
}

void HttpSession::linger(std::size_t most) {
  buffer_.clear();
  stream_->socket().async_read_some(buffer_.prepare(kLingerReadBytes),
                                    [self = shared_from_this(), most](error_code ec, std::size_t count) {
                                      if (!ec && count < most) self->linger(most - count);
                                    });
}

std::string HttpSession::client() const {
  std::string forwarded;
  auto const [first, last] = parser_->get().equal_range("X-Forwarded-For");
  for (auto each = first; each != last; ++each) {
    if (!forwarded.empty()) forwarded += ',';
    forwarded += view(each->value());
  }
  return client_address(peer_, forwarded, hub_->settings.trusted_proxies).limit_key();
}

}  // namespace kith::relay::server
