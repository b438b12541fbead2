#include "relay/server/admin.hpp"

#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/read_until.hpp>
#include <boost/asio/streambuf.hpp>
#include <boost/asio/write.hpp>
#include <nlohmann/json.hpp>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "link/tcp/loop_impl.hpp"
#include "relay/server/log.hpp"

namespace kith::relay::server {
namespace {

namespace asio = boost::asio;
using boost::system::error_code;
using nlohmann::json;
using Local = asio::local::stream_protocol;
using Stream = asio::basic_stream_socket<Local, asio::io_context::executor_type>;
using Acceptor = asio::basic_socket_acceptor<Local, asio::io_context::executor_type>;

constexpr std::size_t kMaxLineBytes = 16 * 1024;

bool is_ours(Stream& stream) {
  ucred peer{};
  socklen_t size = sizeof peer;
  return ::getsockopt(stream.native_handle(), SOL_SOCKET, SO_PEERCRED, &peer, &size) == 0 &&
         (peer.uid == ::geteuid() || peer.uid == 0);
}

/// One command; the callbacks keep it alive.
struct Talk : std::enable_shared_from_this<Talk> {
  explicit Talk(Stream taken) : stream(std::move(taken)) {}

  void run(AdminHandler const& handler) {
    asio::async_read_until(stream, asio::dynamic_buffer(line, kMaxLineBytes), '\n',
                           [self = shared_from_this(), handler](error_code ec, std::size_t count) {
                             if (!ec) self->obey(handler, count);
                           });
  }
  void obey(AdminHandler const& handler, std::size_t count) {
    auto const command = json::parse(line.substr(0, count), nullptr, false);
    if (!command.is_object()) return reply({{"ok", false}, {"error", "not a command"}});
    handler(command, [self = shared_from_this()](json answer) { self->reply(answer); });
  }
  void reply(json const& answer) {
    line = answer.dump() + "\n";
    asio::async_write(stream, asio::buffer(line), [self = shared_from_this()](error_code, std::size_t) {});
  }
  Stream stream;
  std::string line;
};

}  // namespace

struct AdminServer::Impl : std::enable_shared_from_this<Impl> {
  Impl(asio::io_context& context, std::filesystem::path path, AdminHandler taken)
      : acceptor(context), socket(std::move(path)), handler(std::move(taken)) {}

  Result<> listen() {
    ::unlink(socket.c_str());
    if (socket.native().size() >= sizeof(sockaddr_un::sun_path))
      return fail(system_error(ENAMETOOLONG, socket.native()));
    error_code ec;
    acceptor.open(Local(), ec);
    auto const before = ::umask(0177);
    if (!ec) acceptor.bind(Local::endpoint(socket.native()), ec);
    ::umask(before);
    if (!ec) acceptor.listen(8, ec);
    if (ec) return fail(system_error(ec.value(), socket.native()));
    return {};
  }
  void accept() {
    acceptor.async_accept([self = shared_from_this()](error_code ec, Stream stream) {
      if (!self->acceptor.is_open()) return;
      if (!ec && is_ours(stream)) {
        std::make_shared<Talk>(std::move(stream))->run(self->handler);
      } else if (!ec) {
        log::warn("admin.stranger");
      }
      self->accept();
    });
  }

  Acceptor acceptor;
  std::filesystem::path socket;
  AdminHandler handler;
};

Result<std::unique_ptr<AdminServer>> AdminServer::open(link::Loop& loop, std::filesystem::path socket,
                                                       AdminHandler handler) {
  auto impl = std::make_shared<Impl>(loop.impl().context, std::move(socket), std::move(handler));
  KITH_CHECK(impl->listen());
  impl->accept();
  return std::unique_ptr<AdminServer>(new AdminServer(std::move(impl)));
}

AdminServer::AdminServer(std::shared_ptr<Impl> impl) : impl_(std::move(impl)) {}
AdminServer::~AdminServer() {
  error_code ignored;
  impl_->acceptor.close(ignored);
  ::unlink(impl_->socket.c_str());
}

Result<json> ask_relay(std::filesystem::path const& socket, json const& command) {
  asio::io_context context;
  Stream stream(context);
  error_code ec;
  if (socket.native().size() >= sizeof(sockaddr_un::sun_path)) return fail(system_error(ENAMETOOLONG, socket.native()));
  stream.connect(Local::endpoint(socket.native()), ec);
  if (ec == asio::error::connection_refused || ec.value() == ENOENT)
    return fail(ServerError::not_running, SubjectDetail{socket.native()});
  auto line = command.dump() + "\n";
  if (!ec) asio::write(stream, asio::buffer(line), ec);
  line.clear();
  if (!ec) asio::read_until(stream, asio::dynamic_buffer(line), '\n', ec);
  if (ec)
    return fail(system_error(ec.category() == boost::system::system_category() ? ec.value() : EIO, socket.native()));
  auto answer = json::parse(line, nullptr, false);
  if (!answer.is_object()) return fail(system_error(EIO, socket.native()));
  if (!answer.value("ok", false)) return fail(ServerError::refused, SubjectDetail{answer.value("error", "")});
  return answer;
}

}  // namespace kith::relay::server
