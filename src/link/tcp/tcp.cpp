#include "link/tcp/tcp.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/experimental/awaitable_operators.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ip/v6_only.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <netinet/tcp.h>

#include "link/tcp/loop_impl.hpp"
#include "link/tcp/system_error.hpp"

namespace kith::link {
namespace {

using asio::awaitable;
using asio::ip::tcp;
using namespace asio::experimental::awaitable_operators;  // NOLINT(google-build-using-namespace): && and ||
using Socket = asio::basic_stream_socket<tcp, asio::io_context::executor_type>;
using Timer = asio::basic_waitable_timer<Clock, asio::wait_traits<Clock>, asio::io_context::executor_type>;
using Acceptor = asio::basic_socket_acceptor<tcp, asio::io_context::executor_type>;

constexpr auto nothrow = asio::as_tuple(asio::use_awaitable);

constexpr std::size_t kReadBytes = 64 * 1024;
/// Bytes that the kernel may hold unsent, so that a control frame does not wait behind megabytes of chunks.
constexpr int kUnsentBytes = 128 * 1024;
constexpr auto kStagger = std::chrono::milliseconds{250};  // RFC 8305, section 5
constexpr auto kLinger = std::chrono::seconds{2};
constexpr auto kAcceptPause = std::chrono::milliseconds{100};

std::string text_of_endpoint(tcp::endpoint const& endpoint) {
  auto address = endpoint.address();
  if (address.is_v6() && address.to_v6().is_v4_mapped()) {
    address = asio::ip::make_address_v4(asio::ip::v4_mapped, address.to_v6());
  }
  return to_text({address.to_string(), endpoint.port()});
}

void tune(Socket& socket) {
  error_code ignored;
  socket.set_option(tcp::no_delay(true), ignored);
  socket.set_option(asio::socket_base::keep_alive(true), ignored);
  int const unsent = kUnsentBytes;
  setsockopt(socket.native_handle(), IPPROTO_TCP, TCP_NOTSENT_LOWAT, &unsent, sizeof unsent);
}

/// Runs one machine over one socket: reads, writes, and keeps its deadlines. A deadline never interrupts an operation
/// to resume it: the machine says that it is done, the socket is closed, and everything returns.
class Connection {
 public:
  Connection(Socket socket, std::shared_ptr<StreamMachine> machine)
      : socket_(std::move(socket)),
        wake_(socket_.get_executor()),
        alarm_(socket_.get_executor()),
        machine_(std::move(machine)) {}

  awaitable<void> run() {
    tune(socket_);
    machine_->wake = [this] { wake(); };
    co_await (read() && write() && keep_time());
    machine_->wake = [] {};
    error_code ignored;
    socket_.close(ignored);
    machine_->on_closed();
  }

 private:
  void wake() {
    wake_.cancel();
    alarm_.cancel();
  }

  awaitable<void> read() {
    Bytes buffer(kReadBytes);
    while (!broken_) {
      auto const [ec, count] = co_await socket_.async_read_some(asio::buffer(buffer), nothrow);
      if (ec) {
        broken_ = true;
      } else if (!machine_->done()) {
        machine_->on_bytes(ByteView{buffer}.first(count));
      }
      wake();
    }
  }

  awaitable<void> write() {
    Bytes out;
    while (!broken_) {
      out.clear();
      if (machine_->poll_transmit(out)) {
        writing_ = true;
        auto const [ec, count] = co_await asio::async_write(socket_, asio::buffer(out), nothrow);
        writing_ = false;
        if (ec) broken_ = true;
        if (machine_->done()) wake();
      } else if (machine_->done()) {
        break;
      } else {
        wake_.expires_at(Clock::time_point::max());
        co_await wake_.async_wait(nothrow);
      }
    }
  }

  awaitable<void> keep_time() {
    while (!broken_ && !machine_->done()) {
      alarm_.expires_at(machine_->next_deadline().value_or(Clock::time_point::max()));
      auto const [ec] = co_await alarm_.async_wait(nothrow);
      if (!ec && !broken_) {
        machine_->on_timer();
        wake_.cancel();
      }
    }
    // The last words may still be on their way, and the other side's too: closing at once could destroy both.
    error_code ignored;
    for (auto const until = Clock::now() + kLinger; !broken_ && Clock::now() < until;) {
      if (!writing_) socket_.shutdown(Socket::shutdown_send, ignored);
      alarm_.expires_at(until);
      co_await alarm_.async_wait(nothrow);
    }
    broken_ = true;
    socket_.cancel(ignored);  // ends a pending read, and a write to somebody who takes nothing
    wake_.cancel();
  }

  Socket socket_;
  Timer wake_;
  Timer alarm_;
  std::shared_ptr<StreamMachine> machine_;
  bool writing_ = false;
  bool broken_ = false;
};

void start(asio::io_context& context, Socket socket, std::shared_ptr<StreamMachine> machine) {
  auto connection = std::make_shared<Connection>(std::move(socket), std::move(machine));
  asio::co_spawn(
      context, [connection]() -> awaitable<void> { co_await connection->run(); },
      [connection](std::exception_ptr failure) {
        if (failure) std::rethrow_exception(failure);  // out of memory; nothing else throws
      });
}

class Listener final : public TcpListener {
 public:
  Listener(asio::io_context& context, MachineFactory factory)
      : context_(context), state_(std::make_shared<State>(context, std::move(factory))) {}
  ~Listener() override {
    error_code ignored;
    state_->open = false;
    state_->acceptor.close(ignored);
    state_->pause.cancel();
  }

  Result<> listen(HostPort const& address) {
    error_code ec;
    auto const ip = asio::ip::make_address(address.host, ec);
    if (ec) return fail(LinkError::bad_address, SubjectDetail{to_text(address)});
    auto& acceptor = state_->acceptor;
    tcp::endpoint const endpoint(ip, address.port);
    acceptor.open(endpoint.protocol(), ec);
    if (!ec && ip.is_v6()) acceptor.set_option(asio::ip::v6_only(false), ec);
    if (!ec) acceptor.set_option(asio::socket_base::reuse_address(true), ec);
    if (!ec) acceptor.bind(endpoint, ec);
    if (!ec) acceptor.listen(asio::socket_base::max_listen_connections, ec);
    if (ec) return fail(link_error(ec, to_text(address)));
    asio::co_spawn(context_, accept(context_, state_), asio::detached);
    return {};
  }

  [[nodiscard]] std::uint16_t port() const override {
    error_code ec;
    return state_->acceptor.local_endpoint(ec).port();
  }

 private:
  struct State {
    State(asio::io_context& context, MachineFactory made_by)
        : acceptor(context), pause(context.get_executor()), factory(std::move(made_by)) {}
    Acceptor acceptor;
    Timer pause;
    MachineFactory factory;
    bool open = true;
  };

  static awaitable<void> accept(asio::io_context& context, std::shared_ptr<State> state) {
    while (state->open) {
      Socket socket(context);
      auto const [ec] = co_await state->acceptor.async_accept(socket, nothrow);
      if (!state->open) co_return;
      if (ec) {  // out of descriptors, most likely: wait for some to come back
        state->pause.expires_after(kAcceptPause);
        co_await state->pause.async_wait(nothrow);
        continue;
      }
      error_code gone;
      auto const remote = socket.remote_endpoint(gone);
      if (gone) continue;
      if (auto machine = state->factory(text_of_endpoint(remote)))
        start(context, std::move(socket), std::move(machine));
    }
  }

  asio::io_context& context_;
  std::shared_ptr<State> state_;
};

/// One race between the addresses of a device.
struct Race {
  Race(asio::io_context& io, MachineFactory made_by, std::function<void(Error)> if_failed)
      : context(io), connected(std::move(made_by)), failed(std::move(if_failed)), deadline(io.get_executor()) {}
  asio::io_context& context;
  MachineFactory connected;
  std::function<void(Error)> failed;
  Timer deadline;
  std::vector<std::shared_ptr<Socket>> sockets;
  std::size_t running = 0;
  bool decided = false;
  Error last_error = LinkError::unreachable;

  void give_up() {
    if (decided) return;
    decided = true;
    end();
    failed(last_error);
  }
  void end() {
    error_code ignored;
    deadline.cancel();
    for (auto const& socket : sockets) socket->close(ignored);
  }
};

awaitable<void> run_one(std::shared_ptr<Race> race, std::string address, std::chrono::milliseconds delay) {
  auto const finish = [&] {
    if (--race->running == 0) race->give_up();
  };
  Timer wait(race->context.get_executor());
  wait.expires_after(delay);
  co_await wait.async_wait(nothrow);
  if (race->decided) co_return;
  auto const parsed = parse_host_port(address);
  if (!parsed) {
    race->last_error = parsed.error();
    co_return finish();
  }
  asio::ip::basic_resolver<tcp, asio::io_context::executor_type> resolver(race->context);
  auto const [resolve_ec, found] = co_await resolver.async_resolve(parsed->host, std::to_string(parsed->port), nothrow);
  if (resolve_ec) race->last_error = link_error(resolve_ec, address);
  for (auto const& each : found) {
    if (race->decided) co_return;
    auto socket = std::make_shared<Socket>(race->context);
    race->sockets.push_back(socket);
    auto const [ec] = co_await socket->async_connect(each.endpoint(), nothrow);
    if (race->decided) co_return;
    if (ec) {
      race->last_error = link_error(ec, address);
      continue;
    }
    race->decided = true;
    Socket won = std::move(*socket);
    race->end();
    if (auto machine = race->connected(address)) start(race->context, std::move(won), std::move(machine));
    co_return;
  }
  finish();
}

awaitable<void> keep_deadline(std::shared_ptr<Race> race, std::chrono::milliseconds within, std::string subject) {
  race->deadline.expires_after(within);
  auto const [ec] = co_await race->deadline.async_wait(nothrow);
  if (ec || race->decided) co_return;
  race->last_error = {LinkError::timed_out, SystemDetail{ETIMEDOUT, std::move(subject)}};
  race->give_up();
}

}  // namespace

Result<std::unique_ptr<TcpListener>> TcpListener::open(Loop& loop, HostPort const& address, MachineFactory factory) {
  auto listener = std::make_unique<Listener>(loop.impl().context, std::move(factory));
  KITH_CHECK(listener->listen(address));
  return std::unique_ptr<TcpListener>(std::move(listener));
}

void dial(Loop& loop, std::vector<std::string> addresses, std::chrono::milliseconds within, MachineFactory connected,
          std::function<void(Error)> failed) {
  auto& context = loop.impl().context;
  auto race = std::make_shared<Race>(context, std::move(connected), std::move(failed));
  if (addresses.empty()) {
    loop.post([race] { race->give_up(); });
    return;
  }
  race->running = addresses.size();
  asio::co_spawn(context, keep_deadline(race, within, addresses.front()), asio::detached);
  for (std::size_t i = 0; i < addresses.size(); ++i) {
    asio::co_spawn(context, run_one(race, std::move(addresses[i]), kStagger * i), asio::detached);
  }
}

}  // namespace kith::link
