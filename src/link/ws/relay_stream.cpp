#include "link/ws/relay_stream.hpp"

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl/context.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <openssl/x509v3.h>

namespace kith::link {
namespace {

using asio::ip::tcp;
using Socket = asio::basic_stream_socket<tcp, asio::io_context::executor_type>;
using Resolver = asio::ip::basic_resolver<tcp, asio::io_context::executor_type>;

constexpr auto kStagger = std::chrono::milliseconds{250};  // RFC 8305, section 5

/// The families in turn, beginning with that of the first (RFC 8305, section 4).
std::vector<tcp::endpoint> in_turn(Resolver::results_type const& found) {
  std::vector<tcp::endpoint> first, other, both;
  for (auto const& each : found) {
    bool const like_first = first.empty() || each.endpoint().protocol() == first.front().protocol();
    (like_first ? first : other).push_back(each.endpoint());
  }
  for (std::size_t i = 0; i < std::max(first.size(), other.size()); ++i) {
    if (i < first.size()) both.push_back(first[i]);
    if (i < other.size()) both.push_back(other[i]);
  }
  return both;
}

/// From a name to a connection: its endpoints, and sockets on their way to them. Whoever runs it waits on `changed`.
struct Race : std::enable_shared_from_this<Race> {
  explicit Race(asio::io_context& context) : io(context), changed(context), resolver(context) {}

  [[nodiscard]] awaitable<void> resolve(RelayAddress const& address) {
    auto const done = [race = shared_from_this()](error_code ec, Resolver::results_type const& found) {
      race->resolved = true;
      if (ec) race->last_error = ec;
      if (!ec) race->endpoints = in_turn(found);
      race->changed.cancel();
    };
    resolver.async_resolve(address.host, std::to_string(address.port), done);
    while (!resolved && !closed) co_await wait(kLong);
  }

  void start(tcp::endpoint const& endpoint) {
    auto const socket = std::make_shared<Socket>(io);
    sockets.push_back(socket);
    ++running;
    socket->async_connect(endpoint, [race = shared_from_this(), socket](error_code ec) {
      --race->running;
      if (ec) race->last_error = ec;
      if (!ec && !race->winner) race->winner = socket;
      race->changed.cancel();
    });
  }
  [[nodiscard]] awaitable<void> wait(std::chrono::milliseconds most) {
    changed.expires_after(most);
    co_await changed.async_wait(nothrow);
  }
  [[nodiscard]] awaitable<void> run() {
    for (auto each = endpoints.begin(); each != endpoints.end() && !winner && !closed; ++each) {
      start(*each);
      co_await wait(each + 1 == endpoints.end() ? kLong : kStagger);
    }
    while (running != 0 && !winner && !closed) co_await wait(kLong);
    std::erase(sockets, winner);
    end();
  }
  void end() {
    error_code ignored;
    closed = true;
    changed.cancel();
    for (auto const& socket : sockets) socket->close(ignored);
  }

  static constexpr auto kLong = std::chrono::hours{1};  // until something changes
  asio::io_context& io;
  Timer changed;
  Resolver resolver;
  std::vector<tcp::endpoint> endpoints;
  std::vector<std::shared_ptr<Socket>> sockets;
  std::shared_ptr<Socket> winner;
  std::size_t running = 0;
  error_code last_error = asio::error::host_unreachable;
  bool resolved = false;
  bool closed = false;
};

}  // namespace

struct RelayStream::Transport {
  explicit Transport(asio::io_context& context) : race(std::make_shared<Race>(context)), socket(context) {}

  /// Asks for a certificate that the system trusts and that is for the host.
  void set_up_tls(std::string const& host) {
    error_code ignored;
    trust.set_default_verify_paths(ignored);  // with none at all, nobody is trusted
    trust.set_verify_mode(asio::ssl::verify_peer, ignored);
    SSL_CTX_set_min_proto_version(trust.native_handle(), TLS1_2_VERSION);
    tls.emplace(socket, trust);
    auto* const handle = tls->native_handle();
    auto* const wanted = SSL_get0_param(handle);
    if (error_code no_ip; asio::ip::make_address(host, no_ip), !no_ip) {
      X509_VERIFY_PARAM_set1_ip_asc(wanted, host.c_str());
    } else {
      X509_VERIFY_PARAM_set_hostflags(wanted, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
      X509_VERIFY_PARAM_set1_host(wanted, host.c_str(), host.size());
      auto name = host;  // SSL_set_tlsext_host_name(), whose C cast is a warning
      SSL_ctrl(handle, SSL_CTRL_SET_TLSEXT_HOSTNAME, TLSEXT_NAMETYPE_host_name, name.data());
    }
  }

  std::shared_ptr<Race> race;
  bool closed = false;
  std::size_t readable = kAnyNumber;
  Socket socket;
  asio::ssl::context trust{asio::ssl::context::tls_client};
  std::optional<asio::ssl::stream<Socket&>> tls;
};

RelayStream::RelayStream(asio::io_context& context)
    : context_(context), transport_(std::make_shared<Transport>(context)) {}
RelayStream::~RelayStream() = default;

awaitable<Result<>> RelayStream::connect(RelayAddress const& address) {
  auto const where = host_port(address);
  auto& transport = *transport_;
  auto const late = [&] { return fail(LinkError::timed_out, SystemDetail{ETIMEDOUT, where}); };

  auto const race = transport.race;
  co_await race->resolve(address);
  if (!transport.closed) co_await race->run();
  if (transport.closed) co_return late();
  if (!race->winner) co_return fail(link_error(race->last_error, where));
  transport.socket = std::move(*race->winner);
  error_code ignored;
  transport.socket.set_option(tcp::no_delay(true), ignored);
  if (!address.tls) co_return Result<>{};

  transport.set_up_tls(address.host);
  auto const [tls_ec] = co_await transport.tls->async_handshake(asio::ssl::stream_base::client, nothrow);
  if (transport.closed) co_return late();
  if (!tls_ec) co_return Result<>{};
  if (auto const verdict = SSL_get_verify_result(transport.tls->native_handle()); verdict != X509_V_OK)
    co_return fail(LinkError::tls_untrusted, SubjectDetail{X509_verify_cert_error_string(verdict)});
  if (tls_ec.category() == asio::error::get_system_category()) co_return fail(link_error(tls_ec, where));
  co_return fail(LinkError::tls_failed, SubjectDetail{where});
}

void RelayStream::close() {
  error_code ignored;
  transport_->closed = true;
  transport_->race->end();
  transport_->socket.close(ignored);
}

void RelayStream::shutdown_send() {
  error_code ignored;
  transport_->socket.shutdown(Socket::shutdown_send, ignored);
}

void RelayStream::allow_to_read(std::size_t bytes) { transport_->readable = bytes; }

void RelayStream::start_read(asio::mutable_buffer to, std::unique_ptr<Completion> then) {
  auto& transport = *transport_;
  if (transport.readable == 0) {
    asio::post(context_, [then = std::move(then)] { then->complete(asio::error::message_size, 0); });
    return;
  }
  auto done = [alive = transport_, then = std::move(then)](error_code ec, std::size_t count) {
    if (alive->readable != kAnyNumber) alive->readable -= std::min(alive->readable, count);
    then->complete(ec, count);
  };
  auto const room = asio::buffer(to, transport.readable);
  if (transport.tls) {
    transport.tls->async_read_some(room, std::move(done));
  } else {
    transport.socket.async_read_some(room, std::move(done));
  }
}

void RelayStream::start_write(std::vector<asio::const_buffer> from, std::unique_ptr<Completion> then) {
  auto& transport = *transport_;
  auto done = [alive = transport_, then = std::move(then)](error_code ec, std::size_t count) {
    then->complete(ec, count);
  };
  if (transport.tls) {
    transport.tls->async_write_some(from, std::move(done));
  } else {
    transport.socket.async_write_some(from, std::move(done));
  }
}

}  // namespace kith::link
