#include "link/ws/test_server_testing.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl/context.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/read.hpp>
#include <boost/beast/http/string_body.hpp>
#include <boost/beast/websocket/ssl.hpp>
#include <boost/beast/websocket/stream.hpp>

namespace kith::link::testing {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace websocket = beast::websocket;
using asio::ip::tcp;
using boost::system::error_code;

template <class Stream>
class Side final : public ServerSide {
 public:
  template <class... Args>
  explicit Side(Args&&... args) : ws_(std::forward<Args>(args)...) {
    ws_.read_message_max(64 << 20);
    ws_.control_callback([this](websocket::frame_type type, beast::string_view) {
      if (type == websocket::frame_type::ping) ++pings_;
      if (type == websocket::frame_type::close) closed_ = true;
    });
  }
  [[nodiscard]] Stream& stream() { return ws_.next_layer(); }

  Bytes read_some() override {
    Bytes bytes(4096);
    error_code ec;
    bytes.resize(stream().read_some(asio::buffer(bytes), ec));
    return bytes;
  }
  bool write(ByteView bytes) override {
    error_code ec;
    asio::write(stream(), asio::buffer(bytes.data(), bytes.size()), ec);
    return !ec;
  }
  std::optional<HttpAsked> asked() override {
    error_code ec;
    beast::http::request<beast::http::string_body> request;
    beast::http::read(stream(), buffer_, request, ec);
    if (ec) return std::nullopt;
    std::string right(request[beast::http::field::authorization]);
    if (right.starts_with("Bearer ")) right.erase(0, 7);
    return HttpAsked{std::string(request.method_string()), std::string(request.target()), std::move(right),
                     request.body()};
  }
  bool answer(unsigned status, std::string const& body, std::string const& headers) override {
    auto const length = status == 204 ? "" : "Content-Length: " + std::to_string(body.size()) + "\r\n";
    return write(bytes_of("HTTP/1.1 " + std::to_string(status) + " So\r\n" + headers + length + "\r\n" + body));
  }
  std::optional<Request> accept() override {
    error_code ec;
    beast::flat_buffer buffer;
    beast::http::request<beast::http::string_body> request;
    beast::http::read(stream(), buffer, request, ec);
    if (ec) return std::nullopt;
    ws_.accept(request, ec);
    if (ec) return std::nullopt;
    return Request{std::string(request.target()), std::string(request[beast::http::field::host])};
  }
  std::optional<Message> receive() override {
    error_code ec;
    beast::flat_buffer buffer;
    ws_.read(buffer, ec);
    if (ec) return std::nullopt;
    auto const* const data = static_cast<std::uint8_t const*>(buffer.data().data());
    return Message{Bytes(data, data + buffer.size()), ws_.got_text()};
  }
  bool send(ByteView bytes, bool text) override {
    error_code ec;
    ws_.text(text);
    ws_.write(asio::buffer(bytes.data(), bytes.size()), ec);
    return !ec;
  }
  void close() override {
    error_code ec;
    ws_.close(websocket::close_code::normal, ec);
  }
  [[nodiscard]] bool closed_in_order() const override { return closed_; }
  [[nodiscard]] int pings() const override { return pings_; }

 private:
  websocket::stream<Stream, false> ws_;
  beast::flat_buffer buffer_;  ///< what was read of the next request
  int pings_ = 0;
  bool closed_ = false;
};

}  // namespace

struct TestServer::Impl {
  Impl(Serve how, std::optional<TestCertificate> const& certificate)
      : serve(std::move(how)), acceptor(context, {asio::ip::address_v4::loopback(), 0}) {
    if (!certificate) return;
    tls.emplace(asio::ssl::context::tls_server);
    tls->use_certificate(asio::buffer(certificate->certificate), asio::ssl::context::pem);
    tls->use_private_key(asio::buffer(certificate->key), asio::ssl::context::pem);
  }

  void accept() {
    for (;;) {
      error_code ec;
      tcp::socket socket(context);
      acceptor.accept(socket, ec);
      std::lock_guard const lock(mutex);
      if (ec || ended) return;
      open.push_back(std::make_unique<tcp::socket>(std::move(socket)));
      threads.emplace_back([this, mine = open.back().get()] { run(*mine); });
    }
  }
  void run(tcp::socket& socket) {
    error_code ec;
    if (tls) {
      Side<asio::ssl::stream<tcp::socket&>> side(socket, *tls);
      side.stream().handshake(asio::ssl::stream_base::server, ec);
      if (!ec) serve(side);
    } else {
      Side<tcp::socket&> side(socket);
      serve(side);
    }
    socket.shutdown(tcp::socket::shutdown_both, ec);
  }

  Serve serve;
  asio::io_context context;
  std::optional<asio::ssl::context> tls;
  tcp::acceptor acceptor;
  std::mutex mutex;
  bool ended = false;
  std::vector<std::unique_ptr<tcp::socket>> open;
  std::vector<std::thread> threads;
  std::thread accepting;
};

TestServer::TestServer(Serve serve, std::optional<TestCertificate> const& certificate)
    : impl_(std::make_unique<Impl>(std::move(serve), certificate)) {
  impl_->accepting = std::thread([this] { impl_->accept(); });
}

TestServer::~TestServer() {
  {
    std::lock_guard const lock(impl_->mutex);
    impl_->ended = true;
    for (auto const& socket : impl_->open) ::shutdown(socket->native_handle(), SHUT_RDWR);
    ::shutdown(impl_->acceptor.native_handle(), SHUT_RDWR);
  }
  impl_->accepting.join();
  for (auto& thread : impl_->threads) thread.join();
}

std::uint16_t TestServer::port() const { return impl_->acceptor.local_endpoint().port(); }

void echo(ServerSide& side) {
  if (!side.accept()) return;
  while (auto const message = side.receive()) {
    if (!side.send(message->bytes)) return;
  }
}

}  // namespace kith::link::testing
