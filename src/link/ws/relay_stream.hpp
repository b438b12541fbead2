#pragma once

#include <iterator>
#include <limits>

#include <boost/asio/async_result.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/post.hpp>

#include "link/tcp/system_error.hpp"
#include "link/ws/asio_types.hpp"
#include "link/ws/relay_address.hpp"

namespace kith::link {

/// A connection to a relay, in the clear or through TLS: one type, so that Beast's templates are compiled once. It is
/// Asio's AsyncReadStream and AsyncWriteStream. One reader and one writer at a time; all on the loop's thread.
class RelayStream {
 public:
  using executor_type = asio::io_context::executor_type;

  explicit RelayStream(asio::io_context& context);
  ~RelayStream();
  RelayStream(RelayStream const&) = delete;
  RelayStream& operator=(RelayStream const&) = delete;

  /// Resolves the name, races the addresses (RFC 8305), and with TLS checks the certificate against the system's and
  /// the host's name. It has no deadline of its own: whoever has one calls close().
  [[nodiscard]] awaitable<Result<>> connect(RelayAddress const& address);
  /// Ends everything that is under way; can be called at any time, also twice.
  void close();
  /// No more bytes will be sent; the other side sees the end.
  void shutdown_send();
  /// From here on at most this many bytes are read; then a read fails with message_size.
  void allow_to_read(std::size_t bytes);
  static constexpr std::size_t kAnyNumber = std::numeric_limits<std::size_t>::max();

  [[nodiscard]] executor_type get_executor() const { return context_.get_executor(); }

  template <class Buffers, class Token>
  auto async_read_some(Buffers const& buffers, Token&& token) {
    return asio::async_initiate<Token, void(error_code, std::size_t)>(
        [this](auto&& handler, asio::mutable_buffer to) { start_read(to, erased(std::move(handler))); }, token,
        first_of(buffers));
  }
  template <class Buffers, class Token>
  auto async_write_some(Buffers const& buffers, Token&& token) {
    return asio::async_initiate<Token, void(error_code, std::size_t)>(
        [this](auto&& handler, std::vector<asio::const_buffer> from) {
          start_write(std::move(from), erased(std::move(handler)));
        },
        token,
        std::vector<asio::const_buffer>(asio::buffer_sequence_begin(buffers), asio::buffer_sequence_end(buffers)));
  }

 private:
  struct Transport;

  /// A handler of any type.
  class Completion {
   public:
    virtual ~Completion() = default;
    virtual void complete(error_code ec, std::size_t count) = 0;
  };
  template <class Handler>
  static std::unique_ptr<Completion> erased(Handler handler) {
    struct Held final : Completion {
      explicit Held(Handler one) : handler(std::move(one)) {}
      void complete(error_code ec, std::size_t count) override { std::move(handler)(ec, count); }
      Handler handler;
    };
    return std::make_unique<Held>(std::move(handler));
  }
  template <class Buffers>
  static asio::mutable_buffer first_of(Buffers const& buffers) {
    for (auto at = asio::buffer_sequence_begin(buffers); at != asio::buffer_sequence_end(buffers); ++at) {
      if (asio::mutable_buffer const one(*at); one.size() != 0) return one;
    }
    return {};
  }
  void start_read(asio::mutable_buffer to, std::unique_ptr<Completion> then);
  void start_write(std::vector<asio::const_buffer> from, std::unique_ptr<Completion> then);

  asio::io_context& context_;
  std::shared_ptr<Transport> transport_;  ///< alive as long as an operation on it
};

}  // namespace kith::link
