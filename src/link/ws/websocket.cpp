#include "link/ws/websocket.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/experimental/awaitable_operators.hpp>
#include <boost/beast/http/error.hpp>
#include <boost/beast/websocket/stream.hpp>

#include "link/ws/relay_stream.hpp"

namespace kith::link {

namespace beast = boost::beast;
namespace websocket = beast::websocket;
namespace http = beast::http;

/// What Beast does with the connection below when a WebSocket has ended.
template <class Handler>
void async_teardown(beast::role_type, RelayStream& stream, Handler&& handler) {
  stream.shutdown_send();
  asio::post(stream.get_executor(), beast::bind_front_handler(std::forward<Handler>(handler), error_code{}));
}
inline void beast_close_socket(RelayStream& stream) { stream.close(); }

namespace {

using namespace asio::experimental::awaitable_operators;  // NOLINT(google-build-using-namespace): && and ||

constexpr std::size_t kReadBytes = 64 * 1024;
/// The masked copy of what goes out is made in pieces of this size: what one TLS record holds.
constexpr std::size_t kWriteBytes = 16 * 1024;
/// All that a relay may answer before the WebSocket is open.
constexpr std::size_t kMaxHandshakeBytes = 64 * 1024;
constexpr auto kLinger = std::chrono::seconds{2};

/// Why there is no WebSocket although somebody answers.
Error upgrade_error(error_code ec, unsigned status, std::string where) {
  if (ec == websocket::error::upgrade_declined) return {LinkError::not_websocket, CountDetail{status, 0}};
  bool const no_http = ec.category() == make_error_code(http::error::bad_version).category() ||
                       ec.category() == make_error_code(websocket::error::closed).category() ||
                       ec == asio::error::message_size || ec == asio::error::eof;
  if (no_http) return {LinkError::not_websocket, CountDetail{}};
  return link_error(ec, std::move(where));
}

/// Runs one machine over one WebSocket, like its twin over TCP: reads, writes, keeps the machine's deadlines and its
/// own.
class Connection : public std::enable_shared_from_this<Connection> {
 public:
  Connection(asio::io_context& context, KeepAlive const& keep_alive)
      : ws_(context), wake_(context), alarm_(context), pulse_(context), keep_alive_(keep_alive) {}

  awaitable<Result<>> open(RelayAddress const& address) {
    auto const connected = co_await ws_.next_layer().connect(address);
    if (!connected) co_return fail(connected.error());
    ws_.binary(true);
    ws_.auto_fragment(false);
    ws_.write_buffer_bytes(kWriteBytes);
    ws_.read_message_max(kMaxReceivedMessageBytes);
    ws_.control_callback([this](websocket::frame_type, beast::string_view) { heard_ = Clock::now(); });
    ws_.next_layer().allow_to_read(kMaxHandshakeBytes);
    websocket::response_type answer;
    auto const [ec] = co_await ws_.async_handshake(answer, host_header(address), address.path, nothrow);
    ws_.next_layer().allow_to_read(RelayStream::kAnyNumber);
    if (ec) co_return fail(upgrade_error(ec, answer.result_int(), host_port(address)));
    co_return Result<>{};
  }

  awaitable<void> run(std::shared_ptr<StreamMachine> machine) {
    machine_ = std::move(machine);
    machine_->wake = [this] { wake(); };
    heard_ = Clock::now();
    co_await (read() && write() && keep_time() && keep_open());
    machine_->wake = [] {};
    machine_->on_closed();
  }

  void close() { ws_.next_layer().close(); }

 private:
  void wake() {
    wake_.cancel();
    alarm_.cancel();
  }
  void end() {
    broken_ = true;
    pulse_.cancel();
    wake();
  }

  awaitable<void> read() {
    Bytes buffer(kReadBytes);
    while (!broken_) {
      auto const [ec, count] = co_await ws_.async_read_some(asio::buffer(buffer), nothrow);
      heard_ = Clock::now();
      if (ec || !ws_.got_binary()) {
        end();
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
        for (ByteView rest = out; !rest.empty() && !broken_;) {
          auto const message = rest.first(std::min(rest.size(), kMaxSentMessageBytes));
          rest = rest.subspan(message.size());
          auto const [ec, count] = co_await ws_.async_write(asio::buffer(message.data(), message.size()), nothrow);
          if (ec) end();
        }
        writing_ = false;
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
    // The last words may still be on their way: a WebSocket's closing waits until the other side has read them.
    for (auto const until = Clock::now() + kLinger; !broken_ && Clock::now() < until;) {
      if (!writing_ && !closing_) {
        closing_ = true;
        ws_.async_close(websocket::close_code::normal, [self = shared_from_this()](error_code) { self->end(); });
      }
      alarm_.expires_at(until);
      co_await alarm_.async_wait(nothrow);
    }
    end();
    close();  // ends a pending read, and a write to somebody who takes nothing
  }

  /// Pings, and ends what has fallen silent.
  awaitable<void> keep_open() {
    auto ping_at = Clock::now() + keep_alive_.ping;
    while (!broken_) {
      pulse_.expires_at(std::min(ping_at, heard_ + keep_alive_.silence));
      co_await pulse_.async_wait(nothrow);
      auto const now = Clock::now();
      if (now >= heard_ + keep_alive_.silence) end();
      if (broken_ || now < ping_at) continue;
      ping_at = now + keep_alive_.ping;
      if (pinging_ || closing_) continue;  // one waits already, behind somebody who takes nothing
      pinging_ = true;
      ws_.async_ping({}, [self = shared_from_this()](error_code) { self->pinging_ = false; });
    }
  }

  websocket::stream<RelayStream, false> ws_;  // false: nothing is compressed; it is encrypted
  Timer wake_;
  Timer alarm_;
  Timer pulse_;
  KeepAlive keep_alive_;
  std::shared_ptr<StreamMachine> machine_;
  Instant heard_;
  bool writing_ = false;
  bool pinging_ = false;
  bool closing_ = false;
  bool broken_ = false;
};

/// A connection until it is open or its time is over, whatever comes first.
struct Attempt {
  Attempt(asio::io_context& context, RelayAddress to, KeepAlive const& keep_alive)
      : address(std::move(to)), connection(std::make_shared<Connection>(context, keep_alive)), deadline(context) {}
  RelayAddress address;
  std::shared_ptr<Connection> connection;
  Timer deadline;
  MachineFactory connected;
  std::function<void(Error)> failed;
  bool decided = false;
};

awaitable<void> run(std::shared_ptr<Attempt> attempt) {
  auto const opened = co_await attempt->connection->open(attempt->address);
  if (attempt->decided) co_return;
  attempt->decided = true;
  attempt->deadline.cancel();
  auto const connection = attempt->connection;
  std::shared_ptr<StreamMachine> machine;
  if (!opened) {
    attempt->failed(opened.error());
  } else {
    machine = attempt->connected(host_port(attempt->address));
  }
  attempt.reset();
  if (machine) {
    co_await connection->run(std::move(machine));
  } else {
    connection->close();
  }
}

}  // namespace

void dial_websocket(Loop& loop, RelayAddress address, std::chrono::milliseconds within, MachineFactory connected,
                    std::function<void(Error)> failed, KeepAlive const& keep_alive) {
  auto& context = loop.impl().context;
  auto const attempt = std::make_shared<Attempt>(context, std::move(address), keep_alive);
  attempt->connected = std::move(connected);
  attempt->failed = std::move(failed);
  attempt->deadline.expires_after(within);
  attempt->deadline.async_wait([attempt](error_code ec) {
    if (ec || attempt->decided) return;
    attempt->decided = true;
    attempt->connection->close();
    attempt->failed({LinkError::timed_out, SystemDetail{ETIMEDOUT, host_port(attempt->address)}});
  });
  asio::co_spawn(context, run(attempt), [](std::exception_ptr failure) {
    if (failure) std::rethrow_exception(failure);  // out of memory; nothing else throws
  });
}

}  // namespace kith::link
