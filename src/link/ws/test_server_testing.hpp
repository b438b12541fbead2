#pragma once

#include <atomic>
#include <functional>
#include <mutex>
#include <optional>
#include <thread>
#include <vector>

#include "base/bytes.hpp"
#include "link/ws/test_authority_testing.hpp"

namespace kith::link::testing {

/// The server's end of one connection, with blocking calls.
class ServerSide {
 public:
  virtual ~ServerSide() = default;
  /// Raw bytes, of the connection or what TLS carries. @return empty at the end
  virtual Bytes read_some() = 0;
  virtual bool write(ByteView bytes) = 0;

  struct HttpAsked {
    std::string method, target, bearer, body;
  };
  /// The next request; nullopt at the end.
  virtual std::optional<HttpAsked> asked() = 0;
  /// @param headers  whole lines
  virtual bool answer(unsigned status, std::string const& body, std::string const& headers = {}) = 0;

  struct Request {
    std::string target, host;
  };
  struct Message {
    Bytes bytes;
    bool text = false;
  };
  /// Accepts the WebSocket that the other side asks for; nullopt where it asks for none.
  virtual std::optional<Request> accept() = 0;
  /// The next message; nullopt at the end, be it with a closing or without.
  virtual std::optional<Message> receive() = 0;
  virtual bool send(ByteView bytes, bool text = false) = 0;
  virtual void close() = 0;
  [[nodiscard]] virtual bool closed_in_order() const = 0;  ///< the other side sent a closing
  [[nodiscard]] virtual int pings() const = 0;             ///< that receive() met
};

/// A server on the loopback address with a thread for each connection.
class TestServer {
 public:
  using Serve = std::function<void(ServerSide&)>;

  /// @param certificate  to serve with TLS
  explicit TestServer(Serve serve, std::optional<TestCertificate> const& certificate = std::nullopt);
  ~TestServer();  ///< ends all connections
  TestServer(TestServer const&) = delete;
  TestServer& operator=(TestServer const&) = delete;
  [[nodiscard]] std::uint16_t port() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

/// Accepts a WebSocket, sends back what comes, until the other side ends.
void echo(ServerSide& side);

}  // namespace kith::link::testing
